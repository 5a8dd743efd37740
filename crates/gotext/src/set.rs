//! A set of parsed templates: built once, then shared by any number of renders.

use std::sync::Arc;

use crate::Error;
use crate::functions::Functions;
use crate::hash::QuickMap;
use crate::parse::{self, Pool, Tables};

/// Parsed templates that know each other by name, as Go's `*template.Template` with its associated ones.
///
/// It does not change while it is rendered: put it in an `Arc` and share it.
pub struct Set {
    name: String,
    functions: Arc<Functions>,
    tables: Tables,
    index: QuickMap<Vec<u8>, u32>,
}

impl Set {
    /// Makes an empty set. Its name is told in the error about a template that is not there (Helm's is `gotpl`).
    pub fn new(name: impl Into<String>, functions: Arc<Functions>) -> Self {
        Self { name: name.into(), functions, tables: Tables::default(), index: QuickMap::default() }
    }

    /// Parses a text and adds its templates, as Go's `t.New(name).Parse(text)`.
    ///
    /// A template that is there already is replaced, except by one of nothing but white space. On an error nothing
    /// changes.
    pub fn parse(&mut self, name: impl AsRef<[u8]>, text: impl AsRef<[u8]>) -> Result<(), Error> {
        let done = parse::parse(&mut self.tables, &self.functions, name.as_ref(), text.as_ref())?;
        let pool = self.tables.pool();
        for number in done {
            let Some(tree) = pool.trees.get(number as usize) else { continue };
            let name = pool.bytes(tree.name);
            if !(tree.empty && self.index.contains_key(name)) {
                self.index.insert(name.to_vec(), number);
            }
        }
        Ok(())
    }

    /// Whether there is a template of this name.
    pub fn contains(&self, name: impl AsRef<[u8]>) -> bool {
        self.index.contains_key(name.as_ref())
    }

    /// The names of all templates, in no order.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.index.keys().map(Vec::as_slice)
    }

    /// The functions of the set.
    pub fn functions(&self) -> &Arc<Functions> {
        &self.functions
    }

    /// The name of the set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Roughly the bytes of memory it takes, for caches.
    pub fn size(&self) -> usize {
        let t = &self.tables;
        t.data.capacity()
            + t.nodes.capacity() * 28
            + t.lists.capacity() * 4
            + t.idents.capacity() * 8
            + t.numbers.capacity() * 72
    }

    pub(crate) fn pool(&self) -> Pool<'_> {
        self.tables.pool()
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<u32> {
        self.index.get(name).copied()
    }
}
