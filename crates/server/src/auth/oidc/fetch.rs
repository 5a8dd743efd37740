//! Getting JSON from an issuer: bounded in size and time, and never from where it points instead.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

/// The largest answer.
const MAX_BYTES: usize = 1 << 20;
/// How long an answer may take, from connecting to its last byte.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client of an issuer.
pub(super) struct Fetch(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>);

impl Fetch {
    /// Makes a client that trusts these authorities, or those of the system.
    pub(super) fn new(ca: &[u8]) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = hyper_rustls::HttpsConnectorBuilder::new();
        let builder = if ca.is_empty() {
            builder.with_provider_and_native_roots(provider).map_err(|error| error.to_string())?
        } else {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(ca) {
                let certificate = certificate.map_err(|error| error.to_string())?;
                roots.add(certificate).map_err(|error| error.to_string())?;
            }
            let config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())?
                .with_root_certificates(roots)
                .with_no_client_auth();
            builder.with_tls_config(config)
        };
        // Which addresses may go without TLS was decided before.
        let connector = builder.https_or_http().enable_http1().build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Gets JSON; a redirect is an error.
    pub(super) async fn json(&self, uri: &Uri) -> Result<Value, String> {
        let whole = async {
            let request = Request::get(uri.clone())
                .header(header::ACCEPT, "application/json")
                .body(Empty::new())
                .map_err(|error| error.to_string())?;
            let answer = self.0.request(request).await.map_err(|error| crate::problems::innermost(&error))?;
            if answer.status() != http::StatusCode::OK {
                return Err(format!("it answers {}", answer.status()));
            }
            let body =
                Limited::new(answer.into_body(), MAX_BYTES).collect().await.map_err(|error| error.to_string())?;
            serde_json::from_slice(&body.to_bytes()).map_err(|error| error.to_string())
        };
        match tokio::time::timeout(PATIENCE, whole).await {
            Ok(answer) => answer.map_err(|error| format!("`{uri}`: {error}")),
            Err(_) => Err(format!("`{uri}` has not answered within {} s", PATIENCE.as_secs())),
        }
    }
}
