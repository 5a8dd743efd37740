//! Label selectors, as `k8s.io/apimachinery/pkg/labels` reads them.

mod names;
mod parse;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// A label selector: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a>1`, `a<1`, `a`, `!a`, joined by commas.
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
    Above(i64),
    Below(i64),
    Exists,
    Missing,
}

impl Selector {
    /// Tells whether labels meet every requirement.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let number = |value: Option<&String>| value.and_then(|value| value.parse::<i64>().ok());
        self.0.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            match &requirement.test {
                Test::In(values) => value.is_some_and(|value| values.contains(value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Test::Above(bound) => number(value).is_some_and(|number| number > *bound),
                Test::Below(bound) => number(value).is_some_and(|number| number < *bound),
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
            }
        })
    }
}

/// Text that is no label selector, with what Kubernetes says of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSelector(String);

impl FromStr for Selector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::parse(text).map(Self).map_err(InvalidSelector)
    }
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
