//! From a manifest to the chart and its provenance file (as Helm 4.3: `pkg/registry/client.go processChartPull`).

use std::path::Path;

use chart::Metadata;
use sha2::{Digest, Sha256};

use super::find::Located;
use super::manifest::{self, CHART, CONFIG, Descriptor, Manifest, OLD_CHART, PROOF};
use super::session::Session;
use super::{Reference, Registry};
use crate::error::Error;
use crate::pull::{LARGEST, LARGEST_PROOF, Part, kept};

/// What Helm says of tags with an underscore.
const UNDERSCORE: &str = "
OCI artifact references (e.g. tags) do not support the plus sign (+). To support
storing semantic versions, Helm adopts the convention of changing plus (+) to
an underscore (_) in chart version tags when pushing to a registry and back to
a plus (+) when pulling from a registry.
";

/// What a person is told of something that was pulled or pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told(String);

impl Told {
    pub(super) fn new(done: &str, reference: &str, digest: &str, has_underscore: bool) -> Self {
        let mut text = format!("{done}: {reference}\nDigest: {digest}\n");
        if has_underscore {
            text.push_str(&format!("{reference} contains an underscore.\n{UNDERSCORE}"));
        }
        Self(text)
    }

    /// The lines, as Helm prints them.
    #[must_use]
    pub fn lines(&self) -> &str {
        &self.0
    }
}

/// A chart whose manifest is there.
pub struct Opened<'r> {
    session: Session<'r>,
    reference: Reference,
    manifest: Manifest,
    digest: String,
}

impl Registry {
    /// Fetches the manifest of a chart.
    ///
    /// # Errors
    /// When it is not there, or cannot be reached.
    pub fn open(&self, located: &Located) -> Result<Opened<'_>, Error> {
        let mut session = Session::open(self, located.reference.host())?;
        let (manifest, digest) = manifest::fetch(&mut session, &located.reference)?;
        Ok(Opened { session, reference: located.reference.clone(), manifest, digest })
    }
}

impl Opened<'_> {
    /// Gives the chart: from the cache when it is there, else from the registry.
    ///
    /// # Errors
    /// When the manifest is not that of a chart, or the chart is not what it promises.
    pub fn chart(&mut self, content: &Path) -> Result<Vec<u8>, Error> {
        let layer = self.layer(&[CHART, OLD_CHART])?;
        if let Some(hash) = hash(&layer.digest)
            && let Some(bytes) = kept(content, &hash, Part::Chart)
            && Sha256::digest(&bytes).as_slice() == hash
        {
            return Ok(bytes);
        }
        manifest::blob(&mut self.session, &self.reference, &layer, LARGEST)
    }

    /// Gives the chart, which has so many bytes at most, from the registry.
    ///
    /// # Errors
    /// As [`Opened::chart`].
    pub fn chart_of(&mut self, most: u64) -> Result<Vec<u8>, Error> {
        let layer = self.layer(&[CHART, OLD_CHART])?;
        manifest::blob(&mut self.session, &self.reference, &layer, most)
    }

    /// The digest that the manifest promises of the chart.
    ///
    /// # Errors
    /// When the manifest is not that of a chart.
    pub fn chart_digest(&self) -> Result<String, Error> {
        Ok(self.layer(&[CHART, OLD_CHART])?.digest)
    }

    /// Tells whether there is a provenance file.
    #[must_use]
    pub fn has_proof(&self) -> bool {
        self.manifest.layer(&[PROOF]).is_some()
    }

    /// Gives what `Chart.yaml` says.
    ///
    /// # Errors
    /// When the manifest is not that of a chart, or does not say it.
    pub fn metadata(&mut self) -> Result<Metadata, Error> {
        let config = self.config()?;
        serde_json::from_slice(&config)
            .map_err(|error| Error::text(format!("the configuration of `{}` cannot be read: {error}", self.reference)))
    }

    /// Gives the provenance file.
    ///
    /// # Errors
    /// When there is none, or it is not what the manifest promises.
    pub fn proof(&mut self) -> Result<Vec<u8>, Error> {
        let layer = self.layer(&[PROOF])?;
        manifest::blob(&mut self.session, &self.reference, &layer, LARGEST_PROOF)
    }

    /// Gives the configuration, which is what `Chart.yaml` says, as JSON.
    fn config(&mut self) -> Result<Vec<u8>, Error> {
        let Some(config) = self.manifest.config.clone().filter(|config| config.media_type == CONFIG) else {
            return Err(Error::text(format!("could not load config with mediatype {CONFIG}")));
        };
        manifest::blob(&mut self.session, &self.reference, &config, manifest::LARGEST)
    }

    /// What is printed once something was fetched.
    #[must_use]
    pub fn told(&self) -> Told {
        let shown = self.reference.to_string();
        Told::new("Pulled", &shown, &self.digest, shown.contains('_'))
    }

    /// What is printed before that, when the chart was pushed in the old way.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let is_old = self.manifest.layer(&[CHART, OLD_CHART]).is_some_and(|layer| layer.media_type == OLD_CHART);
        is_old.then(|| format!("Warning: chart media type {OLD_CHART} is deprecated\n"))
    }

    /// Refuses what is not what the index of a repository promises that leads here. Some have the digest of the chart, some
    /// that of the manifest.
    ///
    /// # Errors
    /// When it is another chart.
    pub fn check(&self, promised: &str) -> Result<(), Error> {
        let bare = |digest: &str| digest.strip_prefix("sha256:").unwrap_or(digest).to_owned();
        let layer = self.layer(&[CHART, OLD_CHART])?;
        if [bare(&layer.digest), bare(&self.digest)].contains(&bare(promised)) {
            return Ok(());
        }
        Err(Error::Digest { url: self.reference.to_string(), is: bare(&layer.digest), promised: bare(promised) })
    }

    fn layer(&self, kinds: &[&str]) -> Result<Descriptor, Error> {
        layer(&self.manifest, kinds)
    }
}

/// The layer of one of these kinds, in a manifest of a chart.
pub(super) fn layer(manifest: &Manifest, kinds: &[&str]) -> Result<Descriptor, Error> {
    let config = manifest.config.iter().filter(|config| config.media_type == CONFIG);
    let layers = manifest.layers.iter().filter(|layer| kinds.contains(&layer.media_type.as_str()));
    // The manifest counts itself.
    let found = 1 + config.clone().count() + layers.count();
    if found < 2 {
        return Err(Error::text(format!(
            "manifest does not contain minimum number of descriptors (2), descriptors found: {found}"
        )));
    }
    if config.count() == 0 {
        return Err(Error::text(format!("could not load config with mediatype {CONFIG}")));
    }
    let kind = kinds.first().copied().unwrap_or_default();
    let layer = manifest.layer(kinds).cloned();
    layer.ok_or_else(|| Error::text(format!("manifest does not contain a layer with mediatype {kind}")))
}

fn hash(digest: &str) -> Option<[u8; 32]> {
    hex::decode(digest.strip_prefix("sha256:")?).ok()?.try_into().ok()
}
