//! Waiting: for what is installed, for hooks, for definitions, for deletions.

use std::time::Duration;

use cluster::{Cluster, Object, Strategy, WaitError, WaitOptions};
use serde_json::Value;
use tokio::time::Instant;

use super::Objects;
use crate::failure::Failure;

/// What Tiller says when it has waited long enough.
const TIMED_OUT: &str = "timed out waiting for the condition";

/// How often a hook is looked at; Tiller watches, and what it sees comes to the same.
const LOOK: Duration = Duration::from_millis(250);

/// Who waits without end waits this long.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Waits until objects are ready by Helm 2's rules, which Helm 3 has taken over.
pub(super) async fn ready(cluster: &Cluster, objects: &[Object], until: Option<Instant>) -> Result<(), Failure> {
    let options = WaitOptions {
        strategy: Strategy::Legacy,
        interval: Duration::from_secs(1),
        ..WaitOptions::until(until.unwrap_or_else(|| Instant::now() + FOR_EVER))
    };
    match cluster.wait_ready(objects, &options, &|_, _| {}).await {
        Ok(()) => Ok(()),
        Err(WaitError::Cluster(error)) => Err(error.into()),
        Err(_) => Err(Failure::new(TIMED_OUT)),
    }
}

/// Looks at an object until something is found, or the time is up.
async fn watch<T>(
    cluster: &Cluster,
    object: &Object,
    until: Option<Instant>,
    found: impl Fn(Option<&Value>) -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    loop {
        if let Some(found) = found(cluster.get(object.id()).await?.as_ref())? {
            return Ok(found);
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return Err(Failure::new(TIMED_OUT));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The message and reason of a condition that is true.
fn is_true(live: &Value, kind: &str) -> Option<String> {
    let conditions = live.pointer("/status/conditions")?.as_array()?;
    let found = conditions.iter().find(|condition| condition["type"] == kind && condition["status"] == "True")?;
    Some(found["reason"].as_str().unwrap_or_default().to_owned())
}

impl Objects {
    /// Waits until what was installed is ready.
    pub(crate) async fn wait_ready(&self, objects: &[Object], until: Option<Instant>) -> Result<(), Failure> {
        ready(&self.cluster, objects, until).await
    }

    /// Waits until hooks are done: Jobs completed; all else is done when it is there.
    pub(crate) async fn wait_hook(&self, objects: &[Object], until: Option<Instant>) -> Result<(), Failure> {
        for object in objects.iter().filter(|object| object.kind() == "Job") {
            watch(&self.cluster, object, until, |live| {
                // One that was deleted while it was waited for is done.
                let Some(live) = live else { return Ok(Some(())) };
                if let Some(reason) = is_true(live, "Failed") {
                    return Err(Failure(format!("Job failed: {reason}")));
                }
                Ok(is_true(live, "Complete").map(drop))
            })
            .await?;
        }
        Ok(())
    }

    /// Waits until definitions are established.
    pub(crate) async fn wait_established(&self, objects: &[Object], until: Option<Instant>) -> Result<(), Failure> {
        for object in objects {
            watch(&self.cluster, object, until, |live| {
                let Some(live) = live else { return Err(Failure::new("unable to get CRD: it was deleted")) };
                if is_true(live, "Established").is_some() {
                    return Ok(Some(()));
                }
                let conditions = live.pointer("/status/conditions").and_then(Value::as_array);
                let is_refused =
                    |condition: &Value| condition["type"] == "NamesAccepted" && condition["status"] == "False";
                if conditions.is_some_and(|conditions| conditions.iter().any(is_refused)) {
                    return Err(Failure(format!("naming conflict detected for CRD {}", object.name())));
                }
                Ok(None)
            })
            .await?;
        }
        self.cluster.forget_served();
        Ok(())
    }

    /// Waits until a pod has ended; what comes back is its phase.
    pub(crate) async fn wait_pod(&self, pod: &Object, until: Option<Instant>) -> Result<String, Failure> {
        watch(&self.cluster, pod, until, |live| {
            let Some(live) = live else { return Err(Failure::new("pod not found")) };
            let phase = live.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
            Ok(matches!(phase, "Succeeded" | "Failed").then(|| phase.to_owned()))
        })
        .await
    }

    /// Waits until objects are gone.
    pub(crate) async fn wait_gone(&self, objects: &[Object], until: Option<Instant>) -> Result<(), Failure> {
        for object in objects {
            watch(&self.cluster, object, until, |live| Ok(live.is_none().then_some(()))).await?;
        }
        Ok(())
    }
}
