//! A set of parsed templates: built once, then shared by any number of renders.

use std::sync::Arc;

use bytes::Bytes;

use crate::Error;
use crate::functions::Functions;
use crate::hash::QuickMap;
use crate::parse::{self, Pool, Tables};

/// A parsed text, not yet part of any set: texts can be parsed side by side.
pub struct Source {
    /// In one place, since sources are handed from thread to thread and sorted.
    tables: Box<Tables>,
    /// The templates of the text, as numbers of trees in the tables.
    trees: Vec<u32>,
}

impl Source {
    /// Parses a text. The functions must be those of the set that it is for.
    ///
    /// # Errors
    /// Go's, with the name of the text and the line.
    pub fn parse(functions: &Functions, name: impl AsRef<[u8]>, text: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::parse_shared(functions, name, Bytes::copy_from_slice(text.as_ref()))
    }

    /// Parses a text that is kept as it is.
    ///
    /// # Errors
    /// As [`Source::parse`].
    pub fn parse_shared(functions: &Functions, name: impl AsRef<[u8]>, text: Bytes) -> Result<Self, Error> {
        let (tables, trees) = parse::parse(functions, name.as_ref(), text)?;
        Ok(Self { tables: Box::new(tables), trees })
    }
}

/// Parsed templates that know each other by name, as Go's `*template.Template` with its associated ones.
///
/// It does not change while it is rendered: put it in an `Arc` and share it.
pub struct Set {
    name: String,
    functions: Arc<Functions>,
    sources: Vec<Source>,
    /// The source of each template, and its tree there.
    index: QuickMap<Vec<u8>, (u32, u32)>,
}

impl Set {
    /// Makes an empty set. Its name is told in the error about a template that is not there (Helm's is `gotpl`).
    pub fn new(name: impl Into<String>, functions: Arc<Functions>) -> Self {
        Self { name: name.into(), functions, sources: Vec::new(), index: QuickMap::default() }
    }

    /// Parses a text and adds its templates, as Go's `t.New(name).Parse(text)`. On an error nothing changes.
    ///
    /// # Errors
    /// As [`Source::parse`].
    pub fn parse(&mut self, name: impl AsRef<[u8]>, text: impl AsRef<[u8]>) -> Result<(), Error> {
        let source = Source::parse(&self.functions, name, text)?;
        self.add(source);
        Ok(())
    }

    /// Adds the templates of a text. One that is there already is replaced, except by one of nothing but white space.
    pub fn add(&mut self, source: Source) {
        let at = self.sources.len() as u32;
        let pool = source.tables.pool();
        for number in &source.trees {
            let Some(tree) = pool.trees.get(*number as usize) else { continue };
            let name = pool.bytes(tree.name);
            if !(tree.empty && self.index.contains_key(name)) {
                self.index.insert(name.to_vec(), (at, *number));
            }
        }
        self.sources.push(source);
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
        self.sources.iter().map(|source| source.tables.size()).sum()
    }

    pub(crate) fn pools(&self) -> impl ExactSizeIterator<Item = Pool<'_>> {
        self.sources.iter().map(|source| source.tables.pool())
    }

    /// As [`Set::find`], in a set without one of its sources.
    pub(crate) fn find_without(&self, name: &[u8], source: u32) -> Option<(u32, u32)> {
        let found = self.find(name)?;
        if found.0 != source {
            return Some(found);
        }
        // What it took the place of; that is rare.
        let mut kept = None;
        for (at, other) in (0..).zip(&self.sources).filter(|(at, _)| *at != source) {
            let pool = other.tables.pool();
            for number in &other.trees {
                let Some(tree) = pool.trees.get(*number as usize) else { continue };
                if pool.bytes(tree.name) == name && !(tree.empty && kept.is_some()) {
                    kept = Some((at, *number));
                }
            }
        }
        kept
    }

    /// The source of a template, and its tree there.
    pub(crate) fn find(&self, name: &[u8]) -> Option<(u32, u32)> {
        self.index.get(name).copied()
    }
}
