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

use std::path::Path;

use anyhow::Result;

use crate::fixture::{self, Fixtures};
use crate::process;

pub(crate) use api::Api;
pub(crate) use cell::{Cell, Tool};
pub(crate) use charts::sample;
pub use charts::{Charts, charts};
pub use interop::{Interop, interop};
pub(crate) use interop::{Judge, cells, name};
pub use lists::{Lists, lists};
pub(crate) use race::{Course, PAIRS};
pub use race::{Race, race};

/// Builds the fixtures and does something with them and a folder, which goes with all that was started, however it ends.
fn with_fixtures(
    root: &Path,
    cache: &Path,
    name: &str,
    work: impl FnOnce(&Fixtures, &Path) -> Result<bool>,
) -> Result<bool> {
    process::end_on_signals()?;
    let fixtures = fixture::build(root, cache)?;
    let folder = tempfile::Builder::new().prefix(&format!("whipstaff-{name}-")).tempdir()?;
    process::remove_on_signal(folder.path());
    let result = work(&fixtures, folder.path());
    process::end_all();
    result
}
