//! What the Kubernetes API promises whoever calls it: the sandbox keeps the same promises as the real one.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{Case, Ctx, case};
use crate::check::{at, column, equal, is, list, text};
use crate::http::Http;

pub(super) const CASES: &[Case] = &[
    case("kubernetes/versions", versions),
    case("kubernetes/patches", patches),
    case("kubernetes/apply", apply),
    case("kubernetes/selectors", selectors),
    case("kubernetes/parts", parts),
    case("kubernetes/watch", watch),
    case("kubernetes/discovery", discovery),
    case("kubernetes/definitions", definitions),
    case("kubernetes/leases", leases),
    case("kubernetes/dependents", dependents),
    case("kubernetes/finalizers", finalizers),
    case("kubernetes/dry-runs", dry_runs),
];

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
const PATIENCE: Duration = Duration::from_secs(20);

/// The API, and a namespace of the case's own.
struct Kube<'a> {
    http: &'a Http,
    base: String,
}

impl<'a> Kube<'a> {
    fn new(ctx: &Ctx<'a>, namespace: &str) -> Result<Self> {
        let kube = Self { http: ctx.kubernetes.context("this case needs the Kubernetes API")?, base: String::new() };
        kube.post("/api/v1/namespaces", &json!({"metadata": {"name": namespace}}), 201)?;
        Ok(Self { base: format!("/namespaces/{namespace}"), ..kube })
    }

    /// The path of the namespace's ConfigMaps.
    fn maps(&self) -> String {
        format!("/api/v1{}/configmaps", self.base)
    }

    fn map(&self, name: &str) -> String {
        format!("{}/{name}", self.maps())
    }

    fn call(&self, method: &str, path: &str, kind: &str, body: &Value, status: u16) -> Result<Value> {
        let bytes = if body.is_null() { String::new() } else { body.to_string() };
        self.http.send(method, path, &[("Content-Type", kind)], bytes.as_bytes())?.expect(status)?.json()
    }

    fn get(&self, path: &str) -> Result<Value> {
        self.http.get_json(path)
    }

    fn post(&self, path: &str, body: &Value, status: u16) -> Result<Value> {
        self.call("POST", path, JSON, body, status)
    }

    fn put(&self, path: &str, body: &Value, status: u16) -> Result<Value> {
        self.call("PUT", path, JSON, body, status)
    }

    fn patch(&self, path: &str, kind: &str, body: &Value, status: u16) -> Result<Value> {
        self.call("PATCH", path, kind, body, status)
    }

    fn delete(&self, path: &str, options: &Value, status: u16) -> Result<Value> {
        self.call("DELETE", path, JSON, options, status)
    }

    /// Waits until a path has this status.
    fn until(&self, path: &str, status: u16) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.http.get(path)?.status != status {
            if Instant::now() > deadline {
                bail!("{path} is not {status} after {} s", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

fn map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

fn labelled(name: &str, labels: Value) -> Value {
    let mut map = map(name, json!({}));
    map["metadata"]["labels"] = labels;
    map
}

fn deployment(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "one", "image": "registry.example.com/one:1"}]}}}})
}

