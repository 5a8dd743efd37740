//! A release's life: install, look, upgrade, go back, take away.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Case, Ctx, case};
use crate::check::{at, column, contains, equal, is, list, text};
use crate::rest::{WAIT, body, release, releases};

pub(super) const CASES: &[Case] = &[
    case("releases/install-and-look", install_and_look),
    case("releases/upgrade", upgrade),
    case("releases/rollback", rollback),
    case("releases/uninstall", uninstall),
    case("releases/post-is-install-only", post_is_install_only),
    case("releases/patch", patch),
    case("releases/preconditions", preconditions),
    case("releases/dry-run", dry_run),
    case("releases/yaml", yaml),
    case("releases/numbers", numbers),
    case("releases/set", set),
    case("releases/hooks", hooks),
    case("releases/crds", crds),
    case("releases/subcharts", subcharts),
    case("releases/history-is-pruned", history_is_pruned),
];

fn install_and_look(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "install-and-look");
    let digest = ctx.upload("shop")?;
    let mut spec = body(&digest, json!({"replicas": 2, "greeting": "ahoy"}));
    spec["labels"] = json!({"team": "deck"});
    let operation = http.put(ns, "corner", &spec)?;
    is(&operation, "/kind", "install")?;
    is(&operation, "/done", true)?;
    is(&operation, "/result/revision", 1)?;
    is(&operation, "/result/changed", true)?;
    equal(
        "the release",
        at(&operation, "/release")?,
        &json!({"cluster": "default", "namespace": ns, "name": "corner"}),
    )?;

    let found = http.get(&release(ns, "corner"))?.expect(200)?;
    let etag = found.need_header("etag")?.to_owned();
    let found = found.json()?;
    is(&found, "/namespace", ns)?;
    is(&found, "/name", "corner")?;
    is(&found, "/revision", 1)?;
    is(&found, "/status", "deployed")?;
    is(&found, "/description", "Install complete")?;
    is(&found, "/chart/name", "shop")?;
    is(&found, "/chart/version", "1.4.0")?;
    is(&found, "/chart/appVersion", "2026.8")?;
    is(&found, "/applyMethod", "ssa")?;
    is(&found, "/labels/team", "deck")?;
    contains("lastDeployedAt", text(&found, "/lastDeployedAt")?, "T")?;
    http.send("GET", &release(ns, "corner"), &[("If-None-Match", &etag)], b"")?.expect(304)?;

    let part = |name: &str| http.get_json(&format!("{}/{name}", release(ns, "corner")));
    equal("the values", part("values")?, json!({"replicas": 2, "greeting": "ahoy"}))?;
    let all = part("values?all=true")?;
    is(&all, "/replicas", 2)?;
    is(&all, "/port", 8080)?;
    is(&all, "/numbers/build", 20_260_822)?;
    let manifest = part("manifest")?;
    for line in ["# Source: shop/templates/deployment.yaml", "replicas: 2", "greeting: \"ahoy\"", "name: corner-shop"] {
        contains("the manifest", text(&manifest, "/manifest")?, line)?;
    }
    equal("hooks in the manifest", text(&manifest, "/manifest")?.contains("helm.sh/hook"), false)?;
    contains("the notes", text(&part("notes")?, "/notes")?, "Ahoy! shop 1.4.0 is corner in install-and-look.")?;
    let hooks = part("hooks")?;
    equal("the hooks", column(list(&hooks, "/items")?, "/name")?, vec!["corner-shop-greeting"])?;
    let revisions = part("revisions")?;
    equal("revisions", list(&revisions, "/items")?.len(), 1)?;
    is(&revisions, "/items/0/status", "deployed")?;
    is(&part("revisions/1")?, "/revision", 1)?;

    let one = http.get_json(&releases(ns))?;
    equal("the list", column(list(&one, "/items")?, "/name")?, vec!["corner"])?;
    equal("a list's item has no manifest", one["items"][0].get("manifest").is_none(), true)?;
    if let Some(kubectl) = ctx.kubectl {
        let deployment = kubectl.object(ns, "deployment", "corner-shop")?;
        is(&deployment, "/status/readyReplicas", 2)?;
        is(&deployment, "/metadata/labels/app.kubernetes.io~1managed-by", "Helm")?;
        is(&deployment, "/metadata/annotations/meta.helm.sh~1release-name", "corner")?;
        is(&deployment, "/metadata/annotations/meta.helm.sh~1release-namespace", ns)?;
    }
    Ok(())
}

