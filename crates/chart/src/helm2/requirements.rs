//! What the client of Helm 2 does with `requirements.yaml` before it sends a chart (as Helm 2.17:
//! `pkg/chartutil/requirements.go`): which subcharts take part, under which names, and what they give to their parent.
//!
//! Two aliases of one chart share what lies two levels below in Helm 2, so that what is done for one is seen by the other;
//! here each has its own.

use std::collections::BTreeSet;

use goyaml::{Map, Value};

use super::metadata::Fields;
use super::values::{Budget, NIL_MAP, TOO_LARGE, coalesce_map, coalesce_tables, read_values, weight};
use super::{Chart, DECODING, Error, semver, yaml_error};
use crate::text::display;
use crate::values::{path_value, table};

/// A subchart as `requirements.yaml` names it.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Requirement {
    pub name: String,
    pub version: String,
    pub repository: String,
    pub condition: String,
    pub tags: Vec<String>,
    /// Set while requirements are processed.
    pub enabled: bool,
    /// Strings, or maps with `child` and `parent`.
    pub import_values: Vec<Value>,
    pub alias: String,
}

/// Reads `requirements.yaml` of a chart; `None` when there is none, or nothing in it.
///
/// # Errors
/// When it is no YAML, or not what it should be.
pub fn requirements(chart: &Chart) -> Result<Option<Vec<Requirement>>, Error> {
    let Some(file) = chart.files.iter().rfind(|file| file.name == "requirements.yaml") else { return Ok(None) };
    if file.data.is_empty() {
        return Ok(None);
    }
    let mut fields = Fields::of("Requirements");
    let mut found = Vec::new();
    match goyaml::from_yaml_keep_ints(&*file.data).map_err(|e| Error(yaml_error(&e)))? {
        Value::Map(map) => {
            for (key, value) in map.into_iter().filter(|(key, _)| key.eq_ignore_ascii_case("dependencies")) {
                let Value::Seq(items) = value else {
                    fields.mismatch(&key, &value, "[]*chartutil.Dependency");
                    continue;
                };
                found = items.into_iter().filter_map(|item| requirement(item, &mut fields)).collect();
            }
        }
        Value::Null => {}
        other => fields
            .fail(format!("json: cannot unmarshal {} into Go value of type chartutil.Requirements", other.json_kind())),
    }
    match fields.error {
        Some(error) => Err(Error(format!("{DECODING}{error}"))),
        None => Ok(Some(found)),
    }
}

fn requirement(item: Value, fields: &mut Fields) -> Option<Requirement> {
    let mut made = Requirement::default();
    let Value::Map(map) = item else {
        fields.mismatch("dependencies", &item, "chartutil.Dependency");
        return None;
    };
    fields.inner("Dependency", "dependencies.", |fields| fill(&mut made, map, fields));
    Some(made)
}

fn fill(made: &mut Requirement, map: Map, fields: &mut Fields) {
    for (key, value) in map {
        match key.to_ascii_lowercase().as_str() {
            "name" => fields.text(&key, value, &mut made.name),
            "version" => fields.text(&key, value, &mut made.version),
            "repository" => fields.text(&key, value, &mut made.repository),
            "condition" => fields.text(&key, value, &mut made.condition),
            "tags" => made.tags = fields.texts(&key, value),
            "enabled" => match value {
                Value::Bool(b) => made.enabled = b,
                other => fields.mismatch(&key, &other, "bool"),
            },
            "import-values" => match value {
                Value::Seq(items) => made.import_values = items,
                other => fields.mismatch(&key, &other, "[]interface {}"),
            },
            "alias" => fields.text(&key, value, &mut made.alias),
            _ => {}
        }
    }
}

