//! The life of a release, over the sandbox.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

#[allow(dead_code, reason = "each file of tests needs other helpers")]
mod common;

use common::{World, chart, failing_job};
use engine::{Cascade, Error, Event, Intent, OnFailure, Rollback, Uninstall, WaitStrategy};
use release::{ApplyMethod, HookPhase, Status};
use serde_json::json;

#[tokio::test]
async fn installs_upgrades_goes_back_and_leaves() {
    let world = World::new();
    let first = world.apply(chart("one"), json!({"text": "first"})).await.unwrap();
    assert_eq!((first.version, first.info.status), (1, Status::Deployed));
    assert_eq!(first.info.description, "Install complete");
    assert_eq!(first.apply_method, Some(ApplyMethod::ServerSide));
    assert_eq!(world.text("one").await.as_deref(), Some("first"));
    assert_eq!(world.owner("one").await, "shop in web");

    let second = world.apply(chart("two"), json!({"text": "second"})).await.unwrap();
    assert_eq!((second.version, second.info.status), (2, Status::Deployed));
    assert_eq!(world.text("one").await, None, "what the chart no longer has is deleted");
    assert_eq!(world.text("two").await.as_deref(), Some("second"));
    assert_eq!(world.statuses().await, [Status::Superseded, Status::Deployed]);

    let back = world.run(Intent::Rollback(world.rollback(1))).await.unwrap();
    assert_eq!((back.version, back.info.rollback_revision), (3, 1));
    assert_eq!(world.text("one").await.as_deref(), Some("first"));
    assert_eq!(world.text("two").await, None);
    assert_eq!(world.statuses().await, [Status::Superseded, Status::Superseded, Status::Deployed]);

    world.run(Intent::Uninstall(world.uninstall())).await.unwrap();
    assert_eq!(world.text("one").await, None);
    assert!(world.statuses().await.is_empty());
}

#[tokio::test]
async fn keeps_history_and_installs_over_it() {
    let world = World::new();
    world.apply(chart("one"), json!({})).await.unwrap();
    let gone = world.run(Intent::Uninstall(Uninstall { keep_history: true, ..world.uninstall() })).await.unwrap();
    assert_eq!(gone.info.status, Status::Uninstalled);
    assert!(matches!(
        world.run(Intent::Install(world.change(chart("one"), json!({})))).await,
        Err(Error::NameInUse { revision: 1, status: Status::Uninstalled })
    ));
    let again = world.apply(chart("one"), json!({})).await.unwrap();
    assert_eq!((again.version, again.info.status), (2, Status::Deployed));
}

#[tokio::test]
async fn a_plan_changes_nothing() {
    let world = World::new();
    let plan = world.engine.plan(Intent::Install(world.change(chart("one"), json!({})))).await.unwrap();
    assert_eq!(plan.release.info.status, Status::PendingInstall);
    assert_eq!(world.text("one").await, None);
    assert!(world.statuses().await.is_empty());
}

#[tokio::test]
async fn refusals_leave_nothing() {
    let world = World::new();
    world.config_map("one", json!({})).await;
    let error = world.apply(chart("one"), json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "unable to continue with install: ConfigMap \"one\" in namespace \"web\" exists and cannot be imported into the current release: invalid ownership metadata; label validation error: missing key \"app.kubernetes.io/managed-by\": must be set to \"Helm\"; annotation validation error: missing key \"meta.helm.sh/release-name\": must be set to \"shop\"; annotation validation error: missing key \"meta.helm.sh/release-namespace\": must be set to \"web\""
    );
    for (template, want) in [
        ("{{ fail \"no\" }}", "execution error at (c/templates/it.yaml:1:3): no"),
        ("a: [", "unable to build"),
        (
            "apiVersion: no.such/v1\nkind: Thing\nmetadata: {name: x}",
            "no matches for kind \"Thing\" in version \"no.such/v1\"",
        ),
    ] {
        let error = world.apply(common::templates(&[("it.yaml", template)]), json!({})).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(want) || text.contains("YAML parse error"), "{template}: {text}");
    }
    assert!(matches!(world.run(Intent::Upgrade(world.change(chart("x"), json!({})))).await, Err(Error::NoDeployed(_))));
    assert!(matches!(world.run(Intent::Rollback(world.rollback(1))).await, Err(Error::NotFound(_))));
    assert!(matches!(world.run(Intent::Uninstall(world.uninstall())).await, Err(Error::NotFound(_))));
    assert!(world.statuses().await.is_empty());
}

