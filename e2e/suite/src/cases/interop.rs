//! The same releases in the hands of whipstaff and of the real Helm, in turns.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Case, Ctx, case};
use crate::check::{at, column, contains, equal, is, list, same_text, text};
use crate::cluster::Kubectl;
use crate::rest::{body, release};

pub(super) const CASES: &[Case] = &[
    case("interop/helm-takes-over", helm_takes_over),
    case("interop/whipstaff-takes-over", whipstaff_takes_over),
    case("interop/in-turns", in_turns),
    case("interop/record", record),
    case("interop/same-record-as-helms", same_record_as_helms),
    case("interop/field-manager", field_manager),
    case("interop/hooks-and-tests", hooks_and_tests),
    case("interop/crds", crds),
    case("interop/subcharts", subcharts),
    case("interop/failed-and-pending", failed_and_pending),
];

/// What was installed over REST, Helm can list, show, upgrade, roll back and take away.
fn helm_takes_over(ctx: &Ctx<'_>) -> Result<()> {
    let (http, kubectl, helm) = ctx.real()?;
    let (ns, chart) = ("helm-takes-over", ctx.chart("shop"));
    let digest = ctx.upload("shop")?;
    http.put(ns, "corner", &body(&digest, json!({"greeting": "from rest"})))?;

    let listed = helm.json(ns, &["list"])?;
    is(&listed, "/0/name", "corner")?;
    is(&listed, "/0/namespace", ns)?;
    is(&listed, "/0/revision", "1")?;
    is(&listed, "/0/status", "deployed")?;
    is(&listed, "/0/chart", "shop-1.4.0")?;
    is(&listed, "/0/app_version", "2026.8")?;
    let path = release(ns, "corner");
    let all = helm.ok(&["get", "all", "corner", "-n", ns])?.text();
    for part in [
        "STATUS: deployed",
        "REVISION: 1",
        "greeting: from rest",
        "replicas: 1",
        "kind: Deployment",
        "helm.sh/hook: test",
    ] {
        contains("helm get all", &all, part)?;
    }
    let rest = |part: &str| http.get_json(&format!("{path}/{part}"));
    equal("helm get values", helm.json(ns, &["get", "values", "corner"])?, rest("values")?)?;
    equal("helm get values --all", helm.json(ns, &["get", "values", "corner", "--all"])?, rest("values?all=true")?)?;
    let accept = [("Accept", "application/yaml")];
    let manifest = http.send("GET", &format!("{path}/manifest"), &accept, b"")?.expect(200)?.text();
    same_text("the manifests", &manifest, &helm.ok(&["get", "manifest", "corner", "-n", ns])?.text())?;
    let notes = helm.ok(&["get", "notes", "corner", "-n", ns])?.text();
    contains("helm get notes", &notes, text(&rest("notes")?, "/notes")?.trim())?;

    helm.ok(&["upgrade", "corner", &chart, "-n", ns, "--set", "replicas=2,greeting=from helm", "--wait"])?;
    http.expect_release(ns, "corner", 2, "deployed")?;
    is(&rest("values")?, "/greeting", "from helm")?;
    is(&kubectl.object(ns, "deployment", "corner-shop")?, "/spec/replicas", 2)?;
    helm.ok(&["rollback", "corner", "1", "-n", ns, "--wait"])?;
    http.expect_release(ns, "corner", 3, "deployed")?;
    is(&rest("values")?, "/greeting", "from rest")?;
    is(&kubectl.object(ns, "deployment", "corner-shop")?, "/spec/replicas", 1)?;
    let history = helm.json(ns, &["history", "corner"])?;
    let rows = list(&history, "")?;
    equal("helm history", column(rows, "/status")?, vec!["superseded", "superseded", "deployed"])?;
    equal(
        "descriptions",
        column(rows, "/description")?,
        vec!["Install complete", "Upgrade complete", "Rollback to 1"],
    )?;
    helm.ok(&["uninstall", "corner", "-n", ns, "--wait"])?;
    http.expect_no_releases(ns)?;
    kubectl.expect_nothing(ns)
}

