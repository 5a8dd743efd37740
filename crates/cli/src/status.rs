//! A release on a terminal (as Helm 4.3: `pkg/cmd/status.go`).

use std::collections::BTreeMap;

use ::release::{ApplyMethod, Hook, HookEvent, HookPhase, Info, Release, Time};
use chart::values::coalesce_values;
use goyaml::Map;
use serde::Serialize;
use serde_json::Value;

use crate::color;
use crate::command::Call;
use crate::fail::Outcome;
use crate::kubetable;
use crate::output::print as write;
use crate::show::{self, ANSIC};

/// Objects by version and kind.
pub(crate) type Resources = BTreeMap<String, Vec<Value>>;

/// What is shown of a release besides what always is.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// Values, hooks and manifest, as for a dry run or with `--debug`.
    pub(crate) all: bool,
    /// Name and versions of the chart.
    pub(crate) metadata: bool,
    /// No notes.
    pub(crate) hide_notes: bool,
    /// The release was just made: times are shown in the local zone.
    pub(crate) fresh: bool,
    /// The objects, as tables.
    pub(crate) resources: Resources,
}

/// Prints a release that was just made, in the format that is asked for.
pub(crate) fn print(call: &Call, release: &Release) -> Outcome {
    let text = match call.flags.text("output") {
        "json" => json(release)? + "\n",
        "yaml" => goyaml::to_yaml(&goyaml::from_json_keep_ints(json(release)?)?)?,
        _ => table(call, release, &fresh(call))?,
    };
    write(&text)
}

/// How a release is shown that was just made.
pub(crate) fn fresh(call: &Call) -> Shape {
    Shape { all: call.settings.debug, hide_notes: call.flags.on("hide-notes"), fresh: true, ..Shape::default() }
}

fn json(release: &Release) -> Outcome<String> {
    Ok(String::from_utf8_lossy(&::release::codec::to_json(release)?).into_owned())
}

/// A release without its chart, and with the objects there are of it.
#[derive(Serialize)]
struct Seen<'r> {
    name: &'r str,
    info: SeenInfo<'r>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    config: &'r Map,
    #[serde(skip_serializing_if = "str::is_empty")]
    manifest: &'r str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    hooks: &'r [Hook],
    version: u32,
    namespace: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    apply_method: Option<ApplyMethod>,
}

#[derive(Serialize)]
struct SeenInfo<'r> {
    #[serde(flatten)]
    info: &'r Info,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    resources: Resources,
}

/// Prints a release that was read, with its objects but without its chart.
pub(crate) fn print_seen(call: &Call, release: &Release, resources: Resources) -> Outcome {
    if !matches!(call.flags.text("output"), "json" | "yaml") {
        return write(&table(call, release, &Shape { resources, ..Shape::default() })?);
    }
    let seen = Seen {
        name: &release.name,
        info: SeenInfo { info: &release.info, resources },
        config: &release.config,
        manifest: &release.manifest,
        hooks: &release.hooks,
        version: release.version,
        namespace: &release.namespace,
        apply_method: release.apply_method,
    };
    show::formatted(call, &seen, |_| Ok(String::new()))
}

/// A release for a person.
pub(crate) fn table(call: &Call, release: &Release, shape: &Shape) -> Outcome<String> {
    let info = &release.info;
    let mut text = format!("NAME: {}\n", release.name);
    if let Some(at) = info.last_deployed {
        text.push_str(&format!("LAST DEPLOYED: {}\n", time(at, shape)));
    }
    text.push_str(&format!("NAMESPACE: {}\n", color::namespace(call, &release.namespace)));
    text.push_str(&format!("STATUS: {}\n", color::status(call, info.status.as_str())));
    text.push_str(&format!("REVISION: {}\n", release.version));
    if shape.metadata {
        let chart = &release.chart.metadata;
        text.push_str(&format!("CHART: {}\nVERSION: {}\n", chart.name, chart.version));
        text.push_str(&format!("APP_VERSION: {}\n", chart.app_version));
    }
    text.push_str(&format!("DESCRIPTION: {}\n", info.description));
    if !shape.resources.is_empty() {
        text.push_str(&format!("RESOURCES:\n{}\n", kubetable::sections(&shape.resources)));
    }
    text.push_str(&tests(release, shape));
    if shape.all {
        let coalesced = coalesce_values(&release.chart, &release.config)?;
        let given = match release.config.is_empty() && !shape.fresh {
            true => goyaml::to_yaml(&goyaml::Value::Null)?,
            false => goyaml::to_yaml(&release.config)?,
        };
        text.push_str(&format!("USER-SUPPLIED VALUES:\n{given}\n"));
        text.push_str(&format!("COMPUTED VALUES:\n{}\n", goyaml::to_yaml(&coalesced.values)?));
    }
    if shape.all || info.description.eq_ignore_ascii_case("Dry run complete") {
        text.push_str("HOOKS:\n");
        for hook in &release.hooks {
            text.push_str(&format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest));
        }
        text.push_str(&format!("MANIFEST:\n{}\n", release.manifest));
    }
    if !shape.hide_notes && !info.notes.is_empty() {
        text.push_str(&format!("NOTES:\n{}\n", info.notes.trim()));
    }
    Ok(text)
}

fn time(at: Time, shape: &Shape) -> String {
    if !shape.fresh {
        return show::time(at, ANSIC);
    }
    let here = jiff::tz::TimeZone::system().to_offset(at.timestamp());
    render::format_time(at.timestamp(), here.seconds(), ANSIC)
}

/// How the tests went; one that never ran prints nothing.
fn tests(release: &Release, shape: &Shape) -> String {
    let tests: Vec<&Hook> = release.hooks.iter().filter(|hook| hook.events.contains(&HookEvent::Test)).collect();
    if tests.is_empty() {
        return "TEST SUITE: None\n".to_owned();
    }
    let mut text = String::new();
    for hook in tests {
        let run = &hook.last_run;
        let Some(started) = run.started_at else { continue };
        let completed = run.completed_at.map_or_else(|| NEVER.to_owned(), |at| time(at, shape));
        text.push_str(&format!("TEST SUITE:     {}\nLast Started:   {}\n", hook.name, time(started, shape)));
        text.push_str(&format!("Last Completed: {completed}\nPhase:          {}\n", phase(&run.phase)));
    }
    text
}

/// What Go prints of a time that there is none of.
const NEVER: &str = "Mon Jan  1 00:00:00 0001";

fn phase(phase: &HookPhase) -> String {
    serde_json::to_value(phase).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
