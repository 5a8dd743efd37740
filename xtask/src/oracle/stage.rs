//! Where scenes are played: servers, and for each tool a home with the same files in it.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::files::{self, Files};
use super::mask;
use super::site::Site;
use crate::runner::Done;
use e2e::script::{Line, Script};

/// The user `u` with the password `secret`.
const USERS: &str = "u:$2a$04$hGSjPeu3Gbxl2PJ9wqQ.JeQd0sNY0bKddLQxd.2wFnQB3KGCqT/9m\n";
/// What is in the repository and in the registry that lets everybody in: the chart, and its version if not its own.
const STOCK: [(&str, &str); 6] =
    [("shop", ""), ("shop", "1.3.0"), ("shop", "1.3.1+b.2"), ("shop", "2.0.0-rc.1"), ("family", ""), ("hooked", "")];

/// What a line has done.
pub(super) struct Seen {
    done: Done,
    files: Files,
}

impl Seen {
    pub(super) fn is_well(&self) -> bool {
        self.done.code == 0
    }
}

/// The programs and the place that they run in.
pub(super) struct Stage {
    /// Helm, and ours.
    tools: [PathBuf; 2],
    scratch: PathBuf,
    /// What each tool has at the beginning of a scene.
    world: PathBuf,
    /// The hosts of the repository, and of another one with the same files.
    hosts: [String; 2],
    /// A registry for everybody, and one for who has a login.
    registries: [Registry; 2],
}

impl Stage {
    pub(super) fn set(tools: [PathBuf; 2], registry: &Path) -> Result<Self> {
        let scratch = std::env::temp_dir().join(format!("whipstaff-oracle-{}", std::process::id()));
        let (own, site, world) = (crate::root().join("e2e/oracle"), scratch.join("site"), scratch.join("world"));
        fs::create_dir_all(&scratch)?;
        let start = |name: &str, is_closed| Registry::start(registry, &scratch, name, is_closed);
        let registries = [start("open", false)?, start("closed", true)?];
        let (first, other) = (Site::bind()?, Site::bind()?);
        let hosts = [first.host.clone(), other.host.clone()];
        let stage = Self { tools, scratch, world, hosts, registries };
        let known = |text: &str| stage.filled(text);
        copy(&own.join("site"), &site, &known)?;
        copy(&own.join("world"), &stage.world, &|text| text.to_owned())?;
        for chart in ["shop", "family", "hooked", "locker"] {
            copy(&crate::root().join("e2e/charts").join(chart), &stage.world.join(chart), &|text| text.to_owned())?;
        }
        stage.stock(&site)?;
        first.serve(&site, &stage.hosts[1]);
        other.serve(&site, &stage.hosts[0]);
        Ok(stage)
    }

