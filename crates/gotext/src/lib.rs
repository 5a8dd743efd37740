//! Go's text/template, fmt, strconv and regexp, as a chart meets them.
//!
//! A [`Set`] is parsed once and shared; a [`Runtime`] executes its templates over values of an [`Arena`].

mod error;
mod exec;
pub mod fmt;
mod function;
mod functions;
mod hash;
mod parse;
pub mod regexp;
mod room;
mod set;
mod stack;
pub mod strconv;
mod types;
mod value;

pub use error::{Error, ErrorKind, Limit, Place};
pub use exec::{Limits, MissingKey, Options, Runtime};
pub use function::{Body, Call, Function, Method, Templates};
pub use functions::Functions;
pub use room::Room;
pub use set::{Set, Source};
pub use stack::{BIG_STACK, spawn_on_big_stack, with_big_stack, with_big_stacks, with_stack};
pub use value::{Arena, GoType, Kind, List, Map, Object, Value};
