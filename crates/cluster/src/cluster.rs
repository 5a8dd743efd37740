//! A cluster in the name of one caller.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use kube::Client;
use serde_json::{Value, json};

use crate::discovery::{Discovery, Resource, Served};
use crate::error::{Action, Error, NoMatch};
use crate::managed;
use crate::object::{Object, ObjectRef};
use crate::ownership::{Deletable, Existing, Owner};
use crate::request::{Answer, Call, Insisted};
use crate::retry::Patience;

/// The name under which Helm owns fields; any other and Helm could not take over.
pub const FIELD_MANAGER: &str = "helm";

/// How often a lost race is tried again, and the pause between, as client-go's `retry.DefaultRetry`.
pub(crate) const RETRIES: usize = 5;
pub(crate) const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// A Kubernetes cluster, in the name of one caller; cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    discovery: Arc<Discovery>,
    patience: Patience,
}

/// The version of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// As `.Capabilities.KubeVersion.Version` shows it: `v1.36.3`.
    pub git_version: String,
    /// `1`.
    pub major: String,
    /// `36`, or `36+` as some providers write it.
    pub minor: String,
}

/// What the API server does about unknown and duplicate fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    /// It refuses the object.
    #[default]
    Strict,
    /// It drops them, with a warning; so it does when it is not asked, and Helm does not ask when it applies client-side.
    Warn,
    /// It passes over them.
    Ignore,
}

impl FieldValidation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Warn => "Warn",
            Self::Ignore => "Ignore",
        }
    }
}

/// How to apply an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// Take fields from other managers instead of failing with a conflict.
    pub force: bool,
    /// Ask the server what would be, and change nothing.
    pub dry_run: bool,
    /// What about unknown fields.
    pub validation: FieldValidation,
}

/// What applying did.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The object as it is now.
    pub live: Value,
    /// Whether it was not there before.
    pub created: bool,
    /// What the server warns of: fields it does not know, versions that are deprecated.
    pub warnings: Vec<String>,
}

/// What becomes of the objects that a deleted object owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted later.
    #[default]
    Background,
    /// They are deleted first.
    Foreground,
    /// They are left.
    Orphan,
}

impl Propagation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }
}

impl Cluster {
    /// Makes a cluster whose kinds are asked for when they are first needed.
    pub fn new(client: Client) -> Self {
        Self { client, discovery: Arc::default(), patience: Patience::default() }
    }

    /// Makes a cluster of which it is known what it serves, until a kind is asked for that is not among it.
    pub fn knowing(client: Client, served: Arc<Served>) -> Self {
        Self { client, discovery: Arc::new(Discovery::knowing(served)), patience: Patience::default() }
    }

    /// The same cluster in the name of another caller; what is known of its kinds is shared.
    #[must_use]
    pub fn with_client(&self, client: Client) -> Self {
        Self { client, ..self.clone() }
    }

