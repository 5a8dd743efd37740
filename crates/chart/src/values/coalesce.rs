//! Values of a chart and its subcharts brought together (as Helm 4.3: `pkg/chart/common/util/coalesce.go`).

use std::borrow::Cow;
use std::collections::BTreeSet;

use goyaml::{Map, Value};

use super::tree::{Node, Table};
use crate::chart::Chart;
use crate::text::{display, display_bool, quote};

/// The key under which values are handed down to all subcharts.
pub const GLOBAL: &str = "global";

/// Values that were brought together, and what Helm would have warned of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coalesced {
    /// The values for the chart; those for a subchart under its name.
    pub values: Map,
    /// Texts of warnings, in Helm's words.
    pub warnings: Vec<String>,
}

/// A value stands where the values of a subchart should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("type mismatch on {chart}: {found}")]
pub struct CoalesceError {
    /// The subchart.
    pub chart: String,
    /// What was found, as Go's `%t` prints it.
    pub found: String,
    /// What Helm would have warned of before.
    pub warnings: Vec<String>,
}

/// Brings `values` and the defaults of a chart and its subcharts together. The given values win, tables are merged, and
/// `null` removes a default.
///
/// # Errors
/// When something that is no table stands where a subchart's values should.
pub fn coalesce_values(chart: &Chart, values: &Map) -> Result<Coalesced, CoalesceError> {
    run(chart, values, false)
}

/// Does the same and keeps every `null`, for values that will be coalesced later.
///
/// # Errors
/// As [`coalesce_values`].
pub fn merge_values(chart: &Chart, values: &Map) -> Result<Coalesced, CoalesceError> {
    run(chart, values, true)
}

fn run(chart: &Chart, values: &Map, merge: bool) -> Result<Coalesced, CoalesceError> {
    let mut coalescer = Coalescer::default();
    let table = Table::from_map(values);
    coalescer.chart(chart, &table, "", merge).map_err(|error| coalescer.warned(error))?;
    Ok(Coalesced { values: table.to_map(), warnings: coalescer.warnings })
}

/// As [`coalesce_values`], without the warnings.
///
/// # Errors
/// As [`coalesce_values`].
pub fn coalesce(chart: &Chart, values: &Map) -> Result<Map, CoalesceError> {
    coalesce_values(chart, values).map(|coalesced| coalesced.values)
}

/// Merges `source` into `destination`, which wins; a `null` in the destination removes what the source has.
#[must_use]
pub fn coalesce_tables(destination: Map, source: &Map) -> Map {
    let table = Table::from_map(&destination);
    Coalescer::default().tables(&table, &Table::from_map(source), "", false);
    table.to_map()
}

/// As [`coalesce_tables`], with the warnings.
#[must_use]
pub fn coalesce_tables_warned(destination: &Map, source: &Map) -> Coalesced {
    let table = Table::from_map(destination);
    let mut coalescer = Coalescer::default();
    coalescer.tables(&table, &Table::from_map(source), "", false);
    Coalesced { values: table.to_map(), warnings: coalescer.warnings }
}

/// Merges `source` into `destination`, which wins, and keeps every `null`.
#[must_use]
pub fn merge_tables(destination: Map, source: &Map) -> Map {
    let table = Table::from_map(&destination);
    Coalescer::default().tables(&table, &Table::from_map(source), "", true);
    table.to_map()
}

#[derive(Default)]
pub(super) struct Coalescer {
    pub(super) warnings: Vec<String>,
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

impl Coalescer {
    /// Gives the warnings that came before an error along with it.
    pub(super) fn warned(&mut self, error: CoalesceError) -> CoalesceError {
        CoalesceError { warnings: std::mem::take(&mut self.warnings), ..error }
    }

    fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }

