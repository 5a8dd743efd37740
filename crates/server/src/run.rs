//! Changes: from a request to a running operation, and the answer to whoever asked.

mod progress;

use std::sync::Arc;
use std::time::Duration;

use api::{Kind, OperationResult, Problem, Reason, ReleaseRef};
use engine::{Engine, Event, Intent, Observer, Plan, Target, Test, Verb};
use futures::future::BoxFuture;
use http::{StatusCode, header};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use self::progress::Progress;
use crate::ctx::{Ctx, Outcome};
use crate::guard::REQUEST_ID;
use crate::handlers;
use crate::operations::{Begun, Entry, Idempotency, cancelled, see_through, span};
use crate::reply::{Reply, operation_url};
use crate::{convert, problems, watch};

/// The longest `Idempotency-Key`.
const MAX_KEY: usize = 255;
/// How long before it is cut off an answer is given whatever runs.
const LAST_WORD: Duration = Duration::from_secs(1);

/// What still has to be read before an intent is complete.
pub(crate) type Prepare = BoxFuture<'static, Result<Intent, Box<Problem>>>;

/// What a request asks for, after everything about it was checked that can be without the cluster.
pub(crate) struct Job {
    pub(crate) kind: Kind,
    pub(crate) target: Target,
    pub(crate) task: Task,
}

