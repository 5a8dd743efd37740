//! Who merges the objects of a release, and what becomes of definitions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

#[allow(dead_code, reason = "each file of tests needs other helpers")]
mod common;

use cluster::{Gvk, ObjectRef};
use engine::{Action, Apply, Change, Crds, Error, Event, Intent, Method, Plan, Step};
use release::{ApplyMethod, Status};
use serde_json::{Value, json};

use common::{World, change, chart, rollback, templates, with_crd};

fn with(text: &str, apply: Apply) -> Change {
    Change { apply, ..change(chart("one"), json!({"text": text})) }
}

fn by(method: Method) -> Apply {
    Apply { method, ..Apply::default() }
}

async fn owners(world: &World) -> Vec<String> {
    let id = ObjectRef { gvk: Gvk::new("v1", "ConfigMap"), namespace: "web".to_owned(), name: "one".to_owned() };
    let live = world.engine.cluster().get(&id).await.unwrap().unwrap();
    let entries = live["metadata"]["managedFields"].as_array().unwrap();
    entries.iter().map(|entry| format!("{} {}", entry["manager"], entry["operation"]).replace('"', "")).collect()
}

#[tokio::test]
async fn the_method_is_kept_until_another_is_asked_for() {
    let world = World::new();
    let steps = [
        (Method::ClientSide, ApplyMethod::ClientSide, &["helm Update"][..]),
        (Method::Auto, ApplyMethod::ClientSide, &["helm Update"]),
        (Method::ServerSide, ApplyMethod::ServerSide, &["helm Apply"]),
        (Method::Auto, ApplyMethod::ServerSide, &["helm Apply"]),
        // As with Helm: what the server has applied before stays its own.
        (Method::ClientSide, ApplyMethod::ClientSide, &["helm Apply", "helm Update"]),
        (Method::ServerSide, ApplyMethod::ServerSide, &["helm Apply"]),
    ];
    for (at, (method, recorded, who)) in steps.into_iter().enumerate() {
        let release = world.run(Intent::Apply(with(&format!("text {at}"), by(method)))).await.unwrap();
        assert_eq!(release.apply_method, Some(recorded), "step {at}");
        assert_eq!(owners(&world).await, who, "step {at}");
        assert_eq!(world.text("one").await.unwrap(), format!("text {at}"));
    }
    // A rollback does as the revision that it goes back to.
    let release = world.run(Intent::Rollback(rollback(2))).await.unwrap();
    assert_eq!(release.apply_method, Some(ApplyMethod::ClientSide));
    assert_eq!(world.text("one").await.unwrap(), "text 1");
}

#[tokio::test]
async fn what_does_not_go_together_is_refused_before_anything_is_changed() {
    let world = World::new();
    world.run(Intent::Apply(with("first", Apply::default()))).await.unwrap();
    let cases = [
        (
            Apply { force_replace: true, ..Apply::default() },
            "invalid operation: cannot use server-side apply and force replace together",
        ),
        (
            Apply { force_conflicts: true, ..by(Method::ClientSide) },
            "invalid client update option(s): forceConflicts enabled when serverSideApply disabled",
        ),
    ];
    for (apply, want) in cases {
        let error = world.run(Intent::Upgrade(with("second", apply))).await.unwrap_err();
        assert!(matches!(error, Error::Apply(_)), "{error:?}");
        assert_eq!(error.to_string(), want);
    }
    assert_eq!(world.statuses().await, [Status::Deployed]);
    world.run(Intent::Upgrade(with("second", Apply { force_replace: true, ..by(Method::ClientSide) }))).await.unwrap();
    assert_eq!(world.text("one").await.as_deref(), Some("second"));
}

#[tokio::test]
async fn a_merge_is_foreseen_and_what_is_as_it_should_be_is_not_sent() {
    let world = World::new();
    world.run(Intent::Apply(with("first", by(Method::ClientSide)))).await.unwrap();
    let sent = |plan: &Plan| {
        let objects = plan.steps.iter().find_map(|step| match step {
            Step::Apply(objects) => Some(objects.clone()),
            _ => None,
        });
        objects.unwrap().remove(0)
    };
    let plan = world.engine.plan(Intent::Upgrade(with("first", Apply::default()))).await.unwrap();
    assert_eq!(sent(&plan).action, Action::Unchanged);
    let plan = world.engine.plan(Intent::Upgrade(with("second", Apply::default()))).await.unwrap();
    assert_eq!((sent(&plan).action, sent(&plan).fields[0].path.as_str()), (Action::Update, ".data.text"));
    // What is written can be run elsewhere: it says from where it merges.
    let plan: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    world.engine.run(plan, &|_| {}).await.unwrap();
    assert_eq!(world.text("one").await.as_deref(), Some("second"));
}

