//! The values a template works on: small `Copy` handles into an arena that a render drops whole.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::{Call, Error, Method, Room};

/// The memory of one render; everything a template makes lives in it and goes with it.
pub struct Arena {
    bump: Bump,
    /// The budget, as far as a render has one.
    most: Cell<usize>,
    /// What ends the render.
    interrupt: RefCell<Option<Arc<AtomicBool>>>,
    /// Whether a function has stopped before it was done.
    overrun: Cell<bool>,
    /// The addresses that were printed, and what was printed for them.
    addresses: RefCell<BTreeMap<usize, u64>>,
}

/// The first address that is printed: Go's heap begins at another each time, and most often they are as long.
const FIRST_ADDRESS: u64 = 0x2c00_0000_0000;

impl Default for Arena {
    fn default() -> Self {
        Self {
            bump: Bump::default(),
            most: Cell::new(usize::MAX),
            interrupt: RefCell::default(),
            overrun: Cell::new(false),
            addresses: RefCell::default(),
        }
    }
}

impl Arena {
    /// Makes an empty arena.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes handed out so far; budgets are checked against it.
    pub fn allocated(&self) -> usize {
        self.bump.allocated_bytes()
    }

    /// Tells whether a function may make so many bytes more, here or on the heap, and go on at all. When it may not, it
    /// should give back anything, at once: the executor then ends the render.
    pub fn has_room(&self, bytes: usize) -> bool {
        let stopped = || self.interrupt.borrow().as_ref().is_some_and(|interrupt| interrupt.load(Ordering::Relaxed));
        let room = self.allocated().saturating_add(bytes) <= self.most.get() && !stopped();
        if !room {
            self.overrun.set(true);
        }
        room
    }

    /// Sets what functions are told by [`Arena::has_room`].
    pub(crate) fn limit(&self, most: usize, interrupt: Option<Arc<AtomicBool>>) {
        self.most.set(most);
        *self.interrupt.borrow_mut() = interrupt;
    }

    /// Tells whether a function has stopped before it was done.
    pub(crate) fn is_overrun(&self) -> bool {
        self.overrun.get()
    }

    /// Gives what is printed for an address. It says nothing about this process's memory, and is the same in each run.
    pub(crate) fn printed_address(&self, address: usize) -> u64 {
        let mut addresses = self.addresses.borrow_mut();
        let next = FIRST_ADDRESS + 32 * addresses.len() as u64;
        *addresses.entry(address).or_insert(next)
    }

    /// The underlying bump allocator.
    pub fn bump(&self) -> &Bump {
        &self.bump
    }

