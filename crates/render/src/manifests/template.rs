//! What `helm template` prints of a release (as Helm 4.3: `pkg/cmd/template.go`).

use super::sort::{Hook, HookEvent};
use super::split::split;
use super::{Rendered, document};
use crate::golang::path;

/// The flags that shape the output.
#[derive(Clone, Debug, Default)]
pub struct TemplateOptions {
    /// Leaves out hooks that are tests (`--skip-tests`).
    pub skip_tests: bool,
    /// Leaves out all hooks (`--no-hooks`).
    pub no_hooks: bool,
    /// Prints only what comes from these templates: paths or patterns inside a chart (`--show-only`).
    pub show_only: Vec<String>,
}

impl TemplateOptions {
    /// Tells whether a hook is shown, whatever template it comes from.
    #[must_use]
    pub fn shows_hook(&self, hook: &Hook) -> bool {
        !self.no_hooks && !(self.skip_tests && hook.events.contains(&HookEvent::Test))
    }

    /// Tells whether what comes from the template at a path (`shop/templates/a.yaml`) is shown.
    #[must_use]
    pub fn shows_path(&self, path: &str) -> bool {
        let inside = path.split_once('/').map_or(path, |(_, inside)| inside);
        self.show_only.is_empty()
            || self.show_only.iter().any(|pattern| path::matches(pattern.as_bytes(), inside.as_bytes()))
    }
}

/// A template was to be shown that made nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not find template {0} in chart")]
pub struct ShowOnlyError(pub String);

/// Gives the output in pieces, without copying it: manifests, then hooks; whatever is to be shown only.
pub fn template_pieces<'r>(rendered: &'r Rendered, options: &TemplateOptions) -> Vec<&'r str> {
    let mut pieces = vec![rendered.manifest.trim(), "\n"];
    for hook in rendered.hooks.iter().filter(|hook| options.shows_hook(hook)) {
        pieces.extend(document(&hook.path, &hook.manifest));
    }
    pieces
}

/// Makes the output: manifests, then hooks; or those of some templates.
///
/// # Errors
/// A template to be shown is not there.
pub fn template_output(rendered: &Rendered, options: &TemplateOptions) -> Result<String, ShowOnlyError> {
    let out = template_pieces(rendered, options).concat();
    if options.show_only.is_empty() {
        return Ok(out);
    }
    let documents = split(&out);
    let mut shown = String::new();
    for pattern in &options.show_only {
        let mut missing = true;
        for document in &documents {
            if source(document).is_some_and(|source| path::matches(pattern.as_bytes(), source.as_bytes())) {
                shown.push_str("---\n");
                shown.push_str(document);
                shown.push('\n');
                missing = false;
            }
        }
        if missing {
            return Err(ShowOnlyError(pattern.clone()));
        }
    }
    Ok(shown)
}

/// The path of a document's template inside its chart: what follows the chart's name in the first `# Source:`.
fn source(document: &str) -> Option<&str> {
    const MARK: &str = "# Source: ";
    let mut rest = document;
    while let Some(at) = rest.find(MARK) {
        let after = rest.get(at + MARK.len()..)?;
        // The chart's name has no slash but may, in Go's expression, have line breaks.
        if let Some((name, path)) = after.split_once('/') {
            let path = path.split('\n').next().unwrap_or(path);
            if !name.is_empty() && !path.is_empty() {
                return Some(path);
            }
        }
        rest = after;
    }
    None
}
