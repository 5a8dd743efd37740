//! Other doors to the same cluster: one that leads nowhere, and one whose user may do nothing.

use anyhow::Result;
use serde_json::json;

use super::{Case, Ctx, case};
use crate::archive;
use crate::check::{equal, is};
use crate::rest::{WAIT, body, release, releases};
use crate::server::Server;

pub(super) const CASES: &[Case] =
    &[case("doors/cluster-is-not-there", cluster_is_not_there), case("doors/user-without-rights", user_without_rights)];

fn server(ctx: &Ctx<'_>, context: &str, port: u16) -> Result<Server> {
    let (_, kubectl, _) = ctx.real()?;
    let config = kubectl.kubeconfig().to_string_lossy().into_owned();
    Server::start(
        ctx.whipstaff,
        context,
        &["--kubeconfig", &config, "--context", context],
        ctx.work,
        ctx.port + port,
        "/healthz",
    )
}

fn cluster_is_not_there(ctx: &Ctx<'_>) -> Result<()> {
    let server = server(ctx, "unreachable", 70)?;
    let http = &server.http;
    http.get("/readyz")?.problem(503, "CLUSTER_UNREACHABLE")?;
    is(&http.get_json("/v1/clusters/default")?, "/reachable", false)?;
    http.get(&releases("web"))?.problem(503, "CLUSTER_UNREACHABLE")?;
    http.get(&release("web", "corner"))?.problem(503, "CLUSTER_UNREACHABLE")?;
    // Charts and templates need no cluster.
    let digest = http.upload(&archive::folder(&ctx.charts.join("shop"))?)?;
    http.send_json("POST", "/v1/template", &[], &json!({"chart": {"upload": digest}}))?.expect(200)?;
    let spec = body(&digest, json!({}));
    let problem =
        http.send_json("PUT", &release("web", "corner"), &[WAIT], &spec)?.problem(503, "CLUSTER_UNREACHABLE")?;
    is(&problem, "/retryable", true)?;
    http.send("DELETE", &release("web", "corner"), &[WAIT], b"")?.problem(503, "CLUSTER_UNREACHABLE")?;
    http.get("/healthz")?.expect(200)?;
    Ok(())
}

fn user_without_rights(ctx: &Ctx<'_>) -> Result<()> {
    let (_, kubectl, _) = ctx.real()?;
    let server = server(ctx, "viewer", 75)?;
    let (http, ns) = (&server.http, "user-without-rights");
    http.get(&releases(ns))?.problem(403, "CLUSTER_FORBIDDEN")?;
    http.get(&release(ns, "corner"))?.problem(403, "CLUSTER_FORBIDDEN")?;
    let digest = http.upload(&archive::folder(&ctx.charts.join("shop"))?)?;
    http.send_json("PUT", &release(ns, "corner"), &[WAIT], &body(&digest, json!({})))?
        .problem(403, "CLUSTER_FORBIDDEN")?;
    equal("the namespace", kubectl.find(ns, "namespace", ns)?, None)
}
