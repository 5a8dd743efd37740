//! `whipstaff serve`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::free_ports;
use crate::http::Http;
use crate::process::Background;

/// A running server; it ends when this value is dropped.
pub(crate) struct Server {
    process: Background,
    /// A client of it.
    pub(crate) http: Http,
}

impl Server {
    /// Starts a server and waits until this path answers with 200.
    pub(crate) fn start(
        whipstaff: &Path,
        name: &str,
        flags: &[&str],
        work: &Path,
        port: u16,
        ready: &str,
    ) -> Result<Self> {
        let port = free_ports(port, 1)?;
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(whipstaff);
        command.arg("serve").args(["--listen", &address]).args(flags);
        // Neither the user's configuration nor a cluster around this process may matter.
        command
            .env("HOME", work)
            .env_remove("KUBECONFIG")
            .env_remove("KUBERNETES_SERVICE_HOST")
            .env("RUST_BACKTRACE", "1");
        let log = work.join(format!("{name}.log"));
        let mut process = Background::start(&format!("whipstaff ({name})"), &mut command, log)?;
        let http = Http::new(format!("http://{address}"));
        process.until(Duration::from_secs(60), || http.get(ready)?.expect(200).context("it is not ready"))?;
        Ok(Self { process, http })
    }

    /// Fails, with the end of its log, when it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.process.check()
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Returns all that it printed and logged.
    pub(crate) fn output(&self) -> Result<String> {
        self.process.output()
    }

    /// Returns the last lines that it logged.
    pub(crate) fn tail(&self) -> String {
        self.process.tail(40)
    }
}
