//! The calls that keep operations: Leases and requests in the server's own namespace, records beside the releases.

use api::{Problem, Reason};
use k8s_openapi::api::core::v1::Secret;
use kube::Error as KubeError;
use kube::api::{Api, DeleteParams, ListParams, PostParams, Preconditions};

use super::listing::{Indexed, Listing, OPERATION, lease_name};
use super::record::{Stored, secret_name};
use super::request::{self, Request};
use crate::caller::Caller;
use crate::clusters::State;
use crate::home::{Home, KIND, code, problem_of};

impl Home {
    /// Where the record of an operation is, in the name of whoever it is done for.
    fn records(&self, listing: &Listing) -> Result<Api<Secret>, Box<Problem>> {
        if listing.at_home {
            return self.secrets();
        }
        let name = &listing.release.cluster;
        if let Some(State::Broken(_)) = self.clusters.find(name) {
            let text = format!("the operation is of cluster `{name}`, whose Secret cannot be used");
            return Err(Box::new(Problem::new(Reason::ClusterUnreachable, text)));
        }
        let member = self.clusters.get(name).ok_or_else(|| {
            let text = format!("the operation is of cluster `{name}`, which is no longer there");
            Box::new(Problem::new(Reason::ClusterNotFound, text))
        })?;
        if let Some(problem) = member.down() {
            return Err(problem);
        }
        let caller = listing.caller.clone().map_or_else(Caller::default, Caller::known);
        Ok(Api::namespaced(member.engine(&caller).cluster().client().clone(), &listing.release.namespace))
    }

    /// Lists an operation for all replicas to see.
    pub(crate) async fn list(&self, indexed: Indexed) -> Result<Indexed, Box<Problem>> {
        let lease = indexed.lease();
        let made = self.leases()?.create(&PostParams::default(), &lease).await.map_err(|e| self.refused(e))?;
        Ok(Indexed { version: made.metadata.resource_version.unwrap_or_default(), ..indexed })
    }

    /// Writes a listing anew, unless somebody has changed it; `None` then, and when it is gone.
    pub(crate) async fn relist(&self, indexed: Indexed) -> Result<Option<Indexed>, Box<Problem>> {
        let name = lease_name(&indexed.listing.id);
        match self.leases()?.replace(&name, &PostParams::default(), &indexed.lease()).await {
            Ok(made) => Ok(Some(Indexed { version: made.metadata.resource_version.unwrap_or_default(), ..indexed })),
            Err(error) if matches!(code(&error), Some(404 | 409)) => Ok(None),
            Err(error) => Err(self.refused(error)),
        }
    }

    /// Reads a listing.
    pub(crate) async fn listing(&self, id: &str) -> Result<Option<Indexed>, Box<Problem>> {
        // A name that is none would be another address.
        if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Ok(None);
        }
        let found = self.leases()?.get_opt(&lease_name(id)).await.map_err(|e| self.refused(e))?;
        Ok(found.as_ref().and_then(Indexed::read))
    }

    /// Reads all listings.
    pub(crate) async fn listings(&self) -> Result<Vec<Indexed>, Box<Problem>> {
        let params = ListParams::default().labels(&format!("{KIND}={OPERATION}"));
        let found = self.leases()?.list(&params).await.map_err(|e| self.refused(e))?;
        Ok(found.items.iter().filter_map(Indexed::read).collect())
    }

    /// Forgets an operation: its record, its request and its listing, which goes last. Whoever comes second does nothing.
    pub(crate) async fn forget(&self, indexed: &Indexed) -> Result<(), Box<Problem>> {
        let Indexed { listing, version, .. } = indexed;
        let gone = |result: Result<_, KubeError>| match result {
            Err(error) if code(&error).is_none() => Err(self.refused(error)),
            // What may not be deleted any more is left to its namespace.
            _ => Ok(()),
        };
        let params = DeleteParams::default();
        match self.records(listing) {
            Ok(records) => gone(records.delete(&secret_name(&listing.id), &params).await.map(|_| ()))?,
            // With its cluster, its record is out of reach.
            Err(problem) if problem.reason == Reason::ClusterNotFound => {}
            Err(problem) => return Err(problem),
        }
        self.drop_request(&listing.id).await;
        if let Some(key) = &listing.key {
            gone(self.leases()?.delete(key, &params).await.map(|_| ()))?;
        }
        let preconditions = Preconditions { resource_version: Some(version.clone()), uid: None };
        let params = DeleteParams { preconditions: Some(preconditions), ..params };
        gone(self.leases()?.delete(&lease_name(&listing.id), &params).await.map(|_| ()))
    }

    /// Keeps a request.
    pub(crate) async fn keep(&self, id: &str, request: &Request) -> Result<(), Box<Problem>> {
        let (head, body) = request.packed()?;
        self.save("request", &request::name(id), head, &body).await
    }

    /// Reads a request.
    pub(crate) async fn request(&self, id: &str) -> Result<Option<Request>, Box<Problem>> {
        let found = self.load(&request::name(id)).await?;
        Ok(found.and_then(|(head, body)| Request::read(&head, &body)))
    }

    /// Drops a request that was carried out; one that stays is dropped with its operation.
    pub(crate) async fn drop_request(&self, id: &str) {
        if let Err(problem) = self.discard(&request::name(id)).await {
            tracing::debug!(detail = problem.detail, id, "a request that was carried out could not be dropped");
        }
    }

    /// Writes an operation's record: a new one without a version, else unless somebody has changed it. Returns the new
    /// version.
    ///
    /// # Errors
    /// What the cluster says; its code is there to decide by.
    pub(crate) async fn write(
        &self,
        listing: &Listing,
        stored: &Stored,
        version: Option<String>,
    ) -> Result<String, Refused> {
        let records = self.records(listing).map_err(|problem| Refused { code: None, problem })?;
        let (is_new, secret) = (version.is_none(), stored.secret(version));
        let params = PostParams::default();
        let done = match is_new {
            true => records.create(&params, &secret).await,
            false => records.replace(&secret_name(&listing.id), &params, &secret).await,
        };
        match done {
            Ok(made) => Ok(made.metadata.resource_version.unwrap_or_default()),
            Err(error) => Err(Refused { code: code(&error), problem: problem_of(error) }),
        }
    }

    /// Reads an operation's record, with its version, in the name of whoever carries it out.
    pub(crate) async fn read(&self, listing: &Listing) -> Result<Option<(Stored, String)>, Box<Problem>> {
        read(&self.records(listing)?, &listing.id).await
    }
}

/// Why a record was not written.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The status that the cluster answered with; none when it did not answer.
    pub(crate) code: Option<u16>,
    pub(crate) problem: Box<Problem>,
}

async fn read(records: &Api<Secret>, id: &str) -> Result<Option<(Stored, String)>, Box<Problem>> {
    let found = records.get_opt(&secret_name(id)).await.map_err(problem_of)?;
    Ok(found.and_then(|secret| Some((Stored::read(&secret)?, secret.metadata.resource_version?))))
}
