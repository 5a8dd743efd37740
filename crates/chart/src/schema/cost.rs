//! How much work a schema makes of some values, found out before the work is done.
//!
//! A short schema can refer to itself so often that checking takes for ever, or so deep that the stack ends. This walks
//! the same pairs of schema and value, each only once, and counts how often the checker would come by.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// The deepest nesting of pairs that is checked at all.
const MAX_DEPTH: usize = 4_000;
/// The most visits of a pair.
const MAX_COST: u64 = 20_000_000;
/// The most different pairs.
const MAX_PAIRS: usize = 2_000_000;

/// Keywords whose value is a schema for the same value.
const SAME: [&str; 4] = ["not", "if", "then", "else"];
/// Keywords whose value is a list of schemas for the same value.
const SAME_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords whose value is a table of schemas for the same value.
const SAME_TABLES: [&str; 2] = ["dependentSchemas", "dependencies"];
/// Keywords whose value is a reference to a schema for the same value.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];
/// Keywords whose value is a schema for any of the values inside.
const INSIDE: [&str; 8] = [
    "additionalProperties",
    "additionalItems",
    "items",
    "contains",
    "unevaluatedProperties",
    "unevaluatedItems",
    "propertyNames",
    "contentSchema",
];

/// Estimates the work.
///
/// # Errors
/// When checking would go too deep or take too long.
pub(super) fn check(schema: &Value, values: &Value) -> Result<(), String> {
    let mut resources = Vec::new();
    find_resources(schema, &mut resources);
    let mut walk = Walk { schema, resources, pairs: HashMap::new(), depth: 0 };
    if walk.pair(schema, values)? > MAX_COST { Err(too_much()) } else { Ok(()) }
}

fn too_much() -> String {
    "checking the values would take too long, since the schema refers to itself too often".to_owned()
}

/// Lists the schemas with an identity of their own, which references may start from.
fn find_resources<'a>(schema: &'a Value, into: &mut Vec<&'a Value>) {
    match schema {
        Value::Object(map) => {
            if ["$id", "id"].iter().any(|key| map.get(*key).is_some_and(Value::is_string)) {
                into.push(schema);
            }
            map.values().for_each(|v| find_resources(v, into));
        }
        Value::Array(items) => items.iter().for_each(|v| find_resources(v, into)),
        _ => {}
    }
}

struct Walk<'a> {
    schema: &'a Value,
    resources: Vec<&'a Value>,
    /// What a pair costs; `None` while it is being walked.
    pairs: HashMap<(*const Value, *const Value), Option<u64>>,
    depth: usize,
}

impl<'a> Walk<'a> {
    fn pair(&mut self, schema: &'a Value, value: &'a Value) -> Result<u64, String> {
        let Value::Object(map) = schema else { return Ok(1) };
        let key = (std::ptr::from_ref(schema), std::ptr::from_ref(value));
        match self.pairs.get(&key) {
            Some(Some(cost)) => return Ok(*cost),
            // The checker notices the cycle too.
            Some(None) => return Ok(1),
            None => {}
        }
        if self.pairs.len() >= MAX_PAIRS {
            return Err(too_much());
        }
        if self.depth >= MAX_DEPTH {
            return Err("the schema and the values are nested too deeply to be checked".to_owned());
        }
        self.pairs.insert(key, None);
        self.depth += 1;
        let cost = self.cost(map, value)?;
        self.depth -= 1;
        self.pairs.insert(key, Some(cost));
        Ok(cost)
    }

