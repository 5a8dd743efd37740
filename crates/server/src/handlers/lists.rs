//! Lists of releases and revisions.

use std::sync::Arc;
use std::time::Duration;

use api::{InputError, Problem, Reason, ReleaseList, ReleaseSummary, UnreachableCluster};
use engine::Engine;
use futures::future::join_all;
use release::{Head, Item, ListFilter, Row, Scope, Sort, Status, Watched};

use crate::cache::{self, Wanted, know, summary};
use crate::clusters::Member;
use crate::convert;
use crate::ctx::{Ctx, Outcome};
use crate::page::{Place, Window, page};
use crate::problems;
use crate::reply::Reply;

/// How long a list across clusters waits for one of them.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn release_list_all(ctx: Ctx) -> Outcome {
    let ask = Ask::new(&ctx, Scope::All)?;
    let members = ctx.app.clusters.all();
    if ask.watch {
        return watch_all(&ctx, members, ask).await;
    }
    let found = join_all(members.iter().map(|member| member.patiently(PATIENCE, find(&ctx, member, &ask)))).await;
    let (found, unreachable) = each(&ctx, &members, found)?;
    let all = found.into_iter().flatten();
    let taken = ask.window.take(all);
    let (items, cont) = ask.window.close(taken);
    Reply::ok().value(&ctx, &ReleaseList { items, cont, unreachable })
}

/// Parts what was found in each cluster from those where it was not: one that cannot be reached, or where the caller may not look,
/// takes nothing away from the others.
fn each<T>(
    ctx: &Ctx,
    members: &[Arc<Member>],
    found: Vec<Result<T, Box<Problem>>>,
) -> Result<(Vec<T>, Vec<UnreachableCluster>), Box<Problem>> {
    let (mut good, mut unreachable) = (Vec::new(), Vec::new());
    for (member, found) in members.iter().zip(found) {
        match found {
            Ok(found) => good.push(found),
            Err(error) => unreachable.push(UnreachableCluster { cluster: member.name.clone(), error: *error }),
        }
    }
    // When nothing can be seen anywhere, that has a reason other than that clusters are away.
    if good.is_empty()
        && let Some(at) = unreachable.iter().position(|one| one.error.reason != Reason::ClusterUnreachable)
    {
        return Err(Box::new(unreachable.swap_remove(at).error));
    }
    for (cluster, _) in ctx.app.clusters.broken() {
        let text = format!("the Secret of cluster `{cluster}` cannot be used; `/v1/clusters/{cluster}` says why");
        unreachable.push(UnreachableCluster { cluster, error: Problem::new(Reason::ClusterUnreachable, text) });
    }
    unreachable.sort_by(|a, b| a.cluster.cmp(&b.cluster));
    Ok((good, unreachable))
}

pub(super) async fn release_list_cluster(ctx: Ctx) -> Outcome {
    one(&ctx, Scope::All).await
}

pub(super) async fn release_list(ctx: Ctx) -> Outcome {
    ctx.cluster()?;
    let namespace = ctx.namespace()?.to_owned();
    one(&ctx, Scope::Namespace(namespace)).await
}

pub(super) async fn revision_list(ctx: Ctx) -> Outcome {
    let target = ctx.target()?;
    let items = ctx.reader()?.history(&target).await.map_err(problems::of)?;
    let revisions = items.iter().map(convert::revision);
    let place = |r: &api::Revision| Place { by: number(r.revision), id: Vec::new() };
    let scope = format!("revisions {} {}", target.namespace, target.name);
    let (items, cont) = page(revisions, place, false, &ctx.query, &scope)?;
    Reply::ok().value(&ctx, &api::RevisionList { items, cont })
}

/// The list of one cluster.
async fn one(ctx: &Ctx, scope: Scope) -> Outcome {
    let (cluster, ask) = (ctx.cluster()?, Ask::new(ctx, scope)?);
    if ask.watch {
        return watch(ctx, vec![cluster], ask).await;
    }
    let found = find(ctx, &cluster, &ask).await?;
    let (items, cont) = ask.window.close(found);
    Reply::ok().value(ctx, &ReleaseList { items, cont, unreachable: Vec::new() })
}

