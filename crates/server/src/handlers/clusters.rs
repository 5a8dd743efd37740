//! Clusters.

use std::time::Duration;

use crate::app::App;
use crate::ctx::{Ctx, Outcome};
use crate::problems;
use crate::reply::Reply;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn cluster_list(ctx: Ctx) -> Outcome {
    let items = vec![look(&ctx.app).await];
    Reply::ok().value(&ctx, &api::ClusterList { items })
}

pub(super) async fn cluster_get(ctx: Ctx) -> Outcome {
    ctx.cluster()?;
    let cluster = look(&ctx.app).await;
    let tag = cluster.kubernetes_version.clone().unwrap_or_else(|| "unreachable".to_owned());
    Reply::ok().etag(&tag).value(&ctx, &cluster)
}

async fn look(app: &App) -> api::Cluster {
    let error = match tokio::time::timeout(PATIENCE, app.engine.cluster().version()).await {
        Ok(Ok(version)) => return cluster(Some(version.git_version), None),
        Ok(Err(error)) => problems::of(engine::Error::Cluster(error)),
        Err(_) => problems::slow_cluster(PATIENCE),
    };
    cluster(None, Some(*error))
}

fn cluster(kubernetes_version: Option<String>, error: Option<api::Problem>) -> api::Cluster {
    api::Cluster {
        name: "default".to_owned(),
        engine: api::EngineKind::Native,
        reachable: error.is_none(),
        kubernetes_version,
        error,
    }
}
