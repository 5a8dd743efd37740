//! `get`, as Helm 4.3: `pkg/cmd/get*.go`, `pkg/action/get*.go`.

use std::collections::BTreeMap;

use ::release::{ApplyMethod, Release};
use chart::Dependency;
use chart::values::coalesce_values;
use serde::Serialize;

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Outcome, fail};
use crate::flags::{Flag, Group, OUTPUT, REVISION, go_int};
use crate::output::print;
use crate::releases::{self, Part, Releases};
use crate::show::{self, RFC3339};
use crate::status::{self, Shape};
use crate::templates;

static TEMPLATE: Group = Group {
    title: "Output",
    flags: &[Flag::text("template", "TEMPLATE", "print what this Go template makes of it: {{.Release.Name}} …")],
};

static ALL_VALUES: Group = Group {
    title: "Output",
    flags: &[Flag::switch("all", "those of the chart too, as the templates saw them").short('a')],
};

const PART: Command =
    Command { arity: Arity::Exactly(1), takes: &[Takes::Release], flags: &[&REVISION], remote: true, ..PLAIN };

static ALL: Command = Command {
    name: "all",
    usage: "all RELEASE_NAME",
    about: "show everything",
    long: "Prints what a release's record holds: values, hooks, manifest, notes.",
    examples: &["whipstaff get all shop", "whipstaff get all shop --template '{{.Release.Info.Status}}'"],
    flags: &[&TEMPLATE, &REVISION],
    run: Some(all),
    ..PART
};

static VALUES: Command = Command {
    name: "values",
    usage: "values RELEASE_NAME",
    about: "show the values that were given",
    long: "Prints the values that a release was given, or with --all those that its templates saw.",
    examples: &["whipstaff get values shop", "whipstaff get values shop --all -o json"],
    flags: &[&ALL_VALUES, &REVISION, &OUTPUT],
    run: Some(values),
    ..PART
};

static MANIFEST: Command = Command {
    name: "manifest",
    usage: "manifest RELEASE_NAME",
    about: "show the manifest",
    long: "Prints the manifest of a release: the objects that were rendered, hooks apart.",
    examples: &["whipstaff get manifest shop --revision 2"],
    run: Some(|call| print(&format!("{}\n", release(call, Part::Manifest)?.1.manifest))),
    ..PART
};

static HOOKS: Command = Command {
    name: "hooks",
    usage: "hooks RELEASE_NAME",
    about: "show the hooks",
    long: "Prints the hooks of a release.",
    examples: &["whipstaff get hooks shop"],
    run: Some(|call| {
        let hooks = release(call, Part::Hooks)?.1.hooks;
        let text = |hook: &::release::Hook| format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest);
        print(&hooks.iter().map(text).collect::<String>())
    }),
    ..PART
};

static NOTES: Command = Command {
    name: "notes",
    usage: "notes RELEASE_NAME",
    about: "show the notes",
    long: "Prints the notes of a release, which were shown when it was installed.",
    examples: &["whipstaff get notes shop"],
    run: Some(|call| match release(call, Part::Notes)?.1.info.notes {
        notes if notes.is_empty() => Ok(()),
        notes => print(&format!("NOTES:\n{notes}\n")),
    }),
    ..PART
};

static METADATA: Command = Command {
    name: "metadata",
    usage: "metadata RELEASE_NAME",
    about: "show chart, revision, status, labels",
    long: "Prints what a release's record says of itself: chart, versions, labels, status, and how it was applied.",
    examples: &["whipstaff get metadata shop -o json"],
    flags: &[&REVISION, &OUTPUT],
    run: Some(metadata),
    ..PART
};

pub(crate) static COMMAND: Command = Command {
    name: "get",
    usage: "get",
    about: "show the parts of a release",
    long: "Prints the parts of a release as its record holds them: values, manifest, hooks, notes, metadata.",
    below: &[&ALL, &VALUES, &MANIFEST, &HOOKS, &NOTES, &METADATA],
    ..PLAIN
};

/// What is read of a release: the labels that Helm keeps for itself, where they are shown, and the release.
type Content = (BTreeMap<String, String>, Release);

/// Reads the release that a call is about.
fn release(call: &Call, part: Part) -> Outcome<Content> {
    content(call, releases::open(call)?.as_ref(), part)
}

