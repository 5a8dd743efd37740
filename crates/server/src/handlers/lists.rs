//! Lists of releases and revisions.

use std::sync::Arc;

use api::{InputError, Problem, Reason, ReleaseList, ReleaseSummary, UnreachableCluster};
use release::{Head, Item, ListFilter, Scope, Status};

use crate::clusters::{DEFAULT, Member};
use crate::convert;
use crate::ctx::{Ctx, Outcome};
use crate::page::{Place, page};
use crate::problems;
use crate::reply::Reply;

/// The most memory that a caller's expression may compile to.
const REGEX_SIZE: usize = 1 << 20;

pub(super) async fn release_list_all(ctx: Ctx) -> Outcome {
    let member =
        ctx.app.clusters.get(DEFAULT).ok_or_else(|| crate::reply::internal("the cluster `default` is gone"))?;
    let list = match list(&ctx, &member, Scope::All).await {
        Ok(list) => list,
        // A cluster that cannot be reached takes nothing away from the others.
        Err(error) if error.reason == Reason::ClusterUnreachable => ReleaseList {
            unreachable: vec![UnreachableCluster { cluster: member.name.clone(), error: *error }],
            ..ReleaseList::default()
        },
        Err(error) => return Err(error),
    };
    Reply::ok().value(&ctx, &list)
}

pub(super) async fn release_list_cluster(ctx: Ctx) -> Outcome {
    let list = list(&ctx, &*ctx.cluster()?, Scope::All).await?;
    Reply::ok().value(&ctx, &list)
}

pub(super) async fn release_list(ctx: Ctx) -> Outcome {
    let cluster = ctx.cluster()?;
    let namespace = ctx.namespace()?.to_owned();
    let list = list(&ctx, &cluster, Scope::Namespace(namespace)).await?;
    Reply::ok().value(&ctx, &list)
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

/// What a list is sorted by.
#[derive(Clone, Copy)]
enum Sort {
    Name,
    Namespace,
    Status,
    Revision,
    Updated,
    Chart,
}

/// Finds, filters and pages; opens no more records than it must.
async fn list(ctx: &Ctx, cluster: &Member, scope: Scope) -> Result<ReleaseList, Box<Problem>> {
    let query = &ctx.query;
    let (sort, descending) = sort(query.get("sort").unwrap_or("name"));
    let chart = query.get("chart");
    let names = format!(
        "{scope:?} {:?} {:?} {:?} {chart:?} {:?}",
        query.list("status"),
        query.get("filter"),
        query.get("selector"),
        query.get("sort")
    );
    let namespace = match &scope {
        Scope::All => None,
        Scope::Namespace(namespace) => Some(namespace.as_str()),
    };
    let engine = ctx.app.access.lister(cluster, &ctx.caller, namespace).await?;
    let heads = engine.heads(&scope, &filter(ctx)?).await.map_err(problems::of)?;
    let id = |head: &Head| {
        let key = &head.key;
        vec![key.name.clone(), key.namespace.clone(), number(key.revision)]
    };
    let (items, cont) = if chart.is_none() && !matches!(sort, Sort::Updated | Sort::Chart) {
        let place = |head: &Head| Place { by: by_head(sort, head), id: id(head) };
        let (heads, cont) = page(heads, place, descending, query, &names)?;
        (engine.open(heads).await.map_err(problems::of)?, cont)
    } else {
        let opened = engine.open(heads).await.map_err(problems::of)?;
        let of_chart = |item: &Item| chart.is_none_or(|c| item.peek.as_ref().is_ok_and(|peek| peek.metadata.name == c));
        let place = |item: &Item| Place { by: by_item(sort, item), id: id(&item.head) };
        page(opened.into_iter().filter(of_chart), place, descending, query, &names)?
    };
    let items: Vec<ReleaseSummary> = items.iter().map(convert::summary).collect();
    Ok(ReleaseList { items, cont, unreachable: Vec::new() })
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
        let regex = regex::RegexBuilder::new(text)
            .size_limit(REGEX_SIZE)
            .build()
            .map_err(|e| wrong("filter", format!("not a regular expression: {e}")))?;
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
        (Sort::Updated, Ok(peek)) => {
            let nanos = peek.info.last_deployed.as_ref().map_or(0, |t| t.timestamp().as_nanosecond());
            format!("{nanos:039}")
        }
        (Sort::Chart, Ok(peek)) => format!("{} {}", peek.metadata.name, peek.metadata.version),
        (Sort::Updated | Sort::Chart, Err(_)) => String::new(),
        (other, _) => by_head(other, &item.head),
    }
}

/// A number as text that sorts as the number does.
fn number(n: u32) -> String {
    format!("{n:010}")
}
