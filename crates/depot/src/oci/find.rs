//! Which version of a chart is meant, and which there are (as Helm 4.3: `pkg/registry/client.go ValidateReference` and
//! `Tags`, `tag.go`).

use chart::Metadata;
use chart::semver::{Constraints, Version};
use chart::text::quote;
use http::{Method, StatusCode};

use super::manifest;
use super::session::{Ask, Session};
use super::{Reference, Registry, SCHEME};
use crate::error::Error;
use crate::{names, url};

/// The largest page of a list of tags.
const LARGEST_PAGE: u64 = 4 << 20;
/// How many pages are read, and how many tags.
const PAGES: usize = 1_000;
const TAGS: usize = 200_000;

/// A version of a chart that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub(super) reference: Reference,
    /// The URL as Helm writes it, with `+` in the tag.
    url: String,
}

impl Located {
    fn at(reference: Reference, mark: &str, wanted: &str) -> Self {
        let url = format!("{SCHEME}{}/{}{mark}{wanted}", reference.registry, reference.repository);
        Self { reference, url }
    }

    /// The name of the chart's file.
    #[must_use]
    pub fn file_name(&self) -> String {
        let (name, wanted) = names::base(&self.url).rsplit_once(':').unwrap_or_default();
        format!("{name}-{wanted}.tgz")
    }

    /// Where it is, as a URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Registry {
    /// Finds what a reference and a version mean: the newest when neither says which, else the newest that fits.
    ///
    /// # Errors
    /// When it is no reference, tag and version do not fit together, or there is no such version.
    pub fn find(&self, reference: &str, version: &str) -> Result<Located, Error> {
        let shown = url::redacted(reference);
        let parsed = url::parse(reference).map_err(|_| Error::text(format!("invalid chart URL format: {shown}")))?;
        let place = Reference::parse(&format!("{}{}", parsed.host, parsed.plain_path()))?;
        // A tag is a version with another letter; Helm takes only those that are the same in both.
        let tagged = place.tag.replace('_', "+");
        if !version.is_empty() && !tagged.is_empty() && tagged != version {
            return Err(Error::text(format!("chart reference and version mismatch: {version} is not {tagged}")));
        }
        let version = if version.is_empty() { tagged.as_str() } else { version };
        if !place.digest.is_empty() {
            if !version.is_empty() {
                self.check_tag(&place, version)?;
            }
            let digest = place.digest.clone();
            return Ok(Located::at(Reference { tag: String::new(), ..place }, "@", &digest));
        }
        if Version::parse(version).is_ok() {
            return Ok(Located::at(place.with_version(version)?, ":", version));
        }
        let versions = self.versions(&place)?;
        if versions.is_empty() {
            return Err(Error::text(format!("unable to locate any tags in provided repository: {shown}")));
        }
        let found = matching(&versions, version)?;
        Ok(Located::at(place.with_version(found)?, ":", found))
    }

    /// Refuses a digest that is not that of the version; one that has no tag any more may be wanted all the same.
    fn check_tag(&self, place: &Reference, version: &str) -> Result<(), Error> {
        let tagged = place.with_version(version)?;
        let mut session = Session::open(self, place.host())?;
        let Ok((_, digest)) = manifest::fetch(&mut session, &tagged) else { return Ok(()) };
        if digest != place.digest {
            return Err(Error::text(format!("chart reference digest mismatch: {digest} is not {}", place.digest)));
        }
        Ok(())
    }

    /// Lists the versions of a chart, the newest first; tags that are no versions are left out.
    ///
    /// # Errors
    /// When the registry cannot be reached or has no such chart.
    pub fn versions(&self, place: &Reference) -> Result<Vec<String>, Error> {
        let mut session = Session::open(self, place.host())?;
        let (mut found, mut count) = (Vec::new(), 0);
        let mut at = session.place(&format!("/v2/{}/tags/list", place.repository));
        for _ in 0..PAGES {
            let scope = manifest::pull_scope(place);
            let answer = session.ask(&Method::GET, &at, &Ask { scope: &scope, ..Ask::default() })?;
            if answer.status != StatusCode::OK {
                return Err(answer.refused());
            }
            let next = answer.header("link").map(|link| next(&answer.at, link)).transpose()?;
            let tags = page(&answer.read(LARGEST_PAGE)?, place)?;
            count += tags.len();
            if count > TAGS {
                return Err(Error::text(format!("`{place}` has more than {TAGS} tags, which are too many to list")));
            }
            // A tag has `_` where the version has `+`; what is no version is not Helm's.
            found.extend(tags.iter().filter_map(|tag| Version::parse_strict(&tag.replace('_', "+")).ok()));
            match next {
                Some(next) => at = next,
                None => return Ok(newest_first(found)),
            }
        }
        Err(Error::text(format!("the list of tags of `{place}` has more than {PAGES} pages")))
    }

    /// Gives what the `Chart.yaml` of a version says, without fetching the chart.
    ///
    /// # Errors
    /// As [`Registry::open`], and when the manifest is not that of a chart.
    pub fn metadata(&self, located: &Located) -> Result<Metadata, Error> {
        self.open(located)?.metadata()
    }
}

pub(super) fn page(bytes: &[u8], place: &Reference) -> Result<Vec<String>, Error> {
    #[derive(serde::Deserialize)]
    struct Page {
        #[serde(default)]
        tags: Option<Vec<String>>,
    }
    let page: Page = serde_json::from_slice(bytes)
        .map_err(|error| Error::text(format!("the list of tags of `{place}` cannot be read: {error}")))?;
    Ok(page.tags.unwrap_or_default())
}

/// Reads where the next page is: on the registry itself, since a login goes there.
pub(super) fn next(at: &url::Url, link: &str) -> Result<url::Url, Error> {
    let wrong = |reason: &str| Error::text(format!("invalid next link {}: {reason}", quote(link)));
    let rest = link.strip_prefix('<').ok_or_else(|| wrong("missing '<'"))?;
    let (target, _) = rest.split_once('>').ok_or_else(|| wrong("missing '>'"))?;
    let next = at.join(&url::parse(target).map_err(Error::text)?);
    if !next.has_origin_of(at) {
        return Err(wrong(&format!("not the same origin as {}", quote(&at.shown()))));
    }
    Ok(next)
}

fn newest_first(mut versions: Vec<Version>) -> Vec<String> {
    versions.sort_by(|a, b| b.compare(a));
    versions.iter().map(ToString::to_string).collect()
}

/// The first version that is the one wanted, or else fits.
fn matching<'v>(versions: &'v [String], wanted: &str) -> Result<&'v str, Error> {
    if let Some(same) = versions.iter().find(|version| *version == wanted) {
        return Ok(same);
    }
    let range = if wanted.is_empty() { "*" } else { wanted };
    let range = Constraints::parse(range).map_err(|error| Error::text(error.to_string()))?;
    let fits = |version: &&String| Version::parse(version).is_ok_and(|version| range.check(&version));
    let found = versions.iter().find(fits).map(String::as_str);
    found.ok_or_else(|| Error::text(format!("could not locate a version matching provided version string {wanted}")))
}