/// Tells which subcharts `requirements.yaml` names that are not there (as Helm 2.17: `pkg/renderutil/deps.go`).
///
/// # Errors
/// Names them; or `requirements.yaml` cannot be read.
pub fn check_dependencies(chart: &Chart) -> Result<(), Error> {
    let found = requirements(chart).map_err(|e| Error(format!("cannot load requirements: {e}")))?;
    let there = |name: &str| chart.dependencies.iter().any(|subchart| subchart.name() == name);
    let missing: Vec<String> =
        found.unwrap_or_default().into_iter().map(|r| r.name).filter(|name| !there(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error(format!("found in requirements.yaml, but missing in charts/ directory: {}", missing.join(", "))))
}

/// Removes disabled subcharts, renames those with an alias, and takes imported values in, as the client does before it
/// sends a chart; Tiller never does. Gives what Helm 2 would have logged.
///
/// # Errors
/// The given values or those of a chart cannot be read or brought together, an alias is none, or copies of subcharts come
/// to too much.
pub fn process_requirements(chart: &mut Chart, given: &str) -> Result<Vec<String>, Error> {
    let mut process = Process::default();
    process.enable(chart, &read_values(given)?, "")?;
    import_all(chart, true, &mut process.warnings)?;
    Ok(process.warnings)
}

#[derive(Default)]
struct Process {
    warnings: Vec<String>,
    budget: Budget,
}

impl Process {
    fn enable(&mut self, chart: &mut Chart, given: &Map, path: &str) -> Result<(), Error> {
        // What cannot be read counts as not there.
        let Ok(Some(mut wanted)) = requirements(chart) else { return Ok(()) };
        chart.dependencies = self.choose(chart, &mut wanted)?;
        self.budget.spend(weight(given))?;
        let coalesced = coalesce_map(chart, Some(given.clone()))?;
        self.warnings.extend(coalesced.warnings);
        by_tags(&mut wanted, &coalesced.values, &mut self.warnings);
        by_conditions(&mut wanted, &coalesced.values, path, &mut self.warnings);
        let disabled: BTreeSet<&str> = wanted.iter().filter(|r| !r.enabled).map(|r| r.name.as_str()).collect();
        chart.dependencies.retain(|c| !disabled.contains(c.name()));
        for subchart in &mut chart.dependencies {
            let path = format!("{path}{}.", subchart.name());
            survive(self.enable(subchart, &coalesced.values, &path))?;
        }
        Ok(())
    }

    /// Arranges the subcharts: first those that no requirement names, then one for each requirement, by its alias.
    fn choose(&mut self, chart: &Chart, wanted: &mut [Requirement]) -> Result<Vec<Chart>, Error> {
        let fits = |requirement: &Requirement, subchart: &Chart| {
            subchart.name() == requirement.name
                && semver::is_compatible_range(&requirement.version, &subchart.metadata.version)
        };
        // Each is held against each.
        self.budget.spend(wanted.len().saturating_mul(chart.dependencies.len()))?;
        let mut chosen = Vec::new();
        for subchart in chart.dependencies.iter().filter(|c| !wanted.iter().any(|r| fits(r, c))) {
            self.budget.spend(size(subchart))?;
            chosen.push(subchart.clone());
        }
        for requirement in wanted {
            let alias = requirement.alias.as_str();
            let valid = alias.is_empty() || is_alias(alias);
            if let Some(found) = chart.dependencies.iter().find(|c| fits(requirement, c)).filter(|_| valid) {
                self.budget.spend(size(found))?;
                let mut found = found.clone();
                if !alias.is_empty() {
                    alias.clone_into(&mut found.metadata.name);
                }
                chosen.push(found);
            }
            if !valid {
                return Err(Error(format!("illegal alias name in {}", crate::text::quote(&requirement.name))));
            }
            if !requirement.alias.is_empty() {
                requirement.name.clone_from(&requirement.alias);
            }
            requirement.enabled = true;
        }
        Ok(chosen)
    }
}

/// The bytes that a copy of a chart takes, roughly; the contents of files are shared.
fn size(chart: &Chart) -> usize {
    let files = chart.templates.len() + chart.files.len();
    1024 + chart.values.len() + 128 * files + chart.dependencies.iter().map(size).sum::<usize>()
}

fn is_alias(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Forgets what goes wrong below, which is no error to Helm 2, but for what it dies of and what nobody can afford.
fn survive<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.0 == NIL_MAP || error.0 == TOO_LARGE => Err(error),
        Err(_) => Ok(None),
    }
}

