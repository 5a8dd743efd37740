//! `values.schema.json` (as Helm 4.3: `pkg/chart/common/util/jsonschema.go`).
//!
//! References to other files and hosts are refused, where Helm would load them: a chart of anyone must not make this
//! process read files or open connections. `urn:` references accept everything, as in Helm.

mod cost;
mod formats;
mod patterns;
mod references;
mod text;

use std::error::Error as StdError;
use std::panic::{AssertUnwindSafe, catch_unwind};

use patterns::Originals;

use boon::{CompileError, Compiler, Schemas, SchemeUrlLoader, UrlLoader};
use goyaml::{Map, Value};

use crate::chart::Chart;
use crate::text::{quote, type_name};

/// The address that Helm gives the schema, which its texts name.
const LOCATION: &str = "file:///values.schema.json";

/// How deep a schema may be nested: checking it against its own schema takes time with the square of this.
const MAX_SCHEMA_DEPTH: usize = 300;

/// The stack to check on.
const STACK: usize = 256 << 20;

/// One place where values do not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The chart whose schema it is.
    pub chart: String,
    /// Where in that chart's values, as a JSON pointer.
    pub pointer: String,
    /// What is wrong there, in Helm's words.
    pub message: String,
}

/// The values do not fit the schemas of a chart and its subcharts; the text is Helm's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{text}")]
pub struct Invalid {
    /// Helm's text behind the first line, for each chart its name and the tree of errors.
    pub text: String,
    /// The innermost errors, one by one; a schema that cannot be used at all is one without a pointer.
    pub violations: Vec<Violation>,
}

/// Checks coalesced values against the schema of a chart, and of each subchart that has values.
///
/// # Errors
/// When values do not fit, or a schema cannot be used.
pub fn validate(chart: &Chart, values: &Map) -> Result<(), Invalid> {
    let mut invalid = Invalid { text: String::new(), violations: Vec::new() };
    check_chart(chart, values, &mut invalid);
    if invalid.text.is_empty() { Ok(()) } else { Err(invalid) }
}

fn check_chart(chart: &Chart, values: &Map, invalid: &mut Invalid) {
    if let Some(schema) = &chart.schema
        && let Err(error) = validate_one(values, schema)
    {
        invalid.text.push_str(&format!("{}:\n{}", chart.name(), error.text));
        let violations = error.violations.into_iter().map(|v| Violation { chart: chart.name().to_owned(), ..v });
        invalid.violations.extend(violations);
    }
    for subchart in &chart.dependencies {
        match values.get(subchart.name()) {
            None | Some(Value::Null) => {}
            Some(Value::Map(values)) => check_chart(subchart, values, invalid),
            Some(other) => {
                let message = format!("invalid type for values: expected object (map), got {}", type_name(other));
                invalid.text.push_str(&format!("{}:\n{message}\n", subchart.name()));
                let chart = subchart.name().to_owned();
                invalid.violations.push(Violation { chart, pointer: String::new(), message });
            }
        }
    }
}

/// Checks values against one schema. The text of the error is what Helm prints below the chart's name, and the chart of
/// its violations is empty.
///
/// # Errors
/// When the values do not fit, or the schema cannot be used.
pub fn validate_one(values: &Map, schema: &[u8]) -> Result<(), Invalid> {
    // Helm catches panics of its schema library too.
    let work = || catch_unwind(AssertUnwindSafe(|| check(values, schema))).unwrap_or_else(|_| Err(failed("")));
    // Every level of schema and values takes some stack; what is not touched of a large one costs nothing.
    std::thread::scope(|scope| match std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work) {
        Ok(thread) => thread.join().unwrap_or_else(|_| Err(failed(""))),
        Err(e) => Err(failed(&format!(": {e}"))),
    })
}

fn failed(reason: &str) -> Invalid {
    unusable(format!("unable to validate schema{reason}"))
}

fn check(values: &Map, schema: &[u8]) -> Result<(), Invalid> {
    let mut schema = read(schema).map_err(unusable)?;
    let values = serde_json::Value::Object(values.iter().map(|(k, v)| (k.clone(), v.into())).collect());
    references::escape_in(&mut schema);
    let mut patterns = Originals::default();
    patterns.replace(&mut schema);
    cost::check(&schema, &values).map_err(unusable)?;
    run(&schema, &values, &patterns)
}

