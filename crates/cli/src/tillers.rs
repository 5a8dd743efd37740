//! What a server for clients of Helm 2 is told, by `tiller` and by `serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use cluster::Cluster;
use jiff::Timestamp;
use tiller::{Driver, Store};
use tillerd::{Tiller, Tls};

use crate::fail::{Outcome, fail};
use crate::serving::Effective;

/// What is to be served, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// Where the records are, and in what.
    pub(crate) namespace: String,
    pub(crate) driver: Driver,
    /// How many revisions of a release are kept; 0 keeps all.
    pub(crate) history_max: usize,
    /// The certificate and its key.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
    /// The authorities of clients' certificates.
    pub(crate) clients: Option<PathBuf>,
    /// Whether strangers may reach it.
    pub(crate) insecure: bool,
}

impl Wanted {
    /// What the settings of a server say, if it is to be a Tiller too.
    pub(crate) fn read(settings: &Effective) -> Outcome<Option<Self>> {
        let Some(listen) = settings.some("tiller-listen") else { return Ok(None) };
        let path = |name: &str| settings.some(name).map(PathBuf::from);
        let wrong = |name: &str, why: &dyn std::fmt::Display| settings.wrong(name, why);
        let most = settings.text("tiller-history-max");
        let wanted = Self {
            listen: listen
                .parse()
                .map_err(|error| wrong("tiller-listen", &format!("{error}, as in 127.0.0.1:44134")))?,
            namespace: settings.text("tiller-namespace").to_owned(),
            driver: settings.text("tiller-storage").parse().map_err(|error: String| wrong("tiller-storage", &error))?,
            history_max: most.parse().map_err(|error| wrong("tiller-history-max", &error))?,
            certificate: match (path("tiller-cert-file"), path("tiller-key-file")) {
                (Some(certificate), Some(key)) => Some((certificate, key)),
                (None, None) => None,
                _ => fail!("`tiller-cert-file` and `tiller-key-file` go together"),
            },
            clients: path("tiller-client-ca-file"),
            insecure: settings.on("tiller-insecure"),
        };
        match wanted.refused() {
            Some(why) => fail!("{}: {why}", settings.called("tiller-listen")),
            None => Ok(Some(wanted)),
        }
    }

    /// Says what stands in the way of serving this, if anything does. Whoever reaches Tiller's protocol acts with the server's
    /// rights, so those who may are on this machine or have a certificate.
    pub(crate) fn refused(&self) -> Option<&'static str> {
        if self.clients.is_some() && self.certificate.is_none() {
            return Some("clients can show certificates only over TLS: a certificate and its key are needed too");
        }
        if !self.listen.ip().is_loopback() && self.clients.is_none() && !self.insecure {
            return Some(
                "whoever reaches this address acts with the server's rights: listen on loopback, or demand certificates of clients",
            );
        }
        None
    }

    /// Serves until `end` comes.
    pub(crate) async fn serve(
        self,
        cluster: Cluster,
        engine: engine::Settings,
        end: impl Future<Output = ()>,
    ) -> Result<()> {
        let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()));
        let tls = match &self.certificate {
            Some((certificate, key)) => Some(Tls {
                certificate: read(certificate)?,
                key: read(key)?,
                clients: self.clients.as_ref().map(read).transpose()?,
            }),
            None => None,
        };
        let listener = tokio::net::TcpListener::bind(self.listen).await;
        let listener = listener.with_context(|| format!("cannot listen on {}", self.listen))?;
        let address = listener.local_addr()?;
        println!("clients of Helm 2 find Tiller at {address} (HELM_HOST={address})");
        let store = Store::new(cluster.client().clone(), self.namespace.as_str(), self.driver);
        let holder = engine.holder.id().to_owned();
        let clock = Arc::new(Timestamp::now);
        let tiller = Tiller::new(cluster, (store, &self.namespace), engine, clock, (self.history_max, &holder));
        Ok(tiller.serve(listener, tls, end).await?)
    }
}