fn upgrade(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "upgrade");
    let digest = ctx.upload("shop")?;
    let mut spec = body(&digest, json!({"extra": {"kept": "yes"}, "fixedName": "soon-gone"}));
    spec["labels"] = json!({"team": "deck"});
    http.put(ns, "corner", &spec)?;
    let first = http.get_json(&release(ns, "corner"))?;
    if let Some(kubectl) = ctx.kubectl {
        // A field that somebody else put on the object.
        kubectl.run(&["annotate", "-n", ns, "deployment", "corner-shop", "example.com/by=somebody"])?.success()?;
        kubectl.object(ns, "configmap", "soon-gone")?;
    }

    let spec = body(&digest, json!({"replicas": 3, "extra": {"kept": "still"}}));
    let operation = http.put(ns, "corner", &spec)?;
    is(&operation, "/kind", "upgrade")?;
    is(&operation, "/result/revision", 2)?;
    let second = http.expect_release(ns, "corner", 2, "deployed")?;
    is(&second, "/description", "Upgrade complete")?;
    equal("firstDeployedAt", &second["firstDeployedAt"], &first["firstDeployedAt"])?;
    is(&second, "/labels/team", "deck")?;
    let values = http.get_json(&format!("{}/values", release(ns, "corner")))?;
    equal("PUT is all there is", values, json!({"replicas": 3, "extra": {"kept": "still"}}))?;
    let before = http.get_json(&format!("{}/revisions/1/values", release(ns, "corner")))?;
    is(&before, "/fixedName", "soon-gone")?;

    let revisions = http.get_json(&format!("{}/revisions", release(ns, "corner")))?;
    equal("statuses", column(list(&revisions, "/items")?, "/status")?, vec!["superseded", "deployed"])?;
    equal("chart of the first", &revisions["items"][0]["chart"], &revisions["items"][1]["chart"])?;
    if let Some(kubectl) = ctx.kubectl {
        let deployment = kubectl.object(ns, "deployment", "corner-shop")?;
        is(&deployment, "/spec/replicas", 3)?;
        is(&deployment, "/metadata/annotations/example.com~1by", "somebody")?;
        is(&deployment, "/metadata/annotations/meta.helm.sh~1release-name", "corner")?;
        equal("the object left out", kubectl.find(ns, "configmap", "soon-gone")?, None)?;
    }

    // The values of the last release count when they are asked to.
    let mut spec = body(&digest, json!({"greeting": "hey"}));
    spec["valueStrategy"] = json!("resetThenReuse");
    http.put(ns, "corner", &spec)?;
    let values = http.get_json(&format!("{}/values", release(ns, "corner")))?;
    equal("values with resetThenReuse", values, json!({"replicas": 3, "extra": {"kept": "still"}, "greeting": "hey"}))
}

