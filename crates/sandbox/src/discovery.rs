//! What discovery answers, in the old form and in the aggregated one.

use serde_json::{Map, Value, json};

use crate::resources::{Kind, Registry, Resource, Subresource, group_version};

/// The version of Kubernetes that the sandbox is.
pub(crate) const VERSION: &str = "v1.36.3";

/// `GET /version`.
pub(crate) fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35", "gitVersion": VERSION,
        "gitCommit": "$Format:%H$", "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "go1.26.8", "compiler": "gc", "platform": "linux/amd64",
    })
}

/// `GET /api`.
pub(crate) fn core() -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}]})
}

fn group_names(registry: &Registry) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    for (group, _) in &registry.versions {
        if !group.is_empty() && !out.contains(&group.as_str()) {
            out.push(group);
        }
    }
    out
}

/// `GET /apis/GROUP`; none when it is not served.
pub(crate) fn group(registry: &Registry, name: &str) -> Option<Value> {
    let mut out = plain_group(registry, name)?;
    out.insert("kind".into(), "APIGroup".into());
    out.insert("apiVersion".into(), "v1".into());
    Some(Value::Object(out))
}

fn plain_group(registry: &Registry, name: &str) -> Option<Map<String, Value>> {
    let versions: Vec<Value> = registry
        .versions_of(name)
        .into_iter()
        .map(|v| json!({"groupVersion": group_version(name, v), "version": v}))
        .collect();
    let preferred = versions.first()?.clone();
    let mut out = Map::new();
    out.insert("name".into(), name.into());
    out.insert("versions".into(), versions.into());
    out.insert("preferredVersion".into(), preferred);
    Some(out)
}

/// `GET /apis`.
pub(crate) fn groups(registry: &Registry) -> Value {
    let groups: Vec<Value> =
        group_names(registry).into_iter().filter_map(|g| plain_group(registry, g)).map(Value::Object).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn names(out: &mut Map<String, Value>, key: &str, list: &[String]) {
    if !list.is_empty() {
        out.insert(key.into(), list.into());
    }
}

fn foreign(out: &mut Map<String, Value>, kind: &Kind, is: bool) {
    if is {
        out.insert("group".into(), kind.group.clone().into());
        out.insert("version".into(), kind.version.clone().into());
    }
}

/// `GET /apis/GROUP/VERSION`; none when it is not served.
pub(crate) fn resources(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let served = registry.resources(group, version);
    if served.is_empty() {
        return None;
    }
    let mut list = Vec::new();
    for resource in served {
        let mut out = Map::new();
        out.insert("name".into(), resource.plural.clone().into());
        out.insert("singularName".into(), resource.singular.clone().into());
        out.insert("namespaced".into(), resource.namespaced.into());
        let kind = read_kind(resource);
        foreign(&mut out, &kind, kind.group != resource.group || kind.version != resource.version);
        out.insert("kind".into(), kind.kind.into());
        out.insert("verbs".into(), resource.verbs.clone().into());
        names(&mut out, "shortNames", &resource.short);
        names(&mut out, "categories", &resource.categories);
        if resource.can("get") {
            out.insert("storageVersionHash".into(), crate::random::word(&format!("{group}/{}", resource.kind)).into());
        }
        list.push(Value::Object(out));
        for sub in &resource.subresources {
            let mut out = Map::new();
            out.insert("name".into(), format!("{}/{}", resource.plural, sub.name).into());
            out.insert("singularName".into(), "".into());
            out.insert("namespaced".into(), resource.namespaced.into());
            foreign(&mut out, &sub.kind, sub.foreign);
            out.insert("kind".into(), sub.kind.kind.clone().into());
            out.insert("verbs".into(), sub.verbs.clone().into());
            list.push(Value::Object(out));
        }
    }
    let mut out = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(group, version), "resources": list});
    if group.is_empty()
        && let Some(map) = out.as_object_mut()
    {
        // The core group's list has no version of its own.
        map.remove("apiVersion");
    }
    Some(out)
}

/// The kind of a resource; the table writes one of another group as `group/version/Kind`.
fn read_kind(resource: &Resource) -> Kind {
    let mut parts = resource.kind.rsplitn(3, '/');
    let kind = parts.next().unwrap_or_default().to_owned();
    let version = parts.next().unwrap_or(&resource.version).to_owned();
    let group = parts.next().unwrap_or(&resource.group).to_owned();
    Kind { group, version, kind }
}

fn response_kind(kind: &Kind, foreign: bool) -> Value {
    let (group, version) = if foreign { (kind.group.as_str(), kind.version.as_str()) } else { ("", "") };
    json!({"group": group, "version": version, "kind": kind.kind})
}

fn aggregated_sub(sub: &Subresource) -> Value {
    json!({"subresource": sub.name, "responseKind": response_kind(&sub.kind, sub.foreign), "verbs": sub.verbs})
}

fn aggregated_resource(resource: &Resource) -> Value {
    let mut out = Map::new();
    out.insert("resource".into(), resource.plural.clone().into());
    let kind = read_kind(resource);
    let custom = resource.custom.is_some();
    out.insert("responseKind".into(), response_kind(&kind, custom || kind.group != resource.group));
    out.insert("scope".into(), if resource.namespaced { "Namespaced" } else { "Cluster" }.into());
    out.insert("singularResource".into(), resource.singular.clone().into());
    out.insert("verbs".into(), resource.verbs.clone().into());
    names(&mut out, "shortNames", &resource.short);
    names(&mut out, "categories", &resource.categories);
    if !resource.subresources.is_empty() {
        let subs: Vec<Value> = resource
            .subresources
            .iter()
            .map(|s| aggregated_sub(&Subresource { foreign: s.foreign || custom, ..s.clone() }))
            .collect();
        out.insert("subresources".into(), subs.into());
    }
    Value::Object(out)
}

/// `GET /api` and `GET /apis` as `APIGroupDiscoveryList`.
pub(crate) fn aggregated(registry: &Registry, core: bool) -> Value {
    let groups = if core { vec![""] } else { group_names(registry) };
    let items: Vec<Value> = groups
        .into_iter()
        .map(|group| {
            let versions: Vec<Value> = registry
                .versions_of(group)
                .into_iter()
                .map(|version| {
                    let list: Vec<Value> =
                        registry.resources(group, version).iter().map(|r| aggregated_resource(r)).collect();
                    json!({"version": version, "resources": list, "freshness": "Current"})
                })
                .collect();
            let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_tell_the_same() {
        let registry = Registry::builtin();
        let old = resources(&registry, "apps", "v1").unwrap();
        let names: Vec<&str> =
            old["resources"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
        assert!(names.contains(&"deployments/scale"));
        let new = aggregated(&registry, false);
        let apps = new["items"].as_array().unwrap().iter().find(|g| g["metadata"]["name"] == "apps").unwrap();
        assert_eq!(apps["versions"][0]["resources"][2]["subresources"][0]["responseKind"]["group"], "autoscaling");
        assert_eq!(groups(&registry)["groups"][0]["name"], "apiregistration.k8s.io");
        assert!(resources(&registry, "foo", "v1").is_none());
    }
}
