//! Releases behind the API of a server.

mod body;
mod change;
mod client;
mod events;
mod part;
mod problem;
mod read;
mod server;
mod watch;

use std::collections::BTreeMap;

use ::release::Release;
use api::RevisionDiff;
use chart::ValueOptions;
use engine::{Change, Form, Rollback, Target, Test, Uninstall};

#[cfg(feature = "otlp")]
pub(crate) use client::tls;
pub(crate) use client::{Ask, Client, segment, with_query};
pub(crate) use events::{follow, known};
pub(crate) use problem::fail as failure;
pub(crate) use server::Server;
pub(crate) use watch::cancel;

use crate::command::Call;
use crate::fail::Outcome;
use crate::releases::{Left, Listed, Part, Releases, Revision, Tested};
use crate::status::Resources;

/// A namespace of a cluster that a server knows.
pub(crate) struct Remote {
    client: Client,
    cluster: String,
    namespace: String,
}

impl Remote {
    /// Makes ready to ask; whether the server is there shows with the first question.
    pub(crate) fn open(call: &Call, server: &Server) -> Outcome<Self> {
        Ok(Self { client: Client::new(server)?, cluster: server.cluster.clone(), namespace: call.namespace() })
    }

    /// The address of all releases of the namespace.
    fn collection(&self) -> String {
        let (cluster, namespace) = (segment(&self.cluster), segment(&self.namespace));
        format!("/v1/clusters/{cluster}/namespaces/{namespace}/releases")
    }

    /// The address of a release, or of a part of it, which begins with a slash.
    fn release(&self, name: &str, part: &str) -> String {
        format!("{}/{}{part}", self.collection(), segment(name))
    }
}

impl Releases for Remote {
    fn target(&self, name: &str) -> Target {
        Target { namespace: self.namespace.clone(), name: name.to_owned() }
    }

    fn content(&self, name: &str, revision: Option<u32>, part: Part) -> Outcome<(BTreeMap<String, String>, Release)> {
        part::content(self, name, revision, part)
    }

    fn resources(&self, release: &Release, form: Form) -> Outcome<Resources> {
        read::resources(self, release, form)
    }

    fn history(&self, name: &str) -> Outcome<Vec<Revision>> {
        read::history(self, name)
    }

    fn list(&self, call: &Call) -> Outcome<Vec<Listed>> {
        read::list(self, call)
    }

    fn compare(&self, name: &str, from: Option<u32>, to: Option<u32>) -> Outcome<RevisionDiff> {
        let ask = Ask::to("POST", self.release(name, "/diff")).json(&api::DiffBody { from, to })?;
        Ok(self.client.json(&ask)?)
    }

    fn is_missing(&self, name: &str) -> Outcome<Option<bool>> {
        read::is_missing(self, name)
    }

    fn install(&self, call: &Call, change: Change, options: &ValueOptions) -> Outcome<Release> {
        change::install(self, call, change, options)
    }

    fn upgrade(&self, call: &Call, change: Change, options: &ValueOptions) -> Outcome<Release> {
        change::upgrade(self, call, change, options)
    }

    fn rollback(&self, call: &Call, wish: Rollback, preview: bool) -> Outcome {
        change::rollback(self, call, &wish, preview)
    }

    fn uninstall(&self, call: &Call, wish: Uninstall) -> Outcome<Left> {
        change::uninstall(self, call, &wish)
    }

    fn would_keep(&self, wish: Uninstall) -> Outcome<Vec<String>> {
        change::would_keep(self, &wish)
    }

    fn test(&self, call: &Call, wish: Test) -> Outcome<Tested> {
        change::test(self, call, wish)
    }

    fn unlock(&self, call: &Call, name: &str) -> Outcome<Release> {
        change::unlock(self, call, name)
    }
}
