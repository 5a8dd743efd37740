//! A Postgres of our own, for records that are kept in one.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

/// Whom the server runs as when we are root, which it refuses: nobody.
const NOBODY: u32 = 65534;
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server in a folder of its own, on a free port of loopback, without TLS and without passwords; it ends with this value.
#[derive(Debug)]
pub struct Postgres {
    child: Child,
    bin: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Postgres {
    /// Starts one; `None` when Postgres is not installed, which is an error where `$CI` says that everything has to run.
    ///
    /// # Errors
    /// When it is installed and does not start.
    pub fn start() -> Result<Option<Self>> {
        let Some(bin) = installed() else {
            if std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false" && ci != "0") {
                bail!("Postgres is not installed: apt-get install postgresql");
            }
            return Ok(None);
        };
        let folder = tempfile::Builder::new().prefix("whipstaff-postgres-").tempdir()?;
        if geteuid().is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
        }
        let data = folder.path().join("data");
        let mut make = as_nobody(&bin.join("initdb"), folder.path());
        make.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--pgdata"]).arg(&data);
        let made = make.output().context("initdb does not start")?;
        if !made.status.success() {
            bail!("initdb: {}", String::from_utf8_lossy(&made.stderr));
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut serve = as_nobody(&bin.join("postgres"), folder.path());
        serve.arg("-D").arg(&data).arg("-k").arg(folder.path()).args(["-p", &port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=200"] {
            serve.args(["-c", setting]);
        }
        let child = serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("postgres does not start")?;
        let server = Self { child, bin, folder, port };
        let begun = Instant::now();
        while !server.tool("pg_isready").arg("--quiet").status()?.success() {
            if begun.elapsed() > PATIENCE {
                bail!("Postgres has not started within {} seconds", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Some(server))
    }

    /// Makes an empty database and returns the connection string that leads to it.
    ///
    /// # Errors
    /// When there is one of this name.
    pub fn database(&self, name: &str) -> Result<String> {
        let made = self.tool("createdb").arg(name).output()?;
        if !made.status.success() {
            bail!("createdb {name}: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(format!("postgresql://postgres@127.0.0.1:{}/{name}?sslmode=disable", self.port))
    }

    /// Runs SQL and returns the rows, with `|` between columns.
    ///
    /// # Errors
    /// What the server says.
    pub fn sql(&self, database: &str, text: &str) -> Result<String> {
        let done = self.tool("psql").args(["-d", database, "-XAtqc", text]).output()?;
        if !done.status.success() {
            bail!("psql: {}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder that its socket is in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string()]).stdin(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // At once, as there is nothing to keep; a KILL would leave its own children.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::QUIT);
        }
        let _ = self.child.wait();
    }
}

fn as_nobody(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    if geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// The folder of the programs: Debian keeps them out of the path.
fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has_all =
        |folder: &PathBuf| ["initdb", "postgres", "createdb", "psql"].iter().all(|it| folder.join(it).is_file());
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.into_iter().find(has_all)
}
