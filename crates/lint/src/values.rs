//! `values.yaml` (as Helm 4.3: `pkg/chart/v2/lint/rules/values.go`).

use chart::values::coalesce_tables;
use goyaml::{Map, Value};

use crate::linter::Linter;
use crate::linter::Severity::{Error, Info};
use crate::source::Kind;

const FILE: &str = "values.yaml";

pub(crate) fn check(linter: &mut Linter<'_>) {
    if linter.source.kind(FILE) == Kind::Missing {
        linter.rule(Info, FILE, Err("file does not exist".to_owned()));
        return;
    }
    let result = fit(linter);
    linter.rule(Error, FILE, result);
}

fn fit(linter: &Linter<'_>) -> Result<(), String> {
    let data = linter.source.read(FILE).map_err(|text| format!("unable to parse YAML: {text}"))?;
    let unreadable = |error: goyaml::Error| format!("unable to parse YAML: {error}");
    let values = match goyaml::from_yaml(&data).map_err(unreadable)? {
        Value::Map(map) => map,
        Value::Null => Map::new(),
        other => {
            return Err(unreadable(goyaml::Error::unmarshal_type(other.json_kind(), "common.Values").in_unmarshal()));
        }
    };
    // Only the chart's own values are looked at, as Helm 2 did.
    let given = coalesce_tables(Map::new(), &linter.options.values);
    let values = coalesce_tables(given, &values);
    let schema = linter.source.read("values.schema.json").unwrap_or_default();
    if schema.is_empty() || linter.options.skip_schema_validation {
        return Ok(());
    }
    chart::schema::validate_one(&values, &schema).map_err(|error| error.text)
}