/// What is to be done.
pub(crate) enum Task {
    /// A change is planned and run.
    Change(Prepare),
    /// The tests are run, after a check.
    Test(Test, BoxFuture<'static, Result<(), Box<Problem>>>),
}

/// Does what a change asks for as an operation, and answers as `Prefer` asks; or tries it, when it is a dry run.
pub(crate) async fn change(ctx: Ctx) -> Outcome {
    check_preconditions(&ctx)?;
    let job = handlers::job(&ctx).await?;
    if let (Some(mode), Task::Change(_)) = (ctx.query.get("dryRun"), &job.task) {
        let mode = mode.to_owned();
        return dry_run(&ctx, &mode, job).await;
    }
    operate(ctx, job).await
}

/// Refuses a change that does not say which state of the release it is meant for, where the operator wants that said.
fn check_preconditions(ctx: &Ctx) -> Result<(), Box<Problem>> {
    let said = ctx.header("if-match").is_some() || ctx.header("if-none-match").is_some();
    let needs = matches!(ctx.route.id, "release_apply" | "release_patch" | "release_uninstall" | "release_rollback");
    if said || !needs || !ctx.app.config.require_preconditions || ctx.query.get("dryRun").is_some() {
        return Ok(());
    }
    let text = "this server wants to be told which state of the release is meant: send `If-Match` with the `ETag` of the release, or `If-None-Match: *` for one that is not there";
    Err(Box::new(Problem::new(Reason::PreconditionRequired, text)))
}

async fn operate(ctx: Ctx, job: Job) -> Outcome {
    let engine = ctx.engine()?;
    let release = ReleaseRef {
        cluster: ctx.path("cluster").to_owned(),
        namespace: job.target.namespace.clone(),
        name: job.target.name.clone(),
    };
    let begun = ctx.app.operations.begin(&ctx, job.kind, release, idempotency(&ctx)?).await?;
    let ctx = Arc::new(ctx);
    let entry = match begun {
        Begun::Known(entry) => entry,
        Begun::New(entry, indexed) => {
            // A task of its own: a client that goes away does not stop a change half way.
            let span = span(&entry.operation(), ctx.header(REQUEST_ID));
            let (asked, worked) = (ctx.clone(), entry.clone());
            let work = async move { carry_out(&engine, &worked, job, &asked).await };
            tokio::spawn(see_through(ctx.app.clone(), entry.clone(), *indexed, work).instrument(span));
            entry
        }
    };
    answer(&ctx, &entry).await
}

/// Plans a change, and answers what would be stored.
async fn dry_run(ctx: &Ctx, mode: &str, job: Job) -> Outcome {
    let Task::Change(prepare) = job.task else { return Err(crate::reply::internal("tests have no dry run")) };
    let mut intent = prepare.await?;
    let with_record = ctx.query.flag("record");
    if let Intent::Install(change) | Intent::Upgrade(change) | Intent::Apply(change) = &mut intent {
        change.without_lookups = mode == "client";
        change.hide_secrets = ctx.query.flag("hideSecret");
        // As Helm's own dry run, which does not look whether the name is in use.
        change.preview = with_record || change.hide_secrets;
    }
    let plan = plan(&*ctx.engine()?, intent).await?;
    Reply::ok().value(ctx, &convert::dry_run(ctx.path("cluster"), &plan, mode, with_record)?)
}

/// Plans a change, and answers with the plan.
pub(crate) async fn show_plan(ctx: &Ctx, prepare: Prepare) -> Outcome {
    let plan = plan(&*ctx.engine()?, prepare.await?).await?;
    Reply::ok().value(ctx, &convert::plan(ctx.path("cluster"), &plan))
}

/// Does a job in its operation.
pub(crate) async fn carry_out(
    engine: &Engine,
    entry: &Entry,
    job: Job,
    ctx: &Ctx,
) -> Result<OperationResult, Box<Problem>> {
    match job.task {
        Task::Change(prepare) => {
            // What was reviewed was checked before the run that has died began.
            let reviewed = ctx.query.get("planDigest").filter(|_| !ctx.was_begun());
            let skips = ctx.query.flag("skipUnchanged");
            run_change(engine, entry, prepare, reviewed, skips).await
        }
        Task::Test(test, check) => run_tests(engine, entry, test, check).await,
    }
}

/// Answers with the operation, once it is known whether it will be begun at all.
async fn answer(ctx: &Ctx, entry: &Entry) -> Outcome {
    let limits = &ctx.app.config.limits;
    let wait = preferred_wait(ctx).map(|time| time.min(limits.wait_time));
    let waited = async {
        let _ = match wait {
            Some(time) => tokio::time::timeout(time, entry.done()).await,
            None => tokio::time::timeout(limits.plan_time, entry.planning_over()).await,
        };
    };
    // When the server ends before the operation does, its client still hears where to look.
    let leaving = async {
        watch::ended(ctx.app.ending.subscribe()).await;
        tokio::time::sleep(ctx.app.config.grace.saturating_sub(LAST_WORD)).await;
    };
    tokio::select! {
        () = waited => {}
        () = leaving => {}
    }
    let operation = entry.operation();
    let location = operation_url(&operation.id);
    if let Some(error) = operation.error.clone() {
        return Err(Box::new(Problem { operation: Some(Box::new(operation)), ..error }));
    }
    let status = if operation.done && wait.is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut reply = Reply::new(status).header(header::LOCATION, &location);
    if let Some(time) = wait {
        let applied = http::HeaderName::from_static("preference-applied");
        reply = reply.header(applied, &format!("wait={}", time.as_secs()));
    }
    if !operation.done {
        reply = reply.header(header::RETRY_AFTER, "1");
    }
    reply.value(ctx, &operation)
}

/// Reads `Prefer: wait=N`; preferences that are not understood are passed over, as RFC 7240 says.
fn preferred_wait(ctx: &Ctx) -> Option<Duration> {
    let preferences = ctx.headers.get_all("prefer").iter().filter_map(|v| v.to_str().ok());
    preferences
        .flat_map(|text| text.split([',', ';']))
        .filter_map(|text| text.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .and_then(|(_, value)| value.trim().trim_matches('"').parse().ok())
        .map(Duration::from_secs)
}

/// What tells this request from others with the same key.
fn idempotency(ctx: &Ctx) -> Result<Option<Idempotency>, Box<Problem>> {
    let Some(key) = ctx.header("idempotency-key") else { return Ok(None) };
    if key.is_empty() || key.len() > MAX_KEY {
        let errors = vec![api::InputError::parameter("Idempotency-Key", "expected 1 to 255 characters")];
        return Err(Box::new(Problem::of_errors(Reason::InvalidParameter, errors)));
    }
    let mut hash = Sha256::new();
    for part in [
        ctx.route.id,
        &ctx.uri,
        ctx.header("if-match").unwrap_or_default(),
        ctx.header("if-none-match").unwrap_or_default(),
    ] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(&ctx.body);
    Ok(Some(Idempotency { key: key.to_owned(), fingerprint: hex::encode(hash.finalize()) }))
}

async fn run_change(
    engine: &Engine,
    entry: &Entry,
    prepare: Prepare,
    reviewed: Option<&str>,
    skips_unchanged: bool,
) -> Result<OperationResult, Box<Problem>> {
    let planning = async { plan(engine, prepare.await?).await };
    let plan = tokio::select! {
        plan = planning => plan?,
        () = entry.cancel_handle().cancelled() => return Err(cancelled()),
    };
    if reviewed.is_some_and(|reviewed| reviewed != convert::digest(&plan)) {
        let text = "what would be done now is not what the plan of this `planDigest` says; plan it anew";
        return Err(Box::new(Problem::new(Reason::PreconditionFailed, text)));
    }
    entry.planned(convert::kind(plan.verb))?;
    if skips_unchanged && plan.verb == Verb::Upgrade {
        let last = engine.get(&plan.target, None).await.map_err(problems::of)?.release;
        if plan.repeats(&last) {
            return Ok(OperationResult { revision: Some(last.version), changed: false });
        }
    }
    let gone = plan.verb == Verb::Uninstall;
    let changed = !plan.steps.is_empty();
    let progress = Progress::new(&plan);
    let foreseen = plan.warnings.clone();
    entry.progress(0, progress.total);
    let tell = |event: Event| {
        if let Event::Recorded { revision, status } = &event {
            // Not the ending of a revision that another run has left.
            if status.starts_with("pending") || status == "uninstalling" {
                entry.recorded(*revision);
            }
        }
        if let Some(ready) = progress.count(&event) {
            entry.progress(ready, progress.total);
        }
        // A plan's warnings are told as it begins.
        let again = matches!(&event, Event::Warned { message } if foreseen.contains(message));
        if let Some(event) = convert::event(event).filter(|_| !again) {
            entry.event(event);
        }
    };
    let observer: Observer<'_> = &tell;
    let release = engine.run_until(plan, observer, entry.cancel_handle()).await.map_err(problems::of)?;
    Ok(OperationResult { revision: (!gone).then_some(release.version), changed })
}

async fn plan(engine: &Engine, intent: Intent) -> Result<Plan, Box<Problem>> {
    let chart = match &intent {
        Intent::Install(change) | Intent::Upgrade(change) | Intent::Apply(change) => change.chart.as_ref(),
        Intent::Rollback(_) | Intent::Uninstall(_) | Intent::Unlock(_) => None,
    };
    let name = chart.map(|chart| chart.metadata.name.clone());
    engine.plan(intent).await.map_err(|error| problems::of_chart(error, name.as_deref()))
}

async fn run_tests(
    engine: &Engine,
    entry: &Entry,
    test: Test,
    check: BoxFuture<'static, Result<(), Box<Problem>>>,
) -> Result<OperationResult, Box<Problem>> {
    tokio::select! {
        checked = check => checked?,
        () = entry.cancel_handle().cancelled() => return Err(cancelled()),
    };
    entry.planned(Kind::Test)?;
    let tell = |event: Event| {
        if let Some(event) = convert::event(event) {
            entry.event(event);
        }
    };
    let tested = engine.test_until(test, &tell, entry.cancel_handle()).await.map_err(problems::of)?;
    for log in tested.logs {
        entry.event(match log {
            Ok(log) => api::Event::Log { pod: log.pod, container: log.container, text: log.text, of_test: true },
            Err(message) => api::Event::Warning { message, source: Some(api::WarningSource::Test), holder: None },
        });
    }
    match tested.failure {
        Some(failure) => Err(problems::of_test(&failure)),
        None => Ok(OperationResult { revision: Some(tested.release.version), changed: false }),
    }
}
