//! Bringing the subcharts that a chart names into its folder `charts/`, and the lock file up to date
//! (as Helm 4.3: `pkg/downloader/manager.go`).
//!
//! Everything is fetched into a folder of its own first, which `charts/` holds and no loader looks into. Only when all of
//! it is there, each archive is renamed into place and what is outdated is removed; so a process may die at any point, and
//! an archive in `charts/` is either the old or the new one.

mod gather;
mod lock;
mod place;
mod registry;
mod resolve;
mod wanted;

use std::path::Path;

use chart::text::io_error;
use chart::{Chart, LoadNotice, Lock};

use crate::error::Error;
use crate::fetch::Fetcher;
use crate::index::Notice;
use crate::oci::Registry;
use crate::pull::Home;
use gather::Gathering;
use resolve::Indexes;

/// What is told while subcharts are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// What Helm prints, with the end of its line.
    Print(String),
    /// What Helm logs.
    Log(String),
    /// Something of an index.
    Index(Notice),
    /// Something of how a chart was loaded.
    Load(LoadNotice),
}

/// Checks an archive, given with its name, against its provenance file.
pub type Check<'a> = dyn Fn(&str, &[u8], &[u8]) -> Result<(), String> + Sync + 'a;

/// How provenance files are looked at.
#[derive(Clone, Copy)]
pub struct Verify<'a> {
    /// An archive without one is refused.
    pub is_needed: bool,
    /// Checks an archive.
    pub check: &'a Check<'a>,
}

/// The time, as whoever asks tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// As a lock file says it: RFC 3339, as Go prints it.
    pub text: String,
    /// In seconds since 1970.
    pub seconds: i64,
    /// The time that all packed files get instead of their own, in seconds since 1970.
    pub stamp: Option<i64>,
}

/// A chart whose subcharts are fetched, and how.
pub struct Subcharts<'a> {
    /// The chart's folder.
    pub chart: &'a str,
    /// Where what is known of repositories is kept.
    pub home: &'a Home,
    /// What fetches from chart repositories.
    pub fetcher: &'a Fetcher,
    /// What speaks to registries.
    pub registry: &'a Registry,
    /// Indexes are taken as they are in the cache.
    pub skip_refresh: bool,
    /// More is told.
    pub verbose: bool,
    /// Whether provenance files are checked.
    pub verify: Option<Verify<'a>>,
    /// The time.
    pub now: Now,
}

impl Subcharts<'_> {
    /// Fetches the newest versions that `Chart.yaml` allows, and writes the lock file if it changes.
    ///
    /// # Errors
    /// When a repository, a chart or a version is not there, or cannot be fetched; `charts/` is as it was then.
    pub fn update(&self, tell: &mut dyn FnMut(Event)) -> Result<(), Error> {
        let chart = self.load(tell)?;
        self.update_of(&chart, tell)
    }

    /// Fetches just what the lock file says; without one it is [`Subcharts::update`].
    ///
    /// # Errors
    /// As [`Subcharts::update`], and when the lock file does not belong to `Chart.yaml`.
    pub fn build(&self, tell: &mut dyn FnMut(Event)) -> Result<(), Error> {
        let chart = self.load(tell)?;
        let Some(lock) = &chart.lock else { return self.update_of(&chart, tell) };
        let metadata = &chart.metadata;
        let mut wanted = metadata.dependencies.clone();
        let nil = |wanted: &[chart::Dependency]| lock::or_nil(wanted, metadata.empty_dependencies).map(<[_]>::to_vec);
        // Helm 2 made its digest before names became URLs.
        let old = lock::old_digest(nil(&wanted).as_deref())?;
        let file = wanted::repositories(self)?;
        wanted::named(self, &file, &mut wanted, tell)?;
        let locked = lock::or_nil(&lock.dependencies, lock.empty_dependencies);
        if lock::digest(nil(&wanted).as_deref(), locked)? != lock.digest {
            if metadata.api_version != "v1" {
                return Err(Error::text(
                    "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the \
                     dependencies with 'helm dependency update'",
                ));
            }
            tell(Event::Log(
                "warning: a valid Helm v3 hash was not found. Checking against Helm v2 hash...".to_owned(),
            ));
            if old != lock.digest {
                return Err(Error::text(
                    "the lock file (requirements.lock) is out of sync with the dependencies file (requirements.yaml). Please \
                     update the dependencies",
                ));
            }
        }
        wanted::check_known(&file, &lock.dependencies)?;
        if !self.skip_refresh {
            wanted::refresh_all(self, &file, tell)?;
        }
        Gathering::new(self, file, Indexes::default()).run(&lock.dependencies, tell)?;
        Ok(())
    }

    fn update_of(&self, chart: &Chart, tell: &mut dyn FnMut(Event)) -> Result<(), Error> {
        let metadata = &chart.metadata;
        if metadata.dependencies.is_empty() && !metadata.empty_dependencies {
            return Ok(());
        }
        let mut wanted = metadata.dependencies.clone();
        let file = wanted::repositories(self)?;
        let mut names = wanted::named(self, &file, &mut wanted, tell)?;
        wanted::unmanaged(self, &mut names, &wanted, tell)?;
        if !self.skip_refresh {
            wanted::refresh_all(self, &file, tell)?;
        }
        let mut indexes = Indexes::default();
        let locked = resolve::locked(self, &wanted, &names, &mut indexes, tell)?;
        let locked = Gathering::new(self, file, indexes).run(&locked, tell)?;
        let digest = lock::digest(Some(&wanted), Some(&locked))?;
        if chart.lock.as_ref().is_some_and(|lock| lock.digest == digest) {
            return Ok(());
        }
        let lock = Lock { generated: self.now.text.clone(), digest, dependencies: locked, empty_dependencies: true };
        lock::write(self.chart, lock::file_name(metadata), &lock)
    }

    /// Loads the chart.
    fn load(&self, tell: &mut dyn FnMut(Event)) -> Result<Chart, Error> {
        match Path::new(self.chart).metadata() {
            Err(error) => {
                let path = self.chart;
                Err(Error::text(format!("could not find {path}: stat {path}: {}", io_error(&error))))
            }
            Ok(kind) if !kind.is_dir() => Err(Error::text("only unpacked charts can be updated")),
            Ok(_) => load_folder(self.chart, tell),
        }
    }
}

/// Loads the chart of a folder, whatever version it has (as Helm 4.3: `pkg/chart/v2/loader.LoadDir`).
fn load_folder(path: &str, tell: &mut dyn FnMut(Event)) -> Result<Chart, Error> {
    if !Path::new(path).is_dir() {
        return Err(Error::text("Chart.yaml file is missing"));
    }
    chart::load_path_telling(Path::new(path), true, &mut |notice| tell(Event::Load(notice)))
        .map_err(|error| Error::text(error.to_string()))
}

/// Refuses the name of a subchart that would lead out of `charts/`.
fn check_name(name: &str) -> Result<(), Error> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\\', '\0']) {
        return Err(Error::text(format!(
            "{} is no name that a chart in charts/ can have: give the dependency the name of its chart",
            chart::text::quote(name)
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
