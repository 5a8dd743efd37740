//! The sandbox as a tower service, and over HTTP.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderValue, Response, header};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, BodyStream, Full, Limited, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::faults::{ConnectionLost, Fault, Loss};
use crate::handler::{Answer, handle};
use crate::reply::Reply;
use crate::request::{Query, Request};
use crate::sandbox::Inner;
use crate::status::ApiError;

/// The body of an answer: whole, or a stream of watch events.
pub type SandboxBody = UnsyncBoxBody<Bytes, Infallible>;

/// Answers requests of the Kubernetes API. Clones answer for the same sandbox.
#[derive(Debug, Clone)]
pub struct SandboxService {
    inner: Arc<Inner>,
}

impl SandboxService {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl<B> tower::Service<http::Request<B>> for SandboxService
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<SandboxBody>;
    type Error = ConnectionLost;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectionLost>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectionLost>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let limit = inner.lock().config.max_body;
            let (parts, body) = request.into_parts();
            let fault = inner.faults.next(format!("{} {}", parts.method, parts.uri));
            match fault {
                Some(Fault::Lost(Loss::Request)) => return Err(ConnectionLost),
                Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
                _ => {}
            }
            if let Some(refusal) = fault.and_then(Fault::refusal) {
                return Ok(whole(error_reply(&refusal)));
            }
            let body = match Limited::new(body, limit).collect().await {
                Ok(body) => body.to_bytes(),
                Err(_) => {
                    let message = format!("Request entity too large: limit is {limit}");
                    return Ok(whole(error_reply(&ApiError::new(413, "RequestEntityTooLarge", message))));
                }
            };
            let request = Request {
                method: parts.method,
                path: parts.uri.path().to_owned(),
                query: Query::parse(parts.uri.query().unwrap_or_default()),
                headers: parts.headers,
                body,
            };
            let answer = handle(&inner, request);
            if fault == Some(Fault::Lost(Loss::Response)) {
                return Err(ConnectionLost);
            }
            Ok(match answer {
                Ok(Answer::Whole(reply)) => whole(reply),
                Ok(Answer::Stream(body)) => {
                    let mut response = Response::new(match fault {
                        Some(Fault::Dropped(time)) => dropped(body, time),
                        _ => body,
                    });
                    let headers = response.headers_mut();
                    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
                    response
                }
                Err(error) => whole(error_reply(&error)),
            })
        })
    }
}

/// A body that ends after a time.
fn dropped(body: SandboxBody, time: Duration) -> SandboxBody {
    StreamBody::new(BodyStream::new(body).take_until(Box::pin(tokio::time::sleep(time)))).boxed_unsync()
}

pub(crate) fn error_reply(error: &ApiError) -> Reply {
    let mut reply = Reply::json(error.code, &error.body());
    if error.code == 429 {
        reply.headers.push(("retry-after", "1".into()));
    }
    reply
}

fn whole(reply: Reply) -> Response<SandboxBody> {
    let mut response = Response::new(Full::new(reply.body).boxed_unsync());
    *response.status_mut() = http::StatusCode::from_u16(reply.code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    for warning in reply.warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            headers.append(header::WARNING, value);
        }
    }
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// Why serving ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener is not on a loopback address: a sandbox trusts whoever calls it.
    #[error("the sandbox listens on loopback addresses only, not on `{0}`")]
    NotLoopback(std::net::SocketAddr),
    /// The listener failed.
    #[error("the sandbox cannot accept connections any more")]
    Listener(#[from] std::io::Error),
}

pub(crate) async fn serve(service: SandboxService, listener: tokio::net::TcpListener) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // One connection failed, not the listener.
            Err(e)
                if matches!(e.kind(), std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::ConnectionReset) =>
            {
                continue;
            }
            Err(e) => return Err(e.into()),
        };
        let service = service.clone();
        connections.spawn(async move {
            let hyper_service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let mut service = service.clone();
                async move { tower::Service::call(&mut service, request).await }
            });
            let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            // A client that goes away in the middle is no concern of ours.
            let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), hyper_service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}
