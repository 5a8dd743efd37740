//! How a record becomes text and back, as Helm 4.3: `pkg/storage/driver/util.go`: base64 of gzip of JSON.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use flate2::{Compression, Decompress, FlushDecompress};

use crate::json;
use crate::peek::{self, Peek};
use crate::record::Release;

/// The most that a record may be inflated to, in bytes.
pub const MAX_INFLATED: u64 = 64 << 20;

/// The deepest nesting of a record's JSON.
pub const MAX_DEPTH: usize = 200;

/// The most bytes of data that Kubernetes takes in one Secret or ConfigMap.
pub const MAX_ENCODED: usize = 1_048_576;

/// How much of a record is looked at first for what a list shows; a multiple of base64's four letters.
const PEEKED: usize = 8 << 10;

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
    #[error("the stored record is larger than 64 MiB when decompressed")]
    TooLarge,
    /// It is nested deeper than [`MAX_DEPTH`].
    #[error("the stored record is nested deeper than 200 levels")]
    TooDeep,
    /// It is no record.
    #[error("the stored record is no release")]
    Json(#[from] serde_json::Error),
}

/// Why a record cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It is nested deeper than [`MAX_DEPTH`].
    #[error("the release is nested deeper than 200 levels and could not be read back")]
    TooDeep,
    /// It cannot be written as JSON.
    #[error("the release cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// It cannot be compressed.
    #[error("the release cannot be compressed")]
    Gzip(#[from] std::io::Error),
}

/// Writes a record's JSON as Helm does, to the byte.
///
/// # Errors
/// When it is nested too deep to be read back.
pub fn to_json(release: &Release) -> Result<Vec<u8>, EncodeError> {
    let json = json::to_vec(release)?;
    if json::depth(&json) > MAX_DEPTH {
        return Err(EncodeError::TooDeep);
    }
    Ok(json)
}

/// Writes a record as the text that is stored; its length is what counts against [`MAX_ENCODED`].
///
/// # Errors
/// As [`to_json`].
pub fn encode(release: &Release) -> Result<String, EncodeError> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&to_json(release)?)?;
    Ok(STANDARD.encode(gzip.finish()?))
}

/// Reads a stored record.
///
/// # Errors
/// When the text is no record, or one that is too large or nested too deep.
pub fn decode(text: &[u8]) -> Result<Release, DecodeError> {
    let json = inflate(text)?;
    if json::depth(&json) > MAX_DEPTH {
        return Err(DecodeError::TooDeep);
    }
    // A derived reader would also take an array of the fields.
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(DecodeError::Json(serde::de::Error::custom("a release is a JSON object")));
    }
    let mut reader = serde_json::Deserializer::from_slice(&json);
    reader.disable_recursion_limit();
    let release = serde::Deserialize::deserialize(&mut reader)?;
    reader.end()?;
    Ok(release)
}

/// Reads only what a list shows of a stored record; the rest is not even decompressed.
///
/// # Errors
/// As [`decode`], as far as it reads.
pub fn peek(text: &[u8]) -> Result<Peek, DecodeError> {
    // What a list shows comes first, and is nearly always in the first kilobytes.
    if let Some(start) = text.get(..PEEKED)
        && let Ok(peek) = peek_whole(start)
    {
        return Ok(peek);
    }
    peek_whole(text)
}

/// Opens many records as [`peek`] does, in the same memory. What is kept of a record is small, and what it takes to open one is not:
/// made anew for each, it would leave the heap full of holes.
pub(crate) struct Peeker {
    inflate: Decompress,
    packed: Vec<u8>,
    plain: Vec<u8>,
}

impl Peeker {
    /// How much of a record's JSON is looked at before the whole is.
    const PLAIN: usize = 4 * PEEKED;

    pub(crate) fn new() -> Self {
        Self { inflate: Decompress::new(false), packed: Vec::new(), plain: Vec::with_capacity(Self::PLAIN) }
    }

    /// Does what [`peek`] does.
    pub(crate) fn peek(&mut self, text: &[u8]) -> Result<Peek, DecodeError> {
        self.quick(text).map_or_else(|| peek(text), Ok)
    }

    /// Reads a record that is written as Helm writes it, and has at its beginning what a list shows.
    fn quick(&mut self, text: &[u8]) -> Option<Peek> {
        self.packed.clear();
        STANDARD.decode_vec(text.get(..PEEKED).unwrap_or(text), &mut self.packed).ok()?;
        // A header without name, comment or checksum of its own: four bytes say so, and six are a time and a system.
        let body = self.packed.strip_prefix(&[0x1f, 0x8b, 0x08, 0])?.get(6..)?;
        self.plain.clear();
        self.inflate.reset(false);
        self.inflate.decompress_vec(body, &mut self.plain, FlushDecompress::None).ok()?;
        peek::read_slice(&self.plain).ok()
    }
}

fn peek_whole(text: &[u8]) -> Result<Peek, DecodeError> {
    let bytes = unbase64(text)?;
    if is_gzip(&bytes) {
        peek::read(MultiGzDecoder::new(bytes.as_slice()).take(MAX_INFLATED))
    } else {
        peek::read(bytes.as_slice())
    }
}

fn inflate(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let bytes = unbase64(text)?;
    if !is_gzip(&bytes) {
        return Ok(bytes);
    }
    let mut json = Vec::with_capacity(bytes.len() * 4);
    MultiGzDecoder::new(bytes.as_slice()).take(MAX_INFLATED + 1).read_to_end(&mut json)?;
    if json.len() as u64 > MAX_INFLATED { Err(DecodeError::TooLarge) } else { Ok(json) }
}

/// Go's decoder passes over line ends.
fn unbase64(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    if text.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        return Ok(STANDARD.decode(text)?);
    }
    Ok(STANDARD.decode(text)?)
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.len() > 3 && bytes.starts_with(&[0x1f, 0x8b, 0x08])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_peeked_as_one_is() {
        let mut peeker = Peeker::new();
        for notes in [0, 10, 100_000, 10] {
            let mut release = Release { name: format!("shop-{notes}"), ..Release::default() };
            // Not to be compressed well, so that what a list shows ends beyond the part that is looked at first.
            let mut state = 1_u64;
            release.info.notes = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(b'a' + (state >> 60) as u8)
            })
            .take(notes)
            .collect();
            let text = encode(&release).unwrap();
            assert_eq!(peeker.quick(text.as_bytes()).is_some(), notes < 100_000, "{notes}");
            assert_eq!(peeker.peek(text.as_bytes()).unwrap(), peek(text.as_bytes()).unwrap());
        }
        let plain = STANDARD.encode(r#"{"name":"shop","info":{},"chart":{"metadata":{"name":"c"}}}"#);
        assert_eq!(peeker.peek(plain.as_bytes()).unwrap().name, "shop");
        assert!(peeker.peek(b"no record").is_err());
        assert!(peeker.peek(b"").is_err());
    }
}
