//! What is in a cluster after everything, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use cluster::{Gvk, ObjectRef};
use release::{Record, Status};
use serde_json::{Value, json};

use crate::common::World;

const KINDS: [(&str, &str); 7] = [
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "ServiceAccount"),
    ("batch/v1", "Job"),
    ("apps/v1", "Deployment"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("coordination.k8s.io/v1", "Lease"),
];

/// What there is.
#[derive(Debug)]
pub(crate) struct Survey {
    /// What objects say, by kind and name.
    pub objects: BTreeMap<String, Value>,
    /// Those that say that the release owns them.
    pub owned: BTreeSet<String>,
    pub records: Vec<Record>,
    /// Whether hooks are not looked at.
    pub without_hooks: bool,
}

impl Survey {
    pub(crate) async fn take(world: &World) -> Self {
        let (mut objects, mut owned) = (BTreeMap::new(), BTreeSet::new());
        let mut kinds: Vec<Gvk> = KINDS.iter().map(|(version, kind)| Gvk::new(version, kind)).collect();
        let boat = Gvk::new("example.com/v1", "Boat");
        if world.engine.cluster().served().await.unwrap().get(&boat).is_some() {
            kinds.push(boat);
        }
        for gvk in kinds {
            let cluster_wide = gvk.kind == "CustomResourceDefinition";
            let namespace = if cluster_wide { String::new() } else { "web".to_owned() };
            let kind = gvk.kind.clone();
            let like = ObjectRef { gvk, namespace, name: String::new() };
            for object in world.engine.cluster().list(&like, "owner!=helm", "").await.unwrap() {
                let meta = &object["metadata"];
                let name = format!("{kind}/{}", meta["name"].as_str().unwrap());
                if meta["annotations"]["meta.helm.sh/release-name"] == "shop" {
                    owned.insert(name.clone());
                }
                let mut labels = meta["labels"].clone();
                if let Some(labels) = labels.as_object_mut() {
                    labels.retain(|key, _| !key.ends_with("controller-uid"));
                }
                objects.insert(
                    name,
                    json!({"labels": labels, "annotations": meta["annotations"], "data": object["data"]}),
                );
            }
        }
        let target = &world.target;
        let history = world.engine.ledger().history(&target.namespace, &target.name).await.unwrap();
        let mut records = Vec::new();
        for head in history.heads() {
            records.push(world.engine.ledger().get(&head.key).await.expect("every record can be read"));
        }
        Self { objects, owned, records, without_hooks: false }
    }

    /// Passes over the Lease of a process that died giving it back, when nobody has run since.
    pub(crate) fn forget_lease(&mut self) {
        self.objects.remove("Lease/sh.whipstaff.lock.v1.shop");
    }

    /// Passes over hooks.
    pub(crate) fn forget_hooks(&mut self) {
        self.without_hooks = true;
        self.objects.retain(|_, object| object["annotations"]["helm.sh/hook"].is_null());
    }

    pub(crate) fn last(&self) -> Option<Status> {
        self.records.last().map(|record| record.release.info.status)
    }

    /// The highest revision there is.
    pub(crate) fn newest(&self) -> u32 {
        self.records.last().map_or(0, |record| record.release.version)
    }

    /// Whether each revision is later than the one before it (I4).
    pub(crate) fn ascends(&self) -> bool {
        self.records.is_sorted_by(|before, after| before.release.version < after.release.version)
    }

    pub(crate) fn deployed(&self) -> usize {
        self.records.iter().filter(|record| record.release.info.status == Status::Deployed).count()
    }

    /// Owned objects that no record knows of that could still delete them (I1), with the reason.
    pub(crate) fn lost(&self) -> Vec<String> {
        // What the last revision does not have is deleted by it; what a failed one before it has, too.
        let known = |name: &&String| {
            let id = name.split_once('/').unwrap_or_default();
            let newest_good = self.records.iter().rposition(|record| record.release.info.status == Status::Deployed);
            self.records.iter().skip(newest_good.unwrap_or(0)).any(|record| {
                let manifest = &record.release.manifest;
                manifest.split("---").any(|document| {
                    document.contains(&format!("kind: {}", id.0)) && document.contains(&format!("name: {}", id.1))
                })
            })
        };
        let kept = |name: &&String| self.objects[*name]["annotations"]["helm.sh/resource-policy"] == "keep";
        self.owned.iter().filter(|name| !known(name) && !kept(name)).cloned().collect()
    }
}
