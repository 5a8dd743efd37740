//! An index as a tree: everything it says, read exactly as Helm reads it.

use std::collections::BTreeMap;

use chart::semver::{Constraints, Version};
use goyaml::{Map, Value};

use super::decode::{Decoder, Entry, Wrong, instant};
use super::{Builder, Index, Odd};

/// An index with all its fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whole {
    pub(crate) api_version: String,
    pub(crate) entries: BTreeMap<String, Vec<Option<Entry>>>,
}

/// What an index says besides its charts.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) api_version: String,
    /// The charts that are said there all the same.
    pub(super) entries: Option<Map>,
}

/// Reads an index into a tree.
pub(crate) fn file(bytes: &[u8]) -> Wrong<Whole> {
    let (value, decoder) = match goyaml::from_json_keep_ints(bytes) {
        Ok(value) => (value, Decoder { is_yaml: false }),
        Err(_) => (goyaml::from_yaml_strict(bytes).map_err(|error| error.to_string())?, Decoder { is_yaml: true }),
    };
    let prefix = if decoder.is_yaml { "error unmarshaling JSON: while decoding JSON: " } else { "" };
    decode(decoder, value).map_err(|reason| format!("{prefix}{reason}"))
}

/// Reads an index.
pub(super) fn read(bytes: &[u8]) -> Wrong<Index> {
    let whole = file(bytes)?;
    let mut builder = Builder::default();
    let too_large = |odd: Odd| match odd {
        Odd::TooLarge(text) => format!("the index is too large: {text}"),
        _ => "the index cannot be kept".to_owned(),
    };
    for (name, entries) in whole.entries {
        for entry in entries {
            builder.take(&name, entry).map_err(too_large)?;
        }
        builder.end_chart(&name).map_err(too_large)?;
    }
    if whole.api_version.is_empty() {
        return Err("no API version specified".to_owned());
    }
    builder.finish().map_err(too_large)
}

fn decode(decoder: Decoder, value: Value) -> Wrong<Whole> {
    let map = match value {
        Value::Map(map) => map,
        Value::Null => Map::new(),
        other => return Err(goyaml::Error::unmarshal_type(other.json_kind(), "repo.IndexFile").problem().to_owned()),
    };
    let head = head(decoder, map)?;
    let mut whole = Whole { api_version: head.api_version, entries: BTreeMap::new() };
    for (name, value) in head.entries.unwrap_or_default() {
        let entries = versions(decoder, value)?;
        whole.entries.insert(name, entries);
    }
    Ok(whole)
}

/// Decodes the versions of a chart.
pub(super) fn versions(decoder: Decoder, value: Value) -> Wrong<Vec<Option<Entry>>> {
    match value {
        Value::Seq(items) => items.into_iter().map(|item| decoder.entry(item)).collect(),
        Value::Null => Ok(Vec::new()),
        other => wrong(&other, "entries", "repo.ChartVersions"),
    }
}

fn wrong<T>(value: &Value, field: &str, wanted: &str) -> Wrong<T> {
    Err(format!("json: cannot unmarshal {} into Go struct field IndexFile.{field} of type {wanted}", value.json_kind()))
}

/// Decodes what an index says besides its charts, which are only handed on.
pub(super) fn head(decoder: Decoder, map: Map) -> Wrong<Head> {
    let mut head = Head::default();
    for (key, value) in map {
        match key.to_ascii_lowercase().as_str() {
            "apiversion" => decoder.loose(value, "IndexFile.apiVersion", &mut head.api_version)?,
            "generated" => instant(&value, &mut String::new())?,
            "publickeys" => _ = decoder.loose_texts(value, "IndexFile.publicKeys")?,
            "entries" => match value {
                Value::Map(map) => head.entries.get_or_insert_default().extend(map),
                Value::Null => {}
                other => return wrong(&other, "entries", "map[string]repo.ChartVersions"),
            },
            "serverinfo" => match value {
                Value::Map(_) | Value::Null => {}
                other => return wrong(&other, "serverInfo", "map[string]interface {}"),
            },
            "annotations" => match value {
                Value::Map(map) => {
                    for (_, value) in map {
                        decoder.loose(value, "IndexFile.annotations", &mut String::new())?;
                    }
                }
                Value::Null => {}
                other => return wrong(&other, "annotations", "map[string]string"),
            },
            _ => decoder.unknown(&key)?,
        }
    }
    Ok(head)
}

/// Tells whether versions have one (as Helm 4.3: `pkg/repo/v1/index.go Has`): that very one, or one that fits.
pub(crate) fn has(entries: &[Entry], version: &str) -> bool {
    let wanted = if version.is_empty() { "*" } else { version };
    let Ok(constraint) = Constraints::parse(wanted) else { return false };
    let fits = |entry: &Entry| Version::parse(&entry.metadata.version).is_ok_and(|version| constraint.check(&version));
    entries.iter().any(|entry| !version.is_empty() && entry.metadata.version == version || fits(entry))
}
