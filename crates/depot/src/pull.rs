//! From what a user calls a chart to its bytes (as Helm 4.3: `pkg/downloader/chart_downloader.go`,
//! `pkg/downloader/cache.go`, `pkg/repo/v1/chartrepo.go FindChartInRepoURL`).

use std::io::Read;
use std::path::{Path, PathBuf};

use chart::text::quote;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::fetch::{Access, Ask, FetchError, Fetcher, Pem};
use crate::index::{Index, Notice};
use crate::refresh::{fetch_once, open_index};
use crate::repositories::{Repositories, Repository};
use crate::url::{self, Url};
use crate::{names, refresh};

/// The largest chart that is fetched. Helm has no limit here, but none that is larger can be loaded.
pub(crate) const LARGEST: u64 = 256 << 20;
/// The largest provenance file.
pub(crate) const LARGEST_PROOF: u64 = 4 << 20;

/// Where a user keeps what is known of repositories.
#[derive(Clone, Debug, Default)]
pub struct Home {
    /// The file `repositories.yaml`.
    pub repositories: PathBuf,
    /// The folder of indexes.
    pub cache: PathBuf,
    /// The folder of charts, by their hash.
    pub content: PathBuf,
}

/// A chart that can be fetched.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where.
    pub url: String,
    /// The hash that the index promises; empty when it does not say.
    pub digest: String,
    /// Who we are there.
    pub access: Access,
}

/// Finds what a reference means: `repo/chart`, or a URL. `access` is what the user said about it; what is kept of the
/// repository goes before it.
///
/// # Errors
/// When there is no such repository, chart or version.
pub fn resolve(
    home: &Home,
    reference: &str,
    version: &str,
    access: &Access,
    tell: &mut dyn FnMut(Notice),
) -> Result<Found, Error> {
    let url = url::parse(reference)
        .map_err(|_| Error::text(format!("invalid chart URL format: {}", url::redacted(reference))))?;
    let file = match Repositories::read(&home.repositories) {
        Err(error) if error.is_missing() => Repositories::default(),
        read => read?,
    };
    if let Some(problem) = &file.problem {
        return Err(Error::text(problem.clone()));
    }
    if url.is_absolute() && !url.host.is_empty() && !url.plain_path().is_empty() {
        let owner = owner(home, reference, &file, tell)?;
        let access =
            owner.map_or_else(|| Access { url: reference.to_owned(), ..access.clone() }, |o| merged(access, o));
        return Ok(Found { url: reference.to_owned(), digest: String::new(), access });
    }
    let path = url.plain_path();
    let Some((repository, chart)) = path.split_once('/') else {
        return Err(Error::text(format!(
            "non-absolute URLs should be in form of repo_name/path_to_chart, got: {}",
            url.shown()
        )));
    };
    let Some(known) = file.get(repository) else { return Err(Error::text(format!("repo {repository} not found"))) };
    check_scheme(&known.url)?;
    let index = opened(home, &known.name, tell)?;
    let found = index.get(chart, version).map_err(|error| {
        let name = &known.name;
        Error::text(format!(
            "chart {} matching {version} not found in {name} index. (try 'helm repo update'): {error}",
            quote(chart)
        ))
    });
    let (found, notice) = found?;
    notice.into_iter().for_each(&mut *tell);
    let Some(first) = found.urls().next() else {
        return Err(Error::text(format!("chart {} has no downloadable URLs", quote(reference))));
    };
    let url = url::resolve(&known.url, first);
    let url = url.map_err(|_| Error::text(format!("invalid chart URL format: {}", url::redacted(reference))))?;
    Ok(Found { url, digest: found.digest().to_owned(), access: merged(access, known) })
}

/// Opens the index of a repository that is known here.
fn opened(home: &Home, name: &str, tell: &mut dyn FnMut(Notice)) -> Result<Index, Error> {
    let index = open_index(&home.cache, name).map_err(|error| Error::NoIndex(Box::new(error)))?;
    let source = names::cache_files(&home.cache, name)?.index;
    tell_skipped(&index, &source.to_string_lossy(), tell);
    Ok(index)
}

/// Tells which versions of an index are not taken.
pub(crate) fn tell_skipped(index: &Index, source: &str, tell: &mut dyn FnMut(Notice)) {
    for skipped in &index.skipped {
        tell(Notice::Skipped { skipped: skipped.clone(), source: source.to_owned() });
    }
}

/// What the user said, and what is kept of the repository where it says something.
fn merged(access: &Access, known: &Repository) -> Access {
    let mut merged = Access { url: known.url.clone(), ..access.clone() };
    if !known.cert_file.is_empty() || !known.key_file.is_empty() || !known.ca_file.is_empty() {
        merged.certificate = Pem::file(&known.cert_file);
        merged.key = Pem::file(&known.key_file);
        merged.authorities = Pem::file(&known.ca_file);
    }
    if !known.username.is_empty() && !known.password.is_empty() {
        merged.username.clone_from(&known.username);
        merged.password.clone_from(&known.password);
        merged.pass_everywhere = known.pass_credentials_all;
    }
    merged
}

