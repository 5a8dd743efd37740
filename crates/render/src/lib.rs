//! Chart, values and capabilities become manifests, hooks, CRDs and notes.
//!
//! * [`functions`] has the template functions: Sprig's and Helm's own;
//! * [`Parsed`] is a chart whose templates are parsed: cached and shared; [`Parsed::render`] makes files of it;
//! * [`helm2`] renders as Tiller did;
//! * [`manifests`] takes the files apart: manifests in install order, hooks, notes, and what `helm template` prints.

mod ahead;
mod capabilities;
mod error;
pub mod functions;
mod go;
mod golang;
pub mod helm2;
mod host;
pub mod manifests;
mod name;
mod objects;
mod parse;
mod render;
mod threads;
mod values;

pub use ahead::Ahead;
pub use capabilities::{BuildInfo, Capabilities};
pub use error::{Position, RenderError};
pub use go::{Pattern, format_time};
pub use gotext::{Limit, Limits};
pub use host::{Lookup, Notice, Notices, Resolve};
pub use name::{template_name, template_name_within};
pub use render::{Files, Inputs, Parsed, Release, on_big_stack};
