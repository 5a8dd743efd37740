//! A sandbox and a server, each a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::http::Http;

/// How long a process may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// Both; they end with this.
pub(super) struct Processes {
    sandbox: Child,
    server: Option<Child>,
    folder: PathBuf,
}

impl Processes {
    /// Starts a sandbox, and a server over it.
    pub(super) fn start(binary: &Path, port: u16) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("whipstaff-load-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let kubeconfig = folder.join("kubeconfig");
        let start = |name: &str, arguments: &[&str]| {
            let log = std::fs::File::create(folder.join(format!("{name}.log")))?;
            // Each stream is an open file.
            let mut command = Command::new("sh");
            command.args(["-c", "ulimit -n 8192 2>/dev/null; exec \"$0\" \"$@\""]).arg(binary).args(arguments);
            command.env_remove("HELM_DRIVER").env_remove("KUBECONFIG");
            command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
            command.spawn().with_context(|| format!("starting {}", binary.display()))
        };
        let file = kubeconfig.to_string_lossy().into_owned();
        let (listen, api) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", port + 1));
        let sandbox = start("sandbox", &["sandbox", "--listen", &api, "--write-kubeconfig", &file])?;
        let mut processes = Self { sandbox, server: None, folder: folder.clone() };
        until(Http::new(port + 1), "/version")?;
        processes.server = Some(start("server", &["serve", "--listen", &listen, "--kubeconfig", &file])?);
        until(Http::new(port), "/readyz")?;
        Ok(processes)
    }

    /// The server's memory that is resident, in MiB.
    pub(super) fn memory(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most that it was.
    pub(super) fn most_memory(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64> {
        let server = self.server.as_ref().context("the server was not started")?;
        let text = std::fs::read_to_string(format!("/proc/{}/status", server.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kibibytes / 1024)
    }

    /// Fails when one of them has ended.
    pub(super) fn check(&mut self) -> Result<()> {
        for (name, child) in [("sandbox", Some(&mut self.sandbox)), ("server", self.server.as_mut())] {
            let Some(child) = child else { continue };
            if let Some(status) = child.try_wait()? {
                let log = std::fs::read_to_string(self.folder.join(format!("{name}.log"))).unwrap_or_default();
                bail!("the {name} has ended: {status}\n{log}");
            }
        }
        Ok(())
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in self.server.iter_mut().chain([&mut self.sandbox]) {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn until(http: Http, path: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        match http.connect().and_then(|mut connection| connection.get(path)?.expect(200)) {
            Ok(_) => return Ok(()),
            Err(error) if begun.elapsed() > PATIENCE => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
