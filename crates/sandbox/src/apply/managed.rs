//! `metadata.managedFields`: who owns which fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::set::Set;
use crate::json::{at, text};

/// Who owns fields. Appliers are one manager whatever version they used; updaters are one per version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner {
    pub(crate) manager: String,
    pub(crate) applied: bool,
    pub(crate) version: String,
    pub(crate) subresource: String,
}

impl Owner {
    pub(crate) fn applier(manager: &str, subresource: &str) -> Self {
        Self { manager: manager.into(), applied: true, version: String::new(), subresource: subresource.into() }
    }

    pub(crate) fn updater(manager: &str, version: &str, subresource: &str) -> Self {
        Self { manager: manager.into(), applied: false, version: version.into(), subresource: subresource.into() }
    }

    /// As conflicts name it: `"kubectl" using v1`.
    pub(crate) fn display(&self, time: Option<&str>) -> String {
        let mut out = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            out.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if !self.applied {
            out.push_str(&format!(" using {}", self.version));
            if let Some(time) = time {
                out.push_str(&format!(" at {time}"));
            }
        }
        out
    }
}

/// What an owner owns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Owned {
    pub(crate) set: Set,
    pub(crate) version: String,
    pub(crate) time: Option<String>,
}

/// All owners of an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Managed(pub(crate) BTreeMap<Owner, Owned>);

impl Managed {
    /// Reads the field; none when it cannot be read.
    pub(crate) fn decode(field: Option<&Value>) -> Option<Self> {
        let mut out = BTreeMap::new();
        for entry in field.and_then(Value::as_array).into_iter().flatten() {
            let applied = match text(entry, &["operation"]) {
                "Apply" => true,
                "Update" => false,
                _ => return None,
            };
            let version = text(entry, &["apiVersion"]);
            if version.is_empty() {
                return None;
            }
            let owner = Owner {
                manager: text(entry, &["manager"]).into(),
                applied,
                version: if applied { String::new() } else { version.into() },
                subresource: text(entry, &["subresource"]).into(),
            };
            let owned = Owned {
                set: at(entry, &["fieldsV1"]).map(Set::from_json).unwrap_or_default(),
                version: version.into(),
                time: at(entry, &["time"]).and_then(Value::as_str).map(str::to_owned),
            };
            out.insert(owner, owned);
        }
        Some(Self(out))
    }

    /// Writes the field: appliers first, then by time, manager and version.
    pub(crate) fn encode(&self) -> Option<Value> {
        if self.0.is_empty() {
            return None;
        }
        let mut entries: Vec<(&Owner, &Owned)> = self.0.iter().collect();
        entries.sort_by(|(a, x), (b, y)| {
            (!a.applied, &x.time, &a.manager, &x.version, &a.subresource).cmp(&(
                !b.applied,
                &y.time,
                &b.manager,
                &y.version,
                &b.subresource,
            ))
        });
        let entries = entries.into_iter().map(|(owner, owned)| {
            let mut entry = Map::new();
            entry.insert("manager".into(), owner.manager.clone().into());
            entry.insert("operation".into(), if owner.applied { "Apply" } else { "Update" }.into());
            entry.insert("apiVersion".into(), owned.version.clone().into());
            if let Some(time) = &owned.time {
                entry.insert("time".into(), time.clone().into());
            }
            entry.insert("fieldsType".into(), "FieldsV1".into());
            entry.insert("fieldsV1".into(), owned.set.to_json());
            if !owner.subresource.is_empty() {
                entry.insert("subresource".into(), owner.subresource.clone().into());
            }
            Value::Object(entry)
        });
        Some(Value::Array(entries.collect()))
    }

    /// Merges the oldest updaters into `ancient-changes` when there are more than ten, as `capmanagers.go`.
    pub(crate) fn cap(&mut self) {
        const MOST: usize = 10;
        let mut updaters: Vec<Owner> = self.0.keys().filter(|o| !o.applied).cloned().collect();
        let mut count = updaters.len();
        updaters.sort_by_key(|o| (self.0.get(o).and_then(|e| e.time.clone()), o.clone()));
        let mut first_of: BTreeMap<String, Owner> = BTreeMap::new();
        for owner in updaters {
            if count <= MOST {
                break;
            }
            let bucket = Owner::updater("ancient-changes", &owner.version, "");
            let Some(first) = first_of.get(&owner.version).cloned() else {
                first_of.insert(owner.version.clone(), owner);
                continue;
            };
            if !self.0.contains_key(&bucket)
                && let Some(entry) = self.0.remove(&first)
            {
                self.0.insert(bucket.clone(), entry);
            }
            if let Some(entry) = self.0.remove(&owner)
                && let Some(into) = self.0.get_mut(&bucket)
            {
                into.set = into.set.union(&entry.set);
                into.time = entry.time;
                count -= 1;
            }
        }
    }
}

/// Whether a client asks for all managed fields to be forgotten: an empty list, or a list of one empty entry.
pub(crate) fn asks_reset(field: Option<&Value>) -> bool {
    match field.and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => true,
        Some([one]) => *one == json!({}) || one.as_object().is_some_and(|m| m.values().all(|v| v == "" || v.is_null())),
        _ => false,
    }
}
