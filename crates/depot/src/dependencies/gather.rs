//! Fetching all subcharts into a folder beside those that are there (as Helm 4.3: `pkg/downloader/manager.go downloadAll`).

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chart::semver::Version;
use chart::text::{io_error, quote};
use chart::{Dependency, package};

use super::resolve::{Indexes, constraint, local_path};
use super::{Event, Subcharts, Verify, check_name, load_folder, place, registry, wanted};
use crate::each::{Turn, each};
use crate::error::Error;
use crate::fetch::Access;
use crate::pull::{self, Found};
use crate::repositories::Repositories;
use crate::{names, url};

/// How many archives are fetched at once; each may need as much memory as it is large.
const AT_ONCE: usize = 4;

/// How a dependency is had.
enum Way {
    /// It is in `charts/` already.
    Here,
    /// It is a folder elsewhere, which is packed.
    Folder,
    /// It is fetched.
    Fetch(Found),
    /// It is fetched from a registry.
    Pull(registry::Wanted),
    /// It is fetched already, for another dependency.
    Again,
    /// An index leads to a registry in a way that says nothing.
    Lost(Error),
    /// It cannot be had.
    Wrong(Error),
}

/// A dependency and how it is had.
struct Item<'a> {
    at: usize,
    dependency: &'a Dependency,
    way: Way,
}

/// What was fetched.
pub(super) struct Fetched {
    pub(super) name: String,
    pub(super) file: PathBuf,
    pub(super) proof: Option<Result<Vec<u8>, Error>>,
    /// What is printed about it.
    pub(super) told: String,
}

/// Why it ends. Helm prints most errors once more before it ends with them.
enum Stop {
    Silent(Error),
    Told(Error),
}