/// What Helm installed can be listed, shown, upgraded, rolled back and taken away over REST.
fn whipstaff_takes_over(ctx: &Ctx<'_>) -> Result<()> {
    let (http, kubectl, helm) = ctx.real()?;
    let ns = "whipstaff-takes-over";
    let install = ["install", "corner", &ctx.chart("shop"), "-n", ns, "--create-namespace", "--wait"];
    helm.ok(&[&install[..], &["--set", "greeting=from helm,fixedName=soon-gone", "--labels", "team=deck"]].concat())?;
    let found = http.expect_release(ns, "corner", 1, "deployed")?;
    is(&found, "/description", "Install complete")?;
    is(&found, "/labels/team", "deck")?;
    is(&found, "/chart/version", "1.4.0")?;
    let path = release(ns, "corner");
    let rest = |part: &str| http.get_json(&format!("{path}/{part}"));
    equal("the values", rest("values")?, json!({"greeting": "from helm", "fixedName": "soon-gone"}))?;
    equal("all values", rest("values?all=true")?, helm.json(ns, &["get", "values", "corner", "--all"])?)?;
    contains("the notes", text(&rest("notes")?, "/notes")?, "From Helm! shop 1.4.0 is corner")?;
    equal("the hooks", column(list(&rest("hooks")?, "/items")?, "/name")?, vec!["corner-shop-greeting"])?;

    let digest = ctx.upload("shop")?;
    http.put(ns, "corner", &body(&digest, json!({"replicas": 2})))?;
    is(&helm.json(ns, &["list"])?, "/0/revision", "2")?;
    is(&kubectl.object(ns, "deployment", "corner-shop")?, "/spec/replicas", 2)?;
    equal("the object left out", kubectl.find(ns, "configmap", "soon-gone")?, None)?;
    http.change("POST", &format!("{path}/rollback"), &json!({"revision": 1}))?;
    kubectl.object(ns, "configmap", "soon-gone")?;
    let history = helm.json(ns, &["history", "corner"])?;
    equal("helm history", column(list(&history, "")?, "/status")?, vec!["superseded", "superseded", "deployed"])?;
    http.uninstall(ns, "corner")?;
    equal("helm list", list(&helm.json(ns, &["list"])?, "")?.len(), 0)?;
    kubectl.expect_nothing(ns)
}

fn in_turns(ctx: &Ctx<'_>) -> Result<()> {
    let (http, kubectl, helm) = ctx.real()?;
    let (ns, chart) = ("in-turns", ctx.chart("shop"));
    let digest = ctx.upload("shop")?;
    helm.ok(&["install", "corner", &chart, "-n", ns, "--create-namespace"])?;
    for turn in 1..=3_u32 {
        let (over_rest, over_helm) = (turn * 2, turn * 2 + 1);
        let spec = body(&digest, json!({"replicas": turn, "extra": {format!("rest{turn}"): turn}, "greeting": "rest"}));
        http.put(ns, "corner", &spec)?;
        http.expect_release(ns, "corner", over_rest, "deployed")?;
        is(&helm.json(ns, &["status", "corner"])?, "/version", over_rest)?;
        let set = format!("extra.helm{turn}={turn}");
        helm.ok(&["upgrade", "corner", &chart, "-n", ns, "--reset-then-reuse-values", "--set", &set, "--wait"])?;
        http.expect_release(ns, "corner", over_helm, "deployed")?;
        let values = http.get_json(&format!("{}/values", release(ns, "corner")))?;
        equal(
            "the values",
            at(&values, "/extra")?,
            &json!({format!("rest{turn}"): turn, format!("helm{turn}"): turn}),
        )?;
        is(&kubectl.object(ns, "deployment", "corner-shop")?, "/spec/replicas", turn)?;
    }
    let history = helm.json(ns, &["history", "corner"])?;
    let statuses = column(list(&history, "")?, "/status")?;
    equal("deployed revisions", statuses.iter().filter(|s| **s == "deployed").count(), 1)?;
    equal("revisions", statuses.len(), 7)?;
    helm.ok(&["rollback", "corner", "2", "-n", ns])?;
    http.change("POST", &format!("{}/rollback", release(ns, "corner")), &json!({"revision": 3}))?;
    http.expect_release(ns, "corner", 9, "deployed")?;
    let managers = managers(&kubectl.object(ns, "deployment", "corner-shop")?)?;
    equal("managers of fields with `Apply`", managers, vec![("helm".to_owned(), "Apply".to_owned())])?;
    helm.ok(&["uninstall", "corner", "-n", ns])?;
    kubectl.expect_nothing(ns)
}

