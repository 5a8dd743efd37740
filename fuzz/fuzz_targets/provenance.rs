//! Key rings and provenance files. The first byte says which of the two is a stranger's: else it is one that fits the other.
//! With both, the ring comes first and two bytes say how long it is.
#![no_main]

use chart::provenance::Keyring;

const RING: &[u8] = include_bytes!("../fixtures/ring.gpg");
const PROOF: &[u8] = include_bytes!("../fixtures/shop-1.0.0.tgz.prov");
const ARCHIVE: &[u8] = include_bytes!("../fixtures/shop-1.0.0.tgz");
const NAME: &str = "shop-1.0.0.tgz";
const NOW: u64 = 1_800_000_000;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    let (ring, proof) = match kind % 3 {
        0 => (rest, PROOF),
        1 => (RING, rest),
        _ => {
            let Some(([high, low], rest)) = rest.split_first_chunk::<2>().map(|(length, rest)| (*length, rest)) else {
                return;
            };
            rest.split_at(usize::from(u16::from_be_bytes([high, low])).min(rest.len()))
        }
    };
    let ring = match Keyring::read(ring, "ring") {
        Ok(ring) => ring,
        Err(error) => return drop(error.to_string()),
    };
    if let Ok(verified) = ring.verify(ARCHIVE, proof, NAME, NOW) {
        assert_eq!(verified.fingerprint.len() % 8, 0, "{verified:?}");
        assert!(ring.verify(b"another", proof, NAME, NOW).is_err(), "another archive");
        assert!(ring.verify(ARCHIVE, proof, "other-1.0.0.tgz", NOW).is_err(), "another name");
    }
    if let Ok(key) = ring.signing_key("a") {
        let _ = key.is_locked();
    }
});
