//! Leases (`coordination.k8s.io/v1`): who is at work, and for how long that may be believed.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::error::{Action, Error};
use crate::object::{Gvk, ObjectRef};
use crate::request::{Answer, Call, escape};

/// A lease as it was read or written last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it; empty when nobody does.
    pub holder: String,
    /// When the holder was heard of last; `None` when the lease does not say.
    pub renewed: Option<Timestamp>,
    /// How long the holder may be silent.
    pub duration: Duration,
    /// The version, for compare-and-swap.
    version: String,
    /// How often it has changed hands.
    transitions: i64,
}

impl Lease {
    /// When the holder has to be taken for dead; `None` when nobody is at work.
    pub fn expiry(&self) -> Option<Timestamp> {
        if self.holder.is_empty() {
            return None;
        }
        self.renewed?.checked_add(self.duration).ok()
    }
}

impl Cluster {
    /// Makes a lease; it is nobody else's then.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::NotFound`] when the namespace is not there or leases are not served, and
    /// refusals.
    pub async fn create_lease(
        &self,
        namespace: &str,
        name: &str,
        holder: &str,
        duration: Duration,
        now: Timestamp,
    ) -> Result<Lease, Error> {
        let body = body(namespace, name, None, &spec(holder, duration, now, 0));
        let call = Call::new(Action::Create, Method::POST, path(namespace, "")).body("application/json", &body);
        read(&call.about(&id(namespace, name)).send(self.client()).await?)
    }

    /// Reads a lease; `None` when it is not there.
    ///
    /// # Errors
    /// Refusals.
    pub async fn read_lease(&self, namespace: &str, name: &str) -> Result<Option<Lease>, Error> {
        let call = Call::get(Action::Get, path(namespace, name)).about(&id(namespace, name));
        match call.send(self.client()).await {
            Ok(answer) => Ok(Some(read(&answer)?)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes or renews a lease, unless it has changed since it was read.
    ///
    /// # Errors
    /// [`Error::Conflict`], [`Error::NotFound`], and refusals.
    pub async fn take_lease(
        &self,
        namespace: &str,
        name: &str,
        seen: &Lease,
        holder: &str,
        now: Timestamp,
    ) -> Result<Lease, Error> {
        let transitions = seen.transitions + i64::from(seen.holder != holder);
        let body = body(namespace, name, Some(&seen.version), &spec(holder, seen.duration, now, transitions));
        let call = Call::new(Action::Update, Method::PUT, path(namespace, name)).body("application/json", &body);
        read(&call.about(&id(namespace, name)).send(self.client()).await?)
    }

    /// Deletes a lease, unless it has changed since it was read; one that is gone is fine.
    ///
    /// # Errors
    /// [`Error::Conflict`], and refusals.
    pub async fn delete_lease(&self, namespace: &str, name: &str, seen: &Lease) -> Result<(), Error> {
        let options = json!({
            "kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"resourceVersion": seen.version},
        });
        let call = Call::new(Action::Delete, Method::DELETE, path(namespace, name)).body("application/json", &options);
        match call.about(&id(namespace, name)).send(self.client()).await {
            Ok(_) | Err(Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn id(namespace: &str, name: &str) -> ObjectRef {
    let gvk = Gvk::new("coordination.k8s.io/v1", "Lease");
    ObjectRef { gvk, namespace: namespace.to_owned(), name: name.to_owned() }
}

/// Leases are asked for without discovery: their address is the same in every cluster.
fn path(namespace: &str, name: &str) -> String {
    let mut path = "/apis/coordination.k8s.io/v1/namespaces/".to_owned();
    escape(namespace, &mut path);
    path.push_str("/leases");
    if !name.is_empty() {
        path.push('/');
        escape(name, &mut path);
    }
    path
}

fn spec(holder: &str, duration: Duration, now: Timestamp, transitions: i64) -> Value {
    // `metav1.MicroTime`; a new holder acquires, and an old one keeps saying that it does, which nobody minds.
    let now = now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
    json!({
        "holderIdentity": holder, "leaseDurationSeconds": duration.as_secs(),
        "acquireTime": now, "renewTime": now, "leaseTransitions": transitions,
    })
}

fn body(namespace: &str, name: &str, version: Option<&str>, spec: &Value) -> Value {
    let mut metadata = json!({"namespace": namespace, "name": name});
    if let (Value::Object(map), Some(version)) = (&mut metadata, version) {
        map.insert("resourceVersion".to_owned(), version.into());
    }
    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec})
}

fn read(answer: &Answer) -> Result<Lease, Error> {
    let lease = answer.json()?;
    let text = |path: &str| lease.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let number = |path: &str| lease.pointer(path).and_then(Value::as_i64).unwrap_or_default();
    Ok(Lease {
        holder: text("/spec/holderIdentity").to_owned(),
        renewed: text("/spec/renewTime").parse().ok(),
        duration: Duration::from_secs(number("/spec/leaseDurationSeconds").try_into().unwrap_or_default()),
        version: text("/metadata/resourceVersion").to_owned(),
        transitions: number("/spec/leaseTransitions"),
    })
}
