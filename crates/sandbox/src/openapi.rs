//! The OpenAPI documents, as far as clients use them: which requests take which parameters, and the shape of the kinds.

use serde_json::{Map, Value, json};

use crate::random::word;
use crate::resources::{Registry, Resource, group_version};
use crate::schema::{BUILTIN, Field, ListKind, Scalar, Type};

/// The name of a type in the documents.
fn definition_name(short: &str) -> String {
    let long = [
        ("meta.", "io.k8s.apimachinery.pkg.apis.meta."),
        ("runtime.", "io.k8s.apimachinery.pkg.runtime."),
        ("util.", "io.k8s.apimachinery.pkg.util."),
        ("api.resource.", "io.k8s.apimachinery.pkg.api.resource."),
        ("version.", "io.k8s.apimachinery.pkg.version."),
        ("apiextensions.", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions."),
        ("apiregistration.", "io.k8s.kube-aggregator.pkg.apis.apiregistration."),
    ];
    for (from, to) in long {
        if let Some(rest) = short.strip_prefix(from) {
            return format!("{to}{rest}");
        }
    }
    format!("io.k8s.api.{short}")
}

fn custom_name(resource: &Resource) -> String {
    let mut parts: Vec<&str> = resource.group.split('.').collect();
    parts.reverse();
    format!("{}.{}.{}", parts.join("."), resource.version, resource.kind)
}

/// `GET /openapi/v2` in protobuf: `swagger: "2.0"`, and no kinds. kubectl and Helm ask for it only where the third version
/// does not know a kind, to find that this one does not either.
pub(crate) const TWO_IN_PROTOBUF: &[u8] = b"\x0a\x032.0";

/// Which of the two formats is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Two,
    Three,
}

impl Format {
    fn reference(self, name: &str) -> Value {
        let prefix = if self == Format::Two { "#/definitions/" } else { "#/components/schemas/" };
        json!({"$ref": format!("{prefix}{name}")})
    }
}

fn schema(ty: &Type, format: Format) -> Value {
    match ty {
        Type::Named(index) => match BUILTIN.all().get(*index) {
            Some((name, _)) => format.reference(&definition_name(name)),
            None => json!({}),
        },
        Type::Atomic(inner) => {
            let mut out = schema(inner, format);
            if let Some(map) = out.as_object_mut() {
                map.insert("x-kubernetes-map-type".into(), "atomic".into());
            }
            out
        }
        other => definition(other, format),
    }
}

fn definition(ty: &Type, format: Format) -> Value {
    match ty {
        Type::Named(_) | Type::Atomic(_) => schema(ty, format),
        Type::Any => json!({"type": "object"}),
        Type::Scalar(scalar) => match scalar {
            Scalar::String => json!({"type": "string"}),
            Scalar::Bool => json!({"type": "boolean"}),
            Scalar::Int32 => json!({"type": "integer", "format": "int32"}),
            Scalar::Int64 => json!({"type": "integer", "format": "int64"}),
            Scalar::Float => json!({"type": "number", "format": "double"}),
            Scalar::Bytes => json!({"type": "string", "format": "byte"}),
            Scalar::Time => json!({"type": "string", "format": "date-time"}),
            Scalar::Quantity if format == Format::Three => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
            Scalar::Quantity => json!({"type": "string"}),
            Scalar::IntOrString if format == Format::Three => {
                json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]})
            }
            Scalar::IntOrString => json!({"type": "string", "format": "int-or-string"}),
        },
        Type::List(list) => {
            let mut out = json!({"type": "array", "items": schema(&list.element, format)});
            if let Some(map) = out.as_object_mut() {
                let kind = match &list.kind {
                    ListKind::Atomic => "atomic",
                    ListKind::Set => "set",
                    ListKind::Map(keys) => {
                        let keys: Vec<&str> = keys.iter().map(|(k, _)| k.as_str()).collect();
                        map.insert("x-kubernetes-list-map-keys".into(), keys.into());
                        "map"
                    }
                };
                map.insert("x-kubernetes-list-type".into(), kind.into());
            }
            out
        }
        Type::Map(map) => json!({"type": "object", "additionalProperties": schema(&map.element, format)}),
        Type::Struct(s) => {
            let mut properties = Map::new();
            let mut required = Vec::new();
            for (name, field) in &s.fields {
                properties.insert(name.clone(), property(field, format));
                if field.required {
                    required.push(name.as_str());
                }
            }
            let mut out = Map::new();
            out.insert("type".into(), "object".into());
            out.insert("properties".into(), properties.into());
            if !required.is_empty() {
                out.insert("required".into(), required.into());
            }
            if s.atomic {
                out.insert("x-kubernetes-map-type".into(), "atomic".into());
            }
            if s.open {
                out.insert("x-kubernetes-preserve-unknown-fields".into(), true.into());
            }
            Value::Object(out)
        }
    }
}

