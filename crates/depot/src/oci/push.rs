//! Bringing a chart into a registry (as Helm 4.3: `pkg/registry/client.go Push`, `pkg/registry/chart.go`).

use std::collections::BTreeMap;

use chart::Metadata;
use http::{Method, StatusCode};
use serde::Serialize;

use super::manifest::{self, CHART, CONFIG, Descriptor, MANIFEST, PROOF};
use super::pull::Told;
use super::session::{Ask, Session};
use super::{Reference, Registry, SCHEME};
use crate::error::Error;
use crate::{names, url};

/// Annotations that a chart cannot set itself.
const OWN: [&str; 2] = ["org.opencontainers.image.version", "org.opencontainers.image.title"];

/// A chart to be pushed.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a> {
    /// What its `Chart.yaml` says.
    pub metadata: &'a Metadata,
    /// The packed chart.
    pub archive: &'a [u8],
    /// Its provenance file.
    pub proof: Option<&'a [u8]>,
    /// When the archive was written, as RFC 3339.
    pub created: &'a str,
}

/// A manifest to be written, its fields in Go's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u8,
    config: &'a Descriptor,
    layers: &'a [Descriptor],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, String>,
}

impl Registry {
    /// Pushes a chart to a place below which it is called by its own name, with its version as the tag.
    ///
    /// # Errors
    /// When the registry cannot be reached or refuses it.
    pub fn push(&self, remote: &str, push: &Push<'_>) -> Result<Told, Error> {
        let Push { metadata, archive, proof, created } = *push;
        let remote = remote.strip_prefix(SCHEME).unwrap_or(remote);
        let place = names::join(&[remote, &metadata.name]);
        let reference = Reference::parse(&format!("{place}:{}", metadata.version))?;
        let config = go_json(metadata)?;
        let mut blobs = vec![(Descriptor::of(CHART, archive), archive)];
        blobs.extend(proof.map(|proof| (Descriptor::of(PROOF, proof), proof)));
        blobs.sort_by(|(a, _), (b, _)| a.digest.cmp(&b.digest));
        let layers: Vec<Descriptor> = blobs.iter().map(|(descriptor, _)| descriptor.clone()).collect();
        let described = Descriptor::of(CONFIG, config.as_bytes());
        let annotations = annotations(metadata, created);
        let document = go_json(&Document { schema_version: 2, config: &described, layers: &layers, annotations })?;
        let digest = manifest::digest(document.as_bytes());
        let mut session = Session::open(self, reference.host())?;
        let scope = format!("repository:{}:pull,push", reference.repository);
        let mut upload = Upload { session: &mut session, reference: &reference, scope: &scope };
        if !upload.has("manifests", &digest).map_err(failed("Exists"))? {
            blobs.push((described, config.as_bytes()));
            for (descriptor, bytes) in &blobs {
                if !upload.has("blobs", &descriptor.digest).map_err(failed("Exists"))? {
                    upload.blob(&descriptor.digest, bytes).map_err(failed("Push"))?;
                }
            }
        }
        upload.tag(document.as_bytes()).map_err(failed("PushReference"))?;
        Ok(Told::new("Pushed", &reference.to_string(), &digest, reference.tag.contains('_')))
    }
}

/// Refuses what is no place in a registry (as Helm 4.3: `pkg/uploader/chart_uploader.go`).
///
/// # Errors
/// When it is no URL, or one of another scheme.
pub fn check_remote(remote: &str) -> Result<(), Error> {
    let parsed =
        url::parse(remote).map_err(|_| Error::text(format!("invalid chart URL format: {}", url::redacted(remote))))?;
    match parsed.scheme.as_str() {
        "oci" => Ok(()),
        "" => Err(Error::text("scheme prefix missing from remote (e.g. \"oci://\")")),
        scheme => Err(Error::text(format!("scheme {} not supported", chart::text::quote(scheme)))),
    }
}

fn failed(what: &'static str) -> impl Fn(Error) -> Error {
    move |error| Error::text(format!("failed to perform \"{what}\" on destination: {error}"))
}

