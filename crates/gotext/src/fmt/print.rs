//! Printing of one operand by its verb.

use std::borrow::Cow;

use super::format::Flags;
use crate::strconv::append_rune;
use crate::{Arena, GoType, Kind, List, Map, Object, Value};

/// Depth at which printing gives up: only a map put into itself by `set` nests so far, and Go dies of it.
const TOO_DEEP: usize = 2_000;

/// Prints operands to a buffer under the flags of the current directive.
pub(super) struct Printer<'o, 'a> {
    pub(super) out: &'o mut Vec<u8>,
    pub(super) flags: Flags,
    arena: &'a Arena,
    /// While a bad verb is reported, methods are not called.
    erroring: bool,
}

impl<'o, 'a> Printer<'o, 'a> {
    pub(super) fn new(out: &'o mut Vec<u8>, arena: &'a Arena) -> Self {
        Printer { out, flags: Flags::default(), arena, erroring: false }
    }

    fn write(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Prints an operand of the format's.
    pub(super) fn print_arg(&mut self, value: Value<'a>, verb: char) {
        if let Value::Nil = value {
            return match verb {
                'T' | 'v' => self.flags.pad(self.out, b"<nil>"),
                _ => self.bad_verb(value, verb),
            };
        }
        match verb {
            'T' => self.flags.string(self.out, value.type_name().as_bytes()),
            'p' => self.pointer(value, verb),
            // Bytes are looked at one by one whatever the verb.
            'w' if !value.is_bytes() => self.bad_verb(value, verb),
            _ => match value {
                Value::List(list @ List { elem: GoType::Uint8, .. }) => self.bytes(list, verb, true),
                _ => self.print(value, verb, 0),
            },
        }
    }

    /// Prints a value, whether operand or part of one.
    fn print(&mut self, value: Value<'a>, verb: char, depth: usize) {
        if depth > TOO_DEEP {
            return self.write("...");
        }
        // Values that share their parts print far longer than they are.
        if depth > 0 && !self.arena.has_room(self.out.len()) {
            return;
        }
        match value {
            // Only an interface holds nil without a type.
            Value::Nil => self.write(if self.flags.sharp_v { "interface {}(nil)" } else { "<nil>" }),
            Value::Bool(b) => match verb {
                't' | 'v' => self.flags.boolean(self.out, b),
                _ => self.bad_verb(value, verb),
            },
            Value::Int(v, _) => self.integer(value, v as u64, true, verb),
            Value::Uint(v, _) => self.integer(value, v, false, verb),
            Value::Float(v, t) => self.float(value, v, if t == GoType::Float32 { 32 } else { 64 }, verb),
            Value::Str(text) => self.string(value, text, verb),
            Value::List(list) => self.list(list, &value.type_name(), verb, depth),
            Value::Map(map) => self.map(map, &value.type_name(), verb, depth),
            Value::Object(object) => self.object(object, value, verb, depth),
        }
    }

    /// Reports a verb that does not suit: `%!d(string=hi)`.
    fn bad_verb(&mut self, value: Value<'a>, verb: char) {
        let before = std::mem::replace(&mut self.erroring, true);
        self.write("%!");
        append_rune(self.out, u32::from(verb));
        match value {
            Value::Nil => self.write("(<nil>"),
            _ => {
                self.write("(");
                self.write(&value.type_name());
                self.write("=");
                self.print(value, 'v', 0);
            }
        }
        self.write(")");
        self.erroring = before;
    }

    /// Prints with `0x` or without, whatever the flag says.
    fn hex_0x(&mut self, value: u64, prefix: bool) {
        Flags { sharp: prefix, ..self.flags }.integer(self.out, value, 16, false, false, false);
    }

    fn integer(&mut self, value: Value<'a>, raw: u64, signed: bool, verb: char) {
        let flags = self.flags;
        match verb {
            'v' if flags.sharp_v && !signed => self.hex_0x(raw, true),
            'v' | 'd' => flags.integer(self.out, raw, 10, signed, false, false),
            'b' => flags.integer(self.out, raw, 2, signed, false, false),
            'o' | 'O' => flags.integer(self.out, raw, 8, signed, false, verb == 'O'),
            'x' => flags.integer(self.out, raw, 16, signed, false, false),
            'X' => flags.integer(self.out, raw, 16, signed, true, false),
            'c' => flags.character(self.out, raw),
            'q' => flags.quoted_character(self.out, raw),
            'U' => flags.unicode(self.out, raw),
            _ => self.bad_verb(value, verb),
        }
    }

    fn float(&mut self, value: Value<'a>, v: f64, bits: u32, verb: char) {
        let (verb, precision) = match verb {
            'v' => (b'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb as u8, None),
            'f' | 'e' | 'E' => (verb as u8, Some(6)),
            'F' => (b'f', Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        self.flags.float(self.out, v, bits, verb, precision);
    }

    fn complex(&mut self, value: Value<'a>, (re, im): (f64, f64), verb: char) {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(value, verb);
        }
        let flags = self.flags;
        self.write("(");
        self.float(value, re, 64, verb);
        // The imaginary part always has a sign.
        self.flags.plus = true;
        self.float(value, im, 64, verb);
        self.write("i)");
        self.flags = flags;
    }

    fn string(&mut self, value: Value<'a>, text: &[u8], verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.flags.quoted(self.out, text),
            'v' | 's' => self.flags.string(self.out, text),
            'x' | 'X' => self.flags.hex_bytes(self.out, text, verb == 'X'),
            'q' => self.flags.quoted(self.out, text),
            _ => self.bad_verb(value, verb),
        }
    }

    /// Prints a `[]uint8`; as an operand of its own it is called `[]byte` in Go syntax.
    fn bytes(&mut self, list: &'a List<'a>, verb: char, operand: bool) {
        match verb {
            's' | 'q' | 'x' | 'X' => {
                let bytes: Vec<u8> =
                    list.items().iter().map(|v| if let Value::Uint(b, _) = v { *b as u8 } else { 0 }).collect();
                match verb {
                    's' => self.flags.string(self.out, &bytes),
                    'q' => self.flags.quoted(self.out, &bytes),
                    _ => self.flags.hex_bytes(self.out, &bytes, verb == 'X'),
                }
            }
            'v' | 'd' if operand && self.flags.sharp_v => self.elements(list, "[]byte", 'v', 0),
            _ => self.elements(list, GoType::Bytes.name(), verb, 0),
        }
    }

    fn list(&mut self, list: &'a List<'a>, type_name: &str, verb: char, depth: usize) {
        match verb {
            's' | 'q' | 'x' | 'X' if list.elem == GoType::Uint8 => self.bytes(list, verb, false),
            _ => self.elements(list, type_name, verb, depth),
        }
    }

    fn elements(&mut self, list: &'a List<'a>, type_name: &str, verb: char, depth: usize) {
        let (open, between, close) = if self.flags.sharp_v { ("{", ", ", "}") } else { ("[", " ", "]") };
        if self.flags.sharp_v {
            self.write(type_name);
            if list.items.is_none() {
                return self.write("(nil)");
            }
        }
        self.write(open);
        for (at, item) in list.items().iter().enumerate() {
            if at > 0 {
                self.write(between);
            }
            self.print(*item, verb, depth + 1);
        }
        self.write(close);
    }

    fn map(&mut self, map: &'a Map<'a>, type_name: &str, verb: char, depth: usize) {
        let (open, between, close) = if self.flags.sharp_v { ("{", ", ", "}") } else { ("map[", " ", "]") };
        if self.flags.sharp_v {
            self.write(type_name);
            if map.is_nil() {
                return self.write("(nil)");
            }
        }
        self.write(open);
        for at in 0..map.len() {
            let Some((key, item)) = map.entry(at) else { break };
            if at > 0 {
                self.write(between);
            }
            self.print(Value::Str(key), verb, depth + 1);
            self.write(":");
            self.print(item, verb, depth + 1);
        }
        self.write(close);
    }

    fn object(&mut self, object: &'a dyn Object<'a>, value: Value<'a>, verb: char, depth: usize) {
        if !self.erroring
            && !self.flags.sharp_v
            && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
            && let Some(text) = object.string()
        {
            return self.string(value, text.as_bytes(), verb);
        }
        if !self.erroring
            && self.flags.sharp_v
            && let Some(text) = object.go_string()
        {
            return self.flags.string(self.out, text.as_bytes());
        }
        if let Some(parts) = object.complex() {
            return self.complex(value, parts, verb);
        }
        if let Some(bytes) = object.bytes() {
            return match verb {
                's' => self.flags.string(self.out, bytes),
                'q' => self.flags.quoted(self.out, bytes),
                'x' | 'X' => self.flags.hex_bytes(self.out, bytes, verb == 'X'),
                _ => {
                    if let Value::List(list) = self.arena.byte_list(bytes) {
                        self.bytes(list, verb, depth == 0);
                    }
                }
            };
        }
        let type_name = object.type_name();
        match object.underlying(self.arena) {
            Value::Nil => {}
            Value::List(list) => return self.list(list, &type_name, verb, depth),
            Value::Map(map) => return self.map(map, &type_name, verb, depth),
            Value::Int(v, _) => return self.integer(value, v as u64, true, verb),
            Value::Uint(v, _) => return self.integer(value, v, false, verb),
            plain => return self.print(plain, verb, depth),
        }
        match object.kind() {
            Kind::Struct => self.fields(object, &type_name, verb, depth),
            Kind::Ptr if depth == 0 && !object.is_nil() => {
                self.write("&");
                let pointee: Cow<'_, str> = type_name.strip_prefix('*').unwrap_or(&type_name).into();
                self.fields(object, &pointee, verb, depth + 1);
            }
            _ => self.pointer(value, verb),
        }
    }

    fn fields(&mut self, object: &'a dyn Object<'a>, type_name: &str, verb: char, depth: usize) {
        if self.flags.sharp_v {
            self.write(type_name);
        }
        self.write("{");
        for (at, (name, field)) in object.fields(self.arena).into_iter().enumerate() {
            if at > 0 {
                self.write(if self.flags.sharp_v { ", " } else { " " });
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.write(name);
                self.write(":");
            }
            self.print(field, verb, depth + 1);
        }
        self.write("}");
    }

    /// Prints the address of what is a reference in Go.
    fn pointer(&mut self, value: Value<'a>, verb: char) {
        let address = match value {
            _ if value.is_nil() => None,
            Value::List(list) => Some(std::ptr::from_ref(list).addr()),
            Value::Map(map) => Some(std::ptr::from_ref(map).addr()),
            Value::Object(object) if matches!(object.kind(), Kind::Ptr | Kind::Func | Kind::Map | Kind::Slice) => {
                Some(std::ptr::from_ref(object).cast::<()>().addr())
            }
            _ => return self.bad_verb(value, verb),
        };
        let address = address.map_or(0, |address| self.arena.printed_address(address));
        match verb {
            'v' if self.flags.sharp_v => {
                self.write("(");
                self.write(&value.type_name());
                self.write(")(");
                if address == 0 {
                    self.write("nil");
                } else {
                    self.hex_0x(address, true);
                }
                self.write(")");
            }
            'v' if address == 0 => self.flags.pad(self.out, b"<nil>"),
            'v' | 'p' => self.hex_0x(address, !self.flags.sharp),
            'b' | 'o' | 'd' | 'x' | 'X' => self.integer(value, address, false, verb),
            _ => self.bad_verb(value, verb),
        }
    }
}
