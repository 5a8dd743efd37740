//! Rings of public keys, and who of them has signed (as Helm 4.3: `pkg/provenance/sign.go`, over ProtonMail's go-crypto
//! 1.4: `openpgp/read.go`, `openpgp/keys.go`).

use std::io::{BufReader, Read};

use pgp::armor::{BlockType, Dearmor};
use pgp::composed::PublicOrSecret;
use pgp::packet::{Packet, PacketParser, Signature};
use pgp::types::KeyDetails;

use super::entity::Entity;
use super::packets::without_trust;
use super::{ProvenanceError, keybox};

const ARMOR: &[u8] = b"-----BEGIN PGP";

/// Keys. To verify, secret ones count by their public part.
#[derive(Debug, Default)]
pub struct Keyring(Vec<Entity>);

impl Keyring {
    /// Reads a ring: packets as `gpg --export` makes them, armored text, or a keybox. `path` is for errors.
    ///
    /// # Errors
    /// When it is none of them, or holds nothing that can be used.
    pub fn read(data: &[u8], path: &str) -> Result<Self, ProvenanceError> {
        if keybox::is_keybox(data) {
            let keys = keybox::keys(data).map_err(|text| ProvenanceError(format!("reading keybox {path}: {text}")))?;
            return Ok(Self(packets(&keys)?));
        }
        if data.trim_ascii_start().starts_with(ARMOR) {
            // A block that cannot be read is passed over, as text between blocks is.
            let entities: Vec<Entity> = blocks(data)
                .into_iter()
                .filter_map(unarmored)
                .filter_map(|keys| packets(&keys).ok())
                .flatten()
                .collect();
            return if entities.is_empty() {
                Err(ProvenanceError(format!("reading armored keyring {path}: no keys found")))
            } else {
                Ok(Self(entities))
            };
        }
        Ok(Self(packets(data)?))
    }

    /// All owners of keys.
    pub(super) fn owners(&self) -> &[Entity] {
        &self.0
    }

    /// Finds who has signed the bytes, and checks all that may speak against it.
    pub(super) fn signer(&self, signed: &[u8], packets: &[u8], now: u64) -> Result<&Entity, ProvenanceError> {
        let mut failed = ProvenanceError::new("openpgp: signature made by unknown entity");
        for packet in PacketParser::new(BufReader::new(packets)) {
            let Ok(Packet::Signature(signature)) = packet else {
                return Err(ProvenanceError::new("openpgp: invalid data: non signature packet found"));
            };
            let candidates = self.0.iter().flat_map(|entity| entity.keys_for(&signature));
            for key in candidates {
                match key.verify(&signature, signed) {
                    Ok(()) => {
                        key.check(&signature, now)?;
                        return Ok(key.entity);
                    }
                    Err(error) => failed = error,
                }
            }
            if !unknown(&failed) {
                return Err(failed);
            }
        }
        Err(failed)
    }
}

fn unknown(error: &ProvenanceError) -> bool {
    error.0.ends_with("unknown entity")
}

/// Reads packets; keys that cannot be used are passed over as long as there is another.
fn packets(data: &[u8]) -> Result<Vec<Entity>, ProvenanceError> {
    let unusable = || ProvenanceError::new("openpgp: invalid data: there is no key that can be used");
    let data = without_trust(data).map_err(ProvenanceError::new)?;
    let keys = PublicOrSecret::from_bytes_many(BufReader::new(data.as_slice())).map_err(|_| unusable())?;
    let entities: Vec<Entity> = keys.flatten().filter_map(Entity::new).collect();
    if entities.is_empty() && !data.is_empty() { Err(unusable()) } else { Ok(entities) }
}

/// The packets of an armored block.
fn unarmored(block: &[u8]) -> Option<Vec<u8>> {
    let mut armor = Dearmor::new(block);
    armor.read_header().ok()?;
    let mut packets = Vec::new();
    armor.read_to_end(&mut packets).ok()?;
    matches!(armor.typ, Some(BlockType::PublicKey | BlockType::PrivateKey)).then_some(packets)
}

/// The armored blocks of a text.
fn blocks(data: &[u8]) -> Vec<&[u8]> {
    let begins = |at: &usize| data.get(*at..).is_some_and(|rest| rest.starts_with(ARMOR));
    let mut starts: Vec<usize> = (0..data.len()).filter(begins).collect();
    starts.push(data.len());
    starts.windows(2).filter_map(|pair| data.get(*pair.first()?..*pair.last()?)).collect()
}

/// Tells whether a signature says that it is of a key.
pub(super) fn is_by(signature: &Signature, key: &impl KeyDetails) -> bool {
    let id = key.legacy_key_id();
    let (ids, fingerprints) = (signature.issuer_key_id(), signature.issuer_fingerprint());
    match ids.as_slice() {
        [] => fingerprints.iter().any(|known| **known == key.fingerprint()),
        ids => ids.iter().any(|known| **known == id),
    }
}
