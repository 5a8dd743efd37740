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
    /// The module's folder, and the name of the executable.
    name: &'static str,
    /// What `go build` builds.
    package: &'static str,
    /// What the linker is told.
    link: &'static str,
}

const FIXTURES: [Fixture; 5] = [
    Fixture { name: "kwok", package: "sigs.k8s.io/kwok/cmd/kwok", link: "-s -w" },
    Fixture {
        name: "helm",
        package: "helm.sh/helm/v4/cmd/helm",
        link: "-s -w -X helm.sh/helm/v4/internal/version.version=v4.3.1",
    },
    Fixture {
        name: "helm3",
        package: "helm.sh/helm/v3/cmd/helm",
        link: "-s -w -X helm.sh/helm/v3/internal/version.version=v3.17.2",
    },
    Fixture {
        name: "controlplane",
        package: ".",
        // Without a version the API server thinks that it is of a development build and refuses to start.
        link: "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
               -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
    },
    Fixture { name: "registry", package: "github.com/distribution/distribution/v3/cmd/registry", link: "-s -w" },
];

/// Helm's own packages, asked over pipes by `e2e/differential`.
const ORACLE: Fixture =
    Fixture { name: "oracle", package: ".", link: "-s -w -X helm.sh/helm/v4/internal/version.version=v4.3.1" };

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

/// Returns where a fixture is kept.
fn place(fixture: &Fixture, sources: &Path, cache: &Path) -> Result<PathBuf> {
    Ok(cache.join(format!("{}-{}", fixture.name, key(fixture, &sources.join(fixture.name))?)))
}

fn ensure(fixture: &Fixture, sources: &Path, cache: &Path) -> Result<PathBuf> {
    let source = sources.join(fixture.name);
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
        let fixture = |link| Fixture { name: "x", package: ".", link };
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