/// A hook that fails.
const DOOMED: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: doomed, annotations: {helm.sh/hook: post-upgrade}}\nspec:\n  backoffLimit: 0\n  template:\n    metadata: {annotations: {test.whipstaff.dev/outcome: fail}}\n    spec: {restartPolicy: Never, containers: [{name: it, image: it}]}\n";

#[tokio::test]
async fn what_only_a_failed_revision_had_goes() {
    let world = World::new();
    let map =
        |data: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: one}}\ndata: {{text: x{data}}}\n");
    let put = |text: String, broken: bool| {
        let named: Vec<_> =
            [("it.yaml", text.as_str())].into_iter().chain(broken.then_some(("hook.yaml", DOOMED))).collect();
        Intent::Apply(Change { apply: by(Method::ClientSide), ..change(templates(&named), json!({})) })
    };
    world.run(put(map(""), false)).await.unwrap();
    world.run(put(map(", more: z"), true)).await.unwrap_err();
    let id = ObjectRef { gvk: Gvk::new("v1", "ConfigMap"), namespace: "web".to_owned(), name: "one".to_owned() };
    let data = async || world.engine.cluster().get(&id).await.unwrap().unwrap()["data"].clone();
    assert_eq!(data().await, json!({"text": "x", "more": "z"}));
    world.run(put(map(""), false)).await.unwrap();
    assert_eq!(data().await, json!({"text": "x"}));
}

fn crd(short: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: boats.example.com}}\nspec:\n  group: example.com\n  scope: Namespaced\n  names: {{kind: Boat, plural: boats, singular: boat, shortNames: [{short}]}}\n  versions:\n  - {{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}\n"
    )
}

#[tokio::test]
async fn definitions_are_replaced_on_request() {
    for method in [Method::ServerSide, Method::ClientSide] {
        let world = World::new();
        let put = |short: &str, crds: Crds| {
            let chart = with_crd(&crd(short), &[]);
            Intent::Apply(Change { crds, apply: by(method), ..change(chart, json!({})) })
        };
        let gvk = Gvk::new("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        let id = ObjectRef { gvk, namespace: String::new(), name: "boats.example.com".to_owned() };
        let short = async || {
            let live = world.engine.cluster().get(&id).await.unwrap();
            live.map_or(Value::Null, |live| live["spec"]["names"]["shortNames"].clone())
        };
        world.run(put("a", Crds::Skip)).await.unwrap();
        assert_eq!(short().await, Value::Null);
        // An upgrade creates none, unless it is asked to.
        world.run(put("a", Crds::Create)).await.unwrap();
        assert_eq!(short().await, Value::Null);
        world.run(put("a", Crds::CreateReplace)).await.unwrap();
        assert_eq!(short().await, json!(["a"]));
        world.run(put("b", Crds::Create)).await.unwrap();
        assert_eq!(short().await, json!(["a"]));
        world.run(put("b", Crds::CreateReplace)).await.unwrap();
        assert_eq!(short().await, json!(["b"]));
    }
}

#[tokio::test]
async fn what_the_server_warns_of_is_told() {
    let world = World::new();
    let unknown = |text: &str| {
        let map =
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: odd}}\nbinary: x\ndata: {{text: {text}}}\n");
        Change { apply: by(Method::ClientSide), ..change(templates(&[("map.yaml", &map)]), json!({})) }
    };
    let told = || {
        let warned = world.events().into_iter().filter_map(|event| match event {
            Event::Warned { message } => Some(message),
            _ => None,
        });
        warned.collect::<Vec<_>>()
    };
    world.run(Intent::Apply(unknown("one"))).await.unwrap();
    assert_eq!(told(), ["unknown field \"binary\""]);
    // Sending it again is tried first, so that the plan knows.
    let plan = world.engine.plan(Intent::Upgrade(unknown("two"))).await.unwrap();
    assert_eq!(plan.warnings, ["unknown field \"binary\""]);
}
