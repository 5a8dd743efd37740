//! Installing, as Helm 2.17: `pkg/tiller/release_install.go`.
//!
//! Tiller writes the first record after the hooks that run before; here it is there from the beginning and is taken away again
//! when they fail, so that nothing is ever in the cluster without a record, and the client sees the same.

use tiller::Stored;
use tiller::hapi::release::hook::Event;
use tiller::hapi::release::status::Code;
use tiller::hapi::release::{Info, Release, Status};
use tiller::hapi::services::tiller::InstallReleaseRequest;

use super::render::{Purpose, Unrendered};
use super::{Releases, description};
use crate::failure::Failure;
use crate::objects::{Update, deadline};

impl Releases {
    /// Installs a chart.
    pub(crate) async fn install(&self, mut request: InstallReleaseRequest) -> Result<Release, Failure> {
        if request.chart.is_none() {
            return Err(Failure::new("no chart provided"));
        }
        if request.name.is_empty() {
            request.name = self.made_up().await?;
        }
        if request.dry_run {
            self.check_free(&request.name, request.reuse_name).await?;
            return self.try_install(&request).await;
        }
        self.locked(&request.name, async {
            self.check_free(&request.name, request.reuse_name).await?;
            let release = self.prepare(&request).await.map_err(|unrendered| unrendered.failure)?;
            self.perform(&request, release).await
        })
        .await
    }

    /// Renders and checks, and changes nothing.
    async fn try_install(&self, request: &InstallReleaseRequest) -> Result<Release, Failure> {
        let mut release = self.prepare(request).await.map_err(Unrendered::with_manifest)?;
        let defines = release.hooks.iter().any(|hook| hook.events().any(|event| event == Event::CrdInstall));
        let outcome = if defines && !request.disable_crd_hook {
            "Validation skipped because CRDs are not installed"
        } else {
            self.objects.validate(&request.namespace, &release.manifest).await?;
            "Dry run complete"
        };
        release.info.get_or_insert_default().description = outcome.to_owned();
        Ok(release)
    }

    /// Makes the release that is to be installed.
    pub(super) async fn prepare(&self, request: &InstallReleaseRequest) -> Result<Release, Unrendered> {
        let chart = request.chart.clone().ok_or_else(|| Failure::new("no chart provided"))?;
        let purpose = Purpose { name: &request.name, namespace: &request.namespace, revision: 1, is_upgrade: false };
        let config = request.values.clone().unwrap_or_default();
        let rendered = self.render(&chart, request.values.as_ref(), purpose, request.sub_notes).await?;
        let now = self.moment();
        let mut status = Status { notes: rendered.notes, ..Status::default() };
        status.set_code(Code::PendingInstall);
        Ok(Release {
            name: request.name.clone(),
            namespace: request.namespace.clone(),
            chart: Some(chart),
            config: Some(config),
            info: Some(Info {
                status: Some(status),
                first_deployed: Some(now),
                last_deployed: Some(now),
                description: "Initial install underway".to_owned(),
                ..Info::default()
            }),
            manifest: rendered.manifest,
            hooks: rendered.hooks,
            version: 1,
        })
    }

    async fn perform(&self, request: &InstallReleaseRequest, mut release: Release) -> Result<Release, Failure> {
        let old = if request.reuse_name { self.store.last(&request.name).await.ok() } else { None };
        if let Some(old) = &old {
            release.version = old.release.version.saturating_add(1);
        }
        let mut new = self.create(release).await?;
        if let Err(error) = self.before(request, &mut new).await {
            // Nothing of it is to be seen, as with Tiller, which has not written anything yet.
            if let Err(left) = self.store.delete(&request.name, new.release.version).await {
                tracing::error!(release = request.name, error = %left, "the record of a failed install cannot be removed");
            }
            return Err(error);
        }
        match old {
            Some(old) => self.replace(request, old, &mut new).await?,
            None => self.create_objects(request, &mut new).await?,
        }
        if !request.disable_hooks
            && let Err(error) = self.hooks_of(&mut new, Event::PostInstall, request.timeout).await
        {
            let text = format!("Release {:?} failed post-install: {error}", request.name);
            self.fail(&mut new, text).await;
            return Err(error);
        }
        new.set(Code::Deployed);
        new.info().description = description(&request.description, "Install complete");
        self.note(&mut new).await;
        Ok(new.release)
    }

    /// Definitions, the check of kinds, and the hooks that come before everything else.
    async fn before(&self, request: &InstallReleaseRequest, new: &mut Stored) -> Result<(), Failure> {
        if !request.disable_hooks && !request.disable_crd_hook {
            self.hooks_of(new, Event::CrdInstall, request.timeout).await?;
        }
        let checked = self.objects.validate(&request.namespace, &new.release.manifest).await;
        checked.map_err(|error| Failure(format!("validation failed: {error}")))?;
        if !request.disable_hooks {
            self.hooks_of(new, Event::PreInstall, request.timeout).await?;
        }
        Ok(())
    }

    async fn create_objects(&self, request: &InstallReleaseRequest, new: &mut Stored) -> Result<(), Failure> {
        let made = async {
            let objects = self.objects.create(&request.namespace, &new.release.manifest).await?;
            if request.wait {
                self.objects.wait_ready(&objects, deadline(request.timeout)).await?;
            }
            Ok::<_, Failure>(())
        };
        if let Err(error) = made.await {
            let text = format!("Release {:?} failed: {error}", request.name);
            self.fail(new, text).await;
            return Err(Failure(format!("release {} failed: {error}", request.name)));
        }
        Ok(())
    }

    /// Brings what a deleted or failed release has left to the new one.
    async fn replace(&self, request: &InstallReleaseRequest, mut old: Stored, new: &mut Stored) -> Result<(), Failure> {
        old.set(Code::Superseded);
        self.note(&mut old).await;
        let how = Update { timeout: request.timeout, wait: request.wait, ..Update::default() };
        let Release { namespace, manifest, .. } = &new.release;
        if let Err(error) = self.objects.update(namespace, &[&old.release.manifest], manifest, how).await {
            let text = format!("Release replace {:?} failed: {error}", request.name);
            self.fail(new, text).await;
            return Err(error);
        }
        Ok(())
    }

    /// Runs hooks of a revision.
    pub(super) async fn hooks_of(&self, stored: &mut Stored, event: Event, timeout: i64) -> Result<(), Failure> {
        let namespace = stored.release.namespace.clone();
        self.run_hooks(&mut stored.release.hooks, &namespace, event, timeout).await
    }
}
