//! From a chart and values to what is installed, as Helm 2.17: `pkg/tiller/release_server.go renderResources`.

use render::helm2::{self, Capabilities, Inputs, KubeVersion};
use tiller::hapi::chart::{Chart, Config};
use tiller::hapi::release::Hook;
use tiller::hapi::release::hook::{DeletePolicy, Event};

use super::Releases;
use crate::failure::Failure;

/// What a render is for.
#[derive(Clone, Copy)]
pub(super) struct Purpose<'p> {
    pub(super) name: &'p str,
    pub(super) namespace: &'p str,
    pub(super) revision: i32,
    pub(super) is_upgrade: bool,
}

/// What came out.
pub(super) struct Rendered {
    pub(super) manifest: String,
    pub(super) hooks: Vec<Hook>,
    pub(super) notes: String,
}

/// Why nothing came out, and what was rendered all the same, for people to look at.
pub(super) struct Unrendered {
    pub(super) failure: Failure,
    manifest: String,
}

impl Unrendered {
    /// What a dry run says: with all that was rendered when that is no YAML.
    pub(super) fn with_manifest(self) -> Failure {
        if self.failure.0.starts_with("YAML parse error") {
            return Failure(format!("{}\n{}", self.failure, self.manifest));
        }
        self.failure
    }
}

impl From<Failure> for Unrendered {
    fn from(failure: Failure) -> Self {
        Self { failure, manifest: String::new() }
    }
}

impl From<helm2::Error> for Unrendered {
    fn from(error: helm2::Error) -> Self {
        let failure = Failure::new(error.to_string());
        let manifest = match error {
            helm2::Error::Manifest { manifest, .. } => manifest,
            _ => String::new(),
        };
        Self { failure, manifest }
    }
}

impl Releases {
    /// Renders a chart.
    pub(super) async fn render(
        &self,
        chart: &Chart,
        config: Option<&Config>,
        purpose: Purpose<'_>,
        subchart_notes: bool,
    ) -> Result<Rendered, Unrendered> {
        let capabilities = self.capabilities().await?;
        let chart = tiller::loaded(chart.clone()).map_err(|error| Failure::new(error.to_string()))?;
        let raw = config.map(|config| config.raw.clone());
        let release = helm2::Release {
            name: purpose.name.to_owned(),
            namespace: purpose.namespace.to_owned(),
            revision: purpose.revision.into(),
            is_install: !purpose.is_upgrade,
            is_upgrade: purpose.is_upgrade,
        };
        let (now, resolve) = (self.now(), self.engine.resolve.clone());
        let rendered = self.engine.guard(move |limits, interrupt| {
            let rendered = || {
                let values = chart::helm2::coalesce_values(&chart, raw.as_deref()).map_err(|error| Failure(error.0))?;
                let inputs = Inputs {
                    subchart_notes,
                    resolve,
                    limits,
                    interrupt: Some(interrupt),
                    ..Inputs::new(&values.values, &release, &capabilities, now)
                };
                helm2::render(&chart, &inputs).map_err(Unrendered::from)
            };
            Ok(rendered())
        });
        let rendered = rendered.await.map_err(Failure::from)??;
        for hook in &rendered.skipped_hooks {
            tracing::info!(hook, "a hook of a kind that nobody knows is left out");
        }
        Ok(Rendered {
            manifest: rendered.manifest,
            hooks: rendered.hooks.into_iter().map(hook).collect(),
            notes: rendered.notes,
        })
    }

    /// What the cluster can do.
    async fn capabilities(&self) -> Result<Capabilities, Failure> {
        let cluster = &self.objects.cluster;
        let version = cluster.version().await?;
        let served = cluster.served().await?;
        Ok(Capabilities {
            kube_version: KubeVersion {
                git_version: version.git_version,
                major: version.major,
                minor: version.minor,
                ..KubeVersion::default()
            },
            api_versions: served.api_versions(),
            ..Capabilities::default()
        })
    }
}

fn hook(rendered: helm2::Hook) -> Hook {
    let mut hook = Hook {
        name: rendered.name,
        kind: rendered.kind,
        path: rendered.path,
        manifest: rendered.manifest,
        weight: rendered.weight,
        delete_timeout: rendered.delete_timeout,
        ..Hook::default()
    };
    rendered.events.into_iter().map(event).for_each(|event| hook.push_events(event));
    rendered.delete_policies.into_iter().map(policy).for_each(|policy| hook.push_delete_policies(policy));
    hook
}

fn event(event: helm2::Event) -> Event {
    match event {
        helm2::Event::PreInstall => Event::PreInstall,
        helm2::Event::PostInstall => Event::PostInstall,
        helm2::Event::PreDelete => Event::PreDelete,
        helm2::Event::PostDelete => Event::PostDelete,
        helm2::Event::PreUpgrade => Event::PreUpgrade,
        helm2::Event::PostUpgrade => Event::PostUpgrade,
        helm2::Event::PreRollback => Event::PreRollback,
        helm2::Event::PostRollback => Event::PostRollback,
        helm2::Event::TestSuccess => Event::ReleaseTestSuccess,
        helm2::Event::TestFailure => Event::ReleaseTestFailure,
        helm2::Event::CrdInstall => Event::CrdInstall,
    }
}

fn policy(policy: helm2::DeletePolicy) -> DeletePolicy {
    match policy {
        helm2::DeletePolicy::Succeeded => DeletePolicy::Succeeded,
        helm2::DeletePolicy::Failed => DeletePolicy::Failed,
        helm2::DeletePolicy::BeforeHookCreation => DeletePolicy::BeforeHookCreation,
    }
}
