//! Plans and comparisons as the contract shows them, without what Secrets hold.

use cluster::{Object, ObjectRef, is_kept};
use engine::{Action, Compared, Comparison, Plan, Step};
use release::{HookEvent, Release};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{chart_metadata, to_json_map};

/// What stands for a text that is not shown.
const HIDDEN: &str = "***";

/// Shows a plan for a cluster.
pub(crate) fn plan(cluster: &str, plan: &Plan) -> api::Plan {
    let mut shown = api::Plan {
        kind: kind(plan.verb),
        release: super::release(cluster, &plan.release),
        changes: false,
        objects: Vec::new(),
        hooks: Vec::new(),
        kept: Vec::new(),
        refused: plan.rejections.iter().flat_map(crate::problems::rejected).collect(),
        warnings: plan.warnings.clone(),
        plan_digest: digest(plan),
    };
    let replaces = plan.apply.force_replace;
    for step in &plan.steps {
        match step {
            Step::Namespace => {
                let id = ObjectRef {
                    gvk: cluster::Gvk::new("v1", "Namespace"),
                    namespace: String::new(),
                    name: plan.target.namespace.clone(),
                };
                shown.objects.push(object(&id, api::PlannedAction::Ensure, &[]));
            }
            Step::Crds { objects, replace } => {
                let action = if *replace { api::PlannedAction::Replace } else { api::PlannedAction::Ensure };
                shown.objects.extend(objects.iter().map(|it| object(it.id(), action, &[])));
            }
            Step::Hooks(event) => shown.hooks.extend(hooks(&plan.release, event)),
            Step::Apply(objects) => shown.objects.extend(objects.iter().map(|it| {
                let action = match it.action {
                    Action::Create => api::PlannedAction::Create,
                    Action::Update if replaces => api::PlannedAction::Replace,
                    Action::Update => api::PlannedAction::Patch,
                    Action::Adopt => api::PlannedAction::Adopt,
                    Action::Unchanged => api::PlannedAction::Unchanged,
                };
                object(it.object.id(), action, &it.fields)
            })),
            Step::Remove(objects) => shown.objects.extend(objects.iter().map(removed)),
            Step::Delete(deletion) => {
                let gone = deletion.objects.iter().map(|it| object(it.id(), api::PlannedAction::Delete, &[]));
                shown.objects.extend(gone);
                shown.kept.extend(deletion.kept.iter().cloned());
                let kept = deletion.kept.iter().map(|name| format!("{name} stays: its resource policy says so"));
                shown.warnings.extend(kept);
            }
            Step::Lock
            | Step::End(_)
            | Step::Prune(_)
            | Step::Record
            | Step::Wait(_)
            | Step::Supersede(_)
            | Step::Deployed { .. }
            | Step::Uninstalling
            | Step::Uninstalled { .. }
            | Step::Purge(_) => {}
        }
    }
    let stays = |it: &api::PlannedObject| matches!(it.action, api::PlannedAction::Unchanged | api::PlannedAction::Keep);
    shown.changes = !shown.hooks.is_empty() || !shown.objects.iter().all(stays);
    shown
}

/// Shows what a plan would store, and the plan; the record as Helm would write it when that is wanted.
pub(crate) fn dry_run(
    cluster: &str,
    made: &Plan,
    mode: &str,
    with_record: bool,
) -> Result<api::DryRun, Box<api::Problem>> {
    let release = &made.release;
    Ok(api::DryRun {
        dry_run: mode.to_owned(),
        release: super::release(cluster, release),
        chart: chart_metadata(&release.chart.metadata),
        values: to_json_map(&release.config),
        manifest: release.manifest.clone(),
        hooks: release.hooks.iter().map(super::hook).collect(),
        notes: release.info.notes.clone(),
        plan: plan(cluster, made),
        record: with_record.then(|| super::record(release)).transpose()?,
    })
}

/// What stands for a plan: the same for two that do the same.
pub(crate) fn digest(plan: &Plan) -> String {
    // A plan that has no JSON form is like no other: its digest is never asked for again.
    let text = plan.timeless().map(|plan| plan.to_string()).unwrap_or_else(|error| error.to_string());
    format!("sha256:{}", hex::encode(Sha256::digest(text)))
}

/// Says what a change does.
pub(crate) fn kind(verb: engine::Verb) -> api::Kind {
    match verb {
        engine::Verb::Install => api::Kind::Install,
        engine::Verb::Upgrade => api::Kind::Upgrade,
        engine::Verb::Rollback => api::Kind::Rollback,
        engine::Verb::Uninstall => api::Kind::Uninstall,
        engine::Verb::Unlock => api::Kind::Unlock,
    }
}

