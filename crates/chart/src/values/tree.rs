//! Values as Go holds them while they are merged: tables are shared, and what is put into one is seen in all places.
//!
//! Helm's merging lets tables of a parent's globals reach its subcharts and back; only sharing gives the same result.
//! Keys, scalars and lists are borrowed from the maps they come from, so that merging copies nothing, and a map becomes a
//! table only when somebody looks into it: most of a chart's values are never touched.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use goyaml::{Map, Value};

type Nodes<'v> = BTreeMap<Cow<'v, str>, Node<'v>>;

/// A table that several places may hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Table<'v>(Rc<RefCell<Content<'v>>>);

/// What is in a table. A map nobody has looked into stands for the table that it would become.
#[derive(Debug)]
enum Content<'v> {
    Closed(&'v Map),
    Open(Nodes<'v>),
}

impl Default for Content<'_> {
    fn default() -> Self {
        Self::Open(BTreeMap::new())
    }
}

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
    /// Makes a table of a map.
    pub(super) fn from_map(map: &'v Map) -> Self {
        Self(Rc::new(RefCell::new(Content::Closed(map))))
    }

    fn of(nodes: Nodes<'v>) -> Self {
        Self(Rc::new(RefCell::new(Content::Open(nodes))))
    }

    /// Does something with what is in the table. The tables in it become ones that others can share.
    fn open<T>(&self, f: impl FnOnce(&mut Nodes<'v>) -> T) -> T {
        let mut content = self.0.borrow_mut();
        if let Content::Closed(map) = &*content {
            let map: &'v Map = map;
            *content = Content::Open(
                map.iter().map(|(key, value)| (Cow::Borrowed(key.as_str()), Node::from_value(value))).collect(),
            );
        }
        match &mut *content {
            Content::Open(nodes) => f(nodes),
            Content::Closed(_) => f(&mut Nodes::new()),
        }
    }

    /// The map that the table still is.
    fn closed(&self) -> Option<&'v Map> {
        match &*self.0.borrow() {
            Content::Closed(map) => Some(map),
            Content::Open(_) => None,
        }
    }

    /// Copies the table deeply into a map.
    pub(super) fn to_map(&self) -> Map {
        match &*self.0.borrow() {
            Content::Closed(map) => (*map).clone(),
            Content::Open(nodes) => {
                nodes.iter().map(|(key, node)| (key.clone().into_owned(), node.to_value())).collect()
            }
        }
    }

    /// Copies the table and the tables in it.
    pub(super) fn deep_copy(&self) -> Self {
        if let Some(map) = self.closed() {
            return Self::from_map(map);
        }
        let copy = |node: &Node<'v>| match node {
            Node::Table(table) => Node::Table(table.deep_copy()),
            other => other.clone(),
        };
        Self::of(self.open(|nodes| nodes.iter().map(|(key, node)| (key.clone(), copy(node))).collect()))
    }

    /// Copies the table, but shares the tables in it.
    pub(super) fn shallow_copy(&self) -> Self {
        Self::of(self.open(|nodes| nodes.clone()))
    }

    pub(super) fn get(&self, key: &str) -> Option<Node<'v>> {
        self.open(|nodes| nodes.get(key).cloned())
    }

    pub(super) fn set(&self, key: Cow<'v, str>, node: Node<'v>) {
        self.open(|nodes| nodes.insert(key, node));
    }

    pub(super) fn remove(&self, key: &str) {
        self.open(|nodes| nodes.remove(key));
    }

    pub(super) fn is_empty(&self) -> bool {
        match &*self.0.borrow() {
            Content::Closed(map) => map.is_empty(),
            Content::Open(nodes) => nodes.is_empty(),
        }
    }

    /// Gives what is in the table now, so that it can be changed while it is walked.
    pub(super) fn entries(&self) -> Vec<(Cow<'v, str>, Node<'v>)> {
        self.open(|nodes| nodes.iter().map(|(key, node)| (key.clone(), node.clone())).collect())
    }

    /// Tells whether merging `source` into this table would change neither: nobody has looked into them, and what the
    /// source has is there, as a table where it has a table.
    pub(super) fn covers(&self, source: &Self) -> bool {
        matches!((self.closed(), source.closed()), (Some(own), Some(source)) if covers(own, source))
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
        if self.closed().is_some_and(|map| !has_null(map)) {
            return;
        }
        for (key, node) in self.entries() {
            match node {
                Node::Null => self.remove(&key),
                Node::Table(table) => table.drop_nulls(),
                Node::Leaf(_) => {}
            }
        }
    }
}

/// Tells whether a null stands in a map or in the maps inside.
fn has_null(map: &Map) -> bool {
    map.values().any(|value| match value {
        Value::Null => true,
        Value::Map(map) => has_null(map),
        _ => false,
    })
}

fn covers(own: &Map, source: &Map) -> bool {
    own.values().all(|value| !value.is_null())
        && source.iter().all(|(key, value)| match (own.get(key), value) {
            (Some(Value::Map(own)), Value::Map(source)) => covers(own, source),
            (Some(Value::Map(_)), _) | (_, Value::Map(_) | Value::Null) | (None, _) => false,
            (Some(_), _) => true,
        })
}
