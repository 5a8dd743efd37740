//! The flags that give values.

use std::io::Read;

use chart::ValueOptions;
use chart::text::io_error;
use goyaml::Map;

use crate::fail::Outcome;
use crate::flags::Parsed;

/// Reads the values that a call gives, and merges them; gives back what they are made of too.
pub(crate) fn merge(flags: &Parsed) -> Outcome<(Map, ValueOptions)> {
    let files = flags.list("values").iter().map(|path| Ok((path.clone(), read(path)?)));
    let options = ValueOptions {
        files: files.collect::<Result<_, String>>().map_err(crate::fail::Fail::new)?,
        json: flags.list("set-json").to_vec(),
        set: flags.list("set").to_vec(),
        string: flags.list("set-string").to_vec(),
        file: flags.list("set-file").to_vec(),
        literal: flags.list("set-literal").to_vec(),
    };
    Ok((options.merge(&mut read)?, options))
}

/// Reads a file, or standard input; a failure is told as Go tells it.
pub(crate) fn read(path: &str) -> Result<Vec<u8>, String> {
    if path.trim() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        return Ok(bytes);
    }
    let scheme = path.split_once(':').map_or("", |(scheme, _)| scheme);
    if matches!(scheme, "http" | "https" | "oci") {
        return Err(format!("cannot read {path:?}: values from a URL are not there yet, download the file first"));
    }
    std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::IsADirectory => format!("read {path}: is a directory"),
        _ => format!("open {path}: {}", io_error(&error)),
    })
}
