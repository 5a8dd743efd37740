//! Creating, changing and deleting objects: the steps that every write goes through, whoever makes it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::apply::{Write, ignored_fields};
use crate::json::{Parsed, at, list, list_mut, object_mut, remove, set, text};
use crate::kinds::{defaults, names, prepare, update, validate};
use crate::resources::Resource;
use crate::schema::decode::{Findings, decode};
use crate::state::{ResourceVersions, State, Writer};
use crate::status::{ApiError, FieldError, Result};
use crate::store::Key;

/// What happens to fields that do not exist, and to those that are there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validation {
    Ignore,
    Warn,
    Strict,
}

/// How dependents of a deleted object fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// What a delete asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) propagation: Option<Propagation>,
    pub(crate) uid: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) grace: Option<i64>,
}

/// What became of a deleted object.
#[derive(Debug, Clone)]
pub(crate) enum Deleted {
    /// It is gone.
    Gone(Arc<Value>),
    /// It goes when its finalizers are done.
    Marked(Arc<Value>),
}

/// Reads a document as an object of a resource, with its defaults.
///
/// # Errors
/// It is not of that kind, has values of the wrong type, or (strict) fields that do not exist.
pub(crate) fn read_object(
    resource: &Resource,
    parsed: Parsed,
    validation: Validation,
    warnings: &mut Vec<String>,
) -> Result<Value> {
    let Parsed { value, duplicates } = parsed;
    let mut findings = Findings::default();
    let mut object = decode(&value, &resource.ty(), &mut findings).map_err(|why| {
        let (kind, version) = (&resource.kind, &resource.version);
        ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
    })?;
    let mut wrong: Vec<(String, &str)> = findings.unknown.into_iter().map(|p| (p, "unknown")).collect();
    wrong.extend(duplicates.into_iter().map(|p| (p, "duplicate")));
    wrong.sort();
    let texts: Vec<String> = wrong.into_iter().map(|(path, what)| format!("{what} field {path:?}")).collect();
    match validation {
        Validation::Strict if !texts.is_empty() => {
            let (kind, version) = (&resource.kind, &resource.version);
            let list = texts.join(", ");
            let prefix = match resource.custom {
                Some(_) => String::new(),
                None => format!("{kind} in version {version:?} cannot be handled as a {kind}: "),
            };
            return Err(ApiError::bad_request(format!("{prefix}strict decoding error: {list}")));
        }
        Validation::Warn => warnings.extend(texts),
        _ => {}
    }
    set(&mut object, &["apiVersion"], resource.api_version());
    set(&mut object, &["kind"], resource.kind.clone());
    if resource.is("", "secrets") {
        prepare::secret_strings(&mut object);
    }
    defaults::default(resource, &mut object);
    Ok(object)
}

/// The object that is there before there is one, as Go has it: with the empty parts that it always writes.
pub(crate) fn empty_object(resource: &Resource) -> Value {
    let mut findings = Findings::default();
    let mut out = decode(&json!({}), &resource.ty(), &mut findings).unwrap_or_else(|_| json!({}));
    set(&mut out, &["apiVersion"], resource.api_version());
    set(&mut out, &["kind"], resource.kind.clone());
    crate::json::child(&mut out, "metadata");
    out
}

/// Writes an object anew as its type has it: after a patch or an apply.
pub(crate) fn normalize(resource: &Resource, object: &Value) -> Result<Value> {
    let mut warnings = Vec::new();
    let parsed = Parsed { value: object.clone(), duplicates: Vec::new() };
    read_object(resource, parsed, Validation::Ignore, &mut warnings)
}

fn same_but_times(a: &Value, b: &Value) -> bool {
    let plain = |object: &Value| {
        let mut out = object.clone();
        remove(&mut out, &["metadata", "resourceVersion"]);
        for entry in list_mut(&mut out, &["metadata", "managedFields"]).into_iter().flatten() {
            remove(entry, &["time"]);
        }
        out
    };
    plain(a) == plain(b)
}

