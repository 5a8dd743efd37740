//! Label selectors, as `k8s.io/apimachinery/pkg/labels` reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// A label selector: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    Missing,
}

impl Selector {
    /// Tells whether labels meet every requirement.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            match &requirement.test {
                Test::In(values) => value.is_some_and(|value| values.contains(value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
            }
        })
    }
}

/// Text that is no label selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no label selector, write for example `team=web,tier in (a,b),!old`")]
pub struct InvalidSelector(pub String);

impl FromStr for Selector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidSelector(text.to_owned());
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        split(text).map(|part| requirement(part.trim()).ok_or_else(invalid)).collect::<Result<_, _>>().map(Self)
    }
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
}

fn requirement(part: &str) -> Option<Requirement> {
    let make = |key: &str, test: Test| {
        let key = key.trim();
        let good = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        (!key.is_empty() && key.chars().all(good)).then(|| Requirement { key: key.to_owned(), test })
    };
    let one = |value: &str| {
        let value = value.trim();
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        value.chars().all(good).then(|| BTreeSet::from([value.to_owned()]))
    };
    if let Some((key, value)) = part.split_once("!=") {
        return make(key, Test::NotIn(one(value)?));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return make(key, Test::In(one(value)?));
    }
    if let Some(key) = part.strip_prefix('!') {
        return make(key, Test::Missing);
    }
    if let Some((head, rest)) = part.split_once('(') {
        let list = rest.strip_suffix(')')?;
        let values = list.split(',').map(|value| one(value)?.pop_first()).collect::<Option<BTreeSet<_>>>()?;
        let (key, operator) = head.trim().rsplit_once(char::is_whitespace)?;
        return match operator {
            "in" => make(key, Test::In(values)),
            "notin" => make(key, Test::NotIn(values)),
            _ => None,
        };
    }
    make(part, Test::Exists)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_kubernetes() {
        let labels = BTreeMap::from([("team".to_owned(), "web".to_owned()), ("x.io/tier".to_owned(), "a".to_owned())]);
        for (text, want) in [
            ("", true),
            ("team=web", true),
            ("team == web", true),
            ("team=db", false),
            ("team!=db", true),
            ("other!=db", true),
            ("team", true),
            ("!team", false),
            ("!other", true),
            ("x.io/tier in (a, b),team=web", true),
            ("x.io/tier notin (a,b)", false),
            ("other notin (a)", true),
            ("other in (a)", false),
            ("team=", false),
        ] {
            assert_eq!(text.parse::<Selector>().unwrap().matches(&labels), want, "{text}");
        }
        for text in ["=", "a b", "a in b", "a in (b", "a,,b", "a=b c", "a~b"] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
    }
}
