//! Errors as Helm's schema library prints them (santhosh-tekuri/jsonschema v6 in English).

use std::collections::VecDeque;
use std::fmt::Display;

use boon::{ErrorKind, ValidationError};
use serde_json::{Number, Value};

use super::patterns::Originals;
use super::references;

/// An error with those under it, as Helm's library would have made the tree.
pub(super) struct Node {
    pub(super) pointer: String,
    pub(super) message: String,
    pub(super) causes: Vec<Node>,
    role: Role,
}

#[derive(PartialEq, Eq)]
enum Role {
    /// The whole schema, which has no place in the values.
    Schema,
    /// A reference, which takes no line when it has one cause.
    Reference,
    Other,
}

/// What the errors speak of.
pub(super) struct Documents<'a> {
    pub(super) schema: &'a Value,
    pub(super) values: &'a Value,
    pub(super) patterns: &'a Originals,
}

/// Makes the tree.
///
/// Our library leaves `allOf`, `anyOf` and `oneOf` out where only one schema in them failed, and Helm's never does. The
/// places of the errors tell where they were.
pub(super) fn tree(error: &ValidationError<'_, '_>, documents: &Documents<'_>) -> Node {
    let mut tree = node(error, error.instance_location.to_string(), documents);
    tree.rename(documents.patterns);
    tree
}

impl Node {
    /// Shows places with the expressions that were written.
    fn rename(&mut self, patterns: &Originals) {
        self.pointer = patterns.in_pointer(std::mem::take(&mut self.pointer));
        self.causes.iter_mut().for_each(|cause| cause.rename(patterns));
    }
}

fn node(error: &ValidationError<'_, '_>, pointer: String, documents: &Documents<'_>) -> Node {
    let (base, own) = match &error.kind {
        ErrorKind::Reference { url, .. } => (*url, None),
        ErrorKind::AllOf => (error.schema_url, Some("allOf")),
        ErrorKind::AnyOf => (error.schema_url, Some("anyOf")),
        ErrorKind::OneOf(None) => (error.schema_url, Some("oneOf")),
        _ => (error.schema_url, None),
    };
    let causes = error.causes.iter().filter(|cause| !is_cut_off(cause, &error.causes));
    let mut causes = put_back(causes.map(|cause| Found::new(base, own, &pointer, cause, documents)).collect());
    // Of a group that lost all but one, that one is left.
    if matches!(error.kind, ErrorKind::Group)
        && causes.len() == 1
        && let Some(only) = causes.pop()
    {
        return only;
    }
    let role = match &error.kind {
        ErrorKind::Schema { .. } => Role::Schema,
        ErrorKind::Reference { .. } => Role::Reference,
        _ => Role::Other,
    };
    Node { pointer, message: message(error, documents), causes, role }
}

/// Tells whether an error would not be there if checking had ended at a bad format, as it does in Helm's library.
fn is_cut_off(error: &ValidationError<'_, '_>, others: &[ValidationError<'_, '_>]) -> bool {
    let place = error.instance_location.to_string();
    others.iter().any(|other| {
        let below = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !std::ptr::eq(error, other)
            && matches!(other.kind, ErrorKind::Format { .. })
            && !matches!(error.kind, ErrorKind::Format { .. })
            && below(error.schema_url, other.schema_url)
            && below(&place, &other.instance_location.to_string())
    })
}

/// An error, and the way from the error above to it.
struct Found<'a> {
    /// Every schema on the way: its path with the keyword that led to it, and where it stands in the values.
    way: VecDeque<Step<'a>>,
    node: Node,
}

#[derive(Clone, PartialEq, Eq)]
struct Step<'a> {
    path: &'a str,
    pointer: String,
    /// A keyword that the library left out of the tree.
    left_out: Option<&'a str>,
}

impl<'a> Found<'a> {
    fn new(
        base: &str,
        own: Option<&str>,
        above: &str,
        error: &'a ValidationError<'_, '_>,
        documents: &Documents<'_>,
    ) -> Self {
        let mut pointer = error.instance_location.to_string();
        let depth = above.matches('/').count();
        if let ErrorKind::PropertyName { prop } = &error.kind {
            // The library does not say where the object is that has the name.
            let way = way(base, own, depth, error.schema_url, "");
            let steps: Vec<_> = way.iter().map(|step| step.path).collect();
            pointer = documents
                .values
                .pointer(above)
                .and_then(|value| find_object(value, above.to_owned(), "", &steps, prop))
                .unwrap_or_else(|| above.to_owned());
        }
        Self { way: way(base, own, depth, error.schema_url, &pointer), node: node(error, pointer, documents) }
    }
}

