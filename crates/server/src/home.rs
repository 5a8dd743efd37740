//! The server's own namespace, in the cluster `default`: what it keeps there, in its own name.

mod follow;
mod secrets;

use std::sync::Arc;

use api::{Problem, Reason};
use engine::Error;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use kube::{Client, Error as KubeError};

pub(crate) use self::follow::{Heard, Keeper, follow};
pub(crate) use self::secrets::{NotWritten, is_newer};
use crate::clusters::{Clusters, DEFAULT};
use crate::problems;

/// The label that tells what an object of ours is.
pub(crate) const KIND: &str = "whipstaff.dev/kind";

/// The server's own namespace.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) clusters: Arc<Clusters>,
    namespace: String,
}

impl Home {
    pub(crate) fn new(clusters: Arc<Clusters>, namespace: &str) -> Self {
        Self { clusters, namespace: namespace.to_owned() }
    }

    fn client(&self) -> Result<Client, Box<Problem>> {
        let member = self.clusters.get(DEFAULT);
        let member = member.ok_or_else(|| crate::reply::internal("the cluster `default` is gone"))?;
        Ok(member.own().cluster().client().clone())
    }

    pub(crate) fn leases(&self) -> Result<Api<Lease>, Box<Problem>> {
        Ok(Api::namespaced(self.client()?, &self.namespace))
    }

    pub(crate) fn secrets(&self) -> Result<Api<Secret>, Box<Problem>> {
        Ok(Api::namespaced(self.client()?, &self.namespace))
    }

    /// The problem of a refused call on what is the server's own.
    pub(crate) fn refused(&self, error: KubeError) -> Box<Problem> {
        let mut problem = problem_of(error);
        if problem.reason == Reason::ClusterForbidden {
            problem.detail = format!(
                "the server may not keep what is its own in namespace `{}`: {}; allow it, or name another with `serve --namespace`",
                self.namespace, problem.detail
            );
        }
        problem
    }
}

/// The status that the cluster answered with; none when it did not answer.
pub(crate) fn code(error: &KubeError) -> Option<u16> {
    match error {
        KubeError::Api(status) => Some(status.code),
        _ => None,
    }
}

/// The problem of a call that failed.
pub(crate) fn problem_of(error: KubeError) -> Box<Problem> {
    problems::of(Error::Ledger(release::Error::from(error)))
}
