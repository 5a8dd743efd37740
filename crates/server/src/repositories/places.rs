//! Charts by their place in a registry, without the name of a repository.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::{InputError, Problem, Reason};
use depot::oci::{Reference, SCHEME};

use super::catalog::Row;
use super::live::Live;
use super::store::Stored;
use super::{Fetched, Repositories, problems};

/// How many places are remembered that no repository stands for.
const MANY: usize = 256;

/// Places in registries that the operator allows without a repository.
pub(super) struct Places {
    allowed: Vec<String>,
    lives: Mutex<HashMap<String, Arc<Live>>>,
}

impl Places {
    pub(super) fn new(allowed: &[String]) -> Self {
        let bare = |place: &String| place.strip_prefix(SCHEME).unwrap_or(place).to_owned();
        Self { allowed: allowed.iter().map(bare).collect(), lives: Mutex::default() }
    }

    /// The place above a chart in a registry, if the operator allows it.
    fn find(&self, place: &str) -> Option<Arc<Live>> {
        if !self.allowed.iter().any(|allowed| is_below(place, allowed)) {
            return None;
        }
        let (url, _) = place.rsplit_once('/')?;
        let mut places = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = places.get(url) {
            return Some(Arc::clone(live));
        }
        if places.len() >= MANY {
            places.clear();
        }
        let live = Arc::new(Live::new(Stored::anonymous(url)));
        places.insert(url.to_owned(), Arc::clone(&live));
        Some(live)
    }
}

impl Repositories {
    /// A chart from a registry: `oci://host/path/name`, below a kept repository (whose credentials are used) or below a place that the
    /// operator allows, where nobody says who they are.
    pub(crate) async fn oci(&self, reference: &str, version: &str) -> Result<Fetched, Box<Problem>> {
        let (place, wanted) = taken_apart(reference, version)?;
        let live = match self.below(reference) {
            Some(name) => self.find(&name).await?,
            None => self.places.find(&place).ok_or_else(|| {
                let text = format!(
                    "`{reference}` is neither below a repository that is kept here (`/v1/repositories`) nor where who runs the server \
                     allows it (`--allow-registries`)"
                );
                Box::new(Problem::new(Reason::RepositoryForbidden, text))
            })?,
        };
        let below = live.settings.below().unwrap_or_default().to_ascii_lowercase();
        let place = place.trim_start_matches("oci://").to_owned();
        let chart = place.get(below.len() + 1..).unwrap_or_default();
        let row = match wanted {
            Wanted::Digest(digest) => Row { url: format!("oci://{place}@{digest}"), ..Row::default() },
            Wanted::Version(version) => self.row(&live, chart, &version).await?,
        };
        self.fetched(&live, &row).await
    }

    /// The kept repository that an `oci://` reference is below, if any: the one that is nearest.
    pub(crate) fn below(&self, reference: &str) -> Option<String> {
        let is_above = |live: &Arc<Live>| live.settings.below().is_some_and(|below| is_below(reference, below));
        let above = self.all().into_iter().filter(is_above);
        above.max_by_key(|live| live.settings.url.len()).map(|live| live.name.clone())
    }
}

/// What of a chart in a registry is wanted.
pub(super) enum Wanted {
    Digest(String),
    /// A version or a constraint; `latest` when nothing is said.
    Version(String),
}

/// Takes a reference apart: the place as a URL, and what is wanted there.
pub(super) fn taken_apart(reference: &str, version: &str) -> Result<(String, Wanted), Box<Problem>> {
    let wrong = |text: String| Box::new(Problem::input(vec![InputError::body("/chart/oci", text)]));
    let is_url = reference.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
    let Some(rest) = reference.get(SCHEME.len()..).filter(|_| is_url) else {
        return Err(wrong("expected `oci://host/path`".to_owned()));
    };
    let found = Reference::parse(rest).map_err(|error| wrong(problems::shown(&error.to_string())))?;
    let place = format!("{SCHEME}{}/{}", found.registry.to_ascii_lowercase(), found.repository);
    let tag = found.tag.replace('_', "+");
    if !tag.is_empty() && !version.is_empty() && tag != version {
        return Err(wrong(format!("the tag says `{tag}`, and `version` says `{version}`")));
    }
    let wanted = match (found.digest.as_str(), tag.as_str(), version) {
        ("", "", "") => Wanted::Version("latest".to_owned()),
        ("", "", version) => Wanted::Version(version.to_owned()),
        ("", tag, _) => Wanted::Version(tag.to_owned()),
        (digest, ..) => Wanted::Digest(digest.to_owned()),
    };
    Ok((place, wanted))
}