/// Returns the managers of an object's own fields, without those of its status.
fn managers(object: &Value) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for entry in list(object, "/metadata/managedFields")? {
        if entry.get("subresource").is_none() && entry["manager"] != "kube-controller-manager" {
            found.push((text(entry, "/manager")?.to_owned(), text(entry, "/operation")?.to_owned()));
        }
    }
    Ok(found)
}

/// Reads a record's release from its Secret, as Helm's own driver does.
fn decode(secret: &Value) -> Result<Value> {
    use base64::Engine as _;
    use std::io::Read as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    let outer = base64.decode(text(secret, "/data/release")?)?;
    let packed = base64.decode(outer).context("the payload is base64 once more")?;
    let mut json = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

fn record(ctx: &Ctx<'_>) -> Result<()> {
    let (http, kubectl, _) = ctx.real()?;
    let ns = "record";
    let digest = ctx.upload("shop")?;
    let mut spec = body(&digest, json!({"replicas": 2}));
    spec["labels"] = json!({"team": "deck"});
    http.put(ns, "corner", &spec)?;
    http.put(ns, "corner", &spec)?;
    let secret = kubectl.object(ns, "secret", "sh.helm.release.v1.corner.v2")?;
    is(&secret, "/type", "helm.sh/release.v1")?;
    for (label, value) in
        [("name", "corner"), ("owner", "helm"), ("status", "deployed"), ("version", "2"), ("team", "deck")]
    {
        is(&secret, &format!("/metadata/labels/{label}"), value)?;
    }
    is(&kubectl.object(ns, "secret", "sh.helm.release.v1.corner.v1")?, "/metadata/labels/status", "superseded")?;
    let stored = decode(&secret)?;
    is(&stored, "/name", "corner")?;
    is(&stored, "/version", 2)?;
    is(&stored, "/apply_method", "ssa")?;
    is(&stored, "/info/status", "deployed")?;
    is(&stored, "/config/replicas", 2)?;
    equal("ownership metadata in the stored manifest", text(&stored, "/manifest")?.contains("meta.helm.sh"), false)
}

/// The record of an install over REST is, key for key, the one that Helm writes for the same install.
fn same_record_as_helms(ctx: &Ctx<'_>) -> Result<()> {
    let (http, kubectl, helm) = ctx.real()?;
    for chart in ["shop", "family", "hooked"] {
        let (ours, theirs) = (format!("record-ours-{chart}"), format!("record-theirs-{chart}"));
        let digest = ctx.upload(chart)?;
        let mut spec = body(&digest, json!({}));
        spec["wait"] = json!({"strategy": "hookOnly"});
        http.put(&ours, "same", &spec)?;
        // The archive's own name and times matter to the record, so both install the same archive.
        let archive = ctx.work.join(format!("{chart}.tgz"));
        std::fs::write(&archive, http.get(&format!("/v1/charts/{digest}/archive"))?.expect(200)?.body)?;
        helm.ok(&["install", "same", &archive.to_string_lossy(), "-n", &theirs, "--create-namespace"])?;
        let mut records = Vec::new();
        for ns in [&ours, &theirs] {
            let secret = kubectl.object(ns, "secret", "sh.helm.release.v1.same.v1")?;
            let stored = serde_json::to_string(&decode(&secret)?)?.replace(ns.as_str(), "NAMESPACE");
            let mut stored: Value = serde_json::from_str(&stored)?;
            blank_times(&mut stored);
            let labels: Vec<_> =
                at(&secret, "/metadata/labels")?.as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect();
            records.push((labels, serde_json::to_string_pretty(&stored)?));
        }
        let [(our_labels, our_record), (their_labels, their_record)] = &records[..] else { continue };
        same_text(&format!("the records of {chart}"), our_record, their_record)?;
        equal(&format!("the labels of {chart}"), our_labels, their_labels)?;
    }
    Ok(())
}

fn blank_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let time = ["_deployed", "_at", "modtime"].iter().any(|end| name.ends_with(end));
                if time && value.is_string() {
                    *value = json!("TIME");
                } else {
                    blank_times(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank_times),
        _ => {}
    }
}

