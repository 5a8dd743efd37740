//! A cluster and the releases in it, as the flags and variables of a command name them (as Helm 4.3:
//! `pkg/cli/environment.go`, `pkg/action/action.go Init`).

use std::future::Future;
use std::sync::Arc;

use ::release::{Clock, ConfigMapLedger, Ledger, MemoryLedger, SecretLedger, SqlLedger};
use cluster::Cluster;
use engine::{Engine, Notice, Settings};
use jiff::Timestamp;
use kube::Client;
use render::Resolve;
use tokio::runtime::Runtime;

use crate::command::Call;
use crate::fail::{Fail, Outcome, fail};
use crate::flags::go_span;
use crate::kubeconfig::{self, Reached};
use crate::log::{Level, log};
use crate::release::{self, Dns};
use crate::unreachable;

/// What a command has to do with a cluster.
pub(crate) struct Session {
    runtime: Runtime,
    server: String,
    /// What does the work.
    pub(crate) engine: Engine,
    /// The namespace that the command is about.
    pub(crate) namespace: String,
}

/// Where records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    Secret,
    ConfigMap,
    Memory,
    Sql,
}

/// Reads `$HELM_DRIVER`.
fn driver() -> Outcome<Driver> {
    let name = std::env::var("HELM_DRIVER").unwrap_or_default();
    match name.as_str() {
        "" | "secret" | "secrets" => Ok(Driver::Secret),
        "configmap" | "configmaps" => Ok(Driver::ConfigMap),
        "memory" => Ok(Driver::Memory),
        "sql" => Ok(Driver::Sql),
        name => Err(ended(&format!("unknown driver {}", chart::text::quote(name)))),
    }
}

/// Ends the command as Helm ends when it cannot have its records: with a line of its log and without an error line.
fn ended(text: &str) -> Fail {
    log(Level::Info, text, &[]);
    Fail::new("")
}

/// The records of a cluster, where the environment says that they are.
pub(crate) async fn ledger(client: &Client, clock: &Clock) -> Outcome<Arc<dyn Ledger>> {
    Ok(match driver()? {
        Driver::Sql => sql(Arc::clone(clock)).await?,
        Driver::Memory => Arc::new(MemoryLedger::new(Arc::clone(clock))),
        Driver::ConfigMap => Arc::new(ConfigMapLedger::new(client.clone(), Arc::clone(clock))),
        Driver::Secret => Arc::new(SecretLedger::new(client.clone(), Arc::clone(clock))),
    })
}

/// The records of a further cluster of a server: where those of the first are, unless that is a database, which would mix them up.
pub(crate) fn ledger_of_further(client: &Client, clock: &Clock) -> Outcome<Arc<dyn Ledger>> {
    Ok(match driver()? {
        Driver::ConfigMap => Arc::new(ConfigMapLedger::new(client.clone(), Arc::clone(clock))),
        Driver::Memory => Arc::new(MemoryLedger::new(Arc::clone(clock))),
        Driver::Secret | Driver::Sql => Arc::new(SecretLedger::new(client.clone(), Arc::clone(clock))),
    })
}

/// The database that the environment names.
async fn sql(clock: Clock) -> Outcome<Arc<dyn Ledger>> {
    let connection = std::env::var("HELM_DRIVER_SQL_CONNECTION_STRING").unwrap_or_default();
    match SqlLedger::connect(&connection, &|name| std::env::var(name).ok(), clock).await {
        Ok(ledger) => Ok(Arc::new(ledger)),
        Err(error) => Err(ended(&format!("unable to instantiate SQL driver: {error}"))),
    }
}

/// Connects, and asks the cluster for its version, which tells whether it is there.
pub(crate) fn open(call: &Call) -> Outcome<Session> {
    let session = connect(call)?;
    session.check()?;
    Ok(session)
}

/// Connects without asking anything.
pub(crate) fn connect(call: &Call) -> Outcome<Session> {
    if driver()? == Driver::Memory {
        return in_memory(call);
    }
    // One crypto provider for the whole process; every TLS library of ours is built without one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Reached { config, server } = runtime.block_on(kubeconfig::config(&call.settings))?;
    let client = {
        let _inside = runtime.enter();
        Client::try_from(config).map_err(|error| Fail::new(format!("kubernetes cluster unreachable: {error}")))?
    };
    let clock: Clock = Arc::new(Timestamp::now);
    let ledger = runtime.block_on(ledger(&client, &clock))?;
    let debug = call.settings.debug;
    let settings = Settings {
        // That a chart is deprecated was told when it was loaded.
        notices: Some(Arc::new(move |notice: &Notice| {
            if *notice != Notice::Deprecated {
                release::tell(debug, notice);
            }
        })),
        unlock_after: std::env::var("WHIPSTAFF_UNLOCK_AFTER").ok().as_deref().and_then(go_span),
        resolve: call.flags.on("enable-dns").then(|| Arc::new(Dns) as Arc<dyn Resolve>),
        ..Settings::default()
    };
    let engine = Engine::with_ledger(Cluster::new(client), ledger, clock, settings);
    Ok(Session { runtime, server, engine, namespace: call.settings.namespace() })
}

