//! What sending objects would do, found out before anything is changed.
//!
//! Objects of the release are read, and those that are not evidently as they should be are sent as a dry run. What the
//! server refuses then, because others own a field or it cannot be changed, fails the change before its first effect.

use cluster::{ApplyOptions, Error as ClusterError, FieldChange, FieldConflict, Refusal};
use release::{HookEvent, Release};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Action, Planned};
use crate::engine::{Engine, PARALLEL};
use crate::error::Error;
use crate::intent::Apply;

/// An object that the server would refuse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// What it said.
    pub refusal: Refusal,
    /// The fields that others own; none when the object itself is not accepted.
    pub conflicts: Vec<FieldConflict>,
}

impl Rejection {
    fn of(error: &ClusterError) -> Option<Self> {
        match error {
            ClusterError::Conflict { refusal, conflicts } if !conflicts.is_empty() => {
                Some(Self { refusal: Refusal::clone(refusal), conflicts: conflicts.clone() })
            }
            // Other codes may be about the dry run itself, which not every webhook knows.
            ClusterError::Invalid(refusal) if refusal.code == 422 => {
                Some(Self { refusal: Refusal::clone(refusal), conflicts: Vec::new() })
            }
            _ => None,
        }
    }

    /// The error that sending the object would end with.
    pub(crate) fn into_error(self) -> ClusterError {
        let Self { refusal, conflicts } = self;
        let refusal = Box::new(refusal);
        if conflicts.is_empty() {
            ClusterError::Invalid(refusal)
        } else {
            ClusterError::Conflict { refusal, conflicts }
        }
    }
}

/// What was found out beside what becomes of each object.
#[derive(Debug, Default)]
pub(crate) struct Foreseen {
    /// The objects that the server would refuse.
    pub(crate) rejections: Vec<Rejection>,
    /// What it warns of, each once.
    pub(crate) warnings: Vec<String>,
}

impl Engine {
    /// Finds out what sending objects would do, and which of them the server would refuse. Those whose fields are yet to
    /// be handed over to server-side apply cannot be foreseen, nor can new ones, which may need others that are not
    /// there before the change is run.
    pub(crate) async fn foresee(
        &self,
        planned: &mut [Planned],
        how: How,
        foresight: Foresight,
    ) -> Result<Foreseen, Error> {
        let forecasts = cluster::all(planned, PARALLEL, |planned| self.forecast(planned, how)).await;
        let mut foreseen = Foreseen::default();
        let binding = foresight == Foresight::Binding;
        for (planned, forecast) in planned.iter_mut().zip(forecasts) {
            let (forecast, warnings) = forecast?;
            let new = warnings.into_iter().filter(|text| !foreseen.warnings.contains(text)).collect::<Vec<_>>();
            foreseen.warnings.extend(new);
            match forecast {
                Forecast::Unknown => {}
                Forecast::Missing => planned.action = Action::Create,
                Forecast::Unchanged => planned.action = Action::Unchanged,
                Forecast::Changed(fields) => planned.fields = fields,
                Forecast::Rejected(rejection) if binding => foreseen.rejections.push(*rejection),
                Forecast::Rejected(_) => {}
            }
        }
        Ok(foreseen)
    }

    /// What sending an object would do, and what the server warns of then.
    async fn forecast(&self, planned: &Planned, how: How) -> Result<(Forecast, Vec<String>), Error> {
        let certain = |forecast| Ok((forecast, Vec::new()));
        let object = &planned.object;
        if planned.action == Action::Create || object.name().is_empty() {
            return certain(Forecast::Unknown);
        }
        let live = match &planned.live {
            Some(live) => live.clone(),
            None => match self.cluster.get(object.id()).await {
                Ok(Some(live)) => live,
                Ok(None) => return certain(Forecast::Missing),
                // Who may not look may still be allowed to send; Helm does not look either.
                Err(ClusterError::Forbidden(_)) => return certain(Forecast::Unknown),
                Err(error) => return Err(error.into()),
            },
        };
        let answer = match how {
            How::Server { .. } if cluster::is_settled(object, &live) => return certain(Forecast::Unchanged),
            How::Server { migrate_fields: true, .. } if has_updates(&live) => return certain(Forecast::Unknown),
            How::Server { force, .. } => {
                let options = ApplyOptions { force, dry_run: true, ..ApplyOptions::default() };
                self.cluster.apply(object, &options).await.map(|applied| (applied.live, applied.warnings))
            }
            How::Merge => {
                let merged = self.cluster.merge_onto(object, live.clone(), &planned.baseline, true).await;
                merged.map(|merged| (merged.live, merged.warnings))
            }
            How::Replace => self.cluster.replace(object, true).await.map(|merged| (merged.live, merged.warnings)),
        };
        match answer {
            Ok((would_be, warnings)) => {
                let fields = cluster::changed_fields(&live, &would_be);
                let same_owners = owners(&live) == owners(&would_be);
                let unchanged = fields.is_empty() && same_owners;
                Ok((if unchanged { Forecast::Unchanged } else { Forecast::Changed(fields) }, warnings))
            }
            Err(error) => match Rejection::of(&error) {
                Some(rejection) => certain(Forecast::Rejected(Box::new(rejection))),
                // Whatever it is, sending it will tell.
                None => certain(Forecast::Unknown),
            },
        }
    }
}

/// How objects are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// The server merges.
    Server { force: bool, migrate_fields: bool },
    /// We merge.
    Merge,
    /// What is there is replaced.
    Replace,
}

/// How the objects of a revision are sent.
pub(crate) fn how(release: &Release, apply: Apply, migrate_fields: bool) -> How {
    match (release.is_server_side(), apply.force_replace) {
        (true, _) => How::Server { force: apply.force_conflicts, migrate_fields },
        (false, false) => How::Merge,
        (false, true) => How::Replace,
    }
}

/// What is to be made of a refusal that is foreseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foresight {
    /// It will come, so the change need not begin.
    Binding,
    /// It may not come: hooks run first, and may make room; or what has failed is put right as far as it can be.
    Vague,
}

impl Foresight {
    /// For a revision whose hooks of an event run before its objects are sent.
    pub(crate) fn after(event: &HookEvent, release: &Release, no_hooks: bool) -> Self {
        let hooked = !no_hooks && release.hooks.iter().any(|hook| hook.events.contains(event));
        if hooked { Self::Vague } else { Self::Binding }
    }
}

/// What sending an object would do.
enum Forecast {
    Unknown,
    Missing,
    Unchanged,
    Changed(Vec<FieldChange>),
    Rejected(Box<Rejection>),
}

/// Tells whether Helm has updated an object client-side.
fn has_updates(live: &Value) -> bool {
    entries(live).any(|entry| entry["manager"] == cluster::FIELD_MANAGER && entry["operation"] == "Update")
}

/// Who owns what, times apart.
fn owners(live: &Value) -> Vec<Value> {
    entries(live)
        .map(|entry| {
            let mut entry = entry.clone();
            if let Value::Object(map) = &mut entry {
                map.remove("time");
            }
            entry
        })
        .collect()
}

fn entries(live: &Value) -> impl Iterator<Item = &Value> {
    live.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten()
}