/// Follows the steps of a schema through a value to an object that has the name.
fn find_object(value: &Value, at: String, before: &str, steps: &[&str], name: &str) -> Option<String> {
    let Some((step, rest)) = steps.split_first() else {
        return value.get(name).map(|_| at);
    };
    let mut words = step.get(before.len()..)?.trim_start_matches('/').split('/');
    let below = |key: &str, value: &Value| find_object(value, format!("{at}/{key}"), step, rest, name);
    match (words.next()?, value) {
        ("properties", value) => {
            let key = words.next()?;
            below(key, value.pointer(&format!("/{}", super::cost::unescape(key)))?)
        }
        ("patternProperties" | "additionalProperties" | "unevaluatedProperties", Value::Object(map)) => {
            map.iter().find_map(|(key, value)| below(&key.replace('~', "~0").replace('/', "~1"), value))
        }
        ("prefixItems" | "items" | "additionalItems" | "contains" | "unevaluatedItems", Value::Array(items)) => {
            items.iter().enumerate().find_map(|(i, value)| below(&i.to_string(), value))
        }
        ("patternProperties" | "additionalProperties" | "unevaluatedProperties" | "prefixItems" | "items", _)
        | ("additionalItems" | "contains" | "unevaluatedItems", _) => None,
        (_, value) => find_object(value, at, step, rest, name),
    }
}

/// Puts keywords back over the errors that lie under them.
fn put_back(errors: Vec<Found<'_>>) -> Vec<Node> {
    let mut out = Vec::new();
    let mut errors = errors.into_iter().peekable();
    while let Some(mut found) = errors.next() {
        let Some(at) = found.way.iter().position(|step| step.left_out.is_some()) else {
            out.push(found.node);
            continue;
        };
        let head: Vec<Step<'_>> = found.way.drain(..=at).collect();
        // Several errors of one schema stand side by side where the library took their group away too.
        let mut under = vec![found];
        while let Some(mut found) = errors.next_if(|found| found.way.iter().take(head.len()).eq(&head)) {
            found.way.drain(..=at);
            under.push(found);
        }
        let Some(Step { pointer, left_out: Some(keyword), .. }) = head.into_iter().next_back() else { continue };
        let group = group_pointer(&under).unwrap_or_else(|| pointer.clone());
        let mut causes = put_back(under);
        if causes.len() > 1 {
            let message = "validation failed".to_owned();
            causes = vec![Node { pointer: group, message, causes, role: Role::Other }];
        }
        let message = match keyword {
            "oneOf" => "'oneOf' failed, none matched".to_owned(),
            keyword => format!("'{keyword}' failed"),
        };
        out.push(Node { pointer, message, causes, role: Role::Other });
    }
    out
}

/// Finds where the last schema stands that all errors have come through.
fn group_pointer(errors: &[Found<'_>]) -> Option<String> {
    let (first, others) = errors.split_first()?;
    let shared =
        first.way.iter().enumerate().take_while(|(i, step)| others.iter().all(|o| o.way.get(*i) == Some(step)));
    shared.last().map(|(_, step)| step.pointer.clone())
}

/// Takes the way from the schema at `base` to the one at `place` apart.
fn way<'a>(base: &str, own: Option<&str>, mut depth: usize, place: &'a str, pointer: &str) -> VecDeque<Step<'a>> {
    let mut found = VecDeque::new();
    let Some(path) = place.strip_prefix(base).map(|p| p.strip_prefix('#').unwrap_or(p)) else { return found };
    let Some(path) = path.strip_prefix('/') else { return found };
    let mut steps = path.split('/').peekable();
    let mut len = 0;
    while let Some(step) = steps.next() {
        let mut left_out = None;
        let name = match step {
            "allOf" | "anyOf" | "oneOf" => {
                left_out = Some(step).filter(|_| len > 0 || own != Some(step));
                steps.next()
            }
            "properties" | "patternProperties" | "prefixItems" => {
                depth += 1;
                steps.next()
            }
            "items" => {
                depth += 1;
                steps.next_if(|next| next.bytes().all(|b| b.is_ascii_digit()))
            }
            "additionalProperties" | "additionalItems" | "contains" | "unevaluatedItems" | "unevaluatedProperties" => {
                depth += 1;
                None
            }
            "dependentSchemas" | "dependencies" => steps.next(),
            "not" | "if" | "then" | "else" | "propertyNames" | "contentSchema" => None,
            _ => break,
        };
        len += step.len() + 1 + name.map_or(0, |name| name.len() + 1);
        let pointer = pointer.split('/').take(depth + 1).collect::<Vec<_>>().join("/");
        found.push_back(Step { path: path.get(..len - 1).unwrap_or_default(), pointer, left_out });
    }
    found
}

