//! Differences that are right, each with its reason.

use serde_json::Value as Json;

use crate::answer::Answer;
use crate::subjects::sorted;

/// The reasons that the table shows.
pub(crate) const ORDER: &str = "Go walks its maps in another order each time";
/// See [`ORDER`]; what ours says is not among them.
pub(crate) const VARIES: &str =
    "what Helm says is another each time (an address within a text, the order of many keys)";
const REFERENCE: &str = "a schema refers to another file or host, which a chart must not make us read";
const DIES: &str = "Helm dies of it, which ours must not";
const TIME: &str = "a time printed by a verb that does not suit it shows its insides";
const GO: &str = "the release of Helm is built with Go 1.27, whose `encoding/json` words this differently";
const ADDRESS: &str = "an address in memory";

/// Gives the reason of a difference that is right.
pub(crate) fn explain(question: &Json, ours: &Answer, theirs: &Answer) -> Option<&'static str> {
    if matches!(theirs, Answer::Out(Json::Object(_)) | Answer::Err(_)) && theirs.to_string().contains("time.Location=")
    {
        return Some(TIME);
    }
    if matches!((ours, theirs), (Answer::Out(a), Answer::Out(b)) if without_times(&a.to_string()) == without_times(&b.to_string()))
    {
        return Some(TIME);
    }
    match (ours, theirs) {
        (Answer::Out(_) | Answer::Err(_), Answer::Died(_)) => Some(DIES),
        (Answer::Out(a), Answer::Out(b)) => {
            (without_addresses(&a.to_string()) == without_addresses(&b.to_string())).then_some(ADDRESS)
        }
        (Answer::Err(a), Answer::Err(b)) if foreign_reference(a, b) => Some(REFERENCE),
        (Answer::Err(a), Answer::Err(b)) if newer_json(a, b) => Some(GO),
        (Answer::Err(a), Answer::Err(b)) if question["op"] == "schema" => (sorted(a) == sorted(b)).then_some(ORDER),
        (Answer::Err(a), Answer::Err(b)) => (without_addresses(a) == without_addresses(b)).then_some(ADDRESS),
        _ => None,
    }
}

/// Replaces the insides of a time, `{wall ext zone}`, of which the last is an address.
fn without_times(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, found) = rest.split_at(at + 1);
        out.push_str(before);
        rest = found;
        let Some(end) = found.find('}') else { continue };
        let inside = found.get(..end).unwrap_or_default();
        let number = |part: &str| part.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit());
        if inside.split(' ').count() == 3 && inside.split(' ').all(number) {
            rest = found.get(end..).unwrap_or_default();
        }
    }
    out + rest
}

/// Replaces what looks like an address: `0x` and eight digits or more.
fn without_addresses(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("0x") {
        let (before, found) = rest.split_at(at + 2);
        let end = found.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(found.len());
        out.push_str(before);
        out.push_str(if end >= 8 { "ADDRESS" } else { found.get(..end).unwrap_or_default() });
        rest = found.get(end..).unwrap_or_default();
    }
    out + rest
}

/// Whether a schema's reference to a file or a host is refused by us where Helm went to look.
fn foreign_reference(ours: &str, theirs: &str) -> bool {
    let refused =
        ours.starts_with("failing loading ") && ours.contains(": references to other files and hosts are refused");
    refused && (theirs.starts_with("failing loading ") || theirs.starts_with("read metaschemas/"))
}

/// Whether two texts part only where `encoding/json` names the field of a struct.
fn newer_json(ours: &str, theirs: &str) -> bool {
    let cut = |text: &str| {
        text.split_once("json: cannot unmarshal ").and_then(|(before, after)| {
            let kind = after.split(" into ").next()?.to_owned();
            Some((before.to_owned(), kind))
        })
    };
    theirs.contains(" into Go struct field ") && cut(ours).is_some() && cut(ours) == cut(theirs)
}
