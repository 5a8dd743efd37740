//! Taking out of an output what is random by nature.

use std::sync::LazyLock;

use regex::Regex;

/// What is masked, and by what.
static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        // What we tell of objects that do not get ready, and Helm does not.
        (r"(?m)^\| .*\n?", ""),
        // Times: RFC 3339, Go's own, and those of a person.
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "TIME"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC", "TIME"),
        (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}", "TIME"),
        (r#"((created|modified)At(=|"?: ?"?))\d+"#, "${1}SECONDS"),
        // Identities.
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
        (r#"(resourceVersion"?: ?"?)\d+"#, "${1}VERSION"),
        (r"\b10\.[01]\.\d+\.\d+\b", "ADDRESS"),
        // Names that are made up: of pods, and of releases from the time.
        (r"-[a-z0-9]{8,10}-[a-z0-9]{5}\b", "-HASH-NAME"),
        (r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-NAME"),
        (r"\b([a-z]+)-\d{10}\b", "$1-SECONDS"),
        // Ages and durations in a table, and the widths of columns that follow from all this.
        (r"(?m) \d+(ms|s|m\d+s)( |$)", " AGE$2"),
        (r" {2,}", " "),
        (r"(?m) +$", ""),
        (r" +\t", "\t"),
    ]
    .into_iter()
    .filter_map(|(pattern, by)| Some((Regex::new(pattern).ok()?, by)))
    .collect()
});

/// Masks a text, and puts the sections of a status in order, which have none with Helm.
pub(super) fn masked(text: &str) -> String {
    let mut masked = text.to_owned();
    for (pattern, by) in MASKS.iter() {
        masked = pattern.replace_all(&masked, *by).into_owned();
    }
    in_order(&masked)
}

fn in_order(text: &str) -> String {
    let Some((before, rest)) = text.split_once("RESOURCES:\n") else { return text.to_owned() };
    let Some((sections, after)) = rest.split_once("\n\n\n") else { return text.to_owned() };
    let mut sections: Vec<&str> = sections.split("\n\n").collect();
    sections.sort_unstable();
    format!("{before}RESOURCES:\n{}\n\n\n{after}", sections.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        for (text, want) in [
            ("Error: no\n| Pod a/b\n|   Ready=False\n", "Error: no\n"),
            ("at 2026-11-25T12:46:38.019Z", "at TIME"),
            ("LAST DEPLOYED: Wed Nov  5 12:46:38 2026", "LAST DEPLOYED: TIME"),
            ("shop\t2026-11-25 12:46:38.01 +0000 UTC  \tx", "shop\tTIME\tx"),
            ("\"resourceVersion\":\"72\"", "\"resourceVersion\":\"VERSION\""),
            ("shop-shop-wdfldl2vps-p5ztt   1/1   0   12s", "shop-shop-HASH-NAME 1/1 0 AGE"),
            ("pod/shop-job-bzjxm", "pod/shop-job-NAME"),
            ("modifiedAt=1795610798,name=shop", "modifiedAt=SECONDS,name=shop"),
            ("RESOURCES:\n==> b\n1\n\n==> a\n2\n\n\nNOTES", "RESOURCES:\n==> a\n2\n\n==> b\n1\n\n\nNOTES"),
        ] {
            assert_eq!(masked(text), want);
        }
    }
}
