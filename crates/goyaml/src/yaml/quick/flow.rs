//! Flow collections of ordinary YAML: those of one line whose scalars are words, or quoted.

use super::scalars::is_word;
use super::{Build, Reader};
use crate::value::Value;

/// How deep they may lie in each other here.
const MAX_FLOW: usize = 16;

impl Reader<'_> {
    /// Reads a flow collection.
    pub(super) fn flow<B: Build>(&mut self, depth: usize) -> Option<B> {
        if depth > MAX_FLOW {
            return None;
        }
        let open = self.byte();
        self.pos += 1;
        self.skip_spaces();
        let mut items = Vec::new();
        let mut entries = B::Entries::default();
        let close = if open == b'[' { b']' } else { b'}' };
        while self.byte() != close {
            if open == b'[' {
                items.push(self.flow_value(depth)?);
            } else {
                let key = self.key()?;
                self.skip_spaces();
                let value =
                    if matches!(self.byte(), b',' | b'}') { B::other(Value::Null) } else { self.flow_value(depth)? };
                B::entry(&mut entries, key, value)?;
            }
            self.skip_spaces();
            if self.byte() == b',' {
                self.pos += 1;
                self.skip_spaces();
            } else if self.byte() != close {
                return None;
            }
        }
        self.pos += 1;
        Some(if open == b'[' { B::seq(items) } else { B::map(entries) })
    }

    fn flow_value<B: Build>(&mut self, depth: usize) -> Option<B> {
        match self.byte() {
            b'[' | b'{' => self.flow(depth + 1),
            b'"' | b'\'' => {
                let text = self.quoted_word()?;
                matches!(self.byte(), b' ' | b',' | b']' | b'}').then(|| B::slice(text))
            }
            b'-' if !self.byte_at(1).is_ascii_digit() => None,
            _ => {
                let start = self.pos;
                self.pos += self.rest().iter().take_while(|b| is_word(**b)).count();
                let word = self.slice(start, self.pos);
                self.skip_spaces();
                if word.is_empty() || !matches!(self.byte(), b',' | b']' | b'}') {
                    return None;
                }
                self.resolved(word)
            }
        }
    }
}
