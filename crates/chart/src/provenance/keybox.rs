//! GnuPG's keybox (`pubring.kbx`): keys with GnuPG's own notes between them (as Helm 4.3: `pkg/provenance/keybox.go`).

/// A blob that GnuPG does not count as part of the ring.
const EPHEMERAL: u32 = 2;

/// Tells whether the bytes are a keybox.
pub(super) fn is_keybox(data: &[u8]) -> bool {
    data.get(4) == Some(&1) && data.get(8..12) == Some(b"KBXf")
}

/// Takes the OpenPGP packets out of a keybox.
///
/// # Errors
/// The place where it is malformed.
pub(super) fn keys(data: &[u8]) -> Result<Vec<u8>, String> {
    let mut keys = Vec::new();
    let mut offset = 0;
    while offset < data.len() {
        let rest = data.get(offset..).unwrap_or_default();
        let Some(length) = number(rest, 0, 4).filter(|_| rest.len() >= 5) else {
            return Err(format!("truncated blob header at offset {offset}"));
        };
        if length < 5 {
            return Err(format!("invalid blob length {length} at offset {offset}"));
        }
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(blob) = rest.get(..size) else {
            let left = rest.len();
            return Err(format!("blob at offset {offset} has length {length} exceeding the {left} remaining bytes"));
        };
        if blob.get(4) == Some(&2) {
            let fields = (number(blob, 6, 2), number(blob, 8, 4), number(blob, 12, 4));
            let (Some(flags), Some(at), Some(len)) = fields else {
                return Err(format!("OpenPGP blob at offset {offset} is too short"));
            };
            let (at, len) = (usize::try_from(at).unwrap_or(usize::MAX), usize::try_from(len).unwrap_or(usize::MAX));
            let Some(key) = blob.get(at..at.saturating_add(len)) else {
                return Err(format!("OpenPGP blob at offset {offset} has an out-of-range keyblock"));
            };
            if flags & EPHEMERAL == 0 {
                keys.extend(key);
            }
        }
        offset += size;
    }
    if keys.is_empty() { Err("keybox contains no OpenPGP keys".to_owned()) } else { Ok(keys) }
}

/// A number of some bytes, the highest first.
fn number(data: &[u8], at: usize, bytes: usize) -> Option<u32> {
    let digits = data.get(at..at + bytes)?;
    Some(digits.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(kind: u8, flags: u8, key: &[u8]) -> Vec<u8> {
        let mut blob = vec![0, 0, 0, u8::try_from(16 + key.len()).unwrap(), kind, 1, 0, flags];
        blob.extend([0, 0, 0, 16, 0, 0, 0, u8::try_from(key.len()).unwrap()]);
        blob.extend(key);
        blob
    }

    #[test]
    fn takes_keys_out() {
        let mut data = blob(1, 0, b"");
        data.splice(8..12, *b"KBXf");
        assert!(is_keybox(&data));
        assert_eq!(keys(&data), Err("keybox contains no OpenPGP keys".into()));
        data.extend(blob(2, 0, b"one"));
        data.extend(blob(2, 2, b"passing"));
        data.extend(blob(3, 0, b"x509"));
        data.extend(blob(2, 0, b"two"));
        assert_eq!(keys(&data), Ok(b"onetwo".to_vec()));
    }

    #[test]
    fn says_where_it_is_malformed() {
        for (data, want) in [
            (vec![0, 0], "truncated blob header at offset 0"),
            (vec![0, 0, 0, 4, 2], "invalid blob length 4 at offset 0"),
            (vec![0, 0, 0, 9, 2], "blob at offset 0 has length 9 exceeding the 5 remaining bytes"),
            (vec![0, 0, 0, 6, 2, 1], "OpenPGP blob at offset 0 is too short"),
            (
                vec![0, 0, 0, 16, 2, 1, 0, 0, 0, 0, 0, 16, 255, 255, 255, 255],
                "OpenPGP blob at offset 0 has an out-of-range keyblock",
            ),
        ] {
            assert_eq!(keys(&data), Err(want.to_owned()));
        }
    }
}
