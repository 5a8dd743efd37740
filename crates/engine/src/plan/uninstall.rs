//! Taking a release away, as Helm 4.3: `pkg/action/uninstall.go`.

use cluster::{Object, ObjectRef, Policy};
use release::{HookEvent, Key, Record, Release, Status};
use render::manifests;

use super::{Deletion, Failure, Plan, Stance, Step, Verb};
use crate::engine::Engine;
use crate::error::Error;
use crate::intent::{Apply, Target, Uninstall};

impl Engine {
    pub(crate) async fn plan_uninstall(&self, wish: Uninstall, stance: Stance) -> Result<Plan, Error> {
        let past = self.past(&wish.target, wish.expected_revision, stance).await?;
        let history = past.history;
        let Some(last) = history.last() else {
            return if wish.ignore_not_found { Ok(nothing(wish)) } else { Err(Error::NotFound(wish.target)) };
        };
        let mut release = self.ledger.get(&last.key).await?.release;
        // The newest record goes last: until then the release can be seen and the uninstall repeated.
        let all: Vec<Key> = history.heads().iter().map(|head| head.key.clone()).collect();
        let mut steps = vec![Step::Lock];
        let mut warnings = past.warnings;
        if last.status == Status::Uninstalled {
            if wish.keep_history {
                return Err(Error::AlreadyUninstalled(wish.target.name));
            }
            steps.push(Step::Purge(all));
        } else {
            release.info.deleted = Some(self.now());
            release.set_status(Status::Uninstalling, "Deletion in progress (or silently failed)");
            let lived = self.lived(&history).await?;
            let deployed = self.deployed(&history, &lived).await?;
            let (objects, missing) = self.old_objects(&uninstall_order(&lived)?, &wish.target.namespace).await?;
            warnings.extend(missing);
            let (objects, kept) = sort_out(objects);
            steps.push(Step::Uninstalling);
            if !wish.no_hooks {
                steps.push(Step::Hooks(HookEvent::PreDelete));
            }
            steps.push(Step::Delete(Deletion { objects, kept, cascade: wish.cascade }));
            if !wish.no_hooks {
                steps.push(Step::Hooks(HookEvent::PostDelete));
            }
            if wish.keep_history {
                let mut deployed = deployed;
                deployed.retain(|record| record.release.version != release.version);
                steps.push(Step::Supersede(deployed));
                let description = wish.description.clone().unwrap_or_else(|| "Uninstallation complete".to_owned());
                steps.push(Step::Uninstalled { description });
            } else {
                steps.push(Step::Purge(all));
            }
        }
        Ok(Plan {
            verb: Verb::Uninstall,
            target: wish.target,
            release,
            steps,
            failure: Failure::default(),
            warnings,
            rejections: Vec::new(),
            apply: Apply::default(),
            wait: wish.wait,
            migrate_fields: false,
            no_hooks: wish.no_hooks,
        })
    }
}

/// The plan for a release that is not there, when that is fine with the caller.
fn nothing(wish: Uninstall) -> Plan {
    let Target { namespace, name } = wish.target.clone();
    Plan {
        verb: Verb::Uninstall,
        target: wish.target,
        release: Release { name, namespace, ..Release::default() },
        steps: Vec::new(),
        failure: Failure::default(),
        warnings: Vec::new(),
        rejections: Vec::new(),
        apply: Apply::default(),
        wait: wish.wait,
        migrate_fields: false,
        no_hooks: wish.no_hooks,
    }
}

/// The documents of revisions, the newest first, in the order they are deleted in.
fn uninstall_order(records: &[Record]) -> Result<String, Error> {
    let named = |(at, text): (usize, &str)| (format!("manifest-{at:06}"), text.into());
    let documents = records.iter().flat_map(|record| manifests::split(&record.release.manifest));
    let files: render::Files = documents.enumerate().map(named).collect();
    let (_, sorted) = manifests::sort_files(&files, manifests::UNINSTALL_ORDER)
        .map_err(|unsorted| Error::Manifest { message: unsorted.message })?;
    Ok(sorted.iter().map(|document| format!("---\n{}\n", document.content)).collect())
}

/// Parts objects that are deleted from those that their resource policy keeps.
fn sort_out(objects: Vec<Object>) -> (Vec<Object>, Vec<String>) {
    let mut kept = Vec::new();
    let mut deleted = Vec::new();
    let mut seen = Vec::new();
    for object in objects {
        // The newest revision that has an object says what becomes of it.
        if seen.iter().any(|other: &ObjectRef| other.is_same(object.id())) {
            continue;
        }
        seen.push(object.id().clone());
        match cluster::uninstall_policy(&object) {
            Policy::Delete => deleted.push(object),
            Policy::Keep => kept.push(format!("[{}] {}", object.kind(), object.name())),
            Policy::Ignore => {}
        }
    }
    (deleted, kept)
}
