//! Compares with Go itself on generated input.
//!
//! `WHIPSTAFF_ORACLE` is the path of helm-oracle (or of one that answers more); `WHIPSTAFF_CASES` and
//! `WHIPSTAFF_SEED` say how much; `WHIPSTAFF_TEXTS` may name a folder whose files are compared, and mutated, as well.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod r#gen;
mod oracle;
mod texts;

use r#gen::Rng;
use goyaml::Value;
use oracle::{Answer, Oracle, Question};

struct Case {
    question: Question,
    ours: Answer,
}

fn answer<T>(result: Result<T, goyaml::Error>, out: impl FnOnce(T) -> Value) -> Answer {
    match result {
        Ok(value) => Answer::Out(out(value)),
        Err(error) => Answer::Err(error.to_string()),
    }
}

fn tree_case(op: &'static str, json: String, ints: bool) -> Case {
    let value = if ints { goyaml::from_json_keep_ints(&json) } else { goyaml::from_json(&json) };
    let value = value.expect("the generator makes JSON");
    let ours = match op {
        "toyaml" => answer(goyaml::to_yaml(&value), Value::Str),
        "pretty" => Answer::Out(Value::Str(goyaml::to_yaml_pretty(&value))),
        "tojson" => answer(goyaml::to_json(&value), Value::Str),
        "torawjson" => answer(goyaml::to_json_raw(&value), Value::Str),
        _ => answer(goyaml::to_json_pretty(&value), Value::Str),
    };
    Case { question: Question { op, json: Some(json), ints, text: None }, ours }
}

fn text_case(op: &'static str, text: Vec<u8>) -> Case {
    let ours = match op {
        "fromyaml" => answer(goyaml::from_yaml(&text), |v| v),
        "fromyamlmap" => answer(goyaml::from_yaml_map(&text), Value::Map),
        "strict" => answer(goyaml::from_yaml_strict(&text), |v| v),
        "fromjson" => answer(goyaml::from_json(&text), |v| v),
        _ => answer(goyaml::split_documents(&text).collect::<Result<Vec<_>, _>>(), |documents| {
            documents.into_iter().map(|d| String::from_utf8_lossy(&d).into_owned()).collect::<Vec<_>>().into()
        }),
    };
    Case { question: Question { op, json: None, ints: false, text: Some(text) }, ours }
}

