//! Server-side apply and field ownership, as structured-merge-diff v6 (`merge/update.go`) and apimachinery's field
//! managers (`pkg/util/managedfields`).

pub(crate) mod managed;
pub(crate) mod set;
pub(crate) mod typed;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::managed::{Managed, Owned, Owner, asks_reset};
use self::set::{Set, Step, display, field};
use self::typed::{Comparison, compare, field_set, merge, remove, validate, with_named_fields};
use crate::json::{at, object_mut, remove as take, text};
use crate::schema::Type;
use crate::status::ApiError;

/// The versions of a kind.
pub(crate) trait Versions {
    /// The type of the kind in a version such as `apps/v1`; none when it is not served.
    fn ty(&self, version: &str) -> Option<Type>;
    /// The object in another version.
    fn convert(&self, object: &Value, version: &str) -> Option<Value>;
}

/// A write, as field ownership sees it.
pub(crate) struct Write<'a> {
    pub(crate) versions: &'a dyn Versions,
    /// The version the write is made in.
    pub(crate) version: &'a str,
    pub(crate) manager: &'a str,
    pub(crate) subresource: &'a str,
    /// The fields that this endpoint does not write.
    pub(crate) ignored: Set,
    pub(crate) now: String,
    /// The object before it is there.
    pub(crate) empty: Value,
}

/// The fields that nobody owns.
fn stripped() -> Set {
    let mut out = Set::default();
    for name in ["apiVersion", "kind", "metadata"] {
        out.insert(&[field(name)]);
    }
    for name in [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ] {
        out.insert(&[field("metadata"), field(name)]);
    }
    out
}

/// The fields that an endpoint ignores: the status on the main resource, everything but it on `/status`.
pub(crate) fn ignored_fields(subresource: &str, has_status: bool) -> Set {
    let mut out = Set::default();
    match subresource {
        "" if has_status => out.insert(&[field("status")]),
        "status" => {
            out.insert(&[field("spec")]);
            out.insert(&[field("metadata"), field("labels")]);
        }
        _ => {}
    }
    out
}

fn without_managed(object: &Value) -> Value {
    let mut out = object.clone();
    take(&mut out, &["metadata", "managedFields"]);
    out
}

/// Puts the owners into an object.
pub(crate) fn encode_into(object: &mut Value, managed: &Managed) {
    match managed.encode() {
        Some(list) => crate::json::set(object, &["metadata", "managedFields"], list),
        None => {
            take(object, &["metadata", "managedFields"]);
        }
    }
}

