//! What is answered, and in which form.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::json::{at, text};
use crate::resources::Resource;
use crate::table;

/// The form in which a client wants objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Table,
    Partial,
}

/// What a client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accept {
    pub(crate) form: Form,
    /// Aggregated discovery in this version.
    pub(crate) discovery: Option<&'static str>,
    /// Whether JSON will do at all.
    pub(crate) json: bool,
}

/// Reads an `Accept` header: the first form that is known counts.
pub(crate) fn accept(header: &str) -> Accept {
    let none = Accept { form: Form::Plain, discovery: None, json: header.trim().is_empty() };
    for clause in header.split(',') {
        let mut parts = clause.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        if !matches!(
            media,
            "application/json" | "*/*" | "application/*" | "text/html" | "application/yaml" | "text/plain"
        ) {
            continue;
        }
        let params: Vec<(&str, &str)> = parts.filter_map(|p| p.split_once('=')).collect();
        let param = |key: &str| params.iter().find(|(k, _)| *k == key).map_or("", |(_, v)| *v);
        let plain = Accept { json: true, ..none };
        match (param("as"), param("v")) {
            ("", _) => return plain,
            ("Table", "v1" | "v1beta1") => return Accept { form: Form::Table, ..plain },
            ("PartialObjectMetadata" | "PartialObjectMetadataList", "v1" | "v1beta1") => {
                return Accept { form: Form::Partial, ..plain };
            }
            ("APIGroupDiscoveryList", "v2") => return Accept { discovery: Some("v2"), ..plain },
            _ => {}
        }
    }
    none
}

/// The metadata of an object, and nothing else of it.
fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object.get("metadata")})
}

/// Writes one object in a form.
pub(crate) fn one(resource: &Resource, object: &Value, form: Form, include: &str, now: jiff::Timestamp) -> Value {
    match form {
        Form::Plain => object.clone(),
        Form::Partial => partial(object),
        Form::Table => {
            let metadata = json!({"resourceVersion": text(object, &["metadata", "resourceVersion"])});
            table::table(resource, &[object], metadata, include, now)
        }
    }
}

/// Writes a list in a form.
pub(crate) fn many(
    resource: &Resource,
    objects: &[&Value],
    metadata: Map<String, Value>,
    form: Form,
    include: &str,
    now: jiff::Timestamp,
) -> Value {
    let metadata = Value::Object(metadata);
    match form {
        Form::Table => table::table(resource, objects, metadata, include, now),
        Form::Partial => {
            let items: Vec<Value> = objects.iter().map(|o| partial(o)).collect();
            json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items})
        }
        Form::Plain => {
            let items: Vec<Value> = objects.iter().map(|o| listed(resource, o)).collect();
            json!({"kind": format!("{}List", resource.kind), "apiVersion": resource.api_version(), "metadata": metadata, "items": items})
        }
    }
}

/// The items of lists of built-in kinds do not say what they are.
fn listed(resource: &Resource, object: &Value) -> Value {
    let mut out = object.clone();
    if resource.custom.is_none()
        && let Some(map) = out.as_object_mut()
    {
        map.remove("kind");
        map.remove("apiVersion");
    }
    out
}

/// An answer that is there as a whole.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    pub(crate) warnings: Vec<String>,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub(crate) fn json(code: u16, value: &Value) -> Self {
        let mut body = value.to_string();
        body.push('\n');
        Self { code, content_type: "application/json", body: body.into(), warnings: Vec::new(), headers: Vec::new() }
    }

    pub(crate) fn text(code: u16, body: impl Into<Bytes>) -> Self {
        Self {
            code,
            content_type: "text/plain; charset=utf-8",
            body: body.into(),
            warnings: Vec::new(),
            headers: Vec::new(),
        }
    }
}

/// The answer to a delete that is done.
pub(crate) fn deleted(resource: &Resource, object: &Value) -> Value {
    let mut details = Map::new();
    details.insert("name".into(), text(object, &["metadata", "name"]).into());
    if !resource.group.is_empty() {
        details.insert("group".into(), resource.group.clone().into());
    }
    details.insert("kind".into(), resource.plural.clone().into());
    if let Some(uid) = at(object, &["metadata", "uid"]) {
        details.insert("uid".into(), uid.clone());
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_form_counts() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(accept(table).form, Form::Table);
        assert_eq!(accept("application/vnd.kubernetes.protobuf,application/json").form, Form::Plain);
        assert!(accept("application/vnd.kubernetes.protobuf,application/json").json);
        assert!(!accept("application/vnd.kubernetes.protobuf").json);
        let discovery = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        assert_eq!(accept(discovery).discovery, Some("v2"));
        assert!(accept("").json);
    }
}