/// Tells of the URL of a repository whether it can be spoken to.
///
/// # Errors
/// When it is no URL, or one of which Helm knows nothing. In a registry there is no index, as who asks for it is told.
pub fn check_scheme(text: &str) -> Result<(), Error> {
    let wrong = |_| Error::Scheme(format!("invalid chart URL format: {}", url::redacted(text)));
    let url = url::parse(text).map_err(wrong)?;
    match url.scheme.as_str() {
        "http" | "https" | "oci" => Ok(()),
        scheme => Err(Error::Scheme(format!("could not find protocol handler for: {scheme}"))),
    }
}

/// Finds the repository whose index has a URL.
fn owner<'f>(
    home: &Home,
    wanted: &str,
    file: &'f Repositories,
    tell: &mut dyn FnMut(Notice),
) -> Result<Option<&'f Repository>, Error> {
    for known in file.list() {
        check_scheme(&known.url)?;
        let index = opened(home, &known.name, tell)?;
        if has_url(&index, wanted) {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

fn has_url(index: &Index, wanted: &str) -> bool {
    let end = names::base(wanted.split(['?', '#']).next().unwrap_or(wanted));
    let same = |url: &str| url == wanted || url.contains(end) && url::equal(wanted, url);
    index.charts().any(|(_, versions)| versions.iter().any(|version| version.urls().any(same)))
}

/// Finds a chart in the repository at a URL, without it being known here.
///
/// # Errors
/// When the repository cannot be reached, or has no such chart.
pub fn find_in(
    home: &Home,
    repository: &str,
    chart: &str,
    version: &str,
    access: &Access,
    fetcher: &Fetcher,
    tell: &mut dyn FnMut(Notice),
) -> Result<Found, Error> {
    let access = Access { url: repository.to_owned(), ..access.clone() };
    check_scheme(repository)?;
    let shown = url::redacted(repository);
    let index = fetch_once(&home.cache, repository, &access, fetcher).map_err(|error| {
        Error::text(format!(
            "looks like {} is not a valid chart repository or cannot be reached: {error}",
            quote(&shown)
        ))
    })?;
    tell_skipped(&index, &shown, tell);
    find_at(&index, repository, chart, version, &access, tell)
}

/// Finds a chart in an index of the repository at a URL.
pub(crate) fn find_at(
    index: &Index,
    repository: &str,
    chart: &str,
    version: &str,
    access: &Access,
    tell: &mut dyn FnMut(Notice),
) -> Result<Found, Error> {
    let mut what = format!("chart {}", quote(chart));
    if !version.is_empty() {
        what.push_str(&format!(" version {}", quote(version)));
    }
    let Ok((found, notice)) = index.get(chart, version) else {
        let shown = url::redacted(repository);
        return Err(Error::text(format!("{what} not found in {shown} repository")));
    };
    notice.into_iter().for_each(tell);
    let Some(first) = found.urls().next() else { return Err(Error::text(format!("{what} has no downloadable URLs"))) };
    let url = url::resolve(repository, first)
        .map_err(|error| Error::text(format!("failed to make chart URL absolute: {error}")))?;
    Ok(Found { url, digest: found.digest().to_owned(), access: access.clone() })
}

/// What is fetched of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Chart,
    Proof,
}

impl Part {
    fn extension(self) -> &'static str {
        if self == Self::Chart { "chart" } else { "prov" }
    }
}

impl Found {
    /// The name of the chart's file.
    ///
    /// # Errors
    /// When the URL has none.
    pub fn file_name(&self) -> Result<String, Error> {
        let path = self.parsed()?.plain_path();
        match names::base(&path) {
            name @ ("." | ".." | "/") => Err(Error::text(format!(
                "the URL {} names no file (its path ends with {}): ask who keeps the repository",
                url::redacted(&self.url),
                quote(name)
            ))),
            name => Ok(name.to_owned()),
        }
    }

    fn parsed(&self) -> Result<Url, Error> {
        url::parse(&self.url).map_err(Error::text)
    }

    /// The hash that is promised, in bytes.
    fn promised(&self) -> Result<Option<[u8; 32]>, Error> {
        if self.digest.is_empty() {
            return Ok(None);
        }
        let text = self.digest.split_once(':').map_or(self.digest.as_str(), |(_, text)| text);
        let bytes = hex::decode(text).map_err(|error| Error::text(hex_error(text, error)))?;
        match <[u8; 32]>::try_from(bytes.as_slice()) {
            Ok(hash) => Ok(Some(hash)),
            Err(_) => Err(Error::text(format!("invalid digest length: {}", bytes.len()))),
        }
    }

