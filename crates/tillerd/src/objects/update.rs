//! From one manifest to the next: what is new is created, what is different patched, what is gone deleted.
//!
//! The patch is that between the two manifests, as Tiller's: what others have changed in the cluster is not looked at. But where revisions
//! have failed since the last good one, nobody knows what they have done, and Tiller forgets them: then what is there is looked at,
//! and what they have made counts as the release's own.

use cluster::{Baseline, Object, Propagation};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Preconditions};
use serde_json::Value;

use super::{Objects, deadline, of_kube, wait};
use crate::failure::Failure;

/// The annotation that keeps an object.
const POLICY: &str = "helm.sh/resource-policy";

/// How to bring one manifest to another.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Update {
    /// What cannot be patched is deleted and created.
    pub(crate) force: bool,
    /// Pods of workloads are deleted, so that they start anew.
    pub(crate) recreate: bool,
    /// How long to wait, in seconds; 0 is for ever.
    pub(crate) timeout: i64,
    /// Whether to wait until all is ready.
    pub(crate) wait: bool,
    /// Whether what was created is deleted when the rest fails.
    pub(crate) cleanup_on_fail: bool,
}

impl Objects {
    /// Brings the cluster to a manifest, from that of the last good revision and those of all that have failed since.
    pub(crate) async fn update(&self, namespace: &str, from: &[&str], to: &str, how: Update) -> Result<(), Failure> {
        let unbuilt = |which: &str, purpose: &str, error: Failure| {
            Failure(if error.0.contains("unable to recognize \"\": no matches for kind") {
                format!(
                    "{which} release manifest contains removed kubernetes api(s) for this kubernetes version and it is therefore unable to build the kubernetes objects for {purpose}. error from kubernetes: {error}"
                )
            } else {
                format!("failed decoding reader into objects: {error}")
            })
        };
        let mut original = Vec::new();
        for manifest in from {
            let built = self.build(namespace, manifest).await;
            original.push(built.map_err(|error| unbuilt("current", "performing the diff", error))?);
        }
        let target = self.build(namespace, to).await.map_err(|error| unbuilt("new", "deployment", error))?;
        let mut created = Vec::new();
        let mut refused = Vec::new();
        let visited = self.visit(&original, &target, how, &mut created, &mut refused).await;
        if let Err(Failure(error)) = visited {
            return Err(self.failed(how, vec![error], &created).await);
        }
        if !refused.is_empty() {
            return Err(self.failed(how, refused, &created).await);
        }
        let mut gone: Vec<&Object> = Vec::new();
        for object in original.iter().flatten() {
            if !target.iter().chain(gone.iter().copied()).any(|other| is_same(object, other)) {
                gone.push(object);
            }
        }
        for object in gone {
            self.remove(object).await;
        }
        if how.wait {
            let waited = wait::ready(&self.cluster, &target, deadline(how.timeout)).await;
            if let Err(Failure(error)) = waited {
                return Err(self.failed(how, vec![error], &created).await);
            }
        }
        Ok(())
    }

    /// Creates or patches each object; what the cluster refuses to patch is noted and the rest goes on.
    async fn visit(
        &self,
        original: &[Vec<Object>],
        target: &[Object],
        how: Update,
        created: &mut Vec<Object>,
        refused: &mut Vec<String>,
    ) -> Result<(), Failure> {
        for object in target {
            let live = self.cluster.get(object.id()).await;
            let live = live.map_err(|error| {
                Failure(format!("Could not get information about the resource: {}", Failure::from(error)))
            })?;
            let Some(live) = live else {
                let made = self.create_one(object).await;
                made.map_err(|error| Failure(format!("failed to create resource: {error}")))?;
                created.push(object.clone());
                continue;
            };
            let before: Vec<&Object> = original.iter().flatten().filter(|before| is_same(before, object)).collect();
            let Some(first) = before.first() else {
                return Err(Failure(format!(
                    "kind {} with the name {:?} in {:?} already exists in the cluster and wasn't defined in the previous release. Before upgrading, please either delete the resource from the cluster or remove it from the chart",
                    object.kind(),
                    object.name(),
                    object.namespace(),
                )));
            };
            // With one good revision behind it, all that is different is what the manifests say.
            let from = if original.len() == 1 { first.value().clone() } else { live };
            if let Err(Failure(error)) = self.patch(&before, from, object, how).await {
                refused.push(error);
            }
        }
        Ok(())
    }