fn property(field: &Field, format: Format) -> Value {
    let mut out = schema(&field.ty, format);
    if out.get("$ref").is_some() && format == Format::Three {
        out = json!({"allOf": [out]});
    }
    if let Some(map) = out.as_object_mut() {
        if let Some(default) = &field.default {
            map.insert("default".into(), default.clone());
        }
        let strategy = match (&field.merge_key, field.retain_keys) {
            (Some(_), true) => "merge,retainKeys",
            (Some(_), false) => "merge",
            (None, true) => "retainKeys",
            (None, false) if field.replace => "replace",
            (None, false) => "",
        };
        if !strategy.is_empty() {
            map.insert("x-kubernetes-patch-strategy".into(), strategy.into());
        }
        if let Some(key) = field.merge_key.as_deref().filter(|k| !k.is_empty()) {
            map.insert("x-kubernetes-patch-merge-key".into(), key.into());
        }
    }
    out
}

fn base_path(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

fn parameter(name: &str, ty: &str, format: Format) -> Value {
    match format {
        Format::Two => json!({"name": name, "in": "query", "type": ty, "uniqueItems": true}),
        Format::Three => json!({"name": name, "in": "query", "schema": {"type": ty, "uniqueItems": true}}),
    }
}

fn operation(resource: &Resource, verb: &str, format: Format) -> Value {
    let action = match verb {
        "get" => "get",
        "create" => "post",
        "update" => "put",
        "patch" => "patch",
        "delete" => "delete",
        other => other,
    };
    let mut parameters = Vec::new();
    if matches!(verb, "create" | "update" | "patch") {
        for name in ["dryRun", "fieldManager", "fieldValidation"] {
            parameters.push(parameter(name, "string", format));
        }
        if verb == "patch" {
            parameters.push(parameter("force", "boolean", format));
        }
    }
    let name = definition_of(resource);
    let content = json!({"description": "OK", "content": {"application/json": {"schema": format.reference(&name)}}});
    let response =
        if format == Format::Two { json!({"description": "OK", "schema": format.reference(&name)}) } else { content };
    let scope = if resource.namespaced { "Namespaced" } else { "" };
    json!({
        "operationId": format!("{verb}{}{}{scope}{}", camel(&resource.group), camel(&resource.version), resource.kind),
        "parameters": parameters,
        "responses": {"200": response},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
    })
}

fn camel(text: &str) -> String {
    let first = text.split('.').next().unwrap_or_default();
    let mut chars = first.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn definition_of(resource: &Resource) -> String {
    if resource.custom.is_some() {
        return custom_name(resource);
    }
    let ty = BUILTIN.kind(&resource.group, &resource.version, &resource.kind);
    match ty {
        Some(Type::Named(index)) => BUILTIN.all().get(index).map_or_else(String::new, |(n, _)| definition_name(n)),
        _ => String::new(),
    }
}

fn paths(registry: &Registry, group: &str, version: &str, format: Format, out: &mut Map<String, Value>) {
    let base = base_path(group, version);
    for resource in registry.resources(group, version) {
        let middle = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
        let collection = format!("{base}{middle}/{}", resource.plural);
        let mut here = Map::new();
        for (verb, method) in [("list", "get"), ("create", "post"), ("deletecollection", "delete")] {
            if resource.can(verb) {
                here.insert(method.into(), operation(resource, verb, format));
            }
        }
        out.insert(collection.clone(), here.into());
        let mut here = Map::new();
        for (verb, method) in [("get", "get"), ("update", "put"), ("patch", "patch"), ("delete", "delete")] {
            if resource.can(verb) {
                here.insert(method.into(), operation(resource, verb, format));
            }
        }
        if !here.is_empty() {
            out.insert(format!("{collection}/{{name}}"), here.into());
        }
    }
}

/// The types that a type is made of, by name.
fn reach(ty: &Type, found: &mut Vec<usize>) {
    match ty {
        Type::Named(index) => {
            if !found.contains(index) {
                found.push(*index);
                reach_inside(ty.resolve(), found);
            }
        }
        other => reach_inside(other, found),
    }
}

fn reach_inside(ty: &Type, found: &mut Vec<usize>) {
    match ty {
        Type::List(list) => reach(&list.element, found),
        Type::Map(map) => reach(&map.element, found),
        Type::Atomic(inner) => reach(inner, found),
        Type::Struct(s) => s.fields.values().for_each(|f| reach(&f.ty, found)),
        _ => {}
    }
}

fn schemas(registry: &Registry, group: &str, version: &str, format: Format, out: &mut Map<String, Value>) {
    let mut found = Vec::new();
    for resource in registry.resources(group, version) {
        let ty = resource.ty();
        reach(&ty, &mut found);
        if resource.custom.is_some() {
            let mut shape = definition(&ty, format);
            mark(&mut shape, &resource.group, &resource.version, &resource.kind);
            out.insert(custom_name(resource), shape);
        }
    }
    let kinds: std::collections::BTreeMap<usize, &(String, String, String)> =
        BUILTIN.kinds().map(|(kind, index)| (index, kind)).collect();
    for index in found {
        let Some((name, ty)) = BUILTIN.all().get(index) else { continue };
        let mut shape = definition(ty, format);
        if let Some((group, version, kind)) = kinds.get(&index) {
            mark(&mut shape, group, version, kind);
        }
        out.insert(definition_name(name), shape);
    }
}

fn mark(shape: &mut Value, group: &str, version: &str, kind: &str) {
    if let Some(map) = shape.as_object_mut() {
        let list = json!([{"group": group, "version": version, "kind": kind}]);
        map.insert("x-kubernetes-group-version-kind".into(), list);
    }
}

/// `GET /openapi/v2`.
pub(crate) fn two(registry: &Registry) -> Value {
    let (mut all_paths, mut definitions) = (Map::new(), Map::new());
    for (group, version) in &registry.versions {
        paths(registry, group, version, Format::Two, &mut all_paths);
        schemas(registry, group, version, Format::Two, &mut definitions);
    }
    json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": crate::discovery::VERSION},
        "paths": all_paths, "definitions": definitions})
}

