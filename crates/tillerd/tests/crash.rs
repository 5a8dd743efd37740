//! The server dies in each of its calls; the next one goes on.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod common;

use std::time::Duration;

use common::{client, install, sandbox, serve, store, tiller, tiller_later, upgrade};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams};
use sandbox::{Loss, Sandbox};
use tiller::hapi::services::tiller::{RollbackReleaseRequest, UninstallReleaseRequest};
use tonic::Status;

/// An object, and hooks before and after.
const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-settings\ndata:\n  greeting: {{ .Values.greeting }}\n\
    {{- range list \"pre-install\" \"pre-upgrade\" \"post-rollback\" \"pre-delete\" }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  \
    name: {{ $.Release.Name }}-{{ . }}\n  annotations:\n    \"helm.sh/hook\": {{ . }}\n    \"helm.sh/hook-delete-policy\": before-hook-creation,hook-succeeded\n{{- end }}\n";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verb {
    Install,
    Upgrade,
    Rollback,
    Purge,
}

impl Verb {
    async fn run(self, client: &mut common::Client) -> Result<(), Status> {
        match self {
            Self::Install => client.install_release(install("shop", TEMPLATE)).await.map(drop),
            Self::Upgrade => client.update_release(upgrade("shop", TEMPLATE, "greeting: again\n")).await.map(drop),
            Self::Rollback => {
                let request =
                    RollbackReleaseRequest { name: "shop".to_owned(), version: 1, ..RollbackReleaseRequest::default() };
                client.rollback_release(request).await.map(drop)
            }
            Self::Purge => {
                let request = UninstallReleaseRequest {
                    name: "shop".to_owned(),
                    purge: true,
                    ..UninstallReleaseRequest::default()
                };
                client.uninstall_release(request).await.map(drop)
            }
        }
    }
}

/// A process that can die: when its runtime goes, nothing of it goes on.
struct Process(Option<tokio::runtime::Runtime>);

impl Process {
    async fn start(sandbox: &Sandbox) -> (Self, String) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let tiller = tiller(sandbox, 0, "first");
        let (tell, told) = tokio::sync::oneshot::channel();
        runtime.spawn(async move {
            let served = serve(tiller, None).await;
            tell.send(served.address.clone()).unwrap();
            std::future::pending::<()>().await;
        });
        (Self(Some(runtime)), told.await.unwrap())
    }
}

impl Process {
    /// Ends it, and comes back when nothing of it moves any more.
    async fn end(mut self) {
        let runtime = self.0.take().unwrap();
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(10))).await.unwrap();
    }
}

async fn begun(verb: Verb) -> Sandbox {
    let sandbox = sandbox();
    if verb != Verb::Install {
        let served = serve(tiller(&sandbox, 0, "before"), None).await;
        let mut client = client(&served).await;
        Verb::Install.run(&mut client).await.unwrap();
        if verb == Verb::Rollback {
            Verb::Upgrade.run(&mut client).await.unwrap();
        }
    }
    sandbox.faults().clear();
    sandbox
}

async fn greeting(sandbox: &Sandbox) -> Option<String> {
    let api: Api<ConfigMap> = Api::namespaced(sandbox.client(), "web");
    api.get_opt("shop-settings").await.unwrap().and_then(|object| object.data.unwrap_or_default().remove("greeting"))
}

async fn statuses(sandbox: &Sandbox) -> Vec<String> {
    store(sandbox).heads(Some("shop")).await.unwrap().into_iter().map(|head| head.status).collect()
}

/// Has a verb die in each of its calls, and another one come after it.
async fn dies(verb: Verb, next: Verb) {
    let calls = {
        let sandbox = begun(verb).await;
        let (process, address) = Process::start(&sandbox).await;
        verb.run(&mut common::client_at(&address).await).await.unwrap();
        let calls = sandbox.faults().calls().len();
        process.end().await;
        calls
    };
    assert!(calls > 5, "{verb:?}: {calls}");
    for call in 1..=calls {
        for loss in [Loss::Request, Loss::Response] {
            let sandbox = begun(verb).await;
            sandbox.faults().kill_at(call, loss);
            let (process, address) = Process::start(&sandbox).await;
            let mut client = common::client_at(&address).await;
            tokio::select! {
                _ = verb.run(&mut client) => {}
                () = sandbox.faults().killed() => {}
            }
            process.end().await;
            sandbox.faults().clear();
            after(next, &sandbox, &format!("{verb:?}, call {call}, {loss:?}")).await;
        }
    }
}

/// What the next server makes of what the dead one has left.
async fn after(verb: Verb, sandbox: &Sandbox, what: &str) {
    // Nothing is ever in the cluster that no record tells of.
    let in_cluster = greeting(sandbox).await.is_some();
    assert!(!in_cluster || !statuses(sandbox).await.is_empty(), "{what}: objects without a record");
    let served = serve(tiller_later(sandbox, 0, "second", 60), None).await;
    let mut client = client(&served).await;
    let done = verb.run(&mut client).await;
    match verb {
        // A name that is taken is freed as ever; nothing stands in the way of that.
        Verb::Install => {
            if let Err(error) = done {
                assert!(error.message().contains("already exists"), "{what}: {error}");
                Verb::Purge.run(&mut client).await.unwrap_or_else(|error| panic!("{what}: {error}"));
                Verb::Install.run(&mut client).await.unwrap_or_else(|error| panic!("{what}: {error}"));
            }
            assert_eq!(greeting(sandbox).await.as_deref(), Some("hello"), "{what}");
        }
        Verb::Upgrade | Verb::Rollback => {
            done.unwrap_or_else(|error| panic!("{what}: {error}"));
            let want = if verb == Verb::Upgrade { "again" } else { "hello" };
            assert_eq!(greeting(sandbox).await.as_deref(), Some(want), "{what}");
        }
        Verb::Purge => {
            if let Err(error) = done {
                assert_eq!(error.message(), "release: \"shop\" not found", "{what}");
            }
            assert_eq!(greeting(sandbox).await, None, "{what}");
            assert_eq!(statuses(sandbox).await, [""; 0], "{what}");
            return;
        }
    }
    let statuses = statuses(sandbox).await;
    assert_eq!(statuses.iter().filter(|status| *status == "DEPLOYED").count(), 1, "{what}: {statuses:?}");
    assert!(!statuses.iter().any(|status| status.starts_with("PENDING")), "{what}: {statuses:?}");
    assert_eq!(statuses.last().map(String::as_str), Some("DEPLOYED"), "{what}");
    let leases: Api<k8s_openapi::api::coordination::v1::Lease> = Api::namespaced(sandbox.client(), common::NAMESPACE);
    assert!(leases.list(&ListParams::default()).await.unwrap().items.is_empty(), "{what}: a lock is left");
}

#[tokio::test]
async fn while_it_installs() {
    dies(Verb::Install, Verb::Install).await;
}

#[tokio::test]
async fn while_it_upgrades() {
    dies(Verb::Upgrade, Verb::Upgrade).await;
    dies(Verb::Upgrade, Verb::Rollback).await;
}

#[tokio::test]
async fn while_it_rolls_back() {
    dies(Verb::Rollback, Verb::Rollback).await;
    dies(Verb::Rollback, Verb::Upgrade).await;
}

#[tokio::test]
async fn while_it_purges() {
    dies(Verb::Purge, Verb::Purge).await;
}
