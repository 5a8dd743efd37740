//! The resources that are served: what discovery lists and where requests go.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::schema::crd::CustomKind;
use crate::schema::{BUILTIN, Type};

/// The group, version and kind that a resource speaks, where it is not its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
}

/// A part of a resource that has an address of its own.
#[derive(Debug, Clone)]
pub(crate) struct Subresource {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The kind is of another group or version than the resource.
    pub(crate) foreign: bool,
    pub(crate) verbs: Vec<String>,
}

/// A resource in one version.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) namespaced: bool,
    pub(crate) kind: String,
    pub(crate) verbs: Vec<String>,
    pub(crate) short: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) subresources: Vec<Subresource>,
    /// What a CustomResourceDefinition said about it.
    pub(crate) custom: Option<Arc<CustomKind>>,
}

/// Where objects are kept: one place for all versions of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupResource {
    pub(crate) group: String,
    pub(crate) resource: String,
}

impl GroupResource {
    pub(crate) fn new(group: &str, resource: &str) -> Self {
        Self { group: group.into(), resource: resource.into() }
    }
}

impl Resource {
    /// `apps/v1`, or `v1` in the core group.
    pub(crate) fn api_version(&self) -> String {
        group_version(&self.group, &self.version)
    }

    pub(crate) fn place(&self) -> GroupResource {
        GroupResource::new(&self.group, &self.plural)
    }

    pub(crate) fn sub(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|s| s.name == name)
    }

    pub(crate) fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }

    pub(crate) fn has_status(&self) -> bool {
        self.sub("status").is_some()
    }

    /// The type of its objects.
    pub(crate) fn ty(&self) -> Type {
        match &self.custom {
            Some(custom) => custom.ty.clone(),
            None => BUILTIN.kind(&self.group, &self.version, &self.kind).unwrap_or(Type::Any),
        }
    }

    /// Whether it is the resource of a built-in group.
    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.group == group && self.plural == plural
    }
}

/// Writes a group and a version as `apiVersion` does.
pub(crate) fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// Reads an `apiVersion`.
pub(crate) fn split_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// All resources, in the order in which discovery lists them.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    /// The group-versions in order; the first of a group is the preferred one.
    pub(crate) versions: Vec<(String, String)>,
    resources: BTreeMap<(String, String), Vec<Arc<Resource>>>,
}

impl Registry {
    /// The built-in resources.
    pub(crate) fn builtin() -> Self {
        let mut out = Self { versions: Vec::new(), resources: BTreeMap::new() };
        let mut here = (String::new(), String::new());
        let mut list: Vec<Resource> = Vec::new();
        for line in include_str!("schema/resources.txt").lines() {
            if let Some(version) = line.strip_prefix("G ") {
                out.close(&here, &mut list);
                let (group, version) = version.split_once('/').unwrap_or(("", version));
                here = (group.to_owned(), version.to_owned());
                out.versions.push(here.clone());
            } else if let Some(sub) = line.strip_prefix("  /") {
                if let (Some(resource), Some(sub)) = (list.last_mut(), read_sub(sub, &here)) {
                    resource.subresources.push(sub);
                }
            } else if let Some(resource) = line.strip_prefix(' ') {
                list.extend(read_resource(resource, &here));
            }
        }
        out.close(&here, &mut list);
        out
    }

    fn close(&mut self, here: &(String, String), list: &mut Vec<Resource>) {
        if !list.is_empty() {
            self.resources.insert(here.clone(), list.drain(..).map(Arc::new).collect());
        }
    }

    pub(crate) fn resources(&self, group: &str, version: &str) -> &[Arc<Resource>] {
        self.resources.get(&(group.to_owned(), version.to_owned())).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn serves(&self, group: &str, version: &str) -> bool {
        !self.resources(group, version).is_empty()
    }

    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        self.resources(group, version).iter().find(|r| r.plural == plural).cloned()
    }

    /// The resource of a kind.
    pub(crate) fn of_kind(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Resource>> {
        self.resources(group, version).iter().find(|r| r.kind == kind).cloned()
    }

    /// The versions of a group, the preferred one first.
    pub(crate) fn versions_of(&self, group: &str) -> Vec<&str> {
        self.versions.iter().filter(|(g, _)| g == group).map(|(_, v)| v.as_str()).collect()
    }

    /// A resource in the first version that has it.
    pub(crate) fn any_version(&self, place: &GroupResource) -> Option<Arc<Resource>> {
        self.versions_of(&place.group).into_iter().find_map(|v| self.find(&place.group, v, &place.resource))
    }

    /// Every resource.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.versions.iter().flat_map(|(g, v)| self.resources(g, v))
    }

