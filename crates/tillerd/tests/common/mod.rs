//! A Tiller of ours over a sandbox, and a client.

use std::sync::Arc;

use cluster::Cluster;
use engine::Settings;
use jiff::Timestamp;
use sandbox::{Config as SandboxConfig, Sandbox};
use tiller::hapi::chart::{Chart, Config, Metadata, Template};
use tiller::hapi::services::tiller::release_service_client::ReleaseServiceClient;
use tiller::hapi::services::tiller::{InstallReleaseRequest, UpdateReleaseRequest};
use tiller::{Driver, Store};
use tillerd::{Tiller, Tls};
use tokio::net::TcpListener;
use tonic::metadata::MetadataValue;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

pub(crate) const NAMESPACE: &str = "kube-system";

/// A client that says which version it is.
pub(crate) type Client =
    ReleaseServiceClient<InterceptedService<Channel, fn(Request<()>) -> Result<Request<()>, Status>>>;

/// A server, until it is dropped.
pub(crate) struct Served {
    pub(crate) address: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new(SandboxConfig::default())
}

pub(crate) fn store(sandbox: &Sandbox) -> Store {
    Store::new(sandbox.client(), NAMESPACE, Driver::ConfigMap)
}

/// What takes Tiller's place, under a name of its own.
pub(crate) fn tiller(sandbox: &Sandbox, history_max: usize, holder: &str) -> Tiller {
    tiller_later(sandbox, history_max, holder, 0)
}

/// One whose clock is so many seconds ahead.
pub(crate) fn tiller_later(sandbox: &Sandbox, history_max: usize, holder: &str, seconds: i64) -> Tiller {
    let cluster = Cluster::new(sandbox.client());
    let clock = Arc::new(move || Timestamp::now() + jiff::SignedDuration::from_secs(seconds));
    Tiller::new(cluster, (store(sandbox), NAMESPACE), Settings::guarded(), clock, (history_max, holder))
}

pub(crate) async fn serve(tiller: Tiller, tls: Option<Tls>) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move { tiller.serve(listener, tls, std::future::pending()).await.unwrap() });
    Served { address, task }
}

fn current(request: Request<()>) -> Result<Request<()>, Status> {
    of_version(request, "v2.17.0")
}

pub(crate) fn of_version(mut request: Request<()>, version: &'static str) -> Result<Request<()>, Status> {
    request.metadata_mut().insert("x-helm-api-client", MetadataValue::from_static(version));
    Ok(request)
}

pub(crate) async fn channel(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.http2_max_header_list_size(32 << 20).connect().await.unwrap()
}

pub(crate) async fn client(served: &Served) -> Client {
    client_at(&served.address).await
}

pub(crate) async fn client_at(address: &str) -> Client {
    ReleaseServiceClient::with_interceptor(channel(address).await, current as fn(_) -> _)
}

/// A chart of one template.
pub(crate) fn chart(template: &str) -> Chart {
    let metadata = Metadata {
        name: "shop".to_owned(),
        version: "0.1.0".to_owned(),
        api_version: "v1".to_owned(),
        ..Metadata::default()
    };
    let template = Template { name: "templates/all.yaml".to_owned(), data: template.as_bytes().to_vec() };
    let values = Config { raw: "greeting: hello\n".to_owned(), ..Config::default() };
    Chart { metadata: Some(metadata), templates: vec![template], values: Some(values), ..Chart::default() }
}

pub(crate) fn values(raw: &str) -> Option<Config> {
    Some(Config { raw: raw.to_owned(), ..Config::default() })
}

pub(crate) fn install(name: &str, template: &str) -> InstallReleaseRequest {
    InstallReleaseRequest {
        name: name.to_owned(),
        namespace: "web".to_owned(),
        chart: Some(chart(template)),
        values: values("{}\n"),
        timeout: 20,
        ..InstallReleaseRequest::default()
    }
}

pub(crate) fn upgrade(name: &str, template: &str, raw: &str) -> UpdateReleaseRequest {
    UpdateReleaseRequest {
        name: name.to_owned(),
        chart: Some(chart(template)),
        values: values(raw),
        timeout: 20,
        ..UpdateReleaseRequest::default()
    }
}
