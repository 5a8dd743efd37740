//! The server itself.

use std::time::Duration;

use api::{Problem, Reason};
use http::header;

use crate::clusters::DEFAULT;
use crate::ctx::{Ctx, Outcome};
use crate::reply::Reply;
use crate::{docs, problems};

/// How long readiness waits for the cluster.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn index(ctx: Ctx) -> Outcome {
    let links = [
        ("charts", "/v1/charts"),
        ("clusters", "/v1/clusters"),
        ("docs", "/docs"),
        ("health", "/healthz"),
        ("metrics", "/metrics"),
        ("openapi", "/openapi.json"),
        ("operations", "/v1/operations"),
        ("readiness", "/readyz"),
        ("releases", "/v1/releases"),
        ("template", "/v1/template"),
    ];
    let index = api::Index {
        name: "whipstaff: Helm as an HTTP API".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        links: links.map(|(name, url)| (name.to_owned(), url.to_owned())).into(),
    };
    Reply::ok().value(&ctx, &index)
}

pub(super) async fn openapi(ctx: Ctx) -> Outcome {
    Reply::ok().text(&ctx, "application/json", api::document_text())
}

pub(super) async fn docs(ctx: Ctx) -> Outcome {
    Reply::ok().header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'").text(
        &ctx,
        "text/html",
        docs::page().to_owned(),
    )
}

pub(super) async fn healthz(ctx: Ctx) -> Outcome {
    Reply::ok().value(&ctx, &api::Health { status: "ok".to_owned() })
}

pub(super) async fn readyz(ctx: Ctx) -> Outcome {
    if ctx.app.operations.is_closed() {
        return Err(Box::new(Problem::new(Reason::ShuttingDown, "the server is ending")));
    }
    let Some(cluster) = ctx.app.clusters.get(DEFAULT) else {
        return Err(crate::reply::internal("the cluster `default` is gone"));
    };
    match tokio::time::timeout(PATIENCE, cluster.own().cluster().version()).await {
        Ok(Ok(_)) if ctx.app.operations.is_blind() => {
            let text = "the operations of other servers are not known: the server's own namespace cannot be watched";
            Err(Box::new(Problem::new(Reason::ClusterUnreachable, text)))
        }
        Ok(Ok(_)) if ctx.app.clusters.is_blind() => {
            Err(Box::new(Problem::new(Reason::ClusterError, "it is not known yet which clusters there are")))
        }
        Ok(Ok(_)) => Reply::ok().value(&ctx, &api::Health { status: "ok".to_owned() }),
        // However it does not work: others are to be asked until it does.
        Ok(Err(error)) => Err(match *problems::of(engine::Error::Cluster(error)) {
            problem if problem.status == 503 => Box::new(problem),
            Problem { detail, .. } => Box::new(Problem::new(Reason::ClusterUnreachable, detail)),
        }),
        Err(_) => Err(problems::slow_cluster(PATIENCE)),
    }
}

pub(super) async fn metrics(ctx: Ctx) -> Outcome {
    let (app, metrics) = (&ctx.app, &ctx.app.metrics);
    for member in app.clusters.all() {
        let watched = member.cache.watched();
        let (count, standing) = (watched.count(), watched.standing());
        metrics.cache(&member.name, count.releases, count.revisions, standing == release::Standing::Current);
    }
    let (charts, bytes) = app.uploads.loaded();
    metrics.uploads(charts, bytes);
    metrics.event_streams(app.limiter.open_streams());
    Reply::ok().bytes(&ctx, "application/openmetrics-text; version=1.0.0; charset=utf-8", metrics.text())
}
