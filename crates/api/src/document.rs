//! The OpenAPI 3.1 document, made from the types and the table of routes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::parameter::{Location, Param, ParamType};
use crate::problem::Reason;
use crate::route::{Body, Response, Route, Shape, is_archive, routes};

/// The condition that every read with an `ETag` knows.
const IF_CHANGED: Param = Param {
    name: "If-None-Match",
    location: Location::Header,
    kind: ParamType::Text,
    doc: "Answer 304 when the `ETag` is still this.",
    example: "\"3-deployed-1f2e3d4c\"",
};

static SCHEMAS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let mut all = Vec::new();
    add::<crate::Index>(&mut all);
    add::<crate::Health>(&mut all);
    add::<crate::Chart>(&mut all);
    add::<crate::ChartList>(&mut all);
    add::<crate::Metadata>(&mut all);
    add::<crate::DependencyList>(&mut all);
    add::<crate::Readme>(&mut all);
    add::<crate::ChartFile>(&mut all);
    add::<crate::ChartFileContent>(&mut all);
    add::<crate::PackageBody>(&mut all);
    add::<crate::CreateBody>(&mut all);
    add::<crate::ChartFolder>(&mut all);
    add::<crate::TemplateBody>(&mut all);
    add::<crate::TemplateResult>(&mut all);
    add::<crate::LintBody>(&mut all);
    add::<crate::LintResult>(&mut all);
    add::<crate::RepositoryList>(&mut all);
    add::<crate::RepositoryBody>(&mut all);
    add::<crate::RepositoryChartList>(&mut all);
    add::<crate::ClusterList>(&mut all);
    add::<crate::ClusterBody>(&mut all);
    add::<crate::ReleaseList>(&mut all);
    add::<crate::Release>(&mut all);
    add::<crate::RevisionList>(&mut all);
    add::<crate::Manifest>(&mut all);
    add::<crate::Notes>(&mut all);
    add::<crate::HookList>(&mut all);
    add::<crate::Record>(&mut all);
    add::<crate::DryRun>(&mut all);
    add::<crate::ChangeBody>(&mut all);
    add::<crate::RollbackBody>(&mut all);
    add::<crate::TestBody>(&mut all);
    add::<crate::Plan>(&mut all);
    add::<crate::DiffBody>(&mut all);
    add::<crate::RevisionDiff>(&mut all);
    add::<crate::ResourceList>(&mut all);
    add::<crate::Drift>(&mut all);
    add::<crate::OperationList>(&mut all);
    add::<crate::Operation>(&mut all);
    add::<crate::Event>(&mut all);
    add::<crate::LogList>(&mut all);
    add::<crate::MigrationBody>(&mut all);
    add::<crate::Migration>(&mut all);
    add::<crate::MigrationCleanupBody>(&mut all);
    add::<crate::MigrationCleanup>(&mut all);
    add::<crate::Problem>(&mut all);
    let named = all.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()));
    composed().into_iter().chain(named).collect()
});

fn add<T: ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
    all.push((T::name().into_owned(), T::schema()));
    T::schemas(all);
}

/// Returns the types of the document by name.
#[must_use]
pub fn schemas() -> &'static Map<String, Value> {
    &SCHEMAS
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.as_str().to_owned(), operation(route));
        }
    }
    sorted(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "whipstaff",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Helm as an HTTP API",
            "description": include_str!("document.md"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
        },
        "servers": [{"url": "/", "description": "This server."}],
        "security": [{"bearer": []}],
        "tags": [
            {"name": "server", "description": "The server itself."},
            {"name": "charts", "description": "Uploaded charts, addressed by their content."},
            {"name": "stateless", "description": "What needs no cluster."},
            {"name": "repositories", "description": "Where charts come from: HTTP repositories and OCI registries."},
            {"name": "clusters", "description": "Where releases are."},
            {"name": "releases", "description": "Releases and what is done to them."},
            {"name": "revisions", "description": "The history of a release."},
            {"name": "operations", "description": "Changes that run or have run."},
            {"name": "migrations", "description": "The way from Helm 2 to Helm 4."}
        ],
        "paths": paths,
        "components": {"schemas": schemas(), "headers": headers(), "securitySchemes": {"bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of Kubernetes, of the configured OIDC issuer, or an API key (`whipstaff key create`). A server \
                that listens on loopback only may have been started without authentication; it needs none."
        }}}
    }))
});

