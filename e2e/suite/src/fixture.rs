//! The Go programs that the suites run on: built once, kept outside the repository, found again by what they are made of.
//!
//! Each fixture is a Go module in `e2e/fixtures`. Its place in the cache carries a hash of its files and of how it is
//! built, so that a change makes a new one and nothing else does.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::process;

/// One program.
struct Fixture {
    /// The name of the executable.
    name: &'static str,
    /// The module's folder, where that has another name.
    folder: Option<&'static str>,
    /// What `go build` builds.
    package: &'static str,
    /// What the linker is told.
    link: &'static str,
}

impl Fixture {
    const fn of(name: &'static str, package: &'static str, link: &'static str) -> Self {
        Self { name, folder: None, package, link }
    }

    const fn within(folder: &'static str, name: &'static str, package: &'static str, link: &'static str) -> Self {
        Self { name, folder: Some(folder), package, link }
    }

    fn source(&self, sources: &Path) -> PathBuf {
        sources.join(self.folder.unwrap_or(self.name))
    }
}

const FIXTURES: [Fixture; 5] = [
    Fixture::of("kwok", "sigs.k8s.io/kwok/cmd/kwok", "-s -w"),
    Fixture::of("helm", "helm.sh/helm/v4/cmd/helm", "-s -w -X helm.sh/helm/v4/internal/version.version=v4.3.1"),
    Fixture::of("helm3", "helm.sh/helm/v3/cmd/helm", "-s -w -X helm.sh/helm/v3/internal/version.version=v3.17.2"),
    Fixture::of(
        "controlplane",
        ".",
        // Without a version the API server thinks that it is of a development build and refuses to start.
        "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
               -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
    ),
    Fixture::of("registry", "github.com/distribution/distribution/v3/cmd/registry", "-s -w"),
];

/// Without these Tiller does not look at the versions of its clients, and an old client dies of a commit that is too short.
const HELM2_LINK: &str = "-s -w -X k8s.io/helm/pkg/version.Version=v2.17.0 -X k8s.io/helm/pkg/version.BuildMetadata= \
                          -X k8s.io/helm/pkg/version.GitCommit=0000000000000000000000000000000000000000 \
                          -X k8s.io/helm/pkg/version.GitTreeState=clean";

/// Helm 2's client and server, its server over a cluster that accepts everything, and the client that this project began with.
const HELM2: [Fixture; 4] = [
    Fixture::of("helm2", "k8s.io/helm/cmd/helm", HELM2_LINK),
    Fixture::within("helm2", "tiller", "k8s.io/helm/cmd/tiller", HELM2_LINK),
    Fixture::within("helm2", "faketiller", "./faketiller", HELM2_LINK),
    Fixture::of(
        "helm2.9",
        "k8s.io/helm/cmd/helm",
        "-s -w -X k8s.io/helm/pkg/version.Version=v2.9.1 -X k8s.io/helm/pkg/version.BuildMetadata= \
               -X k8s.io/helm/pkg/version.GitCommit=0000000000000000000000000000000000000000",
    ),
];

/// Helm 2's own packages, asked over pipes by `e2e/differential`.
const HELM2_ENGINE: Fixture = Fixture::within("helm2", "helm2-engine", "./engine", HELM2_LINK);

/// Helm's own packages, asked over pipes by `e2e/differential`.
const ORACLE: Fixture = Fixture::of("oracle", ".", "-s -w -X helm.sh/helm/v4/internal/version.version=v4.3.1");

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Fixtures {
    /// etcd, the Kubernetes components, kubectl, and what starts them all.
    pub controlplane: PathBuf,
    /// The kubelet that only pretends.
    pub kwok: PathBuf,
    /// What kwok pretends.
    pub stages: PathBuf,
    /// Helm 4.3.1.
    pub helm: PathBuf,
    /// Helm 3.17.2.
    pub helm3: PathBuf,
    /// The registry of the distribution project; without it its own cases are left out, and no others.
    pub registry: Option<PathBuf>,
}

/// Where the programs of Helm 2 are.
#[derive(Clone, Debug)]
pub struct Helm2 {
    /// The client of Helm 2.17.
    pub helm: PathBuf,
    /// Tiller 2.17.
    pub tiller: PathBuf,
    /// Tiller 2.17 over a cluster that accepts everything.
    pub faketiller: PathBuf,
    /// The client of Helm 2.9.1.
    pub old: PathBuf,
}

/// Returns the version of the installed Go, or why there is none.
///
/// # Errors
///
/// Says what to install.
pub fn go() -> Result<String> {
    let output = process::run(Command::new("go").arg("version"), Duration::from_secs(60))
        .and_then(process::Output::success)
        .context(
            "Go is not installed: the real control plane and Helm are built with it (1.26 or later, https://go.dev/dl)",
        )?;
    Ok(output.text().trim().to_owned())
}

/// Returns the fixtures when the cache has all of them.
///
/// # Errors
///
/// When the modules cannot be read.
pub fn cached(root: &Path, cache: &Path) -> Result<Option<Fixtures>> {
    let sources = root.join("e2e/fixtures");
    for fixture in &FIXTURES {
        if !place(fixture, &sources, cache)?.join(fixture.name).exists() {
            return Ok(None);
        }
    }
    build(root, cache).map(Some)
}

