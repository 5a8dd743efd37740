//! The ten calls, as gRPC: `hapi.services.tiller.ReleaseService`.

use std::time::Duration;

use futures::Stream;
use std::pin::Pin;
use tiller::hapi::services::tiller::release_service_server::ReleaseService;
use tiller::hapi::services::tiller::*;
use tiller::hapi::version::Version;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Request, Response, Status};

use crate::failure::Failure;
use crate::releases::Releases;
use crate::version::VERSION;

/// The largest message in either direction, in bytes.
pub(crate) const MAX_MESSAGE: usize = 20 << 20;

/// How long a stream of test results stays open after its last message: the client forgets a message that comes together with
/// the end.
const LINGER: Duration = Duration::from_millis(50);

/// What clients print as the commit; they cut it at seven characters.
const COMMIT: &str = "0000000000000000000000000000000000000000";

/// The service over the releases of one cluster.
#[derive(Clone)]
pub(crate) struct Service(pub(crate) Releases);

type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Service {
    /// Does something to its end, whether or not the client is still there: a change that has begun is not left half done.
    async fn whole<T, F>(&self, work: impl FnOnce(Releases) -> F) -> Result<T, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let done = tokio::spawn(work(self.0.clone())).await;
        let done = done.map_err(|error| Status::unknown(format!("the server has failed: {error}")))?;
        done.map_err(|failure| {
            tracing::info!(%failure, "a call of a client of Helm 2 failed");
            failure.into()
        })
    }
}

#[tonic::async_trait]
impl ReleaseService for Service {
    type ListReleasesStream = Streamed<ListReleasesResponse>;
    type RunReleaseTestStream = Streamed<TestReleaseResponse>;

    async fn list_releases(
        &self,
        request: Request<ListReleasesRequest>,
    ) -> Result<Response<Self::ListReleasesStream>, Status> {
        let messages = self.0.list(request.into_inner()).await?;
        Ok(Response::new(Box::pin(tokio_stream::iter(messages.into_iter().map(Ok)))))
    }

    async fn get_release_status(
        &self,
        request: Request<GetReleaseStatusRequest>,
    ) -> Result<Response<GetReleaseStatusResponse>, Status> {
        let GetReleaseStatusRequest { name, version } = request.into_inner();
        let release = self.0.status(&name, version).await?;
        Ok(Response::new(GetReleaseStatusResponse {
            name: release.name,
            info: release.info,
            namespace: release.namespace,
        }))
    }

    async fn get_release_content(
        &self,
        request: Request<GetReleaseContentRequest>,
    ) -> Result<Response<GetReleaseContentResponse>, Status> {
        let GetReleaseContentRequest { name, version } = request.into_inner();
        let release = Some(self.0.content(&name, version).await?);
        Ok(Response::new(GetReleaseContentResponse { release }))
    }

    async fn update_release(
        &self,
        request: Request<UpdateReleaseRequest>,
    ) -> Result<Response<UpdateReleaseResponse>, Status> {
        let request = request.into_inner();
        let release = Some(self.whole(|releases| async move { releases.upgrade(request).await }).await?);
        Ok(Response::new(UpdateReleaseResponse { release }))
    }

    async fn install_release(
        &self,
        request: Request<InstallReleaseRequest>,
    ) -> Result<Response<InstallReleaseResponse>, Status> {
        let request = request.into_inner();
        let release = Some(self.whole(|releases| async move { releases.install(request).await }).await?);
        Ok(Response::new(InstallReleaseResponse { release }))
    }

    async fn uninstall_release(
        &self,
        request: Request<UninstallReleaseRequest>,
    ) -> Result<Response<UninstallReleaseResponse>, Status> {
        let request = request.into_inner();
        let (release, info) = self.whole(|releases| async move { releases.uninstall(request).await }).await?;
        Ok(Response::new(UninstallReleaseResponse { release: Some(release), info }))
    }

    async fn get_version(&self, _request: Request<GetVersionRequest>) -> Result<Response<GetVersionResponse>, Status> {
        let version =
            Version { sem_ver: VERSION.to_owned(), git_commit: COMMIT.to_owned(), git_tree_state: "clean".to_owned() };
        Ok(Response::new(GetVersionResponse { version: Some(version) }))
    }

    async fn rollback_release(
        &self,
        request: Request<RollbackReleaseRequest>,
    ) -> Result<Response<RollbackReleaseResponse>, Status> {
        let request = request.into_inner();
        let release = Some(self.whole(|releases| async move { releases.rollback(request).await }).await?);
        Ok(Response::new(RollbackReleaseResponse { release }))
    }

    async fn get_history(&self, request: Request<GetHistoryRequest>) -> Result<Response<GetHistoryResponse>, Status> {
        let GetHistoryRequest { name, max } = request.into_inner();
        Ok(Response::new(GetHistoryResponse { releases: self.0.history(&name, max).await? }))
    }

    async fn run_release_test(
        &self,
        request: Request<TestReleaseRequest>,
    ) -> Result<Response<Self::RunReleaseTestStream>, Status> {
        let (tell, told) = mpsc::unbounded_channel();
        let (releases, request) = (self.0.clone(), request.into_inner());
        tokio::spawn(async move {
            let messages = tell.clone();
            let heard = std::sync::Arc::new(move |message| drop(messages.send(Ok(message))));
            if let Err(failure) = releases.test(request, heard).await {
                let _ = tell.send(Err(failure.into()));
            }
            tokio::time::sleep(LINGER).await;
        });
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(told).map(|message| message))))
    }
}
