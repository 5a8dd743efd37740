//! What a chart wants and in which repositories that is (as Helm 4.3: `pkg/downloader/manager.go`).

use std::collections::BTreeMap;

use chart::Dependency;
use sha2::{Digest, Sha256};

use super::registry::is_registry;
use super::{Event, Subcharts, resolve};
use crate::each::{Turn, each};
use crate::error::Error;
use crate::refresh::{Refreshed, refresh};
use crate::repositories::{Repositories, Repository};
use crate::{pull, url};

/// What indexes of repositories that nobody added are called in the cache, before a hash of their URL.
const UNMANAGED: &str = "helm-manager-";
/// How many indexes are fetched at once.
const AT_ONCE: usize = 8;

/// Says of what is neither a URL nor an alias what it has to be.
const NO_URL: &str = "
Note that repositories must be URLs or aliases. For example, to refer to the \"example\"
repository, use \"https://charts.example.com/\" or \"@example\" instead of
\"example\". Don't forget to add the repo, too ('helm repo add').";

/// Reads which repositories there are.
pub(super) fn repositories(task: &Subcharts<'_>) -> Result<Repositories, Error> {
    let file = match Repositories::read(&task.home.repositories) {
        Err(error) if error.is_missing() => Repositories::default(),
        read => read?,
    };
    match &file.problem {
        Some(problem) => Err(Error::text(problem.clone())),
        None => Ok(file),
    }
}

/// Finds the name under which the index of each dependency's repository is kept, and puts URLs where aliases were.
pub(super) fn named(
    task: &Subcharts<'_>,
    file: &Repositories,
    wanted: &mut [Dependency],
    tell: &mut dyn FnMut(Event),
) -> Result<BTreeMap<String, String>, Error> {
    let mut names = BTreeMap::new();
    let mut missing = Vec::new();
    for dependency in wanted {
        let repository = dependency.repository.clone();
        if repository.is_empty() {
            continue;
        }
        if repository.starts_with("file://") {
            resolve::local_path(&repository, task.chart)?;
            if task.verbose {
                tell(Event::Print(format!("Repository from local path: {repository}\n")));
            }
            names.insert(dependency.name.clone(), repository);
            continue;
        }
        if is_registry(&repository) {
            names.insert(dependency.name.clone(), repository);
            continue;
        }
        let alias = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
        match file.list().iter().find(|known| alias == Some(&known.name) || url::equal(&known.url, &repository)) {
            Some(known) => {
                if alias == Some(&known.name) {
                    dependency.repository.clone_from(&known.url);
                }
                names.insert(dependency.name.clone(), known.name.clone());
            }
            None if url::parse(&repository).is_ok_and(|url| url.is_absolute() || repository.starts_with('/')) => {}
            None => missing.push(repository),
        }
    }
    if missing.is_empty() {
        return Ok(names);
    }
    let mut text = format!("no repository definition for {}. Please add them via 'helm repo add'", missing.join(", "));
    let is_name = |text: &String| !text.contains("//") && !text.starts_with('@') && !text.starts_with("alias:");
    if missing.iter().any(is_name) {
        text.push_str(NO_URL);
    }
    Err(Error::text(text))
}

/// Refuses a lock file that names repositories that nobody added.
pub(super) fn check_known(file: &Repositories, locked: &[Dependency]) -> Result<(), Error> {
    let is_known = |repository: &str| {
        repository.is_empty()
            || repository.starts_with("file://")
            || is_registry(repository)
            || file
                .list()
                .iter()
                .any(|known| url::equal(&known.url, repository.strip_suffix('/').unwrap_or(repository)))
    };
    let missing = locked.iter().map(|dependency| dependency.repository.as_str()).filter(|text| !is_known(text));
    let missing: Vec<String> = missing.map(url::redacted).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(Error::text(format!(
        "no repository definition for {missing}. Please add the missing repos via 'helm repo add'"
    )))
}

/// Names the indexes of repositories that nobody added, and fetches these.
pub(super) fn unmanaged(
    task: &Subcharts<'_>,
    names: &mut BTreeMap<String, String>,
    wanted: &[Dependency],
    tell: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    let mut new = Vec::new();
    for dependency in wanted.iter().filter(|dependency| !dependency.repository.is_empty()) {
        if names.contains_key(&dependency.name) {
            continue;
        }
        let name = unmanaged_name(&dependency.repository);
        names.insert(dependency.name.clone(), name.clone());
        new.push(Repository { name, url: dependency.repository.clone(), ..Repository::default() });
    }
    if task.skip_refresh || new.is_empty() {
        return Ok(());
    }
    tell(Event::Print("Getting updates for unmanaged Helm repositories...\n".to_owned()));
    fetch(task, &new, tell)
}

/// Gives the name that the index of a repository has in the cache when nobody added it.
pub(super) fn unmanaged_name(repository: &str) -> String {
    format!("{UNMANAGED}{}", hex::encode(Sha256::digest(repository)))
}

/// Fetches the indexes of all repositories that were added.
pub(super) fn refresh_all(task: &Subcharts<'_>, file: &Repositories, tell: &mut dyn FnMut(Event)) -> Result<(), Error> {
    if file.list().is_empty() {
        return Ok(());
    }
    tell(Event::Print("Hang tight while we grab the latest from your chart repositories...\n".to_owned()));
    fetch(task, file.list(), tell)?;
    tell(Event::Print("Update Complete. ⎈Happy Helming!⎈\n".to_owned()));
    Ok(())
}

/// Fetches indexes, of each URL once. That one cannot be had is told, and no error: an older one may do.
fn fetch(task: &Subcharts<'_>, repositories: &[Repository], tell: &mut dyn FnMut(Event)) -> Result<(), Error> {
    let bare = |repository: &Repository| repository.url.strip_suffix('/').unwrap_or(&repository.url).to_owned();
    // As with Helm, the last of several is the one that counts.
    let last: BTreeMap<String, usize> = repositories.iter().enumerate().map(|(at, one)| (bare(one), at)).collect();
    let is_last = |(at, one): &(usize, &Repository)| last.get(&bare(one)) == Some(at);
    let wanted: Vec<&Repository> = repositories.iter().enumerate().filter(is_last).map(|(_, one)| one).collect();
    wanted.iter().try_for_each(|repository| pull::check_scheme(&repository.url))?;
    each(
        &wanted,
        AT_ONCE,
        |repository| refresh(&task.home.cache, repository, task.fetcher),
        |repository, turn| {
            let Turn::Done(result) = turn else { return Ok(()) };
            let url = url::redacted(&repository.url);
            let is_unmanaged = repository.name.starts_with(UNMANAGED);
            let name = chart::text::quote(if is_unmanaged { &url } else { &repository.name });
            let text = match result {
                Ok(refreshed) => {
                    if let Refreshed::New(index) = &refreshed {
                        pull::tell_skipped(index, &url, &mut |notice| tell(Event::Index(notice)));
                    }
                    format!("...Successfully got an update from the {name} chart repository\n")
                }
                Err(error) if is_unmanaged => {
                    format!("...Unable to get an update from the {name} chart repository:\n\t{error}\n")
                }
                Err(error) => {
                    format!("...Unable to get an update from the {name} chart repository ({url}):\n\t{error}\n")
                }
            };
            tell(Event::Print(text));
            Ok(())
        },
    )
}
