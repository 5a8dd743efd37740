//! Child processes that never outlive the run.
//!
//! Every child leads a process group of its own and is entered in one register, so that the end of the run, a failure and a
//! signal all end the same set of processes, with all that these started.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

#[derive(Default)]
struct Register {
    groups: Vec<Pid>,
    folders: Vec<PathBuf>,
    ended: bool,
}

static REGISTER: Mutex<Register> = Mutex::new(Register { groups: Vec::new(), folders: Vec::new(), ended: false });

fn register() -> MutexGuard<'static, Register> {
    REGISTER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends all children and removes all folders when a signal asks this process to end.
pub(crate) fn end_on_signals() -> Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            eprintln!("\nsignal {signal}: ending what was started");
            register().ended = true;
            end_all();
            // What a shell reports for a process that a signal ended.
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Ends every registered group and removes every registered folder. After a signal nothing can be started any more.
pub(crate) fn end_all() {
    let mut register = register();
    for &group in &register.groups {
        signal(group, Signal::TERM);
    }
    if !register.groups.is_empty() {
        // Other threads hold the children and wait for them; a group that took the hint is gone by then.
        std::thread::sleep(Duration::from_millis(500));
    }
    for &group in &register.groups {
        signal(group, Signal::KILL);
    }
    register.groups.clear();
    for folder in std::mem::take(&mut register.folders) {
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// Has a folder removed when a signal ends the run.
pub(crate) fn remove_on_signal(folder: &Path) {
    register().folders.push(folder.to_owned());
}

fn signal(group: Pid, signal: Signal) {
    // The group may be gone already.
    let _ = kill_process_group(group, signal);
}

/// A running child and its process group.
struct Group {
    child: Child,
    id: Option<Pid>,
}

impl Group {
    fn start(command: &mut Command) -> Result<Self> {
        let mut register = register();
        if register.ended {
            bail!("the run is ending");
        }
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("`{}` does not start", Path::new(command.get_program()).display()))?;
        let id = Pid::from_raw(i32::try_from(child.id())?);
        register.groups.extend(id);
        Ok(Self { child, id })
    }

    /// Waits until a deadline; `None` when it is still running then.
    fn wait_until(&mut self, deadline: Instant) -> Result<Option<ExitStatus>> {
        self.watch_until(deadline, Duration::from_millis(50), |_| {})
    }

    /// As [`Self::wait_until`], and has somebody look at the child's number each time, with pauses of so long at most.
    fn watch_until(&mut self, deadline: Instant, longest: Duration, look: impl Fn(u32)) -> Result<Option<ExitStatus>> {
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            look(self.child.id());
            std::thread::sleep(pause);
            pause = (pause * 2).min(longest);
        }
    }

    /// Asks the group to end, insists after a while, and strikes it from the register.
    fn end(&mut self) {
        let Some(id) = self.id.take() else { return };
        // An open standard input is what the control plane lives by.
        drop(self.child.stdin.take());
        if matches!(self.child.try_wait(), Ok(None)) {
            signal(id, Signal::TERM);
            let _ = self.wait_until(Instant::now() + Duration::from_secs(15));
        }
        signal(id, Signal::KILL);
        let _ = self.child.wait();
        register().groups.retain(|group| *group != id);
    }
}

impl Group {
    /// Ends the group as a power cut would.
    fn kill(&mut self) {
        if let Some(id) = self.id.take() {
            signal(id, Signal::KILL);
            let _ = self.child.wait();
            register().groups.retain(|group| *group != id);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// A child that runs in the background, its output in a file, until this value is dropped.
pub(crate) struct Background {
    name: String,
    log: PathBuf,
    group: Group,
}

impl Background {
    /// Starts a command; both outputs go to the file.
    pub(crate) fn start(name: &str, command: &mut Command, log: PathBuf) -> Result<Self> {
        let file = File::create(&log)?;
        command.stdin(Stdio::piped()).stdout(file.try_clone()?).stderr(file);
        Ok(Self { name: name.to_owned(), group: Group::start(command)?, log })
    }

    /// Fails, with the end of the log, when the child has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.group.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended by itself ({status})\n{}", self.name, self.tail(40)),
        }
    }

    /// Ends the child as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.group.kill();
    }

    /// Returns all of the log.
    pub(crate) fn output(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }

    /// Returns the last lines of the log, for a report.
    pub(crate) fn tail(&self, lines: usize) -> String {
        tail(&self.log, lines)
    }

