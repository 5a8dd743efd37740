//! What two outcomes have in common.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::lane::Outcome;
use super::normal::{Difference, differences};

/// How what we did with a chart compares with what Helm did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// The same objects, and the same left behind.
    Same,
    /// Helm does not install it, and neither do we, for the same reason in the same words.
    Refused,
    /// Neither of us installs it, but the words differ, or what was there by then: Helm makes definitions before it renders,
    /// and goes on with the next kind while it reports that one was refused.
    RefusedOtherwise,
    /// Something differs.
    Different,
}

/// The verdict on a chart, and what speaks for it.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    /// What differs, a line each.
    pub(crate) details: Vec<String>,
}

/// Compares; what differs between the outcomes of Helm itself does not count.
pub(crate) fn judge(helm: &Outcome, again: Option<&Outcome>, ours: &Outcome) -> Judged {
    let mut details = Vec::new();
    if helm.code != ours.code || helm.end_code != ours.end_code {
        details.push(format!(
            "exit codes {} and {} with Helm, {} and {} with us",
            helm.code, helm.end_code, ours.code, ours.end_code
        ));
        for (who, text) in [
            ("Helm", &helm.error),
            ("we", &ours.error),
            ("Helm, uninstall", &helm.end_error),
            ("we, uninstall", &ours.end_error),
        ] {
            details.extend(reason(text).map(|reason| format!("{who}: {reason}")));
        }
    }
    let parts = |outcome: &Outcome| [("", outcome.objects.clone()), ("left behind: ", outcome.left.clone())];
    for (at, ((part, theirs), (_, our))) in parts(helm).iter().zip(&parts(ours)).enumerate() {
        let random = again.map(|again| {
            let second = parts(again);
            second.get(at).map(|(_, second)| compare(theirs, second)).unwrap_or_default()
        });
        let is_random = |id: &str, path: &str| {
            random.iter().flatten().any(|(other, difference)| {
                let is_same = other == id && path.starts_with(&difference.path);
                // A name that is made up is another each time, on either side.
                is_same || (path.is_empty() && difference.path.is_empty() && kind(other) == kind(id))
            })
        };
        for (id, difference) in compare(theirs, our) {
            if !is_random(&id, &difference.path) {
                details.push(format!("{part}{id}{}", tell(&difference)));
            }
        }
    }
    if helm.records_left != ours.records_left {
        details.push(format!("{} records left with Helm, {} with us", helm.records_left, ours.records_left));
    }
    let verdict = match (details.is_empty(), helm.code) {
        (false, code) if code != 0 && code == ours.code => Verdict::RefusedOtherwise,
        (false, _) => Verdict::Different,
        (true, 0) => Verdict::Same,
        (true, _) if reason(&helm.error) == reason(&ours.error) => Verdict::Refused,
        (true, _) => {
            details.extend(reason(&helm.error).map(|reason| format!("Helm: {reason}")));
            details.extend(reason(&ours.error).map(|reason| format!("we: {reason}")));
            Verdict::RefusedOtherwise
        }
    };
    Judged { verdict, details }
}

fn tell(difference: &Difference) -> String {
    match (&difference.helm, &difference.ours) {
        (Some(_), None) if difference.path.is_empty() => " only with Helm".to_owned(),
        (None, Some(_)) if difference.path.is_empty() => " only with us".to_owned(),
        _ => format!(" {difference}"),
    }
}

/// Returns what differs, with the object that it is of.
fn compare(helm: &BTreeMap<String, Value>, ours: &BTreeMap<String, Value>) -> Vec<(String, Difference)> {
    let mut found = Vec::new();
    let ids: BTreeSet<&String> = helm.keys().chain(ours.keys()).collect();
    for id in ids {
        match (helm.get(id), ours.get(id)) {
            (Some(left), Some(right)) => {
                let mut differing = Vec::new();
                differences("", left, right, &mut differing);
                found.extend(differing.into_iter().map(|difference| (id.clone(), difference)));
            }
            (left, right) => {
                let difference = Difference { path: String::new(), helm: left.cloned(), ours: right.cloned() };
                found.push((id.clone(), difference));
            }
        }
    }
    found
}

fn kind(id: &str) -> &str {
    id.split(' ').next().unwrap_or_default()
}

/// Returns the line that says why a command failed.
fn reason(text: &str) -> Option<&str> {
    text.lines().rfind(|line| line.starts_with("Error:"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn outcome(code: i32, error: &str, objects: &[(&str, Value)]) -> Outcome {
        let objects = objects.iter().map(|(id, value)| ((*id).to_owned(), value.clone())).collect();
        Outcome { code, error: error.to_owned(), objects, ..Outcome::default() }
    }

    #[test]
    fn what_helm_makes_up_does_not_count() {
        let with = |password: &str, replicas: u32| {
            outcome(0, "", &[("Secret. a/b", json!({"data": {"p": password}, "n": replicas}))])
        };
        assert_eq!(judge(&with("x", 1), None, &with("x", 1)).verdict, Verdict::Same);
        assert_eq!(judge(&with("x", 1), None, &with("y", 1)).verdict, Verdict::Different);
        assert_eq!(judge(&with("x", 1), Some(&with("z", 1)), &with("y", 1)).verdict, Verdict::Same);
        let judged = judge(&with("x", 1), Some(&with("z", 1)), &with("y", 2));
        assert_eq!(judged.details, ["Secret. a/b /n: 1 with Helm, 2 with us"]);
    }

    #[test]
    fn refusals() {
        let refusal = |text: &str| outcome(1, &format!("level=WARN\nError: {text}\n"), &[]);
        assert_eq!(judge(&refusal("a"), None, &refusal("a")).verdict, Verdict::Refused);
        assert_eq!(judge(&refusal("a"), None, &refusal("b")).verdict, Verdict::RefusedOtherwise);
        assert_eq!(judge(&refusal("a"), None, &outcome(0, "", &[])).verdict, Verdict::Different);
        let half = outcome(1, "Error: a\n", &[("Job. a/b", json!({}))]);
        assert_eq!(judge(&half, None, &refusal("a")).verdict, Verdict::RefusedOtherwise);
        let left = outcome(0, "", &[("Job. a/b", json!({}))]);
        let judged = judge(&outcome(0, "", &[]), None, &left);
        assert_eq!(judged.details, ["Job. a/b only with us"]);
    }
}
