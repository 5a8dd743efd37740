//! A release of Helm 2 as one of Helm 4. What is mapped to what is as helm-2to3 does it; Helm 3 and 4 read the outcome alike.

use bytes::Bytes;
use chart::{Chart, Content, File, Maintainer, Metadata};
use goyaml::Map;
use jiff::Timestamp;
use release::{DeletePolicy, Hook, HookEvent, HookExecution, HookPhase, Info, Release, Status, Time};

use crate::hapi;
use crate::hapi::release::hook::{DeletePolicy as OldPolicy, Event as OldEvent};
use crate::hapi::release::status::Code;
use crate::hapi::release::test_run::Status as TestStatus;

/// Why a release of Helm 2 cannot be one of Helm 4.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// Something is missing that each release has.
    #[error("it has no {0}")]
    Missing(&'static str),
    /// Its revision is no number from 1.
    #[error("its revision is {0}")]
    Revision(i32),
    /// A text of it is no YAML.
    #[error("its {what} cannot be read: {source}")]
    Yaml {
        /// Which text.
        what: String,
        /// Why not.
        source: goyaml::Error,
    },
}

/// Makes a release of Helm 4 of one of Helm 2. The table of live objects and what only Tiller knows (`engine`, `tillerVersion`,
/// time-outs of hooks) is left behind, and so are subcharts, which Helm 4 does not keep in records either.
///
/// # Errors
/// When the chart or what is known of the release is missing, or values are no YAML.
pub fn convert(old: hapi::release::Release) -> Result<Release, ConvertError> {
    let info = old.info.ok_or(ConvertError::Missing("info"))?;
    let status = info.status.unwrap_or_default();
    let suite = status.last_test_suite_run.clone().unwrap_or_default();
    let version = u32::try_from(old.version).ok().filter(|version| *version > 0);
    Ok(Release {
        chart: chart(old.chart.ok_or(ConvertError::Missing("chart"))?)?.into(),
        config: values("values", &old.config.unwrap_or_default().raw)?,
        hooks: old.hooks.into_iter().map(|hook| self::hook(hook, &suite)).collect(),
        version: version.ok_or(ConvertError::Revision(old.version))?,
        info: Info {
            first_deployed: time(info.first_deployed),
            last_deployed: time(info.last_deployed),
            deleted: time(info.deleted),
            description: info.description,
            status: status_of(status.code()),
            notes: status.notes,
            ..Info::default()
        },
        name: old.name,
        namespace: old.namespace,
        manifest: old.manifest,
        ..Release::default()
    })
}

/// Helm 4's word for where a release stands.
pub(crate) fn status_of(code: Code) -> Status {
    match code {
        Code::Unknown => Status::Unknown,
        Code::Deployed => Status::Deployed,
        Code::Deleted => Status::Uninstalled,
        Code::Superseded => Status::Superseded,
        Code::Failed => Status::Failed,
        Code::Deleting => Status::Uninstalling,
        Code::PendingInstall => Status::PendingInstall,
        Code::PendingUpgrade => Status::PendingUpgrade,
        Code::PendingRollback => Status::PendingRollback,
    }
}

fn chart(old: hapi::chart::Chart) -> Result<Chart, ConvertError> {
    let metadata = old.metadata.ok_or(ConvertError::Missing("metadata of its chart"))?;
    let file = |name: String, data: Vec<u8>| File { name, data: Content::from(Bytes::from(data)), mod_time: None };
    Ok(Chart {
        values: values("chart's values", &old.values.unwrap_or_default().raw)?,
        has_values: true,
        templates: old.templates.into_iter().map(|template| file(template.name, template.data)).collect(),
        files: old.files.into_iter().map(|old| file(old.name, old.data)).collect(),
        metadata: self::metadata(metadata),
        ..Chart::default()
    })
}

fn metadata(old: hapi::chart::Metadata) -> Metadata {
    let maintainer = |old: hapi::chart::Maintainer| Maintainer { name: old.name, email: old.email, url: old.url };
    Metadata {
        name: old.name,
        home: old.home,
        sources: old.sources,
        version: old.version,
        description: old.description,
        keywords: old.keywords,
        maintainers: old.maintainers.into_iter().map(maintainer).collect(),
        icon: old.icon,
        api_version: old.api_version,
        condition: old.condition,
        tags: old.tags,
        app_version: old.app_version,
        deprecated: old.deprecated,
        annotations: old.annotations.into_iter().collect(),
        kube_version: old.kube_version,
        kind: "application".to_owned(),
        ..Metadata::default()
    }
}

fn hook(old: hapi::release::Hook, suite: &hapi::release::TestSuite) -> Hook {
    let ran = suite.results.iter().find(|run| run.name == old.name);
    // Success and failure of a test were two events, and are one.
    let mut events: Vec<HookEvent> = Vec::new();
    for event in old.events().map(event) {
        if !events.contains(&event) {
            events.push(event);
        }
    }
    Hook {
        events,
        delete_policies: old.delete_policies().map(policy).collect(),
        last_run: ran.map(execution).unwrap_or_default(),
        name: old.name,
        kind: old.kind,
        path: old.path,
        manifest: old.manifest,
        weight: i64::from(old.weight),
        output_log_policies: Vec::new(),
    }
}

fn event(old: OldEvent) -> HookEvent {
    match old {
        OldEvent::Unknown => HookEvent::Other("unknown".to_owned()),
        OldEvent::PreInstall => HookEvent::PreInstall,
        OldEvent::PostInstall => HookEvent::PostInstall,
        OldEvent::PreDelete => HookEvent::PreDelete,
        OldEvent::PostDelete => HookEvent::PostDelete,
        OldEvent::PreUpgrade => HookEvent::PreUpgrade,
        OldEvent::PostUpgrade => HookEvent::PostUpgrade,
        OldEvent::PreRollback => HookEvent::PreRollback,
        OldEvent::PostRollback => HookEvent::PostRollback,
        OldEvent::ReleaseTestSuccess | OldEvent::ReleaseTestFailure => HookEvent::Test,
        // Helm 4 never runs it, and says so nowhere; its object has been in the cluster since the installation.
        OldEvent::CrdInstall => HookEvent::Other("crd-install".to_owned()),
    }
}

fn policy(old: OldPolicy) -> DeletePolicy {
    match old {
        OldPolicy::Succeeded => DeletePolicy::Succeeded,
        OldPolicy::Failed => DeletePolicy::Failed,
        OldPolicy::BeforeHookCreation => DeletePolicy::BeforeHookCreation,
    }
}

fn execution(run: &hapi::release::TestRun) -> HookExecution {
    HookExecution {
        started_at: time(run.started_at),
        completed_at: time(run.completed_at),
        phase: match run.status() {
            TestStatus::Unknown => HookPhase::Unknown,
            TestStatus::Success => HookPhase::Succeeded,
            TestStatus::Failure => HookPhase::Failed,
            TestStatus::Running => HookPhase::Running,
        },
    }
}

/// Reads values; nothing at all are none.
fn values(what: &str, raw: &str) -> Result<Map, ConvertError> {
    goyaml::from_yaml_map(raw.as_bytes()).map_err(|source| ConvertError::Yaml { what: what.to_owned(), source })
}

/// An instant; what no calendar knows is none.
fn time(at: Option<prost_types::Timestamp>) -> Option<Time> {
    let at = at?;
    Timestamp::new(at.seconds, at.nanos).ok().map(Time::from)
}