/// Whoever writes says which version has been read, and is refused when it is another one now.
fn versions(ctx: &Ctx<'_>) -> Result<()> {
    let kube = Kube::new(ctx, "kube-versions")?;
    let (maps, path) = (kube.maps(), kube.map("a"));
    let first = kube.post(&maps, &map("a", json!({"k": "1"})), 201)?;
    is(&kube.post(&maps, &map("a", json!({})), 409)?, "/reason", "AlreadyExists")?;
    let mut next = first.clone();
    next["data"]["k"] = json!("2");
    let second = kube.put(&path, &next, 200)?;
    let version = |object: &Value| text(object, "/metadata/resourceVersion").map(str::to_owned);
    equal("the version moves", version(&second)? == version(&first)?, false)?;
    // The same once more is the same version.
    equal("no change", version(&kube.put(&path, &second, 200)?)?, version(&second)?)?;
    let refused = kube.put(&path, &next, 409)?;
    is(&refused, "/reason", "Conflict")?;
    is(&refused, "/details/name", "a")?;
    let stale = json!({"metadata": {"resourceVersion": version(&first)?}, "data": {"k": "3"}});
    is(&kube.patch(&path, MERGE, &stale, 409)?, "/reason", "Conflict")?;
    // Whoever says nothing overwrites.
    kube.put(&path, &map("a", json!({"k": "4"})), 200)?;
    let mut other = map("a", json!({}));
    other["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    is(&kube.put(&path, &other, 409)?, "/reason", "Conflict")?;
    for wrong in [json!({"resourceVersion": version(&first)?}), json!({"uid": "00000000-0000-0000-0000-000000000000"})]
    {
        is(&kube.delete(&path, &json!({"preconditions": wrong}), 409)?, "/reason", "Conflict")?;
    }
    let now = kube.get(&path)?;
    kube.delete(&path, &json!({"preconditions": {"resourceVersion": version(&now)?}}), 200)?;
    is(&kube.delete(&path, &Value::Null, 404)?, "/reason", "NotFound")?;
    is(&kube.put(&path, &now, 404)?, "/reason", "NotFound").map(drop)
}

fn patches(ctx: &Ctx<'_>) -> Result<()> {
    let kube = Kube::new(ctx, "kube-patches")?;
    kube.post(&kube.maps(), &map("a", json!({"keep": "1", "drop": "1"})), 201)?;
    let path = kube.map("a");
    let patched = kube.patch(&path, MERGE, &json!({"data": {"drop": null, "new": "1"}}), 200)?;
    equal("a merge patch", at(&patched, "/data")?, &json!({"keep": "1", "new": "1"}))?;
    let steps = json!([{"op": "test", "path": "/data/new", "value": "1"}, {"op": "remove", "path": "/data/new"}]);
    let patched = kube.patch(&path, JSON_PATCH, &steps, 200)?;
    equal("a JSON patch", at(&patched, "/data")?, &json!({"keep": "1"}))?;
    is(&kube.patch(&path, JSON_PATCH, &steps, 422)?, "/reason", "Invalid")?;
    is(&kube.patch(&kube.map("none"), MERGE, &json!({}), 404)?, "/reason", "NotFound")?;
    is(&kube.patch(&path, "text/plain", &json!({}), 415)?, "/reason", "UnsupportedMediaType")?;

    let deployments = format!("/apis/apps/v1{}/deployments", kube.base);
    kube.post(&deployments, &deployment("d"), 201)?;
    let path = format!("{deployments}/d");
    let two = json!({"spec": {"template": {"spec": {"containers": [{"name": "two", "image": "registry.example.com/two:1"}]}}}});
    let merged = kube.patch(&path, STRATEGIC, &two, 200)?;
    let containers = column(list(&merged, "/spec/template/spec/containers")?, "/name")?;
    equal("a strategic merge adds by name", containers.len(), 2)?;
    let one = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "one", "env": [{"name": "A", "value": "1"}]}, {"name": "two", "$patch": "delete"}]}}}});
    let merged = kube.patch(&path, STRATEGIC, &one, 200)?;
    is(&merged, "/spec/template/spec/containers/0/image", "registry.example.com/one:1")?;
    is(&merged, "/spec/template/spec/containers/0/env/0/name", "A")?;
    equal("deleted by a directive", list(&merged, "/spec/template/spec/containers")?.len(), 1)?;
    // A merge patch knows no names.
    let merged = kube.patch(&path, MERGE, &two, 200)?;
    equal("a merge patch replaces", column(list(&merged, "/spec/template/spec/containers")?, "/name")?, vec!["two"])?;
    let fixed = json!({"spec": {"selector": {"matchLabels": {"app": "other"}}}});
    is(&kube.patch(&path, MERGE, &fixed, 422)?, "/reason", "Invalid").map(drop)
}

