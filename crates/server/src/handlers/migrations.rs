//! From a Tiller's records to Helm 4's, over REST. All of it is done in the caller's name, so the cluster decides.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::{
    InputError, MigratedRelease, MigratedRevision, Migration, MigrationBody, MigrationCleanup, MigrationCleanupBody,
    MigrationState, MigrationStep, Problem, Reason, RemovedRecords, TillerRecords, TillerStorage,
};
use tiller::{Cleaned, DEFAULT_NAMESPACE, Driver, Migrated, Standing, Step, Store, Wanted};

use super::template::wrong;
use crate::clusters::{DEFAULT, Member};
use crate::ctx::{Ctx, Outcome, check_namespace};
use crate::problems;
use crate::reply::Reply;

/// How long releases are brought over before it is said how far that has got: proxies lose their patience at 30 seconds.
const TIME: Duration = Duration::from_secs(20);
/// How long a plan and a cleanup may take; they are asked for again as a whole.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn migration_plan(ctx: Ctx) -> Outcome {
    let body: MigrationBody = ctx.input("MigrationBody")?;
    let (wanted, (member, migration)) = (wanted(&body)?, open(&ctx, body.cluster.as_deref(), &body.tiller).await?);
    let plan = async { migration.plan(&wanted).await.map_err(problems::of_migration) };
    let releases = member.patiently(PATIENCE, plan).await?.iter().map(shown).collect();
    Reply::ok().value(&ctx, &Migration { releases, complete: true })
}

pub(super) async fn migration_run(ctx: Ctx) -> Outcome {
    let body: MigrationBody = ctx.input("MigrationBody")?;
    let (wanted, (member, migration)) = (wanted(&body)?, open(&ctx, body.cluster.as_deref(), &body.tiller).await?);
    // What is stopped in the middle is gone on with by the next request, so nothing is lost when time is up.
    let done = Mutex::new(Vec::new());
    let tell = |migrated: &Migrated| done.lock().unwrap_or_else(PoisonError::into_inner).push(shown(migrated));
    let complete = match tokio::time::timeout(TIME, migration.run(&wanted, &tell)).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            let problem = problems::of_migration(error);
            member.heard(&problem);
            return Err(problem);
        }
        Err(_) => false,
    };
    let mut releases = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    releases.sort_by(|a, b| a.name.cmp(&b.name));
    Reply::ok().value(&ctx, &Migration { releases, complete })
}

pub(super) async fn migration_cleanup(ctx: Ctx) -> Outcome {
    let body: MigrationCleanupBody = ctx.input("MigrationCleanupBody")?;
    let (member, migration) = open(&ctx, body.cluster.as_deref(), &body.tiller).await?;
    let wanted = Wanted { names: body.releases, revisions: None };
    let cleanup = async { migration.cleanup(&wanted, body.dry_run).await.map_err(problems::of_migration) };
    let releases = member.patiently(PATIENCE, cleanup).await?.into_iter().map(removed).collect();
    Reply::ok().value(&ctx, &MigrationCleanup { releases })
}

fn wanted(body: &MigrationBody) -> Result<Wanted, Box<Problem>> {
    if body.revisions == Some(0) {
        return Err(wrong("/revisions", "0 would be none; leave it out for all"));
    }
    let revisions = body.revisions.and_then(|most| usize::try_from(most).ok());
    Ok(Wanted { names: body.releases.clone(), revisions })
}

/// What brings releases over in the cluster that is meant, in the caller's name.
async fn open(
    ctx: &Ctx,
    cluster: Option<&str>,
    records: &TillerRecords,
) -> Result<(Arc<Member>, tiller::Migration), Box<Problem>> {
    let member = ctx.cluster_named(cluster.unwrap_or(DEFAULT))?;
    let namespace = records.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
    check_namespace(namespace).map_err(|text| {
        Problem::of_errors(Reason::InvalidNamespace, vec![InputError::body("/tiller/namespace", text)])
    })?;
    // Records in a database are written in the server's name, whoever asks.
    if member.own().ledger().driver() == "SQL" {
        ctx.app.access.change(&member, &ctx.caller, "").await?;
    }
    let driver = match records.storage {
        TillerStorage::ConfigMap => Driver::ConfigMap,
        TillerStorage::Secret => Driver::Secret,
    };
    let engine = member.engine(&ctx.caller);
    let client = engine.cluster().client();
    let store = Store::new(client.clone(), namespace, driver);
    let ledger = engine.ledger().with_client(client);
    let migration = tiller::Migration::new(store, ledger, engine.cluster().clone(), ctx.app.config.now.clone());
    Ok((member, migration))
}

fn shown(migrated: &Migrated) -> MigratedRelease {
    let name = migrated.name.clone();
    let planned = match &migrated.outcome {
        Ok(planned) => planned,
        Err(error) => {
            return MigratedRelease {
                name,
                namespace: None,
                state: MigrationState::Failed,
                reason: Some(error.to_string()),
                revisions: Vec::new(),
                objects: 0,
                warnings: Vec::new(),
            };
        }
    };
    let (state, reason) = match &planned.standing {
        Standing::Pending => (MigrationState::Pending, None),
        Standing::Done => (MigrationState::Done, None),
        Standing::Blocked(reason) => (MigrationState::Blocked, Some(reason.clone())),
    };
    let revision = |(revision, (status, step)): (&u32, &(release::Status, Step))| MigratedRevision {
        revision: *revision,
        status: status.to_string(),
        step: match step {
            Step::Write => MigrationStep::Write,
            Step::Update => MigrationStep::Update,
            Step::There => MigrationStep::There,
        },
    };
    MigratedRelease {
        name,
        namespace: Some(planned.namespace.clone()).filter(|namespace| !namespace.is_empty()),
        state,
        reason,
        revisions: planned.revisions.iter().map(revision).collect(),
        objects: u32::try_from(planned.adopted).unwrap_or(u32::MAX),
        warnings: planned.warnings.clone(),
    }
}

fn removed(cleaned: Cleaned) -> RemovedRecords {
    RemovedRecords {
        name: cleaned.name,
        removed: cleaned.removed,
        reason: cleaned.error.map(|error| error.to_string()),
    }
}
