//! Executing templates (as client-go: `util/jsonpath/jsonpath.go`).

use std::cmp::Ordering;

use goyaml::Value;

use super::{Bound, Node};

/// A part was not found, or is not what a template takes it for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotFound;

/// What an action has come to; `None` stands for nothing at all, as in a range over nothing.
type Found = Vec<Option<Value>>;

struct State<'a> {
    nodes: &'a [Node],
    begin: usize,
    inside: usize,
    end: usize,
    last_end: Option<usize>,
}

pub(super) fn execute(nodes: &[Node], data: &Value, out: &mut Vec<u8>) -> Result<(), NotFound> {
    let mut state = State { nodes, begin: 0, inside: 0, end: 0, last_end: None };
    for results in state.find(0, Some(data.clone()))? {
        for (at, value) in results.iter().enumerate() {
            if at > 0 {
                out.push(b' ');
            }
            let value = value.as_ref().ok_or(NotFound)?;
            out.extend(printed(value)?.as_bytes());
        }
    }
    Ok(())
}

fn printed(value: &Value) -> Result<String, NotFound> {
    Ok(match value {
        Value::Map(_) | Value::Seq(_) => goyaml::to_json(value).map_err(|_| NotFound)?,
        Value::Null => "null".to_owned(),
        value => chart::text::display(value),
    })
}

impl State<'_> {
    fn find(&mut self, from: usize, data: Option<Value>) -> Result<Vec<Found>, NotFound> {
        let mut full = Vec::new();
        let current = vec![data];
        let mut at = from;
        while let Some(node) = self.nodes.get(at) {
            let results = self.walk(current.clone(), node)?;
            if self.end > 0 && self.end <= self.inside {
                self.end -= 1;
                self.last_end = Some(at);
                break;
            }
            if self.begin > 0 {
                self.begin -= 1;
                self.inside += 1;
                if results.is_empty() {
                    // What lies in the range is still gone through, to find its end.
                    self.find(at + 1, None)?;
                }
                for value in results {
                    full.extend(self.find(at + 1, value)?);
                }
                self.inside -= 1;
                at = self.last_end.filter(|end| *end > at).unwrap_or(at);
            } else {
                full.push(results);
            }
            at += 1;
        }
        Ok(full)
    }

    fn walk(&mut self, input: Found, node: &Node) -> Result<Found, NotFound> {
        Ok(match node {
            Node::List(nodes) => {
                let mut current = input;
                for node in nodes {
                    current = self.walk(current, node)?;
                }
                current
            }
            Node::Text(text) => vec![Some(Value::Str(text.clone()))],
            Node::Literal(value) => input.iter().map(|_| Some(value.clone())).collect(),
            Node::Word(word) => match word.as_str() {
                "range" => {
                    self.begin += 1;
                    input
                }
                "end" if self.inside > 0 => {
                    self.end += 1;
                    Vec::new()
                }
                _ => return Err(NotFound),
            },
            Node::Field(name) => {
                if input.is_empty() {
                    return Ok(input);
                }
                let of = |value: &Option<Value>| Some(Some(value.as_ref()?.get(name)?.clone()));
                let found: Found = input.iter().filter_map(of).collect();
                if found.is_empty() { return Err(NotFound) } else { found }
            }
            Node::Wildcard => input.iter().flat_map(children).map(Some).collect(),
            Node::Recursive => recursive(&input),
            Node::Array(bounds) => {
                let mut found = Vec::new();
                for value in input {
                    match value {
                        Some(Value::Null) => {}
                        Some(Value::Seq(items)) => found.extend(slice(&items, *bounds)?.into_iter().map(Some)),
                        _ => return Err(NotFound),
                    }
                }
                found
            }
            Node::Union(nodes) => {
                let mut found = Vec::new();
                for node in nodes {
                    found.extend(self.walk(input.clone(), node)?);
                }
                found
            }
            Node::Filter(left, operator, right) => {
                let mut found = Vec::new();
                for value in input {
                    let Some(Value::Seq(items)) = value else { return Err(NotFound) };
                    for item in items {
                        if self.passes(&item, left, operator, right)? {
                            found.push(Some(item));
                        }
                    }
                }
                found
            }
        })
    }

    fn passes(&mut self, item: &Value, left: &Node, operator: &str, right: &Node) -> Result<bool, NotFound> {
        let lefts = self.walk(vec![Some(item.clone())], left);
        if operator == "exists" {
            return Ok(lefts.is_ok_and(|lefts| !lefts.is_empty()));
        }
        let lefts = lefts?;
        if lefts.is_empty() {
            return Ok(false);
        }
        let rights = if lefts.len() == 1 { self.walk(vec![Some(item.clone())], right)? } else { return Err(NotFound) };
        let (left, right) = match (lefts.as_slice(), rights.as_slice()) {
            (_, []) => return Ok(false),
            ([Some(left)], [Some(right)]) => (left, right),
            _ => return Err(NotFound),
        };
        compares(left, operator, right)
    }
}

