//! The flags that give values.

use std::io::Read;

use anyhow::{Result, anyhow};
use chart::ValueOptions;
use goyaml::Map;

/// Where values come from; later ones win, file by file and flag by flag in this order.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Values")]
pub(crate) struct ValueFlags {
    /// Specify values in a YAML file (can be given several times; `-` reads standard input)
    #[arg(short = 'f', long = "values", value_name = "FILE", value_delimiter = ',')]
    files: Vec<String>,
    /// Set JSON values: `key=JSON`, or one whole JSON object
    #[arg(long, value_name = "JSON")]
    set_json: Vec<String>,
    /// Set values: `key1=val1,key2=val2`
    #[arg(long, value_name = "PAIRS")]
    set: Vec<String>,
    /// Set values that are always strings
    #[arg(long, value_name = "PAIRS")]
    set_string: Vec<String>,
    /// Set values from files: `key1=path1,key2=path2`
    #[arg(long, value_name = "PAIRS")]
    set_file: Vec<String>,
    /// Set one literal string: everything after the `=` is the value
    #[arg(long, value_name = "PAIR")]
    set_literal: Vec<String>,
}

impl ValueFlags {
    /// Reads and merges all of them.
    pub(crate) fn merge(&self) -> Result<Map> {
        let files = self.files.iter().map(|path| Ok((path.clone(), read(path).map_err(|text| anyhow!(text))?)));
        let options = ValueOptions {
            files: files.collect::<Result<_>>()?,
            json: self.set_json.clone(),
            set: self.set.clone(),
            string: self.set_string.clone(),
            file: self.set_file.clone(),
            literal: self.set_literal.clone(),
        };
        Ok(options.merge(&mut read)?)
    }
}

/// Reads a file, or standard input; a failure is told as Go tells it.
fn read(path: &str) -> Result<Vec<u8>, String> {
    if path.trim() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("open {path}: no such file or directory"),
        std::io::ErrorKind::PermissionDenied => format!("open {path}: permission denied"),
        std::io::ErrorKind::IsADirectory => format!("read {path}: is a directory"),
        _ => format!("open {path}: {error}"),
    })
}