impl Write<'_> {
    /// Notes who owns what after an update from `live` (an empty map when there was nothing) to `new`.
    pub(crate) fn update(&self, live: &Value, new: &mut Value) {
        let field = at(new, &["metadata", "managedFields"]).cloned();
        let live_managed = || Managed::decode(at(live, &["metadata", "managedFields"])).unwrap_or_default();
        let managed = if !self.subresource.is_empty() {
            live_managed()
        } else if asks_reset(field.as_ref()) {
            Managed::default()
        } else {
            match Managed::decode(field.as_ref()) {
                Some(given) if !given.0.is_empty() => given,
                _ => live_managed(),
            }
        };
        take(new, &["metadata", "managedFields"]);
        let existed = !text(live, &["metadata", "uid"]).is_empty();
        if managed.0.is_empty() && existed {
            return;
        }
        let owner = Owner::updater(self.manager, self.version, self.subresource);
        let managed = self.note_update(&without_managed(live), new, managed, owner);
        encode_into(new, &managed);
    }

    fn note_update(&self, live: &Value, new: &Value, mut managed: Managed, owner: Owner) -> Managed {
        let Some(ty) = self.versions.ty(self.version) else { return managed };
        let me = Owner::updater("current-operation", "", "");
        // Forced, so there are no conflicts.
        let Ok(change) = self.settle(live, new, &ty, &mut managed, &me, true) else { return managed };
        let own = managed.0.remove(&me).map(|o| o.set).unwrap_or_default();
        let set = own.difference(&change.removed).union(&change.modified).union(&change.added);
        let set = set.recursive_difference(&self.ignored).difference(&stripped());
        if !set.is_empty() {
            let set = match managed.0.get(&owner) {
                Some(before) => before.set.union(&set),
                None => set,
            };
            managed.0.insert(owner, Owned { set, version: self.version.into(), time: Some(self.now.clone()) });
        }
        managed.cap();
        managed
    }

    /// Applies a configuration over `live` (an object without content when there is none).
    ///
    /// # Errors
    /// The configuration does not fit its type, or takes fields of others without force.
    pub(crate) fn apply(&self, live: &Value, config: &Value, force: bool) -> Result<Value, ApiError> {
        if at(config, &["metadata", "managedFields"]).is_some() {
            return Err(ApiError::bad_request("metadata.managedFields must be nil"));
        }
        let Some(ty) = self.versions.ty(self.version) else { return Err(ApiError::no_such_resource()) };
        let mut managed = Managed::decode(at(live, &["metadata", "managedFields"]))
            .ok_or_else(|| ApiError::internal("failed to decode managed fields"))?;
        let live = without_managed(live);
        validate(config, &ty).map_err(|why| {
            let namespace = text(config, &["metadata", "namespace"]);
            let (name, kind) = (text(config, &["metadata", "name"]), text(config, &["kind"]));
            let message = format!(
                "failed to create typed patch object ({namespace}/{name}; {}, Kind={kind}): {why}",
                self.version
            );
            let mut error = ApiError::new(500, "", message);
            error.details = None;
            error
        })?;
        if managed.0.is_empty() && !text(&live, &["metadata", "uid"]).is_empty() {
            let owner = Owner::updater("before-first-apply", self.version, self.subresource);
            managed = self.note_update(&self.empty, &live, managed, owner);
        }
        match self.try_apply(&live, config, &ty, managed.clone(), force) {
            Err(conflicts) if self.manager == "kubectl" => {
                let allowed = self.allowed_by_last_applied(&live, &ty).unwrap_or_default();
                let rest: Vec<Conflict> = conflicts.into_iter().filter(|c| !allowed.has(&c.path)).collect();
                if rest.is_empty() {
                    self.try_apply(&live, config, &ty, managed, true).map_err(|c| conflict_error(&c))
                } else {
                    Err(conflict_error(&rest))
                }
            }
            other => other.map_err(|c| conflict_error(&c)),
        }
    }

    fn try_apply(
        &self,
        live: &Value,
        config: &Value,
        ty: &Type,
        mut managed: Managed,
        force: bool,
    ) -> Result<Value, Vec<Conflict>> {
        let owner = Owner::applier(self.manager, self.subresource);
        let merged = merge(Some(live), Some(config), ty).unwrap_or_else(|| Value::Object(Map::new()));
        let last = managed.0.get(&owner).cloned();
        let set = field_set(config, ty).recursive_difference(&self.ignored);
        let time = last.as_ref().and_then(|l| l.time.clone());
        managed.0.insert(owner.clone(), Owned { set, version: self.version.into(), time });
        let mut new = self.prune(&merged, &managed, last.as_ref());
        self.settle(live, &new, ty, &mut managed, &owner, force)?;
        let changed = *live != new;
        if let Some(owned) = managed.0.get_mut(&owner) {
            owned.set = owned.set.difference(&stripped());
            if changed || owned.time.is_none() {
                owned.time = Some(self.now.clone());
            }
            if owned.set.is_empty() {
                managed.0.remove(&owner);
            }
        }
        if self.manager == "kubectl" && at(&new, &["metadata", "annotations", LAST_APPLIED]).is_some() {
            let mut plain = config.clone();
            take(&mut plain, &["metadata", "annotations", LAST_APPLIED]);
            let text = format!("{}\n", set::sorted(&plain));
            crate::json::set(&mut new, &["metadata", "annotations", LAST_APPLIED], text);
        }
        encode_into(&mut new, &managed);
        Ok(new)
    }

    /// Takes away what this manager applied last time and not now, unless somebody else owns it.
    fn prune(&self, merged: &Value, managed: &Managed, last: Option<&Owned>) -> Value {
        let Some(last) = last.filter(|l| !l.set.is_empty()) else { return merged.clone() };
        let (Some(ty), Some(merged_then)) =
            (self.versions.ty(&last.version), self.versions.convert(merged, &last.version))
        else {
            return merged.clone();
        };
        let pruned = remove(&merged_then, &with_named_fields(&last.set, &ty), &ty);
        let pruned = self.add_back_owned(&merged_then, pruned, &last.version, managed);
        let all = with_named_fields(&field_set(&merged_then, &ty), &ty);
        let kept = with_named_fields(&field_set(&pruned, &ty), &ty);
        let mine = with_named_fields(&last.set, &ty);
        let out = remove(&merged_then, &all.difference(&kept).intersection(&mine), &ty);
        self.versions.convert(&out, self.version).unwrap_or_else(|| merged.clone())
    }

    fn add_back_owned(&self, merged: &Value, mut pruned: Value, first: &str, managed: &Managed) -> Value {
        let mut by_version: BTreeMap<&str, Set> = BTreeMap::new();
        for owned in managed.0.values() {
            let sum = by_version.entry(&owned.version).or_default();
            *sum = sum.union(&owned.set);
        }
        let mut versions: Vec<&str> = by_version.keys().copied().collect();
        versions.sort_by_key(|v| *v != first);
        for version in versions {
            let (Some(ty), Some(merged), Some(now), Some(owned)) = (
                self.versions.ty(version),
                self.versions.convert(merged, version),
                self.versions.convert(&pruned, version),
                by_version.get(version),
            ) else {
                continue;
            };
            let all = with_named_fields(&field_set(&merged, &ty), &ty);
            let kept = with_named_fields(&field_set(&now, &ty), &ty).union(&with_named_fields(owned, &ty));
            pruned = remove(&merged, &all.difference(&kept), &ty);
        }
        self.versions.convert(&pruned, first).unwrap_or(pruned)
    }

    /// Moves ownership: what changed is no longer owned by others, which is a conflict without force.
    fn settle(
        &self,
        old: &Value,
        new: &Value,
        ty: &Type,
        managed: &mut Managed,
        me: &Owner,
        force: bool,
    ) -> Result<Comparison, Vec<Conflict>> {
        let base = compare(old, new, ty);
        let mut by_version: BTreeMap<String, Comparison> = BTreeMap::new();
        by_version.insert(self.version.to_owned(), base.clone().without(&self.ignored));
        let mut conflicts: Vec<(Owner, Option<String>, Set)> = Vec::new();
        let mut kept = Managed::default();
        for (owner, owned) in &managed.0 {
            if owner == me {
                kept.0.insert(owner.clone(), owned.clone());
                continue;
            }
            if !by_version.contains_key(&owned.version) {
                let (Some(ty), Some(a), Some(b)) = (
                    self.versions.ty(&owned.version),
                    self.versions.convert(old, &owned.version),
                    self.versions.convert(new, &owned.version),
                ) else {
                    // A version that is not served any more: its owners are forgotten.
                    continue;
                };
                by_version.insert(owned.version.clone(), compare(&a, &b, &ty).without(&self.ignored));
            }
            let Some(change) = by_version.get(&owned.version) else { continue };
            let taken = owned.set.intersection(&change.modified.union(&change.added));
            if !taken.is_empty() {
                conflicts.push((owner.clone(), owned.time.clone(), taken.clone()));
            }
            let rest = owned.set.difference(&taken).difference(&change.removed);
            if !rest.is_empty() {
                kept.0.insert(owner.clone(), Owned { set: rest, ..owned.clone() });
            }
        }
        if !force && !conflicts.is_empty() {
            return Err(conflicts
                .into_iter()
                .flat_map(|(owner, _, set)| {
                    let name = owner.display(None);
                    set.paths().into_iter().map(move |path| Conflict { owner: name.clone(), path })
                })
                .collect());
        }
        *managed = kept;
        Ok(base)
    }

    /// The fields that client-side apply wrote and that still are as it wrote them: `kubectl apply --server-side` takes them over.
    fn allowed_by_last_applied(&self, live: &Value, ty: &Type) -> Option<Set> {
        let last = at(live, &["metadata", "annotations", LAST_APPLIED])?.as_str()?;
        let last: Value = serde_json::from_str(last).ok()?;
        if text(&last, &["apiVersion"]) != self.version {
            return None;
        }
        let change = compare(&last, live, ty);
        let set = field_set(&last, ty);
        Some(set.difference(&change.modified).difference(&change.added).difference(&change.removed))
    }
}

/// The annotation in which client-side apply keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A field that somebody else owns.
#[derive(Debug, Clone)]
struct Conflict {
    owner: String,
    path: Vec<Step>,
}

fn conflict_error(conflicts: &[Conflict]) -> ApiError {
    let message = match conflicts {
        [one] => format!("Apply failed with 1 conflict: conflict with {}: {}", one.owner, display(&one.path)),
        _ => {
            let mut by_owner: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for conflict in conflicts {
                by_owner.entry(&conflict.owner).or_default().push(display(&conflict.path));
            }
            let mut lines = Vec::new();
            for (owner, paths) in by_owner {
                lines.push(format!("conflicts with {owner}:"));
                lines.extend(paths.into_iter().map(|p| format!("- {p}")));
            }
            format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
        }
    };
    let causes: Vec<Value> = conflicts
        .iter()
        .map(|c| {
            json!({"reason": "FieldManagerConflict", "message": format!("conflict with {}", c.owner), "field": display(&c.path)})
        })
        .collect();
    let mut details = json!({});
    object_mut(&mut details).insert("causes".into(), causes.into());
    ApiError::new(409, "Conflict", message).with_details(details)
}

#[cfg(test)]
mod tests;
