//! Which subcharts take part, under which names, and what they give to their parent
//! (as Helm 4.3: `pkg/chart/v2/util/dependencies.go`).

use std::borrow::Cow;

use goyaml::{Map, Value};

use super::coalesce::{CoalesceError, Coalescer};
use super::tree::{Node, Table};
use crate::chart::Chart;
use crate::metadata::Dependency;
use crate::semver::is_compatible_range;
use crate::text::display;

/// Removes disabled subcharts, renames those with an alias, and takes imported values in. The chart is changed as Helm
/// changes it, so that a release record holds the same afterwards. Gives what Helm would have warned of.
///
/// # Errors
/// When something that is no table stands where a subchart's values should.
pub fn process_dependencies(chart: &mut Chart, values: &Map) -> Result<Vec<String>, CoalesceError> {
    let mut coalescer = Coalescer::default();
    let done = enable(chart, values, "", &mut coalescer).and_then(|()| import_all(chart, &mut coalescer));
    done.map_err(|error| coalescer.warned(error))?;
    Ok(coalescer.warnings)
}

fn enable(chart: &mut Chart, values: &Map, path: &str, coalescer: &mut Coalescer) -> Result<(), CoalesceError> {
    if !has_dependencies(chart) {
        return Ok(());
    }
    choose(chart);
    for dependency in &mut chart.metadata.dependencies {
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
        dependency.enabled = true;
    }
    let mut dependencies = chart.metadata.dependencies.clone();
    let below = {
        let table = Table::from_map(values);
        coalescer.chart(chart, &table, "", false)?;
        by_tags(&mut dependencies, &table, &mut coalescer.warnings);
        by_conditions(&mut dependencies, &table, path, &mut coalescer.warnings);
        // Most subcharts have none of their own, and then nobody asks for the values.
        chart.dependencies.iter().any(has_dependencies).then(|| table.to_map())
    };
    chart.metadata.dependencies = dependencies;

    // A disabled name takes every chart and every dependency of that name with it.
    let disabled: Vec<String> =
        chart.metadata.dependencies.iter().filter(|d| !d.enabled).map(|d| d.name.clone()).collect();
    chart.dependencies.retain(|c| !disabled.iter().any(|name| name == c.name()));
    chart.metadata.dependencies.retain(|d| !disabled.contains(&d.name));
    chart.metadata.empty_dependencies = false;

    let Some(below) = below else { return Ok(()) };
    for subchart in &mut chart.dependencies {
        let path = format!("{path}{}.", subchart.name());
        enable(subchart, &below, &path, coalescer)?;
    }
    Ok(())
}

fn has_dependencies(chart: &Chart) -> bool {
    !chart.metadata.dependencies.is_empty() || chart.metadata.empty_dependencies
}

/// Arranges the subcharts: first those that no dependency names, then one for each dependency, by its alias.
fn choose(chart: &mut Chart) {
    let mut present: Vec<Option<Chart>> = std::mem::take(&mut chart.dependencies).into_iter().map(Some).collect();
    let fits = |dependency: &Dependency, subchart: &Chart| {
        subchart.name() == dependency.name && is_compatible_range(&dependency.version, &subchart.metadata.version)
    };
    let listed = &chart.metadata.dependencies;
    let chosen: Vec<Option<usize>> = listed
        .iter()
        .map(|dependency| present.iter().position(|c| c.as_ref().is_some_and(|c| fits(dependency, c))))
        .collect();
    let mut subcharts = Vec::new();
    for slot in &mut present {
        if slot.as_ref().is_some_and(|c| !listed.iter().any(|dependency| fits(dependency, c))) {
            subcharts.extend(slot.take());
        }
    }
    for (i, (dependency, index)) in listed.iter().zip(&chosen).enumerate() {
        let Some(slot) = index.and_then(|index| present.get_mut(index)) else { continue };
        let needed_again = chosen.iter().skip(i + 1).any(|later| later == index);
        let Some(mut subchart) = (if needed_again { slot.clone() } else { slot.take() }) else { continue };
        if !dependency.alias.is_empty() {
            subchart.metadata.name.clone_from(&dependency.alias);
        }
        subcharts.push(subchart);
    }
    chart.dependencies = subcharts;
}