    /// Copies bytes into the arena as a Go string.
    pub fn str(&self, bytes: impl AsRef<[u8]>) -> Value<'_> {
        Value::Str(self.bytes(bytes))
    }

    /// Copies bytes into the arena.
    pub fn bytes(&self, bytes: impl AsRef<[u8]>) -> &[u8] {
        self.bump.alloc_slice_copy(bytes.as_ref())
    }

    /// Makes a `[]interface {}`.
    pub fn list<'a>(&'a self, items: &[Value<'a>]) -> Value<'a> {
        self.typed_list(GoType::Any, items)
    }

    /// Makes a slice of the given element type, such as `[]string`.
    pub fn typed_list<'a>(&'a self, elem: GoType, items: &[Value<'a>]) -> Value<'a> {
        self.roomy_list(elem, items, Room::None)
    }

    /// Makes a slice that has room behind its end.
    pub fn roomy_list<'a>(&'a self, elem: GoType, items: &[Value<'a>], room: Room<'a>) -> Value<'a> {
        let items = self.bump.alloc_slice_copy(items);
        Value::List(self.bump.alloc(List { elem, items: Some(items), room }))
    }

    /// Makes a slice whose elements were appended one after the other.
    pub fn appended<'a>(&'a self, elem: GoType, items: &[Value<'a>]) -> Value<'a> {
        self.roomy_list(elem, items, Room::Appended(0))
    }

    /// Makes an empty `map[string]interface {}`.
    pub fn map<'a>(&'a self) -> &'a Map<'a> {
        self.typed_map(GoType::Any)
    }

    /// Makes an empty `map[string]interface {}` with room for so many entries: to grow leaves the old room behind.
    pub fn map_for<'a>(&'a self, entries: usize) -> &'a Map<'a> {
        let entries = self.bump.alloc(RefCell::new(BumpVec::with_capacity_in(entries, &self.bump)));
        self.bump.alloc(Map { elem: GoType::Any, name: None, nil: false, entries })
    }

    /// Makes an empty `map[string]ELEM`.
    pub fn typed_map<'a>(&'a self, elem: GoType) -> &'a Map<'a> {
        let entries = self.bump.alloc(RefCell::new(BumpVec::new_in(&self.bump)));
        self.bump.alloc(Map { elem, name: None, nil: false, entries })
    }

    /// Makes an empty map of a named type, such as `common.Values`.
    pub fn named_map<'a>(&'a self, name: &'static str, elem: GoType) -> &'a Map<'a> {
        self.view(self.typed_map(elem), Some(name))
    }

    /// Makes Go's nil map: it reads as an empty one, and writing to it is a panic in Go.
    pub fn nil_map<'a>(&'a self, elem: GoType) -> &'a Map<'a> {
        let entries = self.bump.alloc(RefCell::new(BumpVec::new_in(&self.bump)));
        self.bump.alloc(Map { elem, name: None, nil: true, entries })
    }

    /// Makes a map from entries in any order; of equal keys the last wins.
    pub fn map_from<'a>(
        &'a self,
        elem: GoType,
        entries: impl IntoIterator<Item = (&'a [u8], Value<'a>)>,
    ) -> &'a Map<'a> {
        let map = self.typed_map(elem);
        for (key, value) in entries {
            map.set(key, value);
        }
        map
    }

    /// Makes Go's nil slice.
    pub fn nil_list<'a>(&'a self, elem: GoType) -> Value<'a> {
        Value::List(self.bump.alloc(List { elem, items: None, room: Room::None }))
    }

    /// Makes a `[]string`.
    pub fn strings<'a, S: AsRef<[u8]>>(&'a self, items: impl IntoIterator<Item = S>) -> Value<'a> {
        let items: Vec<Value<'a>> = items.into_iter().map(|s| self.str(s)).collect();
        self.typed_list(GoType::String, &items)
    }

    /// Makes a `[]uint8`.
    pub fn byte_list<'a>(&'a self, bytes: &[u8]) -> Value<'a> {
        let items = self.bump.alloc_slice_fill_iter(bytes.iter().map(|b| Value::Uint(u64::from(*b), GoType::Uint8)));
        Value::List(self.bump.alloc(List { elem: GoType::Uint8, items: Some(items), room: Room::None }))
    }

    /// Makes the same map seen as another type, as a Go conversion does: the entries are shared.
    pub fn view<'a>(&'a self, map: &Map<'a>, name: Option<&'static str>) -> &'a Map<'a> {
        self.bump.alloc(Map { elem: map.elem, name, nil: map.nil, entries: map.entries })
    }

    /// Moves a host object into the arena. Its destructor is not run: it must own no heap memory.
    pub fn object<'a, T: Object<'a> + 'a>(&'a self, object: T) -> Value<'a> {
        Value::Object(self.bump.alloc(object))
    }
}

/// The Go type of a number, an element or a parameter, as far as templates can tell types apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum GoType {
    /// `interface {}`
    Any,
    Bool,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Float32,
    Float64,
    String,
    /// `[]interface {}`
    List,
    /// `[]string`
    Strings,
    /// `[]uint8`
    Bytes,
    /// `map[string]interface {}`
    Map,
    /// `map[string]string`
    StringMap,
    /// A named type that is a `map[string]interface {}`, by its name; a plain one may stand for it.
    NamedMap(&'static str),
    /// Any host object or other named type, by the text Go's `%T` prints.
    Named(&'static str),
}

/// A value: what Go's `reflect.Value` is to text/template. 24 bytes, `Copy`.
#[derive(Clone, Copy, Default)]
pub enum Value<'a> {
    /// An untyped nil, or the absence of a value.
    #[default]
    Nil,
    /// A `bool`.
    Bool(bool),
    /// A signed integer and its Go type (`Int`, `Int8` … `Int64`).
    Int(i64, GoType),
    /// An unsigned integer and its Go type.
    Uint(u64, GoType),
    /// A float and its Go type.
    Float(f64, GoType),
    /// A string: bytes, usually but not necessarily UTF-8.
    Str(&'a [u8]),
    /// A slice; immutable, as Sprig never writes into one.
    List(&'a List<'a>),
    /// A map with string keys; changed in place by `set` and friends.
    Map(&'a Map<'a>),
    /// A value with fields or methods of the host's: `.Files`, `.Capabilities`, a time, a certificate.
    Object(&'a dyn Object<'a>),
}

impl<'a> Value<'a> {
    /// A Go `int`.
    pub fn int(v: i64) -> Self {
        Value::Int(v, GoType::Int)
    }
    /// A Go `int64`.
    pub fn int64(v: i64) -> Self {
        Value::Int(v, GoType::Int64)
    }
    /// A Go `float64`.
    pub fn float(v: f64) -> Self {
        Value::Float(v, GoType::Float64)
    }
}

/// A slice.
pub struct List<'a> {
    /// The element type: `Any` for `[]interface {}`.
    pub elem: GoType,
    /// The elements; `None` is Go's nil slice.
    pub items: Option<&'a [Value<'a>]>,
    /// What is behind its end.
    pub room: Room<'a>,
}

