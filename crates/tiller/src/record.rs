//! How Tiller's records become text and back, as Helm 2.17: `pkg/storage/driver/util.go`: base64 of gzip of protobuf.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use prost::Message;

use crate::hapi::release::Release;

/// The most that a record may be inflated to, in bytes; stored, it has a megabyte at most.
pub const MAX_INFLATED: u64 = 32 << 20;

/// What gzip begins with; data without it was written by an old Tiller and is not compressed.
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Why a stored record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The stored object has no data key `release`.
    #[error("the stored object has no data key `release`")]
    Missing,
    /// The text is no base64.
    #[error("the stored record is no base64")]
    Base64(#[from] base64::DecodeError),
    /// The bytes are no gzip.
    #[error("the stored record cannot be decompressed")]
    Gzip(#[from] std::io::Error),
    /// It would be larger than [`MAX_INFLATED`].
    #[error("the stored record is larger than 32 MiB when decompressed")]
    TooLarge,
    /// It is no record.
    #[error("the stored record is no release of Helm 2")]
    Protobuf(#[from] prost::DecodeError),
}

/// Writes a record as the text that is stored.
///
/// # Errors
/// When it cannot be compressed.
pub fn encode(release: &Release) -> std::io::Result<String> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&release.encode_to_vec())?;
    Ok(STANDARD.encode(gzip.finish()?))
}

/// Reads a stored record.
///
/// # Errors
/// When the text is no record, or one that is too large.
pub fn decode(text: &[u8]) -> Result<Release, DecodeError> {
    let mut data = STANDARD.decode(text.trim_ascii())?;
    if data.starts_with(&GZIP) {
        let mut inflated = Vec::new();
        MultiGzDecoder::new(data.as_slice()).take(MAX_INFLATED + 1).read_to_end(&mut inflated)?;
        data = inflated;
    }
    if data.len() as u64 > MAX_INFLATED {
        return Err(DecodeError::TooLarge);
    }
    Ok(Release::decode(data.as_slice())?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn release() -> Release {
        Release { name: "shop".to_owned(), version: 3, manifest: "\n---\nkind: Pod\n".repeat(50), ..Release::default() }
    }

    #[test]
    fn a_record_goes_there_and_back() {
        let text = encode(&release()).unwrap();
        assert_eq!(decode(text.as_bytes()).unwrap(), release());
    }

    #[test]
    fn old_records_are_not_compressed() {
        let text = STANDARD.encode(release().encode_to_vec());
        assert_eq!(decode(text.as_bytes()).unwrap(), release());
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        assert!(matches!(decode(b"*"), Err(DecodeError::Base64(_))));
        assert!(matches!(decode(STANDARD.encode([0x1f, 0x8b, 0x08, 0, 9]).as_bytes()), Err(DecodeError::Gzip(_))));
        assert!(matches!(decode(STANDARD.encode([0xff, 0xff, 0xff]).as_bytes()), Err(DecodeError::Protobuf(_))));
    }

    #[test]
    fn a_record_that_swells_is_refused() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let zeros = vec![0; 1 << 20];
        for _ in 0..33 {
            gzip.write_all(&zeros).unwrap();
        }
        let text = STANDARD.encode(gzip.finish().unwrap());
        assert!(matches!(decode(text.as_bytes()), Err(DecodeError::TooLarge)));
    }
}
