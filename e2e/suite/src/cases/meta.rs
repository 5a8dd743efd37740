//! The server itself: health, its document, and who may talk to it.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Case, Ctx, case};
use crate::check::{at, contains, equal, is, list, text};

pub(super) const CASES: &[Case] = &[
    case("meta/health", health),
    case("meta/openapi", openapi),
    case("meta/clusters", clusters),
    case("meta/no-such-path", no_such_path),
    case("meta/other-hosts-and-origins", other_hosts_and_origins),
];

fn health(ctx: &Ctx<'_>) -> Result<()> {
    for path in ["/healthz", "/readyz"] {
        is(&ctx.http()?.get_json(path)?, "/status", "ok")?;
    }
    Ok(())
}

/// The document is OpenAPI 3.1, names every operation once, and describes problems.
fn openapi(ctx: &Ctx<'_>) -> Result<()> {
    let answer = ctx.http()?.get("/openapi.json")?.expect(200)?;
    contains("the content type", answer.need_header("content-type")?, "application/json")?;
    let document = answer.json()?;
    contains("`openapi`", text(&document, "/openapi")?, "3.1")?;
    for path in [
        "/v1/charts",
        "/v1/template",
        "/v1/clusters/{cluster}/releases",
        "/v1/clusters/{cluster}/namespaces/{namespace}/releases",
        "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}",
        "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}/rollback",
        "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}/revisions",
        "/v1/operations/{id}",
        "/healthz",
        "/readyz",
        "/openapi.json",
    ] {
        at(&document, "/paths")?.get(path).with_context(|| format!("the document has no path `{path}`"))?;
    }
    let mut ids = std::collections::BTreeSet::new();
    for (path, methods) in at(&document, "/paths")?.as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let Some(id) = operation.get("operationId").and_then(Value::as_str) else { continue };
            if !ids.insert(id) {
                bail!("the operationId `{id}` is there twice, also at {method} {path}");
            }
            let described = operation["responses"].to_string().contains("application/problem+json");
            let body = operation.get("requestBody").is_some();
            if body && !described {
                bail!("{method} {path} takes a body and describes no problem");
            }
        }
    }
    if ids.len() < 20 {
        bail!("only {} operations", ids.len());
    }
    Ok(())
}

fn clusters(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    let default = http.get_json("/v1/clusters/default")?;
    is(&default, "/name", "default")?;
    is(&default, "/engine", "native")?;
    is(&default, "/reachable", true)?;
    contains("the version", text(&default, "/kubernetesVersion")?, "v1.")?;
    equal("clusters", list(&http.get_json("/v1/clusters")?, "/items")?.len(), 1)?;
    http.get("/v1/clusters/elsewhere")?.problem(404, "CLUSTER_NOT_FOUND")?;
    Ok(())
}

fn no_such_path(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    for path in ["/nowhere", "/v1", "/v2/charts", "/v1/clusters/default/namespaces", "/v1/charts/../../etc/passwd"] {
        http.get(path)?.problem(404, "NOT_FOUND")?;
    }
    let answer = http.send("PATCH", "/v1/charts", &[("Content-Type", "application/json")], b"{}")?;
    answer.problem(405, "METHOD_NOT_ALLOWED")?;
    contains("Allow", answer.need_header("allow")?, "POST")
}

/// With no authentication a web page must not reach the server through a browser.
fn other_hosts_and_origins(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    for path in ["/v1/clusters", "/v1/releases"] {
        http.send("GET", path, &[("Host", "attacker.example.com")], b"")?.any_problem()?;
        http.send("GET", path, &[("Origin", "https://attacker.example.com")], b"")?.any_problem()?;
        http.send("GET", path, &[("Origin", "null")], b"")?.any_problem()?;
    }
    http.send("GET", "/healthz", &[("Host", "localhost")], b"")?.expect(200)?;
    Ok(())
}