    /// Gives the chart: from the cache when it is there, else from where it is.
    ///
    /// # Errors
    /// When it cannot be fetched, or is not what the index promises.
    pub fn download(&self, home: &Home, fetcher: &Fetcher) -> Result<Vec<u8>, Error> {
        self.check()?;
        let promised = self.promised()?;
        if let Some(hash) = promised
            && let Some(bytes) = kept(&home.content, &hash, Part::Chart)
            && Sha256::digest(&bytes).as_slice() == hash
        {
            return Ok(bytes);
        }
        let ask = Ask { accept: "application/gzip,application/octet-stream", ..Ask::default() };
        let bytes = self.fetch(&self.url, &ask, LARGEST, fetcher)?;
        let is = Sha256::digest(&bytes);
        match promised {
            Some(hash) if is.as_slice() != hash => {
                Err(Error::Digest { url: url::redacted(&self.url), is: hex::encode(is), promised: hex::encode(hash) })
            }
            _ => Ok(bytes),
        }
    }

    /// Gives the provenance file of the chart; an error says only why.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub fn proof(&self, home: &Home, fetcher: &Fetcher) -> Result<Vec<u8>, Error> {
        if let Some(bytes) = self.promised()?.and_then(|hash| kept(&home.content, &hash, Part::Proof)) {
            return Ok(bytes);
        }
        let ask = Ask { accept: "application/gzip,application/octet-stream", ..Ask::default() };
        self.fetch(&self.proof_url(), &ask, LARGEST_PROOF, fetcher)
    }

    /// Where the provenance file is.
    #[must_use]
    pub fn proof_url(&self) -> String {
        format!("{}.prov", self.url)
    }

    /// Brings the chart into the cache of charts, if it is not there, and gives the file that holds it.
    ///
    /// # Errors
    /// As [`Found::download`], and when the cache cannot be written.
    pub fn cached(&self, home: &Home, fetcher: &Fetcher) -> Result<PathBuf, Error> {
        self.promised().map_err(|error| Error::text(format!("unable to decode digest: {error}")))?;
        Self::keep_chart(home, &self.download(home, fetcher)?)
    }

    /// Brings the chart with these bytes into the cache, if it is not there, and gives the file that holds it.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn keep_chart(home: &Home, chart: &[u8]) -> Result<PathBuf, Error> {
        let path = content_file(&home.content, &Sha256::digest(chart).into(), Part::Chart);
        if !path.metadata().is_ok_and(|file| file.is_file() && file.len() == chart.len() as u64) {
            keep(&path, chart)?;
        }
        Ok(path)
    }

    /// Gives the provenance file that the cache has beside the chart with these bytes.
    #[must_use]
    pub fn kept_proof(home: &Home, chart: &[u8]) -> Option<Vec<u8>> {
        kept(&home.content, &Sha256::digest(chart).into(), Part::Proof)
    }

    /// Brings the provenance file into the cache, beside the chart with these bytes.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn keep_proof(home: &Home, chart: &[u8], proof: &[u8]) -> Result<(), Error> {
        keep(&content_file(&home.content, &Sha256::digest(chart).into(), Part::Proof), proof)
    }

    fn check(&self) -> Result<(), Error> {
        let url = self.parsed()?;
        match url.scheme.as_str() {
            "http" | "https" => Ok(()),
            scheme => Err(Error::text(format!("scheme {} not supported", quote(scheme)))),
        }
    }

    fn fetch(&self, url: &str, ask: &Ask, most: u64, fetcher: &Fetcher) -> Result<Vec<u8>, Error> {
        let answer = fetcher.get(url, &self.access, ask)?;
        let mut bytes = Vec::new();
        answer.body.take(most + 1).read_to_end(&mut bytes).map_err(|error| FetchError::body(&error))?;
        if bytes.len() as u64 > most {
            return Err(Error::text(format!("{} has more than {most} bytes", url::redacted(url))));
        }
        Ok(bytes)
    }
}

fn hex_error(text: &str, error: hex::FromHexError) -> String {
    match error {
        hex::FromHexError::OddLength => match text.bytes().find(|b| !b.is_ascii_hexdigit()) {
            Some(b) => invalid_byte(char::from(b)),
            None => "encoding/hex: odd length hex string".to_owned(),
        },
        hex::FromHexError::InvalidHexCharacter { c, .. } => invalid_byte(c),
        hex::FromHexError::InvalidStringLength => error.to_string(),
    }
}

fn invalid_byte(c: char) -> String {
    format!("encoding/hex: invalid byte: U+{:04X} {}", u32::from(c), chart::text::quote_rune(c))
}

fn content_file(folder: &Path, hash: &[u8; 32], part: Part) -> PathBuf {
    let name = hex::encode(hash);
    folder.join(name.get(..2).unwrap_or_default()).join(format!("{name}.{}", part.extension()))
}

/// What the cache has. An empty file is none.
pub(crate) fn kept(folder: &Path, hash: &[u8; 32], part: Part) -> Option<Vec<u8>> {
    let path = content_file(folder, hash, part);
    let most = if part == Part::Chart { LARGEST } else { LARGEST_PROOF };
    path.metadata().ok().filter(|file| file.is_file() && (1..=most).contains(&file.len()))?;
    std::fs::read(path).ok()
}

fn keep(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::file("mkdir", folder))?;
    }
    refresh::replace(path, bytes)
}

#[cfg(test)]
mod tests;