fn unusable(text: String) -> Invalid {
    let violation = Violation { chart: String::new(), pointer: String::new(), message: text.clone() };
    Invalid { text, violations: vec![violation] }
}

fn run(schema: &serde_json::Value, values: &serde_json::Value, patterns: &Originals) -> Result<(), Invalid> {
    let mut compiler = Compiler::new();
    let mut loader = SchemeUrlLoader::new();
    for scheme in ["file", "http", "https"] {
        loader.register(scheme, Box::new(Refuse));
    }
    loader.register("urn", Box::new(Accept));
    compiler.use_loader(Box::new(loader));
    formats::register(&mut compiler);
    compiler.add_resource(LOCATION, schema.clone()).map_err(|e| unusable(compile_text(&e, schema, patterns)))?;
    let mut schemas = Schemas::new();
    let index = compiler.compile(LOCATION, &mut schemas).map_err(|e| unusable(compile_text(&e, schema, patterns)))?;
    schemas.validate(values, index).map_err(|error| {
        let tree = text::tree(&error, &text::Documents { schema, values, patterns });
        let mut violations = Vec::new();
        tree.leaves(&mut |leaf| {
            let (pointer, message) = (leaf.pointer.clone(), leaf.message.clone());
            violations.push(Violation { chart: String::new(), pointer, message });
        });
        let whole = tree.render();
        let prefix = format!("jsonschema validation failed with '{LOCATION}#'\n");
        Invalid { text: format!("{}\n", whole.strip_prefix(&prefix).unwrap_or(&whole)), violations }
    })
}

const REFUSED: &str = "references to other files and hosts are refused, put the definitions into the schema itself";

/// Loads nothing.
struct Refuse;

impl UrlLoader for Refuse {
    fn load(&self, _url: &str) -> Result<serde_json::Value, Box<dyn StdError>> {
        Err(REFUSED.into())
    }
}

/// Takes every `urn:` for a schema that accepts everything.
struct Accept;

impl UrlLoader for Accept {
    fn load(&self, _url: &str) -> Result<serde_json::Value, Box<dyn StdError>> {
        Ok(serde_json::Value::Bool(true))
    }
}

/// Tells whether brackets nest deeper than so much; those in strings do not count.
fn goes_deeper(json: &[u8], max: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for b in json {
        match b {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > max {
            return true;
        }
    }
    false
}

/// Tells whether an error is that the text ends within a number, a word or an escape, where Go's scanner sees a blank: what
/// stands behind the text is what is wrong then.
fn ends_in_a_token(error: &str, data: &[u8]) -> bool {
    error.starts_with("invalid character ' ' ")
        && goyaml::from_json([data, b"\x01"].concat())
            .is_err_and(|error| error.to_string().starts_with("invalid character '\\x01' "))
}

/// Reads the schema, with the errors of Go's decoder.
fn read(data: &[u8]) -> Result<serde_json::Value, String> {
    if data.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')) {
        return Err("EOF".to_owned());
    }
    if goes_deeper(data, MAX_SCHEMA_DEPTH) {
        return Err(format!("the schema is nested deeper than the maximum of {MAX_SCHEMA_DEPTH}"));
    }
    let value = goyaml::from_json(data).map_err(|e| match e.to_string() {
        // A decoder waits for more where a whole text would be at its end.
        text if text == "unexpected end of JSON input" || ends_in_a_token(&text, data) => "unexpected EOF".to_owned(),
        text if text.ends_with(" after top-level value") => "invalid character after top-level value".to_owned(),
        text => text,
    })?;
    // The second reader keeps how numbers were written, which messages show; it does not go as deep.
    Ok(serde_json::from_slice(data).unwrap_or_else(|_| (&value).into()))
}