fn by_tags(dependencies: &mut [Dependency], values: &Table<'_>, warnings: &mut Vec<String>) {
    let Some(Node::Table(tags)) = values.get("tags") else { return };
    for dependency in dependencies {
        let (mut some_true, mut some_false) = (false, false);
        for tag in &dependency.tags {
            match tags.get(tag) {
                None => {}
                Some(Node::Leaf(Value::Bool(true))) => some_true = true,
                Some(Node::Leaf(Value::Bool(false))) => some_false = true,
                Some(_) => warnings.push(format!("returned non-bool value tag={tag} chart={}", dependency.name)),
            }
        }
        dependency.enabled = some_true || !some_false;
    }
}

fn by_conditions(dependencies: &mut [Dependency], values: &Table<'_>, path: &str, warnings: &mut Vec<String>) {
    for dependency in dependencies {
        for condition in dependency.condition.trim().split(',').filter(|c| !c.is_empty()) {
            match values.path_value(&format!("{path}{condition}")) {
                Some(Node::Leaf(Value::Bool(enabled))) => {
                    dependency.enabled = *enabled;
                    break;
                }
                Some(_) => {
                    warnings.push(format!("returned non-bool value path={condition} chart={}", dependency.name));
                }
                None => {}
            }
        }
    }
}

fn import_all(chart: &mut Chart, coalescer: &mut Coalescer) -> Result<(), CoalesceError> {
    for subchart in &mut chart.dependencies {
        import_all(subchart, coalescer)?;
    }
    import(chart, coalescer)
}

/// Puts what the dependencies of a chart export under the chart's own values.
fn import(chart: &mut Chart, coalescer: &mut Coalescer) -> Result<(), CoalesceError> {
    if !has_dependencies(chart) {
        return Ok(());
    }
    let values = Table::default();
    coalescer.chart(chart, &values, "", true)?;
    let imported = Table::default();
    let mut all_seen = Vec::new();
    for dependency in &chart.metadata.dependencies {
        let mut seen = Vec::new();
        for item in &dependency.import_values {
            let (child, parent, missing) = match item {
                Value::Map(pair) => {
                    let text = |key: &str| display(pair.get(key).unwrap_or(&Value::Null));
                    (text("child"), text("parent"), format!(" from chart chart={}", dependency.name))
                }
                Value::Str(name) => (format!("exports.{name}"), ".".to_owned(), String::new()),
                _ => continue,
            };
            let pair = [("child", &child), ("parent", &parent)];
            seen.push(Value::Map(pair.map(|(k, v)| (k.to_owned(), Value::Str(v.clone()))).into()));
            match values.lookup(&format!("{}.{child}", dependency.name)) {
                Ok(table) => {
                    // Helm shares a table that is imported, unless it is empty; merging can put `null` into a shared one.
                    let table = if table.is_empty() { Table::default() } else { table };
                    coalescer.tables(&imported, &nest(&parent, table), "", true);
                }
                Err(error) => {
                    let error = crate::text::quote(&error);
                    coalescer.warnings.push(format!("ImportValues missing table{missing} error={error}"));
                }
            }
        }
        all_seen.push(seen);
    }
    // The imported tables are shared with the chart's values until here.
    let own = values.deep_copy();
    coalescer.tables(&own, &imported, "", true);
    chart.values = own.to_map();
    chart.has_values = true;
    for (dependency, seen) in chart.metadata.dependencies.iter_mut().zip(all_seen) {
        dependency.import_values = seen;
    }
    Ok(())
}

