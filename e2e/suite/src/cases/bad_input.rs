//! Bad input: each is a problem that says what to do, and nothing is left behind.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{Case, Ctx, case};
use crate::archive::{self, Entry};
use crate::check::{at, contains, equal, is, list, text};
use crate::http::Response;
use crate::rest::{JSON, WAIT, body, release, releases};

pub(super) const CASES: &[Case] = &[
    case("bad-input/not-json-or-yaml", not_json_or_yaml),
    case("bad-input/unknown-fields", unknown_fields),
    case("bad-input/wrong-types", wrong_types),
    case("bad-input/media-type", media_type),
    case("bad-input/release-names", release_names),
    case("bad-input/namespaces", namespaces),
    case("bad-input/charts", charts),
    case("bad-input/values-against-the-schema", values_against_the_schema),
    case("bad-input/template-fails", template_fails),
    case("bad-input/manifest-is-no-yaml", manifest_is_no_yaml),
    case("bad-input/kind-is-unknown", kind_is_unknown),
    case("bad-input/object-is-refused", object_is_refused),
    case("bad-input/chart-cannot-be-installed", chart_cannot_be_installed),
    case("bad-input/object-of-another-release", object_of_another_release),
    case("bad-input/no-such-cluster", no_such_cluster),
    case("bad-input/namespace-is-missing", namespace_is_missing),
    case("bad-input/set-flags", set_flags),
    case("bad-input/upgrade-leaves-the-release-alone", upgrade_leaves_the_release_alone),
    case("bad-input/large-and-deep", large_and_deep),
];

/// Fails when an install that was refused left anything in its namespace, or the namespace itself.
fn nothing_left(ctx: &Ctx<'_>, namespace: &str) -> Result<()> {
    ctx.http()?.expect_no_releases(namespace)?;
    if let Some(kubectl) = ctx.kubectl
        && kubectl.find(namespace, "namespace", namespace)?.is_some()
    {
        kubectl.expect_nothing(namespace)?;
        bail!("the namespace {namespace} was made");
    }
    Ok(())
}

/// Sends an install of one of our own charts and waits for its end.
fn install(ctx: &Ctx<'_>, namespace: &str, chart: &str, values: Value) -> Result<Response> {
    let digest = ctx.upload(chart)?;
    ctx.http()?.send_json("PUT", &release(namespace, "corner"), &[WAIT], &body(&digest, values))
}

fn not_json_or_yaml(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "not-json-or-yaml");
    let yaml = ("Content-Type", "application/yaml");
    let cases: [((&str, &str), &[u8]); 9] = [
        (JSON, b"{\"chart\": "),
        (JSON, b""),
        (JSON, b"chart: {upload: x}"),
        (JSON, b"{} {}"),
        (JSON, b"\xff\xfe"),
        (yaml, b"a: [1"),
        (yaml, b"a: b: c"),
        (yaml, b"\tchart: 1"),
        (yaml, b"a: &a [*a]"),
    ];
    for (media, sent) in cases {
        let context = || format!("{media:?} {:?}", String::from_utf8_lossy(sent));
        let answer = http.send("PUT", &release(ns, "corner"), &[media, WAIT], sent)?;
        let problem = answer.any_problem().with_context(context)?;
        let reason = text(&problem, "/reason")?;
        if !["INVALID_BODY", "INVALID_INPUT"].contains(&reason) {
            bail!("{}: {problem}", context());
        }
        http.send("POST", "/v1/template", &[media], sent)?.any_problem().with_context(context)?;
    }
    // Well-formed, and yet nothing that could be a change.
    for sent in ["[]", "null", "\"text\"", "3", "{}"] {
        let answer = http.send("PUT", &release(ns, "corner"), &[JSON, WAIT], sent.as_bytes())?;
        answer.any_problem().with_context(|| sent.to_owned())?;
    }
    nothing_left(ctx, ns)
}

