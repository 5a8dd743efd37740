//! The parser behind all forms of `--set`.

use goyaml::{Map, Value};

use super::{MAX_DEPTH, MAX_INDEX, MAX_ITEMS, MAX_NESTED_NAME_LEVEL, SetError, json};
use crate::text::{quote, quote_rune, type_name};

/// What stands after `=`.
pub(super) enum Values<'a> {
    Typed,
    Text,
    Json,
    /// Everything up to the end.
    Literal,
    /// A path, which the function reads.
    File(&'a mut dyn FnMut(&str) -> Result<Value, String>),
}

/// Why the parser stopped. In Go the end of the text is an error that stays recognisable inside others, and ends the
/// whole parse without one.
enum Stop {
    End,
    Fail(String),
    /// A value is of another type than the path wants; Go panics, and the nearest name catches it.
    Panic(String),
}

type Outcome<T> = Result<T, Stop>;

pub(super) struct Parser<'a> {
    rest: &'a str,
    values: Values<'a>,
    depth: usize,
    /// How many items lists may still grow by.
    pub(super) items: usize,
}

fn fail<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Stop::Fail(text.into()))
}

impl<'a> Parser<'a> {
    pub(super) fn new(expression: &'a str, values: Values<'a>) -> Self {
        Self { rest: expression, values, depth: 0, items: MAX_ITEMS }
    }

    pub(super) fn parse(&mut self, into: &mut Map) -> Result<(), SetError> {
        loop {
            match self.key(into, 0) {
                Ok(()) => {}
                Err(Stop::End) => return Ok(()),
                Err(Stop::Fail(text) | Stop::Panic(text)) => return Err(SetError(text)),
            }
        }
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        Some(c)
    }

    /// Takes what is before one of the marks, and the mark; `None` at the end. A backslash takes a mark's meaning away.
    fn until(&mut self, marks: &[char]) -> (String, Option<char>) {
        let mut taken = String::new();
        while let Some(c) = self.next() {
            if marks.contains(&c) {
                return (taken, Some(c));
            }
            if c == '\\' && !matches!(self.values, Values::Literal) {
                match self.next() {
                    Some(next) => taken.push(next),
                    None => return (taken, None),
                }
            } else {
                taken.push(c);
            }
        }
        (taken, None)
    }

    fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= MAX_DEPTH {
            return fail(format!("value path is deeper than maximum supported depth of {MAX_DEPTH}"));
        }
        self.depth += 1;
        let outcome = run(self);
        self.depth -= 1;
        outcome
    }

    /// Reads one name and what follows it.
    fn key(&mut self, data: &mut Map, level: usize) -> Outcome<()> {
        match self.deeper(|p| p.key_inner(data, level)) {
            Err(Stop::Panic(text)) => fail(format!("unable to parse key: {text}")),
            other => other,
        }
    }

    fn key_inner(&mut self, data: &mut Map, level: usize) -> Outcome<()> {
        let marks: &[char] =
            if matches!(self.values, Values::Literal) { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, mark) = self.until(marks);
        match mark {
            None if key.is_empty() => Err(Stop::End),
            None => fail(format!("key {} has no value", quote(&key))),
            Some('[') => {
                let index = self.index()?;
                let mut fresh = Vec::new();
                let list = match data.get_mut(&key) {
                    None => &mut fresh,
                    Some(Value::Seq(list)) => list,
                    Some(other) => return Err(not_a(other, "[]interface {}")),
                };
                match self.list_item(list, index, level) {
                    Err(Stop::Panic(text)) => Err(Stop::Panic(text)),
                    outcome => {
                        if !data.contains_key(&key) {
                            set(data, key, Value::Seq(fresh));
                        }
                        outcome
                    }
                }
            }
            Some('=') => {
                let (value, outcome) = self.value()?;
                if let Some(value) = value {
                    set(data, key, value);
                }
                outcome
            }
            Some(',') => {
                let text = format!("key {} has no value (cannot end with ,)", quote(&key));
                set(data, key, Value::Str(String::new()));
                fail(text)
            }
            Some(_) => {
                let level = level + 1;
                if level > MAX_NESTED_NAME_LEVEL {
                    return fail(format!(
                        "value name nested level is greater than maximum supported nested level of {MAX_NESTED_NAME_LEVEL}"
                    ));
                }
                let mut fresh = Map::new();
                let inner = match data.get_mut(&key) {
                    None => &mut fresh,
                    Some(Value::Map(inner)) => inner,
                    Some(other) => return Err(not_a(other, "map[string]interface {}")),
                };
                let outcome = self.key(inner, level);
                if outcome.is_ok() && inner.is_empty() {
                    return fail(format!("key map {} has no value", quote(&key)));
                }
                if !fresh.is_empty() {
                    set(data, key, Value::Map(fresh));
                }
                outcome
            }
        }
    }

    /// Reads what follows `=`: the value to set, if any, and how the parse goes on.
    fn value(&mut self) -> Outcome<(Option<Value>, Outcome<()>)> {
        if matches!(self.values, Values::Literal) {
            let text = std::mem::take(&mut self.rest);
            return Ok((Some(Value::Str(text.to_owned())), Ok(())));
        }
        if matches!(self.values, Values::Json) {
            if self.empty() {
                return Ok((Some(Value::Null), Ok(())));
            }
            let (value, len) = json::take(self.rest).map_err(Stop::Fail)?;
            self.rest = self.rest.get(len..).unwrap_or_default();
            self.empty();
            return Ok((Some(value), Ok(())));
        }
        match self.rest.strip_prefix('{') {
            None if self.rest.is_empty() => Ok((Some(Value::Str(String::new())), Err(Stop::End))),
            None => {
                let (text, _) = self.until(&[',']);
                Ok(match self.convert(text) {
                    Ok(value) => (Some(value), Ok(())),
                    Err(stop) => (Some(Value::Null), Err(stop)),
                })
            }
            Some(rest) => {
                self.rest = rest;
                Ok((Some(Value::Seq(self.list()?)), Ok(())))
            }
        }
    }

    /// Reads a list after its opening brace.
    fn list(&mut self) -> Outcome<Vec<Value>> {
        let mut list = Vec::new();
        loop {
            let (text, mark) = self.until(&[',', '}']);
            match mark {
                None => return fail("list must terminate with '}'"),
                Some('}') => {
                    self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                    list.push(self.convert(text)?);
                    return Ok(list);
                }
                Some(_) => list.push(self.convert(text)?),
            }
        }
    }

    fn convert(&mut self, text: String) -> Outcome<Value> {
        match &mut self.values {
            Values::Typed => Ok(typed(text)),
            Values::File(read) => read(&text).map_err(Stop::Fail),
            _ => Ok(Value::Str(text)),
        }
    }

    /// Takes spaces, and the comma or the end behind them; tells whether it found one of these.
    fn empty(&mut self) -> bool {
        loop {
            let before = self.rest;
            match self.next() {
                None | Some(',') => return true,
                Some(c) if c.is_whitespace() => {}
                Some(_) => {
                    self.rest = before;
                    return false;
                }
            }
        }
    }

    fn index(&mut self) -> Outcome<i64> {
        let (text, mark) = self.until(&[']']);
        if mark.is_none() {
            return Err(Stop::End);
        }
        atoi(&text)
            .or_else(|problem| fail(format!("error parsing index: strconv.Atoi: parsing {}: {problem}", quote(&text))))
    }

    /// Reads what follows an index, and sets the item.
    fn list_item(&mut self, list: &mut Vec<Value>, index: i64, level: usize) -> Outcome<()> {
        self.deeper(|p| p.list_item_inner(list, index, level))
    }

    fn list_item_inner(&mut self, list: &mut Vec<Value>, index: i64, level: usize) -> Outcome<()> {
        let Ok(at) = usize::try_from(index) else { return fail(format!("negative {index} index not allowed")) };
        let (text, mark) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            let quoted: Vec<_> = text.chars().map(quote_rune).collect();
            return fail(format!("unexpected data at end of array index: [{}]", quoted.join(" ")));
        }
        match mark {
            None => Err(Stop::End),
            Some('=') => {
                let (value, outcome) = self.value()?;
                match outcome {
                    // The end of the text is an empty string here, and no end.
                    Ok(()) | Err(Stop::End) => self.set_index(list, at, value.unwrap_or_default()),
                    stop => stop,
                }
            }
            Some('[') => {
                let next = self.index()?;
                let mut fresh = Vec::new();
                let inner = match list.get_mut(at) {
                    None | Some(Value::Null) => &mut fresh,
                    Some(Value::Seq(inner)) => inner,
                    Some(other) => return Err(not_a(other, "[]interface {}")),
                };
                self.list_item(inner, next, level)?;
                match list.get(at) {
                    Some(Value::Seq(_)) => Ok(()),
                    _ => self.set_index(list, at, Value::Seq(fresh)),
                }
            }
            Some(_) => {
                let mut fresh = Map::new();
                let inner = match list.get_mut(at) {
                    None => &mut fresh,
                    Some(item) => {
                        if !matches!(item, Value::Map(_)) {
                            *item = Value::Map(Map::new());
                        }
                        match item {
                            Value::Map(inner) => inner,
                            _ => &mut fresh,
                        }
                    }
                };
                self.key(inner, level)?;
                match list.get(at) {
                    Some(Value::Map(_)) => Ok(()),
                    _ => self.set_index(list, at, Value::Map(fresh)),
                }
            }
        }
    }

    fn set_index(&mut self, list: &mut Vec<Value>, at: usize, value: Value) -> Outcome<()> {
        if at > MAX_INDEX {
            return fail(format!("index of {at} is greater than maximum supported index of {MAX_INDEX}"));
        }
        if at >= list.len() {
            let grown = at + 1 - list.len();
            match self.items.checked_sub(grown) {
                Some(left) => self.items = left,
                None => return fail(format!("lists grow by more than the maximum of {MAX_ITEMS} items together")),
            }
            list.resize(at + 1, Value::Null);
        }
        if let Some(item) = list.get_mut(at) {
            *item = value;
        }
        Ok(())
    }
}

