//! Keys and signatures are made here, with a fixed seed.

use pgp::composed::{CleartextSignedMessage, KeyType, SecretKeyParamsBuilder, SignedSecretKey};
use pgp::types::{Password, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::metadata::Metadata;

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

fn secret_ring(key: &SignedSecretKey) -> Vec<u8> {
    let mut bytes = Vec::new();
    pgp::ser::Serialize::to_writer(key, &mut bytes).unwrap();
    bytes
}

fn metadata(description: &str) -> Metadata {
    let keywords = vec!["- a".to_owned()];
    Metadata {
        name: "a".into(),
        version: "1.0.0".into(),
        description: description.into(),
        keywords,
        ..Metadata::default()
    }
}

#[test]
fn what_is_signed_verifies() {
    let ours = key("Ann <ann@example.com>", true);
    let ring = Keyring::read(&secret_ring(&ours), "ring").unwrap();
    for description in ["one line", "two \nlines\t\n\n- three\r\n"] {
        let metadata = metadata(description);
        let packed = Packed { archive: b"archive", name: "a.tgz", metadata: &metadata };
        let text = ring.signing_key("ann@").unwrap().sign(&packed, now()).unwrap();
        let verified = ring.verify(b"archive", text.as_bytes(), "a.tgz", now()).unwrap();
        assert_eq!(verified.identities, ["Ann <ann@example.com>"]);
        assert!(ring.verify(b"archive", text.replace("1.0.0", "1.0.1").as_bytes(), "a.tgz", now()).is_err());
    }
    let metadata = metadata("x");
    let packed = Packed { archive: b"archive", name: "a.tgz", metadata: &metadata };
    let text = ring.signing_key("Ann <ann@example.com>").unwrap().sign(&packed, now()).unwrap();
    let head = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\ndescription: x\nkeywords:\n- - '- a'\nname: a\n\
         version: 1.0.0\n\n...\nfiles:\n  a.tgz: sha256:{}\n\n-----BEGIN PGP SIGNATURE-----\n\n",
        hex::encode(Sha256::digest(b"archive"))
    );
    assert!(text.starts_with(&head), "{text}");
    assert!(text.ends_with("\n-----END PGP SIGNATURE-----"), "{text}");
}

/// Dashes are marked, and blanks at the ends of lines are no part of a signed text.
#[test]
fn a_signed_text_is_read_as_it_was_written() {
    let text = clearsign::Cleartext::new("- one \n\n-two\t\r\nthree\n");
    assert_eq!(text.signed, "- one\r\n\r\n-two\r\nthree\r\n");
    let signature = "-----BEGIN PGP SIGNATURE-----\n\nAA==\n-----END PGP SIGNATURE-----\n";
    let message = text.with(signature);
    assert!(message.contains("\n\n- - one\n\n- -two\nthree\n\n-----BEGIN PGP SIGNATURE-----\n"), "{message}");
    let block = clearsign::decode(message.as_bytes()).unwrap();
    assert_eq!(block.signed, text.signed.as_bytes());
}

#[test]
fn which_key_signs() {
    let (ann, anna) = (key("Ann", true), key("Anna", true));
    let ring =
        Keyring::read(&[secret_ring(&anna), secret_ring(&ann), ring(&key("Eve", true))].concat(), "ring").unwrap();
    let found = |name: &str| ring.signing_key(name).map(|key| key.owner()).map_err(|e| e.to_string());
    for (name, want) in [
        ("Ann", Ok("Ann")),
        ("Anna", Ok("Anna")),
        ("nna", Ok("Anna")),
        ("An", Err("more than one key contain the id \"An\"")),
        ("Bob", Err("private key not found")),
        ("Eve", Err("provided key is not a private key. Try providing a keyring with secret keys")),
    ] {
        assert_eq!(found(name).as_deref().map_err(String::as_str), want, "{name}");
    }
}

#[test]
fn keys_that_cannot_sign() {
    let metadata = metadata("x");
    let packed = Packed { archive: b"archive", name: "a.tgz", metadata: &metadata };
    let certifier = Keyring::read(&secret_ring(&key("Ann", false)), "ring").unwrap();
    let error = certifier.signing_key("Ann").unwrap().sign(&packed, now()).unwrap_err();
    assert!(error.to_string().contains("the key of \"Ann\" is not there to sign"), "{error}");

    let mut locked = key("Ann", true);
    locked.primary_key.set_password(ChaCha20Rng::seed_from_u64(2), &Password::from("open")).unwrap();
    let ring = Keyring::read(&secret_ring(&locked), "ring").unwrap();
    let mut key = ring.signing_key("Ann").unwrap();
    assert!(key.is_locked());
    let wrong = ProvenanceError::new("openpgp: invalid data: private key checksum failure");
    assert_eq!(key.unlock(b"shut"), Err(wrong));
    key.unlock(b"open").unwrap();
    let text = key.sign(&packed, now()).unwrap();
    assert!(ring.verify(b"archive", text.as_bytes(), "a.tgz", now()).is_ok());
}