fn rollback(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "rollback");
    let digest = ctx.upload("shop")?;
    for replicas in [1, 2, 3] {
        http.put(ns, "corner", &body(&digest, json!({"replicas": replicas})))?;
    }
    let path = format!("{}/rollback", release(ns, "corner"));
    let wait = json!({"strategy": "watcher", "timeout": "60s"});
    let operation = http.change("POST", &path, &json!({"revision": 1, "wait": wait}))?;
    is(&operation, "/kind", "rollback")?;
    is(&operation, "/result/revision", 4)?;
    let found = http.expect_release(ns, "corner", 4, "deployed")?;
    is(&found, "/description", "Rollback to 1")?;
    is(&found, "/rollbackRevision", 1)?;
    is(&http.get_json(&format!("{}/values", release(ns, "corner")))?, "/replicas", 1)?;
    let manifest = |n: u32| http.get_json(&format!("{}/revisions/{n}/manifest", release(ns, "corner")));
    equal("the manifests", manifest(4)?, manifest(1)?)?;
    if let Some(kubectl) = ctx.kubectl {
        is(&kubectl.object(ns, "deployment", "corner-shop")?, "/spec/replicas", 1)?;
    }

    // With no body it goes to the revision before.
    let answer = http.send("POST", &path, &[WAIT], b"")?;
    is(&http.finish(answer)?, "/state", "succeeded")?;
    let found = http.expect_release(ns, "corner", 5, "deployed")?;
    is(&found, "/rollbackRevision", 3)?;
    let revisions = http.get_json(&format!("{}/revisions", release(ns, "corner")))?;
    let statuses = column(list(&revisions, "/items")?, "/status")?;
    equal("statuses", statuses, vec!["superseded", "superseded", "superseded", "superseded", "deployed"])?;

    http.send_json("POST", &path, &[WAIT], &json!({"revision": 99}))?.problem(404, "REVISION_NOT_FOUND")?;
    let nobody = format!("{}/rollback", release(ns, "nobody"));
    http.send_json("POST", &nobody, &[WAIT], &json!({}))?.problem(404, "RELEASE_NOT_FOUND")?;
    http.expect_release(ns, "corner", 5, "deployed").map(drop)
}

fn uninstall(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "uninstall");
    let digest = ctx.upload("shop")?;
    http.put(ns, "corner", &body(&digest, json!({})))?;
    let path = release(ns, "corner");
    let answer = http.send("DELETE", &format!("{path}?wait=watcher&timeout=60s"), &[WAIT], b"")?;
    let operation = http.finish(answer)?;
    is(&operation, "/kind", "uninstall")?;
    is(&operation, "/state", "succeeded")?;
    http.get(&path)?.problem(404, "RELEASE_NOT_FOUND")?;
    http.get(&format!("{path}/manifest"))?.problem(404, "RELEASE_NOT_FOUND")?;
    http.expect_no_releases(ns)?;
    if let Some(kubectl) = ctx.kubectl {
        kubectl.expect_nothing(ns)?;
    }
    http.send("DELETE", &path, &[WAIT], b"")?.problem(404, "RELEASE_NOT_FOUND")?;
    http.finish(http.send("DELETE", &format!("{path}?ignoreNotFound=true"), &[WAIT], b"")?)?;

    // With its history kept it is still there to be seen, and can be had again.
    http.put(ns, "corner", &body(&digest, json!({"replicas": 2})))?;
    http.finish(http.send("DELETE", &format!("{path}?keepHistory=true"), &[WAIT], b"")?)?;
    http.expect_release(ns, "corner", 1, "uninstalled")?;
    let wait = json!({"wait": {"strategy": "watcher", "timeout": "60s"}, "revision": 1});
    http.change("POST", &format!("{path}/rollback"), &wait)?;
    http.expect_release(ns, "corner", 2, "deployed")?;
    http.uninstall(ns, "corner")?;
    http.get(&path)?.problem(404, "RELEASE_NOT_FOUND")?;
    Ok(())
}

fn post_is_install_only(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "post-is-install-only");
    let digest = ctx.upload("shop")?;
    let mut spec = body(&digest, json!({}));
    spec["name"] = json!("corner");
    is(&http.change("POST", &releases(ns), &spec)?, "/kind", "install")?;
    http.send_json("POST", &releases(ns), &[WAIT], &spec)?.problem(409, "RELEASE_EXISTS")?;
    http.expect_release(ns, "corner", 1, "deployed").map(drop)
}

