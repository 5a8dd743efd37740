//! Telling hooks from manifests, and bringing both into order (as Helm 2.17: `pkg/tiller/hooks.go`).

use std::collections::BTreeMap;
use std::num::IntErrorKind;

use super::kinds::compare;
use super::split::split;
use super::{INSTALL_ORDER, head_error};
use crate::manifests::{Head, Manifest};
use crate::render::{Files, base_name};

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Event {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    TestSuccess,
    TestFailure,
    CrdInstall,
}

impl Event {
    /// Reads the text of an annotation; Helm 3's plain `test` is none.
    fn from_annotation(text: &str) -> Option<Self> {
        Some(match text {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "test-success" => Self::TestSuccess,
            "test-failure" => Self::TestFailure,
            "crd-install" => Self::CrdInstall,
            _ => return None,
        })
    }
}

/// When the object of a hook is deleted. There is no default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum DeletePolicy {
    Succeeded,
    Failed,
    BeforeHookCreation,
}

/// A hook: an object that is made at an event and is no part of the manifest (as Helm 2.17: `hapi.release.Hook`).
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
    pub events: Vec<Event>,
    /// Its place among the hooks of an event.
    pub weight: i32,
    /// When it is deleted.
    pub delete_policies: Vec<DeletePolicy>,
    /// How many seconds a deletion may take: 60 where there is a policy and nothing is said, else 0.
    pub delete_timeout: i64,
}

/// How many seconds the deletion of a hook may take.
const DELETE_TIMEOUT: i64 = 60;

/// Hooks and manifests taken out of files.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorted {
    pub(super) hooks: Vec<Hook>,
    pub(super) manifests: Vec<Manifest>,
    /// The annotations of documents that vanish, since nobody knows the event.
    pub(super) skipped: Vec<String>,
}

/// Takes files apart. Tiller leaves hooks, and documents of one kind in one file, in no order; here they are as they stand
/// in their files, by path.
///
/// # Errors
/// The path of the file and the text when a document is no YAML or its head is not what it must be.
pub(super) fn sort(files: &Files) -> Result<Sorted, (String, String)> {
    let mut sorted = Sorted::default();
    for (path, text) in files {
        if base_name(path).starts_with('_') || text.trim().is_empty() {
            continue;
        }
        for document in split(text) {
            let head = Head::read(document)
                .map_err(|e| (path.clone(), format!("YAML parse error on {path}: {}", head_error(&e))))?;
            match head.annotations.get("helm.sh/hook") {
                None => sorted.manifests.push(Manifest { path: path.clone(), content: document.to_owned(), head }),
                Some(events) => match hook(path, document, &head, events) {
                    Some(hook) => sorted.hooks.push(hook),
                    None => sorted.skipped.push(events.clone()),
                },
            }
        }
    }
    sorted.manifests.sort_by(|a, b| compare((&a.head.kind, &a.path), (&b.head.kind, &b.path), INSTALL_ORDER));
    Ok(sorted)
}

fn hook(path: &str, document: &str, head: &Head, events: &str) -> Option<Hook> {
    let events = words(events).map(|event| Event::from_annotation(&event)).collect::<Option<Vec<_>>>()?;
    let delete_policies: Vec<_> = listed(&head.annotations, "helm.sh/hook-delete-policy")
        .filter_map(|policy| match policy.as_str() {
            "hook-succeeded" => Some(DeletePolicy::Succeeded),
            "hook-failed" => Some(DeletePolicy::Failed),
            "before-hook-creation" => Some(DeletePolicy::BeforeHookCreation),
            _ => None,
        })
        .collect();
    let mut delete_timeout = 0;
    if !delete_policies.is_empty() {
        delete_timeout = DELETE_TIMEOUT;
        // The last counts, be it a number or not.
        for text in listed(&head.annotations, "helm.sh/hook-delete-timeout") {
            delete_timeout = parse_int(&text);
        }
    }
    let weight = head.annotations.get("helm.sh/hook-weight").map_or("", String::as_str);
    Some(Hook {
        name: head.name.clone(),
        kind: head.kind.clone(),
        path: path.to_owned(),
        manifest: document.to_owned(),
        events,
        weight: gotext::strconv::parse_int(weight.as_bytes(), 10, 64).unwrap_or(0) as i32,
        delete_policies,
        delete_timeout,
    })
}

/// The words of a list in an annotation, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(',').map(|word| word.trim().to_lowercase())
}

fn listed<'a>(annotations: &'a BTreeMap<String, String>, key: &str) -> impl Iterator<Item = String> + 'a {
    annotations.get(key).into_iter().flat_map(|text| words(text))
}

/// `strconv.ParseInt` whose error is only logged.
fn parse_int(text: &str) -> i64 {
    match text.parse::<i64>() {
        Ok(number) => number,
        Err(error) => match error.kind() {
            IntErrorKind::PosOverflow => i64::MAX,
            IntErrorKind::NegOverflow => i64::MIN,
            _ => 0,
        },
    }
}
