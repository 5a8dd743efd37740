//! `--dry-run`, in all the ways it has been written (as Helm 4.3: `pkg/cmd/helpers.go`).

use crate::fail::{Outcome, fail};
use crate::flags::{Parsed, go_bool};
use crate::log::{Level, log};

/// How a change is tried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// It is made.
    None,
    /// Without a cluster.
    Client,
    /// With what the cluster says.
    Server,
}

/// Reads the flag.
pub(crate) fn strategy(flags: &Parsed, is_template: bool) -> Outcome<Strategy> {
    let value = flags.text("dry-run");
    let wrong = |choice: &str| format!("invalid dry-run value ({value:?}). Must be {choice}");
    match value {
        "unset" => {
            log(Level::Warn, "--dry-run is deprecated and should be replaced with '--dry-run=client'", &[]);
            return Ok(Strategy::Client);
        }
        "client" => return Ok(Strategy::Client),
        "server" => return Ok(Strategy::Server),
        "none" if is_template => fail!("{}", wrong("\"server\" or \"client\"")),
        "none" => return Ok(Strategy::None),
        _ => {}
    }
    let (strategy, word) = match go_bool(value) {
        None => fail!("{}", wrong("\"none\", \"server\", or \"client\"")),
        Some(false) if is_template => fail!("{}", wrong("\"server\" or \"client\"")),
        Some(false) => (Strategy::None, "none"),
        Some(true) => (Strategy::Client, "client"),
    };
    let text = format!("boolean '--dry-run={value}' flag is deprecated and must be replaced with '--dry-run={word}'");
    log(Level::Warn, &text, &[]);
    Ok(strategy)
}
