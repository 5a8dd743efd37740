//! Pieces of Go's standard library, and of libraries Sprig stands on, that the functions behave like.

pub(crate) mod base;
pub(crate) mod cast;
pub(crate) mod decimal;
pub(crate) mod deep;
pub(crate) mod glob;
pub(crate) mod path;
pub(crate) mod time;
pub(crate) mod toml;
pub(crate) mod unicode;
pub(crate) mod url;
pub(crate) mod words;