fn field_manager(ctx: &Ctx<'_>) -> Result<()> {
    let (http, kubectl, _) = ctx.real()?;
    let ns = "field-manager";
    let digest = ctx.upload("shop")?;
    http.put(ns, "corner", &body(&digest, json!({})))?;
    let expected = vec![("helm".to_owned(), "Apply".to_owned())];
    for (kind, name) in [
        ("deployment", "corner-shop"),
        ("service", "corner-shop"),
        ("configmap", "corner-shop"),
        ("serviceaccount", "corner-shop"),
        ("namespace", ns),
    ] {
        let object = kubectl.object(ns, kind, name)?;
        equal(&format!("the managers of {kind}/{name}"), managers(&object)?, expected.clone())?;
    }
    let namespace = kubectl.object(ns, "namespace", ns)?;
    is(&namespace, "/metadata/labels/name", ns)?;
    equal("the namespace's owner", namespace.pointer("/metadata/annotations/meta.helm.sh~1release-name"), None)
}

fn hooks_and_tests(ctx: &Ctx<'_>) -> Result<()> {
    let (http, kubectl, helm) = ctx.real()?;
    let (ns, chart) = ("hooks-and-tests", ctx.chart("hooked"));
    let digest = ctx.upload("hooked")?;
    http.put(ns, "ship", &body(&digest, json!({})))?;
    let hooks = helm.ok(&["get", "hooks", "ship", "-n", ns])?.text();
    let accept = [("Accept", "application/yaml")];
    let ours = http.send("GET", &format!("{}/hooks", release(ns, "ship")), &accept, b"")?.expect(200)?.text();
    same_text("the hooks", &ours, &hooks)?;
    let tested = helm.ok(&["test", "ship", "-n", ns])?.text();
    contains("helm test", &tested, "Phase:          Succeeded")?;
    kubectl.object(ns, "pod", "ship-probe")?;
    helm.ok(&["upgrade", "ship", &chart, "-n", ns, "--set", "note=second"])?;
    http.put(ns, "ship", &body(&digest, json!({"note": "third"})))?;
    is(&kubectl.object(ns, "configmap", "ship-hooked")?, "/data/note", "third")?;
    helm.ok(&["uninstall", "ship", "-n", ns])?;
    equal("the pre-delete hook", kubectl.find(ns, "job", "ship-farewell")?, None)
}

fn crds(ctx: &Ctx<'_>) -> Result<()> {
    let (http, kubectl, helm) = ctx.real()?;
    let (ns, chart) = ("interop-crds", ctx.chart("crds-owner"));
    let digest = ctx.upload("crds-owner")?;
    http.put(ns, "buoy", &body(&digest, json!({})))?;
    // Whoever came first applied it, so that the other can apply it again.
    let definition = managers(&kubectl.object(ns, "crd", "buoys.e2e.whipstaff.dev")?)?;
    equal("an applier of the definition", definition.contains(&("helm".to_owned(), "Apply".to_owned())), true)?;
    helm.ok(&["upgrade", "buoy", &chart, "-n", ns, "--set", "width=1"])?;
    is(&kubectl.object(ns, "buoys.e2e.whipstaff.dev", "buoy")?, "/spec/colour", "green")?;
    http.put(ns, "buoy", &body(&digest, json!({"width": 8})))?;
    is(&kubectl.object(ns, "buoys.e2e.whipstaff.dev", "buoy")?, "/spec/colour", "red")?;
    helm.ok(&["uninstall", "buoy", "-n", ns])?;
    equal("the object", kubectl.find(ns, "buoys.e2e.whipstaff.dev", "buoy")?, None)
}

