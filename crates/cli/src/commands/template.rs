//! `whipstaff template`, as Helm 4.3: `pkg/cmd/template.go`.

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use chart::capabilities::KubeVersion;
use engine::{Error, Notice, Template};
use jiff::Timestamp;
use render::manifests::{Shape, TemplateOptions, template_output};
use render::{Capabilities, Release};

use crate::values::ValueFlags;

/// Render chart templates locally and display the output
///
/// No cluster is asked: what would be looked up in one is empty, and `.Capabilities` are those that Helm has built in,
/// unless `--kube-version` and `--api-versions` say otherwise.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  whipstaff template shop ./mychart\n  whipstaff template shop ./mychart-1.2.3.tgz -n web -f prod.yaml --set replicas=3\n  whipstaff template shop ./mychart --show-only templates/service.yaml"
)]
pub(crate) struct Args {
    /// The release's name, then the chart: a folder or a .tgz file. The name may be left out
    #[arg(value_name = "[NAME] CHART", num_args = 1..=2, required = true)]
    name_and_chart: Vec<String>,
    /// The namespace of the release
    #[arg(short, long, value_name = "NAME", env = "HELM_NAMESPACE", default_value = "default", hide_env = true)]
    namespace: String,
    #[command(flatten)]
    values: ValueFlags,
    /// Include the CRDs of the chart in the output
    #[arg(long)]
    include_crds: bool,
    /// The Kubernetes version for .Capabilities.KubeVersion
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// Kubernetes API versions for .Capabilities.APIVersions, besides the built-in ones
    #[arg(short, long, value_name = "VERSION", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Set .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long)]
    is_upgrade: bool,
    /// Only show what comes from these templates
    #[arg(short, long, value_name = "PATH")]
    show_only: Vec<String>,
    /// Leave out hooks that are tests
    #[arg(long)]
    skip_tests: bool,
    /// Leave out all hooks
    #[arg(long)]
    no_hooks: bool,
    /// Do not check the values against the chart's schema
    #[arg(long)]
    skip_schema_validation: bool,
    /// Hide the content of Secrets
    #[arg(long)]
    hide_secret: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let (name, path) = match args.name_and_chart.as_slice() {
        [path] => ("release-name", path),
        [name, path] => (name.as_str(), path),
        _ => bail!("expected a name and a chart"),
    };
    let mut capabilities = Capabilities::default();
    if let Some(version) = &args.kube_version {
        capabilities.kube_version =
            KubeVersion::parse(version).map_err(|error| anyhow!("invalid kube version '{version}': {error}"))?;
    }
    capabilities.api_versions.extend(args.api_versions.iter().cloned());
    chart::validate_release_name(name)
        .map_err(|error| anyhow!("release name check failed: release name {name:?}: {error}"))?;
    let chart = load(path)?;
    let values = args.values.merge()?;
    let release =
        Release { name: name.to_owned(), namespace: args.namespace.clone(), revision: 1, is_upgrade: args.is_upgrade };
    let template = Template {
        capabilities,
        shape: Shape { include_crds: args.include_crds, hide_secret: args.hide_secret, subchart_notes: false },
        skip_schema_validation: args.skip_schema_validation,
        ..Template::new(chart, values, release, Timestamp::now())
    };
    let templated = template.render(&mut |notice| eprintln!("{}", log_line(&notice))).map_err(told)?;
    let options =
        TemplateOptions { skip_tests: args.skip_tests, no_hooks: args.no_hooks, show_only: args.show_only.clone() };
    let output = template_output(&templated.rendered, &options)?;
    write_out(&output)
}

/// Loads a chart from a folder or an archive; what is not there is told as Helm tells it.
fn load(path: &str) -> Result<chart::Chart> {
    let file = PathBuf::from(path);
    if !file.exists() {
        bail!("path {path:?} not found");
    }
    Ok(chart::load_path(&file)?)
}

/// A failed render may still be worth a look, and Helm says how.
fn told(error: Error) -> anyhow::Error {
    match error {
        Error::Render(error) => anyhow!("{error}\n\nUse --debug flag to render out invalid YAML"),
        error => error.into(),
    }
}

/// A line of Helm's log.
fn log_line(notice: &Notice) -> String {
    let level = match notice {
        Notice::Deprecated => "WARN",
        Notice::Values(_) => "INFO",
    };
    format!("level={level} msg={}", quoted(&notice.to_string()))
}

/// A text as Go's slog writes it.
fn quoted(text: &str) -> String {
    chart::text::quote(text)
}

/// Writes to standard output; a reader that has gone away is no failure.
fn write_out(text: &str) -> Result<()> {
    use std::io::Write;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}
