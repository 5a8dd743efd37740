//! Chart repositories: `whipstaff` and the real Helm, side by side, against the same repository on loopback.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;

use super::{Case, Ctx, case};
use crate::archive;
use crate::check::equal;
use crate::process::{self, Output};
use crate::runner::Skip;

pub(super) const CASES: &[Case] = &[
    case("repositories/add-search-pull", add_search_pull),
    case("repositories/credentials", credentials),
    case("repositories/wrong-indexes", wrong_indexes),
    case("repositories/index", index),
];

/// A repository on loopback; it ends with the process.
pub(super) struct Repository {
    pub(super) url: String,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// The paths that were asked for, each with who asked.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Repository {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let (files, asked) =
            (Arc::new(Mutex::new(BTreeMap::<String, Vec<u8>>::new())), Arc::new(Mutex::new(Vec::new())));
        let (served, seen) = (Arc::clone(&files), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let Ok(reader) = stream.try_clone() else { return };
                let mut lines = BufReader::new(reader).lines().map_while(Result::ok);
                let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
                let headers: Vec<String> =
                    lines.take_while(|line| !line.is_empty()).map(|line| line.to_ascii_lowercase()).collect();
                let user = headers.iter().any(|line| line.starts_with("authorization: "));
                if let Ok(mut seen) = seen.lock() {
                    seen.push(format!("{path} {user}"));
                }
                let body = served.lock().ok().and_then(|files| files.get(&path).cloned());
                let (status, body) = match body {
                    Some(_) if path.starts_with("/closed/") && !user => ("401 Unauthorized", Vec::new()),
                    Some(body) => ("200 OK", body),
                    None => ("404 Not Found", Vec::new()),
                };
                let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        Ok(Self { url, files, asked })
    }

    pub(super) fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        if let Ok(mut files) = self.files.lock() {
            files.insert(path.to_owned(), body.into());
        }
    }

    /// What was asked for since the last time.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().map(|mut asked| std::mem::take(&mut *asked)).unwrap_or_default()
    }
}

/// The two tools, each with folders of its own.
pub(super) struct Both<'a> {
    ctx: &'a Ctx<'a>,
    pub(super) repository: Repository,
    pub(super) root: PathBuf,
}

impl<'a> Both<'a> {
    pub(super) fn new(ctx: &'a Ctx<'a>, name: &str) -> Result<Self> {
        let root = ctx.work.join(format!("repositories-{name}"));
        for tool in ["helm", "whipstaff"] {
            std::fs::create_dir_all(root.join(tool).join("out"))?;
        }
        Ok(Self { ctx, repository: Repository::start()?, root })
    }

    pub(super) fn run(&self, tool: &str, line: &str) -> Result<Output> {
        self.run_with(tool, line, &[])
    }

    /// Runs a line with variables.
    pub(super) fn run_with(&self, tool: &str, line: &str, variables: &[(&str, &str)]) -> Result<Output> {
        let home = self.root.join(tool);
        let folder = |name: &str| home.join(name).to_string_lossy().into_owned();
        let line = line.replace("URL", &self.repository.url).replace("OUT", &folder("out"));
        let flags = [
            ("--repository-config", folder("repositories.yaml")),
            ("--repository-cache", folder("cache")),
            ("--content-cache", folder("content")),
        ];
        let mut words: Vec<&str> = line.split(' ').collect();
        flags.iter().for_each(|(flag, value)| words.extend([*flag, value.as_str()]));
        let helm = self.ctx.helm.ok_or_else(|| Skip("the real Helm was not built".to_owned()))?;
        let mut command = match tool {
            "helm" => helm.command(&words),
            _ => {
                let mut command = Command::new(self.ctx.whipstaff);
                command.env("HOME", &home).env("KUBECONFIG", "/nonexistent").args(&words);
                command
            }
        };
        command.current_dir(home.join("out")).envs(variables.iter().copied());
        process::run(&mut command, Duration::from_secs(60))
    }

    /// Runs a line by both: what they print, write and ask for is the same.
    fn same(&self, line: &str) -> Result<()> {
        let (ours, theirs) = self.alike(line)?;
        equal("what is asked for", ours, theirs).with_context(|| line.to_owned())
    }

