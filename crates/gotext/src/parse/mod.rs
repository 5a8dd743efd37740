//! Text to templates, as Go 1.26's text/template/parse.

mod lex;
mod node;
mod number;
mod parser;

pub(crate) use node::{Branch, NONE, Node, Number, Pool, Run, Span, Tables, Tree, UNDEFINED};
pub(crate) use parser::parse;