/// Tells whether a reference is below a place (host and path), and not that place itself.
pub(super) fn is_below(reference: &str, place: &str) -> bool {
    let reference = reference.to_ascii_lowercase();
    let place = place.trim_end_matches('/').to_ascii_lowercase();
    let rest = reference.strip_prefix(SCHEME).and_then(|reference| reference.strip_prefix(place.as_str()));
    !place.is_empty() && rest.is_some_and(|rest| rest.starts_with('/') && rest.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::App;

    fn app(registries: &[&str]) -> App {
        let config = crate::Config {
            repository_hosts: crate::Hosts::read(&["127.0.0.1"]).unwrap(),
            registries: registries.iter().map(ToString::to_string).collect(),
            ..crate::Config::default()
        };
        let client = sandbox::Sandbox::default().client();
        App::new(config, engine::Engine::new(client, engine::Settings::guarded()))
    }

    #[tokio::test]
    async fn only_what_is_below_a_repository_or_is_allowed_is_fetched() {
        let app = app(&["oci://127.0.0.1:1/open"]);
        let keep = |name: &'static str, url: &str| {
            let (app, settings) =
                (app.clone(), crate::repositories::Settings { url: url.to_owned(), ..Default::default() });
            async move {
                let Ok(secret) = app.home.write_repository(name, None, &settings).await else { panic!("{name}") };
                app.repositories.take_in(&secret);
            }
        };
        keep("wide", "oci://127.0.0.1:1/kept").await;
        keep("near", "oci://127.0.0.1:1/kept/near").await;
        keep("web", "http://127.0.0.1:1/kept").await;
        for (reference, below) in [
            ("oci://127.0.0.1:1/kept/near/a", Some("near")),
            ("oci://127.0.0.1:1/kept/a", Some("wide")),
            ("oci://127.0.0.1:1/kept/nearby", Some("wide")),
            ("oci://127.0.0.1:1/other/a", None),
        ] {
            assert_eq!(app.repositories.below(reference).as_deref(), below, "{reference}");
        }
        let reason = |reference: &'static str| {
            let app = app.clone();
            async move { app.repositories.oci(reference, "1.0.0").await.err().map(|problem| problem.reason) }
        };
        // Nobody is there, but it was tried.
        for tried in ["oci://127.0.0.1:1/kept/a", "oci://127.0.0.1:1/open/a/b"] {
            assert_eq!(reason(tried).await, Some(Reason::RepositoryUnreachable), "{tried}");
        }
        for refused in
            ["oci://127.0.0.1:1/other/a", "oci://127.0.0.1:1/open", "oci://127.0.0.1:1/opened/a", "oci://evil/kept/a"]
        {
            assert_eq!(reason(refused).await, Some(Reason::RepositoryForbidden), "{refused}");
        }
        assert_eq!(reason("https://127.0.0.1:1/a").await, Some(Reason::InvalidInput));
    }

    #[test]
    fn a_reference_is_below_a_place_and_not_beside_it() {
        for (reference, place, below) in [
            ("oci://h/a/b", "h/a", true),
            ("oci://H/a/b", "h/a/", true),
            ("oci://h/a/b:1.0.0", "h", true),
            ("oci://h/ab", "h/a", false),
            ("oci://h/a", "h/a", false),
            ("oci://h/a/", "h/a", false),
            ("oci://h.evil/a/b", "h", false),
            ("https://h/a/b", "h/a", false),
            ("oci://h/a", "", false),
        ] {
            assert_eq!(is_below(reference, place), below, "{reference} {place}");
        }
    }

    #[test]
    fn references_are_taken_apart() {
        let apart = |reference: &str, version: &str| {
            taken_apart(reference, version).ok().map(|(place, wanted)| match wanted {
                Wanted::Digest(digest) => format!("{place} @{digest}"),
                Wanted::Version(version) => format!("{place} {version}"),
            })
        };
        let sha = format!("sha256:{}", "a".repeat(64));
        for (reference, version, wanted) in [
            ("oci://H:5000/a/b", "", Some("oci://h:5000/a/b latest".to_owned())),
            ("oci://h/a/b", "^1", Some("oci://h/a/b ^1".to_owned())),
            ("oci://h/a/b:1.0.0_x", "", Some("oci://h/a/b 1.0.0+x".to_owned())),
            ("oci://h/a/b:1.0.0", "1.0.0", Some("oci://h/a/b 1.0.0".to_owned())),
            ("oci://h/a/b:1.0.0", "1.0.1", None),
            (&format!("oci://h/a/b@{sha}"), "", Some(format!("oci://h/a/b @{sha}"))),
            ("https://h/a", "", None),
            ("h/a", "", None),
            ("oci://h/A", "", None),
            ("oci://h/a/../b", "", None),
        ] {
            assert_eq!(apart(reference, version), wanted, "{reference}");
        }
    }
}
