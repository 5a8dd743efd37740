//! What a tree says about itself so that a writer can print it, whoever owns the tree.

use crate::order::KeyOrder;
use crate::value::Value;

/// Takes a tree in, one event after the other, and writes it down.
///
/// Strings and keys are bytes, as in Go: what is not UTF-8 is replaced or encoded as Go does it.
pub trait Sink {
    /// Takes `null`.
    fn null(&mut self);
    /// Takes a boolean.
    fn bool(&mut self, value: bool);
    /// Takes a signed integer.
    fn int(&mut self, value: i64);
    /// Takes an unsigned integer.
    fn uint(&mut self, value: u64);
    /// Takes a `float64`.
    fn float(&mut self, value: f64);
    /// Takes a string.
    fn str(&mut self, value: &[u8]);
    /// Begins a sequence of `len` values.
    fn begin_seq(&mut self, len: usize);
    /// Ends the sequence.
    fn end_seq(&mut self);
    /// Begins a mapping of `len` pairs; [`Sink::key`] and a value follow for each, sorted by [`Sink::order`].
    fn begin_map(&mut self, len: usize);
    /// Takes the key of the value that follows.
    fn key(&mut self, key: &[u8]);
    /// Ends the mapping.
    fn end_map(&mut self);
    /// Tells in which order it wants the keys of a mapping.
    fn order(&self) -> KeyOrder;
    /// Takes a point in time, as its text; a string where nothing else is made of it.
    fn timestamp(&mut self, value: &[u8]) {
        self.str(value);
    }
    /// Tells whether Go values are looked at by reflection (go-yaml v3), and not as `encoding/json` does.
    fn reflects(&self) -> bool {
        false
    }
}

/// A tree that can say itself into a [`Sink`]. It may be asked more than once, and must say the same each time.
pub trait Emit {
    /// Says the whole tree.
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S);
}

impl<T: Emit + ?Sized> Emit for &T {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) {
        (**self).emit(sink);
    }
}

impl Emit for Value {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) {
        match self {
            Self::Null => sink.null(),
            Self::Bool(b) => sink.bool(*b),
            Self::Int(i) => sink.int(*i),
            Self::Uint(u) => sink.uint(*u),
            Self::Float(f) => sink.float(*f),
            Self::Str(s) => sink.str(s.as_bytes()),
            Self::Seq(items) => items.emit(sink),
            Self::Map(map) => map.emit(sink),
        }
    }
}

impl Emit for Vec<Value> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) {
        sink.begin_seq(self.len());
        for item in self {
            item.emit(sink);
        }
        sink.end_seq();
    }
}

impl Emit for crate::Map {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) {
        sink.begin_map(self.len());
        let order = sink.order();
        if order == KeyOrder::Bytes || self.keys().is_sorted_by(|a, b| order.cmp(a.as_bytes(), b.as_bytes()).is_le()) {
            for (key, value) in self {
                sink.key(key.as_bytes());
                value.emit(sink);
            }
        } else {
            let mut pairs: Vec<(&String, &Value)> = self.iter().collect();
            order.sort(&mut pairs, |(key, _)| key.as_bytes());
            for (key, value) in pairs {
                sink.key(key.as_bytes());
                value.emit(sink);
            }
        }
        sink.end_map();
    }
}