/// Puts the keys of all objects in order, so that the text is the same whichever features `serde_json` was built with,
/// and leaves out defaults that say nothing: of what is an object or a list, its own fields have theirs, and some generators
/// cannot write them down.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let is_one_of = map.get("$ref").and_then(Value::as_str).is_some_and(is_one_of);
            let says = |value: &Value| !is_one_of && !matches!(value, Value::Null | Value::Object(_) | Value::Array(_));
            let ordered: BTreeMap<String, Value> =
                map.into_iter().filter(|(k, v)| k != "default" || says(v)).map(|(k, v)| (k, sorted(v))).collect();
            let mut ordered: Map<String, Value> = ordered.into_iter().collect();
            // All our numbers of 32 bits have no sign.
            if ordered.get("format").is_some_and(|format| format == "int32") {
                ordered.insert("format".into(), "int64".into());
                ordered.entry("maximum").or_insert_with(|| u32::MAX.into());
            }
            Value::Object(ordered)
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// Tells whether a reference leads to a type that is one of several.
fn is_one_of(reference: &str) -> bool {
    let name = reference.rsplit('/').next().unwrap_or_default();
    schemas().get(name).is_some_and(|schema| schema.get("oneOf").is_some())
}

/// Returns the document.
#[must_use]
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// Returns the document as it is checked in: indented, with a line feed at its end.
#[must_use]
pub fn document_text() -> String {
    serde_json::to_string_pretty(document()).unwrap_or_default() + "\n"
}