    /// Serves the versions of a custom resource, and no others of it.
    pub(crate) fn install(&mut self, group: &str, plural: &str, resources: Vec<Resource>) {
        for ((g, _), list) in &mut self.resources {
            if g == group {
                list.retain(|r| r.plural != plural || r.custom.is_none());
            }
        }
        for resource in resources {
            let key = (resource.group.clone(), resource.version.clone());
            let list = self.resources.entry(key.clone()).or_default();
            if list.iter().any(|r| r.plural == resource.plural) {
                continue;
            }
            list.push(Arc::new(resource));
            list.sort_by(|a, b| a.plural.cmp(&b.plural));
            if !self.versions.contains(&key) {
                self.versions.push(key);
            }
        }
        self.resources.retain(|_, list| !list.is_empty());
        let served = &self.resources;
        self.versions.retain(|key| served.contains_key(key));
        // Custom groups stand last, by name; their versions by Kubernetes' own order of versions.
        let builtin = self.versions.iter().position(|(g, v)| self.resources(g, v).iter().any(|r| r.custom.is_some()));
        if let Some(first) = builtin {
            let mut tail = self.versions.split_off(first);
            tail.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| version_rank(&b.1).cmp(&version_rank(&a.1))));
            self.versions.extend(tail);
        }
    }
}

/// Orders versions as `version.CompareKubeAwareVersionStrings`: v2, v1, v1beta1, v1alpha1; the greatest comes first.
pub(crate) fn version_rank(version: &str) -> (bool, u8, u64, u64) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (major, tail) = rest.split_at(end);
        let major: u64 = major.parse().ok()?;
        if tail.is_empty() {
            return Some((true, 2, major, 0));
        }
        for (word, rank) in [("beta", 1), ("alpha", 0)] {
            if let Some(minor) = tail.strip_prefix(word) {
                return Some((true, rank, major, minor.parse().ok()?));
            }
        }
        None
    };
    parse().unwrap_or((false, 0, 0, 0))
}

fn words(list: &str) -> Vec<String> {
    list.split(',').map(str::to_owned).collect()
}

fn read_kind(text: &str, here: &(String, String)) -> (Kind, bool) {
    let mut parts = text.rsplitn(3, '/');
    let kind = parts.next().unwrap_or_default().to_owned();
    match (parts.next(), parts.next()) {
        (Some(version), group) => {
            (Kind { group: group.unwrap_or_default().to_owned(), version: version.to_owned(), kind }, true)
        }
        _ => (Kind { group: here.0.clone(), version: here.1.clone(), kind }, false),
    }
}

fn read_sub(line: &str, here: &(String, String)) -> Option<Subresource> {
    let mut parts = line.split(' ');
    let name = parts.next()?.to_owned();
    let (kind, foreign) = read_kind(parts.next()?, here);
    Some(Subresource { name, kind, foreign, verbs: words(parts.next()?) })
}

fn read_resource(line: &str, here: &(String, String)) -> Option<Resource> {
    let mut parts = line.split(' ');
    let mut out = Resource {
        group: here.0.clone(),
        version: here.1.clone(),
        plural: parts.next()?.to_owned(),
        singular: parts.next()?.to_owned(),
        namespaced: parts.next()? == "namespaced",
        kind: parts.next()?.to_owned(),
        verbs: words(parts.next()?),
        short: Vec::new(),
        categories: Vec::new(),
        subresources: Vec::new(),
        custom: None,
    };
    for part in parts {
        match part.split_once('=') {
            Some(("short", list)) => out.short = words(list),
            Some(("in", list)) => out.categories = words(list),
            _ => {}
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_served() {
        let registry = Registry::builtin();
        let deployments = registry.find("apps", "v1", "deployments").unwrap();
        assert_eq!(deployments.short, ["deploy"]);
        assert_eq!(deployments.sub("scale").unwrap().kind.group, "autoscaling");
        assert!(registry.find("", "v1", "pods").unwrap().sub("log").is_some());
        assert!(!registry.find("", "v1", "namespaces").unwrap().namespaced);
        assert_eq!(registry.versions_of("autoscaling"), ["v2", "v1"]);
        for resource in registry.all().filter(|r| r.can("get") && r.can("list")) {
            assert!(!matches!(resource.ty(), Type::Any), "{}", resource.kind);
        }
    }

    #[test]
    fn versions_have_kubernetes_order() {
        let mut versions = vec!["v1alpha1", "foo", "v1", "v2beta1", "v10", "v1beta2"];
        versions.sort_by_key(|v| std::cmp::Reverse(version_rank(v)));
        assert_eq!(versions, ["v10", "v1", "v2beta1", "v1beta2", "v1alpha1", "foo"]);
    }
}
