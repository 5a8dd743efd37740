//! Values as Go holds them while they are merged: tables are shared, and what is put into one is seen in all places.
//!
//! Helm's merging lets tables of a parent's globals reach its subcharts and back; only sharing gives the same result.
//! Keys, scalars and lists are borrowed from the maps they come from, so that merging copies nothing.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use goyaml::{Map, Value};

/// A table that several places may hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Table<'v>(Rc<RefCell<BTreeMap<Cow<'v, str>, Node<'v>>>>);

/// A value; scalars and lists are never changed in place.
#[derive(Clone, Debug)]
pub(super) enum Node<'v> {
    Null,
    Leaf(&'v Value),
    Table(Table<'v>),
}

impl<'v> Node<'v> {
    fn from_value(value: &'v Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Map(map) => Self::Table(Table::from_map(map)),
            other => Self::Leaf(other),
        }
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Leaf(value) => (*value).clone(),
            Self::Table(table) => Value::Map(table.to_map()),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(super) fn table(&self) -> Option<&Table<'v>> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }
}

impl<'v> Table<'v> {
    /// Makes tables of a map and of the maps in it.
    pub(super) fn from_map(map: &'v Map) -> Self {
        let nodes = map.iter().map(|(key, value)| (Cow::Borrowed(key.as_str()), Node::from_value(value))).collect();
        Self(Rc::new(RefCell::new(nodes)))
    }

    /// Copies the table deeply into a map.
    pub(super) fn to_map(&self) -> Map {
        self.0.borrow().iter().map(|(key, node)| (key.clone().into_owned(), node.to_value())).collect()
    }

    /// Copies the table and the tables in it.
    pub(super) fn deep_copy(&self) -> Self {
        let copy = |node: &Node<'v>| match node {
            Node::Table(table) => Node::Table(table.deep_copy()),
            other => other.clone(),
        };
        let nodes = self.0.borrow().iter().map(|(key, node)| (key.clone(), copy(node))).collect();
        Self(Rc::new(RefCell::new(nodes)))
    }

    /// Copies the table, but shares the tables in it.
    pub(super) fn shallow_copy(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    pub(super) fn get(&self, key: &str) -> Option<Node<'v>> {
        self.0.borrow().get(key).cloned()
    }

    pub(super) fn set(&self, key: Cow<'v, str>, node: Node<'v>) {
        self.0.borrow_mut().insert(key, node);
    }

    pub(super) fn remove(&self, key: &str) {
        self.0.borrow_mut().remove(key);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Gives what is in the table now, so that it can be changed while it is walked.
    pub(super) fn entries(&self) -> Vec<(Cow<'v, str>, Node<'v>)> {
        self.0.borrow().iter().map(|(key, node)| (key.clone(), node.clone())).collect()
    }

    /// Follows a dotted path of tables; the error names the key that is no table.
    pub(super) fn lookup(&self, path: &str) -> Result<Self, String> {
        let mut table = self.clone();
        for key in path.split('.') {
            let next = table.get(key);
            match next.as_ref().and_then(Node::table) {
                Some(inner) => table = inner.clone(),
                None => return Err(format!("{} is not a table", crate::text::quote(key))),
            }
        }
        Ok(table)
    }

    /// Gives the value at a dotted path, unless it is a table (as Helm 4.3: `common.Values.PathValue`).
    pub(super) fn path_value(&self, path: &str) -> Option<Node<'v>> {
        let value = match path.rsplit_once('.') {
            Some((parent, key)) => self.lookup(parent).ok()?.get(key)?,
            None => self.get(path)?,
        };
        value.table().is_none().then_some(value)
    }

    /// Removes what is null, in the tables inside too.
    pub(super) fn drop_nulls(&self) {
        for (key, node) in self.entries() {
            match node {
                Node::Null => self.remove(&key),
                Node::Table(table) => table.drop_nulls(),
                Node::Leaf(_) => {}
            }
        }
    }
}