fn compile_text(error: &CompileError, schema: &serde_json::Value, patterns: &Originals) -> String {
    let sought = match error {
        CompileError::LoadUrlError { url, .. } => Some(url),
        CompileError::JsonPointerNotFound(place) => Some(place),
        _ => None,
    };
    if let Some((address, reason)) = sought.and_then(|sought| references::broken(sought, schema)) {
        return format!("error in parsing {}: {reason}", quote(address));
    }
    match error {
        CompileError::ParseUrlError { url, .. } if url.starts_with("http") => {
            format!("failing loading {}: {REFUSED}", quote(url))
        }
        CompileError::ParseUrlError { url, src } => format!("error in parsing {}: {src}", quote(url)),
        CompileError::LoadUrlError { url, src } if src.to_string().starts_with("unsupported scheme") => {
            format!("failing loading {}: no URLLoader registered for {}", quote(url), quote(url))
        }
        CompileError::LoadUrlError { url, src } => format!("failing loading {}: {src}", quote(url)),
        CompileError::UnsupportedUrlScheme { url } => format!("no URLLoader registered for {}", quote(url)),
        // Go's library takes what is no URL for one, and finds nobody to load it.
        CompileError::InvalidMetaSchemaUrl { url, src } if src.to_string() == "relative URL without a base" => {
            let named = schema.get("$schema").and_then(serde_json::Value::as_str).unwrap_or_default();
            let named = named.split('#').next().unwrap_or_default();
            match formats::parse(named) {
                Ok(_) => {
                    let address = references::escape(named).unwrap_or_else(|| named.to_owned());
                    format!("failing loading {}: no URLLoader registered for {}", quote(named), quote(&address))
                }
                Err(reason) => format!("invalid $schema in {}: {reason}", quote(url)),
            }
        }
        CompileError::InvalidMetaSchemaUrl { src, .. } if src.to_string() == "empty host" => {
            let named = schema.get("$schema").and_then(serde_json::Value::as_str).unwrap_or_default();
            format!("failing loading {}: {REFUSED}", quote(named))
        }
        CompileError::InvalidMetaSchemaUrl { url, src } => format!("invalid $schema in {}: {src}", quote(url)),
        CompileError::UnsupportedDraft { url } => format!("draft {} is not supported", quote(url)),
        CompileError::MetaSchemaCycle { url } => format!("cycle in resolving $schema in {}", quote(url)),
        CompileError::ValidationError { url, src } => {
            format!(
                "{} is not valid against metaschema: {}",
                quote(&references::location(url)),
                text::tree(src, &text::Documents { schema: &serde_json::Value::Null, values: schema, patterns })
                    .render()
            )
        }
        CompileError::ParseIdError { loc } => format!("error in parsing id at {}", quote(&references::shown(loc))),
        CompileError::ParseAnchorError { loc } => {
            format!("error in parsing anchor at {}", quote(&references::shown(loc)))
        }
        CompileError::DuplicateId { url, id, ptr1, ptr2 } => {
            format!("duplicate id {} in {} at {} and {}", quote(id), quote(url), quote(ptr1), quote(ptr2))
        }
        CompileError::DuplicateAnchor { anchor, url, ptr1, ptr2 } => {
            format!("duplicate anchor {} in {} at {} and {}", quote(anchor), quote(url), quote(ptr1), quote(ptr2))
        }
        CompileError::InvalidJsonPointer(loc) => format!("invalid json-pointer {}", quote(&references::shown(loc))),
        CompileError::InvalidRegex { url, regex, src } => {
            let regex = patterns.of(regex);
            let reason = gotext::regexp::check(regex.as_bytes()).err().unwrap_or_else(|| src.to_string());
            format!("invalid regex {} at {}: {reason}", quote(regex), quote(&references::shown(url)))
        }
        CompileError::JsonPointerNotFound(loc) => {
            format!("json-pointer in {} not found", quote(&references::shown(loc)))
        }
        CompileError::AnchorNotFound { url, reference } => {
            format!("anchor in {} not found in schema {}", quote(&references::shown(reference)), quote(url))
        }
        CompileError::UnsupportedVocabulary { url, vocabulary } => {
            format!("unsupported vocabulary {} in {}", quote(vocabulary), quote(url))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
