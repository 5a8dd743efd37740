//! Names, labels and annotations, as `apimachinery/pkg/util/validation` judges them.

use serde_json::{Map, Value};

use crate::json::{at, list, text};
use crate::resources::Resource;
use crate::status::FieldError;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SERVICE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

fn dns_label(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    edge(text.chars().next())
        && edge(text.chars().last())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn dns_subdomain(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(dns_label)
}

fn word(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    edge(text.chars().next())
        && edge(text.chars().last())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// What is wrong with a name that is to be a DNS subdomain.
pub(crate) fn subdomain_problem(name: &str) -> Option<String> {
    if name.len() > 253 {
        return Some("must be no more than 253 bytes".into());
    }
    (!dns_subdomain(name)).then(|| SUBDOMAIN.to_owned())
}

/// What is wrong with a name that is to be a DNS label.
pub(crate) fn label_problem(name: &str) -> Option<String> {
    if name.len() > 63 {
        return Some("must be no more than 63 bytes".into());
    }
    (!dns_label(name)).then(|| LABEL.to_owned())
}

fn service_problem(name: &str) -> Option<String> {
    if name.len() > 63 {
        return Some("must be no more than 63 bytes".into());
    }
    let fine = dns_label(name) && name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    (!fine).then(|| SERVICE.to_owned())
}

fn path_problem(name: &str) -> Option<String> {
    if name == "." || name == ".." {
        return Some(format!("may not be '{name}'"));
    }
    name.chars().find(|c| matches!(c, '/' | '%')).map(|c| format!("may not contain '{c}'"))
}

/// What is wrong with the name of an object of a resource.
fn name_problem(resource: &Resource, name: &str) -> Option<String> {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("rbac.authorization.k8s.io", _) | ("apiregistration.k8s.io", "apiservices") => path_problem(name),
        ("", "namespaces") => label_problem(name),
        ("", "services") => service_problem(name),
        _ => subdomain_problem(name),
    }
}

/// What is wrong with the key of a label or an annotation.
fn key_problem(key: &str) -> Option<String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if let Some(prefix) = prefix {
        if prefix.is_empty() {
            return Some("prefix part must be non-empty".into());
        }
        if let Some(problem) = subdomain_problem(prefix) {
            return Some(format!("prefix part {problem}"));
        }
    }
    if name.is_empty() {
        return Some("name part must be non-empty".into());
    }
    if name.len() > 63 {
        return Some("name part must be no more than 63 bytes".into());
    }
    (!word(name)).then(|| QUALIFIED.to_owned())
}

/// What is wrong with the value of a label.
fn value_problem(value: &str) -> Option<String> {
    if value.len() > 63 {
        return Some("must be no more than 63 bytes".into());
    }
    (!value.is_empty() && !word(value)).then(|| VALUE.to_owned())
}

/// Checks a map of labels.
pub(crate) fn validate_labels(labels: Option<&Value>, path: &str, errors: &mut Vec<FieldError>) {
    let empty = Map::new();
    for (key, value) in labels.and_then(Value::as_object).unwrap_or(&empty) {
        if let Some(problem) = key_problem(key) {
            errors.push(FieldError::invalid(path, &key.as_str().into(), &problem));
        }
        if let Some(problem) = value_problem(value.as_str().unwrap_or_default()) {
            errors.push(FieldError::invalid(path, value, &problem));
        }
    }
}

/// Checks what all objects have: name, labels, annotations, finalizers and owners.
pub(crate) fn validate_metadata(resource: &Resource, object: &Value, errors: &mut Vec<FieldError>) {
    let name = text(object, &["metadata", "name"]);
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else if let Some(problem) = name_problem(resource, name) {
        errors.push(FieldError::invalid("metadata.name", &name.into(), &problem));
    }
    validate_labels(at(object, &["metadata", "labels"]), "metadata.labels", errors);
    let mut size = 0;
    for (key, value) in at(object, &["metadata", "annotations"]).and_then(Value::as_object).into_iter().flatten() {
        if let Some(problem) = key_problem(&key.to_lowercase()) {
            errors.push(FieldError::invalid("metadata.annotations", &key.as_str().into(), &problem));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > 256 * 1024 {
        errors.push(FieldError::too_long("metadata.annotations", 256 * 1024));
    }
    for (i, finalizer) in list(object, &["metadata", "finalizers"]).iter().enumerate() {
        let value = finalizer.as_str().unwrap_or_default();
        let known = matches!(value, "foregroundDeletion" | "orphan" | "kubernetes");
        if let Some(problem) = key_problem(value) {
            errors.push(FieldError::invalid("metadata.finalizers", finalizer, &problem));
        } else if !value.contains('/') && !known && resource.custom.is_none() {
            errors.push(FieldError::invalid(
                format!("metadata.finalizers[{i}]"),
                finalizer,
                "name is neither a standard finalizer name nor is it fully qualified",
            ));
        }
    }
    for (i, owner) in list(object, &["metadata", "ownerReferences"]).iter().enumerate() {
        for key in ["apiVersion", "kind", "name", "uid"] {
            if text(owner, &[key]).is_empty() {
                let what = if key == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                errors.push(FieldError::invalid(format!("metadata.ownerReferences[{i}].{key}"), &"".into(), what));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_are_judged() {
        for (name, fine) in [("a", true), ("a.b-c", true), ("A", false), ("a_b", false), ("-a", false), ("a..b", false)]
        {
            assert_eq!(subdomain_problem(name).is_none(), fine, "{name}");
        }
        for (key, fine) in
            [("a", true), ("a.b/c_D", true), ("/a", false), ("a/", false), ("a b", false), ("A.b/c", false)]
        {
            assert_eq!(key_problem(key).is_none(), fine, "{key}");
        }
        for (value, fine) in [("", true), ("v1.2_3", true), ("a b", false), ("-", false)] {
            assert_eq!(value_problem(value).is_none(), fine, "{value}");
        }
        assert!(service_problem("1a").is_some());
    }
}
