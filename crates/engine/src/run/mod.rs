//! Acting on a plan: effects only, one loop over the steps.

mod failure;
mod hooks;
mod objects;
mod test;

pub use test::Tested;

use cluster::{ObjectRef, Readiness, Strategy, WaitOptions};
use release::{Error as LedgerError, Release, Status, Token};
use tokio::time::{Duration, Instant};

use crate::engine::{Engine, PARALLEL};
use crate::error::{Error, Failure};
use crate::event::{Event, Observer, Phase};
use crate::intent::{Apply, Target, Wait, WaitStrategy};
use crate::plan::{Plan, Step, Verb};

/// How long CRDs may take to be served, as Helm.
const CRD_WAIT: Duration = Duration::from_secs(60);
/// How often a record's write is tried while the cluster cannot be reached, and the pause after the first try.
const WRITE_TRIES: u32 = 5;
const WRITE_PAUSE: Duration = Duration::from_millis(100);

/// A plan while it is run.
pub(super) struct Runner<'e> {
    engine: &'e Engine,
    observer: Observer<'e>,
    verb: Verb,
    target: Target,
    /// The record as it stands.
    release: Release,
    /// The version of the stored record, once it is stored.
    token: Option<Token>,
    /// What this run has created, for a clean-up.
    created: Vec<ObjectRef>,
    apply: Apply,
    wait: Wait,
    migrate_fields: bool,
    no_hooks: bool,
}

impl Engine {
    /// Runs a plan and returns the release as it was stored last. What happens is told to `observer`.
    ///
    /// # Errors
    /// When nothing was changed, the plain error; once the record is stored, [`Error::Failed`], with the release as
    /// it was recorded.
    pub async fn run(&self, plan: Plan, observer: Observer<'_>) -> Result<Release, Error> {
        let Plan { verb, target, release, steps, failure, warnings, apply, wait, migrate_fields, no_hooks } = plan;
        warnings.into_iter().for_each(|message| observer(Event::Warning { message }));
        let mut runner = Runner {
            engine: self,
            observer,
            verb,
            target,
            release,
            token: None,
            created: Vec::new(),
            apply,
            wait,
            migrate_fields,
            no_hooks,
        };
        let mut phase = None;
        for step in steps {
            let next = phase_of(&step);
            if phase != Some(next) {
                observer(Event::Phase { phase: next });
                phase = Some(next);
            }
            if let Err(error) = runner.step(step).await {
                return match error {
                    // Nothing is stored: nothing has begun.
                    Failure::Ledger(error) if runner.token.is_none() => Err(in_the_way(error, &runner.release)),
                    Failure::Cluster(error) if runner.token.is_none() => Err(Error::Cluster(error)),
                    error => Err(runner.fail(error, failure).await),
                };
            }
        }
        Ok(runner.release)
    }
}

/// A record that is there already was written by someone who began at the same moment: the lock is theirs.
fn in_the_way(error: LedgerError, release: &Release) -> Error {
    match error {
        LedgerError::AlreadyExists(key) => Error::Pending { revision: key.revision, status: release.info.status },
        error => Error::Ledger(error),
    }
}

fn phase_of(step: &Step) -> Phase {
    match step {
        Step::Namespace | Step::Prune(_) | Step::Record | Step::Uninstalling => Phase::Record,
        Step::Crds(_) => Phase::Crds,
        Step::Hooks(event) if event.as_str().starts_with("pre-") => Phase::PreHooks,
        Step::Hooks(_) => Phase::PostHooks,
        Step::Apply(_) | Step::Remove(_) | Step::Delete(_) => Phase::Apply,
        Step::Wait(_) => Phase::Wait,
        Step::Supersede(_) | Step::Deployed { .. } | Step::Uninstalled { .. } | Step::Purge(_) => Phase::Finish,
    }
}

