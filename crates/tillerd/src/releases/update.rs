//! Upgrading, as Helm 2.17: `pkg/tiller/release_update.go`.

use tiller::Stored;
use tiller::hapi::release::hook::Event;
use tiller::hapi::release::status::Code;
use tiller::hapi::release::{Info, Release, Status};
use tiller::hapi::services::tiller::{InstallReleaseRequest, UpdateReleaseRequest};

use super::render::{Purpose, Unrendered};
use super::{Releases, check_name, description};
use crate::failure::Failure;
use crate::objects::Update;

impl Releases {
    /// Upgrades a release.
    pub(crate) async fn upgrade(&self, request: UpdateReleaseRequest) -> Result<Release, Failure> {
        check_name(&request.name)?;
        // A dry run has nothing to fear from others.
        if request.dry_run {
            return self.upgrade_now(request).await;
        }
        let name = request.name.clone();
        self.locked(&name, self.upgrade_now(request)).await
    }

    async fn upgrade_now(&self, mut request: UpdateReleaseRequest) -> Result<Release, Failure> {
        let prepared = self.prepare_upgrade(&mut request).await;
        let (current, mut updated) = match prepared {
            Ok(prepared) => prepared,
            Err(_) if request.force => return self.upgrade_by_force(request).await,
            Err(error) => return Err(error),
        };
        if request.dry_run {
            updated.info.get_or_insert_default().description = "Dry run complete".to_owned();
            return Ok(updated);
        }
        let mut updated = self.create(updated).await?;
        if let Err(error) = self.bring(&request, &current, &mut updated).await {
            // After a failed hook Tiller leaves the revision pending, and refuses every upgrade from then on. A release that is
            // stuck helps nobody, so it has failed, as after any other failure.
            let text = format!("Upgrade {:?} failed: {error}", request.name);
            self.fail(&mut updated, text).await;
            return Err(error);
        }
        updated.info().description = description(&request.description, "Upgrade complete");
        self.deploy(&mut updated).await?;
        Ok(updated.release)
    }

    async fn prepare_upgrade(&self, request: &mut UpdateReleaseRequest) -> Result<(Stored, Release), Failure> {
        if request.chart.is_none() {
            return Err(Failure::new("no chart provided"));
        }
        let current = self.store.deployed(&request.name).await?;
        self.reuse_values(request, &current.release).await?;
        let last = self.store.last(&request.name).await?;
        if matches!(last.code(), Code::PendingInstall | Code::PendingUpgrade | Code::PendingRollback) {
            return Err(super::lock::at_work());
        }
        let revision = last.release.version.saturating_add(1);
        let namespace = current.release.namespace.clone();
        let purpose = Purpose { name: &request.name, namespace: &namespace, revision, is_upgrade: true };
        let chart = request.chart.clone().unwrap_or_default();
        let config = request.values.clone().unwrap_or_default();
        let rendered = self.render(&chart, request.values.as_ref(), purpose, request.sub_notes).await;
        let rendered = rendered.map_err(|unrendered| unrendered.failure)?;
        let mut status = Status { notes: rendered.notes, ..Status::default() };
        status.set_code(Code::PendingUpgrade);
        self.objects.validate(&namespace, &rendered.manifest).await?;
        let updated = Release {
            name: request.name.clone(),
            namespace,
            chart: Some(chart),
            config: Some(config),
            info: Some(Info {
                status: Some(status),
                first_deployed: current.release.info.as_ref().and_then(|info| info.first_deployed),
                last_deployed: Some(self.moment()),
                description: "Preparing upgrade".to_owned(),
                ..Info::default()
            }),
            version: revision,
            manifest: rendered.manifest,
            hooks: rendered.hooks,
        };
        Ok((current, updated))
    }

