//! All that a cluster holds, read without kubectl's start for every kind.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::check::{list, text};
use crate::cluster::{Kubectl, free_ports};
use crate::http::{Http, Response};
use crate::process::Background;

/// Managers that are part of the cluster: what only they have written is no tool's object.
const CLUSTER: [&str; 3] = ["kube-", "kwok", "api-priority-and-fairness-"];
/// Kinds that the cluster makes out of others.
const DERIVED: [&str; 6] =
    ["events", "endpoints", "endpointslices", "controllerrevisions", "componentstatuses", "ipaddresses"];
/// Accepts discovery in two calls instead of one for each group.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// A cluster's API as its administrator, in plain HTTP; it ends when this value is dropped.
pub(crate) struct Api {
    process: Background,
    http: Http,
}

/// A kind of object.
struct Resource {
    /// `Deployment.apps`.
    kind: String,
    /// Where the objects of all namespaces are.
    list: String,
    /// The path of the version, and the plural.
    base: String,
    plural: String,
}

/// An object that a tool has written.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// `Deployment.apps web/shop`.
    pub(crate) id: String,
    /// Where it is.
    pub(crate) path: String,
    /// What it is.
    pub(crate) value: Value,
}

impl Api {
    /// Has kubectl speak for the administrator.
    pub(crate) fn start(kubectl: &Kubectl, log: PathBuf, port: u16) -> Result<Self> {
        // Not beside a control plane that has just started: some of its components listen only later.
        let port = free_ports(port.saturating_add(45), 1)?;
        let mut command: Command = kubectl.command(&["proxy", "--port", &port.to_string()]);
        let mut process = Background::start("kubectl proxy", &mut command, log)?;
        let http = Http::new(format!("http://127.0.0.1:{port}"));
        process.until(Duration::from_secs(30), || http.get("/readyz")?.expect(200).context("it is not ready"))?;
        Ok(Self { process, http })
    }

    /// Returns a client.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// Fails when it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.process.check()
    }

    /// Reads what can be listed, each kind in the version that the cluster prefers.
    fn resources(&self) -> Result<Vec<Resource>> {
        let mut found: Vec<Resource> = Vec::new();
        for root in ["/api", "/apis"] {
            let answer = self.http.send("GET", root, &[("Accept", AGGREGATED)], b"")?.expect(200)?.json()?;
            for group in list(&answer, "/items")? {
                let name = group.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                for version in list(group, "/versions")? {
                    let base = match name {
                        "" => format!("/api/{}", text(version, "/version")?),
                        name => format!("/apis/{name}/{}", text(version, "/version")?),
                    };
                    for resource in version["resources"].as_array().into_iter().flatten() {
                        let plural = text(resource, "/resource")?;
                        let can_be_listed = list(resource, "/verbs")?.iter().any(|verb| verb == "list");
                        let kind = format!("{}.{name}", text(resource, "/responseKind/kind")?);
                        if can_be_listed && !DERIVED.contains(&plural) && !found.iter().any(|old| old.kind == kind) {
                            let list = format!("{base}/{plural}");
                            found.push(Resource { kind, list, base: base.clone(), plural: plural.to_owned() });
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    /// Reads the objects that something outside the cluster has written, and nobody made out of another.
    pub(crate) fn objects(&self) -> Result<Vec<Object>> {
        let mut found = Vec::new();
        for resource in self.resources()? {
            let answer = self.get_ready(&resource.list)?;
            // A definition, or the server behind a group, may be on its way out.
            if answer.status == 404 || answer.status == 503 {
                continue;
            }
            let mut answer = answer.expect(200)?.json()?;
            let Some(items) = answer.get_mut("items").and_then(Value::as_array_mut) else { continue };
            found.extend(items.drain(..).filter(is_a_tools).map(|value| object(&resource, value)));
        }
        Ok(found)
    }

    /// Gets a path, and waits while the server makes the storage of a new definition.
    fn get_ready(&self, path: &str) -> Result<Response> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = self.http.get(path)?;
            if answer.status != 429 || Instant::now() > deadline {
                return Ok(answer);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Deletes objects, whatever holds them, and waits until they are gone.
    pub(crate) fn purge(&self, objects: &[Object]) -> Result<()> {
        let namespaces = |object: &&Object| object.id.starts_with("Namespace. ");
        // A namespace takes its time, and what is in it goes with it.
        for object in objects {
            self.http.send("DELETE", &format!("{}?propagationPolicy=Background", object.path), &[], b"")?;
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        for object in objects.iter().filter(|object| !namespaces(object)) {
            while self.http.get(&object.path)?.status == 200 && Instant::now() < deadline {
                let patch = br#"{"metadata":{"finalizers":null}}"#;
                let headers = [("Content-Type", "application/merge-patch+json")];
                self.http.send("PATCH", &object.path, &headers, patch)?;
                std::thread::sleep(Duration::from_millis(30));
            }
        }
        Ok(())
    }
}

fn object(resource: &Resource, value: Value) -> Object {
    let part = |name: &str| value["metadata"][name].as_str().unwrap_or_default().to_owned();
    let (namespace, name) = (part("namespace"), part("name"));
    let (id, path) = if namespace.is_empty() {
        (format!("{} {name}", resource.kind), format!("{}/{}/{name}", resource.base, resource.plural))
    } else {
        (
            format!("{} {namespace}/{name}", resource.kind),
            format!("{}/namespaces/{namespace}/{}/{name}", resource.base, resource.plural),
        )
    };
    Object { id, path, value }
}

/// Tells whether a tool has written an object itself.
fn is_a_tools(object: &Value) -> bool {
    let metadata = &object["metadata"];
    let managers = metadata["managedFields"].as_array().into_iter().flatten().filter_map(|m| m["manager"].as_str());
    metadata.get("ownerReferences").is_none()
        && managers.into_iter().any(|manager| !CLUSTER.iter().any(|own| manager.starts_with(own)))
}

/// Tells whether an entry of managed fields is the cluster's own.
pub(crate) fn is_clusters(entry: &Value) -> bool {
    entry.get("subresource").is_some()
        || entry["manager"].as_str().is_some_and(|manager| CLUSTER.iter().any(|own| manager.starts_with(own)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whose_an_object_is() {
        let by = |manager: &str| json!({"metadata": {"managedFields": [{"manager": manager}]}});
        assert!(is_a_tools(&by("helm")));
        assert!(!is_a_tools(&by("kube-controller-manager")));
        let mut owned = by("helm");
        owned["metadata"]["ownerReferences"] = json!([{}]);
        assert!(!is_a_tools(&owned));
    }
}
