//! What pods have printed, as Helm 4.3: `pkg/action/hooks.go outputLogsByPolicy`.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::discovery::Resource;
use crate::error::{Action, Error};
use crate::object::{Gvk, ObjectRef};
use crate::request::Call;

/// What one container has printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerLog {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The text; what is no UTF-8 is replaced.
    pub text: String,
}

impl Cluster {
    /// Reads what the containers of a job or of a pod have printed, at most `limit` bytes each; other kinds have
    /// printed nothing.
    ///
    /// # Errors
    /// Refusals.
    pub async fn logs(&self, object: &ObjectRef, limit: u32) -> Result<Vec<ContainerLog>, Error> {
        let (labels, fields) = match (object.gvk.group.as_str(), object.gvk.kind.as_str()) {
            ("batch", "Job") => (format!("job-name={}", object.name), String::new()),
            ("", "Pod") => (String::new(), format!("metadata.name={}", object.name)),
            _ => return Ok(Vec::new()),
        };
        let like = ObjectRef { gvk: Gvk::new("v1", "Pod"), namespace: object.namespace.clone(), name: String::new() };
        let mut logs = Vec::new();
        for pod in self.list(&like, &labels, &fields).await? {
            let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            let containers = pod.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten();
            for container in containers.filter_map(|container| container.get("name")?.as_str()) {
                let text = self.container_log(&object.namespace, name, container, &[("limitBytes", limit)]).await?;
                logs.push(ContainerLog { pod: name.to_owned(), container: container.to_owned(), text });
            }
        }
        Ok(logs)
    }

    /// Reads what each container of a pod has printed, those that start it first.
    pub async fn pod_logs(&self, pod: &ObjectRef, live: &Value) -> Vec<Result<ContainerLog, String>> {
        let named = |path: &str| live.pointer(path).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut logs = Vec::new();
        for container in [named("/spec/initContainers"), named("/spec/containers")].concat() {
            let Some(container) = container.get("name").and_then(Value::as_str) else { continue };
            let log = self.container_log(&pod.namespace, &pod.name, container, &[("limitBytes", u32::MAX)]).await;
            logs.push(match log {
                Ok(text) => Ok(ContainerLog { pod: pod.name.clone(), container: container.to_owned(), text }),
                Err(error) => Err(format!("unable to get logs for pod {}, container {container}: {error}", pod.name)),
            });
        }
        logs
    }

    /// Reads what a container has printed, within the limits of a query.
    pub(crate) async fn container_log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        limits: &[(&'static str, u32)],
    ) -> Result<String, Error> {
        let pods = Resource { gvk: Gvk::new("v1", "Pod"), plural: "pods".to_owned(), namespaced: true };
        let mut call = Call::get(Action::Logs, format!("{}/log", pods.object_path(namespace, pod)))
            .accept("text/plain, */*")
            .query("container", container);
        for (limit, value) in limits {
            call = match *limit {
                "previous" => call.query_if(*value > 0, "previous", "true"),
                limit => call.query(limit, value.to_string()),
            };
        }
        let answer = call.send(self.client()).await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }
}
