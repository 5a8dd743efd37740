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
        return a.len().cmp(&b.len());
    }
    // Back to the beginning of the character that differs.
    while at > 0 && a.get(at).is_some_and(|c| c & 0xC0 == 0x80) {
        at -= 1;
    }
    let (head, a) = a.split_at(at);
    let mut a = Chars(a);
    let mut b = Chars(b.get(at..).unwrap_or_default());
    let mut before = Vec::new();
    loop {
        let (a_rest, b_rest) = (a.clone(), b.clone());
        match (a.next(), b.next()) {
            // Different invalid bytes are the same character to Go.
            (Some(x), Some(y)) if x == y => before.push(x),
            (Some(x), Some(y)) => {
                let head = || before.iter().rev().copied().chain(Backwards(head));
                return differing((x, y), head, a_rest, b_rest, v3);
            }
            (a, b) => return a.is_some().cmp(&b.is_some()),
        }
    }
}

/// Compares at two characters that differ; `a` and `b` begin with them, and `head` is what is equal before, backwards.
fn differing<H: Iterator<Item = char>>(
    (x, y): (char, char),
    head: impl Fn() -> H,
    a: Chars<'_>,
    b: Chars<'_>,
    v3: bool,
) -> Ordering {
    match (is_letter(x), is_letter(y)) {
        (true, true) => return x.cmp(&y),
        (false, false) => {}
        (letter, _) => {
            let after_digits = v3 && head().next().is_some_and(is_digit);
            return if letter == after_digits { Ordering::Less } else { Ordering::Greater };
        }
    }
    let mut start = 0;
    if x == '0' || y == '0' {
        // Behind other digits a zero counts; at the beginning of a number it does not.
        start = i64::from(head().take_while(|&c| is_digit(c)).any(|c| c != '0'));
    }
    let (a_number, a_len) = number(start, a);
    let (b_number, b_len) = number(start, b);
    a_number.cmp(&b_number).then(a_len.cmp(&b_len)).then(x.cmp(&y))
}

/// The characters of bytes as Go ranges over them.
#[derive(Clone)]
struct Chars<'a>(&'a [u8]);

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let (&first, rest) = self.0.split_first()?;
        if first.is_ascii() {
            self.0 = rest;
            return Some(char::from(first));
        }
        let (c, len) = first_char(self.0);
        self.0 = self.0.get(len..).unwrap_or_default();
        Some(c)
    }
}

/// The characters of bytes from the end.
struct Backwards<'a>(&'a [u8]);

impl Iterator for Backwards<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let len = self.0.len();
        let last = *self.0.last()?;
        let mut from = len - 1;
        while !last.is_ascii() && from > len.saturating_sub(4) && self.0.get(from).is_some_and(|c| c & 0xC0 == 0x80) {
            from -= 1;
        }
        let (head, tail) = self.0.split_at(from);
        let (c, width) = first_char(tail);
        // An invalid byte at the end is a character of its own.
        if width == tail.len() {
            self.0 = head;
            return Some(c);
        }
        self.0 = self.0.get(..len - 1)?;
        Some('\u{fffd}')
    }
}

/// The character at the beginning and its length; U+FFFD and one for a byte that begins none.
fn first_char(bytes: &[u8]) -> (char, usize) {
    let head = bytes.get(..4).unwrap_or(bytes);
    match head.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()) {
        Some(c) => (c, c.len_utf8()),
        None => ('\u{fffd}', 1),
    }
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
