//! Taking a file apart into documents.

/// Splits a text at lines that begin with `---`, whatever follows; blank documents are left out, and white space in front
/// of a document (as Helm 4.3: `SplitManifests`).
pub fn split(text: &str) -> Vec<&str> {
    let mut docs = Vec::new();
    let mut rest = text.trim_start();
    let mut at_line_start = true;
    let mut from = 0;
    let mut at = 0;
    while at <= rest.len() {
        let tail = rest.get(at..).unwrap_or("");
        if at_line_start && tail.starts_with("---") {
            docs.push(rest.get(from..at).unwrap_or(""));
            let after = tail.get(3..).unwrap_or("").trim_start_matches([' ', '\t']);
            rest = after;
            (from, at, at_line_start) = (0, 0, false);
            continue;
        }
        match tail.find('\n') {
            Some(end) => at += end + 1,
            None => break,
        }
        at_line_start = true;
    }
    docs.push(rest.get(from..).unwrap_or(""));
    docs.into_iter().map(str::trim_start).filter(|doc| !doc.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn at_separators() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a: 1\n", &["a: 1\n"]),
            ("---\na: 1\n---\nb: 2\n", &["a: 1\n", "b: 2\n"]),
            ("\n\n--- \t\n  a: 1\n---\n\n---\n", &["a: 1\n"]),
            ("---apiVersion: v1\nx: y", &["apiVersion: v1\nx: y"]),
            ("a: |\n  ---\n  b\n", &["a: |\n  ---\n  b\n"]),
            ("-----\na", &["--\na"]),
            ("a\n---\n---\nb", &["a\n", "b"]),
            ("a ---\nb", &["a ---\nb"]),
        ];
        for (text, want) in cases {
            assert_eq!(split(text), *want, "{text:?}");
        }
    }
}