#[tokio::test]
async fn takes_ownership_when_asked() {
    let world = World::new();
    world.config_map("one", json!({"text": "theirs"})).await;
    let mut change = world.change(chart("one"), json!({"text": "ours"}));
    change.apply.take_ownership = true;
    change.apply.force_conflicts = true;
    world.run(Intent::Install(change)).await.unwrap();
    assert_eq!(world.text("one").await.as_deref(), Some("ours"));
    assert_eq!(world.owner("one").await, "shop in web");
}

#[tokio::test]
async fn hooks_run_in_order_of_weight_and_leave_as_they_say() {
    let world = World::new();
    let hook = |name: &str, weight: &str, policy: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  annotations:\n    helm.sh/hook: pre-install,post-upgrade\n    helm.sh/hook-weight: \"{weight}\"\n    helm.sh/hook-delete-policy: {policy}\n"
        )
    };
    let (late, early) = (hook("late", "5", "hook-succeeded"), hook("early", "-5", "before-hook-creation"));
    let hooks = common::templates(&[("a.yaml", late.as_str()), ("b.yaml", early.as_str())]);
    let release = world.apply(hooks, json!({})).await.unwrap();
    assert_eq!(world.hooks_run(), ["early", "late"]);
    assert!(release.hooks.iter().all(|hook| hook.last_run.phase == HookPhase::Succeeded));
    assert!(world.exists("early").await);
    assert!(!world.exists("late").await);
}

#[tokio::test]
async fn a_failed_hook_is_recorded_and_stands_in_nobodys_way() {
    let world = World::new();
    let error = world.apply(failing_job("pre-install"), json!({})).await.unwrap_err();
    let Error::Failed { release, .. } = &error else { panic!("{error}") };
    assert_eq!(release.info.status, Status::Failed);
    assert!(error.to_string().starts_with("failed pre-install: "), "{error}");
    assert!(release.info.description.starts_with("Release \"shop\" failed: failed pre-install: "));
    assert_eq!(world.statuses().await, [Status::Failed]);
    let next = world.apply(chart("one"), json!({})).await.unwrap();
    assert_eq!((next.version, next.info.status), (2, Status::Deployed));
}

#[tokio::test]
async fn a_failed_change_goes_back_when_asked() {
    let world = World::new();
    let mut change = world.change(failing_job("post-install"), json!({}));
    change.on_failure = OnFailure { rollback: true, cleanup: false };
    let error = world.run(Intent::Install(change)).await.unwrap_err();
    assert!(error.to_string().starts_with(
        "release shop failed, and has been uninstalled due to rollback-on-failure being set: failed post-install: "
    ));
    assert!(world.statuses().await.is_empty());

    world.apply(chart("one"), json!({"text": "good"})).await.unwrap();
    let mut change = world.change(failing_job("post-upgrade"), json!({"text": "bad"}));
    change.on_failure = OnFailure { rollback: true, cleanup: false };
    let error = world.run(Intent::Upgrade(change)).await.unwrap_err();
    assert!(error.to_string().contains("has been rolled back due to rollback-on-failure being set"), "{error}");
    assert_eq!(world.statuses().await, [Status::Superseded, Status::Failed, Status::Deployed]);
    assert_eq!(world.text("one").await.as_deref(), Some("good"));
}

#[tokio::test]
async fn somebody_elses_revision_is_not_overwritten() {
    let world = World::new();
    world.apply(chart("one"), json!({})).await.unwrap();
    let plan = world.engine.plan(Intent::Apply(world.change(chart("two"), json!({})))).await.unwrap();
    // Meanwhile another client upgrades.
    world.apply(chart("three"), json!({})).await.unwrap();
    let error = world.engine.run(plan, &|_| {}).await.unwrap_err();
    assert!(matches!(error, Error::Pending { revision: 2, .. }), "{error}");
    assert_eq!(world.text("two").await, None);
    let mut change = world.change(chart("two"), json!({}));
    change.expected_revision = Some(1);
    let error = world.engine.plan(Intent::Apply(change)).await.unwrap_err();
    assert!(matches!(error, Error::RevisionMismatch { expected: 1, actual: 2 }));
}