/// Builds what the cache does not have yet.
///
/// # Errors
///
/// When Go is missing, or does not build a fixture.
pub fn build(root: &Path, cache: &Path) -> Result<Fixtures> {
    fs::create_dir_all(cache).with_context(|| format!("creating {}", cache.display()))?;
    // Two runs at once would build the same twice; the lock goes with the file handle.
    let lock = File::create(cache.join("lock"))?;
    lock.lock()?;
    let sources = root.join("e2e/fixtures");
    let [kwok, helm, helm3, controlplane, registry] =
        FIXTURES.each_ref().map(|fixture| ensure(fixture, &sources, cache));
    Ok(Fixtures {
        controlplane: controlplane?,
        kwok: kwok?,
        stages: sources.join("kwok/stages.yaml"),
        helm: helm?,
        helm3: helm3?,
        registry: registry.inspect_err(|error| println!("the registry was not built: {error:#}")).ok(),
    })
}

/// Builds the oracle, which only the differential program needs, and returns where it is.
///
/// # Errors
///
/// When Go is missing, or does not build it.
pub fn oracle(root: &Path, cache: &Path) -> Result<PathBuf> {
    fs::create_dir_all(cache).with_context(|| format!("creating {}", cache.display()))?;
    let lock = File::create(cache.join("lock"))?;
    lock.lock()?;
    ensure(&ORACLE, &root.join("e2e/fixtures"), cache)
}

/// Builds the programs of Helm 2, and returns where they are.
///
/// # Errors
///
/// When Go is missing, or does not build one of them.
pub fn helm2(root: &Path, cache: &Path) -> Result<Helm2> {
    fs::create_dir_all(cache).with_context(|| format!("creating {}", cache.display()))?;
    let lock = File::create(cache.join("lock"))?;
    lock.lock()?;
    let sources = root.join("e2e/fixtures");
    let [helm, tiller, faketiller, old] = HELM2.each_ref().map(|fixture| ensure(fixture, &sources, cache));
    Ok(Helm2 { helm: helm?, tiller: tiller?, faketiller: faketiller?, old: old? })
}

/// Builds Helm 2's own packages as a program that is asked over pipes, and returns where it is.
///
/// # Errors
///
/// When Go is missing, or does not build it.
pub fn helm2_engine(root: &Path, cache: &Path) -> Result<PathBuf> {
    fs::create_dir_all(cache).with_context(|| format!("creating {}", cache.display()))?;
    let lock = File::create(cache.join("lock"))?;
    lock.lock()?;
    ensure(&HELM2_ENGINE, &root.join("e2e/fixtures"), cache)
}

/// Returns where a fixture is kept.
fn place(fixture: &Fixture, sources: &Path, cache: &Path) -> Result<PathBuf> {
    Ok(cache.join(format!("{}-{}", fixture.name, key(fixture, &fixture.source(sources))?)))
}

fn ensure(fixture: &Fixture, sources: &Path, cache: &Path) -> Result<PathBuf> {
    let source = fixture.source(sources);
    let place = place(fixture, sources, cache)?;
    let executable = place.join(fixture.name);
    if executable.exists() {
        return Ok(executable);
    }
    let version = go()?;
    println!("building {} with {version}", fixture.name);
    let started = Instant::now();
    fs::create_dir_all(&place)?;
    let unfinished = place.join("unfinished");
    let mut command = Command::new("go");
    command
        .current_dir(&source)
        .env("GOFLAGS", "-mod=readonly -buildvcs=false")
        .env("GOWORK", "off")
        .args(["build", "-ldflags", fixture.link, "-o"])
        .args([&unfinished])
        .arg(fixture.package);
    process::run(&mut command, Duration::from_secs(40 * 60))?
        .success()
        .with_context(|| format!("building {} in {}", fixture.name, source.display()))?;
    fs::rename(unfinished, &executable)?;
    println!("building {} took {} s", fixture.name, started.elapsed().as_secs());
    remove_old(fixture, &place, cache)?;
    Ok(executable)
}

/// Hashes what decides about the program: the module's files but not kwok's configuration, and how it is built.
fn key(fixture: &Fixture, source: &Path) -> Result<String> {
    let mut files: Vec<PathBuf> = fs::read_dir(source)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    // A program of a folder below is made of what is there too.
    if let Some(folder) = fixture.package.strip_prefix("./") {
        for entry in fs::read_dir(source.join(folder))? {
            files.push(entry?.path());
        }
    }
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default();
        name == "go.mod" || name == "go.sum" || file.extension().is_some_and(|e| e == "go")
    });
    files.sort();
    if files.is_empty() {
        bail!("no Go module in {}", source.display());
    }
    let mut hash = Sha256::new();
    for part in [fixture.package, fixture.link, std::env::consts::OS, std::env::consts::ARCH] {
        hash.update(part);
        hash.update([0]);
    }
    for file in files {
        hash.update(file.file_name().unwrap_or_default().as_encoded_bytes());
        hash.update([0]);
        let bytes = fs::read(&file)?;
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    }
    Ok(hex::encode(&hash.finalize()[..8]))
}

/// Removes other builds of the same program that are older than two weeks: they are hundreds of megabytes.
fn remove_old(fixture: &Fixture, current: &Path, cache: &Path) -> Result<()> {
    let prefix = format!("{}-", fixture.name);
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        let ours = entry.file_name().to_string_lossy().starts_with(&prefix) && entry.path() != current;
        let old = entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age > Duration::from_secs(14 * 24 * 3600));
        if ours && old {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_follows_sources_and_flags_only() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let fixture = |link| Fixture::of("x", ".", link);
        let hash = |link| key(&fixture(link), folder.path()).unwrap();
        assert!(key(&fixture(""), folder.path()).is_err());
        write("go.mod", "module x");
        let first = hash("");
        write("stages.yaml", "a: b");
        assert_eq!(hash(""), first);
        assert_ne!(hash("-s"), first);
        write("main.go", "package main");
        assert_ne!(hash(""), first);
    }
}
