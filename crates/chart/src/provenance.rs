//! Provenance files: who packed a chart, and which bytes.

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The names of the key.
    pub identities: Vec<String>,
    /// The fingerprint of the primary key, upper-case hexadecimal.
    pub fingerprint: String,
    /// `sha256:…`.
    pub hash: String,
}

/// Public keys.
#[derive(Debug)]
pub struct Keyring;

/// Why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ProvenanceError(String);

impl Keyring {
    /// Reads keys.
    pub fn read(_: &[u8], _: &str) -> Result<Self, ProvenanceError> {
        Err(ProvenanceError("todo".into()))
    }
    /// Verifies.
    pub fn verify(&self, _: &[u8], _: &[u8], _: &str) -> Result<Verified, ProvenanceError> {
        Err(ProvenanceError("todo".into()))
    }
}