impl Runner<'_> {
    async fn step(&mut self, step: Step) -> Result<(), Failure> {
        let engine = self.engine;
        match step {
            Step::Namespace => self.create_namespace().await?,
            Step::Prune(keys) => {
                for key in keys {
                    forgive_missing(engine.ledger.delete(&key).await)?;
                }
            }
            Step::Record => {
                self.token = Some(engine.ledger.create(&self.release).await?);
                self.recorded();
            }
            Step::Crds(crds) => self.create_crds(crds).await?,
            Step::Hooks(event) => self.run_hooks(&event).await?,
            Step::Apply(planned) => self.apply_all(planned).await?,
            Step::Remove(objects) => self.remove(objects).await?,
            Step::Wait(objects) => self.wait_ready(&objects).await?,
            Step::Supersede(records) => {
                for mut record in records {
                    record.release.info.status = Status::Superseded;
                    // Gone or changed by somebody else: either way it is no longer ours to mark.
                    match engine.ledger.update(&record.release, &record.token).await {
                        Ok(_) | Err(LedgerError::NotFound(_) | LedgerError::Conflict(_)) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Step::Deployed { description } => {
                self.release.set_status(Status::Deployed, description);
                self.store().await?;
            }
            Step::Uninstalling => {
                let key = self.key();
                let found = engine.ledger.get(&key).await?;
                self.token = Some(found.token);
                self.store().await?;
            }
            Step::Delete(deletion) => self.delete(deletion).await?,
            Step::Uninstalled { description } => {
                self.release.set_status(Status::Uninstalled, description);
                self.store().await?;
            }
            Step::Purge(keys) => {
                for key in keys {
                    forgive_missing(engine.ledger.delete(&key).await)?;
                }
                self.release.set_status(Status::Uninstalled, "Uninstallation complete");
            }
        }
        Ok(())
    }

    /// Stores the record as it stands; while the cluster cannot be reached, several times.
    async fn store(&mut self) -> Result<(), LedgerError> {
        let Some(token) = &self.token else { return Ok(()) };
        let mut tries = 0;
        loop {
            tries += 1;
            match self.engine.ledger.update(&self.release, token).await {
                Ok(token) => {
                    self.token = Some(token);
                    self.recorded();
                    return Ok(());
                }
                Err(error) if error.is_retryable() && tries < WRITE_TRIES => {
                    tokio::time::sleep(WRITE_PAUSE * tries * tries).await;
                    // The write may have arrived although its answer did not.
                    if let Ok(found) = self.engine.ledger.get(&self.key()).await
                        && found.release == self.release
                    {
                        self.token = Some(found.token);
                        self.recorded();
                        return Ok(());
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn key(&self) -> release::Key {
        release::Key::new(&self.target.namespace, &self.target.name, self.release.version)
    }

    fn recorded(&self) {
        let status = self.release.info.status.to_string();
        (self.observer)(Event::Recorded { revision: self.release.version, status });
    }

    async fn wait_ready(&self, objects: &[cluster::Object]) -> Result<(), Failure> {
        let Some(options) = self.wait_options() else { return Ok(()) };
        let told = |object: &ObjectRef, readiness: &Readiness| self.tell_readiness(object, readiness);
        let waited = self.engine.cluster.wait_ready(objects, &options, &told).await;
        waited.map_err(|error| match self.verb {
            Verb::Rollback => Failure::Hook { stage: self.in_rollback(), source: Box::new(error.into()) },
            _ => error.into(),
        })
    }

    /// What Helm says in front of a rollback whose objects do not become ready.
    fn in_rollback(&self) -> String {
        format!("release {} failed", self.target.name)
    }

    /// How to wait for objects; `None` when only hooks are waited for.
    fn wait_options(&self) -> Option<WaitOptions> {
        let strategy = match self.wait.strategy {
            WaitStrategy::HookOnly => return None,
            WaitStrategy::Watcher => Strategy::Watcher,
            WaitStrategy::Legacy => Strategy::Legacy,
        };
        Some(WaitOptions { strategy, ..self.hook_wait() })
    }

    fn hook_wait(&self) -> WaitOptions {
        let deadline = Instant::now() + self.wait.timeout;
        WaitOptions { jobs: self.wait.jobs, parallel: PARALLEL, ..WaitOptions::until(deadline) }
    }

    fn tell_readiness(&self, object: &ObjectRef, readiness: &Readiness) {
        let action = match readiness.status {
            cluster::Status::Current => "ready",
            cluster::Status::Failed => "failed",
            cluster::Status::NotFound => "gone",
            _ => "waiting",
        };
        self.tell(object, action, Some(readiness.message.clone()));
    }

    fn tell(&self, object: &ObjectRef, action: &str, message: Option<String>) {
        (self.observer)(Event::Resource {
            api_version: object.gvk.api_version(),
            kind: object.gvk.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            action: action.to_owned(),
            message,
        });
    }

    fn warn(&self, message: impl Into<String>) {
        (self.observer)(Event::Warning { message: message.into() });
    }
}

/// A record that is gone already needs no deleting.
fn forgive_missing(result: Result<(), LedgerError>) -> Result<(), LedgerError> {
    match result {
        Err(LedgerError::NotFound(_)) => Ok(()),
        result => result,
    }
}
