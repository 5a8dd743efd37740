//! The owner of a key: names, subkeys, and what of them holds at a time (as ProtonMail's go-crypto 1.4:
//! `openpgp/keys.go`, `openpgp/read.go checkMessageSignatureDetails`).

use pgp::composed::{PublicOrSecret, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PublicSubkey, SecretKey, Signature, SignatureType, SubpacketData};
use pgp::types::{KeyDetails, SignedUser, Tag};

use super::ProvenanceError;
use super::keyring::is_by;

/// An owner.
#[derive(Debug)]
pub(super) struct Entity {
    key: SignedPublicKey,
    /// The names that the owner has signed, with the newest such signature of each.
    names: Vec<Name>,
    /// What the owner signs with, when the ring holds it.
    secret: Option<SecretKey>,
}

#[derive(Debug)]
struct Name {
    text: String,
    signature: Signature,
    revoked: bool,
}

/// A key that may have made a signature.
pub(super) struct Candidate<'a> {
    pub(super) entity: &'a Entity,
    /// The subkey, and the signature that binds it; without one it is the primary key.
    subkey: Option<(&'a PublicSubkey, &'a Signature)>,
}

impl Entity {
    /// Takes a key that has a name which its owner has signed; others cannot be used.
    pub(super) fn new(key: PublicOrSecret) -> Option<Self> {
        let (key, secret) = match key {
            PublicOrSecret::Public(key) => (key, None),
            PublicOrSecret::Secret(key) => (key.to_public_key(), Some(key.primary_key)),
        };
        let names: Vec<Name> = key.details.users.iter().filter_map(|user| name(&key, user)).collect();
        (!names.is_empty()).then_some(Self { key, names, secret })
    }

    /// All names.
    pub(super) fn identities(&self) -> Vec<String> {
        self.names.iter().map(|name| name.text.clone()).collect()
    }

    /// The secret part of the primary key.
    pub(super) fn secret(&self) -> Option<&SecretKey> {
        self.secret.as_ref()
    }

    /// Tells whether the primary key is there to sign, so that its signatures can be verified.
    pub(super) fn may_sign(&self) -> bool {
        self.primary().is_some_and(|name| may_sign(&name.signature))
    }

    /// The fingerprint of the primary key.
    pub(super) fn fingerprint(&self) -> String {
        hex::encode_upper(self.key.fingerprint().as_bytes())
    }

    /// The keys that a signature says it is of, as far as they are there to sign.
    pub(super) fn keys_for(&self, signature: &Signature) -> Vec<Candidate<'_>> {
        let mut found = Vec::new();
        if is_by(signature, &self.key.primary_key) && self.may_sign() {
            found.push(Candidate { entity: self, subkey: None });
        }
        for subkey in self.key.public_subkeys.iter().filter(|subkey| is_by(signature, &subkey.key)) {
            if let Some(binding) = self.binding(subkey).filter(|binding| may_sign(binding)) {
                found.push(Candidate { entity: self, subkey: Some((&subkey.key, binding)) });
            }
        }
        found
    }

    /// The name that counts: the one marked so, or the newest.
    fn primary(&self) -> Option<&Name> {
        let newest = |name: &&Name| name.signature.created();
        let marked = self.names.iter().filter(|name| name.signature.is_primary());
        marked.max_by_key(newest).or_else(|| self.names.iter().max_by_key(newest))
    }

    /// The newest signature that binds a subkey; one that signs has to have signed back.
    fn binding<'a>(&self, subkey: &'a pgp::composed::SignedPublicSubKey) -> Option<&'a Signature> {
        let primary = &self.key.primary_key;
        let binds = |signature: &&Signature| {
            signature.typ() == Some(SignatureType::SubkeyBinding)
                && signature.verify_subkey_binding(primary, &subkey.key).is_ok()
                && (!signature.key_flags().sign()
                    || signature
                        .embedded_signature()
                        .is_some_and(|back| back.verify_primary_key_binding(&subkey.key, primary).is_ok()))
        };
        subkey.signatures.iter().filter(binds).max_by_key(|signature| signature.created())
    }

    fn is_revoked(&self) -> bool {
        let primary = &self.key.primary_key;
        let by_owner = |signature: &Signature| signature.verify_key(primary).is_ok();
        self.key.details.revocation_signatures.iter().any(by_owner)
    }
}