    fn cost(&mut self, map: &'a Map<String, Value>, value: &'a Value) -> Result<u64, String> {
        let mut cost = 1_u64;
        for (keyword, argument) in map {
            let keyword = keyword.as_str();
            match argument {
                _ if SAME.contains(&keyword) => cost = cost.saturating_add(self.pair(argument, value)?),
                Value::Array(list) if SAME_LISTS.contains(&keyword) => {
                    for schema in list {
                        cost = cost.saturating_add(self.pair(schema, value)?);
                    }
                }
                Value::Object(table) if SAME_TABLES.contains(&keyword) => {
                    for schema in table.values() {
                        cost = cost.saturating_add(self.pair(schema, value)?);
                    }
                }
                Value::String(reference) if REFERENCES.contains(&keyword) => {
                    for schema in self.targets(reference) {
                        cost = cost.saturating_add(self.pair(schema, value)?);
                    }
                }
                Value::Object(table) if keyword == "properties" => {
                    let Value::Object(values) = value else { continue };
                    for (name, schema) in table {
                        if let Some(value) = values.get(name) {
                            cost = cost.saturating_add(self.pair(schema, value)?);
                        }
                    }
                }
                Value::Object(table) if keyword == "patternProperties" => {
                    for schema in table.values() {
                        cost = cost.saturating_add(self.inside(schema, value)?);
                    }
                }
                Value::Array(list) if matches!(keyword, "items" | "prefixItems") => {
                    let Value::Array(values) = value else { continue };
                    for (schema, value) in list.iter().zip(values) {
                        cost = cost.saturating_add(self.pair(schema, value)?);
                    }
                }
                _ if INSIDE.contains(&keyword) => cost = cost.saturating_add(self.inside(argument, value)?),
                _ => {}
            }
        }
        Ok(cost)
    }

    /// Adds up what a schema costs for all values inside a value.
    fn inside(&mut self, schema: &'a Value, value: &'a Value) -> Result<u64, String> {
        let mut cost = 0_u64;
        match value {
            Value::Object(map) => {
                for value in map.values() {
                    cost = cost.saturating_add(self.pair(schema, value)?);
                }
            }
            Value::Array(items) => {
                for value in items {
                    cost = cost.saturating_add(self.pair(schema, value)?);
                }
            }
            _ => {}
        }
        Ok(cost)
    }

    /// Gives the schemas that a reference may mean. It is not worked out which of several it is.
    fn targets(&self, reference: &str) -> Vec<&'a Value> {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let fragment = unescape(fragment);
        let mut found = Vec::new();
        for root in std::iter::once(&self.schema).chain(&self.resources) {
            let named = ["$id", "id"]
                .iter()
                .filter_map(|key| root.get(key)?.as_str())
                .any(|id| id.trim_end_matches('#').rsplit('/').next() == base.rsplit('/').next());
            if !base.is_empty() && !named && !base.ends_with("values.schema.json") {
                continue;
            }
            if fragment.is_empty() || fragment.starts_with('/') {
                found.extend(root.pointer(&fragment));
            } else {
                find_anchors(root, &fragment, &mut found);
            }
        }
        found
    }
}

/// Takes `%XX` out of a fragment.
pub(super) fn unescape(fragment: &str) -> String {
    if !fragment.contains('%') {
        return fragment.to_owned();
    }
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((&b, after)) = rest.split_first() {
        rest = after;
        if b == b'%'
            && let Some((hex, left)) = after.split_at_checked(2)
            && let Ok(decoded) = u8::from_str_radix(&String::from_utf8_lossy(hex), 16)
        {
            bytes.push(decoded);
            rest = left;
            continue;
        }
        bytes.push(b);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn find_anchors<'a>(schema: &'a Value, anchor: &str, found: &mut Vec<&'a Value>) {
    match schema {
        Value::Object(map) => {
            let is = |key: &str| map.get(key).and_then(Value::as_str);
            if is("$anchor") == Some(anchor)
                || is("$dynamicAnchor") == Some(anchor)
                || ["$id", "id"].iter().any(|key| is(key).and_then(|id| id.strip_prefix('#')) == Some(anchor))
            {
                found.push(schema);
            }
            map.values().for_each(|v| find_anchors(v, anchor, found));
        }
        Value::Array(items) => items.iter().for_each(|v| find_anchors(v, anchor, found)),
        _ => {}
    }
}
