//! Keys and signatures are made here, with a fixed seed.

use pgp::composed::{CleartextSignedMessage, KeyType, SecretKeyParamsBuilder, SignedSecretKey};
use pgp::types::{Password, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;

#[test]
fn a_text_without_signature() {
    let ring = Keyring::default();
    for text in
        ["", "hello", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\na\n", "-----BEGIN PGP SIGNED MESSAGE-----x"]
    {
        let got = ring.verify(b"", text.as_bytes(), "a.tgz", 0);
        assert_eq!(got, Err(ProvenanceError::new("signature block not found")), "{text:?}");
    }
}

#[test]
fn the_second_part_has_the_hashes() {
    let text = b"name: a\n\n...\nfiles:\n  a.tgz: sha256:00\n";
    assert_eq!(vouched(text, "a.tgz"), Ok("sha256:00".into()));
    let missing = "provenance does not contain a SHA for a file named \"b.tgz\"";
    assert_eq!(vouched(text, "b.tgz"), Err(ProvenanceError::new(missing)));
    let one = "message block must have at least two parts";
    assert_eq!(vouched(b"name: a\n", "a.tgz"), Err(ProvenanceError::new(one)));
}

#[test]
fn rings_that_are_none() {
    for (data, want) in [
        (&b"garbage"[..], "openpgp: invalid data: tag byte does not have MSB set"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nxx\n", "reading armored keyring ring: no keys found"),
    ] {
        assert_eq!(Keyring::read(data, "ring").unwrap_err().to_string(), want);
    }
    assert!(Keyring::read(b"", "ring").is_ok());
}

const MADE: u32 = 1_700_000_000;

fn key(name: &str, may_sign: bool) -> SignedSecretKey {
    let mut params = SecretKeyParamsBuilder::default();
    params.key_type(KeyType::Ed25519Legacy).can_certify(true).can_sign(may_sign).primary_user_id(name.to_owned());
    params.created_at(Timestamp::from_secs(MADE));
    params.build().unwrap().generate(ChaCha20Rng::seed_from_u64(name.len() as u64)).unwrap()
}

fn ring(key: &SignedSecretKey) -> Vec<u8> {
    let mut bytes = Vec::new();
    pgp::ser::Serialize::to_writer(&key.to_public_key(), &mut bytes).unwrap();
    bytes
}

fn signed(key: &SignedSecretKey, text: &str) -> String {
    let rng = ChaCha20Rng::seed_from_u64(1);
    let message = CleartextSignedMessage::sign(rng, text, &key.primary_key, &Password::empty()).unwrap();
    message.to_armored_string(pgp::composed::ArmorOptions::default()).unwrap()
}

fn proof(archive: &[u8]) -> String {
    format!("name: a\n- x: ---\n\n...\nfiles:\n  a.tgz: sha256:{}\n", hex::encode(Sha256::digest(archive)))
}

fn now() -> u64 {
    Timestamp::now().as_secs().into()
}

#[test]
fn a_signature_that_holds_and_those_that_do_not() {
    let (ours, other) = (key("Ann <ann@example.com>", true), key("Eve", true));
    let text = signed(&ours, &proof(b"archive"));
    let keys = Keyring::read(&ring(&ours), "ring").unwrap();
    let verified = keys.verify(b"archive", text.as_bytes(), "a.tgz", now()).unwrap();
    assert_eq!(verified.identities, ["Ann <ann@example.com>"]);
    assert_eq!(verified.fingerprint.len(), 40);
    assert_eq!(verified.hash, format!("sha256:{}", hex::encode(Sha256::digest(b"archive"))));

    let both = Keyring::read(&[ring(&other), ring(&ours)].concat(), "ring").unwrap();
    assert_eq!(both.verify(b"archive", text.as_bytes(), "a.tgz", now()), Ok(verified));

    let fails = |keys: &Keyring, archive: &[u8], text: &str, name: &str| {
        keys.verify(archive, text.as_bytes(), name, now()).unwrap_err().to_string()
    };
    let strangers = Keyring::read(&ring(&other), "ring").unwrap();
    assert_eq!(fails(&strangers, b"archive", &text, "a.tgz"), "openpgp: signature made by unknown entity");
    assert!(fails(&keys, b"changed", &text, "a.tgz").starts_with("sha256 sum does not match for a.tgz: \"sha256:"));
    assert!(fails(&keys, b"archive", &text, "b.tgz").starts_with("provenance does not contain a SHA"));
    let forged = text.replace("name: a", "name: b");
    assert_eq!(fails(&keys, b"archive", &forged, "a.tgz"), "openpgp: invalid signature: EdDSA verification failure");
    // The marks of the text itself are no part of what is signed, and nothing else may stand in their place.
    assert_eq!(fails(&keys, b"archive", &text.replace("Hash: ", "Comment: "), "a.tgz"), "signature block not found");
}

#[test]
fn a_key_that_is_not_there_to_sign_counts_for_nothing() {
    let ours = key("Ann", false);
    let text = signed(&ours, &proof(b"archive"));
    let keys = Keyring::read(&ring(&ours), "ring").unwrap();
    let error = keys.verify(b"archive", text.as_bytes(), "a.tgz", now()).unwrap_err();
    assert_eq!(error.to_string(), "openpgp: signature made by unknown entity");
}

#[test]
fn time_counts() {
    let ours = key("Ann", true);
    let text = signed(&ours, &proof(b"archive"));
    let keys = Keyring::read(&ring(&ours), "ring").unwrap();
    let at = |now: u64| keys.verify(b"archive", text.as_bytes(), "a.tgz", now).map_err(|e| e.to_string());
    assert_eq!(at(u64::from(MADE) - 1).unwrap_err(), "openpgp: key expired");
    assert_eq!(at(u64::from(MADE) + 1).unwrap_err(), "openpgp: signature expired");
    assert!(at(now()).is_ok());
}

#[test]
fn armor_and_keyboxes_hold_the_same_keys() {
    let ours = key("Ann", true);
    let text = signed(&ours, &proof(b"archive"));
    let armored = ours.to_public_key().to_armored_string(pgp::composed::ArmorOptions::default()).unwrap();
    let keys = Keyring::read(format!("\n{armored}\n{armored}").as_bytes(), "ring").unwrap();
    assert!(keys.verify(b"archive", text.as_bytes(), "a.tgz", now()).is_ok());
    let broken = armored.replace("-----END", "----END");
    let error = Keyring::read(broken.as_bytes(), "ring").unwrap_err();
    assert_eq!(error.to_string(), "reading armored keyring ring: no keys found");
}
