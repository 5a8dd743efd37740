//! Makes a differing question small enough to read.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value as Json;

use crate::answer::Answer;
use crate::explain::explain;
use crate::oracle::Oracle;

/// How long it may take.
const LONGEST: Duration = Duration::from_secs(6);

/// Takes parts out of the texts of a question for as long as the answers still differ in the same way.
pub(crate) fn shrink(question: &Json, ours: &dyn Fn(&Json) -> Answer, oracle: &mut Oracle) -> Result<Json> {
    let mut best = question.clone();
    let (mine, theirs) = (ours(&best), oracle.one(&best)?);
    let kinds = (mine.kind(), theirs.kind());
    let started = Instant::now();
    while started.elapsed() < LONGEST {
        let candidates = smaller(&best);
        let mut found = None;
        for some in candidates.chunks(32) {
            let asked: Vec<&Json> = some.iter().collect();
            let answers = oracle.ask(&asked)?;
            for (candidate, theirs) in some.iter().zip(answers) {
                let mine = ours(candidate);
                if mine != theirs
                    && (mine.kind(), theirs.kind()) == kinds
                    && explain(candidate, &mine, &theirs).is_none()
                    && oracle.wavers(candidate, &mine, 6)? == (false, false)
                {
                    found = Some(candidate.clone());
                    break;
                }
            }
            if found.is_some() {
                break;
            }
        }
        match found {
            Some(candidate) => best = candidate,
            None => break,
        }
    }
    Ok(best)
}

/// Questions with something less, the boldest first.
fn smaller(question: &Json) -> Vec<Json> {
    let mut out = Vec::new();
    let mut paths = Vec::new();
    leaves(question, &mut String::new(), &mut paths);
    for path in &paths {
        let Some(value) = question.pointer(path) else { continue };
        match value {
            Json::String(text) => {
                for less in less_of(text) {
                    let mut copy = question.clone();
                    if let Some(place) = copy.pointer_mut(path) {
                        *place = Json::String(less);
                        out.push(copy);
                    }
                }
            }
            Json::Object(map) => {
                for key in map.keys() {
                    let mut copy = question.clone();
                    if let Some(Json::Object(place)) = copy.pointer_mut(path) {
                        place.remove(key);
                        out.push(copy);
                    }
                }
            }
            Json::Array(items) => {
                for i in 0..items.len() {
                    let mut copy = question.clone();
                    if let Some(Json::Array(place)) = copy.pointer_mut(path) {
                        place.remove(i);
                        out.push(copy);
                    }
                }
            }
            _ => {}
        }
    }
    out
}

/// What names the question and is no part of its input.
const FIXED: &[&str] = &["op", "kind", "typed", "ints", "strict", "path"];

/// Lists what may be made smaller: texts, and tables below the top.
fn leaves(value: &Json, path: &mut String, out: &mut Vec<String>) {
    let mut into = |key: &str, child: &Json, path: &mut String| {
        let len = path.len();
        path.push('/');
        path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        leaves(child, path, out);
        path.truncate(len);
    };
    match value {
        Json::Object(map) => {
            for (key, child) in map {
                if !path.is_empty() || !FIXED.contains(&key.as_str()) {
                    into(key, child, path);
                }
            }
        }
        Json::Array(items) => {
            for (i, child) in items.iter().enumerate() {
                into(&i.to_string(), child, path);
            }
        }
        _ => {}
    }
    let empty = match value {
        Json::String(text) => text.is_empty(),
        Json::Object(map) => map.is_empty() || path.is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => true,
    };
    if !empty {
        out.push(path.clone());
    }
}

/// A text with pieces taken out: halves, quarters and so on, at last single characters.
fn less_of(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut size = chars.len();
    while size > 0 {
        if chars.len() / size <= 160 {
            for start in (0..chars.len()).step_by(size) {
                let rest = chars.iter().enumerate().filter(|(i, _)| *i < start || *i >= start + size);
                out.push(rest.map(|(_, c)| c).collect());
            }
        }
        size /= 2;
    }
    out
}
