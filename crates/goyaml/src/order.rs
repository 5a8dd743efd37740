//! The orders in which Go prints the keys of a map.

use std::cmp::Ordering;

use crate::unicode::{is_digit, is_letter};

/// The order in which a writer wants the keys of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrder {
    /// By bytes, as `encoding/json`.
    Bytes,
    /// Naturally, as go-yaml v2 (`toYaml`): runs of digits compare as numbers, letters come after the rest.
    Natural,
    /// Naturally, as go-yaml v3 (`toYamlPretty`): as v2, but a letter after digits comes first.
    NaturalV3,
}

impl KeyOrder {
    /// Compares two keys.
    pub fn cmp(self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Self::Bytes => a.cmp(b),
            Self::Natural => natural(a, b, false),
            Self::NaturalV3 => natural(a, b, true),
        }
    }

    /// Sorts `items` by their keys. The natural orders are not transitive for a few odd keys; the result is then
    /// some order, as in Go, and never a panic.
    pub fn sort<T>(self, items: &mut Vec<T>, key: impl Fn(&T) -> &[u8]) {
        let less_or_equal = |a: &T, b: &T| self.cmp(key(a), key(b)) != Ordering::Greater;
        if items.is_sorted_by(less_or_equal) {
            return;
        }
        if self == Self::Bytes {
            items.sort_by(|a, b| key(a).cmp(key(b)));
            return;
        }
        merge_sort(items, &less_or_equal);
    }
}

/// Sorts stably and accepts any comparison, where the standard library may panic on an inconsistent one.
fn merge_sort<T>(items: &mut Vec<T>, less_or_equal: &impl Fn(&T, &T) -> bool) {
    if items.len() < 2 {
        return;
    }
    let mut right = items.split_off(items.len() / 2);
    merge_sort(items, less_or_equal);
    merge_sort(&mut right, less_or_equal);
    let left = std::mem::replace(items, Vec::with_capacity(right.len() * 2 + 1));
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
        let next = if less_or_equal(l, r) { left.next() } else { right.next() };
        items.extend(next);
    }
    items.extend(left);
    items.extend(right);
}

/// Compares as go-yaml's `keyList.Less` does for two strings (`sorter.go`).
fn natural(a: &[u8], b: &[u8], v3: bool) -> Ordering {
    let mut at = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    if at == a.len() || at == b.len() {
        // One is the beginning of the other. Only whole characters count, so this is right for valid text.
        if at == a.len() && at == b.len() {
            return Ordering::Equal;
        }
        return a.len().cmp(&b.len());
    }
    // Back to the beginning of the character that differs.
    while at > 0 && a.get(at).is_some_and(|c| c & 0xC0 == 0x80) {
        at -= 1;
    }
    let (head, a_rest) = a.split_at(at);
    let b_rest = b.get(at..).unwrap_or_default();
    if head.is_ascii() && a_rest.is_ascii() && b_rest.is_ascii() {
        return differing(
            head.iter().map(|&c| char::from(c)),
            || a_rest.iter().map(|&c| char::from(c)),
            || b_rest.iter().map(|&c| char::from(c)),
            v3,
        );
    }
    let (head, a_rest, b_rest) =
        (crate::utf8::to_valid(head), crate::utf8::to_valid(a_rest), crate::utf8::to_valid(b_rest));
    // Different invalid bytes are the same character to Go.
    if let (Some(x), Some(y)) = (a_rest.chars().next(), b_rest.chars().next())
        && x == y
    {
        let same = a_rest.chars().zip(b_rest.chars()).take_while(|(x, y)| x == y).count();
        let longer: String = head.chars().chain(a_rest.chars().take(same)).collect();
        if same == a_rest.chars().count() || same == b_rest.chars().count() {
            return a_rest.chars().count().cmp(&b_rest.chars().count());
        }
        return differing(longer.chars(), || a_rest.chars().skip(same), || b_rest.chars().skip(same), v3);
    }
    differing(head.chars(), || a_rest.chars(), || b_rest.chars(), v3)
}

/// Compares at the first character that differs; `head` is what is equal before it.
fn differing<H, A, B>(head: H, a: impl Fn() -> A, b: impl Fn() -> B, v3: bool) -> Ordering
where
    H: DoubleEndedIterator<Item = char> + Clone,
    A: Iterator<Item = char>,
    B: Iterator<Item = char>,
{
    let (Some(x), Some(y)) = (a().next(), b().next()) else {
        return a().count().cmp(&b().count());
    };
    match (is_letter(x), is_letter(y)) {
        (true, true) => return x.cmp(&y),
        (true, false) | (false, true) => {
            let after_digits = v3 && head.clone().next_back().is_some_and(is_digit);
            return if is_letter(x) == after_digits { Ordering::Less } else { Ordering::Greater };
        }
        (false, false) => {}
    }
    let mut start = 0;
    if x == '0' || y == '0' {
        // Behind other digits a zero counts; at the beginning of a number it does not.
        let significant = head.rev().take_while(|&c| is_digit(c)).any(|c| c != '0');
        start = i64::from(significant);
    }
    let (a_number, a_len) = number(start, a());
    let (b_number, b_len) = number(start, b());
    a_number.cmp(&b_number).then(a_len.cmp(&b_len)).then(x.cmp(&y))
}

/// Reads the digits at the beginning; Go's arithmetic wraps, and takes a digit of any script as its distance from `0`.
fn number(start: i64, chars: impl Iterator<Item = char>) -> (i64, usize) {
    chars
        .take_while(|&c| is_digit(c))
        .fold((start, 0), |(n, len), c| (n.wrapping_mul(10).wrapping_add(i64::from(u32::from(c)) - 48), len + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(order: KeyOrder, keys: &[&'static str]) -> Vec<&'static str> {
        let mut keys = keys.to_vec();
        order.sort(&mut keys, |k| k.as_bytes());
        keys
    }

    #[test]
    fn numbers_in_keys() {
        let keys = ["a10", "a2", "a1", "B", "b", "_x", "1", "10", "9", "a", "a-b", "a0", "a02"];
        assert_eq!(
            sorted(KeyOrder::Natural, &keys),
            ["_x", "1", "9", "10", "B", "a", "a-b", "a0", "a1", "a2", "a02", "a10", "b"]
        );
        assert_eq!(sorted(KeyOrder::Bytes, &["b", "a10", "a2"]), ["a10", "a2", "b"]);
    }

    #[test]
    fn a_letter_behind_digits() {
        assert_eq!(sorted(KeyOrder::Natural, &["1a", "1-"]), ["1-", "1a"]);
        assert_eq!(sorted(KeyOrder::NaturalV3, &["1a", "1-"]), ["1a", "1-"]);
    }

    #[test]
    fn long_numbers_wrap_and_never_panic() {
        let mut keys: Vec<String> = (0..200).map(|i| format!("{}{i}", "9".repeat(i % 40))).collect();
        KeyOrder::Natural.sort(&mut keys, |k| k.as_bytes());
        assert_eq!(keys.len(), 200);
    }
}
