//! What the README and the server itself offer to paste into a terminal.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Case, Ctx, case};
use crate::check::{contains, equal};
use crate::process;
use crate::server::Server;

pub(super) const CASES: &[Case] =
    &[case("pasted/readme", readme), case("pasted/what-the-server-prints", what_the_server_prints)];

/// Starts a sandbox of its own, since the sessions begin with nothing but the sample chart.
fn sandbox(ctx: &Ctx<'_>, name: &str, port: u16) -> Result<Server> {
    Server::start(ctx.whipstaff, name, &["--sandbox"], ctx.work, ctx.port + port, "/readyz")
}

/// Pastes a script into a shell, line by line as a person would, and returns what it printed.
fn paste(script: &str) -> Result<String> {
    let mut shell = Command::new("bash");
    let output =
        process::run(shell.args(["-e", "-u", "-o", "pipefail", "-c", script]), Duration::from_secs(120))?.success()?;
    let printed = output.text();
    equal(&format!("a problem in:\n{printed}"), printed.contains("\"reason\""), false)?;
    contains("the session", &printed, "\"succeeded\"")?;
    Ok(printed)
}

fn readme(ctx: &Ctx<'_>) -> Result<()> {
    let text = std::fs::read_to_string(ctx.root.join("README.md"))?;
    let (_, rest) = text.split_once("```bash\n").context("README.md has a session in a `bash` block")?;
    let (script, _) = rest.split_once("\n```").context("the block ends")?;
    contains("the session", script, "http://127.0.0.1:8080")?;
    let server = sandbox(ctx, "readme", 80)?;
    let printed = paste(&script.replace("http://127.0.0.1:8080", server.http.base()))?;
    for part in ["\"deployed\"", "202 Accepted", "/v1/operations/", "rollbackRevision"] {
        contains("the session", &printed, part)?;
    }
    Ok(())
}

fn what_the_server_prints(ctx: &Ctx<'_>) -> Result<()> {
    let server = sandbox(ctx, "printed", 85)?;
    let printed = server.output()?;
    contains("what the server prints", &printed, server.http.base())?;
    let script: String = printed
        .lines()
        .skip_while(|line| !line.contains("api=http"))
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line)))
        .collect();
    contains("what to paste", &script, "curl -s -X PUT")?;
    let answers = paste(&script)?;
    contains("the answers", &answers, "deployed")
}