impl Node {
    /// Prints the tree, one line for each error.
    pub(super) fn render(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out
    }

    fn write(&self, out: &mut String, mut indent: usize) {
        if self.role != Role::Reference || self.causes.len() != 1 {
            if indent > 0 {
                out.push('\n');
                out.push_str(&"  ".repeat(indent - 1));
                out.push_str("- ");
            }
            indent += 1;
            if self.role != Role::Schema {
                out.push_str(&format!("at {}: ", quoted(&self.pointer)));
            }
            out.push_str(&self.message);
        }
        for cause in &self.causes {
            cause.write(out, indent);
        }
    }

    /// Calls `found` for the errors that have none under them.
    pub(super) fn leaves(&self, found: &mut impl FnMut(&Self)) {
        if self.causes.is_empty() && self.role != Role::Schema {
            found(self);
        }
        for cause in &self.causes {
            cause.leaves(found);
        }
    }
}

/// Says what is wrong in one place of the values.
fn message(error: &ValidationError<'_, '_>, documents: &Documents<'_>) -> String {
    // The library holds patterns in another dialect; messages show what the schema says.
    if let ErrorKind::Pattern { got, .. } = &error.kind
        && let Some((_, fragment)) = error.schema_url.split_once('#')
        && let Some(pattern) =
            documents.schema.pointer(&super::cost::unescape(fragment)).and_then(|s| s.get("pattern")?.as_str())
    {
        return format!("{} does not match pattern {}", quoted(got), quoted(documents.patterns.of(pattern)));
    }
    kind(&error.kind, documents.patterns)
}

