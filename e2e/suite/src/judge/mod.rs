//! The real control plane as the judge of what we do beside Helm, command by command.

mod api;
mod cell;
mod charts;
mod interop;
mod lane;
mod normal;
mod race;
mod verdict;

pub(crate) use api::Api;
pub use charts::{Charts, charts};
pub use interop::{Interop, interop};
pub use race::{Race, race};
