//! The functions of a template set, found by name once, when a template is parsed.

use std::collections::HashMap;

use crate::exec::Builtin;
use crate::hash::QuickMap;
use crate::{Function, Value};

/// Numbers from here on are those of builtins.
const BUILTINS: u32 = 1 << 31;

/// A table of functions, and of methods of named map types. Go's builtins are always there; a function of the same name
/// goes before one.
#[derive(Default)]
pub struct Functions {
    list: Vec<Function>,
    index: QuickMap<&'static [u8], u32>,
    methods: HashMap<(&'static str, &'static str), Function>,
}

/// What a number stands for.
pub(crate) enum Found<'f> {
    Host(&'f Function),
    Builtin(Builtin),
}

impl Functions {
    /// Makes a table of functions; of two with the same name the last is taken.
    pub fn new(functions: impl IntoIterator<Item = Function>) -> Self {
        let mut table = Self::default();
        table.extend(functions);
        table
    }

    /// Adds functions; one of the same name as an earlier one takes its place.
    pub fn extend(&mut self, functions: impl IntoIterator<Item = Function>) {
        for function in functions {
            let number = self.list.len() as u32;
            self.index.insert(function.name.as_bytes(), number);
            self.list.push(function);
        }
    }

    /// Adds a method of a named map type (`common.Values`); its first parameter is the map itself.
    ///
    /// As in Go a method goes before a key of the same name.
    pub fn add_method(&mut self, type_name: &'static str, method: Function) {
        self.methods.insert((type_name, method.name), method);
    }

    /// The functions in the order they were added, overridden ones included.
    pub fn iter(&self) -> impl Iterator<Item = &Function> {
        self.list.iter()
    }

    /// The number of a function.
    pub(crate) fn find(&self, name: &[u8]) -> Option<u32> {
        let own = self.index.get(name).copied();
        let builtin = || Builtin::find(std::str::from_utf8(name).ok()?).map(|b| BUILTINS | b as u32);
        own.or_else(builtin)
    }

    /// The function of a number.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<Found<'_>> {
        if number & BUILTINS != 0 {
            return Builtin::ALL.get((number & !BUILTINS) as usize).map(|(_, b)| Found::Builtin(*b));
        }
        self.list.get(number as usize).map(Found::Host)
    }

    /// The method of a value of a named map type.
    pub(crate) fn method(&self, value: &Value<'_>, name: &[u8]) -> Option<&Function> {
        let Value::Map(map) = value else { return None };
        let type_name = map.name?;
        // There are few, and of most fields the length alone tells that it is none of them.
        self.methods.iter().find(|((t, m), _)| m.as_bytes() == name && *t == type_name).map(|(_, f)| f)
    }
}