fn kind(kind: &ErrorKind<'_, '_>, patterns: &Originals) -> String {
    match kind {
        ErrorKind::Schema { url } => {
            format!("jsonschema validation failed with {}", quoted(&references::location(url)))
        }
        ErrorKind::Group | ErrorKind::Reference { .. } => "validation failed".to_owned(),
        ErrorKind::ContentSchema => "'contentSchema' failed".to_owned(),
        ErrorKind::PropertyName { prop } => format!("invalid propertyName {}", quoted(patterns.of(prop))),
        ErrorKind::RefCycle { url, kw_loc1, kw_loc2 } => {
            let url = crate::text::quote(&references::location(url));
            format!("both {kw_loc1} and {kw_loc2} resolve to {url} causing reference cycle")
        }
        ErrorKind::FalseSchema => "false schema".to_owned(),
        ErrorKind::Type { got, want } => format!("got {got}, want {}", join(want.iter(), " or ")),
        ErrorKind::Enum { want } => match want.as_slice() {
            _ if want.iter().any(|v| v.is_array() || v.is_object()) => "'enum' failed".to_owned(),
            [only] => format!("value must be {}", display(only)),
            _ => format!("value must be one of {}", join(want.iter().map(display), ", ")),
        },
        ErrorKind::Const { want } if want.is_array() || want.is_object() => "'const' failed".to_owned(),
        ErrorKind::Const { want } => format!("value must be {}", display(want)),
        ErrorKind::Format { got, want, err } => {
            let got = match got.as_ref() {
                Value::String(text) if *want == "regex" => Value::String(patterns.of(text).to_owned()),
                other => other.clone(),
            };
            let reason = super::formats::reason(want, &got).unwrap_or_else(|| err.to_string());
            format!("{} is not valid {want}: {reason}", display(&got))
        }
        ErrorKind::MinProperties { got, want } => counts("minProperties", *got, *want),
        ErrorKind::MaxProperties { got, want } => counts("maxProperties", *got, *want),
        ErrorKind::AdditionalProperties { got } => {
            format!("additional properties {} not allowed", join(got.iter().map(|p| quoted(p)), ", "))
        }
        ErrorKind::Required { want } => match want.as_slice() {
            [only] => format!("missing property {}", quoted(only)),
            _ => format!("missing properties {}", join(want.iter().map(|p| quoted(p)), ", ")),
        },
        ErrorKind::Dependency { prop, missing } | ErrorKind::DependentRequired { prop, missing } => {
            let missing = join(missing.iter().map(|p| quoted(p)), ", ");
            format!("properties {missing} required, if {} exists", quoted(prop))
        }
        ErrorKind::MinItems { got, want } => counts("minItems", *got, *want),
        ErrorKind::MaxItems { got, want } => counts("maxItems", *got, *want),
        ErrorKind::Contains => "no items match contains schema".to_owned(),
        ErrorKind::MinContains { got, want } if got.is_empty() => {
            format!("min {} items required to match contains schema, but none matched", count(*want))
        }
        ErrorKind::MinContains { got, want } => contains("min", got, *want),
        ErrorKind::MaxContains { got, want } => contains("max", got, *want),
        ErrorKind::UniqueItems { got: [i, j] } => format!("items at {} and {} are equal", count(*i), count(*j)),
        ErrorKind::AdditionalItems { got } => format!("last {} additionalItem(s) not allowed", count(*got)),
        ErrorKind::MinLength { got, want } => counts("minLength", *got, *want),
        ErrorKind::MaxLength { got, want } => counts("maxLength", *got, *want),
        ErrorKind::Pattern { got, want } => {
            format!("{} does not match pattern {}", quoted(got), quoted(patterns.of(want)))
        }
        ErrorKind::ContentEncoding { want, err } => format!("value is not {} encoded: {err}", quoted(want)),
        ErrorKind::ContentMediaType { want, err, .. } => format!("value is not of mediatype {}: {err}", quoted(want)),
        ErrorKind::Minimum { got, want } => numbers("minimum", got, want),
        ErrorKind::Maximum { got, want } => numbers("maximum", got, want),
        ErrorKind::ExclusiveMinimum { got, want } => numbers("exclusiveMinimum", got, want),
        ErrorKind::ExclusiveMaximum { got, want } => numbers("exclusiveMaximum", got, want),
        ErrorKind::MultipleOf { got, want } => numbers("multipleOf", got, want),
        ErrorKind::Not => "'not' failed".to_owned(),
        ErrorKind::AllOf => "'allOf' failed".to_owned(),
        ErrorKind::AnyOf => "'anyOf' failed".to_owned(),
        ErrorKind::OneOf(None) => "'oneOf' failed, none matched".to_owned(),
        ErrorKind::OneOf(Some((i, j))) => {
            format!("'oneOf' failed, subschemas {}, {} matched", count(*i), count(*j))
        }
    }
}

fn counts(keyword: &str, got: usize, want: usize) -> String {
    format!("{keyword}: got {}, want {}", count(got), count(want))
}

fn contains(side: &str, got: &[usize], want: usize) -> String {
    let at = join(got.iter(), " ");
    format!(
        "{side} {} items required to match contains schema, but matched {} items at {at}",
        count(want),
        count(got.len())
    )
}

fn numbers(keyword: &str, got: &Number, want: &Number) -> String {
    format!("{keyword}: got {}, want {}", number(got), number(want))
}

fn join(items: impl Iterator<Item = impl Display>, separator: &str) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(separator)
}

/// Quotes with single quotes, as the library does.
pub(super) fn quoted(text: &str) -> String {
    // The library takes the quotes off last, so that a text with a backslash at its end loses that one's double.
    let quoted = crate::text::quote(text).replace("\\\"", "\"").replace('\'', "\\'");
    let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).unwrap_or_default();
    format!("'{inner}'")
}

fn display(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => quoted(text),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
        other => other.to_string(),
    }
}

/// Prints a count with thousands apart, as English does.
fn count(n: usize) -> String {
    grouped(&n.to_string())
}

/// Prints a number as Go's `%v` does and then as English does: `1,234.5`, `1×10⁰⁶`.
fn number(n: &Number) -> String {
    let text = goyaml::format_float_g(n.as_f64().unwrap_or_default());
    match text.split_once('e') {
        None => grouped(&text),
        Some((mantissa, exponent)) => {
            let raised = exponent.chars().filter_map(|c| match c {
                '-' => Some('⁻'),
                '0' => Some('⁰'),
                '1' => Some('¹'),
                '2' => Some('²'),
                '3' => Some('³'),
                '4'..='9' => char::from_u32('⁴' as u32 + (c as u32 - '4' as u32)),
                _ => None,
            });
            format!("{mantissa}×10{}", raised.collect::<String>())
        }
    }
}

fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}
