//! Acting on a plan: effects only, one loop over the steps.

mod failure;
mod hooks;
mod objects;
mod records;
mod test;

pub use test::Tested;

use cluster::{ObjectRef, Readiness, Strategy, WaitOptions};
use release::{Error as LedgerError, Release, Status, Token};
use tokio::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::engine::{Engine, PARALLEL};
use crate::error::{Error, Failure};
use crate::event::{Event, Observer, Phase};
use crate::intent::{Apply, Target, Wait, WaitStrategy};
use crate::lock::Lock;
use crate::plan::{Plan, Step, Verb};

/// How long CRDs may take to be served, as Helm.
const CRD_WAIT: Duration = Duration::from_secs(60);

/// A plan while it is run.
pub(super) struct Runner<'e> {
    engine: &'e Engine,
    observer: Observer<'e>,
    lock: &'e Lock<'e>,
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
    /// Whether hooks have run, which may have changed what was planned with.
    hooked: bool,
}

impl Engine {
    /// Runs a plan and returns the release as it was stored last. What happens is told to `observer`.
    ///
    /// # Errors
    /// When nothing was changed, the plain error; once the record is stored, [`Error::Failed`], with the release as
    /// it was recorded.
    pub async fn run(&self, plan: Plan, observer: Observer<'_>) -> Result<Release, Error> {
        self.run_until(plan, observer, &Cancel::default()).await
    }

    /// As [`Self::run`], until somebody cancels: then nothing more is begun, what is under way is waited for, and the
    /// record says that the change has failed. What the plan does after a failure is done all the same.
    ///
    /// # Errors
    /// As [`Self::run`], and [`Error::Cancelled`] when nothing was changed yet.
    pub async fn run_until(&self, plan: Plan, observer: Observer<'_>, cancel: &Cancel) -> Result<Release, Error> {
        if plan.steps.is_empty() {
            return Ok(plan.release);
        }
        let lock = Lock::new(self, plan.target.clone(), cancel.clone());
        let result = tokio::select! {
            result = self.drive(plan, observer, &lock) => result,
            never = lock.keep() => match never {},
        };
        lock.release().await;
        result
    }

    /// Runs a plan under a lock.
    pub(crate) async fn drive(&self, plan: Plan, observer: Observer<'_>, lock: &Lock<'_>) -> Result<Release, Error> {
        let Plan { verb, target, release, steps, failure, warnings, rejections, apply, wait, migrate_fields, no_hooks } =
            plan;
        warnings.into_iter().for_each(|message| observer(Event::Warning { message }));
        let mut runner = Runner {
            engine: self,
            observer,
            lock,
            verb,
            target,
            release,
            token: None,
            created: Vec::new(),
            apply,
            wait,
            migrate_fields,
            no_hooks,
            hooked: false,
        };
        let mut phase = None;
        for step in steps {
            let next = phase_of(&step);
            if phase != Some(next) {
                observer(Event::Phase { phase: next });
                phase = Some(next);
            }
            let is_record = matches!(step, Step::Record);
            let mut done = runner.step(step).await;
            if done.is_ok() && is_record {
                // The lock is ours and the revision recorded, as Helm does it; but nothing is begun that cannot be done.
                done = Failure::all(rejections.iter().cloned().map(|it| Failure::Cluster(it.into_error())).collect());
            }
            if let Err(error) = done {
                // Whatever it was that was not waited for, Helm names the cancellation alone.
                let error = if error.is_cancelled() { Failure::Cancelled } else { error };
                return Err(match runner.token {
                    None => unrecorded(error, &runner.release),
                    Some(_) => runner.fail(error, failure).await,
                });
            }
        }
        Ok(runner.release)
    }
}

/// Nothing is stored, so nothing has begun.
fn unrecorded(error: Failure, release: &Release) -> Error {
    match error {
        Failure::Refused(error) => *error,
        Failure::Ledger(error) => in_the_way(error, release),
        Failure::Cluster(error) => Error::Cluster(error),
        Failure::Cancelled => Error::Cancelled,
        error => Error::Unrecorded(Box::new(error)),
    }
}

