//! The real Helm.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{self, Output};

/// Helm with a home of its own, and with a cluster or without.
#[derive(Clone, Debug)]
pub(crate) struct Helm {
    program: PathBuf,
    home: PathBuf,
    kubeconfig: Option<PathBuf>,
}

impl Helm {
    /// Makes one that keeps its caches in a folder.
    pub(crate) fn new(program: &Path, home: &Path, kubeconfig: Option<&Path>) -> Self {
        Self { program: program.to_owned(), home: home.to_owned(), kubeconfig: kubeconfig.map(Path::to_owned) }
    }

    /// Runs Helm, whatever its exit code.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Output> {
        process::run(&mut self.command(arguments), Duration::from_secs(180))
    }

    /// Returns the command, to be run in another way.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for variable in
            std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("HELM_"))
        {
            command.env_remove(variable);
        }
        command
            .env("HOME", &self.home)
            .env("HELM_CACHE_HOME", self.home.join("cache"))
            .env("HELM_CONFIG_HOME", self.home.join("config"))
            .env("HELM_DATA_HOME", self.home.join("data"))
            .env("KUBECONFIG", self.kubeconfig.as_deref().unwrap_or(Path::new("/nonexistent")))
            .args(arguments);
        command
    }

    /// Runs Helm, which must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Result<Output> {
        self.run(arguments)?.success()
    }

    /// Runs Helm in a namespace and reads its JSON.
    pub(crate) fn json(&self, namespace: &str, arguments: &[&str]) -> Result<Value> {
        let output = self.ok(&[arguments, &["-n", namespace, "-o", "json"]].concat())?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`{}` printed no JSON: {}", output.command, output.text()))
    }
}