    async fn patch(&self, before: &[&Object], from: Value, object: &Object, how: Update) -> Result<(), Failure> {
        let baseline = Baseline::Manifests(before.iter().map(|before| before.value().clone()).collect());
        let sent = self.cluster.merge_onto(object, from, &baseline, false).await;
        if let Err(error) = sent {
            if !how.force {
                return Err(error.into());
            }
            tracing::info!(object = %object.id(), %error, "what cannot be patched is created anew");
            self.cluster.delete(object.id(), Propagation::Background).await?;
            let made = self.create_one(object).await;
            made.map_err(|error| Failure(format!("Failed to recreate resource: {error}")))?;
        }
        if how.recreate { self.restart(object).await } else { Ok(()) }
    }

    /// Deletes the pods of a workload.
    async fn restart(&self, object: &Object) -> Result<(), Failure> {
        let Some(selector) = selector(object) else { return Ok(()) };
        let api: Api<Pod> = Api::namespaced(self.cluster.client().clone(), object.namespace());
        let refused = |error: kube::Error| Failure::new(of_kube(&error));
        for pod in api.list(&ListParams::default().labels(&selector)).await.map_err(refused)? {
            let preconditions = Some(Preconditions { uid: pod.uid(), resource_version: None });
            let how = DeleteParams { preconditions, ..DeleteParams::default() };
            api.delete(&pod.name_any(), &how).await.map_err(refused)?;
        }
        Ok(())
    }

    /// Deletes an object that the new manifest has not, unless it is to be kept. Failures are told in the log only, as by Tiller.
    async fn remove(&self, object: &Object) {
        let live = self.cluster.get(object.id()).await.ok().flatten();
        let policy = match &live {
            Some(live) => live.pointer("/metadata/annotations/helm.sh~1resource-policy").and_then(Value::as_str),
            None => object.annotation(POLICY),
        };
        if policy.is_some_and(|policy| policy != "delete") {
            return;
        }
        if let Err(error) = self.cluster.delete(object.id(), Propagation::Background).await {
            tracing::warn!(object = %object.id(), %error, "an object that is no longer wanted cannot be deleted");
        }
    }

    /// Cleans up, when that is wanted, and says all that went wrong.
    async fn failed(&self, how: Update, mut errors: Vec<String>, created: &[Object]) -> Failure {
        if how.cleanup_on_fail {
            for object in created {
                if let Err(error) = self.cluster.delete(object.id(), Propagation::Background).await {
                    errors.push(Failure::from(error).0);
                }
            }
        }
        Failure(errors.join(" && "))
    }
}

/// Objects are the same when kind, namespace and name are; versions of their API may differ.
fn is_same(a: &Object, b: &Object) -> bool {
    (a.kind(), a.namespace(), a.name()) == (b.kind(), b.namespace(), b.name())
}

/// The pods of a workload, as a selector of labels.
pub(super) fn selector(object: &Object) -> Option<String> {
    let pointer = match object.kind() {
        "ReplicationController" => "/spec/selector",
        "ReplicaSet" | "Deployment" | "DaemonSet" | "Job" | "StatefulSet" => "/spec/selector/matchLabels",
        _ => return None,
    };
    let labels = object.value().pointer(pointer)?.as_object()?;
    let one = |(key, value): (&String, &Value)| Some(format!("{key}={}", value.as_str()?));
    labels.iter().map(one).collect::<Option<Vec<_>>>().map(|labels| labels.join(","))
}
