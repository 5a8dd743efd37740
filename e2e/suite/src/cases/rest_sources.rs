//! Charts that a server fetches itself, from a repository and from a real registry, and the real Helm that goes on with them.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::oci::Both;
use super::{Case, Ctx, case};
use crate::check::{contains, equal};
use crate::cluster::{Kubectl, free_ports};
use crate::helm::Helm;
use crate::http::{Http, Response};
use crate::process;
use crate::runner::Skip;
use crate::server::Server;

pub(super) const CASES: &[Case] = &[case("rest_sources/repository-and-registry", repository_and_registry)];

const RELEASE: &str = "/v1/clusters/default/namespaces/web/releases/shop";

fn send(http: &Http, method: &str, path: &str, body: &Value) -> Result<Response> {
    let headers = [("content-type", "application/json"), ("prefer", "wait=60")];
    http.send(method, path, &headers, body.to_string().as_bytes())
}

fn repository_and_registry(ctx: &Ctx<'_>) -> Result<()> {
    let fixtures = ctx.fixtures.ok_or_else(|| Skip("the real Helm was not built".to_owned()))?;
    let both = Both::new(ctx, "rest", 175, true)?;
    let (root, shop) = (ctx.work.join("rest-sources"), ctx.chart("shop"));
    let (charts, home) = (root.join("charts"), root.join("helm"));
    fs::create_dir_all(&charts)?;
    fs::create_dir_all(&home)?;
    // Helm packs and publishes, in a registry that wants to know who asks.
    let helm = |line: &str| both.run("helm", line)?.success().with_context(|| format!("helm {line}"));
    for version in ["1.4.0", "1.5.0", "2.0.0-rc.1"] {
        helm(&format!("package {shop} --version {version} -d {}", charts.display()))?;
    }
    helm(&format!("package {shop} --version 1.6.0+build.1 -d OUT"))?;
    helm("registry login HOST --plain-http -u u -p secret")?;
    helm("push OUT/shop-1.6.0+build.1.tgz oci://HOST/charts --plain-http")?;

    let kubernetes = format!("127.0.0.1:{}", free_ports(ctx.port + 180, 1)?);
    let folder = charts.to_string_lossy().into_owned();
    let flags = ["--sandbox", "--sandbox-listen", &kubernetes, "--repository-dir", &folder];
    let flags = [&flags[..], &["--allow-repository-hosts", "127.0.0.1"]].concat();
    let server = Server::start(ctx.whipstaff, "rest-sources", &flags, ctx.work, ctx.port + 185, "/readyz")?;
    let kubeconfig = Kubectl::of_sandbox(fixtures, &kubernetes, &root)?.kubeconfig().to_owned();
    let http = &server.http;

    // The server's own repository is one like any other.
    let own = json!({"url": format!("{}/repository", http.base())});
    send(http, "PUT", "/v1/repositories/own", &own)?.expect(201)?;
    let host = both.host();
    let images = json!({"url": format!("oci://{host}/charts"), "plainHttp": true, "charts": ["shop"],
        "username": "u", "password": "secret"});
    let made = send(http, "PUT", "/v1/repositories/images", &images)?.expect(201)?;
    if made.text().contains("secret") {
        bail!("a password comes back: {}", made.text());
    }
    let latest = http.get_json("/v1/repositories/own/charts/shop/versions/latest")?;
    equal("the newest that is no pre-release", &latest["version"], &json!("1.5.0"))?;
    let tagged = http.get_json("/v1/repositories/images/charts/shop/versions")?;
    equal("a tag as a version", &tagged["items"][0]["version"], &json!("1.6.0+build.1"))?;

    // What parts of it are is what Helm shows of them.
    for part in ["values", "readme"] {
        let accept = if part == "values" { "application/yaml" } else { "text/markdown" };
        let path = format!("/v1/repositories/images/charts/shop/versions/latest/{part}");
        let ours = http.send("GET", &path, &[("accept", accept)], b"")?.expect(200)?.text();
        let theirs = helm(&format!("show {part} oci://HOST/charts/shop --plain-http"))?.text();
        equal(part, ours, theirs)?;
    }

    // Installed by a constraint, upgraded from the registry, and then Helm takes over.
    let body = json!({"chart": {"repository": "own", "name": "shop", "version": "^1.4"}, "createNamespace": true});
    send(http, "PUT", RELEASE, &body)?.expect(200)?;
    equal("the chart", &http.get_json(RELEASE)?["chart"]["version"], &json!("1.5.0"))?;
    let reference = format!("oci://{host}/charts/shop");
    let body = json!({"chart": {"oci": reference, "version": "~1.6.0"}});
    send(http, "PUT", RELEASE, &body)?.expect(200)?;
    let of_release = Helm::new(&fixtures.helm, &home, Some(&kubeconfig));
    let theirs = |words: &[&str]| -> Result<String> {
        let output = process::run(&mut of_release.command(words), Duration::from_secs(60))?;
        Ok(output.success().with_context(|| format!("helm {}", words.join(" ")))?.text())
    };
    contains("Helm's list", &theirs(&["list", "-n", "web"])?, "shop-1.6.0+build.1")?;
    let packed = charts.join("shop-1.4.0.tgz").to_string_lossy().into_owned();
    contains("Helm's upgrade", &theirs(&["upgrade", "shop", &packed, "-n", "web"])?, "REVISION: 3")?;
    equal("Helm's chart", &http.get_json(RELEASE)?["chart"]["version"], &json!("1.4.0"))?;

    // Somewhere else there is no login, and nothing is fetched.
    let body = json!({"chart": {"oci": format!("oci://{host}/other/shop")}});
    send(http, "PUT", RELEASE, &body)?.problem(422, "REPOSITORY_FORBIDDEN")?;
    let inner = json!({"url": "http://169.254.169.254/latest"});
    send(http, "PUT", "/v1/repositories/inner", &inner)?.problem(422, "INVALID_INPUT").map(drop)
}
