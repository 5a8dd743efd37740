//! Runs both programs on one case and compares what they did.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use super::cases::Case;
use crate::runner::Done;

impl Done {
    /// Returns it with its lines in order, and without the certificates, of which not even the length is steady.
    fn sorted(&self) -> (i32, Vec<&str>, Vec<&str>) {
        let lines = |text| {
            let mut within = false;
            let outside = |line: &&str| {
                let was_within = within;
                within = line.contains("-----BEGIN ") || within && !line.contains("-----END ");
                !was_within
            };
            let mut lines: Vec<&str> = str::split(text, '\n').filter(outside).collect();
            lines.sort_unstable();
            lines
        };
        (self.code, lines(&self.stdout), lines(&self.stderr))
    }
}

/// Both programs, the folder that they run in, and a place for what they leave; that goes with the value.
pub(super) struct Bench {
    root: PathBuf,
    helm: PathBuf,
    ours: PathBuf,
    cache: Option<PathBuf>,
    scratch: PathBuf,
    next: AtomicUsize,
}

/// How often Helm is asked again when its answer is another one than ours.
const AGAIN: usize = 6;

/// After how many same answers it is taken at its word.
const STEADY: usize = 3;

/// Runs a program for a minute at most, with 8 GB at most: values at random can ask for a lot.
const LIMITED: &str = "ulimit -v 8000000; exec timeout -s KILL 60 \"$@\"";

/// What we say of a schema that wants other files or the network.
const REFUSED: &str = "references to other files and hosts are refused";

impl Bench {
    pub(super) fn new(root: &Path, helm: &Path, ours: &Path, cache: Option<&Path>) -> Result<Self> {
        let scratch = std::env::temp_dir().join(format!("whipstaff-strangers-{}", std::process::id()));
        std::fs::create_dir_all(&scratch)?;
        let cache = cache.map(std::path::absolute).transpose()?;
        if let Some(folder) = &cache {
            std::fs::create_dir_all(folder)?;
        }
        let owned = Path::to_owned;
        Ok(Self { root: owned(root), helm: owned(helm), ours: owned(ours), cache, scratch, next: AtomicUsize::new(0) })
    }

    /// Returns the folder with the charts.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a path for a file of a chart, the same in every run.
    pub(super) fn place(&self, chart: &Path, name: &str) -> Result<PathBuf> {
        let folder = self.cache.as_ref().unwrap_or(&self.scratch).join("files");
        let folder = folder.join(chart.to_string_lossy().replace('/', "+"));
        std::fs::create_dir_all(&folder)?;
        Ok(folder.join(name))
    }

