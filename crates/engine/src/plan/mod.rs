//! What will happen, decided before anything does.
//!
//! Planning reads; running acts. A dry run is a plan that is not run.

mod foresee;
mod install;
mod past;
mod rollback;
mod unchanged;
mod uninstall;
mod unlock;
mod upgrade;

use cluster::{Baseline, Existing, FieldChange, Object, Owner};
use release::{HookEvent, Key, Ledger, Record, Release};

pub use foresee::Rejection;
pub(crate) use foresee::{Foresight, how};
pub use past::Ending;
pub(crate) use past::Stance;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::{Engine, PARALLEL};
use crate::error::Error;
use crate::intent::{Apply, Cascade, Target, Wait};

/// The kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// The first revision of a release.
    Install,
    /// A further one.
    Upgrade,
    /// A revision that repeats an earlier one.
    Rollback,
    /// The end of a release.
    Uninstall,
    /// The end of a revision whose program has died.
    Unlock,
}

impl Verb {
    /// The verb in lower case, as operations name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
            Self::Uninstall => "uninstall",
            Self::Unlock => "unlock",
        }
    }
}

/// A change, ready to be run: here, or, as it can be written and read, elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The kind of change.
    pub verb: Verb,
    /// The release.
    pub target: Target,
    /// The record as it is first stored (install, upgrade, rollback), or as it was found (uninstall).
    #[serde(with = "release::whole")]
    pub release: Release,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What is done when a step fails.
    pub failure: Failure,
    /// What a person should know beforehand.
    pub warnings: Vec<String>,
    /// Objects that the server would refuse. A plan that has some is bound to fail: when it is run, the failure is
    /// recorded, as Helm does it, and nothing else is changed.
    pub rejections: Vec<Rejection>,
    /// How objects are sent, hooks excepted.
    pub apply: Apply,
    /// What is waited for, and how long.
    pub wait: Wait,
    /// Whether fields that Helm owns by client-side apply are handed over before an object is applied.
    pub(crate) migrate_fields: bool,
    /// Whether hooks are left out, also in a rollback that follows a failure.
    pub(crate) no_hooks: bool,
}

impl Plan {
    /// The plan without the time it was made at: the same for two plans that do the same, and never for others.
    ///
    /// # Errors
    /// When the release has no JSON form.
    pub fn timeless(&self) -> Result<Value, serde_json::Error> {
        let mut plan = self.clone();
        let info = &mut plan.release.info;
        match self.verb {
            Verb::Install => (info.first_deployed, info.last_deployed) = (None, None),
            Verb::Upgrade | Verb::Rollback => info.last_deployed = None,
            Verb::Uninstall => info.deleted = None,
            Verb::Unlock => {}
        }
        serde_json::to_value(&plan)
    }
}

/// One effect. Steps are the only things that change anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Creates the release's namespace when it is missing.
    Namespace,
    /// Takes the lock; waits for a process that may be at work, and takes over when it has died.
    Lock,
    /// Ends a revision whose process has died.
    End(Ending),
    /// Deletes the oldest revisions, to make room for one more.
    Prune(Vec<Key>),
    /// Stores the pending record: from here on the release is locked against Helm as well.
    Record,
    /// Creates the objects of `crds/` and waits until they are served.
    Crds {
        /// The definitions.
        objects: Vec<Object>,
        /// Those that are there are replaced.
        replace: bool,
    },
    /// Runs the hooks of an event.
    Hooks(HookEvent),
    /// Sends objects, kind after kind.
    Apply(Vec<Planned>),
    /// Deletes objects that are no longer part of the release.
    Remove(Vec<Object>),
    /// Waits until objects are ready.
    Wait(Vec<Object>),
    /// Marks earlier revisions as superseded.
    Supersede(Vec<Record>),
    /// Stores the record as deployed.
    Deployed {
        /// The description it gets.
        description: String,
    },
    /// Stores the record as being uninstalled.
    Uninstalling,
    /// Deletes the objects of the release that it owns, and waits until they are gone.
    Delete(Deletion),
    /// Stores the record as uninstalled.
    Uninstalled {
        /// The description it gets.
        description: String,
    },
    /// Deletes records.
    Purge(Vec<Key>),
}

/// What is deleted by an uninstall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// The objects, in the order of deletion.
    pub objects: Vec<Object>,
    /// Objects that stay because their resource policy says so, as `[Kind] name`.
    pub kept: Vec<String>,
    /// How dependents are deleted.
    pub cascade: Cascade,
}

/// An object that is sent, and what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Planned {
    /// The object, with ownership metadata.
    pub object: Object,
    /// What becomes of it.
    pub action: Action,
    /// The fields that sending it changes, as far as that is known.
    pub fields: Vec<FieldChange>,
    /// From where it is merged, when the server does not do it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) baseline: Baseline,
    /// The object as it was read while planning.
    #[serde(skip)]
    pub(crate) live: Option<Value>,
}

