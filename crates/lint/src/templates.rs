//! What the templates make (as Helm 4.3: `pkg/chart/v2/lint/rules/template.go`).

use std::sync::Arc;

use chart::capabilities::KubeVersion;
use chart::text::quote;
use goyaml::Value;
use render::{Capabilities, Files, Inputs, Limit, Parsed, Release, RenderError};

use crate::documents::{Head, documents};
use crate::linter::Severity::{Error, Warning};
use crate::linter::{Linter, Notice};
use crate::source::Kind;
use crate::{deprecations, names};

const FOLDER: &str = "templates/";

/// # Errors
/// When a budget is used up.
pub(crate) fn check(linter: &mut Linter<'_>) -> Result<(), RenderError> {
    let wrong = match linter.source.kind("templates") {
        Kind::Missing => Some((Warning, "directory does not exist")),
        Kind::File => Some((Error, "not a directory")),
        Kind::Folder => None,
    };
    if let Some((severity, text)) = wrong {
        linter.rule(severity, FOLDER, Err(text.to_owned()));
        return Ok(());
    }
    let (templates, files) = match rendered(linter) {
        Ok(Some(done)) => done,
        Ok(None) => return Ok(()),
        Err(Stop::Finding(text)) => {
            linter.rule(Error, FOLDER, Err(text));
            return Ok(());
        }
        Err(Stop::Budget(error)) => return Err(error),
    };
    for (name, path) in &templates {
        let extension = name.rsplit('/').next().and_then(|base| Some(base.get(base.rfind('.')?..)?.to_owned()));
        let extension = extension.unwrap_or_default();
        let allowed = matches!(extension.as_str(), ".yaml" | ".yml" | ".tpl" | ".txt");
        let text = format!("file extension '{extension}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt");
        linter.rule(Error, name, if allowed { Ok(()) } else { Err(text) });
        if !matches!(extension.to_lowercase().as_str(), ".yaml" | ".yml") {
            continue;
        }
        let content = files.get(path).map_or("", |text| text);
        if !content.trim().is_empty() && !file(linter, name, content) {
            break;
        }
    }
    Ok(())
}

/// The names of the chart's templates with the paths of what they made, and that.
type Rendered = (Vec<(String, String)>, Files);

/// Why there is nothing to be looked at.
enum Stop {
    /// The chart is wrong.
    Finding(String),
    /// A budget is used up.
    Budget(RenderError),
}

impl From<RenderError> for Stop {
    fn from(error: RenderError) -> Self {
        match error {
            // Nesting without end is the template's own fault, with budgets or without.
            RenderError::Limit { limit: Limit::Depth, .. } => Self::Finding(error.to_string()),
            RenderError::Limit { .. } | RenderError::Thread(_) => Self::Budget(error),
            error => Self::Finding(error.to_string()),
        }
    }
}

