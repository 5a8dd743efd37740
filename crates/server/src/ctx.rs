//! One request, after it was found to keep to the contract.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use api::{EngineKind, InputError, Media, Parameters, Problem, Reason, Route};
use axum::body::Body;
use bytes::Bytes;
use engine::Engine;
use http::{HeaderMap, Response};

use crate::access::Grant;
use crate::app::App;
use crate::caller::Caller;
use crate::clusters::{Member, State};
use crate::limits::Who;

/// The answer of a handler; a problem is boxed because it is large and rare.
pub(crate) type Outcome = Result<Response<Body>, Box<Problem>>;

/// A request as a handler sees it.
pub(crate) struct Ctx {
    pub(crate) app: App,
    pub(crate) caller: Caller,
    /// In whose name it reads.
    pub(crate) grant: Grant,
    /// Whom limits count the request for.
    pub(crate) who: Who,
    pub(crate) route: &'static Route,
    pub(crate) path: BTreeMap<String, String>,
    pub(crate) query: Parameters,
    /// The path and query as they were sent.
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The digest of the chart that was fetched for it from a repository or a registry.
    pub(crate) pinned: OnceLock<String>,
    /// What is known of an earlier run of this request, whose server has died.
    pub(crate) resumed: Option<Resumed>,
}

/// An earlier run of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resumed {
    /// The release's name, which may have been made up.
    pub(crate) name: String,
    /// The revision that stands for what it had begun, if it had.
    pub(crate) begun: Option<u32>,
}

impl Ctx {
    /// Tells whether an earlier run had begun, and so had checked what is to be checked beforehand.
    pub(crate) fn was_begun(&self) -> bool {
        self.resumed.as_ref().is_some_and(|resumed| resumed.begun.is_some())
    }

    /// Tells whether it makes an operation, which another server may go on with.
    pub(crate) fn is_change(&self) -> bool {
        crate::access::is_audited(self.route) && self.query.get("dryRun").is_none()
    }

    /// Returns a parameter of the path; the route has it, so that an empty text never meets a handler.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// Returns a header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Chooses among the media types of the route's answer.
    pub(crate) fn media(&self) -> &'static Media {
        let offered = self.route.responses.iter().find(|r| !r.media.is_empty()).map_or(&[][..], |r| r.media);
        crate::negotiate::choose(self.header("accept"), offered)
    }

    /// Finds the cluster that the path names, unless it is known not to answer.
    pub(crate) fn cluster(&self) -> Result<Arc<Member>, Box<Problem>> {
        self.cluster_named(self.path("cluster"))
    }

    /// Finds a cluster, unless it is known not to answer.
    pub(crate) fn cluster_named(&self, name: &str) -> Result<Arc<Member>, Box<Problem>> {
        let (reason, text) = match self.app.clusters.find(name) {
            Some(State::Ready(member)) => match member.down() {
                None if member.kind() == EngineKind::Tiller && !crate::access::is_for_tillers(self.route.id) => {
                    let text =
                        format!("`{}` cannot be done in `{name}`, where a Helm 2 Tiller does the work", self.route.id);
                    return Err(Box::new(Problem::new(Reason::UnsupportedByEngine, text)));
                }
                None => return Ok(member),
                Some(problem) => return Err(problem),
            },
            Some(State::Broken(_)) => {
                let text = format!("the Secret of cluster `{name}` cannot be used; `/v1/clusters/{name}` says why");
                (Reason::ClusterUnreachable, text)
            }
            None => {
                let text = format!("there is no cluster `{name}`; `/v1/clusters` has those there are");
                (Reason::ClusterNotFound, text)
            }
        };
        Err(Box::new(Problem::new(reason, text)))
    }

    /// What works on the path's cluster in the caller's name.
    pub(crate) fn engine(&self) -> Result<Arc<Engine>, Box<Problem>> {
        Ok(self.cluster()?.engine(&self.caller))
    }

    /// What reads on the path's cluster, in the caller's name or in the server's, as it was found that the caller may.
    pub(crate) fn reader(&self) -> Result<Arc<Engine>, Box<Problem>> {
        Ok(crate::access::reader(&*self.cluster()?, &self.caller, self.grant))
    }

    /// Checks the path's namespace.
    pub(crate) fn namespace(&self) -> Result<&str, Box<Problem>> {
        let namespace = self.path("namespace");
        check_namespace(namespace).map_err(|text| {
            let errors = vec![InputError::parameter("namespace", text)];
            Problem::of_errors(Reason::InvalidNamespace, errors)
        })?;
        Ok(namespace)
    }

    /// Checks the path's release.
    pub(crate) fn target(&self) -> Result<engine::Target, Box<Problem>> {
        self.cluster()?;
        let (namespace, name) = (self.namespace()?.to_owned(), self.path("name"));
        release::validate_name(name).map_err(|e| {
            let errors = vec![InputError::parameter("name", e.to_string())];
            Problem::of_errors(Reason::InvalidReleaseName, errors)
        })?;
        Ok(engine::Target { namespace, name: name.to_owned() })
    }
}

/// Checks a namespace by the rule of DNS labels.
pub(crate) fn check_namespace(name: &str) -> Result<(), &'static str> {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    let good = edge(bytes.first())
        && edge(bytes.last())
        && bytes.len() <= 63
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
    if good {
        return Ok(());
    }
    Err(
        "a namespace has lower-case letters, digits and `-`, begins and ends with a letter or digit, and has at most 63 characters",
    )
}

#[cfg(test)]
mod tests {
    use super::check_namespace;

    #[test]
    fn namespaces_are_dns_labels() {
        for good in ["a", "web-1", &"x".repeat(63)] {
            assert!(check_namespace(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a/b", "..", &"x".repeat(64)] {
            assert!(check_namespace(bad).is_err(), "{bad}");
        }
    }
}
