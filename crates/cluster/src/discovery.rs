//! Which kinds a cluster serves.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use serde_json::Value;

use crate::error::{Action, Error};
use crate::object::Gvk;
use crate::request::{Call, escape};

/// How the API server is reached for a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub gvk: Gvk,
    /// Its name in URLs (`deployments`).
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Resource {
    /// The path of its objects in a namespace, or of all of them.
    pub(crate) fn path(&self, namespace: &str) -> String {
        let Gvk { group, version, .. } = &self.gvk;
        let mut path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        if self.namespaced && !namespace.is_empty() {
            path.push_str("/namespaces/");
            escape(namespace, &mut path);
        }
        path.push('/');
        path.push_str(&self.plural);
        path
    }

    /// The path of one object.
    pub(crate) fn object_path(&self, namespace: &str, name: &str) -> String {
        let mut path = self.path(namespace);
        path.push('/');
        escape(name, &mut path);
        path
    }
}

/// All that a cluster serves.
#[derive(Debug, Default)]
pub struct Served {
    by_gvk: HashMap<Gvk, Resource>,
    versions: BTreeSet<String>,
    failed: Vec<String>,
}

impl Served {
    /// Finds a kind.
    pub fn get(&self, gvk: &Gvk) -> Option<&Resource> {
        self.by_gvk.get(gvk)
    }

    /// Finds a kind by group and kind alone, in any version.
    pub fn any_version(&self, group: &str, kind: &str) -> Option<&Resource> {
        let mut found: Vec<&Resource> = self.by_gvk.values().filter(|served| served.gvk.is(group, kind)).collect();
        found.sort_by(|a, b| a.gvk.version.cmp(&b.gvk.version));
        found.into_iter().next()
    }

    /// Every `group/version` and every `group/version/Kind`, sorted, as Helm 4.3 builds `.Capabilities.APIVersions`
    /// (`pkg/action/action.go GetVersionSet`).
    pub fn api_versions(&self) -> Vec<String> {
        self.versions.iter().cloned().collect()
    }

    /// The group versions whose server did not answer (`metrics.k8s.io/v1beta1`).
    pub fn failed(&self) -> &[String] {
        &self.failed
    }
}

/// What is known of a cluster, shared by its callers.
#[derive(Debug, Default)]
pub struct Discovery {
    served: RwLock<Option<Arc<Served>>>,
    asking: tokio::sync::Mutex<()>,
}

impl Discovery {
    pub(crate) fn knowing(served: Arc<Served>) -> Self {
        Self { served: RwLock::new(Some(served)), ..Self::default() }
    }

    /// What was found last, if anything was asked yet.
    fn known(&self) -> Option<Arc<Served>> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what is known.
    pub fn forget(&self) {
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What the cluster serves, asking it only the first time.
    pub(crate) async fn served(&self, client: &Client) -> Result<Arc<Served>, Error> {
        match self.known() {
            Some(served) => Ok(served),
            None => self.refresh(client, None).await,
        }
    }

    /// Asks the cluster again, unless someone else has since `stale` was read.
    pub(crate) async fn refresh(&self, client: &Client, stale: Option<&Arc<Served>>) -> Result<Arc<Served>, Error> {
        let _turn = self.asking.lock().await;
        if let Some(known) = self.known()
            && stale.is_none_or(|stale| !Arc::ptr_eq(stale, &known))
        {
            return Ok(known);
        }
        let served = Arc::new(ask(client).await?);
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&served));
        Ok(served)
    }
}

/// Asks for everything at once (Kubernetes 1.26 and later) and takes less.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// How many group versions are asked for at a time, where there is no aggregated discovery.
const PARALLEL: usize = 10;

async fn ask(client: &Client) -> Result<Served, Error> {
    let root = |path| async move { Call::get(Action::Discover, path).accept(AGGREGATED).send(client).await?.json() };
    let (core, groups) = futures::try_join!(root("/api"), root("/apis"))?;
    let mut served = Served::default();
    let mut single = Vec::new();
    for answer in [core, groups] {
        match answer.get("kind").and_then(Value::as_str) {
            Some("APIGroupDiscoveryList") => served.add_aggregated(&answer),
            _ => single.extend(group_versions(&answer)),
        }
    }
    let lists: Vec<_> = stream::iter(single.into_iter().map(|group_version| async move {
        let root = if group_version.contains('/') { "/apis/" } else { "/api/" };
        let answer = Call::get(Action::Discover, format!("{root}{group_version}")).send(client).await;
        match answer {
            Ok(answer) => Ok((group_version, Some(answer.json()?))),
            // One broken aggregated API must not stop everything else.
            Err(Error::Refused(_) | Error::NotFound(_)) => Ok((group_version, None)),
            Err(error) => Err(error),
        }
    }))
    .buffered(PARALLEL)
    .try_collect()
    .await?;
    for (group_version, list) in lists {
        match list {
            Some(list) => served.add_list(&group_version, &list),
            None => {
                served.versions.insert(group_version.clone());
                served.failed.push(group_version);
            }
        }
    }
    Ok(served)
}

