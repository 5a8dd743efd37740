//! What keys and values of labels may be (`k8s.io/apimachinery/pkg/api/validate/content`).

const NAME: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const DOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const OF_WHAT: &str =
    "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// Checks a label's key: a name, with a domain and a slash before it or without.
pub(super) fn check_key(key: &str) -> Result<(), String> {
    let form =
        format!("must {OF_WHAT} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{NAME}')");
    let parts: Vec<&str> = key.split('/').collect();
    let mut wrong = Vec::new();
    let name = match parts.as_slice() {
        [name] => name,
        [domain, name] => {
            if domain.is_empty() {
                wrong.push("prefix part must be non-empty".to_owned());
            } else {
                if domain.len() > 253 {
                    wrong.push("prefix part must be no more than 253 bytes".to_owned());
                }
                if !domain.split('.').all(is_domain_label) {
                    wrong.push(format!(
                        "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{DOMAIN}')"
                    ));
                }
            }
            name
        }
        _ => {
            let optional = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return Err(format!("<nil>: Invalid value: {key:?}: a valid label key {form} {optional}"));
        }
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        wrong.push("name part must be no more than 63 bytes".to_owned());
    }
    if name.is_empty() || !is_name(name) {
        wrong.push(format!("name part {form}"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("<nil>: Invalid value: {key:?}: {}", wrong.join("; "))) }
}

/// Tells what is wrong with the value at a place of a key's values.
pub(super) fn check_value(key: &str, at: usize, value: &str) -> Option<String> {
    let mut wrong = Vec::new();
    if value.len() > 63 {
        wrong.push("must be no more than 63 bytes".to_owned());
    }
    if !value.is_empty() && !is_name(value) {
        wrong.push(format!(
            "a valid label must be an empty string or {OF_WHAT} (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '({NAME})?')"
        ));
    }
    (!wrong.is_empty()).then(|| format!("values[{at}][{key}]: Invalid value: {value:?}: {}", wrong.join("; ")))
}

fn is_name(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(ends)
        && text.ends_with(ends)
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn is_domain_label(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(ends) && text.ends_with(ends) && text.chars().all(|c| ends(c) || c == '-')
}
