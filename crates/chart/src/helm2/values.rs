//! Values of a chart and its subcharts brought together (as Helm 2.17: `pkg/chartutil/values.go`).
//!
//! Helm 2 makes new tables where Helm 4 changes the given ones, so that nothing is shared here.

use goyaml::{Map, Value};

use super::{Chart, Error, yaml_error};
use crate::text::{display, display_bool};
use crate::values::GLOBAL;

/// What Helm 2 dies of when the globals of a subchart with subcharts are no table.
pub(super) const NIL_MAP: &str = "assignment to entry in nil map";

/// Values that were brought together, and what Helm 2 only logs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coalesced {
    /// The values for the chart; those for a subchart under its name.
    pub values: Map,
    /// What is only logged.
    pub warnings: Vec<String>,
}

/// Reads a text of values; nothing is an empty table.
///
/// # Errors
/// When it is no YAML, or no table.
pub fn read_values(text: &str) -> Result<Map, Error> {
    goyaml::from_yaml_map(text).map_err(|e| {
        let go = yaml_error(&e);
        Error(go.replace("of type map[string]interface {}", "of type chartutil.Values"))
    })
}

/// Brings the text of given values and the defaults of a chart and its subcharts together. The given values win, tables
/// are merged, and `null` removes what it meets, and itself. Without a text at all, the chart's own defaults are left out.
///
/// # Errors
/// When a text is no YAML, or something that is no table stands where a subchart's values should.
pub fn coalesce_values(chart: &Chart, given: Option<&str>) -> Result<Coalesced, Error> {
    let given = given.map(read_values).transpose()?;
    coalesce_map(chart, given)
}

/// How many bytes, roughly, are copied at most: subcharts that each get the same globals come to far more than their chart.
/// Go shares what it copies.
pub(super) const MOST: usize = 512 << 20;

/// What is left to copy.
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(MOST)
    }
}

impl Budget {
    /// Counts bytes that are about to be copied.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), Error> {
        match self.0.checked_sub(bytes) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => Err(Error(TOO_LARGE.to_owned())),
        }
    }
}

/// What is said of values that cannot be afforded.
pub(super) const TOO_LARGE: &str = "the chart's subcharts with their values are too large";

/// The bytes that a copy of a table takes, roughly.
pub(super) fn weight(map: &Map) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Str(text) => 32 + text.len(),
            Value::Seq(items) => 32 + items.iter().map(of).sum::<usize>(),
            Value::Map(map) => weight(map),
            _ => 32,
        }
    }
    64 + map.iter().map(|(key, value)| 32 + key.len() + of(value)).sum::<usize>()
}

/// Does the same with values that were read.
pub(super) fn coalesce_map(chart: &Chart, given: Option<Map>) -> Result<Coalesced, Error> {
    let mut coalescer = Coalescer::default();
    let values = match given {
        Some(given) => coalescer.chart(chart, Some(given))?,
        None => coalescer.subcharts(chart, Some(Map::new()))?,
    };
    Ok(Coalesced { values: values.unwrap_or_default(), warnings: coalescer.warnings })
}

/// Merges one table under another, which wins.
pub(super) fn coalesce_tables(dest: Map, source: Map, chart: &str, warnings: &mut Vec<String>) -> Map {
    let mut coalescer = Coalescer { warnings: std::mem::take(warnings), budget: Budget::default() };
    let made = coalescer.tables(dest, source, chart);
    *warnings = coalescer.warnings;
    made
}

#[derive(Default)]
struct Coalescer {
    warnings: Vec<String>,
    budget: Budget,
}

impl Coalescer {
    /// Brings the values of a chart together; `None` is Go's nil map.
    fn chart(&mut self, chart: &Chart, dest: Option<Map>) -> Result<Option<Map>, Error> {
        let dest = self.defaults(chart, dest)?;
        self.subcharts(chart, dest)
    }

    fn subcharts(&mut self, chart: &Chart, dest: Option<Map>) -> Result<Option<Map>, Error> {
        if chart.dependencies.is_empty() {
            return Ok(dest);
        }
        let Some(mut dest) = dest else { return Err(Error(NIL_MAP.to_owned())) };
        let globals = dest.get(GLOBAL).and_then(Value::as_map).map_or(0, weight);
        for subchart in &chart.dependencies {
            let name = subchart.name();
            let below = match dest.remove(name) {
                None => Map::new(),
                Some(Value::Map(below)) => below,
                Some(other) => return Err(Error(format!("type mismatch on {name}: {}", display_bool(&other)))),
            };
            self.budget.spend(globals)?;
            let below = self.globals(below, &dest, chart.name());
            let below = self.chart(subchart, below)?;
            dest.insert(name.to_owned(), below.map_or(Value::Null, Value::Map));
        }
        Ok(Some(dest))
    }

