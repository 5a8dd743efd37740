//! Kubernetes' protobuf, as far as lists of records need it (`k8s.io/apimachinery/pkg/runtime/serializer/protobuf`).
//!
//! A list of Secrets in JSON is a third larger and has to be read to the last letter; here a record stays a slice of the answer
//! until somebody looks at it.

use std::collections::BTreeMap;

use bytes::Bytes;

/// What every answer begins with.
const MAGIC: &[u8] = b"k8s\0";

/// A page of a list.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    /// Leads to the next page.
    pub(super) next: Option<String>,
    /// As of when the list is.
    pub(super) version: String,
    /// The answer that the records are slices of.
    pub(super) body: Bytes,
}

/// A Secret, a ConfigMap, or what is known of one.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) version: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    /// What `data.release` has.
    pub(super) record: Option<Bytes>,
}

/// Reads the page in an answer; `None` when it is none.
pub(super) fn page(answer: &Bytes) -> Option<Page> {
    let envelope = answer.strip_prefix(MAGIC).map(|rest| answer.slice_ref(rest))?;
    let mut page = Page::default();
    for (number, list) in fields(envelope) {
        // The second field of the envelope is the list.
        if number != 2 {
            continue;
        }
        for (number, value) in fields(list?) {
            match number {
                1 => {
                    let meta = value?;
                    page.version = at(meta.clone(), 2).map(text).unwrap_or_default();
                    page.next = at(meta, 3).map(text).filter(|token| !token.is_empty());
                }
                2 => page.items.push(item(value?)?),
                _ => _ = value?,
            }
        }
        return Some(page);
    }
    None
}

fn item(object: Bytes) -> Option<Item> {
    let mut item = Item::default();
    for (number, value) in fields(object) {
        match number {
            1 => meta(value?, &mut item)?,
            2 => {
                let entry = value?;
                if at(entry.clone(), 1).is_some_and(|key| key == "release") {
                    item.record = Some(at(entry, 2).unwrap_or_default());
                }
            }
            _ => _ = value?,
        }
    }
    Some(item)
}

fn meta(meta: Bytes, item: &mut Item) -> Option<()> {
    for (number, value) in fields(meta) {
        let value = value?;
        match number {
            1 => item.name = text(value),
            3 => item.namespace = Some(text(value)),
            6 => item.version = text(value),
            11 => item.labels.extend(pair(value)),
            12 => item.annotations.extend(pair(value)),
            _ => {}
        }
    }
    Some(())
}

fn pair(entry: Bytes) -> Option<(String, String)> {
    Some((text(at(entry.clone(), 1)?), text(at(entry, 2).unwrap_or_default())))
}

fn text(bytes: Bytes) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The field of a number.
fn at(message: Bytes, wanted: u64) -> Option<Bytes> {
    fields(message).find(|(number, _)| *number == wanted).and_then(|(_, value)| value)
}

/// The fields of a message with their numbers; a field that is no text or message is empty, and `None` where the message
/// breaks off.
fn fields(mut message: Bytes) -> impl Iterator<Item = (u64, Option<Bytes>)> {
    std::iter::from_fn(move || {
        if message.is_empty() {
            return None;
        }
        let field = field(&mut message);
        if field.is_none() {
            message.clear();
        }
        Some(field.map_or((0, None), |(number, value)| (number, Some(value))))
    })
}

fn field(message: &mut Bytes) -> Option<(u64, Bytes)> {
    let tag = varint(message)?;
    let value = match tag & 7 {
        0 => {
            varint(message)?;
            Bytes::new()
        }
        1 => take(message, 8).map(|_| Bytes::new())?,
        2 => {
            let length = varint(message)?.try_into().ok()?;
            take(message, length)?
        }
        5 => take(message, 4).map(|_| Bytes::new())?,
        _ => return None,
    };
    Some((tag >> 3, value))
}

fn take(message: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= message.len()).then(|| message.split_to(length))
}

fn varint(message: &mut Bytes) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(message, 1)?.first().copied()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(number: u8, value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        let mut length = value.len();
        while length >= 0x80 {
            bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap());
        bytes.extend_from_slice(value);
        bytes
    }

    #[test]
    fn a_page_of_secrets() {
        let entry = |key: &str, value: &[u8]| [put(1, key.as_bytes()), put(2, value)].concat();
        let meta = [
            put(1, b"sh.helm.release.v1.shop.v1"),
            put(3, b"web"),
            put(6, b"42"),
            vec![7 << 3, 1],
            put(11, &entry("owner", b"helm")),
            put(11, &entry("empty", b"")),
            put(12, &entry("whipstaff.dev/holder", b"a_1")),
        ];
        let record = vec![b'x'; 300];
        let secret = [
            put(1, &meta.concat()),
            put(2, &entry("other", b"y")),
            put(2, &entry("release", &record)),
            put(3, b"helm.sh/release.v1"),
        ];
        let list = [put(1, &[put(2, b"99"), put(3, b"more")].concat()), put(2, &secret.concat())].concat();
        let answer = Bytes::from([MAGIC.to_vec(), put(1, b"kind"), put(2, &list)].concat());
        let want = Item {
            name: "sh.helm.release.v1.shop.v1".into(),
            namespace: Some("web".into()),
            version: "42".into(),
            labels: BTreeMap::from([("owner".into(), "helm".into()), ("empty".into(), String::new())]),
            annotations: BTreeMap::from([("whipstaff.dev/holder".into(), "a_1".into())]),
            record: Some(record.into()),
        };
        assert_eq!(
            page(&answer),
            Some(Page { items: vec![want], next: Some("more".into()), version: "99".into(), body: Bytes::new() })
        );
        // What breaks off is no page.
        for length in 0..answer.len() {
            assert_eq!(page(&answer.slice(..length)), None, "{length}");
        }
        assert_eq!(page(&Bytes::from_static(b"{}")), None);
    }
}
