//! `watch=true`: the releases there are, and then what happens to them.

use std::sync::Arc;
use std::time::Duration;

use api::{Problem, UnreachableCluster};
use bytes::{Bytes, BytesMut};
use futures::future::{join_all, select_all};
use futures::stream::unfold;
use futures::{FutureExt, StreamExt};
use http::Response;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Wanted;
use super::hub::{Hub, Snapshot, Turn};
use crate::clusters::Member;
use crate::ctx::Ctx;
use crate::limits::Place;
use crate::watch::{data, respond, write};

/// How many releases are looked at, or events read, for one piece of the answer.
const PIECE: usize = 128;

/// How long a stream lasts that lacks a cluster.
const INCOMPLETE: Duration = Duration::from_secs(60);

/// What a stream is read from.
pub(crate) struct Sources {
    pub(crate) hubs: Vec<Arc<Hub>>,
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
pub(crate) fn stream(
    ctx: &Ctx,
    sources: Sources,
    wanted: Wanted,
    place: Place,
) -> Result<Response<axum::body::Body>, Box<Problem>> {
    let Sources { hubs, unreachable, changes } = sources;
    let time = ctx.app.config.limits.stream_time;
    let end = Instant::now() + if unreachable.is_empty() { time } else { time.min(INCOMPLETE) };
    let reader = Reader { unreachable, ..Reader::new(hubs, wanted, ctx.header("last-event-id")) };
    let names = || ctx.path.get("cluster").cloned();
    let (clusters, of_one) = (ctx.app.clusters.clone(), names().and_then(|name| ctx.app.clusters.get(&name)));
    let mut watched = changes.unwrap_or_else(|| clusters.changes());
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

/// One stream's place in the events of some clusters.
struct Reader {
    sources: Vec<Source>,
    wanted: Wanted,
    /// Whether it has to be said that what was seen before no longer counts.
    reset: bool,
    synced: bool,
    /// The clusters that are missing, as long as it was not said.
    unreachable: Vec<UnreachableCluster>,
}

struct Source {
    hub: Arc<Hub>,
    /// The last event that was seen.
    seen: u64,
    moved: watch::Receiver<u64>,
    /// What there was to begin with, and how much of it was told.
    first: Option<(Snapshot, usize)>,
}

impl Reader {
    fn new(hubs: Vec<Arc<Hub>>, wanted: Wanted, last: Option<&str>) -> Self {
        let resumed = last.and_then(|last| resume(&hubs, last));
        let seen = resumed.clone().unwrap_or_default();
        let sources = hubs.into_iter().enumerate().map(|(at, hub)| match seen.get(at) {
            Some(seen) => Source { seen: *seen, moved: hub.feed.subscribe(), first: None, hub },
            None => {
                let snapshot = hub.snapshot();
                Source { seen: snapshot.number, moved: hub.feed.subscribe(), first: Some((snapshot, 0)), hub }
            }
        });
        Self {
            sources: sources.collect(),
            wanted,
            reset: last.is_some() && resumed.is_none(),
            synced: false,
            unreachable: Vec::new(),
        }
    }

    /// The next piece of the answer; `None` when this reader was too slow.
    async fn next(&mut self) -> Option<Bytes> {
        let mut piece = BytesMut::new();
        if std::mem::take(&mut self.reset) {
            write(&mut piece, None, "reset", b"{}");
        }
        for missing in std::mem::take(&mut self.unreachable) {
            write(&mut piece, None, "unreachable", &data(&missing));
        }
        loop {
            let more = self.tell_first(&mut piece);
            if !piece.is_empty() {
                return Some(piece.freeze());
            }
            if more {
                // Nothing of this part is wanted; others have their turn.
                tokio::task::yield_now().await;
                continue;
            }
            let before = self.id();
            self.tell_events(&mut piece)?;
            if !self.synced && self.id() == before {
                self.synced = true;
                write(&mut piece, Some(&before), "synced", b"{}");
            }
            if !piece.is_empty() {
                return Some(piece.freeze());
            }
            if self.sources.is_empty() {
                return std::future::pending().await;
            }
            if self.id() == before {
                let moved = self.sources.iter_mut().map(|source| source.moved.changed().boxed());
                // A hub that is gone tells nothing more, and its stream is over.
                select_all(moved).await.0.ok()?;
            }
        }
    }

    /// Tells a part of what there was to begin with; `true` when there may be more.
    fn tell_first(&mut self, piece: &mut BytesMut) -> bool {
        for source in &mut self.sources {
            let Some((snapshot, told)) = &mut source.first else { continue };
            let part = snapshot.items.iter().skip(*told).take(PIECE);
            *told += part.len();
            for item in part.filter(|item| self.wanted.wants(&item.row)) {
                write(piece, None, "added", item.data(&source.hub.cluster));
            }
            if *told >= snapshot.items.len() {
                source.first = None;
            }
            return true;
        }
        false
    }

    fn tell_events(&mut self, piece: &mut BytesMut) -> Option<()> {
        for at in 0..self.sources.len() {
            let Some(source) = self.sources.get_mut(at) else { continue };
            source.moved.mark_unchanged();
            let hub = source.hub.clone();
            for turn in hub.feed.after(source.seen, PIECE)? {
                if let Some(source) = self.sources.get_mut(at) {
                    source.seen += 1;
                }
                self.tell(piece, &hub, &turn);
            }
        }
        Some(())
    }

    /// Tells what has happened to a release in the terms of the filter: one that is wanted only now is new.
    fn tell(&self, piece: &mut BytesMut, hub: &Hub, turn: &Turn) {
        let wanted = |item: &&Arc<super::hub::Item>| self.wanted.wants(&item.row);
        let (before, after) = (turn.before.as_ref().filter(wanted), turn.after.as_ref().filter(wanted));
        let (event, item) = match (before, after) {
            (None, None) => return,
            (None, Some(item)) => ("added", item),
            (Some(_), Some(item)) => ("modified", item),
            (Some(item), None) => ("deleted", item),
        };
        write(piece, Some(&self.id()), event, item.data(&hub.cluster));
    }

    /// What a client names to go on from here.
    fn id(&self) -> String {
        let ids =
            self.sources.iter().map(|source| format!("{}={}", source.hub.cluster, source.hub.feed.id(source.seen)));
        ids.collect::<Vec<_>>().join(",")
    }
}

/// Reads from where to go on with each cluster; `None` when that is not possible with all of them.
fn resume(hubs: &[Arc<Hub>], last: &str) -> Option<Vec<u64>> {
    let ids: Vec<(&str, &str)> = last.split(',').filter_map(|part| part.split_once('=')).collect();
    let seen = |hub: &Arc<Hub>| {
        let (_, id) = ids.iter().find(|(cluster, _)| *cluster == hub.cluster)?;
        let seen = hub.feed.number(id)?;
        hub.feed.after(seen, 0).map(|_| seen)
    };
    hubs.iter().map(seen).collect()
}
