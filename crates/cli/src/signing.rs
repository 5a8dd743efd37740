//! Signing a packed chart (as Helm 4.3: `pkg/action/package.go`).

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use chart::provenance::{Keyring, Packed};
use chart::text::{io_error, quote};

use crate::fail::{Fail, Outcome, fail};
use crate::files;
use crate::output::print;
use crate::provenance::read;

/// The most of a passphrase file that is read.
const LONGEST: u64 = 4096;

/// Signs charts with one key.
#[derive(Debug)]
pub(crate) struct Signer<'a> {
    /// The file with the secret key.
    pub(crate) keyring: &'a str,
    /// The name of the key's owner, or a part of it.
    pub(crate) key: &'a str,
    /// The file with the passphrase; `-` is standard input, and without one it is asked for.
    pub(crate) passphrase_file: &'a str,
    /// The passphrase, once it was read from that file.
    pub(crate) passphrase: Option<Vec<u8>>,
}

impl Signer<'_> {
    /// Writes the provenance file of an archive beside it.
    pub(crate) fn sign(&mut self, path: &str) -> Outcome {
        let ring = Keyring::read(&read(self.keyring).map_err(Fail::new)?, self.keyring)?;
        let mut key = ring.signing_key(self.key)?;
        if !self.passphrase_file.is_empty() && self.passphrase.is_none() {
            self.passphrase = Some(first_line(self.passphrase_file)?);
        }
        if key.is_locked() {
            match &self.passphrase {
                Some(passphrase) => key.unlock(passphrase)?,
                None => key.unlock(&asked(&key.owner())?)?,
            }
        }
        let loaded = |error| Fail::new(format!("failed to load chart for signing: {error}"));
        let chart = chart::load_path(Path::new(path)).map_err(loaded)?;
        let archive = read(path).map_err(|text| Fail::new(format!("failed to read chart archive: {text}")))?;
        let name = path.rsplit('/').next().unwrap_or(path);
        let packed = Packed { archive: &archive, name, metadata: &chart.metadata };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        files::write(&format!("{path}.prov"), key.sign(&packed, now)?.as_bytes())
    }
}

/// The first line of a file, or of what is piped in.
fn first_line(path: &str) -> Outcome<Vec<u8>> {
    let file = match path {
        "-" => piped()?,
        path => File::open(path).map_err(|error| Fail::new(format!("open {path}: {}", io_error(&error))))?,
    };
    let mut line = Vec::new();
    BufReader::new(file.take(LONGEST))
        .read_until(b'\n', &mut line)
        .map_err(|error| Fail::new(format!("read {path}: {}", io_error(&error))))?;
    if line.is_empty() {
        fail!("EOF");
    }
    Ok(without_end(&line).to_vec())
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Standard input, when it is a pipe.
#[cfg(unix)]
fn piped() -> Outcome<File> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;

    let file = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    if !file.metadata()?.file_type().is_fifo() {
        fail!("specified reading passphrase from stdin, without input on stdin");
    }
    Ok(file)
}

#[cfg(not(unix))]
fn piped() -> Outcome<File> {
    fail!("a passphrase cannot be read from standard input here: give a file")
}

/// Asks for the passphrase of a key at the terminal.
fn asked(owner: &str) -> Outcome<Vec<u8>> {
    // Standard output keeps what is no line yet.
    print(&format!("Password for key {} >  ", quote(owner)))?;
    std::io::stdout().flush()?;
    let line = typed();
    print("\n")?;
    line
}

/// Reads a line from the terminal without showing it (as Go's `golang.org/x/term`, `ReadPassword`).
#[cfg(unix)]
fn typed() -> Outcome<Vec<u8>> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

    let input = std::io::stdin();
    let told = |error: rustix::io::Errno| Fail::new(io_error(&error.into()));
    let before = tcgetattr(&input).map_err(told)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ICANON | LocalModes::ISIG);
    tcsetattr(&input, OptionalActions::Now, &silent).map_err(told)?;
    let mut line = Vec::new();
    let done = input.lock().take(LONGEST).read_until(b'\n', &mut line);
    tcsetattr(&input, OptionalActions::Now, &before).map_err(told)?;
    done?;
    if line.is_empty() {
        fail!("EOF");
    }
    Ok(without_end(&line).to_vec())
}

#[cfg(not(unix))]
fn typed() -> Outcome<Vec<u8>> {
    fail!("a passphrase cannot be typed here: give --passphrase-file")
}