async fn watch(ctx: &Ctx, members: Vec<Arc<Member>>, ask: Ask) -> Outcome {
    let place = ctx.stream_place()?;
    for member in &members {
        ctx.app.access.lister(member, &ctx.caller, ask.namespace()).await?;
    }
    cache::stream(ctx, cache::Sources::of(&members).await?, ask.wanted, place).await
}

/// As [`watch`], of all clusters that can be reached, with a word about those that cannot.
async fn watch_all(ctx: &Ctx, members: Vec<Arc<Member>>, ask: Ask) -> Outcome {
    let place = ctx.stream_place()?;
    // Clusters that come from here on end the stream.
    let changes = ctx.app.clusters.changes();
    let found = join_all(members.iter().map(|member| {
        member.patiently(PATIENCE, async {
            ctx.app.access.lister(member, &ctx.caller, ask.namespace()).await?;
            member.cache.events().await
        })
    }))
    .await;
    let (hubs, unreachable) = each(ctx, &members, found)?;
    if hubs.is_empty()
        && let [only] = unreachable.as_slice()
    {
        return Err(Box::new(only.error.clone()));
    }
    cache::stream(ctx, cache::Sources { hubs, unreachable, changes: Some(changes) }, ask.wanted, place).await
}

/// What is asked for.
struct Ask {
    wanted: Wanted,
    sort: Sort,
    window: Window,
    watch: bool,
}

impl Ask {
    fn new(ctx: &Ctx, scope: Scope) -> Result<Self, Box<Problem>> {
        let query = &ctx.query;
        let (sort, descending) = sort(query.get("sort").unwrap_or("name"));
        let chart = query.get("chart").map(str::to_owned);
        let list = format!(
            "{} {scope:?} {:?} {:?} {:?} {chart:?} {:?}",
            ctx.path("cluster"),
            query.list("status"),
            query.get("filter"),
            query.get("selector"),
            query.get("sort")
        );
        let window = Window::read(query, &list, descending)?;
        Ok(Self { wanted: Wanted { scope, filter: filter(ctx)?, chart }, sort, window, watch: query.flag("watch") })
    }

    /// The namespace that is asked for; none for all.
    fn namespace(&self) -> Option<&str> {
        match &self.wanted.scope {
            Scope::All => None,
            Scope::Namespace(namespace) => Some(namespace),
        }
    }

    /// Only those look at all revisions who ask for superseded ones alone.
    fn of_all_revisions(&self) -> bool {
        self.wanted.filter.statuses == [Status::Superseded]
    }
}

type Found = Vec<(Place, ReleaseSummary)>;

/// Finds the page that is asked for, and one more, in one cluster, for a caller who may list there.
async fn find(ctx: &Ctx, member: &Member, ask: &Ask) -> Result<Found, Box<Problem>> {
    let engine = ctx.app.access.lister(member, &ctx.caller, ask.namespace()).await?;
    match member.cache.current().await {
        Some(watched) => from_cache(&member.name, watched, ask).await.map_err(|error| problems::of(error.into())),
        None => from_cluster(&engine, &member.name, ask).await,
    }
}

/// Looks into memory; opens those records only that are shown, or all when they are sorted or chosen by what is in them.
async fn from_cache(cluster: &str, watched: &Watched, ask: &Ask) -> Result<Found, release::Error> {
    let view = if ask.of_all_revisions() { Arc::new(watched.revisions()) } else { watched.view() };
    if ask.sort.needs_glances() || ask.wanted.chart.is_some() {
        know(watched, &view).await?;
    }
    let place =
        |row: &Row| Place { by: by_row(ask.sort, row), id: id(row.name(), row.namespace(), row.revision(), cluster) };
    let rows: Vec<Arc<Row>> = view
        .sorted(ask.sort, ask.window.is_descending(), |row| ask.window.is_past(&place(row)))
        .filter(|row| ask.wanted.wants(row))
        .take(ask.window.limit + 1)
        .cloned()
        .collect();
    watched.open(&rows).await?;
    Ok(rows.iter().filter_map(|row| Some((place(row), summary(cluster, row)?))).collect())
}