fn case(rng: &mut Rng, oracle: &Oracle, texts: &[String]) -> Case {
    loop {
        let one = match rng.below(20) {
            0..=5 => {
                let json = r#gen::json(rng, 4);
                tree_case("toyaml", json, rng.chance(30) && oracle.extended)
            }
            6 => {
                let json = r#gen::json(rng, 3);
                tree_case(rng.pick(&["tojson", "torawjson", "toprettyjson"]), json, rng.chance(30))
            }
            7 | 8 => {
                let json = r#gen::json(rng, 4);
                tree_case("pretty", json, rng.chance(30))
            }
            9 => {
                let json = r#gen::json(rng, 3);
                let json = if rng.chance(80) { r#gen::mutate(rng, &json) } else { json };
                text_case("fromjson", json.into_bytes())
            }
            10 if !texts.is_empty() => {
                let text = &texts[rng.below(texts.len())];
                text_case("fromyaml", r#gen::mutate(rng, text).into_bytes())
            }
            11 => text_case("strict", r#gen::yaml(rng).into_bytes()),
            12 => text_case("split", r#gen::yaml(rng).replace("# c", "---").into_bytes()),
            13 => text_case("fromyamlmap", r#gen::yaml(rng).into_bytes()),
            14 => {
                let mut text = r#gen::yaml(rng).into_bytes();
                match rng.below(4) {
                    0 => text = utf16(&text, rng.chance(50)),
                    1 => text = utf16(&text, rng.chance(50))[rng.below(3)..].to_vec(),
                    _ => {
                        let at = rng.below(text.len() + 1);
                        text.splice(at..at, [0x80 | rng.next() as u8]);
                    }
                }
                text_case("fromyaml", text)
            }
            _ => text_case("fromyaml", r#gen::yaml(rng).into_bytes()),
        };
        if oracle.can_answer(&one.question) {
            return one;
        }
    }
}

fn utf16(text: &[u8], big: bool) -> Vec<u8> {
    let text = format!("\u{feff}{}", String::from_utf8_lossy(text));
    text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

/// Reads a text, and writes what was read.
fn whole_text(text: &str) -> Vec<Case> {
    let mut cases = vec![text_case("fromyaml", text.into()), text_case("split", text.into())];
    if let Some(json) = goyaml::from_yaml(text).ok().and_then(|v| goyaml::to_json(&v).ok()) {
        cases.extend(["toyaml", "pretty", "tojson", "toprettyjson"].map(|op| tree_case(op, json.clone(), false)));
        cases.push(text_case("fromjson", json.into()));
    }
    cases
}

/// The cases that `tests/recorded.jsonl` holds: every atom in every place, every text, and some generated ones.
fn to_record() -> Vec<Case> {
    let mut cases = Vec::new();
    for atom in r#gen::ATOMS {
        let quoted = r#gen::quoted(atom);
        for op in ["toyaml", "pretty"] {
            cases.push(tree_case(op, format!("{{{quoted}:[{quoted}]}}"), false));
        }
    }
    for n in 72..84 {
        // Around the width where lines are broken, plain and in quotes, and around the longest simple key.
        let word = "a".repeat(n);
        for text in
            [format!("{word} b c"), format!("{word} b: c  d e"), format!("\t{word} b  c"), format!("{word} é b")]
        {
            cases.push(tree_case("toyaml", format!("{{\"k\":{}}}", r#gen::quoted(&text)), false));
        }
        cases.push(tree_case("toyaml", format!("{{\"{}\":1}}", "k".repeat(n + 50)), false));
    }
    for n in ["0", "-0", "1e6", "999999", "1234567.5", "1e20", "1e21", "-1e19", "1e-7", "0.1", "18446744073709551615"] {
        for op in ["toyaml", "pretty", "tojson"] {
            cases.push(tree_case(op, format!("[{n}]"), false));
            cases.push(tree_case(op, format!("[{n}]"), true));
        }
    }
    for text in texts::TEXTS {
        for op in ["fromyaml", "fromyamlmap", "strict"] {
            cases.push(text_case(op, text.as_bytes().to_vec()));
        }
        if text.contains("---") {
            cases.push(text_case("split", text.as_bytes().to_vec()));
        }
    }
    let mut rng = Rng(20_260_101);
    for i in 0..150 {
        let json = r#gen::json(&mut rng, 3);
        cases.push(tree_case(["toyaml", "pretty", "toprettyjson"][i % 3], json, false));
        cases.push(text_case("fromyaml", r#gen::yaml(&mut rng).into_bytes()));
    }
    cases.retain(|c| c.question.len() < 1500);
    cases
}

#[test]
fn record() {
    let (Ok(path), Ok(to)) = (std::env::var("WHIPSTAFF_ORACLE"), std::env::var("WHIPSTAFF_RECORD")) else {
        eprintln!("skipped: WHIPSTAFF_ORACLE and WHIPSTAFF_RECORD do not say what to record from and where");
        return;
    };
    let mut oracle = Oracle::start(&path);
    let cases = to_record();
    let questions: Vec<&Question> = cases.iter().map(|c| &c.question).collect();
    let answers = oracle.ask(&questions);
    // What Go answers differently the next time is no expectation.
    let stable: Vec<bool> = questions.iter().zip(&answers).map(|(q, a)| oracle.is_stable(q, a)).collect();
    let lines: String = questions
        .iter()
        .zip(&answers)
        .zip(stable)
        .filter(|((_, answer), stable)| *stable && !answer.is_panic())
        .map(|((question, answer), _)| oracle::record(question, answer))
        .collect();
    std::fs::write(to, lines).expect("the record is written");
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn texts() -> Vec<String> {
    let Ok(folder) = std::env::var("WHIPSTAFF_TEXTS") else { return Vec::new() };
    let mut folders = vec![std::path::PathBuf::from(folder)];
    let mut out = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if let Ok(text) = std::fs::read_to_string(entry.path()) {
                out.push(text);
            }
        }
    }
    out.sort();
    out
}

#[test]
fn same_as_go() {
    let Ok(path) = std::env::var("WHIPSTAFF_ORACLE") else {
        eprintln!("skipped: WHIPSTAFF_ORACLE does not name a helm-oracle");
        return;
    };
    let (cases, seed) = (number("WHIPSTAFF_CASES", 20_000), number("WHIPSTAFF_SEED", 1));
    let texts = texts();
    let mut oracle = Oracle::start(&path);
    let mut rng = Rng(seed);
    let (mut differ, mut compared, mut panics) = (0, 0, 0);
    let mut whole: Vec<Case> = texts.iter().flat_map(|t| whole_text(t)).collect();
    for batch in 0..=cases / 500 {
        let mut batch: Vec<Case> = if batch == 0 {
            std::mem::take(&mut whole)
        } else {
            (0..500).map(|_| case(&mut rng, &oracle, &texts)).collect()
        };
        batch.retain(|one| oracle.can_answer(&one.question));
        let questions: Vec<&Question> = batch.iter().map(|c| &c.question).collect();
        let answers = oracle.ask(&questions);
        for (one, theirs) in batch.iter().zip(answers) {
            compared += 1;
            if theirs.is_panic() {
                panics += 1;
                continue;
            }
            if one.ours.same(&theirs) || oracle.wavers(&one.question, &one.ours) {
                continue;
            }
            differ += 1;
            if differ <= 10 {
                eprintln!("--- {}\nours:   {:?}\ntheirs: {theirs:?}", one.question, one.ours);
            }
        }
    }
    eprintln!("{compared} compared, {differ} differ, {panics} on which Go panics (seed {seed})");
    assert_eq!(differ, 0);
}
