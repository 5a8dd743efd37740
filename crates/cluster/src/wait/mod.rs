//! Waiting until objects are as they should be.

mod json;
mod kstatus;
mod legacy;
mod report;
mod tail;

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

pub use json::Condition;
pub use kstatus::status as readiness;
pub use report::{NotReady, WaitError, WarningEvent, last_seen};

use crate::batch;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::object::{Gvk, Object, ObjectRef};

/// How an object stands, in kstatus' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Status {
    InProgress,
    Failed,
    Current,
    Terminating,
    NotFound,
    Unknown,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Current => "Current",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        })
    }
}

/// How an object stands, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// How.
    pub status: Status,
    /// Why.
    pub message: String,
    /// Nothing can make it better: a failed job stays failed.
    pub is_terminal: bool,
}

impl Readiness {
    fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), is_terminal: false }
    }

    fn current(message: impl Into<String>) -> Self {
        Self::new(Status::Current, message)
    }

    fn in_progress(message: impl Into<String>) -> Self {
        Self::new(Status::InProgress, message)
    }

    fn failed(message: impl Into<String>) -> Self {
        Self::new(Status::Failed, message)
    }

    fn terminal(self) -> Self {
        Self { is_terminal: true, ..self }
    }
}

/// Whose rules say what is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// kstatus, Helm 4's default for `--wait`.
    #[default]
    Watcher,
    /// Helm 3's.
    Legacy,
}

/// How to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitOptions {
    /// Whose rules say what is ready.
    pub strategy: Strategy,
    /// Whether jobs must have completed.
    pub jobs: bool,
    /// When to give up.
    pub deadline: Instant,
    /// The pause between two looks.
    pub interval: Duration,
    /// How many objects are looked at at the same time.
    pub parallel: usize,
}

impl WaitOptions {
    /// Waits with the `watcher`'s rules and looks twice a second.
    pub fn until(deadline: Instant) -> Self {
        Self { strategy: Strategy::Watcher, jobs: false, deadline, interval: Duration::from_millis(500), parallel: 8 }
    }
}

/// Hears of every change of how an object stands; must not block.
pub type OnChange<'c> = &'c (dyn Fn(&ObjectRef, &Readiness) + Send + Sync);

/// How long a pod may find no node before that counts as a failure.
const SCHEDULE_WINDOW: Duration = Duration::from_secs(15);

/// What is waited for.
#[derive(Clone, Copy)]
enum Goal {
    Ready,
    HookDone,
    Gone,
}

impl Goal {
    fn is_met_by(self, readiness: &Readiness) -> bool {
        match self {
            Self::Ready | Self::HookDone => readiness.status == Status::Current,
            Self::Gone => readiness.status == Status::NotFound,
        }
    }

    /// Failed objects do not hold up the end, but the wait fails then.
    fn is_settled_by(self, readiness: &Readiness) -> bool {
        self.is_met_by(readiness) || (!matches!(self, Self::Gone) && readiness.status == Status::Failed)
    }
}

impl Cluster {
    /// Waits until objects are ready.
    ///
    /// # Errors
    /// [`WaitError::NotReady`] names every object that is not, with its last condition and newest warning;
    /// [`WaitError::Cluster`] when the cluster refuses to say.
    pub async fn wait_ready(
        &self,
        objects: &[Object],
        options: &WaitOptions,
        on_change: OnChange<'_>,
    ) -> Result<(), WaitError> {
        // As Helm: a paused deployment never gets ready, and is not waited for.
        let waited: Vec<ObjectRef> =
            objects.iter().filter(|object| !is_paused(object)).map(|o| o.id().clone()).collect();
        self.wait(waited, Goal::Ready, options, on_change).await
    }

    /// Waits until hooks are done: jobs completed, pods succeeded, others at once. One that is gone is done.
    ///
    /// # Errors
    /// As [`Self::wait_ready`]; a failed job or pod ends the wait at once.
    pub async fn wait_hook(
        &self,
        objects: &[Object],
        options: &WaitOptions,
        on_change: OnChange<'_>,
    ) -> Result<(), WaitError> {
        let runs = |object: &&Object| is_job(&object.id().gvk) || is_pod(&object.id().gvk);
        let waited = objects.iter().filter(runs).map(|object| object.id().clone()).collect();
        self.wait(waited, Goal::HookDone, options, on_change).await
    }