    /// Packs a chart, unless it is, or Helm refuses to.
    pub(super) fn pack(&self, chart: &Path) -> Result<Option<PathBuf>> {
        if self.root.join(chart).is_file() {
            return Ok(None);
        }
        let folder = self.place(chart, "packed")?;
        let packed = |folder: &Path| -> Option<PathBuf> {
            std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path()).next()
        };
        if let Some(path) = packed(&folder) {
            return Ok(Some(path));
        }
        let chart = if chart.as_os_str().is_empty() { Path::new(".") } else { chart };
        let args = ["package", &chart.to_string_lossy(), "-d", &folder.to_string_lossy()].map(str::to_owned);
        self.run(&self.helm, &args, None)?;
        Ok(packed(&folder))
    }

    /// Returns what Helm says, perhaps what it said before.
    pub(super) fn helm(&self, case: &Case, time: usize) -> Result<Done> {
        let Some(cache) = &self.cache else { return self.fresh(&self.helm, case) };
        let mut hasher = DefaultHasher::new();
        (&case.args, time).hash(&mut hasher);
        for pair in case.args.windows(2) {
            if let [flag, path] = pair
                && flag == "-f"
            {
                std::fs::read(self.root.join(path)).unwrap_or_default().hash(&mut hasher);
            }
        }
        let path = cache.join(format!("{:016x}.json", hasher.finish()));
        if let Ok(text) = std::fs::read_to_string(&path) {
            let known: Json = serde_json::from_str(&text)?;
            let text = |key: &str| known[key].as_str().unwrap_or_default().to_owned();
            let code = known["code"].as_i64().and_then(|code| code.try_into().ok()).unwrap_or(-1);
            return Ok(Done { code, stdout: text("stdout"), stderr: text("stderr") });
        }
        let done = self.fresh(&self.helm, case)?;
        let known = json!({"args": case.args, "code": done.code, "stdout": done.stdout, "stderr": done.stderr});
        std::fs::write(path, known.to_string())?;
        Ok(done)
    }

    fn fresh(&self, binary: &Path, case: &Case) -> Result<Done> {
        let out = case.writes.then(|| self.scratch.join(format!("out{}", self.next.fetch_add(1, Ordering::Relaxed))));
        let mut done = self.run(binary, &case.args, out.as_deref())?;
        if let Some(folder) = out {
            list(&folder, Path::new(""), &mut done.stdout)?;
            let _ = std::fs::remove_dir_all(folder);
        }
        Ok(done)
    }

    /// Runs a program on the folder of the charts, with an empty home.
    fn run(&self, binary: &Path, args: &[String], out: Option<&Path>) -> Result<Done> {
        let out = out.map(|path| path.to_string_lossy().into_owned());
        let home = self.scratch.join("home");
        let mut command = Command::new("sh");
        command.args(["-c", LIMITED, "sh"]).arg(binary).current_dir(&self.root).stdin(Stdio::null()).env_clear();
        command.args(args.iter().map(|arg| if arg == "OUT" { out.as_ref().unwrap_or(arg) } else { arg }));
        command.env("PATH", "/usr/bin:/bin").env("HOME", &home).env("KUBECONFIG", "/nonexistent").env("TZ", "UTC");
        for name in ["CACHE", "CONFIG", "DATA"] {
            command.env(format!("HELM_{name}_HOME"), home.join(name.to_lowercase()));
        }
        let output = command.output().with_context(|| format!("cannot run `{}`", binary.display()))?;
        Ok(Done::masked(&output, |bytes| {
            let text = bytes.utf8_chunks().fold(String::new(), |mut text, chunk| {
                text.push_str(chunk.valid());
                chunk.invalid().iter().for_each(|byte| _ = write!(text, "<{byte:02x}>"));
                text
            });
            let text = out.as_ref().map_or_else(|| text.clone(), |path| text.replace(path, "OUT"));
            let time = |line: &str| line.starts_with("LAST DEPLOYED: ");
            text.split('\n')
                .map(|line| if time(line) { "LAST DEPLOYED: TIME" } else { line })
                .collect::<Vec<_>>()
                .join("\n")
        }))
    }

    /// Says what differs, and Helm's exit code. Helm is asked again when it does, until it is clear what is random.
    pub(super) fn compare(&self, case: &Case) -> Result<(Option<String>, i32)> {
        let want = self.helm(case, 0)?;
        if want.code == 137 || want.stderr.contains("runtime: out of memory") {
            return Ok((None, want.code));
        }
        let got = self.fresh(&self.ours, case)?;
        if want == got {
            return Ok((None, want.code));
        }
        if got.stderr.contains(REFUSED) || got.stdout.contains(REFUSED) {
            return self.without_schemas(case, &want, &got);
        }
        let mut all = vec![want.clone()];
        for time in 1..=AGAIN {
            // Some outputs have the time in them, to the second.
            if time == 1 {
                std::thread::sleep(Duration::from_millis(1_100));
            }
            let again = self.helm(case, time)?;
            all.push(again);
            let steady = time == STEADY && all.iter().all(|done| *done == want);
            // Go's maps are in random order: then any order of the lines is as good.
            let differ = all.iter().any(|done| *done != want);
            if all.contains(&got) || differ && all.iter().any(|done| done.sorted() == got.sorted()) {
                return Ok((None, want.code));
            }
            if steady || time > 1 && difference(&all, &got).is_none() {
                break;
            }
        }
        Ok((difference(&all, &got), want.code))
    }

    /// Schemas that want other files or the network are refused on purpose, where Helm goes and looks: here, without a
    /// network, both fail. So they are compared without schemas.
    fn without_schemas(&self, case: &Case, want: &Done, got: &Done) -> Result<(Option<String>, i32)> {
        const FLAG: &str = "--skip-schema-validation";
        if want.code != got.code || case.args.iter().any(|arg| arg == FLAG) {
            return Ok((difference(std::slice::from_ref(want), got), want.code));
        }
        let mut args = case.args.clone();
        args.push(FLAG.to_owned());
        self.compare(&Case { args, ..*case })
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}

/// Appends the files of a folder and what they contain.
fn list(root: &Path, below: &Path, out: &mut String) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(root.join(below)) else { return Ok(()) };
    let mut names = entries.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>>>()?;
    names.sort();
    for name in names {
        let path = below.join(name);
        if root.join(&path).is_dir() {
            list(root, &path, out)?;
        } else {
            let content = std::fs::read(root.join(&path))?;
            let _ = write!(out, "\n--> {}\n{}", path.display(), String::from_utf8_lossy(&content));
        }
    }
    Ok(())
}

/// Says what is in no run of Helm: lines in which its runs differ may be anything.
fn difference(all: &[Done], got: &Done) -> Option<String> {
    let want = all.first()?;
    let mut text = String::new();
    if want.code != got.code {
        let _ = writeln!(text, "exit code: helm {}, ours {}", want.code, got.code);
    }
    let parts: [(&str, fn(&Done) -> &str); 2] = [("stdout", |done| &done.stdout), ("stderr", |done| &done.stderr)];
    for (name, part) in parts {
        let runs: Vec<Vec<&str>> = all.iter().map(|done| part(done).split('\n').collect()).collect();
        let ours: Vec<&str> = part(got).split('\n').collect();
        let longest = runs.iter().map(Vec::len).chain([ours.len()]).max()?;
        let differs = |at: &usize| {
            let lines: Vec<Option<&&str>> = runs.iter().map(|run| run.get(*at)).collect();
            let steady = lines.windows(2).all(|pair| pair.first() == pair.last());
            steady && lines.first() != Some(&ours.get(*at))
        };
        if let Some(at) = (0..longest).find(differs) {
            let side = |lines: &[&str]| {
                lines.iter().skip(at).take(6).fold(String::new(), |all, line| all + &format!("\n    {line:?}"))
            };
            let helm = runs.first().map(|run| side(run)).unwrap_or_default();
            let _ = writeln!(text, "{name} line {}:\n  helm{helm}\n  ours{}", at + 1, side(&ours));
        }
    }
    (!text.is_empty()).then_some(text)
}
