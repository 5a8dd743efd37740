//! Versions and constraints.

use chart::semver::{Constraints, Version};
use serde_json::{Value, json};

use crate::{Dice, compare};

fn number(dice: &mut Dice) -> &'static str {
    dice.pick(&["0", "1", "1", "2", "3", "10", "11", "01", "007", "18446744073709551615", "18446744073709551616"])
}

fn suffix(dice: &mut Dice) -> String {
    let pre = match dice.roll(8) {
        0 => "-0",
        1 => "-alpha",
        2 => "-alpha.1",
        3 => "-rc.2",
        4 => "-01",
        5 => dice.pick(&["-", "-a..b", "-a.", "-x-y.3", "-99999999999999999999", "-1.a"]),
        _ => "",
    };
    let metadata = if dice.roll(6) == 0 { dice.pick(&["+b", "+1.2", "+", "+a_b"]) } else { "" };
    format!("{pre}{metadata}")
}

fn version(dice: &mut Dice) -> String {
    let prefix = dice.pick(&["", "", "", "v", "V", " "]);
    let parts: Vec<_> = (0..dice.pick(&[&1, &2, &3, &3, &3, &4]).to_owned()).map(|_| number(dice)).collect();
    format!("{prefix}{}{}", parts.join("."), suffix(dice))
}

fn wild(dice: &mut Dice) -> String {
    let parts: Vec<_> = (0..dice.pick(&[&1, &2, &3, &3, &4]).to_owned())
        .map(|_| match dice.roll(6) {
            0 => dice.pick(&["x", "X", "*", "xx", "1|2"]),
            _ => dice.pick(&["0", "1", "2", "3", "11", "01"]),
        })
        .collect();
    format!(
        "{}{}{}",
        dice.pick(&["", "", "v"]),
        parts.join("."),
        if dice.roll(3) == 0 { suffix(dice) } else { String::new() }
    )
}

fn constraint(dice: &mut Dice) -> String {
    let mut out = String::new();
    for i in 0..=dice.roll(4) {
        if i > 0 {
            out.push_str(dice.pick(&[" ", ", ", ",", " || ", "||", " - ", "  ", "-", "|", "\t", "\u{a0}"]));
        }
        out.push_str(dice.pick(&["", "", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "==", ">>"]));
        out.push_str(dice.pick(&["", "", " "]));
        out.push_str(&wild(dice));
    }
    out
}

fn ours(question: &Value) -> Result<Value, String> {
    let text = |key: &str| question[key].as_str().unwrap().to_owned();
    let constraints = Constraints::parse(&text("constraint")).map_err(|e| e.to_string())?;
    let version = Version::parse(&text("version")).map_err(|e| e.to_string())?;
    Ok(json!(constraints.check(&version)))
}

#[test]
fn constraints_agree() {
    let mut dice = Dice(7);
    let mut questions = Vec::new();
    for _ in 0..40_000 {
        // Most versions are good, so that most answers are about the constraint.
        let version = if dice.roll(4) == 0 {
            version(&mut dice)
        } else {
            let mut part = || dice.pick(&["0", "1", "2", "3", "11"]);
            let numbers = format!("{}.{}.{}", part(), part(), part());
            numbers + dice.pick(&["", "", "", "-0", "-alpha", "-alpha.2", "-rc.1", "+b"])
        };
        questions.push(json!({"op": "semver", "constraint": constraint(&mut dice), "version": version}));
    }
    for (constraint, version) in [("", "1"), (" ", "1"), ("1||", "1"), ("*", ""), ("*", "v")] {
        questions.push(json!({"op": "semver", "constraint": constraint, "version": version}));
    }
    questions.push(json!({"op": "semver", "constraint": "1 ".repeat(300), "version": "1"}));
    questions.push(json!({"op": "semver", "constraint": "1||".repeat(40) + "1", "version": "1"}));
    questions.push(json!({"op": "semver", "constraint": "1", "version": "1".repeat(300)}));
    compare(&questions, ours);
}