impl<'a> List<'a> {
    /// The elements; empty for a nil slice.
    pub fn items(&self) -> &'a [Value<'a>] {
        self.items.unwrap_or(&[])
    }

    /// How many elements there is room for (`cap`).
    pub fn capacity(&self) -> usize {
        self.room.capacity(self.elem, self.items().len())
    }

    /// Cuts a part out as `reflect.Value.Slice` does, which may reach into the room behind the end; `None` beyond it.
    pub fn part(&self, arena: &'a Arena, from: usize, to: usize) -> Option<Value<'a>> {
        let capacity = self.capacity();
        if from > to || to > capacity {
            return None;
        }
        let known = match self.room {
            Room::Part { known, .. } => known,
            _ => self.items(),
        };
        // What there is is shared; only a part that ends behind it is made anew.
        let known = match known.get(from..) {
            Some(rest) if to <= known.len() => rest,
            rest => {
                let zeros = std::iter::repeat(self.elem.zero(arena));
                let longer: Vec<Value<'a>> =
                    rest.unwrap_or_default().iter().copied().chain(zeros).take(to - from).collect();
                arena.bump.alloc_slice_copy(&longer)
            }
        };
        let room = Room::Part { known, capacity: capacity - from };
        Some(Value::List(arena.bump.alloc(List { elem: self.elem, items: known.get(..to - from), room })))
    }
}

/// A map with string keys, kept sorted by key.
pub struct Map<'a> {
    /// The element type: `Any` for `map[string]interface {}`.
    pub elem: GoType,
    /// The name of a named map type (`common.Values`), as `%T` prints it.
    pub name: Option<&'static str>,
    nil: bool,
    entries: &'a RefCell<BumpVec<'a, (&'a [u8], Value<'a>)>>,
}

impl<'a> Map<'a> {
    /// Whether both are the same map, perhaps seen as different types.
    pub fn same(&self, other: &Map<'a>) -> bool {
        std::ptr::eq(self.entries, other.entries)
    }

    /// The value under a key.
    pub fn get(&self, key: &[u8]) -> Option<Value<'a>> {
        let entries = self.entries.borrow();
        if entries.len() <= 8 {
            // Comparing for equality is cheaper than for order.
            return entries.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
        }
        let at = entries.binary_search_by(|(k, _)| (*k).cmp(key)).ok()?;
        entries.get(at).map(|(_, v)| *v)
    }

    /// Whether it is Go's nil map.
    pub fn is_nil(&self) -> bool {
        self.nil
    }

    /// Puts a value under a key; the key must live in the arena.
    pub fn set(&self, key: &'a [u8], value: Value<'a>) {
        let mut entries = self.entries.borrow_mut();
        // Builders mostly add keys in order.
        if entries.last().is_none_or(|(last, _)| *last < key) {
            entries.push((key, value));
            return;
        }
        match entries.binary_search_by(|(k, _)| (*k).cmp(key)) {
            Ok(at) => {
                if let Some(entry) = entries.get_mut(at) {
                    entry.1 = value;
                }
            }
            Err(at) => entries.insert(at, (key, value)),
        }
    }

    /// Takes a key out.
    pub fn remove(&self, key: &[u8]) {
        let mut entries = self.entries.borrow_mut();
        if let Ok(at) = entries.binary_search_by(|(k, _)| (*k).cmp(key)) {
            entries.remove(at);
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of all entries, in the order of the keys.
    pub fn entries(&self) -> Vec<(&'a [u8], Value<'a>)> {
        self.entries.borrow().to_vec()
    }

    /// The entry at a position of the sorted order. Iterating by index tolerates changes made on the way.
    pub fn entry(&self, at: usize) -> Option<(&'a [u8], Value<'a>)> {
        self.entries.borrow().get(at).copied()
    }
}

/// What a host value is by Go's `reflect.Kind`, for `kindOf`, truth, printing and comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Invalid,
    Bool,
    Int,
    Int64,
    Uint,
    Float64,
    String,
    Slice,
    Map,
    Struct,
    Ptr,
    Func,
    Complex128,
}

