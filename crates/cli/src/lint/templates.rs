//! What the templates make (as Helm 4.3: `pkg/chart/v2/lint/rules/template.go`).

use std::sync::Arc;

use chart::capabilities::KubeVersion;
use chart::text::quote;
use goyaml::Value;
use jiff::Timestamp;
use render::{Capabilities, Files, Inputs, Notice, Parsed, Release};

use super::Severity::{Error, Warning};
use super::documents::{Head, documents};
use super::{Linter, deprecations, load, names};
use crate::log::{Level, log};
use crate::release::values_notice;

const FOLDER: &str = "templates/";

pub(super) fn check(linter: &mut Linter<'_>) {
    let fail = |text: &str| Err(text.to_owned());
    match std::path::Path::new(&linter.path("templates")).metadata() {
        Err(_) => {
            linter.rule(Warning, FOLDER, fail("directory does not exist"));
            return;
        }
        Ok(kind) if !kind.is_dir() => {
            linter.rule(Error, FOLDER, fail("not a directory"));
            return;
        }
        Ok(_) => {}
    }
    let (templates, files) = match rendered(linter) {
        Ok(Some(done)) => done,
        Ok(None) => return,
        Err(text) => {
            linter.rule(Error, FOLDER, Err(text));
            return;
        }
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
        let content = files.get(path).map_or("", String::as_str);
        if !content.trim().is_empty() && !file(linter, name, content) {
            return;
        }
    }
}

/// The names of the chart's templates with the paths of what they made, and that.
type Rendered = (Vec<(String, String)>, Files);

/// Renders the chart; nothing when its dependencies cannot even be processed.
fn rendered(linter: &Linter<'_>) -> Result<Option<Rendered>, String> {
    let options = linter.options;
    let mut chart = load(linter.folder)?;
    let mut capabilities = Capabilities::default();
    if let Some(version) = &options.kube_version {
        capabilities.kube_version = version.clone();
    }
    let Ok(warnings) = chart::values::process_dependencies(&mut chart, &options.values) else { return Ok(None) };
    warnings.iter().for_each(|text| values_notice(text));
    let Ok(coalesced) = chart::values::coalesce_values(&chart, &options.values) else { return Ok(None) };
    coalesced.warnings.iter().for_each(|text| values_notice(text));
    // Helm does it twice.
    let again = chart::values::coalesce_values(&chart, &coalesced.values).map_err(|error| error.to_string())?;
    again.warnings.iter().for_each(|text| values_notice(text));
    if !options.skip_schema_validation {
        chart::schema::validate(&chart, &again.values).map_err(|error| error.to_string())?;
    }
    let names: Vec<(String, String)> =
        chart.templates.iter().map(|file| (file.name.clone(), format!("{}/{}", chart.name(), file.name))).collect();
    let parsed = Parsed::new(Arc::new(chart)).map_err(|error| error.to_string())?;
    let release = Release {
        name: "test-release".to_owned(),
        namespace: options.namespace.clone(),
        revision: 0,
        is_upgrade: false,
    };
    let inputs = Inputs {
        lint: true,
        notices: Some(Arc::new(tell)),
        ..Inputs::new(&again.values, &release, &capabilities, Timestamp::now())
    };
    let files = parsed.render(&inputs).map_err(|error| error.to_string())?;
    Ok(Some((names, files)))
}

/// What `required` and `fail` say when they end nothing.
fn tell(notice: Notice) {
    let level = if notice.level == "WARN" { Level::Warn } else { Level::Info };
    log(level, &notice.text, &[("message", &notice.message)]);
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
