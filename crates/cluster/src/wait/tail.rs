//! The last lines of a container that keeps an object from getting ready.

use serde_json::Value;

use super::json::{condition, pod_selector, text};
use crate::cluster::Cluster;
use crate::logs::ContainerLog;
use crate::object::{Gvk, ObjectRef};

/// How many lines are read, and how many bytes of them.
const LINES: u32 = 10;
const BYTES: u32 = 8 * 1024;

/// Reads the last lines of a container of an object, one that has failed or is not ready; `None` when there is none, or
/// it has printed nothing, or its log cannot be read, for logs only explain.
pub(super) async fn of(cluster: &Cluster, live: &Value) -> Option<ContainerLog> {
    let gvk = Gvk::new("v1", "Pod");
    let namespace = text(live, "/metadata/namespace");
    let pods = if text(live, "/kind") == "Pod" {
        vec![live.clone()]
    } else {
        let like = ObjectRef { gvk, namespace: namespace.to_owned(), name: String::new() };
        cluster.list(&like, &pod_selector(live)?, "").await.ok()?
    };
    let (pod, container) = pods.iter().filter_map(|pod| Some((pod, worst(pod)?))).max_by_key(|(_, it)| it.rank)?;
    let pod = text(pod, "/metadata/name");
    let limits = [("tailLines", LINES), ("limitBytes", BYTES), ("previous", container.restarted.into())];
    let lines = cluster.container_log(namespace, pod, &container.name, &limits).await.ok()?;
    let text = lines.trim_end().to_owned();
    (!text.is_empty()).then(|| ContainerLog { pod: pod.to_owned(), container: container.name, text })
}

/// A container that is not as it should be.
struct Troubled {
    name: String,
    /// What it has printed was printed before its last restart.
    restarted: bool,
    rank: u8,
}

/// The container of a pod that is worst off: one that has failed, or waits to be started again, or is not ready.
fn worst(pod: &Value) -> Option<Troubled> {
    if condition(pod, "Ready", "True").is_some() {
        return None;
    }
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let statuses = statuses.iter().filter_map(|path| pod.pointer(path)?.as_array()).flatten();
    let troubled = statuses.filter_map(|status| {
        let waits = status.pointer("/state/waiting").is_some();
        let restarts = status.get("restartCount").and_then(Value::as_i64).unwrap_or_default();
        let exit = status.pointer("/state/terminated/exitCode").and_then(Value::as_i64);
        let is_ready = status.get("ready").and_then(Value::as_bool).unwrap_or_default();
        let rank = match exit {
            Some(0) => return None,
            Some(_) => 3,
            None if waits && restarts > 0 => 2,
            None if waits || is_ready => return None,
            None => 1,
        };
        Some(Troubled { name: text(status, "/name").to_owned(), restarted: waits, rank })
    });
    // Of those that are as badly off, the first.
    troubled.reduce(|worst, next| if next.rank > worst.rank { next } else { worst })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_container_that_is_worst_off_is_asked() {
        let fine = json!({"name": "fine", "ready": true, "state": {"running": {}}});
        let slow = json!({"name": "slow", "ready": false, "state": {"running": {}}});
        let again = json!({"name": "again", "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}});
        let failed = json!({"name": "failed", "state": {"terminated": {"exitCode": 1}}});
        let done = json!({"name": "done", "state": {"terminated": {"exitCode": 0}}});
        let new = json!({"name": "new", "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff"}}});
        for (containers, want) in [
            (vec![&fine, &slow], Some(("slow", false))),
            (vec![&slow, &again], Some(("again", true))),
            (vec![&again, &failed], Some(("failed", false))),
            (vec![&fine, &done, &new], None),
        ] {
            let found = worst(&json!({"status": {"containerStatuses": containers}}));
            assert_eq!(found.as_ref().map(|it| (it.name.as_str(), it.restarted)), want);
        }
        let ready =
            json!({"status": {"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [slow]}});
        assert!(worst(&ready).is_none());
        let starting = json!({"status": {"initContainerStatuses": [failed], "containerStatuses": [new]}});
        assert_eq!(worst(&starting).map(|it| it.name).as_deref(), Some("failed"));
    }
}