/// A value whose fields and methods the host defines.
pub trait Object<'a> {
    /// What `%T` prints, e.g. `*semver.Version`, `engine.files`, `time.Time`.
    fn type_name(&self) -> Cow<'static, str>;
    /// Its reflect kind.
    fn kind(&self) -> Kind;
    /// An exported field of a struct. A nil pointer gives anything for the fields it would have.
    fn field(&self, _arena: &'a Arena, _name: &str) -> Option<Value<'a>> {
        None
    }
    /// Calls a method; `None` when there is none of that name.
    fn call(&self, _call: &mut Call<'a, '_>, _name: &str, _args: &[Value<'a>]) -> Option<Result<Value<'a>, Error>> {
        None
    }
    /// The plain value below a named type (a `VersionSet`'s strings, a `Duration`'s integer), for range,
    /// len, index, truth, comparison and JSON; `Nil` when there is none.
    fn underlying(&self, _arena: &'a Arena) -> Value<'a> {
        Value::Nil
    }
    /// A number counted up to this one, where that is of a named type, which it keeps.
    fn counted(&self, _arena: &'a Arena, _n: i64) -> Option<Value<'a>> {
        None
    }
    /// A part of a slice of a named type, which keeps the name; `None` where a plain list will do.
    fn sliced(&self, _arena: &'a Arena, _from: usize, _to: usize) -> Option<Value<'a>> {
        None
    }
    /// What the `String()` or `Error()` method gives, where the type has one (`fmt` prints that).
    fn string(&self) -> Option<String> {
        None
    }
    /// What a `String()` method gives that only a pointer has: an action prints that of a field of something pointed to,
    /// `fmt` knows nothing of it.
    fn pointer_string(&self) -> Option<String> {
        None
    }
    /// What it points to, where that is printed otherwise since the `String()` method is the pointer's.
    fn pointee(&self, _arena: &'a Arena) -> Option<Value<'a>> {
        None
    }
    /// What the value is once an interface holds it, where that is less: a copy has not the methods of its pointer.
    fn boxed(&self, _arena: &'a Arena) -> Option<Value<'a>> {
        None
    }
    /// What the `GoString()` method gives, where the type has one (`%#v` prints that).
    fn go_string(&self) -> Option<String> {
        None
    }
    /// The parts of a complex number.
    fn complex(&self) -> Option<(f64, f64)> {
        None
    }
    /// What a copy made by reflection is, where that is not the value itself: fields not exported are left behind.
    fn copied(&self, _arena: &'a Arena) -> Option<Value<'a>> {
        None
    }
    /// The exported fields by the names that JSON gives them; none where the type writes itself.
    fn json_fields(&self, arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        let mut fields = self.fields(arena);
        fields.retain(|(name, _)| name.starts_with(|first: char| first.is_ascii_uppercase()));
        fields
    }
    /// The bytes, for a `[]byte`.
    fn bytes(&self) -> Option<&'a [u8]> {
        None
    }
    /// The fields of a struct in order, those not exported too, for printing it; empty where `fmt` never sees them.
    fn fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        Vec::new()
    }
    /// The signature of a method, against which the executor checks and converts the arguments; `None` when there is no
    /// such method or the object checks them itself in [`Object::call`].
    fn method(&self, _name: &str) -> Option<&'static Method> {
        None
    }
    /// Whether it is a nil pointer.
    fn is_nil(&self) -> bool {
        false
    }
    /// For the host to get its own type back.
    fn as_any(&self) -> Option<&dyn std::any::Any> {
        None
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Nil => write!(f, "nil"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Int(v, t) => write!(f, "{t:?}({v})"),
            Value::Uint(v, t) => write!(f, "{t:?}({v})"),
            Value::Float(v, t) => write!(f, "{t:?}({v})"),
            Value::Str(s) => write!(f, "{:?}", String::from_utf8_lossy(s)),
            Value::List(l) => f.debug_list().entries(l.items()).finish(),
            Value::Map(m) => f
                .debug_map()
                .entries(
                    (0..m.len()).filter_map(|i| m.entry(i)).map(|(k, v)| (String::from_utf8_lossy(k).into_owned(), v)),
                )
                .finish(),
            Value::Object(o) => write!(f, "{}", o.type_name()),
        }
    }
}