fn unknown_fields(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "unknown-fields");
    let digest = ctx.upload("shop")?;
    for (field, pointer) in [
        (json!({"createNamespce": true}), "/createNamespce"),
        (json!({"wait": {"timout": "5m"}}), "/wait/timout"),
        (json!({"chart": {"upload": digest, "path": "/etc"}}), "/chart/path"),
    ] {
        let mut spec = body(&digest, json!({}));
        for (name, value) in field.as_object().into_iter().flatten() {
            spec[name] = value.clone();
        }
        let problem = http.send_json("PUT", &release(ns, "corner"), &[WAIT], &spec)?.problem(422, "INVALID_INPUT")?;
        is(&problem, "/errors/0/pointer", pointer)?;
    }
    let spec = json!({"chart": {"upload": digest}, "nme": "x"});
    let problem = http.send_json("POST", "/v1/template", &[], &spec)?.problem(422, "INVALID_INPUT")?;
    is(&problem, "/errors/0/pointer", "/nme")?;
    let query = format!("{}?dryrun=client", release(ns, "corner"));
    http.send_json("PUT", &query, &[WAIT], &body(&digest, json!({})))?.problem(400, "INVALID_PARAMETER")?;
    nothing_left(ctx, ns)
}

fn wrong_types(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "wrong-types");
    let digest = ctx.upload("shop")?;
    for (pointer, value) in [
        ("/values", json!([1])),
        ("/set", json!("a=b")),
        ("/createNamespace", json!("yes")),
        ("/wait", json!(true)),
        ("/wait/timeout", json!("5 minutes")),
        ("/wait/strategy", json!("hope")),
        ("/historyMax", json!(-1)),
        ("/labels", json!({"a": 1})),
        ("/valueStrategy", json!("mix")),
        ("/chart", json!("shop")),
        ("/chart/upload", json!(7)),
    ] {
        let mut spec = body(&digest, json!({}));
        let Some(place) = spec.pointer_mut(pointer) else {
            spec[pointer.trim_start_matches('/')] = value;
            check_wrong(http.send_json("PUT", &release(ns, "corner"), &[WAIT], &spec)?, pointer)?;
            continue;
        };
        *place = value;
        check_wrong(http.send_json("PUT", &release(ns, "corner"), &[WAIT], &spec)?, pointer)?;
    }
    nothing_left(ctx, ns)
}

fn check_wrong(answer: Response, pointer: &str) -> Result<()> {
    let problem = answer.problem(422, "INVALID_INPUT").with_context(|| pointer.to_owned())?;
    contains(pointer, text(&problem, "/errors/0/pointer")?, pointer)
}

fn media_type(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "media-type");
    let digest = ctx.upload("shop")?;
    let spec = body(&digest, json!({})).to_string();
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let headers = [("Content-Type", media), WAIT];
        http.send("PUT", &release(ns, "corner"), &headers, spec.as_bytes())?.problem(415, "UNSUPPORTED_MEDIA_TYPE")?;
    }
    nothing_left(ctx, ns)
}

fn release_names(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "release-names");
    let digest = ctx.upload("shop")?;
    let long = "a".repeat(54);
    for name in ["Corner", "-corner", "corner-", "cor_ner", "cor..ner", "cor%20ner", "c%C3%B6rner", long.as_str()] {
        let answer = http.send_json("PUT", &release(ns, name), &[WAIT], &body(&digest, json!({})))?;
        answer.problem(422, "INVALID_RELEASE_NAME").with_context(|| name.to_owned())?;
        http.get(&release(ns, name))?.any_problem()?;
        http.send("DELETE", &release(ns, name), &[WAIT], b"")?.any_problem()?;
    }
    let mut spec = body(&digest, json!({}));
    spec["name"] = json!("Corner");
    http.send_json("POST", &releases(ns), &[WAIT], &spec)?.problem(422, "INVALID_RELEASE_NAME")?;
    http.send_json("POST", &releases(ns), &[WAIT], &body(&digest, json!({})))?.any_problem()?;
    spec["name"] = json!("other");
    http.send_json("PUT", &release(ns, "corner"), &[WAIT], &spec)?.any_problem()?;
    nothing_left(ctx, ns)
}

