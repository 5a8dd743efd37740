//! Repositories: added, changed, forgotten, looked at.

use api::{InputError, Problem, Reason, RepositoryBody};
use http::{StatusCode, header};

use super::preconditions;
use crate::access;
use crate::ctx::{Ctx, Outcome};
use crate::home::NotWritten;
use crate::page::{Place, page};
use crate::reply::Reply;
use crate::repositories::{Settings, Stored, is_name, missing, tag};

/// How often settings are written over what others write at the same time.
const TRIES: u32 = 4;
/// What this is about, in sentences.
const WHAT: &str = "repository";

pub(super) async fn repository_list(ctx: Ctx) -> Outcome {
    let repositories = &ctx.app.repositories;
    repositories.first_look().await?;
    let all = repositories.all().into_iter().map(|live| live.shown());
    let place = |shown: &api::Repository| Place { by: shown.name.clone(), id: Vec::new() };
    let (items, cont) = page(all, place, false, &ctx.query, "repositories")?;
    Reply::ok().value(&ctx, &api::RepositoryList { items, cont })
}

pub(super) async fn repository_get(ctx: Ctx) -> Outcome {
    let name = ctx.path(WHAT).to_owned();
    answer(&ctx, StatusCode::OK, &name).await
}

pub(super) async fn repository_create(ctx: Ctx) -> Outcome {
    let body: RepositoryBody = ctx.input("RepositoryBody")?;
    let name = body.name.clone().ok_or_else(|| wrong("/name", "POST needs the repository's name in the body"))?;
    if !is_name(&name) {
        return Err(wrong("/name", NAMES));
    }
    let settings = checked(&ctx, &body, None)?;
    match ctx.app.home.write_repository(&name, None, &settings).await {
        Ok(secret) => {
            ctx.app.repositories.take_in(&secret);
            answer(&ctx, StatusCode::CREATED, &name).await
        }
        Err(NotWritten::Conflict) => {
            let text = format!("there is a repository `{name}` already; change it with PUT, or choose another name");
            Err(Box::new(Problem::new(Reason::RepositoryExists, text)))
        }
        Err(NotWritten::Refused(problem)) => Err(problem),
    }
}

pub(super) async fn repository_apply(ctx: Ctx) -> Outcome {
    let name = ctx.path(WHAT).to_owned();
    if !is_name(&name) {
        return Err(Box::new(Problem::input(vec![InputError::parameter(WHAT, NAMES)])));
    }
    let body: RepositoryBody = ctx.input("RepositoryBody")?;
    if body.name.as_ref().is_some_and(|other| *other != name) {
        return Err(wrong("/name", &format!("not the name in the path, `{name}`; leave it out")));
    }
    let home = &ctx.app.home;
    for _ in 0..TRIES {
        let there = home.repository(&name).await?;
        preconditions::check(&ctx, WHAT, there.as_ref().map(tag).as_deref())?;
        let status = if there.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        if there.is_none() {
            access::home(&ctx, "repositories", "create", "").await?;
        }
        let before = there.as_ref().and_then(Stored::read);
        let settings = checked(&ctx, &body, before.as_ref().map(|before| &before.settings))?;
        match home.write_repository(&name, there, &settings).await {
            Ok(secret) => {
                ctx.app.repositories.take_in(&secret);
                return answer(&ctx, status, &name).await;
            }
            // The preconditions decide whether that matters.
            Err(NotWritten::Conflict) => {}
            Err(NotWritten::Refused(problem)) => return Err(problem),
        }
    }
    Err(busy())
}

pub(super) async fn repository_delete(ctx: Ctx) -> Outcome {
    let name = ctx.path(WHAT).to_owned();
    if !is_name(&name) {
        return Err(missing(&name));
    }
    let home = &ctx.app.home;
    for _ in 0..TRIES {
        let Some(there) = home.repository(&name).await? else {
            ctx.app.repositories.remove(&name);
            return Err(missing(&name));
        };
        preconditions::check(&ctx, WHAT, Some(&tag(&there)))?;
        match home.delete_repository(&name, there.metadata.resource_version.clone()).await {
            Ok(()) => {
                ctx.app.repositories.remove(&name);
                return Ok(Reply::new(StatusCode::NO_CONTENT).end(axum::body::Body::empty()));
            }
            Err(NotWritten::Conflict) => {}
            Err(NotWritten::Refused(problem)) => return Err(problem),
        }
    }
    Err(busy())
}

pub(super) async fn repository_refresh(ctx: Ctx) -> Outcome {
    let name = ctx.path(WHAT).to_owned();
    let live = ctx.app.repositories.find(&name).await?;
    ctx.app.repositories.refresh(&live).await?;
    answer(&ctx, StatusCode::OK, &name).await
}

const NAMES: &str =
    "expected lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit";

fn wrong(pointer: &str, text: &str) -> Box<Problem> {
    Box::new(Problem::input(vec![InputError::body(pointer, text)]))
}

fn busy() -> Box<Problem> {
    Box::new(Problem::new(Reason::ClusterError, "the repository's Secret is being written to all the time; ask again"))
}

/// Checks what a body says, with what is kept of the settings that are there.
fn checked(ctx: &Ctx, body: &RepositoryBody, there: Option<&Settings>) -> Result<Settings, Box<Problem>> {
    let settings = Settings::of(body, there);
    let faults = settings.faults(&ctx.app.config.repository_hosts);
    if faults.is_empty() { Ok(settings) } else { Err(Box::new(Problem::input(faults))) }
}

/// Answers with a repository as it stands.
async fn answer(ctx: &Ctx, status: StatusCode, name: &str) -> Outcome {
    let live = ctx.app.repositories.find(name).await?;
    let shown = live.shown();
    let mut reply = Reply::new(status).etag(&preconditions::etag(&live.tag, &shown)?);
    if status == StatusCode::CREATED {
        reply = reply.header(header::LOCATION, &format!("/v1/repositories/{name}"));
    }
    reply.value(ctx, &shown)
}
