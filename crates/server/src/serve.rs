//! Listening, serving connections, and ending.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::config::Config;
use crate::router::router;

/// How long handing operations over may take.
const HAND_OVER: Duration = Duration::from_secs(10);

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is not of this machine alone.
    #[error(
        "`{0}` can be reached from other machines, and this server has no authentication yet: listen on a loopback address such as `127.0.0.1:8080`"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

/// Listens where the configuration says; only on loopback, as long as there is no authentication.
///
/// # Errors
///
/// When the address is no loopback address, or cannot be listened on.
pub async fn bind(config: &Config) -> Result<TcpListener, ServeError> {
    let address = config.listen;
    check_loopback(address)?;
    TcpListener::bind(address).await.map_err(|source| ServeError::Bind { address, source })
}

fn check_loopback(address: SocketAddr) -> Result<(), ServeError> {
    if address.ip().is_loopback() { Ok(()) } else { Err(ServeError::NotLoopback(address)) }
}

/// Serves connections until `end` is ready; then lets running operations and requests end, up to the configured grace.
///
/// # Errors
///
/// When the listener is not on a loopback address.
pub async fn serve(listener: TcpListener, app: App, end: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
    if let Ok(address) = listener.local_addr() {
        check_loopback(address)?;
    }
    let watch = {
        let app = app.clone();
        tokio::spawn(async move { app.watch_over().await })
    };
    let limits = app.config.limits;
    let service = TowerToHyperService::new(router(app.clone()));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_time);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30));
    let builder = Arc::new(builder);
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = GracefulShutdown::new();
    let mut end = std::pin::pin!(end);
    loop {
        let accept = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accept => accepted,
            () = &mut end => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files, or a client that was gone at once: others may still come.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let connection = builder.serve_connection(TokioIo::new(stream), service.clone()).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection has ended");
            }
            drop(place);
        });
    }
    drop(listener);
    let running = app.operations.close();
    tracing::info!(operations = running.len(), "shutting down");
    let grace = tokio::time::timeout(app.config.grace, async {
        for entry in running {
            entry.done().await;
        }
        connections.shutdown().await;
    });
    if grace.await.is_err() {
        tracing::warn!("the time to end is over; what still runs is handed over");
    }
    if tokio::time::timeout(HAND_OVER, app.operations.hand_over()).await.is_err() {
        tracing::warn!("not everything could be handed over; it is found when its leases have run out");
    }
    watch.abort();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_listened_on() {
        for (address, good) in
            [("127.0.0.1:0", true), ("[::1]:0", true), ("0.0.0.0:0", false), ("[::]:0", false), ("10.0.0.1:80", false)]
        {
            assert_eq!(check_loopback(address.parse().unwrap()).is_ok(), good, "{address}");
        }
    }
}
