//! A Tiller that is already there, spoken to in its own protocol.

mod ledger;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};

pub use self::ledger::BridgeLedger;
use crate::hapi::release::Release;
use crate::hapi::release::status::Code as ReleaseCode;
use crate::hapi::services::tiller::release_service_client::ReleaseServiceClient;
use crate::hapi::services::tiller::{
    GetHistoryRequest, GetReleaseContentRequest, GetVersionRequest, ListReleasesRequest, list_sort,
};

/// The largest message, in bytes, as Tiller's own limit.
const MAX_MESSAGE: usize = 20 << 20;
/// Errors come in the head of an answer, with the whole manifest now and then.
const MAX_HEAD: u32 = 32 << 20;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How often a call that is under way is asked whether it lives; Tiller ends connections that ask more often.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How many releases are asked for at once; what is more comes with the next question.
const PAGE: i64 = 256;

/// How a Tiller is spoken to in secret.
#[derive(Clone, Debug, Default)]
pub struct BridgeTls {
    /// The authorities that its certificate may be from, as PEM.
    pub authorities: Vec<u8>,
    /// A certificate and its key, as PEM, for a Tiller that asks for one.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The name in Tiller's certificate, where that is not the host's.
    pub name: Option<String>,
}

/// Why a Tiller does not do what it is asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BridgeError {
    /// Its address is none.
    #[error("`{address}` is no address of a Tiller, such as tiller.example.com:44134: {source}")]
    Address {
        /// The address.
        address: String,
        /// Why not.
        source: Arc<tonic::transport::Error>,
    },
    /// It cannot be reached.
    #[error("the Tiller cannot be reached: {0}")]
    Unreachable(Status),
    /// It refuses, and says why.
    #[error("{0}")]
    Refused(String),
}

impl From<Status> for BridgeError {
    fn from(status: Status) -> Self {
        match status.code() {
            // All that Tiller says itself has this code.
            Code::Unknown => Self::Refused(status.message().to_owned()),
            Code::ResourceExhausted | Code::OutOfRange => Self::Refused(status.message().to_owned()),
            _ => Self::Unreachable(status),
        }
    }
}

/// A Tiller, connected to when it is first asked something; cheap to clone.
#[derive(Clone)]
pub struct Bridge {
    channel: Channel,
    address: Arc<str>,
    /// The version that it says it is, which is what it is told as ours: that is compatible whatever it is.
    version: Arc<Mutex<Option<MetadataValue<Ascii>>>>,
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bridge").field(&self.address).finish()
    }
}

/// Says on each call which version the client is.
#[derive(Clone)]
struct Version(MetadataValue<Ascii>);

impl Interceptor for Version {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("x-helm-api-client", self.0.clone());
        Ok(request)
    }
}

type Client = ReleaseServiceClient<InterceptedService<Channel, Version>>;

impl Bridge {
    /// Makes a bridge to the Tiller at `address` (`HOST:PORT`).
    ///
    /// # Errors
    /// [`BridgeError::Address`] when that is no address, or the certificates are of no use.
    pub fn new(address: &str, tls: Option<BridgeTls>) -> Result<Self, BridgeError> {
        let wrong = |source| BridgeError::Address { address: address.to_owned(), source: Arc::new(source) };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
            .map_err(wrong)?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(KEEPALIVE)
            .http2_max_header_list_size(MAX_HEAD);
        if let Some(tls) = tls {
            let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(tls.authorities));
            if let Some((certificate, key)) = tls.identity {
                config = config.identity(Identity::from_pem(certificate, key));
            }
            if let Some(name) = tls.name {
                config = config.domain_name(name);
            }
            endpoint = endpoint.tls_config(config).map_err(wrong)?;
        }
        Ok(Self { channel: endpoint.connect_lazy(), address: address.into(), version: Arc::default() })
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Asks for the version, which also tells whether it can be reached: `v2.17.0`.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn version(&self) -> Result<String, BridgeError> {
        let mut client = ReleaseServiceClient::new(self.channel.clone());
        let answer = client.get_version(GetVersionRequest {}).await?.into_inner();
        let version = answer.version.map(|version| version.sem_ver).unwrap_or_default();
        let said = MetadataValue::try_from(version.as_str());
        let said = said.map_err(|_| BridgeError::Refused(format!("the Tiller says that it is {version:?}")))?;
        *self.version.lock().await = Some(said);
        Ok(version)
    }

    async fn client(&self) -> Result<Client, BridgeError> {
        let known = self.version.lock().await.clone();
        let version = match known {
            Some(version) => version,
            None => {
                self.version().await?;
                self.version.lock().await.clone().unwrap_or_else(|| MetadataValue::from_static(""))
            }
        };
        let client = ReleaseServiceClient::with_interceptor(self.channel.clone(), Version(version));
        Ok(client.max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE))
    }

    /// What a refusal means: another Tiller may stand there since it was asked for its version.
    async fn heard<T>(&self, answer: Result<T, Status>) -> Result<T, BridgeError> {
        if let Err(status) = &answer
            && status.message().starts_with("incompatible versions")
        {
            *self.version.lock().await = None;
        }
        Ok(answer?)
    }

    /// Lists releases of a namespace, or of all (none), with one of some statuses, by name.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses.
    pub async fn list(&self, namespace: Option<&str>, statuses: &[ReleaseCode]) -> Result<Vec<Release>, BridgeError> {
        let mut client = self.client().await?;
        let mut all: Vec<Release> = Vec::new();
        let mut offset = String::new();
        loop {
            let request = ListReleasesRequest {
                limit: PAGE,
                offset: offset.clone(),
                sort_by: list_sort::SortBy::Name.into(),
                status_codes: statuses.iter().map(|status| (*status).into()).collect(),
                namespace: namespace.unwrap_or_default().to_owned(),
                ..ListReleasesRequest::default()
            };
            let mut stream = self.heard(client.list_releases(request).await).await?.into_inner();
            let (mut next, mut is_first) = (String::new(), true);
            while let Some(message) = self.heard(stream.message().await).await? {
                if is_first {
                    next = message.next;
                    is_first = false;
                }
                all.extend(message.releases);
            }
            // A name is where the next page begins. One with more revisions than a page would begin it anew for ever.
            if next.is_empty() || next <= offset {
                return Ok(all);
            }
            // It may be among what has come already.
            all.retain(|release| release.name != next);
            offset = next;
        }
    }

    /// Reads all revisions of a release, the newest first; none at all when there is no such release.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses.
    pub async fn history(&self, name: &str) -> Result<Vec<Release>, BridgeError> {
        let request = GetHistoryRequest { name: name.to_owned(), max: i32::MAX };
        let answer = self.client().await?.get_history(request).await;
        match self.heard(answer).await {
            Ok(answer) => Ok(answer.into_inner().releases),
            Err(BridgeError::Refused(text)) if text.contains("not found") => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Reads one revision; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses.
    pub async fn content(&self, name: &str, revision: u32) -> Result<Option<Release>, BridgeError> {
        let version = i32::try_from(revision).unwrap_or(i32::MAX);
        let request = GetReleaseContentRequest { name: name.to_owned(), version };
        let answer = self.client().await?.get_release_content(request).await;
        match self.heard(answer).await {
            Ok(answer) => Ok(answer.into_inner().release),
            Err(BridgeError::Refused(text)) if text.contains("not found") => Ok(None),
            Err(error) => Err(error),
        }
    }
}
