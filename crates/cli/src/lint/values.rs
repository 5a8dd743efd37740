//! `values.yaml` (as Helm 4.3: `pkg/chart/v2/lint/rules/values.go`).

use chart::values::coalesce_tables;
use goyaml::{Map, Value};

use super::Linter;
use super::Severity::{Error, Info};

const FILE: &str = "values.yaml";

pub(super) fn check(linter: &mut Linter<'_>) {
    let path = linter.path(FILE);
    if std::path::Path::new(&path).metadata().is_err() {
        linter.rule(Info, FILE, Err("file does not exist".to_owned()));
        return;
    }
    let result = fit(linter, &path);
    linter.rule(Error, FILE, result);
}

fn fit(linter: &Linter<'_>, path: &str) -> Result<(), String> {
    let data = std::fs::read(path).map_err(|error| {
        let text = crate::values::go_text(&error);
        format!(
            "unable to parse YAML: {} {path}: {text}",
            if error.kind() == std::io::ErrorKind::IsADirectory { "read" } else { "open" }
        )
    })?;
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
    let schema = std::fs::read(linter.path("values.schema.json")).unwrap_or_default();
    if schema.is_empty() || linter.options.skip_schema_validation {
        return Ok(());
    }
    chart::schema::validate_one(&values, &schema).map_err(|error| error.text)
}
