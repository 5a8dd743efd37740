//! Reading releases.

use std::collections::BTreeMap;

use cluster::Object;
use release::{Head, Item, Key, Ledger, ListFilter, Record, Release, Scope};
use serde_json::Value;

use crate::engine::{Engine, PARALLEL};
use crate::error::Error;
use crate::intent::Target;

/// How objects are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As they are.
    Object,
    /// As rows of a table, in the server's words.
    Table,
}

impl Engine {
    /// Reads the last revision of a release, and what is known of it without opening it.
    ///
    /// # Errors
    /// [`Error::NotFound`], and what the cluster says.
    pub async fn last(&self, target: &Target) -> Result<(Head, Record), Error> {
        let history = self.checked_history(target, None).await?;
        let last = history.last().ok_or_else(|| Error::NotFound(target.clone()))?;
        Ok((last.clone(), self.named(target, self.ledger.get(&last.key).await)?))
    }

    /// Reads the objects of a release's manifest that are there, and the pods of those that have any, by version and
    /// kind as Helm 4.3 does it (`pkg/kube/client.go Get`).
    ///
    /// # Errors
    /// [`Error::Manifest`] when a kind is no longer served.
    pub async fn resources(&self, release: &Release, form: Form) -> Result<BTreeMap<String, Vec<Value>>, Error> {
        let objects = self.objects(&release.manifest, &release.namespace, &[]).await?;
        let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut seen: Vec<String> = Vec::new();
        for object in &objects {
            let live = match form {
                Form::Object => self.cluster.get(object.id()).await,
                Form::Table => self.cluster.table(object.id()).await,
            };
            // What cannot be read is left out, whatever the reason.
            let Ok(Some(live)) = live else { continue };
            let gvk = &object.id().gvk;
            found.entry(format!("{}/{}", gvk.version, gvk.kind)).or_default().push(live);
            let Some(selector) = pod_selector(object).filter(|selector| !seen.contains(selector)) else { continue };
            seen.push(selector.clone());
            let pods = match form {
                Form::Object => self.cluster.pods_list(object.namespace(), &selector).await,
                Form::Table => self.cluster.pods_table(object.namespace(), &selector).await,
            };
            if let Ok(mut pods) = pods {
                name_kinds(&mut pods);
                found.entry("v1/Pod(related)".to_owned()).or_default().push(pods);
            }
        }
        Ok(found)
    }

    /// Reads a release at a revision, or its last.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::NoRevision`], and what the cluster says.
    pub async fn get(&self, target: &Target, revision: Option<u32>) -> Result<Record, Error> {
        let key = |revision| Key::new(&target.namespace, &target.name, revision);
        let found = match revision {
            Some(revision) => self.named(target, self.ledger.get(&key(revision)).await),
            None => {
                let history = self.checked_history(target, None).await?;
                let last = history.last().ok_or_else(|| Error::NotFound(target.clone()))?;
                self.named(target, self.ledger.get(&last.key).await)
            }
        };
        match (found, revision) {
            (Err(Error::NotFound(_)), Some(revision)) => {
                let history = self.checked_history(target, None).await?;
                Err(if history.is_empty() { Error::NotFound(target.clone()) } else { Error::NoRevision(revision) })
            }
            (found, _) => found,
        }
    }

    fn named(&self, target: &Target, found: Result<Record, release::Error>) -> Result<Record, Error> {
        found.map_err(|error| match error {
            release::Error::NotFound(_) => Error::NotFound(target.clone()),
            release::Error::Name(source) => Error::Name { name: target.name.clone(), source },
            error => Error::Ledger(error),
        })
    }

    /// Reads what the revisions of a release say of themselves, oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], and what the cluster says.
    pub async fn history(&self, target: &Target) -> Result<Vec<Item>, Error> {
        let history = self.checked_history(target, None).await?;
        if history.is_empty() {
            return Err(Error::NotFound(target.clone()));
        }
        self.open(history.heads().to_vec()).await
    }

    /// Finds the releases that a filter wants, ordered by name and namespace, without opening their records.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn heads(&self, scope: &Scope, filter: &ListFilter) -> Result<Vec<Head>, Error> {
        Ok(filter.pick(self.ledger.heads(scope, None).await?))
    }

    /// Lists all releases that a filter wants, ordered by name and namespace, with what their records say: as
    /// [`Engine::heads`] and [`Engine::open`], with less to ask the cluster for.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn list(&self, scope: &Scope, filter: &ListFilter) -> Result<Vec<Item>, Error> {
        let ledger: &dyn Ledger = self.ledger.as_ref();
        Ok(release::list(ledger, scope, filter, PARALLEL).await?)
    }

    /// Opens records for a list; one that cannot be read is an item that says so.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn open(&self, heads: Vec<Head>) -> Result<Vec<Item>, Error> {
        let ledger: &dyn Ledger = self.ledger.as_ref();
        Ok(release::open(ledger, heads, PARALLEL).await?)
    }
}

/// Objects in a list do not say of what kind they are; on their own they do.
fn name_kinds(pods: &mut Value) {
    if pods.get("kind").and_then(Value::as_str) != Some("PodList") {
        return;
    }
    for pod in pods.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(pod) = pod {
            pod.insert("apiVersion".to_owned(), "v1".into());
            pod.insert("kind".to_owned(), "Pod".into());
        }
    }
}

/// The labels of the pods that an object makes.
fn pod_selector(object: &Object) -> Option<String> {
    let path = match object.kind() {
        "ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => "/spec/selector/matchLabels",
        "ReplicationController" => "/spec/selector",
        _ => return None,
    };
    let labels = object.value().pointer(path)?.as_object()?;
    let pair = |(key, value): (&String, &Value)| Some(format!("{key}={}", value.as_str()?));
    let mut pairs = labels.iter().map(pair).collect::<Option<Vec<_>>>()?;
    pairs.sort();
    Some(pairs.join(","))
}
