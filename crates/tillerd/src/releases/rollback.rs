//! Rolling back, as Helm 2.17: `pkg/tiller/release_rollback.go`. Nothing is rendered: what was recorded is brought back.

use tiller::Stored;
use tiller::hapi::release::hook::Event;
use tiller::hapi::release::status::Code;
use tiller::hapi::release::{Info, Release, Status};
use tiller::hapi::services::tiller::RollbackReleaseRequest;

use super::{Releases, check_name, description};
use crate::failure::Failure;
use crate::objects::Update;

impl Releases {
    /// Rolls a release back to an earlier revision, or to the one before.
    pub(crate) async fn rollback(&self, request: RollbackReleaseRequest) -> Result<Release, Failure> {
        check_name(&request.name)?;
        if request.version < 0 {
            return Err(Failure::new("invalid release revision"));
        }
        if request.dry_run {
            let current = self.store.last(&request.name).await?;
            return self.target(&request, &current).await;
        }
        self.locked(&request.name, self.roll_back_now(&request)).await
    }

    async fn roll_back_now(&self, request: &RollbackReleaseRequest) -> Result<Release, Failure> {
        let mut current = self.store.last(&request.name).await?;
        let target = self.target(request, &current).await?;
        let mut target = self.create(target).await?;
        if let Err(error) = self.bring_back(request, &current, &mut target).await {
            // Tiller says here that the current revision is superseded, and nothing is deployed any more that could be upgraded.
            let text = format!("Rollback {:?} failed: {error}", request.name);
            self.fail(&mut target, text).await;
            return Err(error);
        }
        self.deploy(&mut target).await?;
        if current.code() != Code::Deployed {
            current.set(Code::Superseded);
            self.note(&mut current).await;
        }
        Ok(target.release)
    }

    /// Makes the new revision of the old one.
    async fn target(&self, request: &RollbackReleaseRequest, current: &Stored) -> Result<Release, Failure> {
        let revision = if request.version == 0 { current.release.version - 1 } else { request.version };
        let previous = self.store.read(&request.name, revision).await?.release;
        let mut status = Status {
            notes: previous.info.and_then(|info| info.status).map(|status| status.notes).unwrap_or_default(),
            ..Status::default()
        };
        status.set_code(Code::PendingRollback);
        Ok(Release {
            name: request.name.clone(),
            namespace: current.release.namespace.clone(),
            chart: previous.chart,
            config: previous.config,
            info: Some(Info {
                status: Some(status),
                first_deployed: current.release.info.as_ref().and_then(|info| info.first_deployed),
                last_deployed: Some(self.moment()),
                description: description(&request.description, format!("Rollback to {revision}")),
                ..Info::default()
            }),
            version: current.release.version.saturating_add(1),
            manifest: previous.manifest,
            hooks: previous.hooks,
        })
    }

    /// Hooks, objects, hooks.
    async fn bring_back(
        &self,
        request: &RollbackReleaseRequest,
        current: &Stored,
        target: &mut Stored,
    ) -> Result<(), Failure> {
        if !request.disable_hooks {
            self.hooks_of(target, Event::PreRollback, request.timeout).await?;
        }
        let how = Update {
            force: request.force,
            recreate: request.recreate,
            timeout: request.timeout,
            wait: request.wait,
            cleanup_on_fail: request.cleanup_on_fail,
        };
        let before = self.last_good(&request.name, current).await?;
        let before = self.since(&request.name, before, target.release.version).await?;
        let before: Vec<&str> = before.iter().map(|stored| stored.release.manifest.as_str()).collect();
        let Release { namespace, manifest, .. } = &target.release;
        self.objects.update(namespace, &before, manifest, how).await?;
        if !request.disable_hooks {
            self.hooks_of(target, Event::PostRollback, request.timeout).await?;
        }
        Ok(())
    }
}
