//! Colours on a terminal (as Helm 4.3: `internal/cli/output/color.go`, with Go's `fatih/color` 1.19).

use std::io::{IsTerminal, stdout};

use crate::command::Call;

/// Whether colours are wanted.
fn is_on(call: &Call) -> bool {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    if !variable("NO_COLOR").is_empty() {
        return false;
    }
    let wanted = match call.flags.last_of(&["color", "colour"]) {
        Some(mode) => mode.to_owned(),
        None => variable("HELM_COLOR").to_lowercase(),
    };
    match wanted.as_str() {
        "always" => true,
        "never" => false,
        _ => stdout().is_terminal() && variable("TERM") != "dumb",
    }
}

fn painted(call: &Call, text: &str, on: u8, off: u8) -> String {
    if is_on(call) { format!("\u{1b}[{on}m{text}\u{1b}[{off}m") } else { text.to_owned() }
}

/// The head of a column.
pub(crate) fn header(call: &Call, text: &str) -> String {
    painted(call, text, 1, 22)
}

/// A namespace.
pub(crate) fn namespace(call: &Call, text: &str) -> String {
    painted(call, text, 36, 0)
}

/// A status.
pub(crate) fn status(call: &Call, text: &str) -> String {
    match text {
        "deployed" => painted(call, text, 32, 0),
        "failed" | "unknown" => painted(call, text, 31, 0),
        "pending-install" | "pending-upgrade" | "pending-rollback" | "uninstalling" => painted(call, text, 33, 0),
        _ => text.to_owned(),
    }
}

/// What only the newer has.
pub(crate) fn added(call: &Call, text: &str) -> String {
    painted(call, text, 32, 0)
}

/// What only the older has.
pub(crate) fn removed(call: &Call, text: &str) -> String {
    painted(call, text, 31, 0)
}

/// What both have, and not the same.
pub(crate) fn changed(call: &Call, text: &str) -> String {
    painted(call, text, 33, 0)
}
