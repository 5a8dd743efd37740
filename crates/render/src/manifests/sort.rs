//! Telling hooks from manifests, and bringing both into order (as Helm 4.3: `manifest_sorter.go`).

use super::apart::{Apart, Document, Taken};
use super::head::Head;
use super::kinds::compare;
use crate::render::Files;

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

impl HookEvent {
    /// The text in annotations and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::Test => "test",
        }
    }

    /// Reads the text of an annotation; `test-success` is Helm 2's word for `test`.
    pub fn from_annotation(text: &str) -> Option<Self> {
        Some(match text {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "test" | "test-success" => Self::Test,
            _ => return None,
        })
    }
}

/// A hook: an object that is made at an event and is no part of the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The object's name.
    pub name: String,
    /// The object's kind.
    pub kind: String,
    /// The path of the template it comes from.
    pub path: String,
    /// The document.
    pub manifest: String,
    /// When it runs.
    pub events: Vec<HookEvent>,
    /// Its place among the hooks of an event.
    pub weight: i64,
    /// When it is deleted, as the annotation says: `hook-succeeded`, `hook-failed`, `before-hook-creation`, or anything.
    pub delete_policies: Vec<String>,
    /// When its log is shown, as the annotation says.
    pub output_log_policies: Vec<String>,
}

/// A document of the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The path of the template it comes from.
    pub path: String,
    /// The document.
    pub content: String,
    /// What kind of object it is.
    pub head: Head,
}

/// Files that could not be sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsorted {
    /// Helm's text: `YAML parse error on PATH: …`.
    pub message: String,
    /// The path of the file with the error.
    pub path: String,
}

/// Takes files apart into hooks and manifests, each sorted by kind; partials and blank files are left out, and so are
/// documents with a hook event that nobody knows.
///
/// # Errors
/// A document is no YAML, or its head is not what it must be.
pub fn sort_files(files: &Files, order: &[&str]) -> Result<(Vec<Hook>, Vec<Manifest>), Unsorted> {
    let mut apart = Apart::default();
    for (path, text) in files {
        apart.take(path, text);
    }
    sort_noting(apart.finish(), order, &mut Vec::new())
}

/// As [`sort_files`], of files that were taken apart, by path; the annotations of documents left out for an unknown
/// event are added to `skipped`.
pub(super) fn sort_noting(
    files: Vec<Taken>,
    order: &[&str],
    skipped: &mut Vec<String>,
) -> Result<(Vec<Hook>, Vec<Manifest>), Unsorted> {
    let (mut hooks, mut manifests) = (Vec::new(), Vec::new());
    for (path, documents) in files {
        for Document { content, head } in documents {
            let head = head.map_err(|error| Unsorted {
                message: format!("YAML parse error on {path}: {error}"),
                path: path.clone(),
            })?;
            match head.annotations.get("helm.sh/hook") {
                None => manifests.push(Manifest { path: path.clone(), content, head }),
                Some(events) => match hook(&path, &content, &head, events) {
                    Some(hook) => hooks.push(hook),
                    None => skipped.push(events.clone()),
                },
            }
        }
    }
    hooks.sort_by(|a: &Hook, b: &Hook| compare(&a.kind, &b.kind, order));
    sort_by_kind(&mut manifests, order);
    Ok((hooks, manifests))
}

/// Sorts manifests by kind, equal kinds as they are.
pub fn sort_by_kind(manifests: &mut [Manifest], order: &[&str]) {
    manifests.sort_by(|a, b| compare(&a.head.kind, &b.head.kind, order));
}

fn hook(path: &str, document: &str, head: &Head, events: &str) -> Option<Hook> {
    let events = words(events).map(|event| HookEvent::from_annotation(&event)).collect::<Option<Vec<_>>>()?;
    let list = |key: &str| head.annotations.get(key).map(|text| words(text).collect()).unwrap_or_default();
    let weight = head.annotations.get("helm.sh/hook-weight");
    Some(Hook {
        name: head.name.clone(),
        kind: head.kind.clone(),
        path: path.to_owned(),
        manifest: document.to_owned(),
        events,
        weight: weight.and_then(|w| gotext::strconv::parse_int(w.as_bytes(), 10, 64).ok()).unwrap_or(0),
        delete_policies: list("helm.sh/hook-delete-policy"),
        output_log_policies: list("helm.sh/hook-output-log-policy"),
    })
}

/// The words of a list in an annotation, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(',').map(|word| word.trim().to_lowercase())
}