fn namespaces(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    let digest = ctx.upload("shop")?;
    let long = "n".repeat(64);
    for ns in ["Web", "web_1", "-web", "web.site", "..%2F..", long.as_str()] {
        let answer = http.send_json("PUT", &release(ns, "corner"), &[WAIT], &body(&digest, json!({})))?;
        answer.problem(422, "INVALID_NAMESPACE").with_context(|| ns.to_owned())?;
    }
    Ok(())
}

fn charts(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "charts");
    let put = |chart: Value| {
        let mut spec = body("", json!({}));
        spec["chart"] = chart;
        http.send_json("PUT", &release(ns, "corner"), &[WAIT], &spec)
    };
    let missing = format!("sha256:{}", "0".repeat(64));
    put(json!({"upload": missing}))?.problem(422, "CHART_UNAVAILABLE")?;
    for chart in [
        json!({"upload": "shop"}),
        json!({"upload": ""}),
        json!({}),
        json!({"version": "1"}),
        json!({"upload": missing, "oci": "oci://x/y"}),
    ] {
        put(chart.clone())?.any_problem().with_context(|| chart.to_string())?;
    }
    // A chart in the body that is no archive, and one that climbs out of its folder.
    let chart = Entry::file("x/Chart.yaml", b"apiVersion: v2\nname: x\nversion: 1.0.0\n");
    let climbing = archive::pack(&[chart, Entry::file("x/../../y", b"y")])?;
    for bytes in [&b"no archive"[..], &climbing] {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
        put(json!({"archive": encoded}))?.problem(422, "INVALID_CHART")?;
    }
    put(json!({"archive": "***"}))?.any_problem()?;
    nothing_left(ctx, ns)
}

fn values_against_the_schema(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "values-against-the-schema");
    let problem =
        install(ctx, ns, "shop", json!({"replicas": "two", "port": 70000}))?.problem(422, "INVALID_VALUES")?;
    let pointers =
        list(&problem, "/errors")?.iter().map(|e| e["pointer"].as_str().unwrap_or_default()).collect::<Vec<_>>();
    for value in ["replicas", "port"] {
        equal(&format!("`{value}` in {pointers:?}"), pointers.iter().any(|p| p.ends_with(value)), true)?;
    }
    let digest = ctx.upload("shop")?;
    let spec = json!({"chart": {"upload": digest}, "set": ["replicas=99"]});
    http.send_json("POST", "/v1/template", &[], &spec)?.problem(422, "INVALID_VALUES")?;
    nothing_left(ctx, ns)?;
    // It can be asked not to look.
    let mut spec = body(&digest, json!({"replicas": 51}));
    spec["skipSchemaValidation"] = json!(true);
    http.put(ns, "corner", &spec).map(drop)
}

/// The problem says in which file, line and column, as Go counts them.
fn template_fails(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "template-fails");
    let digest = ctx.upload("faulty")?;
    for (fault, line, column, words) in [
        ("fail", 2, 5, "no luck today"),
        ("nil", 4, 17, "nil pointer evaluating interface {}.there"),
        ("required", 6, 10, "a harbour is needed"),
    ] {
        let values = json!({"fault": fault});
        for answer in [
            http.send_json("PUT", &release(ns, "corner"), &[WAIT], &body(&digest, values.clone()))?,
            http.send_json("PUT", &release(ns, "corner"), &[], &body(&digest, values.clone()))?,
            http.send_json("POST", "/v1/template", &[], &json!({"chart": {"upload": digest}, "values": values}))?,
        ] {
            let problem = answer.problem(422, "TEMPLATE_FAILED")?;
            is(&problem, "/template/file", "faulty/templates/fault.yaml")?;
            is(&problem, "/template/line", line).with_context(|| problem.to_string())?;
            is(&problem, "/template/column", column).with_context(|| problem.to_string())?;
            contains("the detail", text(&problem, "/detail")?, words)?;
        }
    }
    // One that cannot even be parsed.
    let broken = archive::pack(&[
        Entry::file("broken/Chart.yaml", b"apiVersion: v2\nname: broken\nversion: 1.0.0\n"),
        Entry::file("broken/templates/a.yaml", b"a: b\nc: {{ if }}\n"),
    ])?;
    let digest = http.upload(&broken)?;
    let answer = http.send_json("PUT", &release(ns, "corner"), &[WAIT], &body(&digest, json!({})))?;
    let problem = answer.problem(422, "TEMPLATE_FAILED")?;
    is(&problem, "/template/file", "broken/templates/a.yaml")?;
    is(&problem, "/template/line", 2)?;
    nothing_left(ctx, ns)
}