fn apply(ctx: &Ctx<'_>) -> Result<()> {
    let kube = Kube::new(ctx, "kube-apply")?;
    let by = |who: &str, more: &str| format!("{}?fieldManager={who}{more}", kube.map("a"));
    kube.patch(&by("one", ""), APPLY, &map("a", json!({"k": "1", "only": "one"})), 201)?;
    let refused = kube.patch(&by("two", ""), APPLY, &map("a", json!({"k": "2"})), 409)?;
    is(&refused, "/reason", "Conflict")?;
    is(&refused, "/details/causes/0/reason", "FieldManagerConflict")?;
    is(&refused, "/details/causes/0/field", ".data.k")?;
    is(&refused, "/details/causes/0/message", "conflict with \"one\"")?;
    // To want the same is no conflict; both have it then.
    kube.patch(&by("two", ""), APPLY, &map("a", json!({"k": "1"})), 200)?;
    let left = kube.patch(&by("one", ""), APPLY, &map("a", json!({})), 200)?;
    equal("what one gives up and another wants", at(&left, "/data")?, &json!({"k": "1"}))?;
    let forced = kube.patch(&by("three", "&force=true"), APPLY, &map("a", json!({"k": "3"})), 200)?;
    let owners: Vec<&str> = list(&forced, "/metadata/managedFields")?
        .iter()
        .filter(|entry| entry.pointer("/fieldsV1/f:data/f:k").is_some())
        .filter_map(|entry| entry["manager"].as_str())
        .collect();
    equal("who has it after force", owners, vec!["three"])?;
    // An update takes what it changes.
    let updated = kube.patch(&by("four", ""), MERGE, &json!({"data": {"k": "4"}}), 200)?;
    let entry = list(&updated, "/metadata/managedFields")?.iter().find(|entry| entry["manager"] == "four");
    is(entry.context("an entry of the update")?, "/operation", "Update")?;
    let refused = kube.patch(&by("three", ""), APPLY, &map("a", json!({"k": "3"})), 409)?;
    let message = text(&refused, "/details/causes/0/message")?;
    equal("the conflict names an update", message.starts_with("conflict with \"four\" using v1"), true)?;
    is(&kube.patch(&kube.map("a"), APPLY, &map("a", json!({})), 422)?, "/reason", "Invalid")?;
    let strict = format!("{}&fieldValidation=Strict", by("one", ""));
    let mut unknown = map("a", json!({}));
    unknown["nope"] = json!(1);
    let refused = kube.http.send("PATCH", &strict, &[("Content-Type", APPLY)], unknown.to_string().as_bytes())?;
    // The real one says 500 here when the type has no such field, and Helm shows what it says.
    equal("an unknown field is refused", refused.status >= 400, true)
}

fn selectors(ctx: &Ctx<'_>) -> Result<()> {
    let kube = Kube::new(ctx, "kube-selectors")?;
    for (name, labels) in
        [("a", json!({"tier": "front", "x": "1"})), ("b", json!({"tier": "back"})), ("c", json!({"other": "1"}))]
    {
        kube.post(&kube.maps(), &labelled(name, labels), 201)?;
    }
    let root = "metadata.name!%3Dkube-root-ca.crt";
    for (selector, want) in [
        ("tier%3Dfront", vec!["a"]),
        ("tier%3D%3Dback", vec!["b"]),
        ("tier!%3Dfront", vec!["b", "c"]),
        ("tier%20in%20(front,back)", vec!["a", "b"]),
        ("tier%20notin%20(front)", vec!["b", "c"]),
        ("tier", vec!["a", "b"]),
        ("!tier", vec!["c"]),
        ("tier,x%3D1", vec!["a"]),
    ] {
        let found = kube.get(&format!("{}?labelSelector={selector}&fieldSelector={root}", kube.maps()))?;
        equal(selector, column(list(&found, "/items")?, "/metadata/name")?, want)?;
    }
    let found = kube.get(&format!("{}?fieldSelector=metadata.name%3Db", kube.maps()))?;
    equal("by name", column(list(&found, "/items")?, "/metadata/name")?, vec!["b"])?;
    for wrong in ["labelSelector=tier%3D%3D%3D", "fieldSelector=data.k%3D1"] {
        let refused = kube.http.get(&format!("{}?{wrong}", kube.maps()))?.expect(400)?.json()?;
        is(&refused, "/reason", "BadRequest")?;
    }
    // A collection is deleted by what selects it.
    kube.delete(&format!("{}?labelSelector=tier", kube.maps()), &Value::Null, 200)?;
    let left = kube.get(&format!("{}?fieldSelector={root}", kube.maps()))?;
    equal("what is left", column(list(&left, "/items")?, "/metadata/name")?, vec!["c"])
}

