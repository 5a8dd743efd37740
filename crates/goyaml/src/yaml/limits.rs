//! How much a document may grow by its aliases: go-yaml's rule, and one of our own.

use crate::error::Error;

/// How many bytes of text aliases may repeat. Go shares the strings and has no such limit; we copy them.
const MAX_ALIASED_BYTES: usize = 64 << 20;

/// Counts while a document is decoded.
#[derive(Default)]
pub(super) struct Limits {
    decoded: usize,
    aliased: usize,
    aliased_bytes: usize,
    /// How many aliases the node at hand is inside of.
    pub(super) alias_depth: usize,
    depth: usize,
}

impl Limits {
    /// Counts a node; go-yaml's text if too many of them came by aliases (`allowedAliasRatio`).
    pub(super) fn count(&mut self) -> Result<(), Error> {
        self.decoded += 1;
        if self.alias_depth > 0 {
            self.aliased += 1;
        }
        if self.aliased > 100
            && self.decoded > 1000
            && self.aliased as f64 / self.decoded as f64 > allowed_ratio(self.decoded)
        {
            return Err(excessive());
        }
        Ok(())
    }

    /// Counts text that is copied.
    pub(super) fn text(&mut self, len: usize) -> Result<(), Error> {
        if self.alias_depth > 0 {
            self.aliased_bytes += len;
            if self.aliased_bytes > MAX_ALIASED_BYTES {
                return Err(excessive());
            }
        }
        Ok(())
    }

    /// Goes one level down, at a node that begins in `line`, counted from 0.
    pub(super) fn enter(&mut self, line: usize) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > crate::MAX_DEPTH {
            let problem = format_args!("exceeded max depth of {}", crate::MAX_DEPTH);
            return Err(Error::yaml(Some(line + 1), problem));
        }
        Ok(())
    }

    /// Comes back up.
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }
}

fn excessive() -> Error {
    Error::yaml(None, "document contains excessive aliasing")
}

/// The part of all nodes that may come by aliases: 99 % of 400,000, less and less of more.
fn allowed_ratio(decoded: usize) -> f64 {
    const LOW: usize = 400_000;
    const HIGH: usize = 4_000_000;
    match decoded {
        0..=LOW => 0.99,
        HIGH.. => 0.10,
        _ => 0.99 - 0.89 * ((decoded - LOW) as f64 / (HIGH - LOW) as f64),
    }
}
