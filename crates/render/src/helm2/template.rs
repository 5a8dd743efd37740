//! What `helm template` of Helm 2 prints, which nothing of Tiller takes part in (as Helm 2.17: `cmd/helm/template.go`).

use super::INSTALL_ORDER;
use super::kinds::compare;
use crate::render::{Files, base_name};

/// Makes the output: each file whole, in the order of what its first `kind:` says.
pub fn template_output(files: &Files, show_notes: bool) -> String {
    let mut all: Vec<(&str, &str, &str)> =
        files.iter().map(|(path, text)| (kind(text), path.as_str(), &**text)).collect();
    all.sort_by(|a, b| compare((a.0, a.1), (b.0, b.1), INSTALL_ORDER));
    let mut out = String::new();
    for (_, path, text) in all {
        let name = base_name(path);
        if (name == "NOTES.txt" && !show_notes) || name.starts_with('_') {
            continue;
        }
        out.extend(["---\n# Source: ", path, "\n", text, "\n"]);
    }
    out
}

/// What stands behind the first `kind:` that a line ends after.
fn kind(text: &str) -> &str {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("kind:") {
        if let Some((kind, _)) = after.split_once('\n') {
            return kind.trim();
        }
        rest = after;
    }
    "Unknown"
}