/// The dependencies of a chart on their way.
pub(super) struct Gathering<'a> {
    task: &'a Subcharts<'a>,
    file: Repositories,
    indexes: Indexes,
    charts: String,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(task: &'a Subcharts<'a>, file: Repositories, indexes: Indexes) -> Self {
        Self { task, file, indexes, charts: names::join(&[task.chart, "charts"]) }
    }

    /// Fetches what is locked, and puts it into `charts/`; gives what is locked with the versions of folders.
    pub(super) fn run(mut self, locked: &[Dependency], tell: &mut dyn FnMut(Event)) -> Result<Vec<Dependency>, Error> {
        let names: Vec<String> = self.file.list().iter().map(|known| known.name.clone()).collect();
        for name in &names {
            self.indexes.get(self.task, name, tell)?;
        }
        place::make(self.task.chart, &self.charts)?;
        let failed = Error::file("mkdir", Path::new(&self.charts));
        let folder = tempfile::Builder::new().prefix(place::TEMPORARY).tempdir_in(&self.charts).map_err(failed)?;
        let parts = folder.path().join(".parts");
        fs::create_dir(&parts).map_err(Error::file("mkdir", &parts))?;
        tell(Event::Print(format!("Saving {} charts\n", locked.len())));
        let items = self.items(locked, tell);
        let mut done = locked.to_vec();
        let gathered = each(
            &items,
            AT_ONCE,
            |item| match &item.way {
                Way::Fetch(found) => self.fetch(found, parts.join(item.at.to_string())).map(Some),
                Way::Pull(wanted) => wanted.fetch(self.task, parts.join(item.at.to_string())).map(Some),
                _ => Ok(None),
            },
            |item, turn| match turn {
                Turn::Begins => {
                    self.announce(item, tell);
                    Ok(())
                }
                Turn::Done(fetched) => {
                    if let Some(version) = self.take(item, fetched, folder.path(), tell)?
                        && let Some(dependency) = done.get_mut(item.at)
                    {
                        dependency.version = version;
                    }
                    Ok(())
                }
            },
        );
        match gathered {
            Ok(()) => {}
            Err(Stop::Silent(error)) => return Err(error),
            Err(Stop::Told(error)) => {
                tell(Event::Print(format!("Save error occurred:  {error}\n")));
                return Err(error);
            }
        }
        // The folder by the path that it was asked for, which is what is shown.
        let shown = folder.path().file_name().map(|name| Path::new(&self.charts).join(name));
        place::all(shown.as_deref().unwrap_or(folder.path()), &self.charts, locked, tell)?;
        Ok(done)
    }

    /// Finds how each dependency is had, up to the first that cannot be.
    fn items<'d>(&mut self, locked: &'d [Dependency], tell: &mut dyn FnMut(Event)) -> Vec<Item<'d>> {
        let mut items = Vec::with_capacity(locked.len());
        let mut seen = BTreeSet::new();
        for (at, dependency) in locked.iter().enumerate() {
            let way = match dependency.repository.as_str() {
                "" => Way::Here,
                repository if repository.starts_with("file://") => Way::Folder,
                repository if registry::is_registry(repository) => Way::Pull(registry::Wanted::of(dependency)),
                _ => match self.find(dependency, tell) {
                    Ok(found) => match registry::Wanted::led_to(&found) {
                        Ok(Some(wanted)) => Way::Pull(wanted),
                        Ok(None) if !seen.insert(found.url.clone()) => Way::Again,
                        Ok(None) => Way::Fetch(found),
                        Err(error) => Way::Lost(error),
                    },
                    Err(error) => Way::Wrong(error),
                },
            };
            let is_wrong = matches!(way, Way::Wrong(_) | Way::Lost(_));
            items.push(Item { at, dependency, way });
            if is_wrong {
                break;
            }
        }
        items
    }

    /// Finds where a chart is fetched from.
    fn find(&mut self, dependency: &Dependency, tell: &mut dyn FnMut(Event)) -> Result<Found, Error> {
        let Dependency { name, version, repository, .. } = dependency;
        let lost = |error: Error| Error::text(format!("could not find : {error}"));
        let Some(known) = self.file.list().iter().find(|known| url::equal(repository, &known.url)) else {
            return self.find_unmanaged(dependency, tell).map_err(|error| {
                let shown = url::redacted(repository);
                lost(Error::text(format!("chart {name} not found in {shown}: {error}")))
            });
        };
        let versions = self.indexes.get(self.task, &known.name, tell)?.versions(name);
        let versions = versions.ok_or_else(|| lost(Error::text("entry not found")))?;
        let is_it = |found: &&crate::index::Version<'_>| {
            found.urls().next().is_some() && (version.is_empty() || equal(version, found.version()))
        };
        let found = versions.iter().find(is_it).ok_or_else(|| lost(Error::text("no matching version")))?;
        let reference = found.urls().next().unwrap_or_default();
        let url = url::resolve(repository, reference).map_err(|error| lost(Error::text(error)))?;
        Ok(Found { url, digest: found.digest().to_owned(), access: known.access() })
    }

    /// Finds a chart in a repository that nobody added. Its index was just fetched, so that is not done again.
    fn find_unmanaged(&mut self, dependency: &Dependency, tell: &mut dyn FnMut(Event)) -> Result<Found, Error> {
        let Dependency { name, version, repository, .. } = dependency;
        let access = Access { url: repository.clone(), ..Access::default() };
        let kept = wanted::unmanaged_name(repository);
        let mut notices = |notice| tell(Event::Index(notice));
        if self.task.skip_refresh {
            let Subcharts { home, fetcher, .. } = self.task;
            return pull::find_in(home, repository, name, version, &access, fetcher, &mut notices);
        }
        let index = self.indexes.get(self.task, &kept, &mut |_| {})?;
        pull::find_at(index, repository, name, version, &access, &mut notices)
    }

    /// Fetches an archive into a file, and its provenance file if that is wanted.
    fn fetch(&self, found: &Found, file: PathBuf) -> Result<Fetched, Error> {
        let Subcharts { home, fetcher, .. } = self.task;
        let name = found.file_name()?;
        let bytes = found.download(home, fetcher)?;
        fs::write(&file, bytes).map_err(Error::file("open", &file))?;
        let proof = self.task.verify.is_some().then(|| found.proof(home, fetcher));
        Ok(Fetched { name, file, proof, told: String::new() })
    }

    fn announce(&self, item: &Item<'_>, tell: &mut dyn FnMut(Event)) {
        let Dependency { name, repository, .. } = item.dependency;
        let repository = url::redacted(repository);
        let text = match &item.way {
            Way::Here => {
                format!("Dependency {name} did not declare a repository. Assuming it exists in the charts directory\n")
            }
            Way::Folder if self.task.verbose => format!("Archiving {name} from repo {repository}\n"),
            Way::Fetch(_) | Way::Pull(_) | Way::Lost(_) => format!("Downloading {name} from repo {repository}\n"),
            Way::Again => format!("Already downloaded {name} from repo {repository}\n"),
            Way::Folder | Way::Wrong(_) => return,
        };
        tell(Event::Print(text));
    }

    /// Puts a dependency into the temporary folder; gives its version if that was not known before.
    fn take(
        &self,
        item: &Item<'_>,
        fetched: Result<Option<Fetched>, Error>,
        folder: &Path,
        tell: &mut dyn FnMut(Event),
    ) -> Result<Option<String>, Stop> {
        match &item.way {
            Way::Here => self.check(item.dependency, tell).map(|()| None),
            Way::Folder => self.pack(item.dependency, folder, tell).map(Some).map_err(Stop::Told),
            Way::Again => Ok(None),
            Way::Wrong(error) => Err(Stop::Told(Error::text(error.to_string()))),
            Way::Lost(error) => Err(Stop::Silent(Error::text(error.to_string()))),
            Way::Fetch(found) => self.took(&found.url, &found.proof_url(), fetched, folder, tell),
            Way::Pull(wanted) => self.took(&wanted.place, &wanted.proof_url(), fetched, folder, tell),
        }
    }

    /// Puts what was fetched into the temporary folder.
    fn took(
        &self,
        url: &str,
        proof_url: &str,
        fetched: Result<Option<Fetched>, Error>,
        folder: &Path,
        tell: &mut dyn FnMut(Event),
    ) -> Result<Option<String>, Stop> {
        let (shown, proof) = (url::redacted(url), url::redacted(proof_url));
        let failed = |error: Error| Stop::Told(Error::text(format!("could not download {shown}: {error}")));
        let Some(fetched) = fetched.map_err(failed)? else { return Ok(None) };
        if !fetched.told.is_empty() {
            tell(Event::Print(fetched.told.clone()));
        }
        keep(self.task.verify, (&shown, &proof), fetched, folder, tell).map(|()| None).map_err(failed)
    }

    /// Checks that a chart in `charts/` is of a version that is wanted.
    fn check(&self, dependency: &Dependency, tell: &mut dyn FnMut(Event)) -> Result<(), Stop> {
        let Dependency { name, version: wanted, .. } = dependency;
        check_name(name).map_err(Stop::Silent)?;
        let path = names::join(&[&self.charts, name]);
        let chart = load_folder(&path, tell)
            .map_err(|error| Stop::Silent(Error::text(format!("unable to load chart '{path}': {error}"))))?;
        let constraint = constraint(name, wanted).map_err(Stop::Silent)?;
        let version = &chart.metadata.version;
        let parsed = Version::parse(version).map_err(|error| {
            Stop::Silent(Error::text(format!("invalid version {wanted} for dependency {name}: {error}")))
        })?;
        if constraint.check(&parsed) {
            return Ok(());
        }
        Err(Stop::Told(Error::text(format!(
            "dependency {name} at version {version} does not satisfy the constraint {wanted}"
        ))))
    }

    /// Packs a chart's folder; gives its version.
    fn pack(&self, dependency: &Dependency, folder: &Path, tell: &mut dyn FnMut(Event)) -> Result<String, Error> {
        let Dependency { name, version, repository, .. } = dependency;
        let mut chart = load_folder(&local_path(repository, self.task.chart)?, tell)?;
        let now = &self.task.now;
        if let Some(seconds) = now.stamp {
            package::stamp(&mut chart, seconds);
        }
        let constraint = constraint(name, version)?;
        let own = Version::parse(&chart.metadata.version).map_err(|error| Error::text(error.to_string()))?;
        if !constraint.check(&own) {
            return Err(Error::text(format!("can't get a valid version for dependency {name}")));
        }
        let failed = |error: package::PackageError| Error::text(error.to_string());
        let file = folder.join(package::file_name(&mut chart).map_err(failed)?);
        let archive = package::archive(&chart, now.seconds).map_err(failed)?;
        fs::write(&file, archive).map_err(Error::file("open", &file))?;
        Ok(chart.metadata.version)
    }
}