fn by_tags(wanted: &mut [Requirement], values: &Map, warnings: &mut Vec<String>) {
    let Ok(tags) = table(values, "tags") else { return };
    for requirement in wanted.iter_mut().filter(|r| !r.tags.is_empty()) {
        let (mut some_true, mut some_false) = (false, false);
        for tag in &requirement.tags {
            match tags.get(tag) {
                None => {}
                Some(Value::Bool(true)) => some_true = true,
                Some(Value::Bool(false)) => some_false = true,
                Some(_) => {
                    let name = &requirement.name;
                    warnings.push(format!("Warning: Tag '{tag}' for chart {name} returned non-bool value"));
                }
            }
        }
        requirement.enabled = some_true || !some_false;
    }
}

fn by_conditions(wanted: &mut [Requirement], values: &Map, path: &str, warnings: &mut Vec<String>) {
    for requirement in wanted {
        let condition = requirement.condition.trim();
        for condition in condition.split(',').filter(|c| !c.is_empty()) {
            match path_value(values, &format!("{path}{condition}")) {
                Some(Value::Bool(enabled)) => {
                    requirement.enabled = *enabled;
                    break;
                }
                Some(other) => {
                    let name = &requirement.name;
                    warnings.push(format!(
                        "Warning: Condition path '{condition}' for chart {name} returned non-bool value"
                    ));
                    // The first value ends the search, whatever it is.
                    if !other.is_null() {
                        break;
                    }
                }
                None => {}
            }
        }
    }
}

/// Imports into the deepest charts first, and into none without subcharts but the top one.
fn import_all(chart: &mut Chart, top: bool, warnings: &mut Vec<String>) -> Result<(), Error> {
    for subchart in chart.dependencies.iter_mut().rev() {
        import_all(subchart, false, warnings)?;
    }
    if top || !chart.dependencies.is_empty() {
        return import(chart, warnings);
    }
    Ok(())
}

/// Puts what the subcharts of a chart export over the chart's own values.
fn import(chart: &mut Chart, warnings: &mut Vec<String>) -> Result<(), Error> {
    let Ok(Some(wanted)) = requirements(chart) else { return Ok(()) };
    let Some(coalesced) = survive(coalesce_map(chart, Some(Map::new())))? else { return Ok(()) };
    warnings.extend(coalesced.warnings);
    let values = coalesced.values;
    let mut imported = Map::new();
    for requirement in wanted {
        let name = import_name(chart, &requirement);
        let Some(name) = name else { continue };
        for item in &requirement.import_values {
            let (child, parent) = match item {
                Value::Map(pair) => {
                    let text = |key: &str| match pair.get(key) {
                        Some(Value::Str(text)) => Ok(text.clone()),
                        other => {
                            let found = other.map_or_else(|| "<nil>".to_owned(), display);
                            Err(Error(format!("`{key}` of import-values must be a text and is {found}")))
                        }
                    };
                    (text("child")?, text("parent")?)
                }
                Value::Str(name) => (format!("exports.{name}"), ".".to_owned()),
                _ => (String::new(), String::new()),
            };
            match table(&values, &format!("{name}.{child}")) {
                Ok(found) => {
                    imported = coalesce_tables(imported, nest(&parent, found.clone()), chart.name(), warnings);
                }
                Err(error) => warnings.push(format!("Warning: ImportValues missing table: {error}")),
            }
        }
    }
    let all = coalesce_tables(imported, values, chart.name(), warnings);
    chart.values = goyaml::to_yaml(&all).map_err(|e| Error(yaml_error(&e)))?;
    Ok(())
}

/// The name under which a requirement's values lie, when it takes part.
fn import_name<'r>(chart: &Chart, requirement: &'r Requirement) -> Option<&'r str> {
    let mut name = None;
    for subchart in &chart.dependencies {
        if subchart.name() == requirement.name {
            name = name.or(Some(requirement.name.as_str()));
        }
        if subchart.name() == requirement.alias {
            name = Some(requirement.alias.as_str());
        }
    }
    name
}

/// Puts a table at the end of a dotted path.
fn nest(path: &str, table: Map) -> Map {
    if path == "." {
        return table;
    }
    path.split('.').rev().fold(table, |inner, key| Map::from([(key.to_owned(), Value::Map(inner))]))
}
