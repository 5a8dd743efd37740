//! The same by us.

use std::path::Path;

use chart::helm2::{self, Chart};
use chart::{File, Limits};
use render::helm2::{
    Capabilities, Inputs, KubeVersion, Release, Rendered, TillerVersion, files, render, template_output,
};

/// The first eight are what faketiller's cluster serves.
pub(crate) const API_VERSIONS: &[&str] = &[
    "v1",
    "v1/Pod",
    "v1/Service",
    "v1/ConfigMap",
    "apps/v1",
    "apps/v1/Deployment",
    "batch/v1",
    "batch/v1/Job",
    "extensions/v1beta1",
    "networking.k8s.io/v1beta1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
];

fn capabilities(versions: &[&str]) -> Capabilities {
    Capabilities {
        api_versions: versions.iter().map(|v| (*v).to_owned()).collect(),
        kube_version: KubeVersion {
            major: "1".into(),
            minor: "16".into(),
            git_version: "v1.16.0".into(),
            ..KubeVersion::default()
        },
        // As the fixtures are built.
        tiller_version: TillerVersion {
            git_commit: "0".repeat(40),
            git_tree_state: "clean".into(),
            ..TillerVersion::default()
        },
    }
}

/// A name service that knows no names.
struct Numbers;

impl render::Resolve for Numbers {
    fn resolve(&self, name: &str) -> Option<String> {
        name.parse::<std::net::IpAddr>().ok().map(|address| address.to_string())
    }
}

fn inputs<'i>(values: &'i goyaml::Map, release: &'i Release, capabilities: &'i Capabilities) -> Inputs<'i> {
    let mut inputs = Inputs::new(values, release, capabilities, jiff::Timestamp::now());
    inputs.resolve = Some(std::sync::Arc::new(Numbers));
    inputs
}

/// `helm template CHART --name rel --namespace ns`.
pub(crate) fn template(mut chart: Chart, values: &str) -> Result<String, String> {
    helm2::check_dependencies(&chart).map_err(|e| e.to_string())?;
    helm2::process_requirements(&mut chart, values).map_err(|e| e.to_string())?;
    let values = helm2::coalesce_values(&chart, Some(values)).map_err(|e| e.to_string())?.values;
    let release = Release { name: "rel".into(), namespace: "ns".into(), is_install: true, ..Release::default() };
    let capabilities = capabilities(API_VERSIONS);
    let made = files(&chart, &inputs(&values, &release, &capabilities)).map_err(|e| e.to_string())?;
    Ok(template_output(&made, false))
}

/// What Tiller makes of an install.
pub(crate) fn install(mut chart: Chart, given: &str, subchart_notes: bool) -> Result<Rendered, String> {
    helm2::check_dependencies(&chart).map_err(|e| e.to_string())?;
    helm2::process_requirements(&mut chart, given).map_err(|e| e.to_string())?;
    let values = helm2::coalesce_values(&chart, Some(given)).map_err(|e| e.to_string())?.values;
    let release =
        Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_install: true, is_upgrade: false };
    let capabilities = capabilities(&API_VERSIONS[..8]);
    let inputs = Inputs { subchart_notes, ..inputs(&values, &release, &capabilities) };
    render(&chart, &inputs).map_err(|e| match e {
        // As a dry run has it.
        render::helm2::Error::Manifest { message, manifest, .. } => format!("{message}\n{manifest}"),
        other => other.to_string(),
    })
}

pub(crate) fn load(path: &Path) -> Result<Chart, String> {
    helm2::load_path(path, &Limits::trusting()).map_err(|e| e.to_string())
}

pub(crate) fn load_files(files: &[(&str, &str)]) -> Result<Chart, String> {
    let file = |(name, text): &(&str, &str)| File {
        name: (*name).to_owned(),
        data: (*text).to_owned().into(),
        ..File::default()
    };
    helm2::load_files(files.iter().map(file).collect(), &Limits::default()).map_err(|e| e.to_string())
}
