//! Manifests of charts (as Helm 4.3: `pkg/registry/constants.go`, `client.go`;
//! <https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md>).

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::reference::{Reference, check_digest};
use super::session::{Ask, Session};
use crate::error::Error;
use crate::fetch::FetchError;

pub(super) const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
pub(super) const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
pub(super) const OLD_CHART: &str = "application/tar+gzip";
pub(super) const PROOF: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";

/// The largest manifest or configuration.
pub(super) const LARGEST: u64 = 4 << 20;
/// How many manifests of an index are looked at.
const MANIFESTS: usize = 32;

/// Something that a registry keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(default, skip_serializing)]
    artifact_type: String,
}

impl Descriptor {
    /// Describes bytes.
    pub(super) fn of(media_type: &str, bytes: &[u8]) -> Self {
        let (media_type, size) = (media_type.to_owned(), bytes.len() as u64);
        Self { media_type, digest: digest(bytes), size, artifact_type: String::new() }
    }
}

/// The digest of bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// A manifest as it is read; an index has `manifests`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    pub(super) config: Option<Descriptor>,
    #[serde(default)]
    pub(super) layers: Vec<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

impl Manifest {
    /// Reads one that a registry says is of some kind.
    pub(super) fn read(bytes: &[u8], kind: &str) -> serde_json::Result<Self> {
        let mut manifest: Self = serde_json::from_slice(bytes)?;
        let is_index = match manifest.media_type.as_str() {
            "" => kind == INDEX,
            said => said == INDEX,
        };
        if !is_index {
            manifest.manifests.clear();
        }
        Ok(manifest)
    }

    /// Whether what it describes is a chart.
    fn is_chart(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.media_type == CONFIG)
    }

    /// The layer of one of these kinds; the last, as Helm takes it.
    pub(super) fn layer(&self, kinds: &[&str]) -> Option<&Descriptor> {
        self.layers.iter().rev().find(|layer| kinds.contains(&layer.media_type.as_str()))
    }
}

/// What the token for reading a repository has to allow.
pub(super) fn pull_scope(reference: &Reference) -> String {
    format!("repository:{}:pull", reference.repository)
}

/// Fetches the manifest of a chart, and gives its digest; of an index it is the index's own, and the manifest that of its
/// chart.
pub(super) fn fetch(session: &mut Session<'_>, reference: &Reference) -> Result<(Manifest, String), Error> {
    let failed = |error: Error| error.doing("failed to perform \"FetchReference\" on source");
    let (top, digest) = one(session, reference, reference.wanted()).map_err(failed)?;
    if top.manifests.is_empty() {
        return Ok((top, digest));
    }
    // What says that it is a chart goes first; what says nothing may be one.
    let (likely, others): (Vec<_>, Vec<_>) = top
        .manifests
        .into_iter()
        .filter(|entry| entry.media_type == MANIFEST)
        .partition(|entry| entry.artifact_type == CONFIG);
    let mut last = Manifest::default();
    for entry in likely.iter().chain(&others).take(MANIFESTS) {
        check_digest(&entry.digest).map_err(|reason| {
            Error::text(format!("the index `{reference}` has the digest `{}`: {reason}", entry.digest))
        })?;
        let (manifest, _) = one(session, reference, &entry.digest).map_err(failed)?;
        if manifest.is_chart() {
            return Ok((manifest, digest));
        }
        last = manifest;
    }
    Ok((last, digest))
}

fn one(session: &mut Session<'_>, reference: &Reference, wanted: &str) -> Result<(Manifest, String), Error> {
    let at = session.place(&format!("/v2/{}/manifests/{wanted}", reference.repository));
    let answer = session.ask(&Method::GET, &at, &Ask { accept: ACCEPT, scope: &pull_scope(reference), body: None })?;
    match answer.status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Err(FetchError::status(format!("{reference}: not found"), 404).into()),
        _ => return Err(answer.refused()),
    }
    let kind =
        answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
    let promised = answer.header("docker-content-digest").unwrap_or_default().to_owned();
    let bytes = answer.read(LARGEST)?;
    let is = digest(&bytes);
    for promised in [wanted, promised.as_str()].into_iter().filter(|text| text.starts_with("sha256:")) {
        if promised != is {
            return Err(Error::Mismatch(format!(
                "the manifest of `{reference}` has the digest {is}, but {promised} was asked for or promised: ask who keeps \
                 the registry"
            )));
        }
    }
    let manifest = Manifest::read(&bytes, &kind)
        .map_err(|error| Error::text(format!("the manifest of `{reference}` cannot be read: {error}")))?;
    Ok((manifest, is))
}

/// Fetches bytes that a manifest describes.
pub(super) fn blob(
    session: &mut Session<'_>,
    reference: &Reference,
    descriptor: &Descriptor,
    most: u64,
) -> Result<Vec<u8>, Error> {
    let Descriptor { digest: promised, size, .. } = descriptor;
    check_digest(promised).map_err(|reason| {
        Error::text(format!("the manifest of `{reference}` has the digest `{promised}`: {reason}"))
    })?;
    if *size > most {
        return Err(Error::text(format!(
            "`{promised}` of `{reference}` has {size} bytes, and no more than {most} are taken"
        )));
    }
    let at = session.place(&format!("/v2/{}/blobs/{promised}", reference.repository));
    let answer = session.ask(&Method::GET, &at, &Ask { scope: &pull_scope(reference), ..Ask::default() })?;
    match answer.status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Err(FetchError::status(format!("{promised}: not found"), 404).into()),
        _ => return Err(answer.refused()),
    }
    let bytes = answer.read(*size)?;
    let is = digest(&bytes);
    if &is != promised {
        return Err(Error::Mismatch(format!(
            "what `{reference}` holds has the digest {is}, but its manifest promises {promised}: ask who keeps the registry"
        )));
    }
    Ok(bytes)
}
