//! Taking a file apart into documents (as Helm 2.17: `pkg/releaseutil/manifest.go`).

/// What Go's `\s` is.
const SPACE: [char; 5] = ['\t', '\n', '\x0c', '\r', ' '];

/// Splits a text at lines that begin with `---`, whatever follows, and takes white space away around each document. Right
/// behind a separator another one is none, unless a line is between them.
pub fn split(text: &str) -> Vec<&str> {
    let text = text.trim();
    let mut docs = Vec::new();
    let mut rest = match text.strip_prefix("---") {
        Some(after) => after.trim_start_matches(SPACE),
        None => text,
    };
    while let Some(at) = rest.find("\n---") {
        let (doc, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        docs.push(doc.trim_end_matches(SPACE));
        rest = after.get(4..).unwrap_or("").trim_start_matches(SPACE);
    }
    docs.push(rest);
    docs.into_iter().filter(|doc| !doc.is_empty()).map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn at_separators() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a: 1\n", &["a: 1"]),
            ("---\na: 1\n---\nb: 2\n", &["a: 1", "b: 2"]),
            ("\n\n--- \t\n  a: 1\n---\n\n---\n", &["a: 1", "---"]),
            ("---apiVersion: v1\nx: y", &["apiVersion: v1\nx: y"]),
            ("a: |\n  ---\n  b\n", &["a: |\n  ---\n  b"]),
            ("-----\na", &["--\na"]),
            ("a ---\nb", &["a ---\nb"]),
        ];
        for (text, want) in cases {
            assert_eq!(split(text), *want, "{text:?}");
        }
    }
}