impl Planned {
    pub(crate) fn new(object: Object, action: Action) -> Self {
        Self { object, action, fields: Vec::new(), baseline: Baseline::default(), live: None }
    }

    /// An object that is updated when it is among `old` ones, and created otherwise.
    pub(crate) fn among(object: &Object, old: &[Object]) -> Self {
        let there = old.iter().any(|other| other.id().is_same(object.id()));
        Self::new(object.clone(), if there { Action::Update } else { Action::Create })
    }
}

fn is_default(baseline: &Baseline) -> bool {
    *baseline == Baseline::default()
}

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// It is not there yet.
    Create,
    /// It is there and part of the release.
    Update,
    /// It is there and becomes part of the release.
    Adopt,
    /// It is there as it should be, and is not sent unless hooks have run before.
    Unchanged,
}

/// What is done when a step fails after the record was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Records failure, and then goes back: to this revision, or away when there is none.
    pub rollback: Option<Back>,
    /// Deletes the objects that this change has created.
    pub cleanup: bool,
}

/// Where a failed change goes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Back {
    /// The newest revision that worked.
    To(u32),
    /// No revision worked: the release is uninstalled.
    Away,
    /// An upgrade without any revision that worked: nothing to go back to.
    Nowhere,
}

impl Engine {
    /// Marks objects as the release's own.
    pub(crate) fn own(&self, target: &Target, objects: &mut [Object]) {
        let owner = Owner::new(&target.name, &target.namespace);
        objects.iter_mut().for_each(|object| owner.mark(object));
    }

    /// The objects of revisions, of the newest first, each once; with what to tell of kinds that are gone.
    pub(crate) async fn objects_of(
        &self,
        records: &[Record],
        namespace: &str,
    ) -> Result<(Vec<Object>, Vec<String>), Error> {
        let (mut all, mut warnings) = (Vec::<Object>::new(), Vec::new());
        for record in records {
            let (objects, missing) = self.old_objects(&record.release.manifest, namespace).await?;
            for object in objects {
                if !all.iter().any(|other| other.id().is_same(object.id())) {
                    all.push(object);
                }
            }
            warnings.extend(missing);
        }
        Ok((all, warnings))
    }

    /// Says from where objects are merged: from what any of these revisions said of them, so that nothing stays which only
    /// a failed one had. Helm looks at one revision.
    pub(crate) async fn baselines(
        &self,
        planned: &mut [Planned],
        records: &[Record],
        namespace: &str,
    ) -> Result<(), Error> {
        let mut old = Vec::new();
        for record in records {
            old.extend(self.old_objects(&record.release.manifest, namespace).await?.0);
        }
        for planned in planned {
            let id = planned.object.id();
            let mut manifests = Vec::<Value>::new();
            for object in old.iter().filter(|object| object.id().is_same(id)) {
                if !manifests.contains(object.value()) {
                    manifests.push(object.value().clone());
                }
            }
            planned.baseline = match planned.action {
                Action::Create => Baseline::Live,
                _ if manifests.is_empty() => Baseline::Itself,
                _ => Baseline::Manifests(manifests),
            };
        }
        Ok(())
    }

    /// Decides about objects that are new to a release: one that exists must be the release's own already, or be
    /// taken over on request.
    pub(crate) async fn newcomers(
        &self,
        verb: Verb,
        target: &Target,
        objects: Vec<Object>,
        take_ownership: bool,
        defined: &[crate::manifest::Defined],
    ) -> Result<Vec<Planned>, Error> {
        let owner = Owner::new(&target.name, &target.namespace);
        let (cluster, owner) = (&self.cluster, &owner);
        let answers = cluster::all(&objects, PARALLEL, |object| async move {
            // What a CRD of this very chart defines cannot be there before the CRD is.
            if defined.iter().any(|kind| kind.gvk == object.id().gvk)
                && cluster.served().await?.get(&object.id().gvk).is_none()
            {
                return Ok(Existing::Missing);
            }
            cluster.existing(object, owner).await
        })
        .await;
        let mut planned = Vec::with_capacity(objects.len());
        for (object, answer) in objects.into_iter().zip(answers) {
            let (action, live) = match answer? {
                Existing::Missing => (Action::Create, None),
                Existing::Owned(live) => (Action::Adopt, Some(live)),
                Existing::Foreign(live, _) if take_ownership => (Action::Adopt, Some(live)),
                Existing::Foreign(_, source) => return Err(Error::Ownership { verb, source }),
            };
            planned.push(Planned { live, ..Planned::new(object, action) });
        }
        Ok(planned)
    }
}

/// Refuses a record that the ledger cannot hold, before anything is changed.
pub(crate) fn fits(release: &Release, ledger: &dyn Ledger) -> Result<(), Error> {
    let key = || Key::new(&release.namespace, &release.name, release.version);
    match release::check(release, ledger.limit()) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(large)) => Err(Error::Ledger(large.into())),
        Err(source) => Err(Error::Ledger(release::Error::Encode { key: key(), source })),
    }
}
