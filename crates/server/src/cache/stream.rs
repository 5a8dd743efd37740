//! `watch=true`: the releases there are, and then what happens to them.

use std::sync::Arc;
use std::time::Duration;

use api::{Problem, UnreachableCluster};
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::unfold;
use http::Response;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Wanted;
use super::rows::Item;
use crate::clusters::Member;
use crate::ctx::Ctx;
use crate::limits::Place;
use crate::watch::{Hub, Reader, data, respond};

/// How long a stream lasts that lacks a cluster.
const INCOMPLETE: Duration = Duration::from_secs(60);

/// What a stream is read from.
pub(crate) struct Sources {
    pub(crate) hubs: Vec<Arc<Hub<Item>>>,
    /// The clusters that are missing.
    pub(crate) unreachable: Vec<UnreachableCluster>,
    /// Tells that clusters have come or gone, where the stream is of all there are.
    pub(crate) changes: Option<watch::Receiver<u64>>,
}

impl Sources {
    /// The events of clusters, of which none may be missing.
    pub(crate) async fn of(members: &[Arc<Member>]) -> Result<Self, Box<Problem>> {
        let hubs = join_all(members.iter().map(|member| member.cache.events())).await;
        let hubs = hubs.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(Self { hubs, unreachable: Vec::new(), changes: None })
    }
}

/// Streams the wanted releases of some clusters, and what happens to them.
pub(crate) async fn stream(
    ctx: &Ctx,
    sources: Sources,
    wanted: Wanted,
    place: Place,
) -> Result<Response<axum::body::Body>, Box<Problem>> {
    let Sources { hubs, unreachable, changes } = sources;
    let time = ctx.app.config.limits.stream_time;
    let end = Instant::now() + if unreachable.is_empty() { time } else { time.min(INCOMPLETE) };
    let names = || ctx.path.get("cluster").cloned();
    let (clusters, of_one) = (ctx.app.clusters.clone(), names().and_then(|name| ctx.app.clusters.get(&name)));
    let mut watched = changes.unwrap_or_else(|| clusters.changes());
    let away: Vec<&str> = unreachable.iter().map(|missing| missing.cluster.as_str()).collect();
    let mut reader = Reader::open(hubs, wanted, ctx.header("last-event-id"), &away).await?;
    for missing in &unreachable {
        reader.say("unreachable", &data(missing));
    }
    // A cluster that is gone, or is reached with another kubeconfig, tells nothing more here.
    let moved = async move {
        while watched.changed().await.is_ok() {
            let same = of_one
                .as_ref()
                .is_some_and(|member| clusters.get(&member.name).is_some_and(|there| Arc::ptr_eq(&there, member)));
            if !same {
                return;
            }
        }
        std::future::pending().await
    };
    let events = unfold((reader, place), |(mut reader, place)| async move {
        let piece = reader.next().await?;
        Some((piece, (reader, place)))
    });
    // Rights are looked at when a stream begins; so it ends some time, and the client comes back.
    let events = events.take_until(Box::pin(tokio::time::sleep_until(end))).take_until(Box::pin(moved));
    Ok(respond(events, ctx.app.ending.subscribe()))
}
