//! What a caller wants done, after all checking of input and before anything was read from the cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chart::Chart;
use goyaml::Map;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A change to one release.
#[derive(Clone, Debug)]
pub enum Intent {
    /// Install; an error when the name is in use.
    Install(Change),
    /// Upgrade; an error when there is no release.
    Upgrade(Change),
    /// Install, or upgrade when it exists (`upgrade --install`).
    Apply(Change),
    /// Go back to an earlier revision.
    Rollback(Rollback),
    /// Uninstall.
    Uninstall(Uninstall),
    /// End a revision whose program has died.
    Unlock(Unlock),
}

/// Which release.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// The namespace of the release and its records.
    pub namespace: String,
    /// The name, checked by Helm's rule.
    pub name: String,
}

/// What an install or upgrade puts in place.
#[derive(Clone, Debug)]
pub struct Change {
    /// The release.
    pub target: Target,
    /// The chart; `None` keeps the chart of the last release (upgrade only).
    pub chart: Option<Arc<Chart>>,
    /// The user's values, `-f` and `--set` already merged.
    pub values: Map,
    /// What happens to the values of the last release.
    pub value_strategy: ValueStrategy,
    /// Labels for the record; the value `null` (text) removes one.
    pub labels: BTreeMap<String, String>,
    /// A description to store instead of Helm's.
    pub description: Option<String>,
    /// Create the namespace when it is missing.
    pub create_namespace: bool,
    /// How objects are sent.
    pub apply: Apply,
    /// What to wait for.
    pub wait: Wait,
    /// What to do when it fails.
    pub on_failure: OnFailure,
    /// Run no hooks.
    pub no_hooks: bool,
    /// What happens to the objects of `crds/`.
    pub crds: Crds,
    /// Do not check values against the schema.
    pub skip_schema_validation: bool,
    /// Show the notes of subcharts too.
    pub subchart_notes: bool,
    /// How many revisions to keep; 0 keeps all.
    pub history_max: u32,
    /// The revision the caller has seen; another one is a conflict.
    pub expected_revision: Option<u32>,
    /// An install takes over the name of a release that is uninstalled or has failed.
    pub replace: bool,
    /// The plan is only looked at: a name that is in use is no obstacle to an install.
    pub preview: bool,
    /// Leave the content of Secrets out of the manifest; only for a plan that is looked at.
    pub hide_secrets: bool,
    /// Templates look nothing up in the cluster.
    pub without_lookups: bool,
}

/// What happens to the objects of a chart's `crds/`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Crds {
    /// An install creates those that are not there.
    #[default]
    Create,
    /// They are left out.
    Skip,
    /// An install and an upgrade create them, and replace those that are there.
    CreateReplace,
}

impl Crds {
    /// Tells whether an install or an upgrade creates them.
    pub(crate) fn are_created(self, upgrade: bool) -> bool {
        match self {
            Self::Create => !upgrade,
            Self::Skip => false,
            Self::CreateReplace => true,
        }
    }
}

/// What happens to the values of the last release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ValueStrategy {
    /// As Helm without a flag: the new values if there are any, else the last ones.
    #[default]
    Default,
    /// Start from the chart's (`--reset-values`).
    Reset,
    /// Merge into the last ones (`--reuse-values`).
    Reuse,
    /// Start from the chart's, put the last user values on top, then the new (`--reset-then-reuse-values`).
    ResetThenReuse,
}

/// How objects are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Apply {
    /// Who merges what is there with what is wanted.
    pub method: Method,
    /// Take fields from other managers (server-side only).
    pub force_conflicts: bool,
    /// Replace objects instead of merging them (client-side only).
    pub force_replace: bool,
    /// Take objects that belong to another release or to nobody.
    pub take_ownership: bool,
}

/// Who merges what is there with what is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// As it was done for the revision that a change starts from or goes back to; by the server when there is none.
    #[default]
    Auto,
    /// The server, by server-side apply.
    ServerSide,
    /// We, by a three-way merge.
    ClientSide,
}

