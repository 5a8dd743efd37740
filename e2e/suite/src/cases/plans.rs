//! What a change would do, what revisions differ in, and the tests of a release.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Case, Ctx, case};
use crate::check::{at, column, contains, equal, is, list, text};
use crate::rest::{WAIT, body, release};

pub(super) const CASES: &[Case] = &[
    case("plans/what-is-reviewed-is-done", what_is_reviewed_is_done),
    case("plans/of-an-install", of_an_install),
    case("plans/conflicts-are-foreseen", conflicts_are_foreseen),
    case("plans/revisions-differ", revisions_differ),
    case("plans/resources-and-drift", resources_and_drift),
    case("plans/tests-of-a-release", tests_of_a_release),
];

/// The objects of a plan that a verb is for, as `Kind/name`.
fn with_action(plan: &Value, action: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for object in list(plan, "/objects")?.iter().filter(|object| object["action"] == action) {
        found.push(format!("{}/{}", text(object, "/kind")?, text(object, "/name")?));
    }
    Ok(found)
}

fn what_is_reviewed_is_done(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "reviewed");
    let digest = ctx.upload("shop")?;
    let path = release(ns, "corner");
    http.put(ns, "corner", &body(&digest, json!({"replicas": 1})))?;
    let ask = |spec: &Value| http.send_json("POST", &format!("{path}/plan"), &[], spec)?.expect(200)?.json();

    let same = ask(&body(&digest, json!({"replicas": 1})))?;
    equal("what stays", with_action(&same, "unchanged")?.contains(&"Deployment/corner-shop".to_owned()), true)?;
    let plan = ask(&body(&digest, json!({"replicas": 2})))?;
    is(&plan, "/kind", "upgrade")?;
    is(&plan, "/changes", true)?;
    let changed = with_action(&plan, "patch")?;
    equal("what changes", changed.contains(&"Deployment/corner-shop".to_owned()), true)?;
    let deployment = list(&plan, "/objects")?.iter().find(|object| object["kind"] == "Deployment");
    let fields = list(deployment.context("no Deployment")?, "/fields")?;
    let replicas = fields.iter().find(|field| field["path"] == ".spec.replicas").context("no .spec.replicas")?;
    equal("the replicas", replicas, &json!({"path": ".spec.replicas", "before": 1, "after": 2}))?;
    http.expect_release(ns, "corner", 1, "deployed")?;

    // The plan of before does not fit another wish, and fits the same one exactly once.
    let bound = format!("{path}?planDigest={}", text(&plan, "/planDigest")?);
    let put = |replicas: u32| http.send_json("PUT", &bound, &[WAIT], &body(&digest, json!({"replicas": replicas})));
    put(3)?.problem(412, "PRECONDITION_FAILED")?;
    is(&http.finish(put(2)?)?, "/state", "succeeded")?;
    put(2)?.problem(412, "PRECONDITION_FAILED")?;
    http.expect_release(ns, "corner", 2, "deployed").map(drop)
}

fn of_an_install(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "planned-install");
    let digest = ctx.upload("hooked")?;
    let path = format!("{}/plan", release(ns, "ship"));
    let plan = http.send_json("POST", &path, &[], &body(&digest, json!({})))?.expect(200)?.json()?;
    is(&plan, "/kind", "install")?;
    equal("the namespace", with_action(&plan, "ensure")?, vec![format!("Namespace/{ns}")])?;
    equal("what is created", with_action(&plan, "create")?, vec!["ConfigMap/ship-hooked"])?;
    let hooks = column(list(&plan, "/hooks")?, "/name")?;
    equal("the hooks", hooks, vec!["ship-z-first", "ship-prepare", "ship-settle"])?;
    http.expect_no_releases(ns)?;
    // Neither is there a plan to take away what is not there.
    http.send("DELETE", &format!("{}?dryRun=server", release(ns, "ship")), &[], b"")?
        .problem(404, "RELEASE_NOT_FOUND")?;
    http.put(ns, "ship", &body(&digest, json!({})))?;
    let tried =
        http.send("DELETE", &format!("{}?dryRun=server", release(ns, "ship")), &[], b"")?.expect(200)?.json()?;
    equal("what is deleted", with_action(at(&tried, "/plan")?, "delete")?, vec!["ConfigMap/ship-hooked"])?;
    http.expect_release(ns, "ship", 1, "deployed").map(drop)
}

/// A field that somebody else owns is named before anything is sent.
fn conflicts_are_foreseen(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "foreseen");
    let Some(kubectl) = ctx.kubectl else { return Ok(()) };
    let digest = ctx.upload("shop")?;
    let path = release(ns, "corner");
    http.put(ns, "corner", &body(&digest, json!({"replicas": 1})))?;
    let patch = ["-p", r#"{"spec":{"replicas":4}}"#, "--type=merge", "--field-manager=somebody"];
    kubectl.run(&[&["patch", "deployment", "corner-shop", "-n", ns][..], &patch].concat())?;
    let plan = http.send_json("POST", &format!("{path}/plan"), &[], &body(&digest, json!({"replicas": 2})))?;
    let plan = plan.expect(200)?.json()?;
    is(&plan, "/refused/0/kind", "Deployment")?;
    contains("the refusal", text(&plan, "/refused/0/message")?, ".spec.replicas belongs to `somebody`")?;
    http.expect_release(ns, "corner", 1, "deployed")?;
    is(&kubectl.object(ns, "deployment", "corner-shop")?, "/spec/replicas", 4)
}