    /// Has Helm pack what is in the repository and in the registries.
    fn stock(&self, site: &Path) -> Result<()> {
        let (home, charts) = (self.scratch.join("stock"), site.join("charts"));
        fs::create_dir_all(&home)?;
        let destination = charts.to_string_lossy().into_owned();
        let run = |args: &[&str]| self.command(0, &home, &self.world, args).map(|mut command| helped(&mut command))?;
        for (chart, version) in STOCK {
            let mut args = vec!["package", chart, "-d", &destination];
            args.extend(["--version", version].iter().filter(|_| !version.is_empty()));
            run(&args)?;
        }
        let sign = ["package", "signed", "--sign", "--key", "Ann", "--keyring", "ring/secret.gpg", "-d"];
        run(&[&sign[..], &[&destination]].concat())?;
        run(&[&sign[..], &["."]].concat())?;
        run(&["package", "shop", "--version", "1.3.0"])?;
        run(&["package", "plain", "--version", "1.0.0+b.1"])?;
        run(&["repo", "index", &destination])?;
        for entry in fs::read_dir(&charts)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "tgz") {
                let path = path.to_string_lossy().into_owned();
                run(&["push", &path, &format!("oci://{}/charts", self.registries[0].host), "--plain-http"])?;
            }
        }
        Ok(())
    }

    /// Plays a scene with one of the tools.
    pub(super) fn play(&self, scene: &Script, tool: usize) -> Result<Vec<Seen>> {
        let home = self.scratch.join(format!("{}-{tool}", scene.name.replace([' ', '/'], "-")));
        let work = home.join("work");
        copy(&self.world, &work, &|text| self.filled(text))?;
        let mask = |text: &str| self.masked(text, &home);
        let mut before = files::below(&home, &mask)?;
        let mut seen = Vec::new();
        for line in &scene.lines {
            let done =
                self.perform(line, tool, &home, &work).with_context(|| format!("{}: {}", scene.name, line.text))?;
            let after = files::below(&home, &mask)?;
            seen.push(Seen { done, files: files::changes(&before, &after) });
            before = after;
        }
        Ok(seen)
    }

    fn perform(&self, line: &Line, tool: usize, home: &Path, work: &Path) -> Result<Done> {
        let args: Vec<String> = line.args.iter().map(|text| self.filled(text)).collect();
        if is_chore(line) {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let stderr = chore(&args, work).err().map(|error| format!("{error:#}")).unwrap_or_default();
            return Ok(Done { code: i32::from(!stderr.is_empty()), stdout: String::new(), stderr });
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = self.command(tool, home, work, &args)?;
        let mut input = None;
        for (name, value) in &line.variables {
            match name.as_str() {
                "STDIN" => input = Some(value.as_str()),
                _ => _ = command.env(name, self.filled(value).replace("$HOME", &home.to_string_lossy())),
            }
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
            // It may end without having read it.
            let _ = pipe.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        Ok(Done::masked(&output, |bytes| self.masked(&String::from_utf8_lossy(bytes), home)))
    }

    fn command(&self, tool: usize, home: &Path, work: &Path, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(self.tools.get(tool).context("there are two tools")?);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", home)
            .env("TZ", "UTC")
            .env("KUBECONFIG", "/nonexistent");
        for name in ["cache", "config", "data"] {
            command.env(format!("HELM_{}_HOME", name.to_uppercase()), home.join(name));
        }
        command.current_dir(work).args(args).stdin(Stdio::null());
        Ok(command)
    }

    /// Puts hosts into a text: `$U` and `$V` are the repository's, `$R` and `$Q` the registries'.
    fn filled(&self, text: &str) -> String {
        let ([first, other], [open, closed]) = (&self.hosts, &self.registries);
        let text = text.replace("$U", &format!("http://{first}")).replace("$V", &format!("http://{other}"));
        text.replace("$R", &open.host).replace("$Q", &closed.host)
    }

    fn masked(&self, text: &str, home: &Path) -> String {
        let ([first, other], [open, closed]) = (&self.hosts, &self.registries);
        let mut text = text.replace(&*home.to_string_lossy(), "HOME");
        for (host, name) in [(first, "SITE"), (other, "OTHER"), (&open.host, "REGISTRY"), (&closed.host, "CLOSED")] {
            text = text.replace(host, name);
        }
        mask::masked(&text)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

fn helped(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))
}

/// Tells whether a line is not for the tools, but changes files: it begins with `!`.
pub(super) fn is_chore(line: &Line) -> bool {
    line.args.first().is_some_and(|word| word == "!")
}

fn chore(args: &[&str], work: &Path) -> Result<()> {
    match args {
        ["!", "remove", path] if work.join(path).is_dir() => fs::remove_dir_all(work.join(path))?,
        ["!", "remove", path] => fs::remove_file(work.join(path))?,
        ["!", "copy", from, to] => drop(fs::copy(work.join(from), work.join(to))?),
        ["!", "folder", path] => fs::create_dir_all(work.join(path))?,
        ["!", "write", path, text] => fs::write(work.join(path), text.replace("\\n", "\n"))?,
        ["!", "replace", path, from, to] => {
            let text = fs::read_to_string(work.join(path))?;
            fs::write(work.join(path), text.replace(from, to))?;
        }
        _ => bail!("there is no such chore"),
    }
    Ok(())
}

/// Copies a folder with the times of its files; texts are changed on the way.
fn copy(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read `{}`", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, change)?;
            continue;
        }
        let bytes = fs::read(entry.path())?;
        let bytes = match std::str::from_utf8(&bytes) {
            Ok(text) if text.contains('$') => change(text).into_bytes(),
            _ => bytes,
        };
        fs::write(&target, bytes)?;
        fs::File::options().write(true).open(&target)?.set_modified(entry.metadata()?.modified()?)?;
    }
    Ok(())
}

/// What differs between what the two have done.
pub(super) fn difference(theirs: &Seen, ours: &Seen) -> Option<String> {
    let mut text = String::new();
    if theirs.done.code != ours.done.code {
        text.push_str(&format!("  exit code {} instead of {}\n", ours.done.code, theirs.done.code));
    }
    let outputs =
        [("stdout", &theirs.done.stdout, &ours.done.stdout), ("stderr", &theirs.done.stderr, &ours.done.stderr)];
    for (name, theirs, ours) in outputs.into_iter().filter(|(_, theirs, ours)| theirs != ours) {
        text.push_str(&format!("  {name} helm: {theirs:?}\n  {name} ours: {ours:?}\n"));
    }
    let names: std::collections::BTreeSet<&String> = theirs.files.keys().chain(ours.files.keys()).collect();
    for name in names {
        let (theirs, ours) = (theirs.files.get(name), ours.files.get(name));
        if theirs != ours {
            text.push_str(&format!("  {name} helm: {theirs:?}\n  {name} ours: {ours:?}\n"));
        }
    }
    (!text.is_empty()).then_some(text)
}

/// The registry of the distribution project, until this value is dropped.
struct Registry {
    host: String,
    child: Child,
}

impl Registry {
    fn start(program: &Path, scratch: &Path, name: &str, is_closed: bool) -> Result<Self> {
        let host = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let (config, users) = (scratch.join(format!("registry-{name}.yaml")), scratch.join("users"));
        fs::write(&users, USERS)?;
        let auth = format!("auth: {{htpasswd: {{realm: r, path: {}}}}}\n", users.display());
        let text =
            format!("version: 0.1\nlog: {{level: error}}\nstorage: {{inmemory: {{}}}}\nhttp: {{addr: '{host}'}}\n");
        fs::write(&config, if is_closed { text + &auth } else { text })?;
        let log = fs::File::create(scratch.join(format!("registry-{name}.log")))?;
        let mut command = Command::new(program);
        command.arg("serve").arg(&config).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let registry = Self { host, child: command.spawn()? };
        let began = Instant::now();
        while TcpStream::connect(&registry.host).is_err() {
            if began.elapsed() > Duration::from_secs(30) {
                bail!("the registry does not listen at {}", registry.host);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(registry)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
