//! Programs from the registries of other languages, and what they make of our document: fetched and made once, kept beside
//! the other fixtures, found again by what they are made of. Their versions stand here and nowhere else.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::process::{self, Output};
use crate::runner::Foreign;

/// What makes clients of the document.
const GENERATOR: &str = "org.openapitools:openapi-generator-cli:7.25.0";
/// What the Python client needs.
const PYTHON: [&str; 4] =
    ["urllib3==2.7.0", "python-dateutil==2.9.0.post0", "pydantic==2.12.5", "typing-extensions==4.15.0"];
/// What asks the server whatever the document allows, and what it does not.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// What has rules for documents.
const REDOCLY: &str = "@redocly/cli@2.77.0";

/// How long a registry may take.
const FETCH: Duration = Duration::from_secs(600);

/// The place of these programs.
pub(crate) struct Tools<'a> {
    cache: &'a Path,
    root: &'a Path,
}

impl<'a> Tools<'a> {
    pub(crate) fn new(cache: &'a Path, root: &'a Path) -> Self {
        Self { cache, root }
    }

    /// The document that is checked in.
    pub(crate) fn document(&self) -> PathBuf {
        self.root.join("openapi/whipstaff.json")
    }

    /// A folder of the cache, which `make` fills when there is none of these parts.
    fn ensure(&self, name: &str, parts: &[&[u8]], make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        let place = self.cache.join(format!("{name}-{}", hex::encode(&hash.finalize()[..8])));
        fs::create_dir_all(self.cache).with_context(|| format!("creating {}", self.cache.display()))?;
        // Two at once would make the same twice; the lock goes with the file handle.
        let lock = File::create(self.cache.join(format!("{name}.lock")))?;
        lock.lock()?;
        if place.join("whole").exists() {
            return Ok(place);
        }
        println!("making {name}");
        // In its place from the start: what is installed may hold its own path. What was left half way begins anew.
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        fs::create_dir_all(&place)?;
        make(&place).with_context(|| format!("making {name} in {}", place.display()))?;
        File::create(place.join("whole"))?;
        self.remove_others(name, &place)?;
        Ok(place)
    }

    /// The same of what a registry has, which may not answer.
    fn fetch(&self, name: &str, parts: &[&[u8]], make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        self.ensure(name, parts, make).map_err(|error| Foreign(format!("{error:#}")).into())
    }

