//! Install, upgrade, patch, uninstall, rollback, tests; and what a change would do.

use std::sync::Arc;

use api::{ChangeBody, InputError, Kind, Problem, Reason, RollbackBody, TestBody};
use engine::{Engine, Error, Intent, Target, Unlock, ValueStrategy};
use release::Release;

use crate::ctx::{Ctx, Outcome};
use crate::run::{self, Prepare};
use crate::{convert, problems, reply};

pub(super) async fn release_install(ctx: Ctx) -> Outcome {
    ctx.cluster()?;
    let namespace = ctx.namespace()?.to_owned();
    let body: ChangeBody = ctx.input("ChangeBody")?;
    let name = body.name.clone().ok_or_else(|| wrong("/name", "POST needs the release's name in the body"))?;
    release::validate_name(&name)
        .map_err(|e| Problem::of_errors(Reason::InvalidReleaseName, vec![InputError::body("/name", e.to_string())]))?;
    let target = Target { namespace, name };
    let change = full_change(&ctx, &body, target.clone()).await?;
    start(&ctx, Kind::Install, target, Box::pin(async { Ok(Intent::Install(change)) })).await
}

pub(super) async fn release_apply(ctx: Ctx) -> Outcome {
    let target = ctx.target()?;
    let body: ChangeBody = ctx.input("ChangeBody")?;
    let prepare = apply(&ctx, &target, body).await?;
    start(&ctx, Kind::Upgrade, target, prepare).await
}

pub(super) async fn release_patch(ctx: Ctx) -> Outcome {
    let target = ctx.target()?;
    let body: ChangeBody = ctx.input("ChangeBody")?;
    let prepare = patch(&ctx, &target, body).await?;
    start(&ctx, Kind::Upgrade, target, prepare).await
}

pub(super) async fn release_plan(ctx: Ctx) -> Outcome {
    let target = ctx.target()?;
    let body: ChangeBody = ctx.input("ChangeBody")?;
    let prepare =
        if body.chart.is_some() { apply(&ctx, &target, body).await? } else { patch(&ctx, &target, body).await? };
    run::show_plan(&ctx, prepare).await
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
        Some(wanted) => Some(convert::resolve_chart(&ctx.app, wanted).await?),
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

pub(super) async fn release_uninstall(ctx: Ctx) -> Outcome {
    let target = ctx.target()?;
    let mut uninstall = convert::uninstall(&ctx.query, target.clone())?;
    let preconditions = Preconditions::of(&ctx)?;
    let engine = ctx.engine()?;
    let prepare = async move {
        if preconditions.tags.is_some() {
            uninstall.expected_revision = preconditions.check(find(&engine, &uninstall.target).await?.as_ref())?;
        }
        Ok(Intent::Uninstall(uninstall))
    };
    start(&ctx, Kind::Uninstall, target, Box::pin(prepare)).await
}

pub(super) async fn release_rollback(ctx: Ctx) -> Outcome {
    let target = ctx.target()?;
    let body: RollbackBody = ctx.input("RollbackBody")?;
    let mut rollback = convert::rollback(&body, target.clone())?;
    let preconditions = Preconditions::of(&ctx)?;
    let engine = ctx.engine()?;
    let prepare = async move {
        if preconditions.tags.is_some() {
            rollback.expected_revision = preconditions.check(find(&engine, &rollback.target).await?.as_ref())?;
        }
        Ok(Intent::Rollback(rollback))
    };
    start(&ctx, Kind::Rollback, target, Box::pin(prepare)).await
}

pub(super) async fn release_test(ctx: Ctx) -> Outcome {
    let target = ctx.target()?;
    let body: TestBody = ctx.input("TestBody")?;
    let test = convert::test(&body, target.clone())?;
    let preconditions = Preconditions::of(&ctx)?;
    let engine = ctx.engine()?;
    let check = async move {
        let found = find(&engine, &target).await?.ok_or_else(|| problems::of(Error::NotFound(target)))?;
        preconditions.check(Some(&found)).map(|_| ())
    };
    run::test(&ctx, test, Box::pin(check)).await
}

pub(super) async fn release_unlock(ctx: Ctx) -> Outcome {
    let target = ctx.target()?;
    let preconditions = Preconditions::of(&ctx)?;
    let engine = ctx.engine()?;
    let mut unlock = Unlock { target: target.clone(), expected_revision: None };
    let prepare = async move {
        if preconditions.tags.is_some() {
            unlock.expected_revision = preconditions.check(find(&engine, &unlock.target).await?.as_ref())?;
        }
        Ok(Intent::Unlock(unlock))
    };
    start(&ctx, Kind::Unlock, target, Box::pin(prepare)).await
}

async fn start(ctx: &Ctx, kind: Kind, target: Target, prepare: Prepare) -> Outcome {
    match ctx.query.get("dryRun") {
        Some(mode) => run::dry_run(ctx, mode, prepare).await,
        None => run::change(ctx, kind, target, prepare).await,
    }
}

/// The change of a body that says everything.
async fn full_change(ctx: &Ctx, body: &ChangeBody, target: Target) -> Result<engine::Change, Box<Problem>> {
    convert::check_change(body)?;
    let wanted = body.chart.as_ref().ok_or_else(|| wrong("/chart", "missing; only PATCH can leave it out"))?;
    let base = convert::to_yaml_map(&body.values);
    let values = convert::user_values(base, &body.values_input()).map_err(Problem::input)?;
    let chart = convert::resolve_chart(&ctx.app, wanted).await?;
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
        Ok(Self { tags: ctx.header("if-match").map(str::to_owned), must_be_new })
    }

    /// Checks them, and returns the revision they were checked against.
    fn check(&self, found: Option<&Release>) -> Result<Option<u32>, Box<Problem>> {
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
