//! What a plan says beforehand, and what it saves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

#[allow(dead_code, reason = "each file of tests needs other helpers")]
mod common;

use chart::Chart;
use common::{World, change, rollback, target, templates};
use engine::{Action, Engine, Error, Intent, Plan, Planned, Settings, Step};
use release::Status;
use sandbox::Sandbox;
use serde_json::{Value, json};

const ACCOUNT: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: it}\n";
const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, labels: {a: b}}\ndata: {text: {{ .Values.text }}, more: x}\n";
const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n  ports: [{port: 80, name: http}, {port: 443, name: https, protocol: TCP}]\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: {{ .Values.app }}}}\n  template:\n    metadata: {labels: {app: {{ .Values.app }}}}\n    spec:\n      containers:\n      - {name: web, image: nginx, args: [a, b], env: [{name: A, value: b}], ports: [{containerPort: 80}], resources: {requests: {cpu: 100m}}}\n";
const HOOK: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-upgrade}}\n";

fn shop(more: &[&str]) -> Chart {
    let all: Vec<&str> = [ACCOUNT, MAP, SERVICE, DEPLOYMENT].iter().chain(more).copied().collect();
    let named: Vec<(String, &str)> =
        all.into_iter().enumerate().map(|(at, text)| (format!("t{at}.yaml"), text)).collect();
    templates(&named.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>())
}

fn values(text: &str) -> Value {
    json!({"text": text, "app": "web"})
}

fn upgrade(text: &str) -> Intent {
    Intent::Upgrade(change(shop(&[]), values(text)))
}

/// A sandbox in which the chart is installed.
async fn installed(chart: Chart) -> (Sandbox, World) {
    let sandbox = Sandbox::default();
    let world = World::of(Engine::new(sandbox.client(), Settings::default()));
    world.apply(chart, values("first")).await.unwrap();
    sandbox.faults().clear();
    (sandbox, world)
}

fn sent(plan: &Plan) -> Vec<&Planned> {
    let mut sent = Vec::new();
    for step in &plan.steps {
        if let Step::Apply(planned) = step {
            sent.extend(planned);
        }
    }
    sent
}

/// Another client changes a ConfigMap and owns what it has changed.
async fn meddle(sandbox: &Sandbox, text: &str) {
    use k8s_openapi::api::core::v1::ConfigMap;
    let api: kube::Api<ConfigMap> = kube::Api::namespaced(sandbox.client(), "web");
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"text": text}});
    api.patch("one", &kube::api::PatchParams::apply("kubectl").force(), &kube::api::Patch::Apply(map)).await.unwrap();
    sandbox.faults().clear();
}

#[tokio::test]
async fn an_upgrade_that_changes_nothing_makes_few_calls() {
    let (sandbox, world) = installed(shop(&[])).await;
    let plan = world.engine.plan(upgrade("first")).await.unwrap();
    assert!(sent(&plan).iter().all(|planned| planned.action == Action::Unchanged), "{:?}", sent(&plan));
    world.engine.run(plan, &|_| {}).await.unwrap();
    let (calls, objects) = (sandbox.faults().calls(), 4);
    println!("{} calls for {objects} objects:\n{}", calls.len(), calls.join("\n"));
    assert!(calls.len() <= objects + 8, "{calls:#?}");
    assert!(!calls.iter().any(|call| call.starts_with("PATCH")), "{calls:#?}");
    assert_eq!(world.statuses().await, [Status::Superseded, Status::Deployed]);
}

#[tokio::test]
async fn a_plan_names_what_changes() {
    let (sandbox, world) = installed(shop(&[])).await;
    let plan = world.engine.plan(upgrade("second")).await.unwrap();
    let changed: Vec<_> = sent(&plan).into_iter().filter(|planned| planned.action != Action::Unchanged).collect();
    assert_eq!(changed.len(), 1);
    let [field] = changed[0].fields.as_slice() else { panic!("{:?}", changed[0].fields) };
    assert_eq!((changed[0].action, field.path.as_str()), (Action::Update, ".data.text"));
    assert_eq!((field.before.clone(), field.after.clone()), (Some(json!("first")), Some(json!("second"))));
    assert_eq!(world.text("one").await.as_deref(), Some("first"), "a plan changes nothing");
    world.engine.run(plan, &|_| {}).await.unwrap();
    assert_eq!(world.text("one").await.as_deref(), Some("second"));
    let patches = sandbox.faults().calls().into_iter().filter(|call| call.starts_with("PATCH")).count();
    assert_eq!(patches, 2, "one to see and one to do");
}

