//! The real control plane as the judge of what we do beside Helm, command by command.

mod api;
mod cell;
mod charts;
mod interop;
mod lane;
mod lists;
mod normal;
mod race;
mod verdict;

pub(crate) use api::Api;
pub(crate) use cell::{Cell, Tool};
pub(crate) use charts::sample;
pub use charts::{Charts, charts};
pub use interop::{Interop, interop};
pub(crate) use interop::{Judge, cells, name};
pub use lists::{Lists, lists};
pub(crate) use race::{Course, PAIRS};
pub use race::{Race, race};
