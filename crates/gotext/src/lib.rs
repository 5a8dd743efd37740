//! Go's text/template and fmt, as a chart meets them.

mod error;
pub mod fmt;
mod function;
pub mod strconv;
mod types;
mod value;

pub use error::Error;
pub use function::{Body, Call, Function, Method, Templates};
pub use value::{Arena, GoType, Kind, List, Map, Object, Value};