/// What Go says when a value is asserted to be of a type that it is not of.
fn not_a(value: &Value, wanted: &str) -> Stop {
    let found = if value.is_null() { "nil" } else { type_name(value) };
    Stop::Panic(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
}

/// Sets a key; an empty one is not set.
fn set(data: &mut Map, key: String, value: Value) {
    if !key.is_empty() {
        data.insert(key, value);
    }
}

/// Makes a boolean, `null` or an integer of a word that looks like one.
fn typed(text: String) -> Value {
    // Go's comparison without case takes a long s for an s.
    let folded = text.to_ascii_lowercase().replace('ſ', "s");
    match folded.as_str() {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        "null" => return Value::Null,
        "0" => return Value::Int(0),
        _ => {}
    }
    if !text.starts_with('0')
        && let Ok(number) = text.parse::<i64>()
    {
        return Value::Int(number);
    }
    Value::Str(text)
}

/// Reads an integer as Go's `strconv.Atoi`, which sees an overflow only when no bad character came before.
fn atoi(text: &str) -> Result<i64, &'static str> {
    const SYNTAX: &str = "invalid syntax";
    const RANGE: &str = "value out of range";
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() {
        return Err(SYNTAX);
    }
    let mut number = 0_u64;
    for b in digits.bytes() {
        if !b.is_ascii_digit() {
            return Err(SYNTAX);
        }
        number = number.checked_mul(10).and_then(|n| n.checked_add(u64::from(b - b'0'))).ok_or(RANGE)?;
    }
    let signed = if negative { 0_i64.checked_sub_unsigned(number) } else { i64::try_from(number).ok() };
    signed.ok_or(RANGE)
}