impl Candidate<'_> {
    /// Checks the signature itself.
    pub(super) fn verify(&self, signature: &Signature, signed: &[u8]) -> Result<(), ProvenanceError> {
        let done = match self.subkey {
            Some((key, _)) => signature.verify(key, signed),
            None => signature.verify(&self.entity.key.primary_key, signed),
        };
        let algorithm = match self.subkey {
            Some((key, _)) => key.algorithm(),
            None => self.entity.key.primary_key.algorithm(),
        };
        done.map_err(|_| {
            let name = format!("{algorithm:?}");
            let name = match name.as_str() {
                name if name.starts_with("RSA") => "RSA",
                "EdDSALegacy" => "EdDSA",
                name => name,
            };
            ProvenanceError(format!("openpgp: invalid signature: {name} verification failure"))
        })
    }

    /// Checks what speaks against a signature that is right in itself: what was revoked, and what has ended.
    pub(super) fn check(&self, signature: &Signature, now: u64) -> Result<(), ProvenanceError> {
        let fail = |text: &str| Err(ProvenanceError::new(text));
        let Some(primary) = self.entity.primary() else { return fail("openpgp: signature made by unknown entity") };
        if let Some(hash @ (HashAlgorithm::Md5 | HashAlgorithm::Ripemd160 | HashAlgorithm::Sha1)) = signature.hash_alg()
        {
            return fail(&format!("openpgp: weak algorithms are rejected: {hash}"));
        }
        let mut signatures = vec![signature, &primary.signature];
        if let Some((_, binding)) = self.subkey {
            signatures.push(binding);
            signatures.extend(binding.embedded_signature());
        }
        for signature in &signatures {
            if let Some(notation) = signature.notations().into_iter().find(|_| has_critical_notation(signature)) {
                let name = String::from_utf8_lossy(&notation.name).into_owned();
                return fail(&format!("openpgp: invalid signature: unknown critical notation: {name}"));
            }
        }
        let subkey_revoked = self.subkey.is_some_and(|(key, _)| self.is_subkey_revoked(key));
        if self.entity.is_revoked() || subkey_revoked || primary.revoked {
            return fail("openpgp: signature made by revoked key");
        }
        if is_over(&self.entity.key.primary_key, &primary.signature, now)
            || self.subkey.is_some_and(|(key, binding)| is_over(key, binding, now))
        {
            return fail("openpgp: key expired");
        }
        let ended = |signature: &&Signature| {
            let lasts = signature.signature_expiration_time().map_or(0, |time| u64::from(time.as_secs()));
            let created = signature.created().map_or(0, |at| u64::from(at.as_secs()));
            created > now || (lasts != 0 && created + lasts < now)
        };
        if signatures.iter().any(ended) {
            return fail("openpgp: signature expired");
        }
        Ok(())
    }

    fn is_subkey_revoked(&self, key: &PublicSubkey) -> bool {
        let primary = &self.entity.key.primary_key;
        let same = self.entity.key.public_subkeys.iter().filter(|subkey| subkey.key.fingerprint() == key.fingerprint());
        same.flat_map(|subkey| &subkey.signatures).any(|signature| {
            signature.typ() == Some(SignatureType::SubkeyRevocation)
                && signature.verify_subkey_binding(primary, key).is_ok()
        })
    }
}

/// A name with the newest of the owner's signatures on it.
fn name(key: &SignedPublicKey, user: &SignedUser) -> Option<Name> {
    let primary = &key.primary_key;
    let by_owner = |signature: &&Signature| {
        is_by(signature, primary) && signature.verify_certification(primary, Tag::UserId, &user.id).is_ok()
    };
    let is_revocation = |signature: &Signature| signature.typ() == Some(SignatureType::CertRevocation);
    let valid: Vec<&Signature> = user.signatures.iter().filter(by_owner).collect();
    let newest =
        valid.iter().filter(|signature| !is_revocation(signature)).max_by_key(|signature| signature.created())?;
    Some(Name {
        text: String::from_utf8_lossy(user.id.id()).into_owned(),
        signature: (*newest).clone(),
        revoked: valid.iter().any(|signature| is_revocation(signature)),
    })
}

/// Tells whether a self-signature says that the key is there to sign.
fn may_sign(signature: &Signature) -> bool {
    let says = signature.config().is_some_and(|config| {
        config.hashed_subpackets().any(|subpacket| matches!(subpacket.data, SubpacketData::KeyFlags(_)))
    });
    says && signature.key_flags().sign()
}

fn has_critical_notation(signature: &Signature) -> bool {
    signature.config().is_some_and(|config| {
        let critical = |data: &SubpacketData| matches!(data, SubpacketData::Notation(_));
        config.hashed_subpackets().any(|subpacket| subpacket.is_critical && critical(&subpacket.data))
    })
}

/// Tells whether a key is not yet, or no more.
fn is_over(key: &impl KeyDetails, signature: &Signature, now: u64) -> bool {
    let created = u64::from(key.created_at().as_secs());
    let lasts = signature.key_expiration_time().map_or(0, |time| u64::from(time.as_secs()));
    created > now || (lasts != 0 && created + lasts < now)
}
