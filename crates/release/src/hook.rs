//! Hooks as a record keeps them, as Helm 4.3: `pkg/release/v1/hook.go`.

use serde::{Deserialize, Serialize};

use crate::record::{is_zero, null_default};
use crate::time::{self, Time};
use crate::word::words;

words! {
    /// When a hook runs.
    HookEvent {
        PreInstall = "pre-install",
        PostInstall = "post-install",
        PreDelete = "pre-delete",
        PostDelete = "post-delete",
        PreUpgrade = "pre-upgrade",
        PostUpgrade = "post-upgrade",
        PreRollback = "pre-rollback",
        PostRollback = "post-rollback",
        Test = "test",
    }
}

words! {
    /// When a hook's object is deleted.
    DeletePolicy {
        Succeeded = "hook-succeeded",
        Failed = "hook-failed",
        BeforeHookCreation = "before-hook-creation",
    }
}

words! {
    /// When a hook's log is shown.
    LogPolicy {
        Succeeded = "hook-succeeded",
        Failed = "hook-failed",
    }
}

words! {
    /// How the last run of a hook went; empty before the first.
    #[derive(Default)]
    HookPhase {
        #[default]
        None = "",
        Unknown = "Unknown",
        Running = "Running",
        Succeeded = "Succeeded",
        Failed = "Failed",
    }
}

/// One hook of a release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hook {
    /// The object's name.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_default")]
    pub name: String,
    /// The object's kind.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_default")]
    pub kind: String,
    /// The template, with the chart's name in front (`shop/templates/job.yaml`).
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_default")]
    pub path: String,
    /// The rendered object.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_default")]
    pub manifest: String,
    /// When it runs.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub events: Vec<HookEvent>,
    /// How it ran last.
    #[serde(deserialize_with = "null_default")]
    pub last_run: HookExecution,
    /// Lower runs earlier.
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "null_default")]
    pub weight: i64,
    /// When its object is deleted.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub delete_policies: Vec<DeletePolicy>,
    /// When its log is shown.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub output_log_policies: Vec<LogPolicy>,
}

/// One run of a hook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookExecution {
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time::optional")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time::optional")]
    pub completed_at: Option<Time>,
    /// How it went.
    #[serde(deserialize_with = "null_default")]
    pub phase: HookPhase,
}