    pub(super) fn chart<'v>(
        &mut self,
        chart: &'v Chart,
        dest: &Table<'v>,
        prefix: &str,
        merge: bool,
    ) -> Result<(), CoalesceError> {
        self.defaults(chart, dest, prefix, merge);
        self.subcharts(chart, dest, prefix, merge)
    }

    fn subcharts<'v>(
        &mut self,
        chart: &'v Chart,
        dest: &Table<'v>,
        prefix: &str,
        merge: bool,
    ) -> Result<(), CoalesceError> {
        for subchart in &chart.dependencies {
            let name = subchart.name();
            let table = match dest.get(name) {
                None => {
                    let table = Table::default();
                    dest.set(Cow::Borrowed(name), Node::Table(table.clone()));
                    table
                }
                Some(Node::Table(table)) => table,
                Some(other) => {
                    let found = display_bool(&other.to_value());
                    return Err(CoalesceError { chart: name.to_owned(), found, warnings: Vec::new() });
                }
            };
            let prefix = join(prefix, chart.name());
            self.globals(&table, dest, &prefix);
            self.chart(subchart, &table, &prefix, merge)?;
        }
        Ok(())
    }

    /// Hands the globals of `source` down to `dest`.
    fn globals<'v>(&mut self, dest: &Table<'v>, source: &Table<'v>, prefix: &str) {
        let mut table = |place: &Table<'v>, what: &str| match place.get(GLOBAL) {
            None => Some(Table::default()),
            Some(Node::Table(table)) => Some(table),
            Some(_) => {
                self.warn(format!("warning: skipping globals because {what} {GLOBAL} is not a table."));
                None
            }
        };
        let Some(into) = table(dest, "destination") else { return };
        let Some(from) = table(source, "source") else { return };
        for (key, node) in from.entries() {
            let present = into.get(&key);
            match (&node, present) {
                (Node::Table(table), None) => into.set(key, Node::Table(table.shallow_copy())),
                (Node::Table(table), Some(Node::Table(present))) => {
                    // The parent's globals win. The tables inside the copy are still the parent's own.
                    let copy = table.shallow_copy();
                    self.tables(&copy, &present, &join(prefix, &key), true);
                    into.set(key, Node::Table(copy));
                }
                (Node::Table(_), Some(_)) => {
                    self.warn(format!("Conflict: cannot merge map onto non-map for {}. Skipping.", quote(&key)));
                }
                (_, Some(Node::Table(_))) => self.warn(format!("key {key} is table. Skipping")),
                _ => into.set(key, node),
            }
        }
        dest.set(Cow::Borrowed(GLOBAL), Node::Table(into));
    }

    /// Puts the defaults of one chart under the values in `dest`.
    fn defaults<'v>(&mut self, chart: &'v Chart, dest: &Table<'v>, prefix: &str, merge: bool) {
        let prefix = join(prefix, chart.name());
        for (key, default) in Table::from_map(&chart.values).entries() {
            match (dest.get(&key), default) {
                (Some(Node::Null), _) if !merge => dest.remove(&key),
                (Some(Node::Table(table)), Node::Table(default)) => {
                    let keep_nulls = merge || chart.dependencies.iter().any(|sub| sub.name() == key);
                    if !keep_nulls {
                        default.drop_nulls();
                    }
                    self.tables(&table, &default, &join(&prefix, &key), keep_nulls);
                }
                (Some(Node::Table(_)), Node::Leaf(_)) => {
                    self.warn(format!("warning: skipped value for {prefix}.{key}: Not a table."));
                }
                (Some(_), _) => {}
                (None, Node::Null) if !merge => {}
                (None, default) => {
                    if !merge && let Node::Table(table) = &default {
                        table.drop_nulls();
                    }
                    dest.set(key, default);
                }
            }
        }
    }

    /// Merges one table into another, which wins.
    pub(super) fn tables<'v>(&mut self, dest: &Table<'v>, source: &Table<'v>, prefix: &str, merge: bool) {
        if dest.covers(source) {
            return;
        }
        // Whether a `null` of the destination meets a default decides if it removes the key or stays.
        let set: BTreeSet<Cow<'v, str>> =
            source.entries().into_iter().filter(|(_, node)| !node.is_null()).map(|(key, _)| key).collect();
        for (key, node) in dest.entries() {
            if node.is_null() {
                source.set(key, Node::Null);
            }
        }
        for (key, node) in source.entries() {
            match (dest.get(&key), node) {
                (Some(Node::Null), _) if !merge && set.contains(&key) => dest.remove(&key),
                (None, node) => dest.set(key, node),
                (Some(Node::Table(table)), Node::Table(node)) => {
                    self.tables(&table, &node, &join(prefix, &key), merge);
                }
                (Some(_), Node::Table(node)) => {
                    let (key, node) = (join(prefix, &key), display(&Value::Map(node.to_map())));
                    self.warn(format!("warning: cannot overwrite table with non table for {key} ({node})"));
                }
                (Some(Node::Table(_)), Node::Leaf(leaf)) => {
                    let (key, leaf) = (join(prefix, &key), display(leaf));
                    self.warn(format!("warning: destination for {key} is a table. Ignoring non-table value ({leaf})"));
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Metadata;

    fn map(json: &str) -> Map {
        serde_json::from_str(json).unwrap()
    }

    fn chart(name: &str, values: &str, dependencies: Vec<Chart>) -> Chart {
        let metadata = Metadata { name: name.into(), version: "1.0.0".into(), ..Metadata::default() };
        Chart { metadata, values: map(values), dependencies, ..Chart::default() }
    }

    #[test]
    fn given_values_win_and_null_removes() {
        let chart = chart("a", r#"{"x":1,"t":{"p":1,"q":2,"n":null},"gone":1,"n":null}"#, vec![]);
        let got =
            coalesce_values(&chart, &map(r#"{"t":{"q":null,"r":3,"new":null},"gone":null,"other":null}"#)).unwrap();
        assert_eq!(got.values, map(r#"{"x":1,"t":{"p":1,"r":3,"new":null},"other":null}"#));
        assert_eq!(got.warnings, Vec::<String>::new());
    }

    #[test]
    fn tables_and_scalars_do_not_mix() {
        let chart = chart("a", r#"{"x":{"deep":1},"y":1,"z":{"w":{"v":1}}}"#, vec![]);
        let got = coalesce_values(&chart, &map(r#"{"x":5,"y":{"p":1},"z":{"w":"s"}}"#)).unwrap();
        assert_eq!(got.values, map(r#"{"x":5,"y":{"p":1},"z":{"w":"s"}}"#));
        assert_eq!(
            got.warnings,
            [
                "warning: skipped value for a.y: Not a table.",
                "warning: cannot overwrite table with non table for a.z.w (map[v:1])"
            ]
        );
    }

    #[test]
    fn globals_reach_subcharts() {
        let sub = chart("sub", r#"{"own":1,"global":{"g":{"s":1}}}"#, vec![]);
        let parent = chart("a", r#"{"global":{"g":{"p":1},"n":2},"sub":{"own":2}}"#, vec![sub]);
        let got = coalesce_values(&parent, &Map::new()).unwrap();
        assert_eq!(
            got.values,
            map(r#"{"global":{"g":{"p":1},"n":2},"sub":{"own":2,"global":{"g":{"p":1,"s":1},"n":2}}}"#)
        );
    }

    #[test]
    fn a_subchart_needs_a_table() {
        let parent = chart("a", "{}", vec![chart("sub", "{}", vec![])]);
        let error = coalesce_values(&parent, &map(r#"{"sub":"x"}"#)).unwrap_err();
        assert_eq!(error.to_string(), "type mismatch on sub: %!t(string=x)");
    }
}
