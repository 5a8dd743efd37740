//! Install, upgrade, patch, uninstall, rollback, tests; and what a change would do.

use std::sync::Arc;

use api::{ChangeBody, InputError, Kind, Problem, Reason, RollbackBody, TestBody};
use engine::{Engine, Error, Intent, Target, Unlock, ValueStrategy};
use release::Release;

use super::names;
use crate::ctx::{Ctx, Outcome};
use crate::run::{self, Job, Prepare, Task};
use crate::{convert, problems, reply};

pub(super) async fn release_install(ctx: Ctx) -> Outcome {
    run::change(ctx).await
}

pub(super) async fn release_apply(ctx: Ctx) -> Outcome {
    run::change(ctx).await
}

pub(super) async fn release_patch(ctx: Ctx) -> Outcome {
    run::change(ctx).await
}

pub(super) async fn release_uninstall(ctx: Ctx) -> Outcome {
    run::change(ctx).await
}

pub(super) async fn release_rollback(ctx: Ctx) -> Outcome {
    run::change(ctx).await
}

pub(super) async fn release_test(ctx: Ctx) -> Outcome {
    run::change(ctx).await
}

pub(super) async fn release_unlock(ctx: Ctx) -> Outcome {
    run::change(ctx).await
}

pub(super) async fn release_plan(ctx: Ctx) -> Outcome {
    let target = ctx.target()?;
    let body: ChangeBody = ctx.input("ChangeBody")?;
    let prepare =
        if body.chart.is_some() { apply(&ctx, &target, body).await? } else { patch(&ctx, &target, body).await? };
    run::show_plan(&ctx, prepare).await
}

/// Reads what a request for a change asks for; also one that was kept, when its server has died.
pub(crate) async fn job(ctx: &Ctx) -> Result<Job, Box<Problem>> {
    match ctx.route.id {
        "release_install" => install_job(ctx).await,
        "release_apply" => {
            let target = ctx.target()?;
            let prepare = apply(ctx, &target, ctx.input("ChangeBody")?).await?;
            Ok(Job { kind: Kind::Upgrade, target, task: Task::Change(prepare) })
        }
        "release_patch" => {
            let target = ctx.target()?;
            let prepare = patch(ctx, &target, ctx.input("ChangeBody")?).await?;
            Ok(Job { kind: Kind::Upgrade, target, task: Task::Change(prepare) })
        }
        "release_uninstall" => uninstall_job(ctx),
        "release_rollback" => rollback_job(ctx),
        "release_test" => test_job(ctx),
        "release_unlock" => unlock_job(ctx),
        other => Err(reply::internal(format!("`{other}` is no change"))),
    }
}

async fn install_job(ctx: &Ctx) -> Result<Job, Box<Problem>> {
    let namespace = ctx.namespace()?.to_owned();
    let body: ChangeBody = ctx.input("ChangeBody")?;
    let name = names::of(ctx, &body).await?;
    let target = Target { namespace, name };
    let change = full_change(ctx, &body, target.clone()).await?;
    let prepare: Prepare = Box::pin(async { Ok(Intent::Install(change)) });
    Ok(Job { kind: Kind::Install, target, task: Task::Change(prepare) })
}

/// The change of a body that says everything: an install, or an upgrade.
async fn apply(ctx: &Ctx, target: &Target, body: ChangeBody) -> Result<Prepare, Box<Problem>> {
    same_name(&body, target)?;
    let mut change = full_change(ctx, &body, target.clone()).await?;
    let preconditions = Preconditions::of(ctx)?;
    let engine = ctx.engine()?;
    let at = target.clone();
    let prepare = async move {
        if preconditions.must_be_new {
            // An install refuses a name that is in use, also when it came into use just now.
            preconditions.check(find(&engine, &at).await?.as_ref())?;
            return Ok(Intent::Install(change));
        }
        if preconditions.tags.is_some() {
            change.expected_revision = preconditions.check(find(&engine, &at).await?.as_ref())?;
        }
        Ok(Intent::Apply(change))
    };
    Ok(Box::pin(prepare))
}

/// The change of a body that says what is to be different.
async fn patch(ctx: &Ctx, target: &Target, body: ChangeBody) -> Result<Prepare, Box<Problem>> {
    same_name(&body, target)?;
    if body.value_strategy.is_some() {
        return Err(wrong("/valueStrategy", "PATCH always merges into the release's values; use PUT to say otherwise"));
    }
    convert::check_change(&body)?;
    let chart = match &body.chart {
        Some(wanted) => Some(convert::resolve_chart(ctx, wanted).await?),
        None => None,
    };
    // What is wrong with `set` and its kin shows without the release's values too.
    convert::user_values(goyaml::Map::new(), &body.values_input()).map_err(Problem::input)?;
    let preconditions = Preconditions::of(ctx)?;
    let engine = ctx.engine()?;
    let at = target.clone();
    let prepare = async move {
        let found = find(&engine, &at).await?.ok_or_else(|| problems::of(Error::NotFound(at.clone())))?;
        preconditions.check(Some(&found))?;
        let mut values = found.config;
        convert::merge_patch(&mut values, &body.values);
        let values = convert::user_values(values, &body.values_input()).map_err(Problem::input)?;
        let mut change = convert::change(&body, at, chart, values)?;
        change.value_strategy = ValueStrategy::Reset;
        // The values are those of this revision and of no other.
        change.expected_revision = Some(found.version);
        Ok(Intent::Upgrade(change))
    };
    Ok(Box::pin(prepare))
}