fn parts(ctx: &Ctx<'_>) -> Result<()> {
    let kube = Kube::new(ctx, "kube-parts")?;
    for name in ["a", "b", "c", "d", "e"] {
        kube.post(&kube.maps(), &labelled(name, json!({"of": "parts"})), 201)?;
    }
    let page = |limit: u32, token: &str| {
        kube.get(&format!("{}?labelSelector=of%3Dparts&limit={limit}&continue={token}", kube.maps()))
    };
    let (mut names, mut token, mut pages) = (Vec::new(), String::new(), 0);
    let mut version = None;
    loop {
        let part = page(2, &token)?;
        names.extend(column(list(&part, "/items")?, "/metadata/name")?.into_iter().map(str::to_owned));
        let seen = text(&part, "/metadata/resourceVersion")?.to_owned();
        equal("all parts are of one version", version.get_or_insert_with(|| seen.clone()).as_str(), seen.as_str())?;
        pages += 1;
        if pages == 1 {
            // What comes between the parts is not in them.
            kube.post(&kube.maps(), &labelled("bb", json!({"of": "parts"})), 201)?;
        }
        token = part.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned();
        if token.is_empty() {
            break;
        }
    }
    equal("the parts", names.join(""), "abcde")?;
    equal("how many", pages, 3)?;
    kube.http.get(&format!("{}?limit=2&continue=nonsense", kube.maps()))?.expect(400)?;
    let metadata = [("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")];
    let found = kube.http.send("GET", &format!("{}?limit=1", kube.maps()), &metadata, b"")?.expect(200)?.json()?;
    is(&found, "/kind", "PartialObjectMetadataList")?;
    equal("no data", found.pointer("/items/0/data"), None)
}

fn watch(ctx: &Ctx<'_>) -> Result<()> {
    let kube = Kube::new(ctx, "kube-watch")?;
    let before = kube.get(&kube.maps())?;
    let version = text(&before, "/metadata/resourceVersion")?;
    kube.post(&kube.maps(), &labelled("a", json!({"in": "yes"})), 201)?;
    kube.post(&kube.maps(), &labelled("b", json!({"in": "no"})), 201)?;
    kube.patch(&kube.map("a"), MERGE, &json!({"data": {"k": "1"}}), 200)?;
    kube.patch(&kube.map("a"), MERGE, &json!({"metadata": {"labels": {"in": "no"}}}), 200)?;
    kube.patch(&kube.map("b"), MERGE, &json!({"metadata": {"labels": {"in": "yes"}}}), 200)?;
    kube.delete(&kube.map("b"), &Value::Null, 200)?;
    let events = |selector: &str| -> Result<Vec<String>> {
        let path =
            format!("{}?watch=1&timeoutSeconds=2&resourceVersion={version}&labelSelector={selector}", kube.maps());
        let answer = kube.http.get(&path)?.expect(200)?.text();
        let lines = answer.lines().map(|line| {
            let event: Value = serde_json::from_str(line)?;
            Ok(format!("{} {}", text(&event, "/type")?, text(&event, "/object/metadata/name")?))
        });
        lines.collect()
    };
    // Who comes to be selected is added, who ceases to be is deleted.
    let want = ["ADDED a", "MODIFIED a", "DELETED a", "ADDED b", "DELETED b"];
    equal("the events of the selected", events("in%3Dyes")?, want.map(str::to_owned).to_vec())?;
    let want = ["ADDED a", "ADDED b", "MODIFIED a", "MODIFIED a", "MODIFIED b", "DELETED b"];
    equal("all events", events("in")?, want.map(str::to_owned).to_vec())
}

