//! The outer layer of OpenPGP data: one packet after the other (RFC 9580 §4.2).

/// A packet in which GnuPG notes down for itself how far it trusts what stands before.
const TRUST: u8 = 12;

/// Takes out the packets that mean nothing outside of GnuPG, which stand among a key's own in its rings.
///
/// # Errors
/// When it is no sequence of packets, in the words of Go's library.
pub(super) fn without_trust(data: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut kept = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some(tag) = rest.first() {
        if tag & 0x80 == 0 {
            return Err("openpgp: invalid data: tag byte does not have MSB set");
        }
        let length = if tag & 0x40 == 0 { old_length(rest) } else { new_length(rest) };
        let Some(length) = length.ok_or("unexpected EOF")? else {
            // A packet in parts: none of those that keys are made of.
            kept.extend(rest);
            break;
        };
        let Some((packet, after)) = rest.split_at_checked(length) else { return Err("unexpected EOF") };
        let kind = if tag & 0x40 == 0 { (tag >> 2) & 15 } else { tag & 0x3f };
        if kind != TRUST {
            kept.extend(packet);
        }
        rest = after;
    }
    Ok(kept)
}

/// The length of a packet with its header in the old format; `Some(None)` when it goes on to the end.
fn old_length(packet: &[u8]) -> Option<Option<usize>> {
    let size = match packet.first()? & 3 {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => return Some(None),
    };
    Some(Some(1 + size + number(packet.get(1..=size)?)))
}

/// The same in the new format; `Some(None)` when it comes in parts.
fn new_length(packet: &[u8]) -> Option<Option<usize>> {
    let first = usize::from(*packet.get(1)?);
    Some(match first {
        0..192 => Some(2 + first),
        192..224 => Some(3 + ((first - 192) << 8) + usize::from(*packet.get(2)?) + 192),
        255 => Some(6 + number(packet.get(2..6)?)),
        _ => None,
    })
}

fn number(digits: &[u8]) -> usize {
    digits.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_all_lengths() {
        let trust = [0xb0, 2, 9, 9];
        for packet in [vec![0x98, 1, 7], vec![0x99, 0, 1, 7], vec![0xc6, 1, 7], vec![0xc6, 255, 0, 0, 0, 1, 7]] {
            let data = [&trust[..], &packet, &trust, &[0xcc, 1, 9], &packet].concat();
            assert_eq!(without_trust(&data), Ok([&packet[..], &packet].concat()));
        }
        assert_eq!(without_trust(&[0x98, 3, 1]), Err("unexpected EOF"));
        assert_eq!(without_trust(&[0x98]), Err("unexpected EOF"));
        assert_eq!(without_trust(b"text"), Err("openpgp: invalid data: tag byte does not have MSB set"));
    }
}