fn revisions_differ(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "revisions-differ");
    let digest = ctx.upload("shop")?;
    let path = format!("{}/diff", release(ns, "corner"));
    http.put(ns, "corner", &body(&digest, json!({"replicas": 1})))?;
    http.put(ns, "corner", &body(&digest, json!({"replicas": 2})))?;
    http.put(ns, "corner", &body(&digest, json!({"replicas": 2, "greeting": "ahoy"})))?;
    let found = http.send_json("POST", &path, &[], &json!({"from": 1, "to": 2}))?.expect(200)?.json()?;
    equal("the values", at(&found, "/values")?, &json!([{"path": ".replicas", "before": 1, "after": 2}]))?;
    let replicas = json!([{"path": ".spec.replicas", "before": 1, "after": 2}]);
    let deployment = list(&found, "/objects")?.iter().find(|object| object["kind"] == "Deployment");
    equal("the fields", at(deployment.context("no Deployment")?, "/fields")?, &replicas)?;
    let last = http.send("POST", &path, &[], b"")?.expect(200)?.json()?;
    is(&last, "/from/revision", 2)?;
    is(&last, "/to/revision", 3)?;
    equal("the values", at(&last, "/values")?, &json!([{"path": ".greeting", "after": "ahoy"}]))?;
    http.send_json("POST", &path, &[], &json!({"to": 1}))?.problem(404, "REVISION_NOT_FOUND").map(drop)
}

fn resources_and_drift(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "drift");
    let digest = ctx.upload("shop")?;
    let path = release(ns, "corner");
    http.put(ns, "corner", &body(&digest, json!({"replicas": 1})))?;
    let found = http.get_json(&format!("{path}/resources"))?;
    let deployment = list(&found, "/items")?.iter().find(|object| object["kind"] == "Deployment");
    let deployment = deployment.context("no Deployment")?;
    is(deployment, "/status", "Current")?;
    equal("the images", list(deployment, "/images")?.len(), 1)?;
    is(deployment, "/owns/0/kind", "ReplicaSet")?;
    is(deployment, "/owns/0/owns/0/kind", "Pod")?;

    let drift = || http.get_json(&format!("{path}/drift"));
    is(&drift()?, "/drifted", false)?;
    let Some(kubectl) = ctx.kubectl else { return Ok(()) };
    let patch = ["-p", r#"{"spec":{"replicas":4}}"#, "--type=merge", "--field-manager=somebody"];
    kubectl.run(&[&["patch", "deployment", "corner-shop", "-n", ns][..], &patch].concat())?;
    kubectl.run(&["delete", "service", "corner-shop", "-n", ns])?;
    let found = drift()?;
    is(&found, "/drifted", true)?;
    let state = |kind: &str| -> Result<Value> {
        let object = list(&found, "/objects")?.iter().find(|object| object["kind"] == kind);
        Ok(object.with_context(|| format!("no {kind}"))?.clone())
    };
    is(&state("Service")?, "/state", "missing")?;
    is(&state("ConfigMap")?, "/state", "same")?;
    let changed = state("Deployment")?;
    is(&changed, "/state", "changed")?;
    equal("the fields", at(&changed, "/fields")?, &json!([{"path": ".spec.replicas", "before": 4, "after": 1}]))?;
    is(&kubectl.object(ns, "deployment", "corner-shop")?, "/spec/replicas", 4)
}

fn tests_of_a_release(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "tests");
    let digest = ctx.upload("hooked")?;
    let path = release(ns, "ship");
    http.put(ns, "ship", &body(&digest, json!({})))?;
    let test = |spec: &Value| http.change("POST", &format!("{path}/test"), spec);
    let none = test(&json!({"only": ["another"]}))?;
    is(&none, "/kind", "test")?;
    let phase = || -> Result<Value> {
        let hooks = http.get_json(&format!("{path}/hooks"))?;
        let probe = list(&hooks, "/items")?.iter().find(|hook| hook["name"] == "ship-probe").context("no probe")?;
        Ok(probe["phase"].clone())
    };
    equal("a test that did not run", phase()? == "Succeeded", false)?;
    let done = test(&json!({"timeout": "60s"}))?;
    let events = http.get(&format!("/v1/operations/{}/events", text(&done, "/id")?))?.expect(200)?.text();
    contains("the events", &events, "ship-probe")?;
    equal("the test", phase()?, json!("Succeeded"))?;
    http.expect_release(ns, "ship", 1, "deployed").map(drop)
}
