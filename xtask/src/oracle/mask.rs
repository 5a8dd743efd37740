//! Taking out of an output what is random by nature.

use std::sync::LazyLock;

use regex::Regex;

/// What is masked, and by what.
static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "TIME"),
        (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}", "TIME"),
        // A signature has its time in it.
        (r"(?s)-----BEGIN PGP SIGNATURE-----.*?-----END PGP SIGNATURE-----", "SIGNATURE"),
        // Files and folders for what is not whole yet.
        (r"\.(tgz|yaml|prov)\d{6,}:", ".$1:"),
        (r"tmpcharts-\d+", "tmpcharts-PID"),
    ]
    .into_iter()
    .filter_map(|(pattern, by)| Some((Regex::new(pattern).ok()?, by)))
    .collect()
});

/// Masks a text.
pub(super) fn masked(text: &str) -> String {
    MASKS.iter().fold(text.to_owned(), |text, (pattern, by)| pattern.replace_all(&text, *by).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        for (text, want) in [
            ("created: \"2026-11-25T12:46:38.019Z\"", "created: \"TIME\""),
            ("LAST DEPLOYED: Wed Nov  5 12:46:38 2026", "LAST DEPLOYED: TIME"),
            ("open a.tgz3421816736: no", "open a.tgz: no"),
            ("a\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----", "a\nSIGNATURE"),
        ] {
            assert_eq!(masked(text), want);
        }
    }
}
