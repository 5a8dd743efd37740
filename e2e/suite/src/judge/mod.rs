//! The real control plane as the judge of what we do beside Helm, command by command.

mod api;
mod charts;
mod lane;
mod normal;
mod verdict;

pub use charts::{Charts, charts};
