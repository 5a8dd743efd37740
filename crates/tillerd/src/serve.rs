//! Listening.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster::Cluster;
use tiller::Store;
use tiller::hapi::services::tiller::release_service_server::ReleaseServiceServer;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

use crate::objects::Objects;
use crate::releases::{Clock, Locks, Releases};
use crate::service::{MAX_MESSAGE, Service};
use crate::version::VersionRule;

/// How often a client that says nothing is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(120);

/// How clients are spoken to in secret.
#[derive(Clone)]
pub struct Tls {
    /// The certificate, and those that lead to its authority, as PEM.
    pub certificate: Vec<u8>,
    /// Its key, as PEM.
    pub key: Vec<u8>,
    /// The authorities of clients' certificates, as PEM; clients must have one then.
    pub clients: Option<Vec<u8>>,
}

/// What takes Tiller's place in one cluster.
#[derive(Clone)]
pub struct Tiller(Releases);

/// Why it cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve clients of Helm 2: {0}")]
pub struct ServeError(#[from] tonic::transport::Error);

impl Tiller {
    /// Makes one over a cluster. `store` has the records, in `namespace`, of which `history_max` a release are kept, or all when
    /// it is 0; `holder` is a name that no other server has.
    pub fn new(
        cluster: Cluster,
        (store, namespace): (Store, &str),
        engine: engine::Settings,
        clock: Clock,
        (history_max, holder): (usize, &str),
    ) -> Self {
        let locks = Locks { holder: holder.to_owned(), namespace: namespace.to_owned(), busy: Mutex::default() };
        let objects = Objects { cluster };
        Self(Releases { objects, store, engine, clock, history_max, locks: Arc::new(locks) })
    }

    /// Serves until `end` comes; what has begun is done then.
    ///
    /// # Errors
    /// When a certificate is of no use, and when the socket fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        tls: Option<Tls>,
        end: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let service = ReleaseServiceServer::new(Service(self.0))
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE);
        let (health, checks) = tonic_health::server::health_reporter();
        health.set_service_status("Tiller", tonic_health::ServingStatus::Serving).await;
        let mut server = Server::builder().http2_keepalive_interval(Some(KEEPALIVE)).tcp_nodelay(true);
        if let Some(tls) = tls {
            let mut config = ServerTlsConfig::new().identity(Identity::from_pem(tls.certificate, tls.key));
            if let Some(authorities) = tls.clients {
                config = config.client_ca_root(Certificate::from_pem(authorities));
            }
            server = server.tls_config(config)?;
        }
        let served = server.layer(VersionRule).add_service(checks).add_service(service);
        Ok(served.serve_with_incoming_shutdown(TcpListenerStream::new(listener), end).await?)
    }
}
