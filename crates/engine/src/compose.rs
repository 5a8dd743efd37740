//! From a chart and values to what a release holds, without changing anything.

use std::sync::Arc;

use chart::Chart;
use chart::capabilities::KubeVersion;
use cluster::{Cluster, Gvk, Object, ObjectRef};
use goyaml::Map;
use release::Hook;
use render::manifests::Shape;
use render::{Capabilities, Lookup};
use tokio::runtime::Handle;

use crate::engine::Engine;
use crate::error::Error;
use crate::intent::{Change, Target};
use crate::manifest::{defined, documents};
use crate::template::{Notice, Template, Templated};

/// For which revision a chart is rendered.
pub(crate) struct Occasion {
    pub(crate) target: Target,
    pub(crate) revision: u32,
    pub(crate) upgrade: bool,
}

/// What a chart has become.
pub(crate) struct Composed {
    /// The chart with its dependencies processed, as the record keeps it.
    pub(crate) chart: Arc<Chart>,
    pub(crate) manifest: String,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) notes: String,
    pub(crate) warnings: Vec<String>,
}

impl Engine {
    /// Renders a chart for a revision, away from the threads that serve requests.
    pub(crate) async fn compose(
        &self,
        chart: &Chart,
        values: &Map,
        occasion: Occasion,
        change: &Change,
    ) -> Result<Composed, Error> {
        let release = render::Release {
            name: occasion.target.name,
            namespace: occasion.target.namespace,
            revision: occasion.revision.into(),
            is_upgrade: occasion.upgrade,
        };
        let capabilities = self.capabilities(chart, !change.crds.are_created(occasion.upgrade)).await?;
        let lookup = ClusterLookup { cluster: self.cluster.clone(), runtime: Handle::current() };
        let template = Template {
            capabilities,
            shape: Shape {
                subchart_notes: change.subchart_notes,
                hide_secret: change.hide_secrets && change.preview,
                ..Shape::default()
            },
            skip_schema_validation: change.skip_schema_validation,
            lookup: (!change.without_lookups).then(|| Arc::new(lookup) as Arc<dyn Lookup>),
            ..Template::new(chart.clone(), values.clone(), release, (self.clock)())
        };
        let (Templated { chart, rendered, .. }, notices) = self.settings.render(template).await?;
        Ok(Composed {
            chart,
            manifest: rendered.manifest,
            hooks: rendered.hooks.into_iter().map(hook).collect(),
            notes: rendered.notes,
            warnings: notices.iter().map(Notice::to_string).collect(),
        })
    }

    /// What the cluster can do, and what it will be able to do once the chart's own definitions are there.
    async fn capabilities(&self, chart: &Chart, without_crds: bool) -> Result<Capabilities, Error> {
        let version = self.cluster.version().await?;
        let mut api_versions = self.cluster.served().await?.api_versions();
        if !without_crds {
            for kind in defined(&self.crds(chart).await?) {
                let version = kind.gvk.api_version();
                let with_kind = format!("{version}/{}", kind.gvk.kind);
                api_versions.extend(
                    [version, with_kind].into_iter().filter(|new| !api_versions.contains(new)).collect::<Vec<_>>(),
                );
            }
        }
        Ok(Capabilities {
            kube_version: KubeVersion::of_cluster(&version.git_version, &version.major, &version.minor),
            api_versions,
            ..Capabilities::default()
        })
    }

    /// The definitions in a chart's `crds/`, its own first, then those of its subcharts.
    pub(crate) async fn crds(&self, chart: &Chart) -> Result<Vec<Object>, Error> {
        let mut found = Vec::new();
        for crd in chart.crd_objects() {
            let text = String::from_utf8_lossy(&crd.file.data);
            let documents =
                documents(&text).map_err(|error| Error::Manifest { message: format!("{}: {error}", crd.path) })?;
            let built = self.cluster.build(documents, "").await;
            found.extend(built.map_err(|source| Error::Definition { file: crd.file.name.clone(), source })?);
        }
        Ok(found)
    }
}

/// A hook as a record keeps it.
fn hook(hook: render::manifests::Hook) -> Hook {
    Hook {
        name: hook.name,
        kind: hook.kind,
        path: hook.path,
        manifest: hook.manifest,
        events: hook.events.iter().map(|word| word.as_str().into()).collect(),
        weight: hook.weight,
        delete_policies: hook.delete_policies.iter().map(|word| word.as_str().into()).collect(),
        output_log_policies: hook.output_log_policies.iter().map(|word| word.as_str().into()).collect(),
        ..Hook::default()
    }
}

/// Answers `lookup` from the cluster, in the name of the caller.
struct ClusterLookup {
    cluster: Cluster,
    runtime: Handle,
}

impl Lookup for ClusterLookup {
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<goyaml::Value, String> {
        let object =
            ObjectRef { gvk: Gvk::new(api_version, kind), namespace: namespace.to_owned(), name: name.to_owned() };
        // A render runs on a thread of its own, where waiting is fine.
        let answer = self.runtime.block_on(async {
            if name.is_empty() {
                let items = self.cluster.list(&object, "", "").await?;
                return Ok(
                    serde_json::json!({"apiVersion": api_version, "kind": format!("{kind}List"), "items": items}),
                );
            }
            Ok(self.cluster.get(&object).await?.unwrap_or_else(|| serde_json::json!({})))
        });
        match answer {
            Ok(value) => goyaml::from_json_keep_ints(value.to_string()).map_err(|error| error.to_string()),
            Err(cluster::Error::NotFound(_)) => Ok(goyaml::Value::Map(Map::new())),
            Err(error) => Err(error.to_string()),
        }
    }
}