fn subcharts(ctx: &Ctx<'_>) -> Result<()> {
    let (http, kubectl, helm) = ctx.real()?;
    let (ns, chart) = ("interop-subcharts", ctx.chart("family"));
    let digest = ctx.upload("family")?;
    let values = json!({"booth": {"enabled": true}, "cellar": {"barrels": 2}});
    http.put(ns, "clan", &body(&digest, values))?;
    let ours = http.get_json(&format!("{}/values?all=true", release(ns, "clan")))?;
    equal("all values", ours, helm.json(ns, &["get", "values", "clan", "--all"])?)?;
    helm.ok(&["upgrade", "clan", &chart, "-n", ns, "--reuse-values", "--set", "cellar.barrels=3"])?;
    kubectl.object(ns, "configmap", "clan-booth")?;
    let mut spec = body(&digest, json!({"tags": {"market": false}}));
    spec["valueStrategy"] = json!("reuse");
    http.put(ns, "clan", &spec)?;
    is(&kubectl.object(ns, "configmap", "clan-cellar")?, "/data/barrels", "3")?;
    equal("the stall", kubectl.find(ns, "configmap", "clan-stall")?, None)?;
    helm.ok(&["uninstall", "clan", "-n", ns])?;
    kubectl.expect_nothing(ns)
}

/// What one of them left failed or pending, the other treats as Helm does.
fn failed_and_pending(ctx: &Ctx<'_>) -> Result<()> {
    let (http, kubectl, helm) = ctx.real()?;
    let (ns, chart) = ("failed-and-pending", ctx.chart("hooked"));
    let digest = ctx.upload("hooked")?;
    let failed = helm.run(&["install", "ship", &chart, "-n", ns, "--create-namespace", "--set", "prepare=fail"])?;
    equal("helm install", failed.code, 1)?;
    http.expect_release(ns, "ship", 1, "failed")?;
    http.put(ns, "ship", &body(&digest, json!({})))?;
    http.expect_release(ns, "ship", 2, "deployed")?;
    let answer =
        http.send_json("PUT", &release(ns, "ship"), &[crate::rest::WAIT], &body(&digest, json!({"prepare": "fail"})))?;
    answer.problem(422, "HOOK_FAILED")?;
    is(&helm.json(ns, &["status", "ship"])?, "/info/status", "failed")?;
    helm.ok(&["upgrade", "ship", &chart, "-n", ns])?;
    http.expect_release(ns, "ship", 4, "deployed")?;

    // A record that says that somebody is at work, as a crash leaves it: both refuse, and rollback is the way out.
    let pending = pending_copy(kubectl, ns)?;
    let file = ctx.work.join("pending.json");
    std::fs::write(&file, pending.to_string())?;
    kubectl.run(&["create", "-n", ns, "-f", &file.to_string_lossy()])?.success()?;
    let refused = helm.run(&["upgrade", "ship", &chart, "-n", ns])?;
    contains("helm upgrade", &refused.stderr, "another operation (install/upgrade/rollback) is in progress")?;
    let answer = http.send_json("PUT", &release(ns, "ship"), &[crate::rest::WAIT], &body(&digest, json!({})))?;
    answer.problem(409, "RELEASE_PENDING")?;
    http.change("POST", &format!("{}/rollback", release(ns, "ship")), &json!({"revision": 4}))?;
    http.expect_release(ns, "ship", 6, "deployed")?;
    helm.ok(&["upgrade", "ship", &chart, "-n", ns])?;
    http.expect_release(ns, "ship", 7, "deployed").map(drop)
}

/// Makes the Secret of a revision 5 that is pending, from that of revision 4.
fn pending_copy(kubectl: &Kubectl, ns: &str) -> Result<Value> {
    use base64::Engine as _;
    use std::io::Write as _;
    let secret = kubectl.object(ns, "secret", "sh.helm.release.v1.ship.v4")?;
    let mut stored = decode(&secret)?;
    stored["version"] = json!(5);
    stored["info"]["status"] = json!("pending-upgrade");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(stored.to_string().as_bytes())?;
    let base64 = base64::engine::general_purpose::STANDARD;
    let data = base64.encode(base64.encode(gzip.finish()?));
    let labels = json!({"name": "ship", "owner": "helm", "status": "pending-upgrade", "version": "5"});
    Ok(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {"name": "sh.helm.release.v1.ship.v5", "namespace": ns, "labels": labels},
        "data": {"release": data},
    }))
}
