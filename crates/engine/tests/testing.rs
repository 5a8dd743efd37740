//! The tests of a release, names that are taken over, and what is read of objects, over the sandbox.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

#[allow(dead_code, reason = "each file of tests needs other helpers")]
mod common;

use common::{World, chart, templates};
use engine::{Change, Error, Form, Intent, Test, Uninstall, Wait};
use release::{HookPhase, Status};
use serde_json::json;

fn tests() -> chart::Chart {
    let pod = |name: &str, weight: i32, outcome: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  annotations:\n    helm.sh/hook: test\n    \
             helm.sh/hook-weight: \"{weight}\"\n    test.whipstaff.dev/outcome: {outcome}\n    \
             helm.sh/hook-delete-policy: hook-succeeded,before-hook-creation\nspec:\n  restartPolicy: Never\n  \
             containers:\n    - {{name: main, image: x}}\n"
        )
    };
    let (good, bad) = (pod("good", 1, "succeed"), pod("bad", 2, "fail"));
    templates(&[("good.yaml", &good), ("bad.yaml", &bad)])
}

fn wish(world: &World) -> Test {
    Test { target: world.target.clone(), only: Vec::new(), without: Vec::new(), logs: true, wait: Wait::default() }
}

#[tokio::test]
async fn tests_run_until_one_fails_and_say_how_they_went() {
    let world = World::new();
    world.apply(tests(), json!({})).await.unwrap();
    let tested = world.engine.test(wish(&world), &|_| {}).await.unwrap();
    let phases: Vec<_> = tested.release.hooks.iter().map(|hook| (hook.name.as_str(), &hook.last_run.phase)).collect();
    assert!(phases.contains(&("good", &HookPhase::Succeeded)) && phases.contains(&("bad", &HookPhase::Failed)));
    assert!(tested.failure.is_some());
    assert_eq!(tested.logs.len(), 2, "logs are read before anything is deleted: {:?}", tested.logs);
    let stored = world.engine.get(&world.target, None).await.unwrap().release;
    assert_eq!(stored.hooks, tested.release.hooks);
    assert_eq!(stored.info.status, Status::Deployed);
}

#[tokio::test]
async fn tests_are_chosen_by_name() {
    let world = World::new();
    world.apply(tests(), json!({})).await.unwrap();
    let tested = world.engine.test(Test { without: vec!["bad".to_owned()], ..wish(&world) }, &|_| {}).await.unwrap();
    assert!(tested.failure.is_none(), "{:?}", tested.failure);
    let names: Vec<_> = tested.release.hooks.iter().map(|hook| hook.name.as_str()).collect();
    assert_eq!(names, ["bad", "good"], "those left out come first");
    let none = Test { only: vec!["other".to_owned()], ..wish(&world) };
    assert!(world.engine.test(none, &|_| {}).await.unwrap().failure.is_none());
}

#[tokio::test]
async fn replace_takes_over_what_is_gone_or_has_failed() {
    let world = World::new();
    let replace = |chart| Change { replace: true, ..world.change(chart, json!({})) };
    world.apply(chart("one"), json!({})).await.unwrap();
    assert!(matches!(world.run(Intent::Install(replace(chart("one")))).await, Err(Error::NameInUse { .. })));
    world.run(Intent::Uninstall(Uninstall { keep_history: true, ..world.uninstall() })).await.unwrap();
    let again = world.run(Intent::Install(replace(chart("one")))).await.unwrap();
    assert_eq!(again.version, 2);
    assert_eq!(world.statuses().await, [Status::Superseded, Status::Deployed]);
    let first = world.engine.get(&world.target, Some(1)).await.unwrap().release;
    assert_eq!(first.info.description, "superseded by new release");
}

#[tokio::test]
async fn a_preview_does_not_mind_the_name() {
    let world = World::new();
    world.apply(chart("one"), json!({})).await.unwrap();
    let change = Change { preview: true, ..world.change(chart("one"), json!({})) };
    let plan = world.engine.plan(Intent::Install(change)).await.unwrap();
    assert_eq!(plan.release.version, 1);
}

#[tokio::test]
async fn objects_are_read_as_they_are_or_as_tables() {
    let world = World::new();
    let release = world.apply(chart("one"), json!({"text": "x"})).await.unwrap();
    let objects = world.engine.resources(&release, Form::Object).await.unwrap();
    assert_eq!(objects["v1/ConfigMap"][0]["data"]["text"], "x");
    let tables = world.engine.resources(&release, Form::Table).await.unwrap();
    assert_eq!(tables["v1/ConfigMap"][0]["kind"], "Table");
    assert_eq!(tables["v1/ConfigMap"][0]["rows"][0]["cells"][0], "one");
}