fn manifest_is_no_yaml(ctx: &Ctx<'_>) -> Result<()> {
    let ns = "manifest-is-no-yaml";
    let problem = install(ctx, ns, "faulty", json!({"fault": "yaml"}))?.problem(422, "INVALID_MANIFEST")?;
    contains("the detail", text(&problem, "/detail")?, "faulty/templates/fault.yaml")?;
    nothing_left(ctx, ns)
}

fn kind_is_unknown(ctx: &Ctx<'_>) -> Result<()> {
    let ns = "kind-is-unknown";
    let problem = install(ctx, ns, "faulty", json!({"fault": "kind"}))?.problem(422, "INVALID_MANIFEST")?;
    contains("the detail", text(&problem, "/detail")?, "Unheard")?;
    nothing_left(ctx, ns)
}

/// The API server itself finds the fault: the install has failed, is recorded as such, and can be taken away.
fn object_is_refused(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "object-is-refused");
    let problem = install(ctx, ns, "faulty", json!({"fault": "object"}))?.problem(422, "APPLY_FAILED")?;
    let failed = at(&problem, "/failedResources/0")?;
    is(failed, "/kind", "Service")?;
    is(failed, "/name", "corner-refused")?;
    contains("the detail", text(&problem, "/detail")?, "123456")?;
    http.expect_release(ns, "corner", 1, "failed")?;
    // The next change starts from there.
    let digest = ctx.upload("faulty")?;
    http.put(ns, "corner", &body(&digest, json!({})))?;
    http.expect_release(ns, "corner", 2, "deployed")?;
    http.uninstall(ns, "corner")?;
    http.expect_no_releases(ns)?;
    if let Some(kubectl) = ctx.kubectl {
        kubectl.expect_nothing(ns)?;
    }
    // And it can be asked to leave nothing at once.
    let mut spec = body(&digest, json!({"fault": "object"}));
    spec["onFailure"] = json!({"rollback": true});
    http.send_json("PUT", &release(ns, "corner"), &[WAIT], &spec)?.problem(422, "APPLY_FAILED")?;
    http.expect_no_releases(ns)?;
    if let Some(kubectl) = ctx.kubectl {
        kubectl.expect_nothing(ns)?;
    }
    Ok(())
}

fn chart_cannot_be_installed(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "chart-cannot-be-installed");
    for (chart, words) in [
        (&b"apiVersion: v2\nname: x\nversion: 1.0.0\nkubeVersion: '>=99.0'\n"[..], "99.0"),
        (b"apiVersion: v2\nname: x\nversion: 1.0.0\ntype: library\n", "library"),
        (
            b"apiVersion: v2\nname: x\nversion: 1.0.0\ndependencies: [{name: nowhere, version: 1.x, repository: ''}]\n",
            "nowhere",
        ),
    ] {
        let digest = http.upload(&archive::pack(&[Entry::file("x/Chart.yaml", chart)])?)?;
        let answer = http.send_json("PUT", &release(ns, "corner"), &[WAIT], &body(&digest, json!({})))?;
        let problem = answer.problem(422, "CHART_NOT_INSTALLABLE")?;
        contains("the detail", text(&problem, "/detail")?, words)?;
    }
    nothing_left(ctx, ns)
}

fn object_of_another_release(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "object-of-another-release");
    let digest = ctx.upload("shop")?;
    let spec = body(&digest, json!({"fixedName": "the-one"}));
    http.put(ns, "first", &spec)?;
    let problem = http.send_json("PUT", &release(ns, "second"), &[WAIT], &spec)?.problem(409, "OWNERSHIP_CONFLICT")?;
    contains("the detail", text(&problem, "/detail")?, "the-one")?;
    http.get(&release(ns, "second"))?.problem(404, "RELEASE_NOT_FOUND")?;
    if let Some(kubectl) = ctx.kubectl {
        equal("an object of the second", kubectl.find(ns, "deployment", "second-shop")?, None)?;
        is(&kubectl.object(ns, "configmap", "the-one")?, "/data/owner", "first")?;
    }
    Ok(())
}