#[tokio::test]
async fn a_conflict_is_found_before_anything_is_changed() {
    let (sandbox, world) = installed(shop(&[])).await;
    meddle(&sandbox, "theirs").await;
    let mut wish = change(shop(&["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: another}\n"]), values("second"));
    let plan = world.engine.plan(Intent::Upgrade(wish.clone())).await.unwrap();
    let [rejection] = plan.rejections.as_slice() else { panic!("{:?}", plan.rejections) };
    let conflict = &rejection.conflicts[0];
    assert_eq!((conflict.field.as_str(), conflict.manager.as_str()), (".data.text", "kubectl"));
    let error = world.engine.run(plan, &|_| {}).await.unwrap_err();
    let text = "conflict occurred while applying object web/one /v1, Kind=ConfigMap: Apply failed with 1 conflict: conflict with \"kubectl\": .data.text";
    assert_eq!(error.to_string(), text);
    // As Helm: a revision that has failed.
    let Error::Failed { release, .. } = error else { panic!("it is recorded") };
    assert_eq!(release.info.description, format!("Upgrade \"shop\" failed: {text}"));
    assert_eq!(world.statuses().await, [Status::Deployed, Status::Failed]);
    assert!(!world.exists("another").await, "nothing is changed by half");
    let changes =
        sandbox.faults().calls().into_iter().filter(|call| call.starts_with("PATCH") && !call.contains("dryRun"));
    assert_eq!(changes.count(), 0);
    // Who insists gets it.
    wish.apply.force_conflicts = true;
    world.run(Intent::Upgrade(wish)).await.unwrap();
    assert_eq!(world.text("one").await.as_deref(), Some("second"));
}

#[tokio::test]
async fn what_cannot_be_changed_is_found_before_anything_is_changed() {
    let (sandbox, world) = installed(shop(&[])).await;
    let plan =
        world.engine.plan(Intent::Upgrade(change(shop(&[]), json!({"text": "new", "app": "other"})))).await.unwrap();
    let [rejection] = plan.rejections.as_slice() else { panic!("{:?}", plan.rejections) };
    assert_eq!(rejection.refusal.causes[0].field, "spec.selector");
    let error = world.engine.run(plan, &|_| {}).await.unwrap_err();
    assert!(error.to_string().contains("field is immutable"), "{error}");
    assert_eq!(world.text("one").await.as_deref(), Some("first"));
    let changes =
        sandbox.faults().calls().into_iter().filter(|call| call.starts_with("PATCH") && !call.contains("dryRun"));
    assert_eq!(changes.count(), 0);
}

#[tokio::test]
async fn where_hooks_run_first_only_sending_tells() {
    let (sandbox, world) = installed(shop(&[])).await;
    let with_hook = |text: &str| Intent::Upgrade(change(shop(&[HOOK]), values(text)));
    world.run(with_hook("first")).await.unwrap();
    let sent = |sandbox: &Sandbox| {
        sandbox.faults().calls().iter().filter(|call| call.starts_with("PATCH") && !call.contains("dryRun")).count()
    };
    assert_eq!(sent(&sandbox), 5, "a hook may have changed what was as it should be");
    meddle(&sandbox, "theirs").await;
    let plan = world.engine.plan(with_hook("second")).await.unwrap();
    assert!(plan.rejections.is_empty(), "a hook may make room");
    world.engine.run(plan, &|_| {}).await.unwrap_err();
}

#[tokio::test]
async fn what_was_deleted_or_changed_by_hand_is_put_right() {
    let (sandbox, world) = installed(shop(&[])).await;
    let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> = kube::Api::namespaced(sandbox.client(), "web");
    api.delete("one", &kube::api::DeleteParams::default()).await.unwrap();
    let plan = world.engine.plan(upgrade("first")).await.unwrap();
    assert!(sent(&plan).iter().any(|planned| planned.action == Action::Create && planned.object.name() == "one"));
    world.engine.run(plan, &|_| {}).await.unwrap();
    assert_eq!(world.text("one").await.as_deref(), Some("first"));
    let patch = kube::api::Patch::Merge(json!({"metadata": {"labels": {"a": "x"}}}));
    api.patch("one", &kube::api::PatchParams::default(), &patch).await.unwrap();
    let plan = world.engine.plan(upgrade("first")).await.unwrap();
    assert_eq!(plan.rejections[0].conflicts[0].field, ".metadata.labels.a");
}

#[tokio::test]
async fn a_plan_can_be_written_and_run_elsewhere() {
    let (sandbox, world) = installed(shop(&[HOOK])).await;
    let mut wish = change(shop(&[HOOK]), values("second"));
    wish.labels.insert("team".to_owned(), "web".to_owned());
    for (intent, version) in [(Intent::Upgrade(wish), 2), (Intent::Rollback(rollback(1)), 3)] {
        let plan = world.engine.plan(intent).await.unwrap();
        let written = serde_json::to_string(&plan).unwrap();
        let read: Plan = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        assert_eq!((&read.release.labels, &read.target), (&plan.release.labels, &target()));
        let elsewhere = Engine::new(sandbox.client(), Settings::default());
        let release = elsewhere.run(read, &|_| {}).await.unwrap();
        assert_eq!((release.version, release.info.status), (version, Status::Deployed));
    }
    assert_eq!(world.engine.get(&target(), Some(2)).await.unwrap().release.labels["team"], "web");
}
