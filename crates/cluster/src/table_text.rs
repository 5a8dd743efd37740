//! Kubernetes' tables for a person (as Go's `k8s.io/cli-runtime/pkg/printers`, through which Helm prints them).

use serde_json::Value;

/// The narrowest that a column is, and what is left free behind its widest cell.
const LEAST: usize = 6;
const GAP: usize = 3;

/// Prints a table as kubectl does; the names of its columns are left out when they are those of the table before, which `last` keeps.
pub fn table_text(object: &Value, last: &mut Value) -> String {
    let list = |key: &str| object.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (columns, rows) = (list("columnDefinitions"), list("rows"));
    if object.get("kind").and_then(Value::as_str) != Some("Table") || rows.is_empty() {
        return String::new();
    }
    let shown: Vec<bool> =
        columns.iter().map(|column| column.get("priority").and_then(Value::as_i64).unwrap_or(0) == 0).collect();
    let is_same = object.get("columnDefinitions") == Some(last);
    *last = Value::Array(columns.to_vec());
    let mut lines: Vec<Vec<String>> = Vec::new();
    if !is_same {
        let name = |column: &Value| column.get("name").and_then(Value::as_str).unwrap_or_default().to_uppercase();
        lines.push(columns.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(column, _)| name(column)).collect());
    }
    for row in rows {
        let cells = row.get("cells").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        lines.push(cells.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(cell, _)| text(cell)).collect());
    }
    aligned(&lines)
}

fn text(cell: &Value) -> String {
    let text = match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.split_once(['\n', '\r', '\u{c}']) {
        Some((first, _)) => format!("{first}..."),
        None => text,
    }
}

/// Lines with their cells one below the other (as Go's `text/tabwriter`); the last cell of a line is not filled up.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |at: usize| lines.iter().filter_map(move |line| line.get(at)).map(|cell| cell.chars().count() + GAP);
    let widths: Vec<usize> = (0..columns).map(|at| wide(at).max().unwrap_or(0).max(LEAST)).collect();
    let mut text = String::new();
    for line in lines {
        for (at, cell) in line.iter().enumerate() {
            match widths.get(at) {
                Some(width) if at + 1 < line.len() => text.push_str(&format!("{cell:width$}")),
                _ => text.push_str(cell),
            }
        }
        text.push('\n');
    }
    text
}