/// Puts a table at the end of a dotted path.
fn nest<'v>(path: &str, table: Table<'v>) -> Table<'v> {
    if path == "." {
        return table;
    }
    path.split('.').rev().fold(table, |inner, key| {
        let outer = Table::default();
        outer.set(Cow::Owned(key.to_owned()), Node::Table(inner));
        outer
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Metadata;

    fn map(json: &str) -> Map {
        serde_json::from_str(json).unwrap()
    }

    fn chart(name: &str, values: &str, dependencies: Vec<Chart>) -> Chart {
        let listed = dependencies.iter().map(|d| dependency(d.name())).collect();
        let metadata =
            Metadata { name: name.into(), version: "1.0.0".into(), dependencies: listed, ..Metadata::default() };
        Chart { metadata, values: map(values), dependencies, ..Chart::default() }
    }

    fn dependency(name: &str) -> Dependency {
        Dependency { name: name.into(), version: ">=1".into(), ..Dependency::default() }
    }

    fn names(chart: &Chart) -> Vec<&str> {
        chart.dependencies.iter().map(Chart::name).collect()
    }

    #[test]
    fn conditions_beat_tags() {
        let mut parent = chart("p", "{}", vec![chart("a", "{}", vec![]), chart("b", "{}", vec![])]);
        for d in &mut parent.metadata.dependencies {
            d.tags = vec!["front".into()];
            d.condition = format!("{}.enabled,other", d.name);
        }
        let mut both = parent.clone();
        process_dependencies(&mut both, &Map::new()).unwrap();
        assert_eq!(names(&both), ["a", "b"]);
        let mut one = parent.clone();
        process_dependencies(&mut one, &map(r#"{"tags":{"front":false},"b":{"enabled":true}}"#)).unwrap();
        assert_eq!(names(&one), ["b"]);
        assert_eq!(one.metadata.dependencies.len(), 1);
        let mut none = parent.clone();
        let warnings =
            process_dependencies(&mut none, &map(r#"{"a":{"enabled":"no"},"b":{"enabled":false}}"#)).unwrap();
        assert_eq!(names(&none), ["a"]);
        assert_eq!(warnings, ["returned non-bool value path=a.enabled chart=a"]);
    }

    #[test]
    fn aliases_make_copies() {
        let mut parent = chart("p", r#"{"two":{"x":2}}"#, vec![chart("a", r#"{"x":1}"#, vec![])]);
        let mut second = dependency("a");
        second.alias = "two".into();
        let mut other = dependency("a");
        other.version = ">=9".into();
        other.alias = "nine".into();
        parent.metadata.dependencies.extend([second, other]);
        process_dependencies(&mut parent, &Map::new()).unwrap();
        assert_eq!(names(&parent), ["a", "two"]);
        assert_eq!(parent.values, map(r#"{"a":{"x":1,"global":{}},"two":{"x":2,"global":{}}}"#));
    }

    #[test]
    fn children_export_to_parents() {
        let child = chart("c", r#"{"exports":{"data":{"k":1,"own":1}},"deep":{"t":{"u":1}}}"#, vec![]);
        let mut parent = chart("p", r#"{"own":2}"#, vec![child]);
        if let Some(d) = parent.metadata.dependencies.first_mut() {
            d.import_values = vec![
                Value::Str("data".into()),
                Value::Map(map(r#"{"child":"deep.t","parent":"into.here"}"#)),
                Value::Str("none".into()),
            ];
        }
        let warnings = process_dependencies(&mut parent, &Map::new()).unwrap();
        assert_eq!(warnings, ["ImportValues missing table error=\"\\\"none\\\" is not a table\""]);
        assert_eq!(parent.values.get("own"), Some(&Value::Float(2.0)));
        assert_eq!(parent.values.get("k"), Some(&Value::Float(1.0)));
        assert_eq!(parent.values.get("into"), Some(&Value::Map(map(r#"{"here":{"u":1}}"#))));
        assert_eq!(
            parent.metadata.dependencies.first().and_then(|d| d.import_values.first()),
            Some(&Value::Map(map(r#"{"child":"exports.data","parent":"."}"#)))
        );
    }
}
