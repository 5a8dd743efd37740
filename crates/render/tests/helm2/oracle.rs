//! The real programs.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The folder with Helm 2's programs, when they are to be asked.
pub(crate) fn programs() -> Option<PathBuf> {
    std::env::var_os("WHIPSTAFF_HELM2").map(PathBuf::from)
}

/// Whether to write down what they say.
pub(crate) fn blessing() -> bool {
    std::env::var_os("WHIPSTAFF_BLESS").is_some()
}

/// A folder that goes away again.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("whipstaff-helm2-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn helm(programs: &Path, home: &Path) -> Command {
    let mut command = Command::new(programs.join("helm"));
    command.env_clear().env("HOME", home).env("HELM_HOME", home.join(".helm")).env("TZ", "UTC").current_dir(home);
    command
}

/// What a command prints, or the error without `Error: `.
pub(crate) fn said(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().unwrap();
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = stderr.rsplit_once("Error: ").map_or(stderr.as_str(), |_| stderr.split_once("Error: ").unwrap().1);
    Err(text.strip_suffix('\n').unwrap_or(text).to_owned())
}

/// A Tiller over a cluster that takes everything.
pub(crate) struct Tiller {
    child: Child,
    pub(crate) host: String,
    pub(crate) probe: String,
}

impl Tiller {
    pub(crate) fn start(programs: &Path) -> Self {
        let port = 20_000 + std::process::id() % 20_000;
        let host = format!("127.0.0.1:{port}");
        let mut command = Command::new(programs.join("faketiller"));
        let probe = format!("127.0.0.1:{}", port + 1);
        command.args(["-listen", &host, "-probe-listen", &probe, "-storage", "configmap", "-kube-version", "v1.16.0"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        for _ in 0..100 {
            if std::net::TcpStream::connect(&host).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, host, probe }
    }
}

impl Drop for Tiller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