/// Renders the chart; nothing when its dependencies cannot even be processed.
fn rendered(linter: &Linter<'_>) -> Result<Option<Rendered>, Stop> {
    let (options, notices) = (linter.options, linter.notices);
    let told = |warnings: Vec<String>| warnings.into_iter().for_each(|text| notices(Notice::Values(text)));
    let mut chart = linter.load().map_err(Stop::Finding)?;
    let mut capabilities = Capabilities::default();
    if let Some(version) = &options.kube_version {
        capabilities.kube_version = version.clone();
    }
    match chart::values::process_dependencies(&mut chart, &linter.values) {
        Ok(warnings) => told(warnings),
        Err(error) => {
            told(error.warnings);
            return Ok(None);
        }
    }
    let coalesced = match chart::values::coalesce_values(&chart, &linter.values) {
        Ok(coalesced) => coalesced,
        Err(error) => {
            told(error.warnings);
            return Ok(None);
        }
    };
    told(coalesced.warnings);
    // Helm does it twice.
    let again = chart::values::coalesce_values(&chart, &coalesced.values).map_err(|error| {
        let text = error.to_string();
        told(error.warnings);
        Stop::Finding(text)
    })?;
    told(again.warnings);
    if !options.skip_schema_validation {
        chart::schema::validate(&chart, &again.values).map_err(|error| Stop::Finding(error.to_string()))?;
    }
    let names: Vec<(String, String)> =
        chart.templates.iter().map(|file| (file.name.clone(), format!("{}/{}", chart.name(), file.name))).collect();
    let parsed = Parsed::new(Arc::new(chart))?;
    let release = Release {
        name: "test-release".to_owned(),
        namespace: options.namespace.clone(),
        revision: 0,
        is_upgrade: false,
    };
    let tell = Arc::clone(notices);
    let inputs = Inputs {
        lint: true,
        notices: Some(Arc::new(move |notice| tell(Notice::Template(notice)))),
        limits: options.limits.clone(),
        interrupt: options.interrupt.clone(),
        ..Inputs::new(&again.values, &release, &capabilities, options.now)
    };
    Ok(Some((names, parsed.render(&inputs)?)))
}

/// Checks what a template made; tells whether it could be read.
fn file(linter: &mut Linter<'_>, name: &str, content: &str) -> bool {
    linter.rule(Warning, name, indent(content));
    for document in documents(content.as_bytes()) {
        match document {
            Err(text) => {
                linter.rule(Error, name, Err(format!("unable to parse YAML: {text}")));
                return false;
            }
            Ok(None) => {}
            Ok(Some(head)) => {
                let version = linter.options.kube_version.clone().unwrap_or_default();
                linter.rule(Warning, name, names::check(&head.kind, &head.name));
                linter.rule(Warning, name, deprecation(&head, &version));
                linter.rule(Error, name, selector(&head, content));
                linter.rule(Error, name, list_annotations(&head, content));
            }
        }
    }
    true
}

fn indent(content: &str) -> Result<(), String> {
    match content.lines().find(|line| !line.trim().is_empty()) {
        Some(line) if line.starts_with([' ', '\t']) => {
            Err(format!("document starts with an illegal indent: {}, which may cause parsing problems", quote(line)))
        }
        _ => Ok(()),
    }
}

fn deprecation(head: &Head, version: &KubeVersion) -> Result<(), String> {
    let number = |text: &str| text.parse().unwrap_or(0);
    let at = (number(&version.major), number(&version.minor));
    deprecations::deprecated(&head.api_version, &head.kind, at).map_or(Ok(()), Err)
}

fn selector(head: &Head, content: &str) -> Result<(), String> {
    let needs = matches!(head.kind.as_str(), "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet");
    if !needs || content.contains("matchLabels") || content.contains("matchExpressions") {
        return Ok(());
    }
    Err(format!("a {} must contain matchLabels or matchExpressions, and {} does not", head.kind, quote(&head.name)))
}

fn list_annotations(head: &Head, content: &str) -> Result<(), String> {
    const ITEMS: &str = "[]struct { Metadata struct { Annotations map[string]string } }";
    if head.kind != "List" {
        return Ok(());
    }
    let list = goyaml::from_yaml(content).map_err(|error| format!("unable to parse YAML: {error}"))?;
    let key = list.as_map().and_then(|map| map.keys().find(|key| key.eq_ignore_ascii_case("items")));
    let items = match key.and_then(|key| list.get(key)) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Seq(items)) => items,
        Some(other) => {
            let error = goyaml::Error::unmarshal_field(other.json_kind(), ".items", ITEMS).in_unmarshal();
            return Err(format!("unable to parse YAML: {error}"));
        }
    };
    let kept = |item: &Value| item.get_path(["metadata", "annotations", "helm.sh/resource-policy"]).is_some();
    match items.iter().any(kept) {
        true => Err("annotation 'helm.sh/resource-policy' within List objects are ignored".to_owned()),
        false => Ok(()),
    }
}