fn patch(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "patch");
    let digest = ctx.upload("shop")?;
    let path = release(ns, "corner");
    let merge = |patch: Value| {
        let headers = [("Content-Type", "application/merge-patch+json"), WAIT];
        http.send("PATCH", &path, &headers, patch.to_string().as_bytes())
    };
    merge(json!({"values": {"replicas": 2}}))?.problem(404, "RELEASE_NOT_FOUND")?;
    http.put(ns, "corner", &body(&digest, json!({"replicas": 2, "extra": {"a": 1, "b": 2}})))?;
    is(&http.finish(merge(json!({"values": {"extra": {"a": null, "c": 3}}}))?)?, "/state", "succeeded")?;
    http.expect_release(ns, "corner", 2, "deployed")?;
    let values = http.get_json(&format!("{path}/values"))?;
    equal("the merged values", values, json!({"replicas": 2, "extra": {"b": 2, "c": 3}}))
}

fn preconditions(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "preconditions");
    let digest = ctx.upload("shop")?;
    let (path, spec) = (release(ns, "corner"), body(&digest, json!({})));
    let put = |header: (&str, &str)| http.send_json("PUT", &path, &[WAIT, header], &spec);
    put(("If-Match", "\"1-deployed\""))?.problem(412, "PRECONDITION_FAILED")?;
    http.expect_no_releases(ns)?;
    is(&http.finish(put(("If-None-Match", "*"))?)?, "/state", "succeeded")?;
    put(("If-None-Match", "*"))?.problem(412, "PRECONDITION_FAILED")?;
    let old = http.get(&path)?.need_header("etag")?.to_owned();
    is(&http.finish(put(("If-Match", &old))?)?, "/state", "succeeded")?;
    put(("If-Match", &old))?.problem(412, "PRECONDITION_FAILED")?;
    http.expect_release(ns, "corner", 2, "deployed").map(drop)
}

fn dry_run(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "dry-run");
    let digest = ctx.upload("shop")?;
    let spec = body(&digest, json!({"replicas": 7}));
    for mode in ["client", "server"] {
        let path = format!("{}?dryRun={mode}", release(ns, "corner"));
        let tried = http.send_json("PUT", &path, &[], &spec)?.expect(200)?.json()?;
        is(&tried, "/dryRun", mode)?;
        contains("the manifest", text(&tried, "/manifest")?, "replicas: 7")?;
    }
    http.expect_no_releases(ns)?;
    if let Some(kubectl) = ctx.kubectl {
        equal("the namespace", kubectl.find(ns, "namespace", ns)?, None)?;
    }
    Ok(())
}

fn yaml(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "yaml");
    let digest = ctx.upload("shop")?;
    let spec = format!(
        "# Helm people think in YAML\nchart: {{upload: '{digest}'}}\ncreateNamespace: true\nvalues:\n  greeting: |\n    one\n    two\n"
    );
    let headers = [("Content-Type", "application/yaml"), WAIT];
    let answer = http.send("PUT", &release(ns, "corner"), &headers, spec.as_bytes())?;
    is(&http.finish(answer)?, "/state", "succeeded")?;
    let accept = [("Accept", "application/yaml")];
    let found = http.send("GET", &release(ns, "corner"), &accept, b"")?.expect(200)?;
    contains("the content type", found.need_header("content-type")?, "yaml")?;
    contains("the release", &found.text(), "\nstatus: deployed\n")?;
    let values = http.send("GET", &format!("{}/values", release(ns, "corner")), &accept, b"")?.expect(200)?;
    equal("the values", values.text(), "greeting: |\n  one\n  two\n".to_owned())?;
    let manifest = http.send("GET", &format!("{}/manifest", release(ns, "corner")), &accept, b"")?.expect(200)?;
    contains("the manifest", &manifest.text(), "---\n# Source: shop/templates/serviceaccount.yaml\napiVersion: v1\n")
}

