//! Keys and signatures are made here, with a fixed seed.

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
