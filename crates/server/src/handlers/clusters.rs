//! Clusters.

use std::time::Duration;

use crate::clusters::Member;
use crate::ctx::{Ctx, Outcome};
use crate::problems;
use crate::reply::Reply;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn cluster_list(ctx: Ctx) -> Outcome {
    let items = futures::future::join_all(ctx.app.clusters.all().iter().map(|cluster| look(cluster))).await;
    Reply::ok().value(&ctx, &api::ClusterList { items })
}

pub(super) async fn cluster_get(ctx: Ctx) -> Outcome {
    let cluster = look(&*ctx.cluster()?).await;
    let tag = cluster.kubernetes_version.clone().unwrap_or_else(|| "unreachable".to_owned());
    Reply::ok().etag(&tag).value(&ctx, &cluster)
}

async fn look(member: &Member) -> api::Cluster {
    let name = &member.name;
    let error = match tokio::time::timeout(PATIENCE, member.own().cluster().version()).await {
        Ok(Ok(version)) => return cluster(name, Some(version.git_version), None),
        Ok(Err(error)) => problems::of(engine::Error::Cluster(error)),
        Err(_) => problems::slow_cluster(PATIENCE),
    };
    cluster(name, None, Some(*error))
}

fn cluster(name: &str, kubernetes_version: Option<String>, error: Option<api::Problem>) -> api::Cluster {
    api::Cluster {
        name: name.to_owned(),
        engine: api::EngineKind::Native,
        reachable: error.is_none(),
        kubernetes_version,
        error,
    }
}