fn discovery(ctx: &Ctx<'_>) -> Result<()> {
    let kube = Kube::new(ctx, "kube-discovery")?;
    let accept = [("Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")];
    let all = kube.http.send("GET", "/apis", &accept, b"")?.expect(200)?.json()?;
    is(&all, "/kind", "APIGroupDiscoveryList")?;
    let apps =
        list(&all, "/items")?.iter().find(|group| group["metadata"]["name"] == "apps").context("the group apps")?;
    let resources = list(apps, "/versions/0/resources")?;
    let found = resources.iter().find(|found| found["resource"] == "deployments").context("deployments")?;
    is(found, "/scope", "Namespaced")?;
    is(found, "/responseKind/kind", "Deployment")?;
    equal("short names", at(found, "/shortNames")?, &json!(["deploy"]))?;
    let plain = kube.get("/apis/apps/v1")?;
    is(&plain, "/kind", "APIResourceList")?;
    let found =
        list(&plain, "/resources")?.iter().find(|found| found["name"] == "deployments").context("deployments")?;
    is(found, "/namespaced", true)?;
    equal(
        "the verbs",
        at(found, "/verbs")?,
        &json!(["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]),
    )?;
    is(&kube.get("/api")?, "/versions/0", "v1")?;
    is(&kube.get("/apis")?, "/kind", "APIGroupList")?;
    equal("a major version", kube.get("/version")?["major"].as_str(), Some("1"))?;
    kube.http.get("/apis/nobody.example.com/v1")?.expect(404).map(drop)
}

fn definitions(ctx: &Ctx<'_>) -> Result<()> {
    let kube = Kube::new(ctx, "kube-definitions")?;
    let (group, definitions) = ("kube.e2e.whipstaff.dev", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions");
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("sails.{group}")},
        "spec": {"group": group, "scope": "Namespaced", "names": {"kind": "Sail", "listKind": "SailList", "plural": "sails", "singular": "sail"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    "spec": {"type": "object", "required": ["area"], "properties": {
                        "area": {"type": "integer", "minimum": 1}, "colour": {"type": "string", "default": "white"}}}}}}}]},
    });
    kube.post(definitions, &definition, 201)?;
    let sails = format!("/apis/{group}/v1{}/sails", kube.base);
    kube.until(&sails, 200)?;
    let made = kube.get(&format!("{definitions}/sails.{group}"))?;
    let established = list(&made, "/status/conditions")?.iter().find(|found| found["type"] == "Established");
    is(established.context("a condition")?, "/status", "True")?;
    let sail = |spec: Value| json!({"apiVersion": format!("{group}/v1"), "kind": "Sail", "metadata": {"name": "s"}, "spec": spec});
    for wrong in [json!({}), json!({"area": 0}), json!({"area": "big"})] {
        is(&kube.post(&sails, &sail(wrong), 422)?, "/reason", "Invalid")?;
    }
    let strict = format!("{sails}?fieldValidation=Strict");
    is(&kube.post(&strict, &sail(json!({"area": 2, "nope": 1})), 400)?, "/reason", "BadRequest")?;
    let made = kube.post(&sails, &sail(json!({"area": 2, "nope": 1})), 201)?;
    equal("pruned, with its default", at(&made, "/spec")?, &json!({"area": 2, "colour": "white"}))?;
    is(&made, "/metadata/generation", 1)?;
    let status = json!({"status": {"set": true}, "spec": {"area": 9}});
    let patched = kube.patch(&format!("{sails}/s/status"), MERGE, &status, 200)?;
    is(&patched, "/status/set", true)?;
    is(&patched, "/spec/area", 2)?;
    is(&patched, "/metadata/generation", 1)?;
    let patched =
        kube.patch(&format!("{sails}/s"), MERGE, &json!({"spec": {"area": 3}, "status": {"set": false}}), 200)?;
    is(&patched, "/status/set", true)?;
    is(&patched, "/metadata/generation", 2)?;
    kube.delete(&format!("{definitions}/sails.{group}"), &Value::Null, 200)?;
    kube.until(&sails, 404)
}

fn leases(ctx: &Ctx<'_>) -> Result<()> {
    let kube = Kube::new(ctx, "kube-leases")?;
    let leases = format!("/apis/coordination.k8s.io/v1{}/leases", kube.base);
    let path = format!("{leases}/lock");
    let lease = |holder: &str| {
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "lock"}, "spec": {
        "holderIdentity": holder, "leaseDurationSeconds": 15, "acquireTime": "2026-11-25T12:00:00.000000Z", "renewTime": "2026-11-25T12:00:00.000001Z"}})
    };
    let first = kube.post(&leases, &lease("one"), 201)?;
    is(&first, "/spec/renewTime", "2026-11-25T12:00:00.000001Z")?;
    is(&kube.post(&leases, &lease("two"), 409)?, "/reason", "AlreadyExists")?;
    let mut taken = lease("two");
    taken["metadata"]["resourceVersion"] = at(&first, "/metadata/resourceVersion")?.clone();
    kube.put(&path, &taken, 200)?;
    // Who read it at the same time comes too late.
    let mut late = taken.clone();
    late["spec"]["holderIdentity"] = json!("three");
    is(&kube.put(&path, &late, 409)?, "/reason", "Conflict")?;
    is(&kube.get(&path)?, "/spec/holderIdentity", "two")?;
    let mut wrong = lease("four");
    wrong["spec"]["leaseDurationSeconds"] = json!(0);
    is(&kube.put(&path, &wrong, 422)?, "/reason", "Invalid")?;
    let old = json!({"preconditions": {"resourceVersion": at(&first, "/metadata/resourceVersion")?}});
    is(&kube.delete(&path, &old, 409)?, "/reason", "Conflict")?;
    kube.delete(&path, &Value::Null, 200).map(drop)
}

