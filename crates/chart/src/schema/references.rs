//! References with characters that Go's `net/url` takes and escapes, and our library refuses.
//!
//! `"$ref": "#/$defs/My Type"` is what people write, and Helm finds it.

use serde_json::Value;

use super::formats;

/// The keywords that hold an address.
const ADDRESSES: [&str; 5] = ["$ref", "$dynamicRef", "$recursiveRef", "$id", "id"];
/// The keywords below which there is data and no schema.
const DATA: [&str; 4] = ["const", "enum", "default", "examples"];

/// Escapes an address as Go's `URL.String` does, where Go reads it at all.
pub(super) fn escape(address: &str) -> Option<String> {
    if address.contains('\\') || formats::parse(address).is_err() {
        return None;
    }
    let escaped = match address.split_once('#') {
        Some((place, fragment)) => format!("{}#{}", escape_all(place), escape_all(fragment)),
        None => escape_all(address),
    };
    (escaped != address).then_some(escaped)
}

/// An address that the library names, as Go's prints it: each part of the fragment is read and written anew, as a part of a path.
pub(super) fn shown(address: &str) -> String {
    match address.split_once('#') {
        Some((place, fragment)) => {
            let mut out = escape_all(place);
            out.push('#');
            push_escaped(&mut out, &unescaped(fragment), |b| b == b'/' || may_stand_in_part(b));
            out
        }
        None => escape_all(address),
    }
}

/// Where a schema stands, as Go's library prints it: always with a fragment.
pub(super) fn location(address: &str) -> String {
    let mark = if address.contains('#') { "" } else { "#" };
    shown(address) + mark
}

/// Replaces escapes by what they mean; what is no escape stays.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&b, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits.filter(|d| !d.starts_with('+')).and_then(|d| u8::from_str_radix(d, 16).ok());
        match value {
            Some(value) if b == b'%' => {
                out.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(b);
                rest = after;
            }
        }
    }
    out
}

/// The reference of a schema to what was not found, as it is written, and what is wrong with the escapes in its fragment, if anything
/// is. The schemas of old drafts let it pass, and Go's library sees it before it looks for anything.
pub(super) fn broken<'v>(found: &str, schema: &'v Value) -> Option<(&'v str, String)> {
    let mut all = Vec::new();
    collect_broken(schema, &mut all);
    let parts = all.iter().filter_map(|address| Some((*address, address.split_once('#')?)));
    let (address, (_, written)) = match found.split_once('#') {
        Some((_, fragment)) => {
            let fragment = unescaped(fragment);
            let same = |it: &(&str, (&str, &str))| unescaped(it.1.1) == fragment;
            parts.clone().find(same)?
        }
        None => parts.clone().find(|(_, (place, _))| !place.is_empty() && found.ends_with(place))?,
    };
    Some((address, formats::escapes(written, false).err()?))
}

fn collect_broken<'v>(schema: &'v Value, out: &mut Vec<&'v str>) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match address(key, value) {
                    Some(address) => {
                        let fragment = address.split_once('#').map(|(_, fragment)| fragment);
                        if fragment.is_some_and(|fragment| formats::escapes(fragment, false).is_err()) {
                            out.push(address);
                        }
                    }
                    None if is_data(key) => {}
                    None => collect_broken(value, out),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_broken(item, out)),
        _ => {}
    }
}

fn escape_all(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    push_escaped(&mut out, text.as_bytes(), |b| b.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/?%".contains(&b));
    out
}

/// As Go's `url.PathEscape`.
fn may_stand_in_part(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~$&+=:@".contains(&b)
}

fn push_escaped(out: &mut String, text: &[u8], may_stand: impl Fn(u8) -> bool) {
    for &b in text {
        if may_stand(b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
}

/// Tells whether what stands under a keyword is data and no schema.
pub(super) fn is_data(key: &str) -> bool {
    DATA.contains(&key)
}

fn address<'v>(key: &str, value: &'v Value) -> Option<&'v str> {
    ADDRESSES.contains(&key).then(|| value.as_str()).flatten()
}

/// Escapes the addresses of a schema as Go prints them.
pub(super) fn escape_in(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match address(key, value).map(escape) {
                    Some(Some(text)) => *value = Value::String(text),
                    Some(None) => {}
                    None if is_data(key) => {}
                    None => escape_in(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(escape_in),
        _ => {}
    }
}