    /// Hooks, objects, hooks.
    async fn bring(
        &self,
        request: &UpdateReleaseRequest,
        current: &Stored,
        updated: &mut Stored,
    ) -> Result<(), Failure> {
        if !request.disable_hooks {
            self.hooks_of(updated, Event::PreUpgrade, request.timeout).await?;
        }
        let before = self.since(&request.name, current.release.version, updated.release.version).await?;
        let before: Vec<&str> = before.iter().map(|stored| stored.release.manifest.as_str()).collect();
        let Release { namespace, manifest, .. } = &updated.release;
        self.objects.update(namespace, &before, manifest, how(request)).await?;
        if !request.disable_hooks {
            self.hooks_of(updated, Event::PostUpgrade, request.timeout).await?;
        }
        Ok(())
    }

    /// Deletes what there is and installs what is wanted, under the next revision. The lock is held.
    async fn upgrade_by_force(&self, request: UpdateReleaseRequest) -> Result<Release, Failure> {
        let mut old = self.store.last(&request.name).await?;
        let install = InstallReleaseRequest {
            chart: request.chart.clone(),
            values: request.values.clone(),
            dry_run: request.dry_run,
            name: request.name.clone(),
            disable_hooks: request.disable_hooks,
            namespace: old.release.namespace.clone(),
            reuse_name: true,
            timeout: request.timeout,
            wait: request.wait,
            ..InstallReleaseRequest::default()
        };
        self.check_free(&request.name, true).await?;
        let prepared = self.prepare(&install).await;
        let mut new = if request.dry_run {
            prepared.map_err(Unrendered::with_manifest)?
        } else {
            prepared.map_err(|unrendered| unrendered.failure)?
        };
        new.version = old.release.version.saturating_add(1);
        if request.dry_run {
            new.info.get_or_insert_default().description = "Dry run complete".to_owned();
            return Ok(new);
        }
        self.clear(&request, &mut old).await?;
        let mut new = self.create(new).await?;
        let done = async {
            if !request.disable_hooks {
                self.hooks_of(&mut new, Event::PreInstall, request.timeout)
                    .await
                    .map_err(|error| (error, "Upgrade"))?;
            }
            let Release { namespace, manifest, .. } = &new.release;
            let brought = self.objects.update(namespace, &[&old.release.manifest], manifest, how(&request)).await;
            brought.map_err(|error| (error, "Upgrade"))?;
            if !request.disable_hooks {
                self.hooks_of(&mut new, Event::PostInstall, request.timeout)
                    .await
                    .map_err(|error| (error, "Release"))?;
            }
            Ok(())
        };
        if let Err((error, what)) = done.await {
            let when = if what == "Release" { " post-install" } else { "" };
            let text = format!("{what} {:?} failed{when}: {error}", request.name);
            self.fail(&mut new, text).await;
            return Err(error);
        }
        new.set(Code::Deployed);
        new.info().description = description(&request.description, "Upgrade complete");
        self.note(&mut new).await;
        Ok(new.release)
    }

    /// Deletes the objects of the revision before.
    async fn clear(&self, request: &UpdateReleaseRequest, old: &mut Stored) -> Result<(), Failure> {
        self.begin_deletion(old).await?;
        if !request.disable_hooks {
            self.hooks_of(old, Event::PreDelete, request.timeout).await?;
        }
        let (_, errors) = self.delete_objects(&old.release).await;
        old.set(Code::Deleted);
        old.info().description = "Deletion complete".to_owned();
        self.note(old).await;
        if !errors.is_empty() {
            return Err(Failure(format!(
                "Upgrade --force successfully deleted the previous release, but encountered {} error(s) and cannot continue: {}",
                errors.len(),
                errors.join("; ")
            )));
        }
        if !request.disable_hooks {
            self.hooks_of(old, Event::PostDelete, request.timeout).await?;
        }
        Ok(())
    }
}

fn how(request: &UpdateReleaseRequest) -> Update {
    Update {
        force: request.force,
        recreate: request.recreate,
        timeout: request.timeout,
        wait: request.wait,
        cleanup_on_fail: request.cleanup_on_fail,
    }
}
