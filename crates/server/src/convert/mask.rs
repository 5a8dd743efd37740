//! Manifests without what Secrets hold.

use std::borrow::Cow;

use goyaml::Value;

/// What stands for a text that is not shown.
const HIDDEN: &str = "***";
/// What stands for a document that may hold what it does not seem to.
const UNREADABLE: &str = "# a document that cannot be read is not shown\n";

/// Leaves out of a manifest what its Secrets hold.
///
/// It must not be cleverer than whoever reads the manifest: a line that begins with `---` or `...` ends a document wherever it stands,
/// and what has other line breaks than line feeds, or cannot be read as YAML, is not shown at all.
pub(crate) fn mask(manifest: &str) -> String {
    let mut masked = String::with_capacity(manifest.len());
    let mut document = String::new();
    for line in manifest.split_inclusive('\n') {
        if line.starts_with("---") || line.starts_with("...") {
            masked.push_str(&one(&document));
            document.clear();
            // What stands behind the mark on its line is a part of the document.
            let (mark, rest) = line.split_at(3);
            if rest.trim().is_empty() {
                masked.push_str(line);
            } else {
                masked.push_str(mark);
                masked.push('\n');
                document.push_str(rest.trim_start());
            }
        } else {
            document.push_str(line);
        }
    }
    masked.push_str(&one(&document));
    masked
}

fn one(document: &str) -> Cow<'_, str> {
    let is_comment = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if document.chars().any(|c| matches!(c, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')) {
        return UNREADABLE.into();
    }
    if document.lines().all(is_comment) {
        return document.into();
    }
    let Ok(mut value) = goyaml::from_yaml_keep_ints(document) else { return UNREADABLE.into() };
    if !hide(&mut value) {
        return document.into();
    }
    let comments: String = document.split_inclusive('\n').take_while(|line| is_comment(line)).collect();
    goyaml::to_yaml(&value).map_or(UNREADABLE.into(), |text| format!("{comments}{text}\n").into())
}

/// Hides what an object holds if it is a Secret, or a list with Secrets in it; tells whether there was anything to hide.
fn hide(value: &mut Value) -> bool {
    let Value::Map(map) = value else { return false };
    let mut hidden = false;
    if let Some(Value::Seq(items)) = map.get_mut("items") {
        for item in items {
            hidden |= hide(item);
        }
    }
    if !map.get("kind").is_some_and(|kind| kind.as_str() == Some("Secret")) {
        return hidden;
    }
    for field in ["data", "stringData"] {
        match map.get_mut(field) {
            Some(Value::Map(data)) => data.iter_mut().for_each(|(_, text)| *text = Value::Str(HIDDEN.into())),
            Some(other) => *other = Value::Str(HIDDEN.into()),
            None => {}
        }
    }
    // `kubectl apply` keeps the whole object here.
    if let Some(Value::Map(meta)) = map.get_mut("metadata")
        && let Some(Value::Map(annotations)) = meta.get_mut("annotations")
    {
        for (name, text) in annotations.iter_mut() {
            if name == "kubectl.kubernetes.io/last-applied-configuration" {
                *text = Value::Str(HIDDEN.into());
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_secrets_hold_is_not_shown() {
        let manifest = "---\n# Source: shop/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n    name: a\n\
            ---\n# Source: shop/templates/b.yaml\napiVersion: v1\nkind: Secret\nmetadata:\n  name: b\ndata:\n  p: aHVudGVyMg==\nstringData: {q: hunter2}\ntype: Opaque\n";
        let masked = mask(manifest);
        let (first, second) = masked.split_at(masked.find("---\n# Source: shop/templates/b").unwrap());
        assert_eq!(first, manifest.split_at(first.len()).0, "what is no Secret is as it was");
        assert!(second.starts_with("---\n# Source: shop/templates/b.yaml\n"), "{second}");
        assert!(
            second.contains("name: b") && second.contains("type: Opaque") && second.contains("p: '***'"),
            "{second}"
        );
        assert!(!masked.contains("hunter2") && !masked.contains("aHVudGVyMg"));
    }

    #[test]
    fn nothing_gets_through_sideways() {
        let secret = "kind: Secret\nstringData: {q: hunter2}\n";
        for tricky in [
            format!("kind: ConfigMap\n--- # and\n{secret}"),
            format!("kind: ConfigMap\n...\n{secret}"),
            "--- {kind: Secret, stringData: {q: hunter2}}\n".to_owned(),
            format!("kind: ConfigMap\r---\r{}", secret.replace('\n', "\r")),
            format!("kind: ConfigMap\u{2028}---\u{2028}{secret}"),
            "kind: List\nitems:\n- kind: Secret\n  data: {q: hunter2}\n".to_owned(),
            "kind: List\nitems:\n- kind: List\n  items:\n  - kind: Secret\n    data: hunter2\n".to_owned(),
            "kind: Secret\ndata: [hunter2\n".to_owned(),
            "{\"kind\": \"Secret\", \"data\": {\"q\": \"hunter2\"}}".to_owned(),
            "kind: \"Secret\"\ndata: &a {q: hunter2}\nmore: *a\n".replace("more: *a\n", ""),
            "kind: Secret\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: hunter2\n"
                .to_owned(),
        ] {
            assert!(!mask(&tricky).contains("hunter2"), "{tricky:?}: {}", mask(&tricky));
        }
    }
}