    /// Removes what was made of other parts: the document changes often.
    fn remove_others(&self, name: &str, current: &Path) -> Result<()> {
        for entry in fs::read_dir(self.cache)? {
            let entry = entry?;
            let ours = entry.file_name().to_string_lossy().strip_prefix(&format!("{name}-")).is_some_and(is_hash);
            if ours && entry.path() != current && entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// A Python with packages.
    fn python(&self, name: &str, packages: &[&str]) -> Result<PathBuf> {
        need("python3", "--version")?;
        let parts: Vec<&[u8]> = packages.iter().map(|package| package.as_bytes()).collect();
        let place = self.fetch(name, &parts, |place| {
            run(Command::new("python3").args(["-m", "venv"]).arg(place.join("venv")))?;
            run(Command::new(place.join("venv/bin/pip")).args(["install", "--quiet"]).args(packages))?;
            Ok(())
        })?;
        Ok(place.join("venv/bin"))
    }

    /// The program that asks the server whatever the document allows.
    pub(crate) fn schemathesis(&self) -> Result<PathBuf> {
        Ok(self.python("schemathesis", &[SCHEMATHESIS])?.join("schemathesis"))
    }

    /// The program that has rules for documents.
    pub(crate) fn redocly(&self) -> Result<PathBuf> {
        need("npm", "--version")?;
        let place = self.fetch("redocly", &[REDOCLY.as_bytes()], |place| {
            fs::write(place.join("package.json"), "{\"private\": true}\n")?;
            run(Command::new("npm").current_dir(place).args(["install", "--silent", REDOCLY]))?;
            Ok(())
        })?;
        Ok(place.join("node_modules/.bin/redocly"))
    }

    /// The generator's jar.
    fn generator(&self) -> Result<PathBuf> {
        need("java", "-version")?;
        need("mvn", "-version")?;
        let place = self.fetch("openapi-generator", &[GENERATOR.as_bytes()], |place| {
            let mut command = Command::new("mvn");
            command.args([
                "--batch-mode",
                "--quiet",
                "dependency:copy",
                "-Dmdep.useBaseVersion=true",
                "-Dmdep.stripVersion=true",
            ]);
            command.arg(format!("-Dartifact={GENERATOR}")).arg(format!("-DoutputDirectory={}", place.display()));
            run(command.current_dir(place))?;
            Ok(())
        })?;
        Ok(place.join("openapi-generator-cli.jar"))
    }

    /// A client in one language with our script beside it, ready to run. The folder of `e2e/clients` has its files; `finish`
    /// gets them with the generated client in `whipstaff`.
    fn client(&self, language: &str, options: &[&str], finish: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let jar = self.generator()?;
        let scripts = self.root.join("e2e/clients").join(language);
        let document = fs::read(self.document())?;
        let mut files = Vec::new();
        for entry in fs::read_dir(&scripts)? {
            let path = entry?.path();
            files.push((path.file_name().unwrap_or_default().to_owned(), fs::read(path)?));
        }
        files.sort();
        let mut parts: Vec<&[u8]> = vec![GENERATOR.as_bytes(), &document];
        parts.extend(options.iter().map(|option| option.as_bytes()));
        parts.extend(files.iter().flat_map(|(name, bytes)| [name.as_encoded_bytes(), bytes.as_slice()]));
        self.ensure(&format!("client-{language}"), &parts, |place| {
            let mut command = Command::new("java");
            command.arg("-jar").arg(jar).args(["generate", "--input-spec"]).arg(self.document());
            command.args(options).arg("--output").arg(place.join("whipstaff"));
            run(&mut command)?;
            for (name, bytes) in &files {
                fs::write(place.join(name), bytes)?;
            }
            finish(place)
        })
    }

    /// The client in Python, as a command.
    pub(crate) fn python_client(&self) -> Result<Command> {
        let python = self.python("python-of-client", &PYTHON)?.join("python");
        let place = self.client("python", &["-g", "python", "--package-name", "whipstaff"], |_| Ok(()))?;
        let mut command = Command::new(python);
        command.env("PYTHONPATH", place.join("whipstaff")).arg(place.join("client.py"));
        Ok(command)
    }

    /// The client in TypeScript, as a command.
    pub(crate) fn typescript_client(&self) -> Result<Command> {
        need("npm", "--version")?;
        let options = ["-g", "typescript-fetch", "--additional-properties=importFileExtension=.js"];
        let place = self.client("typescript", &options, |place| {
            run(Command::new("npm").current_dir(place).args(["install", "--silent"]))?;
            run(Command::new(place.join("node_modules/.bin/tsc")).current_dir(place))?;
            Ok(())
        })?;
        let mut command = Command::new("node");
        command.arg(place.join("dist/client.js"));
        Ok(command)
    }

    /// The client in Go, as a command.
    pub(crate) fn go_client(&self) -> Result<Command> {
        need("go", "version")?;
        let options = [
            "-g",
            "go",
            "--package-name=whipstaff",
            "--additional-properties=enumClassPrefix=true",
            "--git-host=whipstaff.invalid",
            "--git-user-id=clients",
            "--git-repo-id=go",
        ];
        let place = self.client("go", &options, |place| {
            // The generator's own tests need more modules than the client.
            let tests = place.join("whipstaff/test");
            if tests.exists() {
                fs::remove_dir_all(tests)?;
            }
            let mut command = Command::new("go");
            command.current_dir(place).env("GOFLAGS", "-mod=mod -buildvcs=false").env("GOWORK", "off");
            run(command.args(["build", "-o", "client", "."]))?;
            Ok(())
        })?;
        Ok(Command::new(place.join("client")))
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn run(command: &mut Command) -> Result<Output> {
    process::run(command, FETCH)?.success()
}

/// Skips the case when a program is not installed.
fn need(program: &str, version: &str) -> Result<()> {
    let found = process::run(Command::new(program).arg(version), Duration::from_secs(60)).and_then(Output::success);
    found.map(|_| ()).map_err(|_| Foreign(format!("`{program}` is not installed")).into())
}