    /// Runs a line by both: what they print and write is the same. Gives what ours and what Helm's has asked for.
    pub(super) fn alike(&self, line: &str) -> Result<(Vec<String>, Vec<String>)> {
        self.repository.asked();
        let theirs = self.run("helm", line)?;
        let their_asking = self.repository.asked();
        let ours = self.run("whipstaff", line)?;
        let context =
            || format!("`{line}`\nours: {}{}\ntheirs: {}{}", ours.text(), ours.stderr, theirs.text(), theirs.stderr);
        let masked = |text: &str, tool: &str| text.replace(&*self.root.join(tool).to_string_lossy(), "HOME");
        // Helm warns in the order of a Go map.
        let sorted = |text: &str, tool: &str| {
            let mut lines: Vec<String> = masked(text, tool).lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        equal("the exit codes", ours.code, theirs.code).with_context(context)?;
        equal("what is printed", masked(&ours.text(), "whipstaff"), masked(&theirs.text(), "helm"))
            .with_context(context)?;
        equal("what is told", sorted(&ours.stderr, "whipstaff"), sorted(&theirs.stderr, "helm"))
            .with_context(context)?;
        equal("the files", self.files("whipstaff")?, self.files("helm")?).with_context(context)?;
        Ok((self.repository.asked(), their_asking))
    }

    /// What is in a tool's folders, without what is ours alone and with the order taken out that Helm leaves to chance.
    fn files(&self, tool: &str) -> Result<BTreeMap<String, Vec<u8>>> {
        let root = self.root.join(tool);
        let mut files = BTreeMap::new();
        walk(&root, &mut |path, mut bytes| {
            let name = path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
            if name.ends_with("charts.txt") {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let mut lines: Vec<&str> = text.lines().collect();
                lines.sort_unstable();
                bytes = lines.join("\n").into_bytes();
            }
            if name.ends_with(".lock") {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                bytes = text.lines().filter(|line| !line.starts_with("generated: ")).collect::<String>().into_bytes();
            }
            // The same content may be compressed in more than one way.
            let mut unpacked = Vec::new();
            if name.ends_with(".tgz") && GzDecoder::new(&*bytes).read_to_end(&mut unpacked).is_ok() {
                bytes = unpacked;
            }
            if !name.ends_with(".whipstaff") && !name.starts_with(".") {
                files.insert(name, bytes);
            }
        })?;
        Ok(files)
    }

    /// Puts our own charts into the repository below a path; each has an old version too, which may be broken.
    pub(super) fn stock(&self, path: &str, old: &str) -> Result<()> {
        let mut text = "apiVersion: v1\nentries:\n".to_owned();
        for chart in ["shop", "family", "hooked"] {
            let bytes = archive::folder(&self.ctx.charts.join(chart))?;
            let metadata = std::fs::read_to_string(self.ctx.charts.join(chart).join("Chart.yaml"))?;
            let version = metadata.lines().find_map(|line| line.strip_prefix("version: ")).context("a version")?;
            self.repository.put(&format!("{path}/{chart}-{version}.tgz"), bytes);
            text.push_str(&format!(
                "  {chart}:\n  - apiVersion: v2\n    name: {chart}\n    version: {version}\n    description: \"the {chart}\\e[1m\"\n    \
                 keywords: [own]\n    urls: [{chart}-{version}.tgz]\n  - {{name: {chart}, version: 0.0.1-rc.1}}\n  - {{name: {chart}, \
                 version: {old}}}\n"
            ));
        }
        self.repository.put(&format!("{path}/index.yaml"), text);
        Ok(())
    }
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path, Vec<u8>)) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, visit)?;
        } else {
            visit(&path, std::fs::read(&path)?);
        }
    }
    Ok(())
}

fn all(both: &Both<'_>, lines: &[&str]) -> Result<()> {
    lines.iter().try_for_each(|line| both.same(line))
}

