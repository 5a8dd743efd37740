//! What a strategic merge has to know of the built-in kinds.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::object::Gvk;

/// The type of a map; of one that the table does not know, nothing is known of its fields either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Type(Option<&'static str>);

/// What is known of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    /// The type of the map, or of a list's items.
    pub(super) ty: Type,
    /// A list merges by this key of its items; by the items themselves when it is empty.
    pub(super) merge_key: Option<&'static str>,
    /// Of the map, or of a list's items, only the keys that are wanted stay.
    pub(super) retain_keys: bool,
    /// The map is replaced as a whole.
    pub(super) replace: bool,
}

#[derive(Default)]
struct Table {
    versions: HashSet<&'static str>,
    kinds: HashMap<&'static str, Type>,
    fields: HashMap<(&'static str, &'static str), Field>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("types.txt")));

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self::default();
        let mut inside = "";
        for line in text.lines() {
            let mut words = line.split(' ');
            match (words.next(), words.next(), words.next()) {
                (Some("V"), Some(version), _) => {
                    table.versions.insert(version);
                }
                (Some("K"), Some(kind), Some(ty)) => {
                    table.kinds.insert(kind, Type(Some(ty)));
                }
                (Some("T"), Some(ty), _) => inside = ty,
                (Some(""), Some(name), Some(ty)) => {
                    let mut field = Field { ty: Type(Some(ty).filter(|ty| *ty != "-")), ..Field::default() };
                    for mark in words {
                        match mark.split_once('=').unwrap_or((mark, "")) {
                            ("merge", key) => field.merge_key = Some(key),
                            ("retainKeys", _) => field.retain_keys = true,
                            ("replace", _) => field.replace = true,
                            _ => {}
                        }
                    }
                    table.fields.insert((inside, name), field);
                }
                _ => {}
            }
        }
        table
    }
}

impl Type {
    /// The type of a kind that is merged strategically; `None` when its objects are merged as JSON, as Helm 4.3:
    /// `pkg/kube/converter.go`, where what client-go does not know is such a kind.
    pub(super) fn of(gvk: &Gvk) -> Option<Self> {
        if !TABLE.versions.contains(gvk.api_version().as_str()) {
            return None;
        }
        let exact = format!("{}/{}/{}", gvk.group, gvk.version, gvk.kind);
        // Beta versions are like the one that came of them.
        let stable = || format!("{}/v1/{}", if gvk.group == "extensions" { "apps" } else { &gvk.group }, gvk.kind);
        let known = TABLE.kinds.get(exact.as_str()).or_else(|| TABLE.kinds.get(stable().as_str()));
        Some(known.copied().unwrap_or(Self(Some(ANY_KIND))))
    }

    /// What is known of a field.
    pub(super) fn field(self, name: &str) -> Field {
        match self.0 {
            Some(ANY_KIND) if name == "metadata" => Field { ty: Self(Some(METADATA)), ..Field::default() },
            Some(ty) => TABLE.fields.get(&(ty, name)).copied().unwrap_or_default(),
            None => Field::default(),
        }
    }
}

/// A kind of which no field but the metadata is special.
const ANY_KIND: &str = "";
const METADATA: &str = "meta.v1.ObjectMeta";

#[cfg(test)]
mod tests {
    use super::*;

    fn field(api_version: &str, kind: &str, path: &[&str]) -> Field {
        let mut ty = Type::of(&Gvk::new(api_version, kind)).unwrap();
        let mut field = Field::default();
        for name in path {
            field = ty.field(name);
            ty = field.ty;
        }
        field
    }

    #[test]
    fn the_table_knows_how_lists_merge() {
        let key = |api_version, kind, path: &[&str]| field(api_version, kind, path).merge_key;
        let pod = ["spec", "template", "spec", "containers", "ports"];
        assert_eq!(key("apps/v1", "Deployment", &pod), Some("containerPort"));
        assert_eq!(key("apps/v1beta1", "Deployment", &pod), Some("containerPort"));
        assert_eq!(key("extensions/v1beta1", "Deployment", &pod), Some("containerPort"));
        assert_eq!(key("v1", "Service", &["spec", "ports"]), Some("port"));
        assert_eq!(key("v1", "ConfigMap", &["metadata", "finalizers"]), Some(""));
        assert_eq!(key("networking.k8s.io/v1", "Ingress", &["spec", "rules"]), None);
        assert!(field("apps/v1", "Deployment", &["spec", "strategy"]).retain_keys);
        assert!(field("policy/v1", "PodDisruptionBudget", &["spec", "selector"]).replace);
    }

    #[test]
    fn what_client_go_does_not_know_is_merged_as_json() {
        for (api_version, kind, strategic) in [
            ("example.com/v1", "Boat", false),
            ("apiregistration.k8s.io/v1", "APIService", false),
            ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", false),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition", true),
            ("v1", "Secret", true),
        ] {
            assert_eq!(Type::of(&Gvk::new(api_version, kind)).is_some(), strategic, "{api_version} {kind}");
        }
    }
}
