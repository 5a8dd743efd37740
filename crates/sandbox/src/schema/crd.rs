//! Custom resources: the types, checks and columns that a CustomResourceDefinition brings.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{BUILTIN, Field, List, ListKind, MapOf, Omit, Scalar, Struct, Type};
use crate::json::{at, list, text};
use crate::resources::{Kind, Resource, Subresource};
use crate::status::FieldError;

/// One version of a custom resource.
#[derive(Debug)]
pub(crate) struct CustomKind {
    pub(crate) ty: Type,
    /// `openAPIV3Schema` as it was given.
    pub(crate) schema: Arc<Value>,
    /// `additionalPrinterColumns` as they were given.
    pub(crate) columns: Vec<Value>,
    /// `subresources.scale`.
    pub(crate) scale: Option<Value>,
}

fn verbs(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

fn strings(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Makes the resources that a CustomResourceDefinition serves.
pub(crate) fn resources(definition: &Value) -> Vec<Resource> {
    let group = text(definition, &["spec", "group"]);
    let names = |key: &str| text(definition, &["spec", "names", key]).to_owned();
    let mut out = Vec::new();
    for version in list(definition, &["spec", "versions"]) {
        if version.get("served").and_then(Value::as_bool) != Some(true) {
            continue;
        }
        let name = text(version, &["name"]);
        let own = |kind: &str| Kind { group: group.into(), version: name.into(), kind: kind.into() };
        let schema = Arc::new(at(version, &["schema", "openAPIV3Schema"]).cloned().unwrap_or(Value::Null));
        let kind = names("kind");
        let scale = at(version, &["subresources", "scale"]).cloned();
        let mut subresources = Vec::new();
        if scale.is_some() {
            subresources.push(Subresource {
                name: "scale".into(),
                kind: Kind { group: "autoscaling".into(), version: "v1".into(), kind: "Scale".into() },
                foreign: true,
                verbs: verbs(&["get", "patch", "update"]),
            });
        }
        if at(version, &["subresources", "status"]).is_some() {
            subresources.push(Subresource {
                name: "status".into(),
                kind: own(&kind),
                foreign: false,
                verbs: verbs(&["get", "patch", "update"]),
            });
        }
        let singular = match names("singular") {
            empty if empty.is_empty() => kind.to_lowercase(),
            given => given,
        };
        out.push(Resource {
            group: group.into(),
            version: name.into(),
            plural: names("plural"),
            singular,
            namespaced: text(definition, &["spec", "scope"]) == "Namespaced",
            verbs: verbs(&["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]),
            short: strings(list(definition, &["spec", "names", "shortNames"])),
            categories: strings(list(definition, &["spec", "names", "categories"])),
            subresources,
            custom: Some(Arc::new(CustomKind {
                ty: root(&kind, &schema),
                schema,
                columns: list(version, &["additionalPrinterColumns"]).to_vec(),
                scale,
            })),
            kind,
        });
    }
    out
}

fn plain(ty: Type) -> Field {
    Field {
        ty,
        omit: Omit::Nil,
        required: false,
        merge_key: None,
        retain_keys: false,
        replace: false,
        default: None,
        proto: Vec::new(),
    }
}

fn root(kind: &str, schema: &Arc<Value>) -> Type {
    let mut fields = BTreeMap::new();
    let open = match convert(schema).resolve() {
        Type::Struct(s) => {
            for (name, _) in s.fields.iter() {
                if let Some(property) = at(schema, &["properties", name]) {
                    fields.insert(name.clone(), property_field(property));
                }
            }
            s.open
        }
        _ => true,
    };
    fields.insert("apiVersion".into(), plain(Type::Scalar(Scalar::String)));
    fields.insert("kind".into(), plain(Type::Scalar(Scalar::String)));
    fields.insert("metadata".into(), plain(BUILTIN.named("meta.v1.ObjectMeta")));
    Type::Struct(Arc::new(Struct { name: kind.into(), fields, atomic: false, open, source: Some(Arc::clone(schema)) }))
}

fn property_field(schema: &Value) -> Field {
    let mut field = plain(convert(schema));
    field.default = at(schema, &["default"]).cloned();
    field
}

fn flag(schema: &Value, key: &str) -> bool {
    schema.get(key).and_then(Value::as_bool) == Some(true)
}

/// Makes a type of a structural schema.
pub(crate) fn convert(schema: &Value) -> Type {
    if flag(schema, "x-kubernetes-int-or-string") {
        return Type::Scalar(Scalar::IntOrString);
    }
    let open = flag(schema, "x-kubernetes-preserve-unknown-fields");
    let ty = match text(schema, &["type"]) {
        "string" => Type::Scalar(Scalar::String),
        "integer" => Type::Scalar(Scalar::Int64),
        "number" => Type::Scalar(Scalar::Float),
        "boolean" => Type::Scalar(Scalar::Bool),
        "array" => {
            let kind = match text(schema, &["x-kubernetes-list-type"]) {
                "set" => ListKind::Set,
                "map" => ListKind::Map(
                    strings(list(schema, &["x-kubernetes-list-map-keys"]))
                        .into_iter()
                        .map(|k| {
                            let default = at(schema, &["items", "properties", &k, "default"]).cloned();
                            (k, default)
                        })
                        .collect(),
                ),
                _ => ListKind::Atomic,
            };
            let element = at(schema, &["items"]).map_or(Type::Any, convert);
            Type::List(Arc::new(List { element, kind }))
        }
        "object" => match (at(schema, &["properties"]), at(schema, &["additionalProperties"])) {
            (None, Some(Value::Object(_))) => {
                let element = at(schema, &["additionalProperties"]).map_or(Type::Any, convert);
                Type::Map(Arc::new(MapOf { element }))
            }
            (None, Some(Value::Bool(true))) => Type::Any,
            (None, _) if open => Type::Any,
            (properties, _) => {
                let mut fields: BTreeMap<String, Field> = properties
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                    .map(|(name, property)| (name.clone(), property_field(property)))
                    .collect();
                if flag(schema, "x-kubernetes-embedded-resource") {
                    for key in ["apiVersion", "kind"] {
                        fields.entry(key.into()).or_insert_with(|| plain(Type::Scalar(Scalar::String)));
                    }
                    fields.insert("metadata".into(), plain(BUILTIN.named("meta.v1.ObjectMeta")));
                }
                let source = Some(Arc::new(Value::Null));
                Type::Struct(Arc::new(Struct { name: String::new(), fields, atomic: false, open, source }))
            }
        },
        _ => Type::Any,
    };
    if text(schema, &["x-kubernetes-map-type"]) == "atomic" { Type::Atomic(Arc::new(ty)) } else { ty }
}

/// Puts in the defaults of a schema.
pub(crate) fn apply_defaults(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            for (name, property) in at(schema, &["properties"]).and_then(Value::as_object).into_iter().flatten() {
                if let Some(default) = property.get("default")
                    && map.get(name).is_none_or(|v| v.is_null() && !flag(property, "nullable"))
                {
                    map.insert(name.clone(), default.clone());
                }
                if let Some(inner) = map.get_mut(name) {
                    apply_defaults(inner, property);
                }
            }
            if let Some(additional @ Value::Object(_)) = schema.get("additionalProperties") {
                for inner in map.values_mut() {
                    apply_defaults(inner, additional);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    apply_defaults(item, schema);
                }
            }
        }
        _ => {}
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Checks a value against a schema: types, required fields, enums and limits.
pub(crate) fn validate(value: &Value, schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if value.is_null() && flag(schema, "nullable") {
        return;
    }
    let mut bad =
        |shown: &Value, what: String| errors.push(FieldError::invalid(path, shown, &format!("{path} in body {what}")));
    if flag(schema, "x-kubernetes-int-or-string") {
        if !value.is_string() && !value.is_i64() {
            bad(&json_type(value).into(), format!("must be of type integer,string: {:?}", json_type(value)));
        }
        return;
    }
    let want = text(schema, &["type"]);
    let found = json_type(value);
    let whole = value.as_f64().is_some_and(|f| f.fract() == 0.0);
    if !want.is_empty() && want != found && !(want == "number" && found == "integer") && !(want == "integer" && whole) {
        bad(&found.into(), format!("must be of type {want}: {found:?}"));
        return;
    }
    let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
    if let Some(number) = value.as_f64() {
        let exclusive = |key: &str| flag(schema, key);
        if let Some(min) = limit("minimum") {
            if exclusive("exclusiveMinimum") && number <= min {
                bad(value, format!("should be greater than {min}"));
            } else if number < min {
                bad(value, format!("should be greater than or equal to {min}"));
            }
        }
        if let Some(max) = limit("maximum") {
            if exclusive("exclusiveMaximum") && number >= max {
                bad(value, format!("should be less than {max}"));
            } else if number > max {
                bad(value, format!("should be less than or equal to {max}"));
            }
        }
    }
    if let Some(string) = value.as_str() {
        let length = string.chars().count() as f64;
        if limit("minLength").is_some_and(|min| length < min) {
            bad(value, format!("should be at least {} chars long", limit("minLength").unwrap_or_default()));
        }
        if limit("maxLength").is_some_and(|max| length > max) {
            bad(value, format!("may not be more than {} bytes", limit("maxLength").unwrap_or_default()));
        }
        let pattern = text(schema, &["pattern"]);
        if !pattern.is_empty() && regex::Regex::new(pattern).is_ok_and(|r| !r.is_match(string)) {
            bad(value, format!("should match '{pattern}'"));
        }
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let names: Vec<String> =
            allowed.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        errors.push(FieldError::unsupported(path, value, &names));
    }
    match value {
        Value::Array(items) => {
            let count = items.len() as f64;
            if let Some(min) = limit("minItems").filter(|min| count < *min) {
                errors.push(FieldError::invalid(
                    path,
                    &items.len().into(),
                    &format!("{path} in body should have at least {min} items"),
                ));
            }
            if let Some(max) = limit("maxItems").filter(|max| count > *max) {
                errors.push(FieldError::invalid(
                    path,
                    &items.len().into(),
                    &format!("{path} in body should have at most {max} items"),
                ));
            }
            if let Some(schema) = schema.get("items") {
                for (i, item) in items.iter().enumerate() {
                    validate(item, schema, &format!("{path}[{i}]"), errors);
                }
            }
        }
        Value::Object(map) => validate_object(map, schema, path, errors),
        _ => {}
    }
}

fn validate_object(map: &Map<String, Value>, schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for name in list(schema, &["required"]).iter().filter_map(Value::as_str) {
        if !map.contains_key(name) {
            errors.push(FieldError::required(below(name), ""));
        }
    }
    for (name, inner) in map {
        if path.is_empty() && matches!(name.as_str(), "metadata" | "apiVersion" | "kind") {
            continue;
        }
        if let Some(property) = at(schema, &["properties", name]) {
            validate(inner, property, &below(name), errors);
        } else if let Some(additional @ Value::Object(_)) = schema.get("additionalProperties") {
            validate(inner, additional, &below(name), errors);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition() -> Value {
        json!({"spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "tabs", "kind": "Tab", "shortNames": ["tb"]},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"spec": {"type": "object", "required": ["size"], "properties": {
                    "size": {"type": "integer", "minimum": 1}, "mode": {"type": "string", "enum": ["a", "b"], "default": "a"}}}}}}},
                {"name": "v0", "served": false}]}})
    }

    #[test]
    fn a_definition_serves_its_versions() {
        let served = resources(&definition());
        assert_eq!(served.len(), 1);
        let tab = &served[0];
        assert_eq!((tab.plural.as_str(), tab.singular.as_str(), tab.has_status()), ("tabs", "tab", true));
        assert!(tab.ty().member("spec").unwrap().0.member("nope").is_none());
    }

    #[test]
    fn values_are_checked_and_filled() {
        let served = resources(&definition());
        let schema = Arc::clone(&served[0].custom.as_ref().unwrap().schema);
        let mut value = json!({"spec": {"size": 0}});
        apply_defaults(&mut value, &schema);
        assert_eq!(value["spec"]["mode"], "a");
        let mut errors = Vec::new();
        validate(&value, &schema, "", &mut errors);
        assert_eq!(errors[0].message, "Invalid value: 0: spec.size in body should be greater than or equal to 1");
        let mut errors = Vec::new();
        validate(&json!({"spec": {"mode": "c"}}), &schema, "", &mut errors);
        let texts: Vec<&str> = errors.iter().map(|e| e.message.as_str()).collect();
        assert_eq!(texts, ["Required value", "Unsupported value: \"c\": supported values: \"a\", \"b\""]);
    }
}