fn add_search_pull(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "usual")?;
    both.stock("/charts", "none")?;
    both.stock("/clean", "0.0.1")?;
    all(
        &both,
        &[
            "repo list",
            "search repo shop",
            "repo update",
            "repo add r URL/nowhere",
            "repo add r http://127.0.0.1:1",
            "repo add r ftp://x",
            "repo add a/b URL/charts",
            // Helm warns of what is broken once more when repositories are known, so this comes before.
            "pull shop --repo URL/clean -d OUT",
            "pull shop --repo URL/clean --version ^9",
            "pull none --repo URL/clean",
        ],
    )?;
    // What is broken is told in the order of a Go map, so one chart only.
    both.repository.put(
        "/one/index.yaml",
        "apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.0.0, urls: [a.tgz]}\n  - \n  - {name: b}\n",
    );
    all(&both, &["repo add one URL/one", "search repo", "repo remove one", "repo list -o json"])?;
    let add = "repo add r URL/charts";
    equal("helm adds", both.run("helm", add)?.code, 0)?;
    equal("whipstaff adds", both.run("whipstaff", add)?.code, 0)?;
    both.repository.asked();
    all(
        &both,
        &[
            "repo add r URL/charts",
            "repo add r URL/other",
            "repo list",
            "repo list -o yaml",
            "repo list --no-headers",
            "pull r/shop -d OUT",
            "pull r/shop --version ^9",
            "pull r/none",
            "pull s/shop",
            "pull shop",
            "pull r/shop --untar -d OUT --untardir below",
            "pull r/shop --untar -d OUT --untardir below",
            "pull r/shop --verify -d OUT",
            "repo update s",
            "repo remove s",
            "repo remove r",
            "repo remove r",
        ],
    )
}

fn credentials(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "credentials")?;
    both.repository
        .put("/closed/index.yaml", "apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.0.0, urls: [a.tgz]}\n");
    both.repository.put("/closed/a.tgz", "no chart, but a file");
    all(
        &both,
        &[
            "repo add r URL/closed",
            "repo add r URL/closed --username u --password p",
            "repo add r URL/closed --username u --password q",
            "repo update",
            "pull r/a -d OUT",
            "pull a --repo URL/closed -d OUT",
            "pull a --repo URL/closed --username u --password p -d OUT",
            "repo add s URL/closed --ca-file /nonexistent --cert-file /none --key-file /none",
        ],
    )
}

fn wrong_indexes(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "wrong")?;
    for text in [
        "",
        "null",
        "{}",
        "<html></html>",
        "apiVersion: v1\nentries: []\n",
        "apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.0.0}\n  a: []\n",
        "apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.0.0, foo: bar}\n",
        "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0\n",
        "apiVersion: v1\nentries:\n  a:\n  - name: \"a\n",
        "{\"apiVersion\":\"v1\",\"entries\":{\"a\":[{\"name\":\"a\",\"version\":1}]}}",
    ] {
        both.repository.put("/wrong/index.yaml", text);
        both.same("repo add r URL/wrong").with_context(|| format!("an index of {text:?}"))?;
    }
    Ok(())
}

/// `repo index` writes the same, but for the times.
fn index(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "index")?;
    for tool in ["helm", "whipstaff"] {
        let out = both.root.join(tool).join("out");
        std::fs::create_dir_all(out.join("sub"))?;
        for (chart, path) in [("shop", "shop.tgz"), ("family", "family.tgz"), ("hooked", "sub/hooked.tgz")] {
            std::fs::write(out.join(path), archive::folder(&ctx.charts.join(chart))?)?;
        }
        std::fs::write(out.join("none.tgz"), "no chart")?;
        std::fs::write(
            out.join("old.yaml"),
            "apiVersion: v1\nentries:\n  z:\n  - {name: z, version: 0.1.0, urls: [u], created: '2020-01-01T00:00:00Z', engine: e}\n",
        )?;
    }
    for line in [
        "",
        " --url https://charts.example.com/x/",
        " --merge OUT/old.yaml",
        " --json",
        " --json --merge OUT/new.yaml",
        " --merge OUT/none.tgz",
    ] {
        let line = format!("repo index OUT{line}");
        let written = |tool: &str| -> Result<_> {
            let done = both.run(tool, &line)?;
            let text = std::fs::read_to_string(both.root.join(tool).join("out/index.yaml"))?;
            let is_time =
                |line: &&str| line.contains("created") && !line.contains("2020") || line.contains("generated");
            let lines: Vec<String> = text.lines().filter(|line| !is_time(line)).map(str::to_owned).collect();
            Ok((done.code, done.stderr.replace(&*both.root.join(tool).to_string_lossy(), "HOME"), lines))
        };
        equal("the index", written("whipstaff")?, written("helm")?).with_context(|| line.clone())?;
    }
    Ok(())
}
