//! Listening, serving connections, and ending.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::util::MapRequest;

use crate::app::App;
use crate::auth::{Peer, Unusable};
use crate::config::Config;
use crate::router::router;
use crate::tls::{Listener, TlsError};

/// How long handing operations over may take.
const HAND_OVER: Duration = Duration::from_secs(10);

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is not of this machine alone, and everybody would be answered.
    #[error(
        "`{0}` can be reached from other machines, and this server has no authentication: listen on a loopback address such as `127.0.0.1:8080`, or say who may ask with `--auth`"
    )]
    NotLoopback(SocketAddr),
    /// The address is not of this machine alone, and whoever listens in could read the tokens.
    #[error(
        "`{0}` can be reached from other machines, and tokens would go there as plain HTTP: give a certificate with `--tls-cert-file` and `--tls-key-file`, or say `--insecure-http` where a proxy in front takes care of it"
    )]
    NotSecret(SocketAddr),
    /// There is no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Who may ask is not said in a way that can be trusted.
    #[error(transparent)]
    Auth(#[from] Unusable),
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

/// Listens where the configuration says: beyond loopback only with authentication, and with TLS unless it is waived.
///
/// # Errors
///
/// When the address is for this machine only and is not of it, or cannot be listened on.
pub async fn bind(config: &Config) -> Result<TcpListener, ServeError> {
    let address = config.listen;
    check(config, address)?;
    TcpListener::bind(address).await.map_err(|source| ServeError::Bind { address, source })
}

fn check(config: &Config, address: SocketAddr) -> Result<(), ServeError> {
    if let Some(oidc) = &config.auth.oidc {
        oidc.check()?;
    }
    if address.ip().is_loopback() {
        return Ok(());
    }
    if !config.auth.is_on() {
        return Err(ServeError::NotLoopback(address));
    }
    if config.tls.is_none() && !config.insecure_http { Err(ServeError::NotSecret(address)) } else { Ok(()) }
}

/// Serves connections until `end` is ready; then lets running operations and requests end, up to the configured grace.
///
/// # Errors
///
/// When the listener is where it must not be, or there is no TLS although there should be.
pub async fn serve(listener: TcpListener, app: App, end: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
    if let Ok(address) = listener.local_addr() {
        check(&app.config, address)?;
    }
    let watch = {
        let app = app.clone();
        tokio::spawn(async move { app.watch_over().await })
    };
    let limits = app.config.limits;
    let tls = app.config.tls.as_ref().map(Listener::new).transpose()?;
    let router = router(app.clone());
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
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, or a client that was gone at once: others may still come.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let service = MapRequest::new(router.clone(), move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request
        });
        let (builder, watcher) = (builder.clone(), connections.watcher());
        let acceptor = tls.as_ref().map(|tls| tls.acceptor.clone());
        tokio::spawn(async move {
            let _place = place;
            let service = TowerToHyperService::new(service);
            let ended = match acceptor {
                None => watcher.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned()).await,
                // A task of its own agrees on keys, so that a slow client keeps nobody waiting.
                Some(acceptor) => match tokio::time::timeout(limits.header_time, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => {
                        watcher.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned()).await
                    }
                    Ok(Err(error)) => Err(error.into()),
                    Err(_) => Err("TLS was not agreed on in time".into()),
                },
            };
            if let Err(error) = ended {
                tracing::debug!(%error, %peer, "a connection has ended");
            }
        });
    }
    drop(listener);
    let running = app.operations.close();
    app.ending.send_replace(true);
    tracing::info!(operations = running.len(), "shutting down");
    let grace = tokio::time::timeout(app.config.grace, async {
        let done = async {
            for entry in running {
                entry.done().await;
            }
        };
        // Connections are told at once, so that their clients come back elsewhere.
        futures::join!(done, connections.shutdown());
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
    use crate::{Auth, Oidc, Tls};

    #[test]
    fn who_can_be_reached_from_elsewhere_knows_who_asks_and_is_not_overheard() {
        let auth = Auth { token_review: true, ..Auth::default() };
        let tls = Tls { certificate: "c".into(), key: "k".into(), look: Duration::from_secs(1) };
        let known = Config { auth, ..Config::default() };
        let secret = Config { tls: Some(tls.clone()), ..known.clone() };
        let waived = Config { insecure_http: true, ..known.clone() };
        let anyone = Config { tls: Some(tls), insecure_http: true, ..Config::default() };
        for (address, is_here) in
            [("127.0.0.1:0", true), ("[::1]:0", true), ("0.0.0.0:0", false), ("[::]:0", false), ("10.0.0.1:80", false)]
        {
            let good = |config: &Config| check(config, address.parse().unwrap()).is_ok();
            assert_eq!((good(&anyone), good(&known)), (is_here, is_here), "{address}");
            assert!(good(&secret) && good(&waived), "{address}");
        }
        let open = Oidc { issuer: "http://example.com".into(), audience: "a".into(), ..Oidc::default() };
        let untrusted = Config { auth: Auth { oidc: Some(open), ..Auth::default() }, ..Config::default() };
        assert!(check(&untrusted, "127.0.0.1:0".parse().unwrap()).is_err());
    }
}