/// Integers stay integers, whoever wrote the values.
fn numbers(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "numbers");
    let digest = ctx.upload("shop")?;
    let extra = json!({"build": 20_260_822, "million": 1_000_000, "big": 9_007_199_254_740_991_i64, "half": 0.5, "minus": -1, "text": "0644"});
    http.put(ns, "corner", &body(&digest, json!({"extra": extra})))?;
    let path = release(ns, "corner");
    let values = http.get(&format!("{path}/values"))?.expect(200)?;
    equal("the values", at(&values.json()?, "/extra")?, &extra)?;
    contains("the text", &values.text(), "20260822")?;
    let manifest = http.get_json(&format!("{path}/manifest"))?;
    // What a template prints is Helm's business: numbers are floats there.
    for line in [
        "number.build: \"2.0260822e+07\"",
        "build: 20260822",
        "million: 1000000",
        "value: \"20260822\"",
        "text: \"0644\"",
    ] {
        contains("the manifest", text(&manifest, "/manifest")?, line)?;
    }
    Ok(())
}

fn set(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "set");
    let digest = ctx.upload("shop")?;
    let mut spec = body(&digest, json!({"greeting": "from values", "extra": {"a": 1, "b": 1}}));
    spec["set"] = json!(["extra.a=2,extra.list={x,y}", "replicas=2"]);
    spec["setString"] = json!(["extra.s=3"]);
    spec["setJson"] = json!(["extra.j={\"k\":[1,2]}"]);
    spec["setLiteral"] = json!(["extra.l=a,b{c}"]);
    spec["setFile"] = json!({"extra.f": "Y29udGVudA=="});
    http.put(ns, "corner", &spec)?;
    let values = http.get_json(&format!("{}/values", release(ns, "corner")))?;
    let extra =
        json!({"a": 2, "b": 1, "list": ["x", "y"], "s": "3", "j": {"k": [1, 2]}, "l": "a,b{c}", "f": "content"});
    equal("the values", values, json!({"greeting": "from values", "replicas": 2, "extra": extra}))
}

fn hooks(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "hooks");
    let digest = ctx.upload("hooked")?;
    http.put(ns, "ship", &body(&digest, json!({})))?;
    let path = release(ns, "ship");
    let hooks = http.get_json(&format!("{path}/hooks"))?;
    let phases: Vec<(&str, Option<&str>)> = list(&hooks, "/items")?
        .iter()
        .map(|hook| Ok((text(hook, "/name")?, hook["phase"].as_str().filter(|p| !p.is_empty()))))
        .collect::<Result<_>>()?;
    for (name, phase) in [("ship-z-first", "Succeeded"), ("ship-prepare", "Succeeded"), ("ship-settle", "Succeeded")] {
        let found = phases.iter().find(|(n, _)| *n == name).with_context(|| format!("no hook {name} in {phases:?}"))?;
        equal(name, found.1, Some(phase))?;
    }
    if let Some(kubectl) = ctx.kubectl {
        equal("the job that succeeded", kubectl.find(ns, "job", "ship-prepare")?, None)?;
        is(&kubectl.object(ns, "job", "ship-settle")?, "/status/succeeded", 1)?;
        let hook = kubectl.object(ns, "configmap", "ship-z-first")?;
        equal("a hook's owner", hook.pointer("/metadata/annotations/meta.helm.sh~1release-name"), None)?;
    }

    // A hook that fails fails the upgrade; the revision before stays the one in place.
    let answer = http.send_json("PUT", &path, &[WAIT], &body(&digest, json!({"prepare": "fail", "note": "second"})))?;
    let problem = answer.problem(422, "HOOK_FAILED")?;
    contains("the problem", &problem.to_string(), "ship-prepare")?;
    http.expect_release(ns, "ship", 2, "failed")?;
    let revisions = http.get_json(&format!("{path}/revisions"))?;
    equal("statuses", column(list(&revisions, "/items")?, "/status")?, vec!["deployed", "failed"])?;
    if let Some(kubectl) = ctx.kubectl {
        is(&kubectl.object(ns, "configmap", "ship-hooked")?, "/data/note", "first")?;
    }
    http.put(ns, "ship", &body(&digest, json!({"note": "third"})))?;
    http.expect_release(ns, "ship", 3, "deployed")?;
    http.uninstall(ns, "ship")?;
    http.expect_no_releases(ns)
}

