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

/// The hash that the second part of the signed text has for a file.
fn vouched(text: &[u8], name: &str) -> Result<String, ProvenanceError> {
    const BREAK: &[u8] = b"\n...\n";
    let missing = || ProvenanceError::new("message block must have at least two parts");
    let at = text.windows(BREAK.len()).position(|window| window == BREAK).ok_or_else(missing)?;
    let rest = text.get(at + BREAK.len()..).unwrap_or_default();
    let end = rest.windows(BREAK.len()).position(|window| window == BREAK).unwrap_or(rest.len());
    let sums = goyaml::from_yaml(rest.get(..end).unwrap_or_default()).map_err(|e| ProvenanceError(e.to_string()))?;
    let sum = sums.get("files").and_then(|files| files.get(name)).and_then(goyaml::Value::as_str);
    sum.map(str::to_owned)
        .ok_or_else(|| ProvenanceError(format!("provenance does not contain a SHA for a file named {}", quote(name))))
}

#[cfg(test)]
mod tests;
