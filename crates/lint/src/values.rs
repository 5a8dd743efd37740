//! `values.yaml` (as Helm 4.3: `pkg/chart/v2/lint/rules/values.go`).

use chart::values::coalesce_tables_warned;
use goyaml::{Map, Value};

use crate::linter::Severity::{Error, Info};
use crate::linter::{Linter, Notice};
use crate::source::{Kind, Source};

const FILE: &str = "values.yaml";

pub(crate) fn check(linter: &mut Linter<'_>) {
    if linter.source.kind(FILE) == Kind::Missing {
        linter.rule(Info, FILE, Err("file does not exist".to_owned()));
        return;
    }
    let result = fit(linter);
    linter.rule(Error, FILE, result);
}

fn fit(linter: &mut Linter<'_>) -> Result<(), String> {
    let file = own(linter.source)?;
    // Only the chart's own values are looked at, as Helm 2 did.
    let values = coalesce_tables_warned(&linter.values, &file);
    values.warnings.into_iter().for_each(|text| (linter.notices)(Notice::Values(text)));
    keep_tables(&mut linter.values, &values.values);
    let schema = linter.source.read("values.schema.json").unwrap_or_default();
    if schema.is_empty() || linter.options.skip_schema_validation {
        return Ok(());
    }
    chart::schema::validate_one(&values.values, &schema).map_err(|error| error.text)
}

/// Reads the chart's own values.
fn own(source: &dyn Source) -> Result<Map, String> {
    let data = source.read(FILE).map_err(|text| format!("unable to parse YAML: {text}"))?;
    let unreadable = |error: goyaml::Error| format!("unable to parse YAML: {error}");
    match goyaml::from_yaml(&data).map_err(unreadable)? {
        Value::Map(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        other => Err(unreadable(goyaml::Error::unmarshal_type(other.json_kind(), "common.Values").in_unmarshal())),
    }
}

/// Takes the tables of the merged values: Helm merges into the very tables that the user gave, so whatever looks at the
/// user's values later finds the chart's own in them, `null` and all. Only the outermost table is a copy.
fn keep_tables(values: &mut Map, merged: &Map) {
    for (key, value) in values.iter_mut() {
        if let (Value::Map(_), Some(merged)) = (&value, merged.get(key)) {
            *value = merged.clone();
        }
    }
}

/// Returns the user's values as they are after a chart was held against the rules: so the next one finds them.
#[must_use]
pub fn values_after(source: &dyn Source, mut values: Map) -> Map {
    if source.kind(FILE) != Kind::Missing
        && let Ok(file) = own(source)
    {
        let merged = coalesce_tables_warned(&values, &file);
        keep_tables(&mut values, &merged.values);
    }
    values
}
