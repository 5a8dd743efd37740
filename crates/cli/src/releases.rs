//! Releases, wherever they are: in a cluster that this very process works on, or behind the API of a server.
//!
//! [`open`] is the one place that tells them apart. What a command prints is made of what it gets here, so that it is the same
//! either way.

use std::collections::BTreeMap;

use ::release::{Release, Time};
use api::RevisionDiff;
use chart::ValueOptions;
use engine::{Change, Form, Rollback, Target, Test, Uninstall};

use crate::command::Call;
use crate::connect;
use crate::fail::Outcome;
use crate::progress::Skipped;
use crate::remote::Remote;
use crate::status::Resources;

/// A revision of a history.
#[derive(Debug)]
pub(crate) struct Revision {
    /// Its number.
    pub(crate) revision: u32,
    /// When it was made.
    pub(crate) updated: Option<Time>,
    /// Where it stands.
    pub(crate) status: String,
    /// The chart's name and version.
    pub(crate) chart: String,
    /// The version of what the chart installs.
    pub(crate) app_version: String,
    /// The revision that it went back to; 0 for none.
    pub(crate) rollback_revision: u32,
    /// What happened.
    pub(crate) description: String,
}

/// A release of a list.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Its name.
    pub(crate) name: String,
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its revision.
    pub(crate) revision: u32,
    /// When that was made.
    pub(crate) updated: Option<Time>,
    /// Where it stands.
    pub(crate) status: String,
    /// The chart's name and version.
    pub(crate) chart: String,
    /// The version of what the chart installs.
    pub(crate) app_version: String,
}

/// What was left of an uninstall.
#[derive(Debug)]
pub(crate) struct Left {
    /// What stays because it asks to, in Helm's words.
    pub(crate) kept: Vec<String>,
    /// What was left because it is not the release's.
    pub(crate) skipped: Vec<Skipped>,
    /// Whether all else is gone.
    pub(crate) result: Outcome,
}

/// What came of the tests of a release.
#[derive(Debug)]
pub(crate) struct Tested {
    /// The release as it is stored now.
    pub(crate) release: Release,
    /// What pods have printed (pod, container, text), or why that cannot be read.
    pub(crate) logs: Vec<Result<[String; 3], String>>,
    /// Why a test has failed.
    pub(crate) failure: Option<String>,
}

/// What is shown of a release besides what a list shows; a server may let its user see some of it only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Nothing.
    None,
    /// The values that were given.
    Values,
    /// Those that the templates saw.
    AllValues,
    /// The manifest.
    Manifest,
    /// The hooks.
    Hooks,
    /// The notes.
    Notes,
    /// Everything.
    All,
}

/// Where releases are, and what is done with them there.
pub(crate) trait Releases {
    /// A release in the namespace of the command.
    fn target(&self, name: &str) -> Target;

    /// Reads a release at a revision, or its last; of that with the labels that Helm keeps for itself.
    /// Only the part that is asked for has to be there.
    fn content(&self, name: &str, revision: Option<u32>, part: Part) -> Outcome<(BTreeMap<String, String>, Release)>;

    /// Reads the objects of a release that are there, and their pods.
    fn resources(&self, release: &Release, form: Form) -> Outcome<Resources>;

    /// Lists the revisions of a release, the oldest first.
    fn history(&self, name: &str) -> Outcome<Vec<Revision>>;

    /// Lists the releases that the flags ask for, in their order.
    fn list(&self, call: &Call) -> Outcome<Vec<Listed>>;

    /// Compares two revisions: the last, and the one before, where none are named.
    fn compare(&self, name: &str, from: Option<u32>, to: Option<u32>) -> Outcome<RevisionDiff>;

    /// Whether there is nothing to upgrade, and if so, whether a record of what was uninstalled is in the way.
    fn is_missing(&self, name: &str) -> Outcome<Option<bool>>;

    /// Installs a chart, or shows what that would be; `options` are what the change's values were made of.
    fn install(&self, call: &Call, change: Change, options: &ValueOptions) -> Outcome<Release>;

    /// Upgrades a release, or shows what that would be.
    fn upgrade(&self, call: &Call, change: Change, options: &ValueOptions) -> Outcome<Release>;

    /// Goes back to an earlier revision, or looks whether it could be done.
    fn rollback(&self, call: &Call, wish: Rollback, preview: bool) -> Outcome;

    /// Uninstalls a release.
    fn uninstall(&self, call: &Call, wish: Uninstall) -> Outcome<Left>;

    /// Says what an uninstall would keep.
    fn would_keep(&self, wish: Uninstall) -> Outcome<Vec<String>>;

    /// Runs the tests of a release.
    fn test(&self, call: &Call, wish: Test) -> Outcome<Tested>;

    /// Ends a revision that is pending.
    fn unlock(&self, call: &Call, name: &str) -> Outcome<Release>;
}

/// Finds out where the releases of a call are, and whether they can be reached.
pub(crate) fn open(call: &Call) -> Outcome<Box<dyn Releases>> {
    match &call.server {
        Some(server) => Ok(Box::new(Remote::open(call, server)?)),
        None => Ok(Box::new(connect::open(call)?)),
    }
}