impl Method {
    /// Tells whether the server merges, where the revision before was applied so or so.
    pub(crate) fn is_server_side(self, before: Option<bool>) -> bool {
        match self {
            Self::Auto => before.unwrap_or(true),
            Self::ServerSide => true,
            Self::ClientSide => false,
        }
    }
}

impl Apply {
    /// Refuses what does not go together, in Helm's words (`pkg/kube/client.go Update`).
    pub(crate) fn check(self, server_side: bool) -> Result<(), Error> {
        Err(Error::Apply(match (server_side, self.force_conflicts, self.force_replace) {
            (false, true, _) => "invalid client update option(s): forceConflicts enabled when serverSideApply disabled",
            (true, true, true) => "invalid operation: cannot use force conflicts and force replace together",
            (true, false, true) => "invalid operation: cannot use server-side apply and force replace together",
            _ => return Ok(()),
        }))
    }
}

/// What to wait for after objects were sent, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// Which objects.
    pub strategy: WaitStrategy,
    /// Wait for jobs too.
    pub jobs: bool,
    /// How long one wait may take.
    pub timeout: Duration,
}

impl Default for Wait {
    fn default() -> Self {
        Self { strategy: WaitStrategy::HookOnly, jobs: false, timeout: Duration::from_secs(300) }
    }
}

/// Which objects are waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WaitStrategy {
    /// All objects, by kstatus' rules.
    Watcher,
    /// Hooks only.
    #[default]
    HookOnly,
    /// All objects, by Helm's old rules.
    Legacy,
}

/// What to do when an install or upgrade fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnFailure {
    /// Roll back to the last good revision; uninstall when there is none.
    pub rollback: bool,
    /// Delete what this upgrade created.
    pub cleanup: bool,
}

/// Going back to an earlier revision.
#[derive(Clone, Debug)]
pub struct Rollback {
    /// The release.
    pub target: Target,
    /// The revision to go to; `None` is the one before the last.
    pub revision: Option<u32>,
    /// A description to store instead of Helm's.
    pub description: Option<String>,
    /// How objects are sent.
    pub apply: Apply,
    /// What to wait for.
    pub wait: Wait,
    /// Delete what a failed rollback created.
    pub cleanup_on_fail: bool,
    /// Run no hooks.
    pub no_hooks: bool,
    /// How many revisions to keep; 0 keeps all.
    pub history_max: u32,
    /// The revision the caller has seen.
    pub expected_revision: Option<u32>,
}

/// Taking a release away.
#[derive(Clone, Debug)]
pub struct Uninstall {
    /// The release.
    pub target: Target,
    /// Keep the records, marked as uninstalled.
    pub keep_history: bool,
    /// Run no hooks.
    pub no_hooks: bool,
    /// How dependents are deleted.
    pub cascade: Cascade,
    /// A description to store.
    pub description: Option<String>,
    /// What to wait for.
    pub wait: Wait,
    /// Succeed when there is no such release.
    pub ignore_not_found: bool,
    /// The revision the caller has seen.
    pub expected_revision: Option<u32>,
}

/// Ending a pending revision, such as one of a Helm that died.
#[derive(Clone, Debug)]
pub struct Unlock {
    /// The release.
    pub target: Target,
    /// The revision the caller has seen.
    pub expected_revision: Option<u32>,
}

/// Running the tests of a release.
#[derive(Clone, Debug)]
pub struct Test {
    /// The release.
    pub target: Target,
    /// The names of the tests to run; none are all.
    pub only: Vec<String>,
    /// The names of the tests that are left out.
    pub without: Vec<String>,
    /// Read what the tests have printed.
    pub logs: bool,
    /// How long one test may take.
    pub wait: Wait,
}

impl Test {
    /// Tells whether a test is to be run.
    pub fn wants(&self, name: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|known| known == name);
        !named(&self.without) && (self.only.is_empty() || named(&self.only))
    }
}

/// How dependents are deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cascade {
    /// In the background.
    #[default]
    Background,
    /// Before their owner.
    Foreground,
    /// Not at all.
    Orphan,
}
