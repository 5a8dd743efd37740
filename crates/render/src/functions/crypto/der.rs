//! The little DER that keys and certificates are written in.

/// `SEQUENCE`.
pub(super) const SEQUENCE: u8 = 0x30;
/// `SET`.
pub(super) const SET: u8 = 0x31;
/// `OCTET STRING`.
pub(super) const OCTETS: u8 = 0x04;
/// `BOOLEAN`.
pub(super) const BOOLEAN: u8 = 0x01;

/// A value with its tag and length.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(len) if len < 0x80 => out.push(len),
        _ => {
            let len = content.len().to_be_bytes();
            let skip = len.iter().take_while(|b| **b == 0).count();
            let len = len.get(skip..).unwrap_or(&[]);
            out.push(0x80 | len.len() as u8);
            out.extend_from_slice(len);
        }
    }
    out.extend_from_slice(content);
    out
}

/// Values put one after the other under a tag.
pub(super) fn group(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(tag, &parts.concat())
}

/// An `INTEGER` of big-endian bytes, not negative.
pub(super) fn integer(number: &[u8]) -> Vec<u8> {
    let skip = number.iter().take_while(|b| **b == 0).count();
    let number = number.get(skip..).unwrap_or(&[]);
    match number.first() {
        None => tlv(0x02, &[0]),
        Some(first) if *first >= 0x80 => tlv(0x02, &[&[0], number].concat()),
        Some(_) => tlv(0x02, number),
    }
}

/// An `OBJECT IDENTIFIER`.
pub(super) fn oid(arcs: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    let joined = arcs.first().zip(arcs.get(1)).map_or(0, |(a, b)| a * 40 + b);
    for arc in std::iter::once(joined).chain(arcs.iter().skip(2).copied()) {
        let mut digits = vec![(arc & 0x7F) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            digits.push((rest & 0x7F) as u8 | 0x80);
            rest >>= 7;
        }
        out.extend(digits.into_iter().rev());
    }
    tlv(0x06, &out)
}

/// A `BIT STRING` with so many unused bits at its end.
pub(super) fn bits(unused: u8, content: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[unused], content].concat())
}

/// A PEM block as Go's `pem.EncodeToMemory` writes it.
pub(super) fn pem(kind: &str, content: &[u8]) -> String {
    let encoded = crate::golang::base::encode64(content);
    let mut out = format!("-----BEGIN {kind}-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out + &format!("-----END {kind}-----\n")
}

/// The first PEM block of a text: its kind and content; text around it is skipped.
pub(super) fn first_pem(text: &[u8]) -> Option<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(text);
    let mut rest = text.as_ref();
    while let Some(at) = rest.find("-----BEGIN ") {
        let line_start = at == 0 || rest.get(..at).is_some_and(|before| before.ends_with('\n'));
        rest = rest.get(at + 11..)?;
        let Some((kind, body)) = rest.split_once("-----") else { continue };
        if !line_start || kind.contains('\n') {
            continue;
        }
        let Some((inside, _)) = body.split_once(&format!("-----END {kind}-----")) else { continue };
        // Headers, which private keys of old had, end at an empty line.
        let inside = match inside.contains(':') {
            true => inside.split_once("\n\n").map_or(inside, |(_, content)| content),
            false => inside,
        };
        let compact: Vec<u8> = inside.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        if let Ok(content) = crate::golang::base::decode64(&compact) {
            return Some((kind.to_owned(), content));
        }
    }
    None
}