/// Shows what two revisions differ in.
#[must_use]
pub fn revision_diff(found: &Comparison) -> api::RevisionDiff {
    api::RevisionDiff {
        from: super::revision_of(&found.from),
        to: super::revision_of(&found.to),
        values: found.values.iter().map(field).collect(),
        objects: found.objects.iter().map(compared).collect(),
        hooks: found.hooks.iter().map(compared).collect(),
        notes: found.notes,
    }
}

fn hooks(release: &Release, event: &HookEvent) -> Vec<api::PlannedHook> {
    let mut of: Vec<&release::Hook> = release.hooks.iter().filter(|hook| hook.events.contains(event)).collect();
    of.sort_by_key(|hook| (hook.weight, hook.name.clone()));
    let shown = |hook: &release::Hook| api::PlannedHook {
        event: event.to_string(),
        kind: hook.kind.clone(),
        name: hook.name.clone(),
    };
    of.into_iter().map(shown).collect()
}

fn removed(gone: &Object) -> api::PlannedObject {
    let action = if is_kept(gone.value()) { api::PlannedAction::Keep } else { api::PlannedAction::Delete };
    object(gone.id(), action, &[])
}

fn object(id: &ObjectRef, action: api::PlannedAction, fields: &[cluster::FieldChange]) -> api::PlannedObject {
    api::PlannedObject {
        api_version: id.gvk.api_version(),
        kind: id.gvk.kind.clone(),
        namespace: Some(id.namespace.clone()).filter(|n| !n.is_empty()),
        name: id.name.clone(),
        action,
        fields: of_object(id, fields),
    }
}

fn compared(found: &Compared) -> api::ChangedObject {
    let id = &found.object;
    api::ChangedObject {
        api_version: id.gvk.api_version(),
        kind: id.gvk.kind.clone(),
        namespace: Some(id.namespace.clone()).filter(|n| !n.is_empty()),
        name: id.name.clone(),
        change: match found.change {
            engine::ObjectChange::Added => api::ObjectChange::Added,
            engine::ObjectChange::Removed => api::ObjectChange::Removed,
            engine::ObjectChange::Changed => api::ObjectChange::Changed,
        },
        fields: of_object(id, &found.fields),
    }
}

/// The fields of an object; of a Secret, those that hold its data say that they differ, and not in what.
pub(super) fn of_object(id: &ObjectRef, fields: &[cluster::FieldChange]) -> Vec<api::FieldChange> {
    let is_secret = id.gvk.group.is_empty() && id.gvk.kind == "Secret";
    let shown = |change: &cluster::FieldChange| {
        let mut shown = field(change);
        if is_secret && holds_data(&shown.path) {
            shown.before.iter_mut().chain(&mut shown.after).for_each(hide);
        }
        shown
    };
    fields.iter().map(shown).collect()
}

/// Tells whether a field of a Secret holds its data, or what `kubectl apply` keeps of it.
fn holds_data(path: &str) -> bool {
    let is_below =
        |field: &str| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    is_below(".data") || is_below(".stringData") || is_below(".metadata.annotations")
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(hide),
        other => *other = HIDDEN.into(),
    }
}

fn field(change: &cluster::FieldChange) -> api::FieldChange {
    api::FieldChange { path: change.path.clone(), before: change.before.clone(), after: change.after.clone() }
}

#[cfg(test)]
mod tests {
    use cluster::FieldChange;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_secret_holds_is_not_shown() {
        let change = |path: &str, value: Value| FieldChange { path: path.to_owned(), before: None, after: Some(value) };
        let fields = [
            change(".data.password", json!("aGk=")),
            change(".data[\"a.b\"]", json!("aGk=")),
            change(".data", json!({"a": "aGk=", "b": null})),
            change(".stringData.x", json!("hi")),
            change(".metadata.annotations[\"kubectl.kubernetes.io/last-applied-configuration\"]", json!("{}")),
            change(".metadata.labels.a", json!("b")),
            change(".database", json!("x")),
            change(".type", json!("Opaque")),
        ];
        let after = |id: &ObjectRef| of_object(id, &fields).into_iter().map(|f| f.after.unwrap()).collect::<Vec<_>>();
        let id = |api_version: &str, kind: &str| ObjectRef {
            gvk: cluster::Gvk::new(api_version, kind),
            ..ObjectRef::default()
        };
        let hidden = json!("***");
        let all = json!({"a": "***", "b": "***"});
        let want = [&hidden, &hidden, &all, &hidden, &hidden, &json!("b"), &json!("x"), &json!("Opaque")];
        assert_eq!(after(&id("v1", "Secret")).iter().collect::<Vec<_>>(), want);
        assert_eq!(after(&id("example.com/v1", "Secret"))[0], json!("aGk="), "another kind of the same name");
    }
}