fn operation(route: &Route) -> Value {
    let mut made = Map::new();
    made.insert("operationId".into(), route.id.into());
    made.insert("tags".into(), json!([route.tag]));
    made.insert("summary".into(), route.summary.into());
    if !route.description.is_empty() {
        made.insert("description".into(), route.description.into());
    }
    let mut parameters: Vec<Value> = route.parameters.iter().map(parameter).collect();
    if route.is_conditional() {
        parameters.push(parameter(&IF_CHANGED));
    }
    if !parameters.is_empty() {
        made.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = &route.body {
        made.insert("requestBody".into(), request_body(body));
    }
    made.insert("security".into(), if route.is_open() { json!([]) } else { json!([{"bearer": []}]) });
    made.insert("responses".into(), responses(route));
    Value::Object(made)
}

fn parameter(param: &Param) -> Value {
    let mut made = json!({
        "name": param.name,
        "in": param.location.as_str(),
        "required": param.location == Location::Path,
        "description": param.doc,
        "schema": match param.kind {
            ParamType::Text | ParamType::Rest => json!({"type": "string"}),
            ParamType::Form { pattern, max } => {
                json!({"type": "string", "pattern": pattern, "minLength": 1, "maxLength": max})
            }
            ParamType::Integer { min, max } => {
                json!({"type": "integer", "format": "int64", "minimum": min, "maximum": max})
            }
            ParamType::Flag => json!({"type": "boolean"}),
            ParamType::Choice(all) => json!({"type": "string", "enum": all}),
            ParamType::Choices(all) => {
                json!({"type": "array", "minItems": 1, "items": {"type": "string", "enum": all}})
            },
            ParamType::Duration => {
                // As long as Go can count, and for longer than anyone waits.
                json!({"type": "string", "pattern": r"^(0|([0-9]{1,5}(\.[0-9]{1,9})?(ns|us|µs|ms|s|m|h)){1,6})$"})
            },
        },
    });
    if let Some(made) = made.as_object_mut() {
        if matches!(param.kind, ParamType::Choices(_)) {
            made.insert("style".into(), "form".into());
            made.insert("explode".into(), false.into());
        }
        if let Some(example) = example(param) {
            made.insert("example".into(), example);
        }
    }
    made
}

fn example(param: &Param) -> Option<Value> {
    let text = param.example;
    if text.is_empty() {
        return None;
    }
    Some(match param.kind {
        ParamType::Integer { .. } => text.parse::<u64>().map_or_else(|_| text.into(), Value::from),
        ParamType::Flag => Value::Bool(text == "true"),
        ParamType::Choices(_) => json!([text]),
        _ => text.into(),
    })
}

fn request_body(body: &Body) -> Value {
    let content: Map<String, Value> =
        body.media.iter().map(|name| ((*name).to_owned(), json!({"schema": shape(body.shape_of(name))}))).collect();
    json!({"required": body.required, "description": body.doc, "content": content})
}

fn responses(route: &Route) -> Value {
    let mut made: BTreeMap<u16, Value> = BTreeMap::new();
    for response in route.responses {
        made.insert(response.status, good(response, route.is_conditional() && response.has_tag()));
    }
    if route.is_conditional() {
        let etag = json!({"ETag": {"$ref": "#/components/headers/ETag"}});
        made.insert(304, json!({"description": "It has not changed.", "headers": etag}));
    }
    let mut by_status: BTreeMap<u16, Vec<Reason>> = BTreeMap::new();
    for reason in route.all_problems() {
        let all = by_status.entry(reason.status()).or_default();
        if !all.contains(&reason) {
            all.push(reason);
        }
    }
    for (status, reasons) in by_status {
        let text: Vec<String> = reasons.iter().map(|r| format!("`{}`: {}", r.as_str(), r.meaning())).collect();
        made.insert(
            status,
            json!({
                "description": text.join("\n\n"),
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            }),
        );
        if status == 401
            && let Some(made) = made.get_mut(&status).and_then(Value::as_object_mut)
        {
            made.insert(
                "headers".into(),
                json!({"WWW-Authenticate": {"$ref": "#/components/headers/WWW-Authenticate"}}),
            );
        }
    }
    made.into_iter().map(|(status, response)| (status.to_string(), response)).collect::<Map<_, _>>().into()
}

fn good(response: &Response, has_tag: bool) -> Value {
    let mut made = json!({"description": response.doc});
    let Some(map) = made.as_object_mut() else { return made };
    let tag = Some(&"ETag").filter(|tag| has_tag && !response.headers.contains(tag));
    if !response.headers.is_empty() || tag.is_some() {
        let headers: Map<String, Value> = response
            .headers
            .iter()
            .chain(tag)
            .map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")})))
            .collect();
        map.insert("headers".into(), headers.into());
    }
    if !response.media.is_empty() {
        let content: Map<String, Value> = response
            .media
            .iter()
            .map(|media| {
                let schema = match (media.text, response.shape) {
                    (true, Shape::Binary) => shape(Shape::Binary),
                    (true, _) if is_archive(media.name) => shape(Shape::Binary),
                    (true, _) => shape(Shape::Text),
                    (false, other) => shape(other),
                };
                (media.name.to_owned(), json!({"schema": schema}))
            })
            .collect();
        map.insert("content".into(), content.into());
    }
    made
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The types of answers that are made of others.
fn composed() -> Vec<(String, Value)> {
    let shapes = routes().iter().flat_map(|route| route.responses).map(|response| response.shape);
    let composed = shapes.filter_map(|shape| match shape {
        Shape::Either(a, b) => Some((format!("{a}Or{b}"), json!({"oneOf": [reference(a), reference(b)]}))),
        Shape::List(name) => Some((
            format!("{name}List"),
            json!({
                "type": "object", "required": ["items"],
                "properties": {"items": {"type": "array", "items": reference(name), "description": "The items."}}
            }),
        )),
        _ => None,
    });
    composed.collect()
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Nothing => json!({}),
        Shape::Of(name) => reference(name),
        // With a name of its own: clients that are generated call it by that.
        Shape::Either(a, b) => reference(&format!("{a}Or{b}")),
        Shape::List(name) => reference(&format!("{name}List")),
        Shape::Object => json!({"type": "object"}),
        Shape::Text => json!({"type": "string"}),
        Shape::Binary => json!({"type": "string", "format": "binary"}),
    }
}

fn headers() -> Value {
    let text = |doc: &str| json!({"description": doc, "schema": {"type": "string"}});
    json!({
        "ETag": text("Changes whenever what was read changes."),
        "Location": text("The address of what was made."),
        "Preference-Applied": text("The preference that was followed."),
        "WWW-Authenticate": text("How to say who asks: `Bearer`."),
        "Retry-After": {"description": "Seconds until it is worth asking again.", "schema": {"type": "integer", "format": "int32"}}
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Method;

    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(target)) = map.get("$ref") {
                    found.push(target);
                }
                map.values().for_each(|v| references(v, found));
            }
            Value::Array(items) => items.iter().for_each(|v| references(v, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let mut found = Vec::new();
        references(document(), &mut found);
        assert!(found.len() > 100);
        for target in found {
            assert!(document().pointer(target.trim_start_matches('#')).is_some(), "{target}");
        }
    }

    /// `WHIPSTAFF_BLESS=1 cargo test -p whipstaff-api` writes it anew.
    #[test]
    fn the_document_that_is_checked_in_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/whipstaff.json");
        if std::env::var_os("WHIPSTAFF_BLESS").is_some() {
            std::fs::write(path, document_text()).unwrap();
        }
        let checked_in = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            checked_in == document_text(),
            "openapi/whipstaff.json is stale: run `cargo xtask openapi`, or this test with WHIPSTAFF_BLESS=1"
        );
    }

    #[test]
    fn examples_of_bodies_are_valid() {
        for (name, schema) in schemas() {
            if let Some(example) = schema.get("example")
                && example.is_object()
            {
                assert_eq!(crate::check(name, example), [], "{name}");
            }
        }
    }

    #[test]
    fn changes_and_reads_have_the_methods_they_should() {
        for route in routes() {
            assert_eq!(route.method.is_safe(), route.body.is_none() && route.method == Method::Get, "{}", route.id);
            assert!(!route.summary.ends_with('.') && !route.responses.is_empty(), "{}", route.id);
        }
    }
}