fn uninstall_job(ctx: &Ctx) -> Result<Job, Box<Problem>> {
    let target = ctx.target()?;
    let mut uninstall = convert::uninstall(&ctx.query, target.clone())?;
    let preconditions = Preconditions::of(ctx)?;
    let engine = ctx.engine()?;
    let prepare = async move {
        if preconditions.tags.is_some() {
            uninstall.expected_revision = preconditions.check(find(&engine, &uninstall.target).await?.as_ref())?;
        }
        Ok(Intent::Uninstall(uninstall))
    };
    Ok(Job { kind: Kind::Uninstall, target, task: Task::Change(Box::pin(prepare)) })
}

fn rollback_job(ctx: &Ctx) -> Result<Job, Box<Problem>> {
    let target = ctx.target()?;
    let body: RollbackBody = ctx.input("RollbackBody")?;
    let mut rollback = convert::rollback(&body, target.clone())?;
    let preconditions = Preconditions::of(ctx)?;
    let engine = ctx.engine()?;
    let prepare = async move {
        if preconditions.tags.is_some() {
            rollback.expected_revision = preconditions.check(find(&engine, &rollback.target).await?.as_ref())?;
        }
        Ok(Intent::Rollback(rollback))
    };
    Ok(Job { kind: Kind::Rollback, target, task: Task::Change(Box::pin(prepare)) })
}

fn test_job(ctx: &Ctx) -> Result<Job, Box<Problem>> {
    let target = ctx.target()?;
    let body: TestBody = ctx.input("TestBody")?;
    let test = convert::test(&body, target.clone())?;
    let preconditions = Preconditions::of(ctx)?;
    let engine = ctx.engine()?;
    let at = target.clone();
    let check = async move {
        let found = find(&engine, &at).await?.ok_or_else(|| problems::of(Error::NotFound(at)))?;
        preconditions.check(Some(&found)).map(|_| ())
    };
    Ok(Job { kind: Kind::Test, target, task: Task::Test(test, Box::pin(check)) })
}

fn unlock_job(ctx: &Ctx) -> Result<Job, Box<Problem>> {
    let target = ctx.target()?;
    let preconditions = Preconditions::of(ctx)?;
    let engine = ctx.engine()?;
    let mut unlock = Unlock { target: target.clone(), expected_revision: None };
    let prepare = async move {
        if preconditions.tags.is_some() {
            unlock.expected_revision = preconditions.check(find(&engine, &unlock.target).await?.as_ref())?;
        }
        Ok(Intent::Unlock(unlock))
    };
    Ok(Job { kind: Kind::Unlock, target, task: Task::Change(Box::pin(prepare)) })
}

/// The change of a body that says everything.
async fn full_change(ctx: &Ctx, body: &ChangeBody, target: Target) -> Result<engine::Change, Box<Problem>> {
    convert::check_change(body)?;
    let wanted = body.chart.as_ref().ok_or_else(|| wrong("/chart", "missing; only PATCH can leave it out"))?;
    let base = convert::to_yaml_map(&body.values);
    let values = convert::user_values(base, &body.values_input()).map_err(Problem::input)?;
    let chart = convert::resolve_chart(ctx, wanted).await?;
    convert::change(body, target, Some(chart), values)
}

async fn find(engine: &Arc<Engine>, target: &Target) -> Result<Option<Release>, Box<Problem>> {
    match engine.get(target, None).await {
        Ok(record) => Ok(Some(record.release)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(problems::of(error)),
    }
}

/// `If-Match` and `If-None-Match` of a change.
struct Preconditions {
    tags: Option<String>,
    must_be_new: bool,
    /// They were checked before the run began that has died.
    were_checked: bool,
}

impl Preconditions {
    fn of(ctx: &Ctx) -> Result<Self, Box<Problem>> {
        let must_be_new = match ctx.header("if-none-match").map(str::trim) {
            None => false,
            Some("*") => true,
            Some(_) => {
                let errors = vec![InputError::parameter("If-None-Match", "expected `*` on a change")];
                return Err(Box::new(Problem::of_errors(Reason::InvalidParameter, errors)));
            }
        };
        let tags = ctx.header("if-match").map(str::to_owned);
        Ok(Self { tags, must_be_new, were_checked: ctx.was_begun() })
    }

    /// Checks them, and returns the revision they were checked against.
    fn check(&self, found: Option<&Release>) -> Result<Option<u32>, Box<Problem>> {
        if self.were_checked {
            return Ok(found.map(|release| release.version));
        }
        let failed = |text: String| Err(Box::new(Problem::new(Reason::PreconditionFailed, text)));
        let tag = found.map(|release| format!("\"{}\"", convert::etag(release)));
        if self.must_be_new && found.is_some_and(|r| r.info.status != release::Status::Uninstalled) {
            return failed("the release exists, and `If-None-Match: *` asks for it not to".to_owned());
        }
        match (&self.tags, tag) {
            (None, _) => {}
            (Some(_), None) => return failed("there is no such release, and `If-Match` asks for one".to_owned()),
            (Some(wanted), Some(tag)) if reply::lists(wanted, &tag) => {}
            (Some(wanted), Some(tag)) => {
                return failed(format!("the release's `ETag` is {tag}, not {wanted}; read it again and decide anew"));
            }
        }
        Ok(found.map(|release| release.version))
    }
}

fn same_name(body: &ChangeBody, target: &Target) -> Result<(), Box<Problem>> {
    for (given, pointer) in [(body.generate_name, "/generateName"), (body.name_template.is_some(), "/nameTemplate")] {
        if given {
            return Err(wrong(pointer, "the name is in the path; names are made up by POST to the collection"));
        }
    }
    match &body.name {
        Some(name) if *name != target.name => {
            Err(wrong("/name", &format!("`{name}` is not the name in the path, `{}`; leave it out", target.name)))
        }
        _ => Ok(()),
    }
}

fn wrong(pointer: &str, text: &str) -> Box<Problem> {
    Box::new(Problem::input(vec![InputError::body(pointer, text)]))
}
