//! The language of `--set` and its kin (as Helm 4.3: `pkg/strvals`).

mod json;
mod parser;

use goyaml::{Map, Value};

use parser::{Parser, Values};

/// The highest index that a list may get.
pub const MAX_INDEX: usize = 65_536;
/// How many names may follow each other with dots.
pub const MAX_NESTED_NAME_LEVEL: usize = 30;
/// How deep names and indices together may go; Helm has no such limit and grows its stack.
const MAX_DEPTH: usize = 250;
/// How many items all lists of one expression may grow by, so that a short text cannot take all memory.
const MAX_ITEMS: usize = 1 << 20;

/// What is wrong with an expression, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetError(pub String);

/// Puts `a.b=1,c={x,y}` into values; words that look like numbers, booleans or `null` become such (`--set`).
///
/// # Errors
/// When the expression cannot be read; what came before the error is in `into` already.
pub fn parse_into(expression: &str, into: &mut Map) -> Result<(), SetError> {
    Parser::new(expression, Values::Typed).parse(into)
}

/// Puts `a.b=1` into values, every value as a string (`--set-string`).
///
/// # Errors
/// As [`parse_into`].
pub fn parse_into_string(expression: &str, into: &mut Map) -> Result<(), SetError> {
    Parser::new(expression, Values::Text).parse(into)
}

/// Puts `a.b={"json":true},c=[1]` into values (`--set-json`, unless it is one whole object).
///
/// # Errors
/// As [`parse_into`].
pub fn parse_json(expression: &str, into: &mut Map) -> Result<(), SetError> {
    Parser::new(expression, Values::Json).parse(into)
}

/// Puts `a.b=text` into values, the rest of the expression being one string (`--set-literal`).
///
/// # Errors
/// As [`parse_into`].
pub fn parse_literal_into(expression: &str, into: &mut Map) -> Result<(), SetError> {
    Parser::new(expression, Values::Literal).parse(into)
}

/// Puts `a.b=path` into values, where `read` gives the value for each path (`--set-file`).
///
/// # Errors
/// As [`parse_into`], and what `read` says.
pub fn parse_into_file(
    expression: &str,
    into: &mut Map,
    read: &mut dyn FnMut(&str) -> Result<Value, String>,
) -> Result<(), SetError> {
    Parser::new(expression, Values::File(read)).parse(into)
}

#[cfg(test)]
mod tests;