impl State {
    /// Field ownership of a write.
    fn owned<T>(
        &self,
        resource: &Resource,
        subresource: &str,
        writer: &Writer,
        run: impl FnOnce(&Write<'_>) -> T,
    ) -> T {
        let versions = ResourceVersions { registry: &self.registry, place: resource.place() };
        let version = resource.api_version();
        run(&Write {
            versions: &versions,
            version: &version,
            manager: if writer.manager.is_empty() { "unknown" } else { &writer.manager },
            subresource,
            ignored: ignored_fields(subresource, resource.has_status()),
            now: self.time(),
            empty: empty_object(resource),
        })
    }

    /// Applies a configuration to what is there.
    pub(crate) fn owned_apply(
        &self,
        resource: &Resource,
        subresource: &str,
        writer: &Writer,
        live: &Value,
        config: &Value,
        force: bool,
    ) -> Result<Value> {
        self.owned(resource, subresource, writer, |w| w.apply(live, config, force))
    }

    /// Creates an object that was read and has its defaults. `applied`: it comes from an apply, which has its owners already.
    ///
    /// # Errors
    /// There is one already, its namespace is not there, or it breaks the rules of its kind.
    pub(crate) fn create(
        &mut self,
        resource: &Resource,
        namespace: &str,
        mut object: Value,
        writer: &Writer,
        applied: bool,
    ) -> Result<Arc<Value>> {
        let given = text(&object, &["metadata", "namespace"]);
        if resource.namespaced && !given.is_empty() && given != namespace {
            return Err(ApiError::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        let metadata = crate::json::child(&mut object, "metadata");
        if resource.namespaced {
            set(metadata, &["namespace"], namespace);
        } else {
            remove(metadata, &["namespace"]);
        }
        if remove(metadata, &["resourceVersion"]).is_some_and(|v| v != "" && v != "0") {
            return Err(ApiError::new(
                500,
                "InternalError",
                "resourceVersion should not be set on objects to be created",
            ));
        }
        for key in
            ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"]
        {
            remove(metadata, &[key]);
        }
        let prefix = text(metadata, &["generateName"]).to_owned();
        if text(metadata, &["name"]).is_empty() && !prefix.is_empty() {
            let prefix: String = prefix.chars().take(58).collect();
            let name = format!("{prefix}{}", self.random.suffix(5));
            set(metadata, &["name"], name);
        }
        if resource.is("", "namespaces") {
            defaults::default(resource, &mut object);
        }
        if resource.namespaced {
            self.check_namespace(resource, namespace, text(&object, &["metadata", "name"]))?;
        }
        if !applied {
            let empty = empty_object(resource);
            self.owned(resource, "", writer, |w| w.update(&empty, &mut object));
        }
        let uid = self.uids.uid();
        set(&mut object, &["metadata", "uid"], uid);
        let now = self.time();
        set(&mut object, &["metadata", "creationTimestamp"], now);
        self.prepare_create(resource, &mut object)?;
        let mut errors = Vec::new();
        names::validate_metadata(resource, &object, &mut errors);
        validate::validate(resource, &object, &mut errors);
        if !errors.is_empty() {
            return Err(ApiError::invalid(
                &resource.group,
                &resource.kind,
                text(&object, &["metadata", "name"]),
                &errors,
            ));
        }
        let key = Key::new(
            &resource.place(),
            if resource.namespaced { namespace } else { "" },
            text(&object, &["metadata", "name"]),
        );
        if self.store.get(&key).is_some() {
            return Err(ApiError::already_exists(&resource.group, &resource.plural, &key.name));
        }
        if writer.dry_run {
            return Ok(Arc::new(object));
        }
        let stored = self.store.put(&key, object)?;
        self.changed(&key, &stored);
        Ok(stored)
    }

    fn check_namespace(&self, resource: &Resource, namespace: &str, name: &str) -> Result<()> {
        let Some(found) = self.get("", "namespaces", "", namespace) else {
            return Err(ApiError::not_found("", "namespaces", namespace));
        };
        if at(&found, &["metadata", "deletionTimestamp"]).is_some() {
            let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
            let mut error = ApiError::forbidden(&resource.group, &resource.plural, name, &why);
            if let Some(details) = &mut error.details {
                let cause = json!([{"reason": "NamespaceTerminating", "message": format!("namespace {namespace} is being terminated"), "field": "metadata.namespace"}]);
                object_mut(details).insert("causes".into(), cause);
            }
            return Err(error);
        }
        Ok(())
    }

    /// Puts `new` in the place of what is there. `new` was read and has its defaults; `applied` as for [`State::create`].
    ///
    /// # Errors
    /// It is gone, was changed by another, or breaks the rules of its kind.
    pub(crate) fn replace(
        &mut self,
        resource: &Resource,
        key: &Key,
        subresource: &str,
        mut new: Value,
        writer: &Writer,
        applied: bool,
    ) -> Result<Arc<Value>> {
        let stored =
            self.store.get(key).ok_or_else(|| ApiError::not_found(&resource.group, &resource.plural, &key.name))?;
        let live = self.in_version(&stored, resource);
        self.check_identity(resource, key, &live, &mut new)?;
        if !applied {
            self.owned(resource, subresource, writer, |w| w.update(&live, &mut new));
        }
        for path in [
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "resourceVersion",
        ] {
            match at(&live, &["metadata", path]).cloned() {
                Some(value) => set(&mut new, &["metadata", path], value),
                None => {
                    remove(&mut new, &["metadata", path]);
                }
            }
        }
        self.keep_parts(resource, subresource, &live, &mut new);
        self.prepare_update(resource, &live, &mut new)?;
        let mut errors = Vec::new();
        names::validate_metadata(resource, &new, &mut errors);
        if subresource.is_empty() {
            validate::validate(resource, &new, &mut errors);
            update::validate(resource, &live, &new, &mut errors);
        }
        if at(&live, &["metadata", "deletionTimestamp"]).is_some() {
            let before = list(&live, &["metadata", "finalizers"]);
            let more: Vec<&Value> =
                list(&new, &["metadata", "finalizers"]).iter().filter(|f| !before.contains(f)).collect();
            if !more.is_empty() {
                let shown: Vec<String> = more.iter().map(|v| v.to_string()).collect();
                errors.push(FieldError::forbidden(
                    "metadata.finalizers",
                    &format!("no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}", shown.join(", ")),
                ));
            }
        }
        if !errors.is_empty() {
            return Err(ApiError::invalid(&resource.group, &resource.kind, &key.name, &errors));
        }
        if prepare::bumps_generation(resource, &live, &new) && subresource != "status" {
            let generation = crate::json::int(&live, &["metadata", "generation"]).unwrap_or(0) + 1;
            set(&mut new, &["metadata", "generation"], generation);
        }
        if same_but_times(&live, &new) {
            return Ok(Arc::new(live));
        }
        if writer.dry_run {
            return Ok(Arc::new(new));
        }
        let gone = at(&new, &["metadata", "deletionTimestamp"]).is_some()
            && list(&new, &["metadata", "finalizers"]).is_empty()
            // The finalizers of a namespace stand in its spec.
            && (!resource.is("", "namespaces") || list(&new, &["spec", "finalizers"]).is_empty())
            && !resource.is("", "pods");
        if gone {
            set(&mut new, &["metadata", "resourceVersion"], text(&live, &["metadata", "resourceVersion"]).to_owned());
            self.store.put(key, new)?;
            return Ok(self.drop_object(key).unwrap_or(stored));
        }
        let stored = self.store.put(key, new)?;
        self.changed(key, &stored);
        Ok(stored)
    }

    /// Checks that a new version of an object is of that object, and made from its last version.
    fn check_identity(&self, resource: &Resource, key: &Key, live: &Value, new: &mut Value) -> Result<()> {
        let name = text(new, &["metadata", "name"]);
        if name.is_empty() {
            set(new, &["metadata", "name"], key.name.clone());
        } else if name != key.name {
            let why = format!("the name of the object ({name}) does not match the name on the URL ({})", key.name);
            return Err(ApiError::bad_request(why));
        }
        let namespace = text(new, &["metadata", "namespace"]);
        if resource.namespaced && !namespace.is_empty() && namespace != key.namespace {
            return Err(ApiError::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        if resource.namespaced {
            set(new, &["metadata", "namespace"], key.namespace.clone());
        }
        let (uid, have) = (text(new, &["metadata", "uid"]), text(live, &["metadata", "uid"]));
        if !uid.is_empty() && uid != have {
            let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {have}");
            return Err(ApiError::conflict(&resource.group, &resource.plural, &key.name, &why));
        }
        let revision = text(new, &["metadata", "resourceVersion"]);
        if revision.is_empty() && resource.custom.is_some() {
            let error = FieldError::invalid("metadata.resourceVersion", &0.into(), "must be specified for an update");
            return Err(ApiError::invalid(&resource.group, &resource.kind, &key.name, &[error]));
        }
        if !revision.is_empty() && revision != text(live, &["metadata", "resourceVersion"]) {
            return Err(ApiError::modified(&resource.group, &resource.plural, &key.name));
        }
        Ok(())
    }

    /// Keeps what this endpoint does not write.
    fn keep_parts(&self, resource: &Resource, subresource: &str, live: &Value, new: &mut Value) {
        let keep = |new: &mut Value, path: &[&str]| match at(live, path).cloned() {
            Some(value) => set(new, path, value),
            None => {
                remove(new, path);
            }
        };
        match subresource {
            "" if resource.has_status() => keep(new, &["status"]),
            "" => {}
            "status" => {
                let status = at(new, &["status"]).cloned();
                let metadata = at(new, &["metadata"]).cloned();
                *new = live.clone();
                match status {
                    Some(status) => set(new, &["status"], status),
                    None => {
                        remove(new, &["status"]);
                    }
                }
                let custom = resource.custom.is_some();
                for key in ["annotations", "finalizers", "managedFields"] {
                    if custom && key != "managedFields" {
                        continue;
                    }
                    match metadata.as_ref().and_then(|m| at(m, &[key])).cloned() {
                        Some(value) => set(new, &["metadata", key], value),
                        None => {
                            remove(new, &["metadata", key]);
                        }
                    }
                }
            }
            _ => keep(new, &["status"]),
        }
        if resource.is("", "namespaces") && subresource != "finalize" {
            keep(new, &["spec", "finalizers"]);
        }
    }

    /// Deletes an object, or marks it when finalizers have work to do first.
    ///
    /// # Errors
    /// It is not there, or not the one that was meant.
    pub(crate) fn delete(
        &mut self,
        resource: &Resource,
        key: &Key,
        options: &DeleteOptions,
        writer: &Writer,
    ) -> Result<Deleted> {
        let object =
            self.store.get(key).ok_or_else(|| ApiError::not_found(&resource.group, &resource.plural, &key.name))?;
        let wrong = |what: &str, want: &str, have: &str| {
            let why = format!("Precondition failed: {what} in precondition: {want}, {what} in object meta: {have}");
            ApiError::conflict(&resource.group, &resource.plural, &key.name, &why)
        };
        let (uid, revision) = (text(&object, &["metadata", "uid"]), text(&object, &["metadata", "resourceVersion"]));
        if let Some(want) = options.uid.as_deref().filter(|w| *w != uid) {
            return Err(wrong("UID", want, uid));
        }
        if let Some(want) = options.revision.as_deref().filter(|w| *w != revision) {
            return Err(wrong("ResourceVersion", want, revision));
        }
        if resource.is("", "namespaces") && matches!(key.name.as_str(), "default" | "kube-system" | "kube-public") {
            return Err(ApiError::forbidden("", "namespaces", &key.name, "this namespace may not be deleted"));
        }
        if writer.dry_run {
            return Ok(Deleted::Gone(object));
        }
        let mut next = (*object).clone();
        let orphans = matches!(
            (resource.group.as_str(), resource.plural.as_str()),
            ("batch", "jobs") | ("", "replicationcontrollers")
        );
        let chosen = options.propagation.unwrap_or(if orphans { Propagation::Orphan } else { Propagation::Background });
        let dependents = self.store.dependents(uid);
        let finalizer = match chosen {
            Propagation::Orphan if !dependents.is_empty() => Some("orphan"),
            Propagation::Foreground => Some("foregroundDeletion"),
            _ => None,
        };
        if let Some(finalizer) = finalizer {
            if at(&next, &["metadata", "finalizers"]).is_none() {
                set(&mut next, &["metadata", "finalizers"], json!([]));
            }
            if let Some(list) = list_mut(&mut next, &["metadata", "finalizers"])
                && !list.iter().any(|f| f == finalizer)
            {
                list.push(finalizer.into());
            }
        }
        let namespace = resource.is("", "namespaces");
        let pod = resource.is("", "pods") && options.grace != Some(0);
        if !list(&next, &["metadata", "finalizers"]).is_empty() || namespace || pod {
            if at(&next, &["metadata", "deletionTimestamp"]).is_none() {
                set(&mut next, &["metadata", "deletionTimestamp"], self.time());
                let grace = if pod {
                    options.grace.or(crate::json::int(&next, &["spec", "terminationGracePeriodSeconds"])).unwrap_or(30)
                } else {
                    0
                };
                set(&mut next, &["metadata", "deletionGracePeriodSeconds"], grace);
                if let Some(generation) = crate::json::int(&next, &["metadata", "generation"]) {
                    set(&mut next, &["metadata", "generation"], generation + 1);
                }
                if namespace {
                    set(&mut next, &["status", "phase"], "Terminating");
                }
            }
            let stored = if next == *object { object } else { self.store.put(key, next)? };
            self.changed(key, &stored);
            return Ok(Deleted::Marked(stored));
        }
        match self.drop_object(key) {
            Some(last) => Ok(Deleted::Gone(last)),
            None => Err(ApiError::not_found(&resource.group, &resource.plural, &key.name)),
        }
    }

    /// Takes an object out of the store, and has those look that depend on it.
    pub(crate) fn drop_object(&mut self, key: &Key) -> Option<Arc<Value>> {
        let last = self.store.remove(key)?;
        for dependent in self.store.dependents(text(&last, &["metadata", "uid"])) {
            self.enqueue(&dependent);
        }
        for owner in list(&last, &["metadata", "ownerReferences"]) {
            self.enqueue_owner(&key.namespace, owner);
        }
        if key.place.group.is_empty() && key.place.resource == "pods" {
            self.logs.remove(&(key.namespace.clone(), key.name.clone()));
        }
        self.changed(key, &last);
        Some(last)
    }

    /// Has the controllers look at an owner.
    pub(crate) fn enqueue_owner(&mut self, namespace: &str, owner: &Value) {
        let (group, version) = crate::resources::split_version(text(owner, &["apiVersion"]));
        if let Some(resource) = self.registry.of_kind(group, version, text(owner, &["kind"])) {
            let namespace = if resource.namespaced { namespace } else { "" };
            self.enqueue(&Key::new(&resource.place(), namespace, text(owner, &["name"])));
        }
    }
}