/// Reads a release at the revision that a call asks for.
pub(crate) fn content(call: &Call, releases: &dyn Releases, part: Part) -> Outcome<Content> {
    let name = call.args.first().map_or("", String::as_str);
    if ::release::validate_name(name).is_err() {
        fail!("releaseContent: Release name is invalid: {name}");
    }
    let revision = go_int(call.flags.text("revision")).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    releases.content(name, revision, part)
}

fn all(call: &Call) -> Outcome {
    let (system, release) = release(call, Part::All)?;
    if let Some(template) = call.flags.some("template") {
        let labels = labels(&system, &release);
        return print(&templates::of_release(template, &release, &labels)?);
    }
    print(&status::table(call, &release, &Shape { all: true, metadata: true, ..Shape::default() })?)
}

fn values(call: &Call) -> Outcome {
    let all = call.flags.on("all");
    let (_, release) = release(call, if all { Part::AllValues } else { Part::Values })?;
    let values = match all {
        true => Some(coalesce_values(&release.chart, &release.config)?.values),
        false => Some(release.config).filter(|config| !config.is_empty()),
    };
    let text = match call.flags.text("output") {
        "json" => goyaml::to_json(&or_null(values))? + "\n",
        "yaml" => goyaml::to_yaml(&or_null(values))?,
        _ => {
            let title = if all { "COMPUTED VALUES:" } else { "USER-SUPPLIED VALUES:" };
            format!("{title}\n{}", goyaml::to_yaml(&or_null(values))?)
        }
    };
    print(&text)
}

/// Values that there are none of are `null`.
fn or_null(values: Option<goyaml::Map>) -> goyaml::Value {
    values.map_or(goyaml::Value::Null, goyaml::Value::Map)
}

/// The labels of a record: with the system's own when it was found by them, as with Helm.
fn labels(system: &BTreeMap<String, String>, release: &Release) -> BTreeMap<String, String> {
    let mut labels = release.labels.clone();
    labels.extend(system.clone());
    labels
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'r> {
    name: &'r str,
    chart: &'r str,
    version: &'r str,
    app_version: &'r str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    dependencies: &'r [Dependency],
    namespace: &'r str,
    revision: u32,
    status: &'r str,
    deployed_at: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    apply_method: &'r str,
}

fn metadata(call: &Call) -> Outcome {
    let (system, release) = release(call, Part::None)?;
    let chart = &release.chart.metadata;
    let never = || "0001-01-01T00:00:00Z".to_owned();
    let metadata = Metadata {
        name: &release.name,
        chart: &chart.name,
        version: &chart.version,
        app_version: &chart.app_version,
        annotations: chart.annotations.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        labels: labels(&system, &release),
        dependencies: &chart.dependencies,
        namespace: &release.namespace,
        revision: release.version,
        status: release.info.status.as_str(),
        deployed_at: release.info.last_deployed.map_or_else(never, |at| show::time(at, RFC3339)),
        apply_method: release.apply_method.map_or("", ApplyMethod::as_str),
    };
    show::formatted(call, &metadata, |metadata| Ok(in_lines(metadata)))
}

fn in_lines(metadata: &Metadata<'_>) -> String {
    let pairs = |map: &BTreeMap<String, String>| {
        map.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
    };
    let mut names: Vec<&str> = metadata.dependencies.iter().map(|dependency| dependency.name.as_str()).collect();
    names.sort_unstable();
    let method = match metadata.apply_method {
        "" => "client-side apply (defaulted)",
        "csa" => "client-side apply",
        _ => "server-side apply",
    };
    [
        ("NAME", metadata.name),
        ("CHART", metadata.chart),
        ("VERSION", metadata.version),
        ("APP_VERSION", metadata.app_version),
        ("ANNOTATIONS", &pairs(&metadata.annotations)),
        ("LABELS", &pairs(&metadata.labels)),
        ("DEPENDENCIES", &names.join(",")),
        ("NAMESPACE", metadata.namespace),
        ("REVISION", &metadata.revision.to_string()),
        ("STATUS", metadata.status),
        ("DEPLOYED_AT", &metadata.deployed_at),
        ("APPLY_METHOD", method),
    ]
    .iter()
    .map(|(key, value)| format!("{key}: {value}\n"))
    .collect()
}