/// Compares as Go's templates do: only what is of the same kind.
fn compares(left: &Value, operator: &str, right: &Value) -> Result<bool, NotFound> {
    let order = match (left, right) {
        (Value::Str(a), Value::Str(b)) => a.as_bytes().partial_cmp(b.as_bytes()),
        (Value::Int(a), Value::Int(b)) => a.partial_cmp(b),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Bool(a), Value::Bool(b)) if matches!(operator, "==" | "!=") => a.partial_cmp(b),
        _ => return Err(NotFound),
    };
    match operator {
        "==" => Ok(order == Some(Ordering::Equal)),
        "!=" => Ok(order != Some(Ordering::Equal)),
        "<" => Ok(order == Some(Ordering::Less)),
        "<=" => Ok(matches!(order, Some(Ordering::Less | Ordering::Equal))),
        ">" => Ok(!matches!(order, Some(Ordering::Less | Ordering::Equal))),
        ">=" => Ok(order != Some(Ordering::Less)),
        _ => Err(NotFound),
    }
}

/// What lies directly in a value.
fn children(value: &Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Map(map)) => map.values().cloned().collect(),
        Some(Value::Seq(items)) => items.clone(),
        Some(Value::Str(text)) => text.bytes().map(|byte| Value::Int(byte.into())).collect(),
        _ => Vec::new(),
    }
}

/// The values in which something lies, from the outside to the inside.
fn recursive(input: &[Option<Value>]) -> Found {
    let mut found = Vec::new();
    for value in input {
        let inside: Found = children(value).into_iter().map(Some).collect();
        if !inside.is_empty() {
            found.push(value.clone());
            found.extend(recursive(&inside));
        }
    }
    found
}

fn slice(items: &[Value], [mut from, mut to, step]: [Bound; 3]) -> Result<Vec<Value>, NotFound> {
    let length = i64::try_from(items.len()).map_err(|_| NotFound)?;
    if !from.known {
        from.value = 0;
    }
    if from.value < 0 {
        from.value += length;
    }
    if !to.known {
        to.value = length;
    }
    if to.value < 0 || (to.value == 0 && to.derived) {
        to.value += length;
    }
    if to.value == from.value {
        return Ok(Vec::new());
    }
    if from.value >= length || from.value < 0 || to.value > length || to.value < 0 || from.value > to.value {
        return Err(NotFound);
    }
    let step = match step.known {
        true if step.value <= 0 => return Err(NotFound),
        true => usize::try_from(step.value).map_err(|_| NotFound)?,
        false => 1,
    };
    let index = |bound: Bound| usize::try_from(bound.value).map_err(|_| NotFound);
    Ok(items.get(index(from)?..index(to)?).unwrap_or_default().iter().step_by(step).cloned().collect())
}