fn crds(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "crds");
    let digest = ctx.upload("crds-owner")?;
    http.put(ns, "red", &body(&digest, json!({})))?;
    http.put(ns, "green", &body(&digest, json!({"width": 1})))?;
    http.put(ns, "green", &body(&digest, json!({"width": 2})))?;
    let manifest = http.get_json(&format!("{}/manifest", release(ns, "red")))?;
    equal("crds in the manifest", text(&manifest, "/manifest")?.contains("CustomResourceDefinition"), false)?;
    if let Some(kubectl) = ctx.kubectl {
        is(&kubectl.object(ns, "buoys.e2e.whipstaff.dev", "red")?, "/spec/colour", "red")?;
        is(&kubectl.object(ns, "buoys.e2e.whipstaff.dev", "green")?, "/spec/width", 2)?;
    }
    for name in ["red", "green"] {
        http.uninstall(ns, name)?;
    }
    if let Some(kubectl) = ctx.kubectl {
        // What is in crds/ is never deleted.
        kubectl.object(ns, "crd", "buoys.e2e.whipstaff.dev")?;
        equal("objects left", list(&kubectl.get(ns, &["buoys.e2e.whipstaff.dev"])?, "/items")?.len(), 0)?;
    }
    Ok(())
}

fn subcharts(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "subcharts");
    let digest = ctx.upload("family")?;
    let spec = json!({"booth": {"enabled": true}, "cellar": {"barrels": 9}, "global": {"town": "quay"}});
    let mut spec = body(&digest, spec);
    spec["subchartNotes"] = json!(true);
    http.put(ns, "clan", &spec)?;
    let path = release(ns, "clan");
    let manifest = http.get_json(&format!("{path}/manifest"))?;
    for line in [
        "# Source: family/charts/cellar/templates/configmap.yaml",
        "barrels: \"9\"",
        "town: quay",
        "name: clan-booth",
        "good-0: \"sail\"",
    ] {
        contains("the manifest", text(&manifest, "/manifest")?, line)?;
    }
    let notes = http.get_json(&format!("{path}/notes"))?;
    contains("the notes", text(&notes, "/notes")?, "Mind the stairs.")?;

    // A child that is turned off goes.
    http.put(ns, "clan", &body(&digest, json!({"cellar": {"enabled": false}})))?;
    let manifest = http.get_json(&format!("{path}/manifest"))?;
    equal("the cellar", text(&manifest, "/manifest")?.contains("clan-cellar"), false)?;
    if let Some(kubectl) = ctx.kubectl {
        equal("the cellar's object", kubectl.find(ns, "configmap", "clan-cellar")?, None)?;
        kubectl.object(ns, "configmap", "clan-stall")?;
    }
    Ok(())
}

fn history_is_pruned(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "history-is-pruned");
    let digest = ctx.upload("family")?;
    for barrels in 1..=5 {
        let mut spec = body(&digest, json!({"cellar": {"barrels": barrels}}));
        spec["historyMax"] = json!(3);
        http.put(ns, "clan", &spec)?;
    }
    let revisions = http.get_json(&format!("{}/revisions", release(ns, "clan")))?;
    let kept: Vec<_> = list(&revisions, "/items")?.iter().map(|r| r["revision"].clone()).collect();
    equal("revisions", kept, vec![json!(3), json!(4), json!(5)])?;
    http.get(&format!("{}/revisions/1", release(ns, "clan")))?.problem(404, "REVISION_NOT_FOUND")?;
    Ok(())
}