/// `GET /openapi/v3`.
pub(crate) fn index(registry: &Registry) -> Value {
    let mut out = Map::new();
    for (group, version) in &registry.versions {
        let path = base_path(group, version);
        let state: Vec<String> = registry
            .resources(group, version)
            .iter()
            .map(|r| match &r.custom {
                Some(custom) => format!("{}{}", r.plural, custom.schema),
                None => r.plural.clone(),
            })
            .collect();
        let hash = word(&state.join(" ")).to_uppercase();
        let url = format!("/openapi/v3{path}?hash={hash}");
        out.insert(path.trim_start_matches('/').to_owned(), json!({"serverRelativeURL": url}));
    }
    json!({"paths": out})
}

/// `GET /openapi/v3/apis/GROUP/VERSION`; none when it is not served.
pub(crate) fn three(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    if !registry.serves(group, version) {
        return None;
    }
    let (mut here, mut components) = (Map::new(), Map::new());
    paths(registry, group, version, Format::Three, &mut here);
    schemas(registry, group, version, Format::Three, &mut components);
    let title = format!("Kubernetes {}", group_version(group, version));
    Some(json!({"openapi": "3.0.0", "info": {"title": title, "version": crate::discovery::VERSION},
        "paths": here, "components": {"schemas": components}}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_says_that_it_validates() {
        let registry = Registry::builtin();
        let apps = three(&registry, "apps", "v1").unwrap();
        let patch = &apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
        assert!(patch["parameters"].as_array().unwrap().iter().any(|p| p["name"] == "fieldValidation"));
        assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
        let spec = &apps["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
        assert_eq!(spec["x-kubernetes-list-map-keys"][0], "name");
        assert!(two(&registry)["definitions"].as_object().unwrap().len() > 400);
        assert!(index(&registry)["paths"].get("apis/apps/v1").is_some());
    }
}