/// The group versions of `APIVersions` or `APIGroupList`.
fn group_versions(answer: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut found: Vec<String> = items(answer, "versions").filter_map(text).collect();
    for group in items(answer, "groups") {
        found.extend(items(group, "versions").filter_map(|version| text(version.get("groupVersion")?)));
    }
    found
}

impl Served {
    fn add_aggregated(&mut self, list: &Value) {
        for group in items(list, "items") {
            let name = group.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            for version in items(group, "versions") {
                let version_name = string(version, "version");
                let group_version = joined(name, version_name);
                if string(version, "freshness") == "Stale" {
                    self.failed.push(group_version);
                    continue;
                }
                self.versions.insert(group_version.clone());
                for resource in items(version, "resources") {
                    let namespaced = string(resource, "scope") == "Namespaced";
                    self.add_kind(
                        &group_version,
                        name,
                        version_name,
                        resource,
                        string(resource, "resource"),
                        namespaced,
                    );
                    for sub in items(resource, "subresources") {
                        self.add_version_of(
                            &group_version,
                            sub.get("responseKind").map_or("", |kind| string(kind, "kind")),
                        );
                    }
                }
            }
        }
    }

    fn add_kind(
        &mut self,
        group_version: &str,
        group: &str,
        version: &str,
        from: &Value,
        plural: &str,
        namespaced: bool,
    ) {
        let kind = from.get("responseKind").map_or("", |kind| string(kind, "kind"));
        self.add_version_of(group_version, kind);
        self.add(group, version, kind, plural, namespaced);
    }

    fn add_list(&mut self, group_version: &str, list: &Value) {
        self.versions.insert(group_version.to_owned());
        let Gvk { group, version, .. } = Gvk::new(group_version, "");
        for resource in items(list, "resources") {
            let kind = string(resource, "kind");
            self.add_version_of(group_version, kind);
            let name = string(resource, "name");
            if !name.contains('/') {
                let namespaced = resource.get("namespaced").and_then(Value::as_bool).unwrap_or_default();
                self.add(&group, &version, kind, name, namespaced);
            }
        }
    }

    fn add_version_of(&mut self, group_version: &str, kind: &str) {
        if !kind.is_empty() {
            self.versions.insert(format!("{group_version}/{kind}"));
        }
    }

    /// The first resource of a kind is the kind's own.
    fn add(&mut self, group: &str, version: &str, kind: &str, plural: &str, namespaced: bool) {
        if kind.is_empty() || plural.is_empty() {
            return;
        }
        let gvk = Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() };
        let resource = Resource { gvk: gvk.clone(), plural: plural.to_owned(), namespaced };
        self.by_gvk.entry(gvk).or_insert(resource);
    }
}

fn joined(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn string<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn want() -> Vec<&'static str> {
        vec!["apps/v1", "apps/v1/Deployment", "apps/v1/Scale", "v1", "v1/Namespace", "v1/Pod"]
    }

    #[test]
    fn aggregated_and_single_agree() {
        let mut aggregated = Served::default();
        let deployment = json!({"resource": "deployments", "scope": "Namespaced", "responseKind": {"kind": "Deployment"},
            "subresources": [{"subresource": "scale", "responseKind": {"group": "autoscaling", "kind": "Scale"}}, {"subresource": "x"}]});
        aggregated.add_aggregated(&json!({"items": [
            {"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [deployment]}]},
            {"metadata": {"name": "gone"}, "versions": [{"version": "v1", "freshness": "Stale"}]},
        ]}));
        aggregated.add_aggregated(&json!({"items": [{"versions": [{"version": "v1", "resources": [
            {"resource": "pods", "scope": "Namespaced", "responseKind": {"kind": "Pod"}},
            {"resource": "namespaces", "scope": "Cluster", "responseKind": {"kind": "Namespace"}},
        ]}]}]}));
        let mut single = Served::default();
        single.add_list(
            "apps/v1",
            &json!({"resources": [
                {"name": "deployments", "namespaced": true, "kind": "Deployment"},
                {"name": "deployments/scale", "namespaced": true, "kind": "Scale", "group": "autoscaling"},
            ]}),
        );
        single.add_list(
            "v1",
            &json!({"resources": [
                {"name": "pods", "namespaced": true, "kind": "Pod"},
                {"name": "namespaces", "namespaced": false, "kind": "Namespace"},
            ]}),
        );
        assert_eq!(aggregated.api_versions(), want());
        assert_eq!(single.api_versions(), want());
        assert_eq!(aggregated.failed(), ["gone/v1"]);
        for served in [&aggregated, &single] {
            assert_eq!(
                served.get(&Gvk::new("apps/v1", "Deployment")).unwrap().object_path("web", "shop"),
                "/apis/apps/v1/namespaces/web/deployments/shop"
            );
            assert_eq!(
                served.get(&Gvk::new("v1", "Namespace")).unwrap().object_path("", "web"),
                "/api/v1/namespaces/web"
            );
            assert_eq!(served.get(&Gvk::new("v1", "Pod")).unwrap().path(""), "/api/v1/pods");
            assert!(served.get(&Gvk::new("apps/v1", "Scale")).is_none());
        }
    }
}
