//! Connections to further clusters: they end where the operator allows, and whoever does not answer is not waited for.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Uri};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use kube::{Client, Config};
use tower::{BoxError, Layer, Service, ServiceExt};

use crate::hosts::Hosts;

/// How long a connection may take until it can be spoken over, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take until it begins: as long as Kubernetes itself lets a request take.
const ANSWER: Duration = Duration::from_secs(60);

/// Makes a client that gives up when an answer does not begin in time. Bodies may take longer: watches do.
#[must_use]
pub fn patient(client: &Client) -> Client {
    let inner = client.clone();
    let call = tower::service_fn(move |request: Request<Body>| {
        let inner = inner.clone();
        async move {
            match tokio::time::timeout(ANSWER, inner.send(request)).await {
                Ok(answer) => answer.map_err(BoxError::from),
                Err(_) => Err(late(ANSWER)),
            }
        }
    });
    Client::new(call, client.default_namespace())
}

fn late(time: Duration) -> BoxError {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", time.as_secs())).into()
}

/// Makes a client of a configuration that a caller has given. It is connected directly, whatever proxies the environment names.
pub(super) fn client(config: &Config, hosts: &Hosts) -> Result<Client, kube::Error> {
    let mut connector = HttpConnector::new_with_resolver(Resolver(hosts.clone()));
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT));
    let connector = Prompt(config.rustls_https_connector_with_connector(connector)?);
    let http: Http<_, Body> = Http::builder(TokioExecutor::new()).build(connector);
    let service = config.extra_headers_layer()?.layer(config.base_uri_layer().layer(http));
    let client = match config.auth_layer()? {
        Some(auth) => Client::new(auth.layer(service.map_err(BoxError::from)), config.default_namespace.clone()),
        None => Client::new(service, config.default_namespace.clone()),
    };
    Ok(patient(&client))
}

/// Finds the addresses of a name, as far as clusters may be there.
#[derive(Clone)]
struct Resolver(Hosts);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let hosts = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let good: Vec<SocketAddr> = found.filter(|at| hosts.allows_at(name.as_str(), at.ip())).collect();
            if good.is_empty() {
                let text =
                    format!("`{}` is not where clusters may be; `--allow-cluster-hosts` says where", name.as_str());
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
            }
            Ok(good.into_iter())
        })
    }
}

/// Gives up on connections that are not there in time.
#[derive(Clone)]
struct Prompt<C>(C);

impl<C> Service<Uri> for Prompt<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<C::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move {
            match tokio::time::timeout(CONNECT, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(late(CONNECT)),
            }
        })
    }
}
