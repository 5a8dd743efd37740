//! Writing provenance files (as Helm 4.3: `pkg/provenance/sign.go`, `pkg/action/package.go`, over ProtonMail's go-crypto 1.4).

use pgp::composed::{ArmorOptions, DetachedSignature};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{SecretKey, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails, KeyVersion, Password, S2kParams, SecretParams, StringToKey, Timestamp};
use sha2::{Digest, Sha256};

use super::clearsign::Cleartext;
use super::entity::Entity;
use super::{Keyring, ProvenanceError};
use crate::metadata::Metadata;
use crate::package::yaml;
use crate::text::quote;

/// A key to sign with.
#[derive(Debug)]
pub struct SigningKey<'a> {
    owner: &'a Entity,
    key: &'a SecretKey,
    passphrase: Password,
}

/// A packed chart that is to be vouched for.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    /// The archive.
    pub archive: &'a [u8],
    /// Its file name.
    pub name: &'a str,
    /// What its `Chart.yaml` says.
    pub metadata: &'a Metadata,
}

impl Keyring {
    /// Finds the key to sign with by the name of its owner, or by a part of the name that no other has.
    ///
    /// # Errors
    /// When there is none, more than one, or only a public key.
    pub fn signing_key(&self, name: &str) -> Result<SigningKey<'_>, ProvenanceError> {
        let names =
            self.owners().iter().flat_map(|owner| owner.identities().into_iter().map(move |text| (owner, text)));
        let mut parts: Vec<&Entity> = Vec::new();
        for (owner, text) in names {
            if text == name {
                return SigningKey::of(owner);
            }
            if text.contains(name) {
                parts.push(owner);
            }
        }
        match parts.as_slice() {
            [] => Err(ProvenanceError::new("private key not found")),
            [owner] => SigningKey::of(owner),
            _ => Err(ProvenanceError(format!("more than one key contain the id {}", quote(name)))),
        }
    }
}

impl<'a> SigningKey<'a> {
    fn of(owner: &'a Entity) -> Result<Self, ProvenanceError> {
        let missing = "provided key is not a private key. Try providing a keyring with secret keys";
        let key = owner.secret().ok_or_else(|| ProvenanceError::new(missing))?;
        Ok(Self { owner, key, passphrase: Password::empty() })
    }

    /// Gives the name of the owner.
    #[must_use]
    pub fn owner(&self) -> String {
        let named = self.owner.identities().into_iter().find(|name| !name.is_empty());
        named.unwrap_or_else(|| "Unknown".to_owned())
    }

    /// Tells whether a passphrase is needed.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.key.secret_params().is_encrypted() && !self.is_elsewhere()
    }

    /// Tells whether the ring only notes that the key exists, as GnuPG does for keys on cards and of `--export-secret-subkeys`.
    fn is_elsewhere(&self) -> bool {
        let SecretParams::Encrypted(params) = self.key.secret_params() else { return false };
        match params.string_to_key_params() {
            S2kParams::Cfb { s2k, .. } | S2kParams::MalleableCfb { s2k, .. } | S2kParams::Aead { s2k, .. } => {
                matches!(s2k, StringToKey::Private { .. })
            }
            _ => false,
        }
    }

    /// Opens the key with its passphrase.
    ///
    /// # Errors
    /// When it is another.
    pub fn unlock(&mut self, passphrase: &[u8]) -> Result<(), ProvenanceError> {
        let passphrase = Password::from(passphrase);
        let wrong = |_| ProvenanceError::new("openpgp: invalid data: private key checksum failure");
        self.key.unlock(&passphrase, |_, _| Ok(())).and_then(|opened| opened).map_err(wrong)?;
        self.passphrase = passphrase;
        Ok(())
    }

    /// Makes the provenance file of a packed chart; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, packed: &Packed<'_>, now: u64) -> Result<String, ProvenanceError> {
        let failed = |text: String| ProvenanceError(format!("failed to either sign or armor message block: {text}"));
        if self.is_elsewhere() {
            return Err(failed("openpgp: s2k GNU dummy key: dummy key found".to_owned()));
        }
        if !self.owner.may_sign() {
            let owner = quote(&self.owner());
            return Err(failed(format!(
                "the key of {owner} is not there to sign, so nobody could verify it; take another"
            )));
        }
        if self.key.version() != KeyVersion::V4 {
            return Err(failed("only keys of version 4 can sign".to_owned()));
        }
        let text = Cleartext::new(&message(packed)?);
        let signed = || {
            let mut config = SignatureConfig::v4(SignatureType::Text, self.key.algorithm(), HashAlgorithm::Sha512);
            let seconds = u32::try_from(now).unwrap_or(u32::MAX);
            config.hashed_subpackets = [
                SubpacketData::SignatureCreationTime(Timestamp::from_secs(seconds)),
                SubpacketData::IssuerKeyId(self.key.legacy_key_id()),
                SubpacketData::IssuerFingerprint(self.key.fingerprint()),
            ]
            .map(Subpacket::regular)
            .into_iter()
            .collect::<Result<_, _>>()?;
            let signature = config.sign(self.key, &self.passphrase, text.signed.as_bytes())?;
            let options = ArmorOptions { headers: None, include_checksum: false };
            DetachedSignature::new(signature).to_armored_string(options)
        };
        signed().map(|signature| text.with(&signature)).map_err(|error| failed(error.to_string()))
    }
}

/// The text that is signed: what `Chart.yaml` says, and the hash of the archive.
fn message(packed: &Packed<'_>) -> Result<String, ProvenanceError> {
    let failed = |text: String| ProvenanceError(format!("failed to marshal chart metadata: {text}"));
    let metadata = yaml(packed.metadata).map_err(|error| failed(error.to_string()))?;
    let hash = format!("sha256:{}", hex::encode(Sha256::digest(packed.archive)));
    let sum = [(packed.name.to_owned(), goyaml::Value::Str(hash))].into();
    let files = goyaml::Value::Map([("files".to_owned(), goyaml::Value::Map(sum))].into());
    let sums = goyaml::to_yaml(&files).map_err(|error| failed(error.to_string()))?;
    Ok(format!("{}\n...\n{sums}", String::from_utf8_lossy(&metadata)))
}