/// JSON as Go writes it, which the digests are of.
fn go_json(value: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string(value).map_err(|error| Error::text(error.to_string()))?;
    // Go escapes what could end a script in HTML, and the two separators; outside of texts there are none of these.
    let escapes =
        [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];
    Ok(escapes.iter().fold(text, |text, (from, to)| text.replace(*from, to)))
}

fn annotations<'a>(metadata: &'a Metadata, created: &str) -> BTreeMap<&'a str, String> {
    let mut authors = String::new();
    for (at, one) in metadata.maintainers.iter().enumerate() {
        authors.push_str(&one.name);
        if !one.email.is_empty() {
            authors.push_str(&format!(" ({})", one.email));
        }
        if at + 1 < metadata.maintainers.len() {
            authors.push_str(", ");
        }
    }
    let usual = [
        ("org.opencontainers.image.description", metadata.description.clone()),
        ("org.opencontainers.image.title", metadata.name.clone()),
        ("org.opencontainers.image.version", metadata.version.clone()),
        ("org.opencontainers.image.url", metadata.home.clone()),
        ("org.opencontainers.image.created", created.to_owned()),
        ("org.opencontainers.image.source", metadata.sources.first().cloned().unwrap_or_default()),
        ("org.opencontainers.image.authors", authors),
    ];
    let mut all: BTreeMap<&str, String> = usual.into_iter().filter(|(_, text)| !text.trim().is_empty()).collect();
    let own = metadata.annotations.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    all.extend(own.map(|(name, text)| (name.as_str(), text.clone())));
    all
}

/// Where something is uploaded to.
struct Upload<'a, 's> {
    session: &'a mut Session<'s>,
    reference: &'a Reference,
    scope: &'a str,
}

impl Upload<'_, '_> {
    /// Tells whether the registry has something.
    fn has(&mut self, what: &str, digest: &str) -> Result<bool, Error> {
        let at = self.session.place(&format!("/v2/{}/{what}/{digest}", self.reference.repository));
        let accept = if what == "manifests" { MANIFEST } else { "" };
        let answer = self.session.ask(&Method::HEAD, &at, &Ask { scope: self.scope, body: None, accept })?;
        match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(answer.refused()),
        }
    }

    /// Uploads bytes at once.
    fn blob(&mut self, digest: &str, bytes: &[u8]) -> Result<(), Error> {
        let at = self.session.place(&format!("/v2/{}/blobs/uploads/", self.reference.repository));
        let ask = Ask { scope: self.scope, body: Some(("application/octet-stream", &[])), accept: "" };
        let answer = self.session.ask(&Method::POST, &at, &ask)?;
        if answer.status != StatusCode::ACCEPTED {
            return Err(answer.refused());
        }
        let Some(location) = answer.header("location") else {
            return Err(Error::text(format!("`{}` says not where to upload to", at.shown())));
        };
        let mut to = at.join(&url::parse(location).map_err(Error::text)?);
        if !self.session.has(&to) {
            return Err(Error::text(format!(
                "blob upload Location {} is on a different host than the registry {}",
                chart::text::quote(&to.host),
                chart::text::quote(&at.host)
            )));
        }
        let digest = format!("digest={}", crate::hub::escaped(digest));
        to.query = Some(
            to.query.iter().filter(|query| !query.is_empty()).cloned().chain([digest]).collect::<Vec<_>>().join("&"),
        );
        let ask = Ask { scope: self.scope, body: Some(("application/octet-stream", bytes)), accept: "" };
        let answer = self.session.ask(&Method::PUT, &to, &ask)?;
        if answer.status == StatusCode::CREATED { Ok(()) } else { Err(answer.refused()) }
    }

    /// Uploads the manifest under its tag.
    fn tag(&mut self, document: &[u8]) -> Result<(), Error> {
        let Reference { repository, tag, .. } = self.reference;
        let at = self.session.place(&format!("/v2/{repository}/manifests/{tag}"));
        let ask = Ask { scope: self.scope, body: Some((MANIFEST, document)), accept: "" };
        let answer = self.session.ask(&Method::PUT, &at, &ask)?;
        if answer.status == StatusCode::CREATED { Ok(()) } else { Err(answer.refused()) }
    }
}