/// Records that files hold, and no cluster: what there is to do with them is to read them.
fn in_memory(call: &Call) -> Outcome<Session> {
    const FILES: &str = "HELM_MEMORY_DRIVER_DATA";
    if !matches!(
        call.command,
        "list" | "history" | "status" | "all" | "values" | "manifest" | "hooks" | "notes" | "metadata" | "diff"
    ) {
        fail!("the driver \"memory\" is there to read releases from the files in ${FILES}, not to change them");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let clock: Clock = Arc::new(Timestamp::now);
    let ledger = MemoryLedger::new(Arc::clone(&clock));
    for path in std::env::var(FILES).unwrap_or_default().split(':') {
        let text = std::fs::read(path).map_err(|error| {
            let text = format!("Unable to read memory driver dataopen {path}: {}", chart::text::io_error(&error));
            log(Level::Info, &text, &[]);
            Fail::new("")
        })?;
        let json = goyaml::to_json(&goyaml::from_yaml_keep_ints(text)?)?;
        let releases: Vec<::release::Release> = serde_json::from_str(&json)?;
        for release in releases {
            runtime.block_on(ledger.create(&release))?;
        }
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let nowhere = kube::Config::new(http::Uri::from_static("http://localhost:8080"));
    let client = {
        let _inside = runtime.enter();
        Client::try_from(nowhere)?
    };
    let engine = Engine::with_ledger(Cluster::new(client), Arc::new(ledger), clock, Settings::default());
    Ok(Session { runtime, server: String::new(), engine, namespace: call.settings.namespace() })
}

impl Session {
    /// Whether there is a cluster; there is none where records are read from files.
    pub(crate) fn has_cluster(&self) -> bool {
        !self.server.is_empty()
    }

    /// Waits for work on the cluster.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Asks the cluster for its version.
    pub(crate) fn check(&self) -> Outcome {
        if !self.has_cluster() {
            return Ok(());
        }
        match self.wait(self.engine.cluster().version()) {
            Ok(_) => Ok(()),
            Err(error) => Err(Fail::new(unreachable::of_server(&error, &self.server))),
        }
    }

    /// Says why something could not be done; where a record could not be read, what was being done stands in front, as with
    /// Helm, whose ConfigMaps do not say it.
    pub(crate) fn refused(&self, doing: &str, error: engine::Error) -> Fail {
        use ::release::Error;
        let hint = error.advice(Timestamp::now());
        let is_secret = self.engine.ledger().driver() == "Secret";
        match error {
            engine::Error::Ledger(error @ Error::NamespaceMissing(_)) if is_secret => {
                Fail::new(format!("create: failed to create: {error}"))
            }
            engine::Error::Ledger(
                error @ (Error::Forbidden { .. } | Error::Unauthorized { .. } | Error::Api { .. }),
            ) if is_secret => Fail::new(format!("{doing}: {error}")),
            error => Fail { hint, ..Fail::from(error) },
        }
    }

    /// The same of what was begun.
    pub(crate) fn failed(&self, failure: &engine::Failure) -> String {
        match failure {
            engine::Failure::Ledger(error) if self.engine.ledger().driver() == "Secret" => {
                format!("update: failed to update: {error}")
            }
            failure => failure.to_string(),
        }
    }

    /// The same where objects were looked for that may be in the way.
    pub(crate) fn unable(&self, to: &str, error: engine::Error) -> Fail {
        if let engine::Error::Cluster(error) = &error
            && let Some(refusal) = error.refusal()
            && let (cluster::Action::Get, Some(object)) = (refusal.action, &refusal.object)
        {
            let cluster::ObjectRef { gvk, namespace, name } = object;
            return Fail::new(format!(
                "unable to continue with {to}: could not get information about the resource {} {name:?} in namespace {namespace:?}: {error}",
                gvk.kind
            ));
        }
        self.not_found(error)
    }

    /// The same where the revisions of a release were looked for.
    pub(crate) fn not_found(&self, error: engine::Error) -> Fail {
        self.refused("query: failed to query with labels", error)
    }
}
