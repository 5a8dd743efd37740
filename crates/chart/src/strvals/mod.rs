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

/// How much lists may still grow, for expressions that have to share it: each alone is short, and there may be many.
#[derive(Clone, Debug)]
pub struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(MAX_ITEMS)
    }
}

impl Room {
    /// Does what [`parse_into`] does.
    ///
    /// # Errors
    /// As [`parse_into`].
    pub fn parse_into(&mut self, expression: &str, into: &mut Map) -> Result<(), SetError> {
        self.parse(expression, Values::Typed, into)
    }

    /// Does what [`parse_into_string`] does.
    ///
    /// # Errors
    /// As [`parse_into`].
    pub fn parse_into_string(&mut self, expression: &str, into: &mut Map) -> Result<(), SetError> {
        self.parse(expression, Values::Text, into)
    }

    /// Does what [`parse_json`] does.
    ///
    /// # Errors
    /// As [`parse_into`].
    pub fn parse_json(&mut self, expression: &str, into: &mut Map) -> Result<(), SetError> {
        self.parse(expression, Values::Json, into)
    }

    /// Does what [`parse_literal_into`] does.
    ///
    /// # Errors
    /// As [`parse_into`].
    pub fn parse_literal_into(&mut self, expression: &str, into: &mut Map) -> Result<(), SetError> {
        self.parse(expression, Values::Literal, into)
    }

    /// Does what [`parse_into_file`] does.
    ///
    /// # Errors
    /// As [`parse_into_file`].
    pub fn parse_into_file(
        &mut self,
        expression: &str,
        into: &mut Map,
        read: &mut dyn FnMut(&str) -> Result<Value, String>,
    ) -> Result<(), SetError> {
        self.parse(expression, Values::File(read), into)
    }

    fn parse<'a>(&mut self, expression: &'a str, values: Values<'a>, into: &mut Map) -> Result<(), SetError> {
        let mut parser = Parser::new(expression, values);
        parser.items = self.0;
        let done = parser.parse(into);
        self.0 = parser.items;
        done
    }
}

#[cfg(test)]
mod tests;
