//! Signed text that can be read as it is (RFC 9580 §7; as ProtonMail's go-crypto 1.4: `openpgp/clearsign`).

use std::io::Read;

const START: &[u8] = b"\n-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const END: &[u8] = b"\n-----END PGP SIGNATURE-----";

/// Hashes that the header may name.
const HASHES: [&str; 9] = ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA3-256", "SHA3-512", "RIPEMD160", "MD5"];

/// A signed text.
#[derive(Debug)]
pub(super) struct Block {
    /// The text as a reader sees it.
    pub(super) text: Vec<u8>,
    /// The bytes that were signed: the lines with `\r\n` between them.
    pub(super) signed: Vec<u8>,
    /// The signature's packets.
    pub(super) signature: Vec<u8>,
}

/// Takes a signed text apart; `None` when there is none.
pub(super) fn decode(data: &[u8]) -> Option<Block> {
    let start = START.get(1..)?;
    let mut rest = match data.strip_prefix(start) {
        Some(rest) => rest,
        None => data.get(find(data, START)? + START.len()..)?,
    };
    // Nothing may follow on the line of the mark.
    let (line, after) = line(rest);
    if !line.is_empty() {
        return None;
    }
    rest = after;
    loop {
        if rest.is_empty() {
            return None;
        }
        let (header, after) = self::line(rest);
        rest = after;
        let header = std::str::from_utf8(header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        let (key, value) = header.split_once(':').filter(|_| header.bytes().all(|b| (0x20..=0x7e).contains(&b)))?;
        let known = |hash: &str| HASHES.contains(&hash.trim().to_ascii_uppercase().as_str());
        if key.trim() != "Hash" || !value.split(',').all(known) {
            return None;
        }
    }
    let (mut text, mut signed) = (Vec::new(), Vec::new());
    let mut first = true;
    loop {
        let (line, after) = self::line(rest);
        if line.is_empty() && after.is_empty() {
            return None;
        }
        if line == SIGNATURE {
            break;
        }
        rest = after;
        if !first {
            signed.extend(b"\r\n");
            text.push(b'\n');
        }
        first = false;
        let line = line.strip_prefix(b"- ").unwrap_or(line);
        let kept = line.iter().rposition(|b| !matches!(b, b' ' | b'\t')).map_or(0, |last| last + 1);
        let line = line.get(..kept).unwrap_or_default();
        signed.extend(line);
        text.extend(line);
    }
    let end = find(rest, END)? + END.len();
    let mut signature = Vec::new();
    let mut armored = pgp::armor::Dearmor::new(rest.get(..end)?);
    armored.read_header().ok()?;
    armored.read_to_end(&mut signature).ok()?;
    Some(Block { text, signed, signature })
}

/// A text that is to be signed.
#[derive(Debug)]
pub(super) struct Cleartext {
    /// The bytes that are signed: the lines with `\r\n` between them, blanks at their ends left out.
    pub(super) signed: String,
    /// The text as it stands in the signed message.
    text: String,
}

impl Cleartext {
    /// Prepares a text.
    pub(super) fn new(text: &str) -> Self {
        let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches([' ', '\t', '\r'])).collect();
        let escaped =
            lines.iter().map(|line| if line.starts_with('-') { format!("- {line}") } else { (*line).to_owned() });
        Self { signed: lines.join("\r\n"), text: escaped.collect::<Vec<_>>().join("\n") }
    }

    /// Puts the text before its signature, which is armored; the hash is SHA-512.
    pub(super) fn with(&self, signature: &str) -> String {
        format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{}\n{}", self.text, signature.trim_end())
    }
}

/// The first line without its end, and what follows.
fn line(data: &[u8]) -> (&[u8], &[u8]) {
    let Some(end) = data.iter().position(|b| *b == b'\n') else { return (data, &[]) };
    let (line, rest) = data.split_at(end);
    (line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..).unwrap_or_default())
}

fn find(data: &[u8], what: &[u8]) -> Option<usize> {
    data.windows(what.len()).position(|window| window == what)
}