#[tokio::test]
async fn history_is_pruned_before_the_new_record() {
    let world = World::new();
    for text in ["a", "b", "c", "d"] {
        let mut change = world.change(chart("one"), json!({"text": text}));
        change.history_max = 2;
        world.run(Intent::Apply(change)).await.unwrap();
    }
    assert_eq!(world.statuses().await, [Status::Superseded, Status::Deployed]);
}

#[tokio::test]
async fn a_chart_may_bring_a_kind_and_an_object_of_it() {
    let world = World::new();
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: boats.example.com}\nspec:\n  group: example.com\n  scope: Namespaced\n  names: {kind: Boat, plural: boats, singular: boat}\n  versions:\n  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}\n";
    let boat = "{{ if .Capabilities.APIVersions.Has \"example.com/v1/Boat\" }}apiVersion: example.com/v1\nkind: Boat\nmetadata: {name: boaty}\n{{ end }}";
    let release = world.apply(common::with_crd(crd, &[("boat.yaml", boat)]), json!({})).await.unwrap();
    assert!(release.manifest.contains("kind: Boat"), "its own definitions count as capabilities");
    assert!(
        world.events().iter().any(
            |event| matches!(event, Event::Resource { kind, action, .. } if kind == "Boat" && action == "created")
        )
    );
}

#[tokio::test]
async fn values_are_kept_as_asked() {
    use engine::ValueStrategy::*;
    let world = World::new();
    world.apply(chart("one"), json!({"text": "old", "more": 1})).await.unwrap();
    for (strategy, values, want) in [
        (Default, json!({}), json!({"text": "old", "more": 1})),
        (ResetThenReuse, json!({"text": "new"}), json!({"text": "new", "more": 1})),
        (Reuse, json!({"more": 2}), json!({"text": "new", "more": 2})),
        (Default, json!({"text": "only"}), json!({"text": "only"})),
        (Reset, json!({}), json!({})),
    ] {
        let mut change = world.change(chart("one"), values);
        change.value_strategy = strategy;
        let release = world.run(Intent::Upgrade(change)).await.unwrap();
        assert_eq!(serde_json::to_value(&release.config).unwrap(), want, "{strategy:?}");
    }
}

#[tokio::test]
async fn a_kept_object_survives() {
    let world = World::new();
    let kept =
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kept\n  annotations: {helm.sh/resource-policy: keep}\n";
    world.apply(common::templates(&[("kept.yaml", kept)]), json!({})).await.unwrap();
    world.run(Intent::Uninstall(Uninstall { cascade: Cascade::Foreground, ..world.uninstall() })).await.unwrap();
    assert!(world.exists("kept").await);
}

#[tokio::test]
async fn waits_until_objects_are_ready() {
    let world = World::new();
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: nginx}]}\n";
    let mut change = world.change(common::templates(&[("web.yaml", deployment)]), json!({}));
    change.wait.strategy = WaitStrategy::Watcher;
    world.run(Intent::Install(change)).await.unwrap();
    assert!(world.events().iter().any(
        |event| matches!(event, Event::Resource { kind, action, .. } if kind == "Deployment" && action == "ready")
    ));
}

#[tokio::test]
async fn a_revision_that_is_not_there_is_said_to_be() {
    let world = World::new();
    world.apply(chart("one"), json!({})).await.unwrap();
    let missing = Rollback { revision: Some(7), ..world.rollback(7) };
    assert!(matches!(world.run(Intent::Rollback(missing)).await, Err(Error::NoRevision(7))));
    assert!(matches!(world.engine.get(&world.target, Some(7)).await, Err(Error::NoRevision(7))));
    let none = engine::Target { name: "other".to_owned(), ..world.target.clone() };
    assert!(matches!(world.engine.get(&none, Some(1)).await, Err(Error::NotFound(_))));
    assert!(matches!(world.engine.history(&none).await, Err(Error::NotFound(_))));
}