    /// Waits until objects are gone.
    ///
    /// # Errors
    /// As [`Self::wait_ready`].
    pub async fn wait_gone(
        &self,
        objects: &[ObjectRef],
        options: &WaitOptions,
        on_change: OnChange<'_>,
    ) -> Result<(), WaitError> {
        self.wait(objects.to_vec(), Goal::Gone, options, on_change).await
    }

    async fn wait(
        &self,
        objects: Vec<ObjectRef>,
        goal: Goal,
        options: &WaitOptions,
        on_change: OnChange<'_>,
    ) -> Result<(), WaitError> {
        if objects.is_empty() {
            return Ok(());
        }
        let mut watched: Vec<Watched> = objects.into_iter().map(Watched::new).collect();
        let ended = timeout_at(options.deadline, self.look_until_settled(&mut watched, goal, options, on_change)).await;
        let timed_out = match ended {
            Ok(Ok(())) => false,
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => true,
        };
        let unmet: Vec<&Watched> = watched.iter().filter(|watched| !goal.is_met_by(&watched.readiness)).collect();
        if unmet.is_empty() {
            return Ok(());
        }
        Err(report::not_ready(self, &unmet, matches!(goal, Goal::Gone), timed_out).await)
    }

    async fn look_until_settled(
        &self,
        watched: &mut [Watched],
        goal: Goal,
        options: &WaitOptions,
        on_change: OnChange<'_>,
    ) -> Result<(), Error> {
        let mut ticks = interval(options.interval.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // All are looked at again once all have settled: what was ready may have fallen while others came up.
        let mut is_last_look = false;
        let mut looks = 0;
        loop {
            ticks.tick().await;
            looks += 1;
            let due = |watched: &Watched| is_last_look || !goal.is_settled_by(&watched.readiness);
            let pending: Vec<ObjectRef> = watched.iter().filter(|w| due(w)).map(|w| w.object.clone()).collect();
            let seen = batch::all(&pending, options.parallel, |object| self.look(object, goal, options)).await;
            for (object, seen) in pending.iter().zip(seen) {
                let (readiness, live) = seen?;
                if let Some(watched) = watched.iter_mut().find(|watched| watched.object == *object) {
                    watched.note(readiness, live, on_change);
                }
            }
            if watched.iter().any(|watched| watched.readiness.is_terminal) {
                return Ok(());
            }
            let settled = watched.iter().all(|watched| goal.is_settled_by(&watched.readiness));
            if settled && (is_last_look || looks == 1 || !matches!(goal, Goal::Ready)) {
                return Ok(());
            }
            is_last_look = settled;
        }
    }

    /// Looks at one object.
    async fn look(
        &self,
        object: &ObjectRef,
        goal: Goal,
        options: &WaitOptions,
    ) -> Result<(Readiness, Option<Value>), Error> {
        let live = match self.get(object).await {
            Ok(Some(live)) => live,
            Ok(None) if matches!(goal, Goal::HookDone) => return Ok((Readiness::current("Resource is gone"), None)),
            Ok(None) => return Ok((Readiness::new(Status::NotFound, "Resource not found"), None)),
            // What a cluster no longer serves is gone.
            Err(Error::NoMatch(_)) if matches!(goal, Goal::Gone) => {
                return Ok((Readiness::new(Status::NotFound, "Resource not found"), None));
            }
            Err(error) if error.is_retryable() => {
                return Ok((Readiness::new(Status::Unknown, error.to_string()), None));
            }
            Err(error) => return Err(error),
        };
        let readiness = match goal {
            Goal::HookDone => hook_status(&live),
            Goal::Gone => Readiness { is_terminal: false, ..kstatus::status(&live) },
            Goal::Ready => match self.ready_status(&live, options).await {
                Ok(readiness) => readiness,
                Err(error) if error.is_retryable() => Readiness::new(Status::Unknown, error.to_string()),
                Err(error) => return Err(error),
            },
        };
        Ok((readiness, Some(live)))
    }

    async fn ready_status(&self, live: &Value, options: &WaitOptions) -> Result<Readiness, Error> {
        if options.strategy == Strategy::Legacy {
            return legacy::status(self, live, options.jobs).await;
        }
        let gvk = Gvk::new(json::text(live, "/apiVersion"), json::text(live, "/kind"));
        if options.jobs && is_job(&gvk) {
            return Ok(kstatus::job_end(live).unwrap_or_else(|| Readiness::in_progress("Job in progress")));
        }
        let readiness = kstatus::status(live);
        let owns_pods = gvk.is("apps", "StatefulSet") || gvk.is("apps", "ReplicaSet");
        if readiness.status == Status::InProgress && owns_pods {
            let failed = self.failed_pods(live).await?;
            if failed > 0 {
                return Ok(Readiness::failed(format!("{failed} pods have failed")));
            }
        }
        Ok(readiness)
    }

    /// Counts the pods of a controller that have failed for good; those without a node or on their way out do not
    /// count, as cli-utils `statusreaders/pod_controller.go`.
    async fn failed_pods(&self, live: &Value) -> Result<usize, Error> {
        let Some(selector) = json::pod_selector(live) else { return Ok(0) };
        let namespace = json::text(live, "/metadata/namespace").to_owned();
        let like = ObjectRef { gvk: Gvk::new("v1", "Pod"), namespace, name: String::new() };
        let pods = self.list(&like, &selector, "").await?;
        Ok(pods
            .into_iter()
            .filter(|pod| !kstatus::is_unschedulable(pod))
            .filter(|pod| kstatus::status(&typed(pod, &like.gvk)).status == Status::Failed)
            .count())
    }
}

/// Items of a list do not say what they are.
fn typed(item: &Value, gvk: &Gvk) -> Value {
    let mut item = item.clone();
    if let Value::Object(map) = &mut item {
        map.insert("apiVersion".to_owned(), gvk.api_version().into());
        map.insert("kind".to_owned(), gvk.kind.as_str().into());
    }
    item
}

fn is_paused(object: &Object) -> bool {
    object.id().gvk.is("apps", "Deployment")
        && object.value().pointer("/spec/paused").and_then(Value::as_bool) == Some(true)
}

fn is_job(gvk: &Gvk) -> bool {
    gvk.is("batch", "Job")
}

fn is_pod(gvk: &Gvk) -> bool {
    gvk.is("", "Pod")
}

/// How a hook stands, as Helm 4.3: `internal/statusreaders`.
fn hook_status(live: &Value) -> Readiness {
    let name = json::text(live, "/metadata/name");
    if json::text(live, "/kind") == "Job" {
        return kstatus::job_end(live).unwrap_or_else(|| Readiness::in_progress("Job in progress"));
    }
    match json::text(live, "/status/phase") {
        "Succeeded" => Readiness::current(format!("pod {name} succeeded")),
        "Failed" => Readiness::failed(format!("pod {name} failed")).terminal(),
        _ => Readiness::in_progress("Pod in progress"),
    }
}

/// An object that is waited for.
struct Watched {
    object: ObjectRef,
    readiness: Readiness,
    live: Option<Value>,
    unschedulable_since: Option<Instant>,
}

impl Watched {
    fn new(object: ObjectRef) -> Self {
        Self {
            object,
            readiness: Readiness::new(Status::Unknown, "not looked at yet"),
            live: None,
            unschedulable_since: None,
        }
    }

    fn note(&mut self, mut readiness: Readiness, live: Option<Value>, on_change: OnChange<'_>) {
        if readiness.message == kstatus::UNSCHEDULABLE {
            let since = *self.unschedulable_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= SCHEDULE_WINDOW {
                readiness = Readiness::failed("Pod could not be scheduled");
            }
        } else {
            self.unschedulable_since = None;
        }
        if self.readiness != readiness {
            on_change(&self.object, &readiness);
        }
        self.readiness = readiness;
        if live.is_some() {
            self.live = live;
        }
    }
}
