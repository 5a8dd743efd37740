//! Provenance files: who vouches for a packed chart, and for which bytes (as Helm 4.3: `pkg/provenance`).
//!
//! Everything that is not known to be right is refused.

mod clearsign;
mod entity;
mod keybox;
mod keyring;
mod packets;
mod sign;

use sha2::{Digest, Sha256};

use crate::metadata::Metadata;
use crate::text::quote;

pub use keyring::Keyring;
pub use sign::{Packed, SigningKey};

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The names of the key's owner, in the order of the key.
    pub identities: Vec<String>,
    /// The fingerprint of the primary key in upper-case hexadecimal digits.
    pub fingerprint: String,
    /// The hash of the archive: `sha256:` and hexadecimal digits.
    pub hash: String,
}

/// Why a chart is not vouched for, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProvenanceError(String);

impl ProvenanceError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl Keyring {
    /// Checks that a provenance file is signed by a key of the ring, and that it names the archive with the hash it has.
    ///
    /// `name` is the file name of the archive, and `now` the seconds since 1970, for keys and signatures that end.
    ///
    /// # Errors
    /// What is wrong with the signature or the hash.
    pub fn verify(&self, archive: &[u8], proof: &[u8], name: &str, now: u64) -> Result<Verified, ProvenanceError> {
        let block = clearsign::decode(proof).ok_or_else(|| ProvenanceError::new("signature block not found"))?;
        let signer = self.signer(&block.signed, &block.signature, now)?;
        let hash = format!("sha256:{}", hex::encode(Sha256::digest(archive)));
        let vouched = vouched(&block.text, name)?;
        if vouched != hash {
            let text = format!("sha256 sum does not match for {name}: {} != {}", quote(&vouched), quote(&hash));
            return Err(ProvenanceError(text));
        }
        Ok(Verified { identities: signer.identities(), fingerprint: signer.fingerprint(), hash })
    }
}

/// What a provenance file is about, whoever has signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The hash that the archive has to have: `sha256:` and hexadecimal digits.
    pub hash: String,
}

impl About {
    /// Reads what a provenance file says of `NAME-VERSION.tgz`. The signature is not checked.
    ///
    /// # Errors
    /// When it is no signed text, or says nothing of that archive.
    pub fn read(proof: &[u8]) -> Result<Self, ProvenanceError> {
        let block = clearsign::decode(proof).ok_or_else(|| ProvenanceError::new("signature block not found"))?;
        let (definition, _) = parts(&block.text)?;
        let Metadata { name, version, .. } = Metadata::read(definition).map_err(ProvenanceError)?.metadata;
        let hash = vouched(&block.text, &format!("{name}-{version}.tgz"))?;
        Ok(Self { name, version, hash })
    }
}

const BREAK: &[u8] = b"\n...\n";

/// What `Chart.yaml` says, and what follows.
fn parts(text: &[u8]) -> Result<(&[u8], &[u8]), ProvenanceError> {
    let missing = || ProvenanceError::new("message block must have at least two parts");
    let at = text.windows(BREAK.len()).position(|window| window == BREAK).ok_or_else(missing)?;
    let rest = text.get(at + BREAK.len()..).unwrap_or_default();
    Ok((text.get(..at).unwrap_or_default(), rest))
}

/// The hash that the second part of the signed text has for a file.
fn vouched(text: &[u8], name: &str) -> Result<String, ProvenanceError> {
    let (_, rest) = parts(text)?;
    let end = rest.windows(BREAK.len()).position(|window| window == BREAK).unwrap_or(rest.len());
    let sums = goyaml::from_yaml(rest.get(..end).unwrap_or_default()).map_err(|e| ProvenanceError(e.to_string()))?;
    let sum = sums.get("files").and_then(|files| files.get(name)).and_then(goyaml::Value::as_str);
    sum.map(str::to_owned)
        .ok_or_else(|| ProvenanceError(format!("provenance does not contain a SHA for a file named {}", quote(name))))
}

#[cfg(test)]
mod tests;
