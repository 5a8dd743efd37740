//! Programs that keep logins (<https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol>, as
//! `oras.land/oras-go` 2.6: `registry/remote/credentials/native_store.go` runs them).

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use chart::text::{io_error, quote};

use super::Credential;
use crate::error::Error;

/// The most that a program may say.
const MOST: u64 = 1 << 20;
/// The user that stands for an identity token.
const TOKEN: &str = "<token>";
/// What a program says that knows no login.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// Asks a program for the login of an address; it may have none.
pub(super) fn get(helper: &str, address: &str) -> Result<Credential, Error> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Kept {
        #[serde(default)]
        username: String,
        #[serde(default)]
        secret: String,
    }
    let said = match run(helper, "get", address) {
        Err(error) if error.to_string() == NOT_FOUND => return Ok(Credential::default()),
        said => said?,
    };
    let kept: Kept = serde_json::from_slice(&said)
        .map_err(|_| Error::text(format!("`docker-credential-{helper} get` has printed no JSON of a login")))?;
    Ok(match kept.username.as_str() {
        TOKEN => Credential { refresh_token: kept.secret, ..Credential::default() },
        username => Credential::basic_of(username, &kept.secret),
    })
}

/// Has a program do something, and gives what it prints; what it says to people is for them.
pub(super) fn run(helper: &str, action: &str, input: &str) -> Result<Vec<u8>, Error> {
    let name = format!("docker-credential-{helper}");
    if helper.contains(['/', '\\']) {
        return Err(Error::text(format!("`{name}` is no name of a program: credsStore and credHelpers hold no paths")));
    }
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::text(format!("exec: {}: executable file not found in $PATH", quote(&name)))
        }
        _ => Error::text(format!("{name}: {}", io_error(&error))),
    };
    let mut child =
        Command::new(&name).arg(action).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not want to hear it says so by its exit code.
        let _ = stdin.write_all(input.as_bytes());
    }
    let mut said = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MOST).read_to_end(&mut said).map_err(failed)?;
    }
    let status = child.wait().map_err(failed)?;
    if status.success() {
        return Ok(said);
    }
    let why = String::from_utf8_lossy(&said).trim().to_owned();
    Err(match (why.as_str(), status.code()) {
        ("", Some(code)) => Error::text(format!("exit status {code}")),
        ("", None) => Error::text(format!("{name} was killed")),
        (why, _) => Error::text(why),
    })
}