/// Gives an archive that was fetched its name, once it is known to be good.
fn keep(
    verify: Option<Verify<'_>>,
    (url, proof_url): (&str, &str),
    fetched: Fetched,
    folder: &Path,
    tell: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    let Fetched { name, file, proof, .. } = fetched;
    if let (Some(Verify { is_needed, check }), Some(proof)) = (verify, proof) {
        match proof {
            Err(_) if is_needed => {
                return Err(Error::text(format!("failed to fetch provenance {}", quote(proof_url))));
            }
            Err(error) => {
                tell(Event::Print(format!("WARNING: Verification not found for {url}: {error}\n")));
            }
            Ok(proof) => {
                let archive = fs::read(&file).map_err(Error::file("open", &file))?;
                check(&name, &archive, &proof).map_err(Error::text)?;
            }
        }
    }
    let named = folder.join(&name);
    match fs::rename(&file, &named) {
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            Err(Error::text(format!("the archive cannot be called {}: {}", quote(&name), io_error(&error))))
        }
        renamed => renamed.map_err(Error::file("rename", &named)),
    }
}

/// Tells whether two texts are the same version (as Helm 4.3: `pkg/downloader/manager.go versionEquals`).
fn equal(a: &str, b: &str) -> bool {
    match (Version::parse(a), Version::parse(b)) {
        (Ok(a), Ok(b)) => a.compare(&b).is_eq(),
        (Err(_), _) => a == b,
        (Ok(_), Err(_)) => false,
    }
}