fn no_such_cluster(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    let digest = ctx.upload("shop")?;
    let path = "/v1/clusters/elsewhere/namespaces/web/releases";
    http.get(path)?.problem(404, "CLUSTER_NOT_FOUND")?;
    http.get("/v1/clusters/elsewhere/releases")?.problem(404, "CLUSTER_NOT_FOUND")?;
    let spec = body(&digest, json!({}));
    http.send_json("PUT", &format!("{path}/corner"), &[WAIT], &spec)?.problem(404, "CLUSTER_NOT_FOUND")?;
    http.send("DELETE", &format!("{path}/corner"), &[WAIT], b"")?.problem(404, "CLUSTER_NOT_FOUND")?;
    Ok(())
}

fn namespace_is_missing(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "namespace-is-missing");
    let digest = ctx.upload("shop")?;
    let mut spec = body(&digest, json!({}));
    spec["createNamespace"] = json!(false);
    let problem = http.send_json("PUT", &release(ns, "corner"), &[WAIT], &spec)?.any_problem()?;
    contains("the detail", text(&problem, "/detail")?, ns)?;
    nothing_left(ctx, ns)
}

fn set_flags(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "set-flags");
    let digest = ctx.upload("shop")?;
    for (field, value) in [
        ("set", json!(["a"])),
        ("set", json!(["a[9999999999]=1"])),
        ("set", json!(["a[-1]=1"])),
        ("setJson", json!(["a={"])),
        ("setFile", json!({"a": "*** no base64 ***"})),
    ] {
        let mut spec = body(&digest, json!({}));
        spec[field] = value;
        let answer = http.send_json("PUT", &release(ns, "corner"), &[WAIT], &spec)?;
        let problem = answer.problem(422, "INVALID_INPUT").with_context(|| format!("{field}: {}", spec[field]))?;
        contains("the place", text(&problem, "/errors/0/pointer")?, &format!("/{field}"))?;
    }
    nothing_left(ctx, ns)
}

/// What is refused on an upgrade changes nothing of the release in place.
fn upgrade_leaves_the_release_alone(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "upgrade-leaves-the-release-alone");
    let digest = ctx.upload("faulty")?;
    http.put(ns, "corner", &body(&digest, json!({"fault": "none"})))?;
    for (values, reason) in [
        (json!({"fault": "fail"}), "TEMPLATE_FAILED"),
        (json!({"fault": "yaml"}), "INVALID_MANIFEST"),
        (json!({"fault": "kind"}), "INVALID_MANIFEST"),
    ] {
        http.send_json("PUT", &release(ns, "corner"), &[WAIT], &body(&digest, values))?.problem(422, reason)?;
    }
    http.expect_release(ns, "corner", 1, "deployed")?;
    let revisions = http.get_json(&format!("{}/revisions", release(ns, "corner")))?;
    equal("revisions", list(&revisions, "/items")?.len(), 1)
}

fn large_and_deep(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "large-and-deep");
    let deep = "[".repeat(100_000);
    for (media, sent) in
        [(JSON, format!("{{\"values\": {deep}")), (("Content-Type", "application/yaml"), format!("values: {deep}"))]
    {
        http.send("PUT", &release(ns, "corner"), &[media, WAIT], sent.as_bytes())?.any_problem()?;
    }
    // Each line doubles the one before: nine of them would be 10^9 elements.
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for n in 1..10 {
        let before = format!("*a{}", n - 1);
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", [before.as_str(); 10].join(",")));
    }
    http.send("PUT", &release(ns, "corner"), &[("Content-Type", "application/yaml"), WAIT], bomb.as_bytes())?
        .any_problem()?;
    http.get("/healthz")?.expect(200)?;
    nothing_left(ctx, ns)
}