/// Asks the cluster; opens no more records than it must.
async fn from_cluster(engine: &Engine, cluster: &str, ask: &Ask) -> Result<Found, Box<Problem>> {
    let (sort, chart) = (ask.sort, ask.wanted.chart.as_deref());
    let id = |head: &Head| id(&head.key.name, &head.key.namespace, head.key.revision, cluster);
    let items = if engine.ledger().lists_whole() {
        engine.list(&ask.wanted.scope, &ask.wanted.filter).await
    } else {
        let heads = engine.heads(&ask.wanted.scope, &ask.wanted.filter).await.map_err(problems::of)?;
        let heads = if chart.is_none() && !sort.needs_glances() {
            let placed = heads.into_iter().map(|head| (Place { by: by_head(sort, &head), id: id(&head) }, head));
            ask.window.take(placed).into_iter().map(|(_, head)| head).collect()
        } else {
            heads
        };
        engine.open(heads).await
    };
    let of_chart = |item: &Item| chart.is_none_or(|c| item.peek.as_ref().is_ok_and(|peek| peek.metadata.name == c));
    let placed = items.map_err(problems::of)?.into_iter().filter(of_chart).map(|item| {
        let place = Place { by: by_item(sort, &item), id: id(&item.head) };
        (place, convert::summary(cluster, &item))
    });
    Ok(ask.window.take(placed))
}

fn filter(ctx: &Ctx) -> Result<ListFilter, Box<Problem>> {
    let wrong = |name: &str, text: String| {
        let errors = vec![InputError::parameter(name, text)];
        Box::new(Problem::of_errors(Reason::InvalidParameter, errors))
    };
    let mut filter = ListFilter::default();
    for text in ctx.query.list("status") {
        let status: Status = text.parse().map_err(|_| wrong("status", format!("`{text}` is no status")))?;
        filter.statuses.push(status);
    }
    if let Some(text) = ctx.query.get("selector") {
        filter.selector = text.parse().map_err(|e: release::InvalidSelector| wrong("selector", e.to_string()))?;
    }
    if let Some(text) = ctx.query.get("filter") {
        let regex = super::regex(text)?;
        filter.name = Some(Arc::new(move |name: &str| regex.is_match(name)));
    }
    Ok(filter)
}

fn sort(text: &str) -> (Sort, bool) {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let sort = match name {
        "namespace" => Sort::Namespace,
        "status" => Sort::Status,
        "revision" => Sort::Revision,
        "updated" => Sort::Updated,
        "chart" => Sort::Chart,
        _ => Sort::Name,
    };
    (sort, descending)
}

/// What makes a place unique; it is the same wherever the items come from.
fn id(name: &str, namespace: &str, revision: u32, cluster: &str) -> Vec<String> {
    vec![name.to_owned(), namespace.to_owned(), number(revision), cluster.to_owned()]
}

fn by_row(sort: Sort, row: &Row) -> String {
    let glance = row.glance().and_then(Result::ok);
    match sort {
        Sort::Name => row.name().to_owned(),
        Sort::Namespace => row.namespace().to_owned(),
        Sort::Status => row.status().to_string(),
        Sort::Revision => number(row.revision()),
        Sort::Updated => glance.map_or_else(String::new, |glance| moment(glance.updated.as_ref())),
        Sort::Chart => glance.map_or_else(String::new, |glance| format!("{} {}", glance.chart, glance.version)),
    }
}

fn by_head(sort: Sort, head: &Head) -> String {
    match sort {
        Sort::Namespace => head.key.namespace.clone(),
        Sort::Status => head.status.to_string(),
        Sort::Revision => number(head.key.revision),
        Sort::Name | Sort::Updated | Sort::Chart => head.key.name.clone(),
    }
}

fn by_item(sort: Sort, item: &Item) -> String {
    match (sort, &item.peek) {
        (Sort::Updated, Ok(peek)) => moment(peek.info.last_deployed.as_ref()),
        (Sort::Chart, Ok(peek)) => format!("{} {}", peek.metadata.name, peek.metadata.version),
        (Sort::Updated | Sort::Chart, Err(_)) => String::new(),
        (other, _) => by_head(other, &item.head),
    }
}

/// A time as text that sorts as the time does.
fn moment(time: Option<&release::Time>) -> String {
    format!("{:039}", time.map_or(0, |time| time.timestamp().as_nanosecond()))
}

/// A number as text that sorts as the number does.
fn number(n: u32) -> String {
    format!("{n:010}")
}