fn dependents(ctx: &Ctx<'_>) -> Result<()> {
    let kube = Kube::new(ctx, "kube-dependents")?;
    for (policy, stay) in [("Background", false), ("Foreground", false), ("Orphan", true)] {
        let owner = kube.post(&kube.maps(), &map(&format!("owner-{}", policy.to_lowercase()), json!({})), 201)?;
        let name = format!("child-{}", policy.to_lowercase());
        let mut child = map(&name, json!({}));
        child["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap", "blockOwnerDeletion": true,
            "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}]);
        kube.post(&kube.maps(), &child, 201)?;
        let path = kube.map(text(&owner, "/metadata/name")?);
        kube.delete(&path, &json!({"propagationPolicy": policy}), 200)?;
        kube.until(&path, 404)?;
        if stay {
            let left = kube.get(&kube.map(&name))?;
            equal("an orphan has no owner", left.pointer("/metadata/ownerReferences"), None)?;
        } else {
            kube.until(&kube.map(&name), 404)?;
        }
    }
    Ok(())
}

fn finalizers(ctx: &Ctx<'_>) -> Result<()> {
    let kube = Kube::new(ctx, "kube-finalizers")?;
    let mut held = map("held", json!({"k": "1"}));
    held["metadata"]["finalizers"] = json!(["e2e.whipstaff.dev/held"]);
    kube.post(&kube.maps(), &held, 201)?;
    let path = kube.map("held");
    kube.delete(&path, &Value::Null, 200)?;
    let going = kube.get(&path)?;
    text(&going, "/metadata/deletionTimestamp")?;
    // It can still be changed, and not be made again.
    kube.patch(&path, MERGE, &json!({"data": {"k": "2"}}), 200)?;
    is(&kube.post(&kube.maps(), &held, 409)?, "/reason", "AlreadyExists")?;
    let more = json!({"metadata": {"finalizers": ["e2e.whipstaff.dev/held", "e2e.whipstaff.dev/more"]}});
    is(&kube.patch(&path, MERGE, &more, 422)?, "/reason", "Invalid")?;
    kube.patch(&path, MERGE, &json!({"metadata": {"finalizers": null}}), 200)?;
    kube.until(&path, 404)?;
    // A namespace that goes takes nothing in.
    kube.post(&kube.maps(), &held, 201)?;
    let namespace = format!("/api/v1{}", kube.base);
    kube.delete(&namespace, &Value::Null, 200)?;
    is(&kube.get(&namespace)?, "/status/phase", "Terminating")?;
    is(&kube.post(&kube.maps(), &map("late", json!({})), 403)?, "/reason", "Forbidden")?;
    kube.patch(&path, MERGE, &json!({"metadata": {"finalizers": null}}), 200)?;
    kube.until(&namespace, 404)
}

fn dry_runs(ctx: &Ctx<'_>) -> Result<()> {
    let kube = Kube::new(ctx, "kube-dry-runs")?;
    let dry = |path: &str| format!("{path}?dryRun=All");
    kube.post(&dry(&kube.maps()), &map("a", json!({})), 201)?;
    kube.until(&kube.map("a"), 404)?;
    let made = kube.post(&kube.maps(), &map("a", json!({"k": "1"})), 201)?;
    let foreseen = kube.patch(&dry(&kube.map("a")), MERGE, &json!({"data": {"k": "2"}}), 200)?;
    is(&foreseen, "/data/k", "2")?;
    kube.delete(&dry(&kube.map("a")), &Value::Null, 200)?;
    equal("nothing was changed", kube.get(&kube.map("a"))?, made)?;
    let refused = kube.http.send(
        "POST",
        &format!("{}?dryRun=Some", kube.maps()),
        &[("Content-Type", JSON)],
        map("b", json!({})).to_string().as_bytes(),
    )?;
    equal("an unknown word is refused", refused.status, 422)
}
