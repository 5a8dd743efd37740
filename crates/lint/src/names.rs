//! Names of objects (as `k8s.io/apimachinery` 0.37: `pkg/api/validate/content`, chosen as Helm 4.3 does:
//! `pkg/chart/v2/lint/rules/template.go`).

use chart::text::quote;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

/// Says what is wrong with the name of an object of a kind.
pub(crate) fn check(kind: &str, name: &str) -> Result<(), String> {
    let wrong = match kind.to_lowercase().as_str() {
        "service" => label_1035(name),
        "namespace" => label_1123(name),
        "certificatesigningrequest" => Vec::new(),
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => path_segment(name),
        _ => subdomain(name),
    };
    let wrong: Vec<String> =
        wrong.iter().map(|text| format!("metadata.name: Invalid value: {}: {text}", quote(name))).collect();
    let all = match wrong.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        all => format!("[{}]", all.join(", ")),
    };
    Err(format!("object name does not conform to Kubernetes naming requirements: {}: {all}", quote(name)))
}

fn longer(name: &str, most: usize) -> Vec<String> {
    if name.len() > most { vec![format!("must be no more than {most} bytes")] } else { Vec::new() }
}

/// Tells whether a text is a label: letters that fit, and ends that are no dash.
fn is_label(text: &str, first: fn(u8) -> bool) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|b| first(*b))
        && bytes.last().is_some_and(|b| alphanumeric(*b))
        && bytes.iter().all(|b| alphanumeric(*b) || *b == b'-')
}

fn is_alphanumeric(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

fn is_subdomain(name: &str) -> bool {
    name.split('.').all(|label| is_label(label, is_alphanumeric))
}

fn subdomain(name: &str) -> Vec<String> {
    let mut wrong = longer(name, 253);
    if !is_subdomain(name) {
        wrong.push(format!(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
             start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '{LABEL}(\\.{LABEL})*')"
        ));
    }
    wrong
}

fn label_1123(name: &str) -> Vec<String> {
    let mut wrong = longer(name, 63);
    if !is_label(name, is_alphanumeric) {
        wrong.push(match is_subdomain(name) {
            true => "must not contain dots".to_owned(),
            false => format!(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                 and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                 '{LABEL}')"
            ),
        });
    }
    wrong
}

fn label_1035(name: &str) -> Vec<String> {
    let mut wrong = longer(name, 63);
    if !is_label(name, |b| b.is_ascii_lowercase()) {
        wrong.push(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
             character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
             validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
                .to_owned(),
        );
    }
    wrong
}

fn path_segment(name: &str) -> Vec<String> {
    match name {
        "." | ".." => vec![format!("may not be '{name}'")],
        name => ["/", "%"]
            .iter()
            .filter(|mark| name.contains(**mark))
            .map(|mark| format!("may not contain '{mark}'"))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn by_kind() {
        for (kind, name, good) in [
            ("Pod", "a.b-c", true),
            ("Pod", "a..b", false),
            ("Pod", "", false),
            ("Service", "1a", false),
            ("Service", "a1", true),
            ("Namespace", "a.b", false),
            ("ClusterRole", "system:a b", true),
            ("Role", "..", false),
            ("CertificateSigningRequest", "/", true),
        ] {
            assert_eq!(check(kind, name).is_ok(), good, "{kind} {name}");
        }
        let text = check("Namespace", "a.b").unwrap_err();
        assert!(text.ends_with("\"a.b\": metadata.name: Invalid value: \"a.b\": must not contain dots"), "{text}");
    }
}