    /// Hands the globals of `source` down to `dest`. A global that is no table costs `dest` all its values: Helm 2 goes
    /// on with what it had of the globals, which may be nothing at all.
    fn globals(&mut self, mut dest: Map, source: &Map, chart: &str) -> Option<Map> {
        let mine = match dest.get(GLOBAL) {
            None => Map::new(),
            Some(Value::Map(_)) => match dest.remove(GLOBAL) {
                Some(Value::Map(mine)) => mine,
                _ => Map::new(),
            },
            Some(_) => {
                self.warnings.push(format!(
                    "Warning: Skipping globals for chart '{chart}' because destination '{GLOBAL}' is not a table."
                ));
                return None;
            }
        };
        let theirs = match source.get(GLOBAL) {
            None => Map::new(),
            Some(Value::Map(theirs)) => theirs.clone(),
            Some(_) => {
                self.warnings.push(format!(
                    "Warning: skipping globals for chart '{chart}' because source '{GLOBAL}' is not a table."
                ));
                return Some(mine);
            }
        };
        let globals = self.tables(theirs, mine, chart);
        dest.insert(GLOBAL.to_owned(), Value::Map(globals));
        Some(dest)
    }

    /// Puts the defaults of one chart under the values in `dest`.
    fn defaults(&mut self, chart: &Chart, dest: Option<Map>) -> Result<Option<Map>, Error> {
        if chart.values.is_empty() {
            return Ok(dest);
        }
        let (name, text) = (chart.name(), &chart.values);
        let defaults = read_values(text)
            .map_err(|e| Error(format!("Error: Reading chart '{name}' default values ({text}): {e}")))?;
        Ok(Some(self.tables(dest.unwrap_or_default(), defaults, name)))
    }

    fn tables(&mut self, mut dest: Map, source: Map, chart: &str) -> Map {
        let mut made = Map::new();
        for (key, value) in source {
            let merged = match (dest.remove(&key), value) {
                (None, value) => value,
                (Some(Value::Null), _) => continue,
                (Some(Value::Map(own)), Value::Map(theirs)) => Value::Map(self.tables(own, theirs, chart)),
                (Some(own), Value::Map(_)) => {
                    let shown = display(&own);
                    self.warnings.push(format!(
                        "Warning: Merging destination map for chart '{chart}'. Overwriting table item '{key}', with non table value: {shown}"
                    ));
                    own
                }
                (Some(own @ Value::Map(_)), other) => {
                    let shown = display(&other);
                    self.warnings.push(format!(
                        "Warning: Merging destination map for chart '{chart}'. The destination item '{key}' is a table and ignoring the source '{key}' as it has a non-table value of: {shown}"
                    ));
                    own
                }
                (Some(own), _) => own,
            };
            made.insert(key, merged);
        }
        made.extend(dest.into_iter().filter(|(_, value)| !value.is_null()));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> Map {
        read_values(text).unwrap()
    }

    fn chart(name: &str, values: &str, dependencies: Vec<Chart>) -> Chart {
        let mut chart = Chart { values: values.to_owned(), dependencies, ..Chart::default() };
        chart.metadata.name = name.to_owned();
        chart
    }

    #[test]
    fn null_removes_and_stays_where_it_is_a_default() {
        let chart = chart("a", "{x: 1, n: null, t: {p: 1, n: null}, gone: 1}", vec![]);
        let got = coalesce_values(&chart, Some("{gone: null, other: null, new: {n: null}}")).unwrap();
        assert_eq!(got.values, map("{x: 1, n: null, t: {p: 1, n: null}, new: {n: null}}"));
    }

    #[test]
    fn a_global_that_is_no_table_costs_the_values() {
        let parent = chart("a", "", vec![chart("sub", "{own: 1, v: 1}", vec![])]);
        let got = coalesce_values(&parent, Some("{sub: {own: 2, global: 3}}")).unwrap();
        assert_eq!(got.values, map("{sub: {own: 1, v: 1}}"));
        let got = coalesce_values(&parent, Some("{global: 1, sub: {own: 2, global: {g: 1}}}")).unwrap();
        assert_eq!(got.values, map("{global: 1, sub: {g: 1, own: 1, v: 1}}"));
    }

    #[test]
    fn without_given_values_there_are_no_defaults() {
        let parent = chart("a", "x: 1", vec![chart("sub", "y: 1", vec![])]);
        assert_eq!(coalesce_values(&parent, None).unwrap().values, map("sub: {y: 1, global: {}}"));
        assert_eq!(coalesce_values(&parent, Some("")).unwrap().values, map("{x: 1, sub: {y: 1, global: {}}}"));
    }

    #[test]
    fn what_cannot_be_afforded_is_refused() {
        let mut parent = chart("a", &format!("{{global: {{g: {}}}}}", "x".repeat(1 << 20)), Vec::new());
        parent.dependencies = (0..2000).map(|at| chart(&format!("s{at}"), "", vec![])).collect();
        assert_eq!(coalesce_values(&parent, Some("")).unwrap_err().0, TOO_LARGE);
        let mut text = "dependencies:\n".to_owned();
        (0..2000).for_each(|at| text.push_str(&format!("- {{name: s, version: '*', alias: s{at}}}\n")));
        let mut sub = chart("s", &format!("a: {}", "x".repeat(1 << 20)), Vec::new());
        sub.metadata.version = "1.0.0".to_owned();
        let mut parent = chart("a", "", vec![sub]);
        parent.files.push(crate::File {
            name: "requirements.yaml".into(),
            data: text.into(),
            ..crate::File::default()
        });
        assert_eq!(crate::helm2::process_requirements(&mut parent, "").unwrap_err().0, TOO_LARGE);
    }
}
