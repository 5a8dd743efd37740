//! Go's text/template and fmt, as a chart meets them.

mod error;
mod function;
mod value;

pub use error::Error;
pub use function::{Body, Call, Function, Templates};
pub use value::{Arena, GoType, Kind, List, Map, Object, Value};
