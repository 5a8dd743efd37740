//! Sets of field paths, and `FieldsV1`, their JSON form.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// One step of a path in its `FieldsV1` form: `f:name`, `k:{"name":"a"}`, `v:"x"` or `i:0`.
pub(crate) type Step = String;

/// The step to a field.
pub(crate) fn field(name: &str) -> Step {
    format!("f:{name}")
}

/// A set of paths. A path may be in the set without its parents, and the other way round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Set {
    members: BTreeSet<Step>,
    children: BTreeMap<Step, Set>,
}

impl Set {
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Set::is_empty)
    }

    pub(crate) fn insert(&mut self, path: &[Step]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    pub(crate) fn has(&self, path: &[Step]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|c| c.has(rest)),
        }
    }

    pub(crate) fn contains(&self, step: &str) -> bool {
        self.members.contains(step)
    }

    /// The part below a step, when there is one.
    pub(crate) fn below(&self, step: &str) -> Option<&Set> {
        self.children.get(step).filter(|c| !c.is_empty())
    }

    pub(crate) fn children(&self) -> impl Iterator<Item = (&Step, &Set)> {
        self.children.iter()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Step> {
        self.members.iter()
    }

    pub(crate) fn add_member(&mut self, step: &str) {
        self.members.insert(step.to_owned());
    }

    pub(crate) fn put_child(&mut self, step: &str, child: Set) {
        if !child.is_empty() {
            self.children.insert(step.to_owned(), child);
        }
    }

    pub(crate) fn union(&self, other: &Set) -> Set {
        let mut out = self.clone();
        out.members.extend(other.members.iter().cloned());
        for (step, child) in &other.children {
            let merged = out.children.get(step).map_or_else(|| child.clone(), |mine| mine.union(child));
            out.children.insert(step.clone(), merged);
        }
        out
    }

    pub(crate) fn intersection(&self, other: &Set) -> Set {
        let mut out = Set { members: self.members.intersection(&other.members).cloned().collect(), ..Set::default() };
        for (step, child) in &self.children {
            if let Some(theirs) = other.children.get(step) {
                out.put_child(step, child.intersection(theirs));
            }
        }
        out
    }

    /// The paths that are not in `other`.
    pub(crate) fn difference(&self, other: &Set) -> Set {
        let mut out = Set { members: self.members.difference(&other.members).cloned().collect(), ..Set::default() };
        for (step, child) in &self.children {
            let rest = other.children.get(step).map_or_else(|| child.clone(), |theirs| child.difference(theirs));
            out.put_child(step, rest);
        }
        out
    }

    /// The paths that are not in `other`, nor below a path in `other`.
    pub(crate) fn recursive_difference(&self, other: &Set) -> Set {
        let mut out = Set { members: self.members.difference(&other.members).cloned().collect(), ..Set::default() };
        for (step, child) in &self.children {
            if other.members.contains(step) {
                continue;
            }
            let rest =
                other.children.get(step).map_or_else(|| child.clone(), |theirs| child.recursive_difference(theirs));
            out.put_child(step, rest);
        }
        out
    }

    /// All paths, in order.
    pub(crate) fn paths(&self) -> Vec<Vec<Step>> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, path: &mut Vec<Step>, out: &mut Vec<Vec<Step>>) {
        for step in &self.members {
            let mut whole = path.clone();
            whole.push(step.clone());
            out.push(whole);
        }
        for (step, child) in &self.children {
            path.push(step.clone());
            child.collect(path, out);
            path.pop();
        }
    }

    /// The `FieldsV1` form.
    pub(crate) fn to_json(&self) -> Value {
        let mut out = Map::new();
        for step in &self.members {
            out.insert(step.clone(), Value::Object(Map::new()));
        }
        for (step, child) in &self.children {
            if child.is_empty() {
                continue;
            }
            let mut inner = child.to_json();
            if let (true, Some(map)) = (self.members.contains(step), inner.as_object_mut()) {
                map.insert(".".into(), Value::Object(Map::new()));
            }
            out.insert(step.clone(), inner);
        }
        Value::Object(out)
    }

    /// Reads the `FieldsV1` form.
    pub(crate) fn from_json(value: &Value) -> Set {
        let mut out = Set::default();
        for (step, inner) in value.as_object().into_iter().flatten() {
            if step == "." {
                continue;
            }
            let step = normal(step);
            let empty = inner.as_object().is_none_or(Map::is_empty);
            if empty || inner.get(".").is_some() {
                out.members.insert(step.clone());
            }
            out.put_child(&step, Set::from_json(inner));
        }
        out
    }
}

/// Keys and values in one spelling, whoever wrote them.
fn normal(step: &str) -> Step {
    for prefix in ["k:", "v:"] {
        if let Some(json) = step.strip_prefix(prefix)
            && let Ok(value) = serde_json::from_str::<Value>(json)
        {
            return format!("{prefix}{}", sorted(&value));
        }
    }
    step.to_owned()
}

/// JSON with sorted keys, whatever order the map keeps.
pub(crate) fn sorted(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let parts: BTreeMap<&String, String> = map.iter().map(|(k, v)| (k, sorted(v))).collect();
            let parts: Vec<String> =
                parts.into_iter().map(|(k, v)| format!("{}:{v}", Value::from(k.as_str()))).collect();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// A path as conflicts show it: `.spec.containers[name="a"].image`.
pub(crate) fn display(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        // Writing to a string cannot fail.
        let _ = write_step(&mut out, step);
    }
    out
}

fn write_step(out: &mut String, step: &str) -> fmt::Result {
    match step.split_at_checked(2) {
        Some(("f:", name)) => write!(out, ".{name}"),
        Some(("v:", value)) => write!(out, "[={value}]"),
        Some(("i:", index)) => write!(out, "[{index}]"),
        Some(("k:", json)) => {
            let keys: BTreeMap<String, Value> = serde_json::from_str(json).unwrap_or_default();
            let parts: Vec<String> = keys.iter().map(|(k, v)| format!("{k}={v}")).collect();
            write!(out, "[{}]", parts.join(","))
        }
        _ => out.write_str(step),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_v1_comes_back_as_it_went() {
        let json = json!({"f:spec": {"f:c": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}}}, "f:r": {}, "f:s": {"v:\"x\"": {}}}});
        let set = Set::from_json(&json);
        assert_eq!(set.to_json(), json);
        let paths: Vec<String> = set.paths().iter().map(|p| display(p)).collect();
        assert_eq!(paths, [".spec.r", ".spec.c[name=\"a\"]", ".spec.c[name=\"a\"].image", ".spec.s[=\"x\"]"]);
        assert!(set.difference(&set).is_empty());
        assert_eq!(set.intersection(&set), set);
    }
}