    /// Tries until it succeeds, the child ends, or the time is up.
    pub(crate) fn until<T>(&mut self, patience: Duration, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + patience;
        loop {
            let error = match attempt() {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            self.check()?;
            if Instant::now() >= deadline {
                let waited = patience.as_secs();
                return Err(error.context(format!("{} is not ready after {waited} s\n{}", self.name, self.tail(40))));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Returns the last lines of a file, each indented, under its name.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    let mut out = format!("--- the end of {}", path.display());
    for line in all.iter().skip(from) {
        out.push_str("\n    ");
        // The control plane logs lines of many kilobytes.
        out.extend(line.chars().take(400));
    }
    out
}

/// What a command that ended has said.
#[derive(Debug)]
pub(crate) struct Output {
    /// The command, as a person would type it.
    pub(crate) command: String,
    /// The exit code; -1 when a signal ended it.
    pub(crate) code: i32,
    /// The standard output.
    pub(crate) stdout: Vec<u8>,
    /// The standard error.
    pub(crate) stderr: String,
}

impl Output {
    /// Returns the standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Fails unless the command succeeded.
    pub(crate) fn success(self) -> Result<Self> {
        if self.code != 0 {
            bail!("`{}` exited with {}\n{}{}", self.command, self.code, self.text(), self.stderr);
        }
        Ok(self)
    }
}

/// Runs a command to its end, within a time.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<Output> {
    run_watched(command, limit, Duration::from_millis(50), |_| {})
}

/// As [`run`]; see [`Group::watch_until`].
fn run_watched(command: &mut Command, limit: Duration, longest: Duration, look: impl Fn(u32)) -> Result<Output> {
    let words: Vec<OsString> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(OsString::from).collect();
    let line = words.iter().map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::start(command)?;
    let stdout = reader(group.child.stdout.take());
    let stderr = reader(group.child.stderr.take());
    let status = group.watch_until(Instant::now() + limit, longest, look)?;
    group.end();
    let (stdout, stderr) = (collect(stdout), String::from_utf8_lossy(&collect(stderr)).into_owned());
    match status {
        Some(status) => Ok(Output { command: line, code: status.code().unwrap_or(-1), stdout, stderr }),
        None => bail!("`{line}` did not end within {} s\n{stderr}", limit.as_secs()),
    }
}

/// How long a command took, and the most memory that it held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    /// In KiB.
    pub(crate) memory: u64,
}

/// Runs a command to its end, within a time, and looks at what it costs. The memory is Linux' own count, looked at until the end.
pub(crate) fn run_measured(command: &mut Command, limit: Duration) -> Result<(Output, Cost)> {
    let (began, peak) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let seen = Arc::clone(&peak);
    let output = run_watched(command, limit, Duration::from_millis(2), move |child| {
        let status = std::fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(memory) = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()) {
            seen.fetch_max(memory, Ordering::Relaxed);
        }
    })?;
    Ok((output, Cost { time: began.elapsed(), memory: peak.load(Ordering::Relaxed) }))
}

/// Runs a command to its end with its outputs on ours, within a time.
pub(crate) fn run_aloud(command: &mut Command, limit: Duration) -> Result<()> {
    let line = format!("{command:?}");
    command.stdin(Stdio::null());
    let mut group = Group::start(command)?;
    match group.wait_until(Instant::now() + limit)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("{line}: {status}"),
        None => bail!("{line} did not end within {} s", limit.as_secs()),
    }
}

type Reader = Option<std::thread::JoinHandle<Vec<u8>>>;

fn reader(pipe: Option<impl Read + Send + 'static>) -> Reader {
    let mut pipe = pipe?;
    Some(std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    }))
}

fn collect(reader: Reader) -> Vec<u8> {
    reader.and_then(|thread| thread.join().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_reported_with_code_and_both_outputs() {
        let output =
            run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]), Duration::from_secs(10)).unwrap();
        assert_eq!((output.code, output.text().as_str(), output.stderr.as_str()), (3, "out\n", "err\n"));
        assert!(output.success().unwrap_err().to_string().contains("exited with 3"));
    }

    #[test]
    fn what_a_late_command_started_ends_with_it() {
        let started = Instant::now();
        let error = run(Command::new("sh").args(["-c", "sleep 60 & sleep 60"]), Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("did not end"));
        // The reader threads end only when nobody holds the pipes any more, the grandchild included.
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
