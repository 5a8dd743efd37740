//! Versions and constraints.

use std::cmp::Ordering;

use chart::semver::{Constraints, Version};
use serde_json::{Value as Json, json};

use super::{Subject, text};
use crate::answer::Answer;
use crate::rng::Rng;

/// Constraints checked, versions read, raised and compared.
pub(crate) const SUBJECT: Subject =
    Subject { name: "semver", weight: 12, question, answer, show: |question| question.to_string() };

const NUMBERS: &[&str] =
    &["0", "1", "1", "2", "3", "10", "11", "01", "007", "18446744073709551615", "18446744073709551616", "", "é", "-1"];
const SEPARATORS: &[&str] =
    &[" ", ", ", ",", " || ", "||", " - ", "  ", "-", "|", "\t", "\u{a0}", " , ", "|| ", ";", "\n"];
const OPERATORS: &[&str] =
    &["", "", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "==", ">>", "!", "<>", "^^"];

fn suffix(rng: &mut Rng) -> String {
    let pre = match rng.below(8) {
        0 => "-0",
        1 => "-alpha",
        2 => "-alpha.1",
        3 => "-rc.2",
        4 => "-01",
        5 => rng.pick(&[
            "-",
            "-a..b",
            "-a.",
            "-x-y.3",
            "-99999999999999999999",
            "-1.a",
            "-beta.11",
            "-é",
            "-a+",
            "-A",
            "-0a",
        ]),
        _ => "",
    };
    let metadata = if rng.chance(15) { rng.pick(&["+b", "+1.2", "+", "+a_b", "+01", "+a+b", "+-"]) } else { "" };
    format!("{pre}{metadata}")
}

pub(super) fn version(rng: &mut Rng) -> String {
    if rng.chance(60) {
        let numbers: Vec<&str> = (0..3).map(|_| rng.pick(&["0", "1", "2", "3", "11"])).collect();
        return numbers.join(".") + rng.pick(&["", "", "", "-0", "-alpha", "-alpha.2", "-rc.1", "+b"]);
    }
    let prefix = rng.pick(&["", "", "", "v", "V", " ", "vv", "v "]);
    let count = rng.one(&[0, 1, 2, 3, 3, 3, 4]);
    let parts: Vec<_> = (0..count).map(|_| rng.pick(NUMBERS)).collect();
    let mut text = format!("{prefix}{}{}", parts.join("."), suffix(rng));
    if rng.chance(1) {
        text += &"1".repeat(240 + rng.below(40));
    }
    text
}

fn wild(rng: &mut Rng) -> String {
    let count = rng.one(&[1, 2, 3, 3, 4]);
    let parts: Vec<_> = (0..count)
        .map(|_| {
            if rng.chance(15) {
                rng.pick(&["x", "X", "*", "xx", "1|2", ""])
            } else {
                rng.pick(&["0", "1", "2", "3", "11", "01"])
            }
        })
        .collect();
    let suffix = if rng.chance(33) { suffix(rng) } else { String::new() };
    format!("{}{}{suffix}", rng.pick(&["", "", "v"]), parts.join("."))
}

pub(super) fn constraint(rng: &mut Rng) -> String {
    let mut out = String::new();
    for i in 0..=rng.below(4) {
        if i > 0 {
            out.push_str(rng.pick(SEPARATORS));
        }
        out.push_str(rng.pick(OPERATORS));
        out.push_str(rng.pick(&["", "", " "]));
        out.push_str(&wild(rng));
    }
    match rng.below(150) {
        0 => out = rng.pick(&["", " ", "||", "*", ",", "x", "1||", "||1", " - "]).to_owned(),
        1 => out = out.repeat(10 + rng.below(60)),
        2 => out = vec![out; 20 + rng.below(20)].join("||"),
        _ => {}
    }
    out
}

fn question(rng: &mut Rng) -> Json {
    match rng.below(10) {
        0 => json!({"op": "version", "kind": rng.pick(&["loose", "strict"]), "version": version(rng)}),
        1 => json!({"op": "compare", "version": version(rng), "other": version(rng)}),
        2..=4 => json!({"op": "semver", "kind": "why", "constraint": constraint(rng), "version": version(rng)}),
        _ => json!({"op": "semver", "constraint": constraint(rng), "version": version(rng)}),
    }
}

fn answer(question: &Json) -> Answer {
    Answer::result(match text(question, "op") {
        "version" => facts(question),
        "compare" => compared(question),
        _ => checked(question),
    })
}

fn facts(question: &Json) -> Result<Json, String> {
    let given = text(question, "version");
    let version = if text(question, "kind") == "strict" { Version::parse_strict(given) } else { Version::parse(given) };
    let v = version.map_err(|e| e.to_string())?;
    // Raising the greatest number is a panic in Go; the methods of the template object say so.
    for (what, number) in [("major", v.major), ("minor", v.minor), ("patch", v.patch)] {
        if number == u64::MAX && (what != "patch" || v.prerelease.is_empty()) {
            return Err(format!("panic: {what} version increment would overflow uint64"));
        }
    }
    let numbers = format!("{} {} {}", v.major, v.minor, v.patch);
    Ok(json!([
        v.to_string(),
        v.original,
        numbers,
        v.prerelease,
        v.metadata,
        v.inc_major().original,
        v.inc_minor().original,
        v.inc_patch().original
    ]))
}

fn compared(question: &Json) -> Result<Json, String> {
    let a = Version::parse(text(question, "version")).map_err(|e| e.to_string())?;
    let b = Version::parse(text(question, "other")).map_err(|e| e.to_string())?;
    Ok(json!(match a.compare(&b) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }))
}

fn checked(question: &Json) -> Result<Json, String> {
    let constraints = Constraints::parse(text(question, "constraint")).map_err(|e| e.to_string())?;
    let version = Version::parse(text(question, "version")).map_err(|e| e.to_string())?;
    if text(question, "kind") != "why" {
        return Ok(json!(constraints.check(&version)));
    }
    let verdict = constraints.validate(&version);
    let mut said = vec![verdict.is_ok().to_string(), constraints.to_string()];
    said.extend(verdict.err().unwrap_or_default());
    Ok(json!(said))
}