/// A record that is there already was written by someone who began at the same moment: the lock is theirs.
fn in_the_way(error: LedgerError, release: &Release) -> Error {
    match error {
        LedgerError::AlreadyExists(key) | LedgerError::Conflict(key) => {
            Error::Pending { revision: key.revision, status: release.info.status, holder: None, since: None }
        }
        error => Error::Ledger(error),
    }
}

fn phase_of(step: &Step) -> Phase {
    match step {
        Step::Namespace | Step::Lock | Step::End(_) | Step::Prune(_) | Step::Record | Step::Uninstalling => {
            Phase::Record
        }
        Step::Crds { .. } => Phase::Crds,
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
            Step::Lock => self.lock.acquire(&self.release, self.observer).await.map_err(refused)?,
            Step::End(ending) => self.end(ending).await?,
            Step::Prune(keys) => self.erase_all(&keys).await?,
            Step::Record => self.begin().await?,
            Step::Crds { objects, replace } => self.create_crds(objects, replace).await?,
            Step::Hooks(event) => self.run_hooks(&event).await?,
            Step::Apply(planned) => self.apply_all(planned).await?,
            Step::Remove(objects) => self.remove(objects).await?,
            Step::Wait(objects) => self.wait_ready(&objects).await?,
            Step::Supersede(records) => {
                for record in records {
                    records::supersede(engine.ledger(), record, self.release.version).await?;
                }
            }
            Step::Deployed { description } => {
                self.proceed().await?;
                self.conclude(Status::Deployed, description);
                self.store().await?;
            }
            Step::Uninstalling => {
                self.proceed().await?;
                let found = engine.ledger.get(&self.key()).await?;
                self.release.marks.holder = self.lock.mark().await;
                self.token = Some(found.token);
                self.store().await?;
            }
            Step::Delete(deletion) => self.delete(deletion).await?,
            Step::Uninstalled { description } => {
                self.conclude(Status::Uninstalled, description);
                self.store().await?;
            }
            Step::Purge(keys) => {
                self.erase_all(&keys).await?;
                self.conclude(Status::Uninstalled, "Uninstallation complete");
            }
        }
        Ok(())
    }

    /// Says whether the next change may be made.
    async fn proceed(&self) -> Result<(), Failure> {
        self.lock.proceed().await
    }

    /// Tells whether the server merges what is sent. What an uninstall sends are hooks only, as Helm always by the server.
    fn is_server_side(&self) -> bool {
        self.verb == Verb::Uninstall || self.release.is_server_side()
    }

    /// Waits for something, unless somebody cancels.
    async fn unless_cancelled<T, E: Into<Failure>>(
        &self,
        wait: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            done = wait => done.map_err(Into::into),
            () = self.lock.cancelled() => Err(Failure::Cancelled),
        }
    }

    async fn wait_ready(&self, objects: &[cluster::Object]) -> Result<(), Failure> {
        let Some(options) = self.wait_options() else { return Ok(()) };
        let told = |object: &ObjectRef, readiness: &Readiness| self.tell_readiness(object, readiness);
        let waited = self.unless_cancelled(self.engine.cluster.wait_ready(objects, &options, &told)).await;
        waited.map_err(|error| match self.verb {
            Verb::Rollback => Failure::Hook { stage: self.in_rollback(), source: Box::new(error) },
            _ => error,
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

    /// Tells what the API server has warned of.
    fn pass_on(&self, warnings: Vec<String>) {
        warnings.into_iter().for_each(|message| (self.observer)(Event::Warned { message }));
    }

    fn warn(&self, message: impl Into<String>) {
        (self.observer)(Event::Warning { message: message.into() });
    }
}

/// What has kept a run from beginning.
fn refused(error: Error) -> Failure {
    Failure::Refused(Box::new(error))
}