    /// The caller's client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How patient calls are that may be made again.
    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// Asks for the version, which also tells whether the cluster can be reached.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and refusals.
    pub async fn version(&self) -> Result<Version, Error> {
        let answer = Call::get(Action::Discover, "/version").send(&self.client).await?.json()?;
        let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Version { git_version: text("gitVersion"), major: text("major"), minor: text("minor") })
    }

    /// All that the cluster serves, asked once and kept.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and refusals.
    pub async fn served(&self) -> Result<Arc<Served>, Error> {
        self.discovery.served(&self.client).await
    }

    /// Forgets what is served, after CRDs were created.
    pub fn forget_served(&self) {
        self.discovery.forget();
    }

    /// How an object's kind is reached; the cluster is asked again once when it is not known.
    ///
    /// # Errors
    /// [`Error::NoMatch`] when the cluster does not serve it.
    pub async fn resource(&self, object: &ObjectRef) -> Result<Resource, Error> {
        let served = self.served().await?;
        if let Some(resource) = served.get(&object.gvk) {
            return Ok(resource.clone());
        }
        let served = self.discovery.refresh(&self.client, Some(&served)).await?;
        served.get(&object.gvk).cloned().ok_or_else(|| Error::NoMatch(vec![NoMatch(object.clone())]))
    }

    /// The URL path of an object.
    pub(crate) async fn path(&self, object: &ObjectRef) -> Result<String, Error> {
        object.check_name()?;
        Ok(self.resource(object).await?.object_path(&object.namespace, &object.name))
    }

    /// Makes objects of documents: lists are taken apart, objects without a namespace are put into `namespace`, and
    /// every kind must be served, as Helm 4.3: `pkg/kube/client.go Build`.
    ///
    /// # Errors
    /// [`Error::Malformed`], and [`Error::NoMatch`] with all kinds that are not served.
    pub async fn build(&self, documents: Vec<Value>, namespace: &str) -> Result<Vec<Object>, Error> {
        let (objects, missing) = self.build_known(documents, namespace).await?;
        if missing.is_empty() { Ok(objects) } else { Err(Error::NoMatch(missing)) }
    }

    /// As [`Self::build`], but what is not served is returned beside what is: an old manifest may have kinds that are
    /// no longer served.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub async fn build_known(
        &self,
        documents: Vec<Value>,
        namespace: &str,
    ) -> Result<(Vec<Object>, Vec<NoMatch>), Error> {
        let mut objects = Vec::with_capacity(documents.len());
        for document in documents {
            flatten(document, &mut objects)?;
        }
        if objects.is_empty() {
            return Ok((objects, Vec::new()));
        }
        let mut served = self.served().await?;
        if objects.iter().any(|object| served.get(&object.id().gvk).is_none()) {
            served = self.discovery.refresh(&self.client, Some(&served)).await?;
        }
        let mut missing = Vec::new();
        objects.retain_mut(|object| match served.get(&object.id().gvk) {
            Some(resource) => {
                if !resource.namespaced {
                    object.clear_namespace();
                } else if object.namespace().is_empty() {
                    object.set_namespace(namespace);
                }
                true
            }
            None => {
                missing.push(NoMatch(object.id().clone()));
                false
            }
        });
        Ok((objects, missing))
    }

    /// Reads an object; `None` when it is not there.
    ///
    /// # Errors
    /// Refusals.
    pub async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, Error> {
        let path = self.path(object).await?;
        match Call::get(Action::Get, path).about(object).insist(&self.client, self.patience).await {
            Ok(answer) => Ok(Some(answer.json()?)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists the objects of a kind, of all namespaces when `like.namespace` is empty; `like.name` is not looked at.
    ///
    /// # Errors
    /// Refusals.
    pub async fn list(&self, like: &ObjectRef, labels: &str, fields: &str) -> Result<Vec<Value>, Error> {
        let resource = self.resource(like).await?;
        let path = resource.path(&like.namespace);
        let mut found = Vec::new();
        let mut next = String::new();
        loop {
            let call = Call::get(Action::List, path.as_str())
                .query("limit", "500")
                .query_if(!labels.is_empty(), "labelSelector", labels)
                .query_if(!fields.is_empty(), "fieldSelector", fields)
                .query_if(!next.is_empty(), "continue", &next);
            let mut page = call.insist(&self.client, self.patience).await?.json()?;
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                found.extend(items);
            }
            match page.pointer("/metadata/continue").and_then(Value::as_str) {
                Some(token) if !token.is_empty() => next = token.to_owned(),
                _ => return Ok(found),
            }
        }
    }

    /// Applies an object server-side as Helm does: field manager `helm`, fields checked strictly. An object with
    /// `generateName` is created.
    ///
    /// # Errors
    /// [`Error::Conflict`] with the owners of the fields, [`Error::Invalid`] with the causes, and other refusals.
    pub async fn apply(&self, object: &Object, options: &ApplyOptions) -> Result<Applied, Error> {
        if has_generated_name(object)? {
            return self.create(object, options).await;
        }
        let id = object.id();
        let path = self.path(id).await?;
        let mut tries = 0;
        loop {
            let call = Call::new(Action::Apply, Method::PATCH, path.as_str())
                .query("fieldManager", FIELD_MANAGER)
                .query("fieldValidation", options.validation.as_str())
                .query("force", if options.force { "true" } else { "false" })
                .query_if(options.dry_run, "dryRun", "All")
                .body("application/apply-patch+yaml", object.value())
                .about(id);
            tries += 1;
            match call.insist(&self.client, self.patience).await {
                Err(error) if error.is_quota_conflict() && tries < RETRIES => tokio::time::sleep(RETRY_PAUSE).await,
                answer => return applied(answer?),
            }
        }
    }

    /// Creates an object; `force` of the options has no meaning here.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], and as [`Self::apply`].
    pub async fn create(&self, object: &Object, options: &ApplyOptions) -> Result<Applied, Error> {
        let id = object.id();
        let path = self.resource(id).await?.path(&id.namespace);
        let mut tries = 0;
        loop {
            let call = Call::new(Action::Create, Method::POST, path.as_str())
                .query("fieldManager", FIELD_MANAGER)
                .query("fieldValidation", options.validation.as_str())
                .query_if(options.dry_run, "dryRun", "All")
                .body("application/json", object.value())
                .about(id);
            tries += 1;
            let Insisted { result, again } =
                call.insist_telling(&self.client, self.patience, !id.name.is_empty()).await;
            match result {
                Err(Error::Conflict { .. }) if tries < RETRIES => tokio::time::sleep(RETRY_PAUSE).await,
                // The first try may have done it, and only its answer was lost.
                Err(error @ Error::AlreadyExists(_)) if again => match self.get(id).await? {
                    Some(live) if is_within(object.value(), &live) => {
                        return Ok(Applied { live, created: true, warnings: Vec::new() });
                    }
                    _ => return Err(error),
                },
                answer => return applied(answer?),
            }
        }
    }

    /// Deletes an object; `false` when it was not there.
    ///
    /// # Errors
    /// Refusals.
    pub async fn delete(&self, object: &ObjectRef, propagation: Propagation) -> Result<bool, Error> {
        let path = self.path(object).await?;
        let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation.as_str()});
        let mut tries = 0;
        loop {
            let call = Call::new(Action::Delete, Method::DELETE, path.as_str())
                .body("application/json", &options)
                .about(object);
            tries += 1;
            let Insisted { result, again } = call.insist_telling(&self.client, self.patience, true).await;
            match result {
                Ok(_) => return Ok(true),
                Err(Error::NotFound(_)) => return Ok(again),
                Err(Error::Conflict { .. }) if tries < RETRIES => tokio::time::sleep(RETRY_PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Hands the fields that Helm has updated client-side over to server-side apply; `false` when there was nothing to
    /// hand over. Without it, fields removed from a chart would stay.
    ///
    /// # Errors
    /// Refusals.
    pub async fn migrate_fields(&self, object: &ObjectRef, dry_run: bool) -> Result<bool, Error> {
        let path = self.path(object).await?;
        let mut tries = 0;
        loop {
            let get = Call::get(Action::Get, path.as_str()).about(object);
            let live = get.insist(&self.client, self.patience).await?.json()?;
            let Some(patch) = managed::migration(&live) else { return Ok(false) };
            let call = Call::new(Action::Patch, Method::PATCH, path.as_str())
                .query("fieldManager", FIELD_MANAGER)
                .query("fieldValidation", FieldValidation::Strict.as_str())
                .query_if(dry_run, "dryRun", "All")
                .body("application/json-patch+json", &patch)
                .about(object);
            tries += 1;
            match call.insist(&self.client, self.patience).await {
                Ok(_) => return Ok(true),
                Err(Error::Conflict { .. }) if tries < RETRIES => tokio::time::sleep(RETRY_PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Finds out whether an object that a release wants to create is there, and whose it is. One whose name the
    /// server is to make up never is.
    ///
    /// # Errors
    /// Refusals, and [`Error::NameAndGenerateName`].
    pub async fn existing(&self, object: &Object, owner: &Owner) -> Result<Existing, Error> {
        if has_generated_name(object)? {
            return Ok(Existing::Missing);
        }
        Ok(match self.get(object.id()).await? {
            None => Existing::Missing,
            Some(live) => match owner.check(object.id(), &live) {
                Ok(()) => Existing::Owned(live),
                Err(fault) => Existing::Foreign(live, fault),
            },
        })
    }

    /// Finds out whether a release may delete an object.
    pub async fn deletable(&self, object: &ObjectRef, owner: &Owner) -> Deletable {
        match self.get(object).await {
            Ok(None) => Deletable::Gone,
            Ok(Some(live)) => match owner.check(object, &live) {
                Ok(()) => Deletable::Owned,
                Err(fault) => Deletable::Foreign(fault),
            },
            Err(error) => Deletable::Unverifiable(error),
        }
    }
}

pub(crate) fn applied(answer: Answer) -> Result<Applied, Error> {
    Ok(Applied { created: answer.status == StatusCode::CREATED, live: answer.json()?, warnings: answer.warnings })
}

/// Tells whether the server is to make up the name.
pub(crate) fn has_generated_name(object: &Object) -> Result<bool, Error> {
    match (object.name().is_empty(), object.generate_name().is_some()) {
        (false, true) => Err(Error::NameAndGenerateName(object.id().clone())),
        (_, generated) => Ok(generated),
    }
}

/// Tells whether an object has all that was sent; what the server has added does not matter.
fn is_within(sent: &Value, live: &Value) -> bool {
    match (sent, live) {
        (Value::Object(sent), Value::Object(live)) => sent.iter().all(|(key, value)| match live.get(key) {
            Some(live) => is_within(value, live),
            None => value.is_null(),
        }),
        (Value::Array(sent), Value::Array(live)) => {
            sent.len() == live.len() && sent.iter().zip(live).all(|(sent, live)| is_within(sent, live))
        }
        (sent, live) => sent == live,
    }
}

/// Takes lists apart, as `resource.FlattenListVisitor`: anything with an array of `items` is one.
fn flatten(document: Value, objects: &mut Vec<Object>) -> Result<(), Error> {
    if document.is_null() {
        return Ok(());
    }
    let object = Object::new(document)?;
    if !object.value().get("items").is_some_and(Value::is_array) {
        objects.push(object);
        return Ok(());
    }
    let gvk = object.id().gvk.clone();
    let items = match &mut object.into_value() {
        Value::Object(list) => list.remove("items"),
        _ => None,
    };
    let Some(Value::Array(items)) = items else { return Ok(()) };
    for mut item in items {
        // An item may leave out what its list says already.
        if let Value::Object(map) = &mut item
            && map.get("kind").and_then(Value::as_str).unwrap_or_default().is_empty()
            && let Some(kind) = gvk.kind.strip_suffix("List")
            && !kind.is_empty()
        {
            map.insert("kind".to_owned(), kind.into());
            map.insert("apiVersion".to_owned(), gvk.api_version().into());
        }
        flatten(item, objects)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_apart() {
        let list = json!({"apiVersion": "v1", "kind": "SecretList", "items": [
            {"metadata": {"name": "a"}},
            {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}}]},
        ]});
        let mut objects = Vec::new();
        flatten(list, &mut objects).unwrap();
        flatten(Value::Null, &mut objects).unwrap();
        let names: Vec<_> = objects.iter().map(|object| (object.kind(), object.name())).collect();
        assert_eq!(names, [("Secret", "a"), ("Pod", "b")]);
        assert!(flatten(json!({"apiVersion": "v1", "kind": "List", "items": [{}]}), &mut objects).is_err());
    }

    #[test]
    fn one_name_only() {
        let object =
            |metadata: Value| Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})).unwrap();
        assert!(!has_generated_name(&object(json!({"name": "a"}))).unwrap());
        assert!(has_generated_name(&object(json!({"generateName": "a-"}))).unwrap());
        let error = has_generated_name(&object(json!({"name": "a", "generateName": "a-"}))).unwrap_err();
        assert_eq!(error.to_string(), "metadata.name and metadata.generateName cannot both be set");
    }
}
