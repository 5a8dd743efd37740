//! `watch=true`: the operations there are, and then what becomes of them; of all replicas.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use api::{Operation, Problem, Reason, ReleaseRef, State};
use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::unfold;
use http::Response;
use tokio::time::Instant;

use super::listing::{Indexed, Listing, OPERATION};
use crate::app::App;
use crate::ctx::Ctx;
use crate::home::{Home, KIND, problem_of};
use crate::limits::Place;
use crate::watch::{self, Origin, Reader, Subject, Touched, data, respond};

/// How many events are kept for those who come back.
const ROOM: usize = 1_024;
/// How long the first stream waits until everything is read that it begins with.
const READY: Duration = Duration::from_secs(30);
/// What ids call the operations.
const NAME: &str = "operations";

/// An operation as events show it.
pub(crate) struct Item {
    operation: Arc<Operation>,
    version: u64,
    data: OnceLock<Bytes>,
}

impl Item {
    fn new(operation: Arc<Operation>, version: &str) -> Self {
        Self { operation, version: version.parse().unwrap_or_default(), data: OnceLock::new() }
    }
}

impl Subject for Item {
    type Place<'a> = &'a str;

    fn place(&self) -> &str {
        &self.operation.id
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.operation, &other.operation)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn data(&self, _: &str) -> &Bytes {
        self.data.get_or_init(|| data(&self.operation))
    }
}

/// The events of operations.
pub(crate) type Hub = watch::Hub<Item>;

struct Leases(Home);

#[async_trait]
impl Origin<Item> for Leases {
    async fn touched(&self, since: u64, until: u64) -> Result<Option<Touched<Item>>, Box<Problem>> {
        let labels = format!("{KIND}={OPERATION}");
        let past = release::past(&self.0.leases()?, &labels, since, until).await.map_err(problem_of)?;
        Ok(past.map(|past| {
            let item = |meta: &kube::api::ObjectMeta| {
                let listing = Listing::read(meta.annotations.as_ref()?)?;
                Some(Item::new(Arc::new(listing.operation()), meta.resource_version.as_deref().unwrap_or_default()))
            };
            Touched { all: past.touched.iter().filter_map(item).collect(), reached: past.reached }
        }))
    }
}

/// Begins to tell of changes; it ends with the last one that holds the hub.
fn start(app: App) -> Arc<Hub> {
    let history = watch::history(&[&app.config.namespace, NAME]);
    let hub = Arc::new(Hub::new(NAME, &history, ROOM, Box::new(Leases(app.home.clone()))));
    tokio::spawn(run(Arc::downgrade(&hub), app));
    hub
}

/// An operation that was told, and what of its listing it depends on.
struct Known {
    state: State,
    cancel: bool,
    operation: Arc<Operation>,
}

impl Known {
    fn is(&self, listing: &Listing) -> bool {
        self.state == listing.state && self.cancel == listing.cancel
    }
}

async fn run(hub: Weak<Hub>, app: App) {
    let mut changes = app.operations.index.changes();
    let mut known: Option<BTreeMap<String, Known>> = None;
    let mut ending = app.ending.subscribe();
    loop {
        changes.mark_unchanged();
        let (listings, news) = app.operations.index.moment();
        let same = |known: &BTreeMap<String, Known>| {
            let is = |indexed: &Indexed| known.get(&indexed.listing.id).is_some_and(|it| it.is(&indexed.listing));
            known.len() == listings.len() && listings.iter().all(is)
        };
        let is_same = known.as_ref().is_some_and(same);
        if !is_same {
            known = Some(read(&app, &listings, known.unwrap_or_default()).await);
        }
        let Some(hub) = hub.upgrade() else { return };
        match &known {
            Some(known) if !is_same => hub.take(items(&listings, known), news),
            _ => hub.came_to(news.version),
        }
        drop(hub);
        tokio::select! {
            moved = changes.changed() => if moved.is_err() { return },
            _ = ending.wait_for(|ending| *ending) => return,
        }
    }
}

/// Reads the operations that are not as they were.
async fn read(app: &App, listings: &[Indexed], mut before: BTreeMap<String, Known>) -> BTreeMap<String, Known> {
    let mut known = BTreeMap::new();
    for Indexed { listing, .. } in listings {
        let there = before.remove(&listing.id).filter(|there| there.is(listing));
        let there = match there {
            Some(there) => there,
            None => {
                // One whose record cannot be read is shown as far as its listing tells.
                let read = app.operations.read_all(app, vec![listing.clone()]).await;
                let operation = read.ok().and_then(|mut read| read.pop()).unwrap_or_else(|| listing.operation());
                Known { state: listing.state, cancel: listing.cancel, operation: Arc::new(operation) }
            }
        };
        known.insert(listing.id.clone(), there);
    }
    known
}

fn items(listings: &[Indexed], known: &BTreeMap<String, Known>) -> Vec<Item> {
    let item = |indexed: &Indexed| {
        let known = known.get(&indexed.listing.id)?;
        Some(Item::new(known.operation.clone(), &indexed.version))
    };
    listings.iter().filter_map(item).collect()
}

/// Which operations are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The clusters whose operations the caller may see; all, when that was not asked.
    pub(crate) seen: Option<Vec<String>>,
    pub(crate) cluster: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) release: Option<String>,
    /// Any, when there is none.
    pub(crate) states: Vec<String>,
}

impl Wanted {
    /// Tells whether an operation of a release in a state is wanted.
    pub(crate) fn wants(&self, of: &ReleaseRef, state: State) -> bool {
        self.is_of(of) && (self.states.is_empty() || self.states.iter().any(|name| name == super::state_name(state)))
    }

    fn is_of(&self, of: &ReleaseRef) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|wanted| wanted == name);
        self.seen.as_ref().is_none_or(|seen| seen.contains(&of.cluster))
            && is(&self.cluster, &of.cluster)
            && is(&self.namespace, &of.namespace)
            && is(&self.release, &of.name)
    }
}

impl watch::Wanted<Item> for Wanted {
    fn wants(&self, item: &Item) -> bool {
        Wanted::wants(self, &item.operation.release, item.operation.state)
    }

    fn could_want(&self, item: &Item) -> bool {
        self.is_of(&item.operation.release)
    }
}

/// Streams the wanted operations, and what becomes of them.
pub(crate) async fn stream(ctx: &Ctx, wanted: Wanted, place: Place) -> Result<Response<Body>, Box<Problem>> {
    let operations = &ctx.app.operations;
    if !operations.index.is_synced() {
        let text = "operations cannot be watched at the moment; list them again instead";
        return Err(Box::new(Problem::new(Reason::ClusterUnreachable, text)));
    }
    let hub = operations.hub.get_or_init(|| start(ctx.app.clone())).clone();
    if tokio::time::timeout(READY, hub.ready()).await.is_err() {
        return Err(crate::problems::slow_cluster(READY));
    }
    let reader = Reader::open(vec![hub], wanted, ctx.header("last-event-id"), &[]).await?;
    let end = Instant::now() + ctx.app.config.limits.stream_time;
    let events = unfold((reader, place), |(mut reader, place)| async move {
        let piece = reader.next().await?;
        Some((piece, (reader, place)))
    });
    // Rights are looked at when a stream begins; so it ends some time, and the client comes back.
    let events = events.take_until(Box::pin(tokio::time::sleep_until(end)));
    Ok(respond(events, ctx.app.ending.subscribe()))
}
