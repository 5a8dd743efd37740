//! What `template` and `install` have in common (as Helm 4.3: `pkg/cmd/install.go runInstall`, `pkg/action/install.go`).

use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use chart::{Chart, ValueOptions};
use engine::{Error, Notice, Template, Templated};
use goyaml::Map;
use jiff::Timestamp;
use render::manifests::Shape;
use render::{Ahead, Capabilities, Release, Resolve};

use crate::command::Call;
use crate::fail::{Fail, Outcome, fail};
use crate::locate;
use crate::log::{Level, log};
use crate::subcharts::{self, Wanted};
use crate::values;

/// Labels that Helm keeps for itself.
const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// A chart and what it is to be rendered with.
pub(crate) struct Prepared {
    /// The chart as it was loaded.
    pub(crate) chart: Chart,
    /// Its templates, on their way.
    pub(crate) ahead: Ahead,
    /// The user's values.
    pub(crate) values: Map,
    /// What they were made of.
    pub(crate) options: ValueOptions,
    /// The release's name.
    pub(crate) name: String,
    /// Its namespace.
    pub(crate) namespace: String,
}

/// What became of a chart.
pub(crate) struct Rendered {
    /// The chart as a record keeps it, and what it has become.
    pub(crate) templated: Templated,
    /// The user's values.
    pub(crate) values: Map,
}

/// A render that failed, after the point where Helm has a release to show.
pub(crate) struct Failed {
    /// What is wrong.
    pub(crate) fail: Fail,
    /// What there is to be looked at: the files as they were rendered. `None` when it failed before that point.
    pub(crate) partial: Option<String>,
}

impl<E: Into<Fail>> From<E> for Failed {
    fn from(fail: E) -> Self {
        Self { fail: fail.into(), partial: None }
    }
}

/// Finds name and chart, and reads chart and values.
pub(crate) fn prepare(call: &Call, default_name: &str) -> Outcome<Prepared> {
    prepare_as(call, |call| name_and_chart(call, default_name))
}

/// The same where the arguments are a release and a chart, and nothing else.
pub(crate) fn prepare_named(call: &Call) -> Outcome<Prepared> {
    prepare_as(call, |call| match call.args.as_slice() {
        [name, chart, ..] => Ok((name.clone(), chart.clone())),
        _ => fail!("a release and a chart are needed"),
    })
}

/// Refuses a chart that cannot be a release, and tells that it is deprecated.
pub(crate) fn check(call: &Call, chart: &Chart) -> Outcome {
    Ok(engine::check_chart(chart, &mut |notice| tell(call.settings.debug, &notice))?)
}

/// Refuses a chart that lacks subcharts that it names, and tells that it is deprecated.
pub(crate) fn check_complete(call: &Call, chart: &Chart) -> Outcome {
    engine::check_complete(chart)?;
    if chart.metadata.deprecated {
        tell(call.settings.debug, &Notice::Deprecated);
    }
    Ok(())
}

/// Refuses what is no name.
pub(crate) fn check_name(name: &str) -> Outcome {
    if let Err(error) = chart::validate_release_name(name) {
        let text = format!("release name {}: {error}", chart::text::quote(name));
        log(Level::Error, "release name check failed", &[("error", &text)]);
        fail!("release name check failed: {text}");
    }
    Ok(())
}

fn prepare_as(call: &Call, named: impl FnOnce(&Call) -> Outcome<(String, String)>) -> Outcome<Prepared> {
    let version = call.flags.text("version");
    call.debug("Original chart version", &[("version", version)]);
    if version.is_empty() && call.flags.on("devel") {
        call.debug("setting version to >0.0.0-0", &[]);
    }
    let (name, chart) = named(call)?;
    let path = locate::chart(call, &chart)?;
    call.debug("Chart path", &[("path", &path)]);
    let (values, options) = values::merge(&call.flags)?;
    let mut ahead = Ahead::default();
    let mut chart = locate::load(&path, &mut ahead)?;
    // One that can be no release is refused later on, and nothing is fetched for it.
    let is_wanted = call.flags.on("dependency-update") && matches!(&*chart.metadata.kind, "" | "application");
    if is_wanted && engine::check_complete(&chart).is_err() {
        subcharts::fetch(call, &path, Wanted::default())?;
        ahead = Ahead::default();
        chart =
            locate::load(&path, &mut ahead).map_err(|fail| fail.after("failed reloading chart after repo update: "))?;
    }
    Ok(Prepared { chart, ahead, values, options, name, namespace: call.namespace() })
}

fn name_and_chart(call: &Call, default_name: &str) -> Outcome<(String, String)> {
    let template = call.flags.text("name-template");
    let generate = call.flags.on("generate-name");
    match call.args.as_slice() {
        [_, _, more @ ..] if !more.is_empty() => {
            fail!("expected at most two arguments, unexpected arguments: {}", more.join(", "))
        }
        [_, _] if generate => fail!("cannot set --generate-name and also specify a name"),
        [_, _] if !template.is_empty() => fail!("cannot set --name-template and also specify a name"),
        [name, chart] => Ok((name.clone(), chart.clone())),
        [chart] if !template.is_empty() => {
            Ok((render::template_name(template, Timestamp::now(), None)?, chart.clone()))
        }
        [chart] if !default_name.is_empty() => Ok((default_name.to_owned(), chart.clone())),
        [chart] if generate => Ok((generated(chart), chart.clone())),
        _ => fail!("must either provide a name or specify --generate-name"),
    }
}

/// A name made of the chart's and the time.
fn generated(chart: &str) -> String {
    let base = chart.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let base = match (chart, base) {
        (_, ".") | ("", _) => "chart",
        (_, "") => "/",
        (_, base) => base.split('.').next().unwrap_or_default(),
    };
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    format!("{base}-{seconds}")
}

/// The name service of this machine.
pub(crate) struct Dns;

impl Resolve for Dns {
    fn resolve(&self, name: &str) -> Option<String> {
        Some((name, 0).to_socket_addrs().ok()?.next()?.ip().to_string())
    }
}

/// Renders what was prepared.
pub(crate) fn render(
    call: &Call,
    prepared: Prepared,
    shape: Shape,
    capabilities: Capabilities,
    is_upgrade: bool,
) -> Result<Rendered, Failed> {
    let Prepared { chart, ahead, values, name, namespace, .. } = prepared;
    let release = Release { name: name.clone(), namespace, revision: 1, is_upgrade };
    let template = Template {
        ahead,
        capabilities,
        shape,
        skip_schema_validation: call.flags.on("skip-schema-validation"),
        resolve: call.flags.on("enable-dns").then(|| Arc::new(Dns) as Arc<dyn Resolve>),
        ..Template::new(chart, values.clone(), release, Timestamp::now())
    };
    template.check(&mut |notice| tell(call.settings.debug, &notice)).map_err(|error| Fail::new(error.to_string()))?;
    check_name(&name)?;
    let rendered = template.render_checked(&mut |notice| tell(call.settings.debug, &notice));
    // Helm looks at the labels when the values are known to be good.
    let values_fail = matches!(rendered, Err(Error::Dependencies(_) | Error::Chart(_) | Error::Schema(_)));
    if !values_fail && call.flags.pairs("labels").keys().any(|key| SYSTEM_LABELS.contains(&key.as_str())) {
        let labels = SYSTEM_LABELS.join(" ");
        let text = format!("user supplied labels contains system reserved label name. System labels: [{labels}]");
        return Err(Fail::new(text).into());
    }
    match rendered {
        Ok(templated) => {
            let skipped = templated.rendered.skipped_hooks.iter().cloned();
            skipped.for_each(|hook| tell(call.settings.debug, &Notice::UnknownHook(hook)));
            Ok(Rendered { templated, values })
        }
        Err(Error::Render(error)) => Err(Failed { fail: Fail::new(error.to_string()), partial: Some(files(error)) }),
        Err(Error::Dependencies(error)) => {
            const FAILED: &str = "chart dependencies processing failed";
            let text = error.to_string();
            log(Level::Error, FAILED, &[("error", &text)]);
            Err(Fail::new(format!("{FAILED}: {text}")).into())
        }
        Err(error) => Err(Fail::new(error.to_string()).into()),
    }
}

/// The files that could not be taken apart into manifests.
fn files(error: render::RenderError) -> String {
    let render::RenderError::Manifest { files, .. } = error else { return String::new() };
    let there = files.iter().filter(|(_, content)| !content.trim().is_empty());
    there.map(|(name, content)| format!("---\n# Source: {name}\n{content}\n")).collect()
}

/// Tells on standard error what a person should know about a chart.
pub(crate) fn tell(debug: bool, notice: &Notice) {
    match notice {
        Notice::Deprecated => log(Level::Warn, "this chart is deprecated", &[]),
        Notice::Values(text) => values_notice(text),
        Notice::UnknownHook(hook) => log(Level::Info, "skipping unknown hooks", &[("hookTypes", hook)]),
        Notice::Schema { chart, schema, dependencies } => {
            if !debug {
                return;
            }
            if let Some(schema) = schema {
                log(Level::Debug, "chart name", &[("chart-name", chart)]);
                tell_schema(schema);
            }
            let attributes = [("chart", chart.as_str()), ("dependencies", &dependencies.to_string())];
            log(Level::Debug, "number of dependencies in the chart", &attributes);
        }
    }
}

/// Bytes are always in quotes, and a schema that is no JSON is not told.
fn tell_schema(schema: &[u8]) {
    if goyaml::from_json(schema).is_ok() {
        eprintln!("level=DEBUG msg=\"unmarshalled JSON schema\" schema={}", gotext::strconv::quote(schema));
    }
}

/// What Helm logs with attributes, our libraries say with the attributes after the message; the longer ones first.
const WITH_ATTRIBUTES: [&str; 4] = [
    "returned non-bool value",
    "the method PathValue returned error",
    "ImportValues missing table from chart",
    "ImportValues missing table",
];

/// Tells what a server says of a chart, if it is of that kind; what was told when the chart was loaded is not told again.
pub(crate) fn tell_text(text: &str) -> bool {
    if let Some(hook) = text.strip_prefix("skipping unknown hooks ") {
        tell(false, &Notice::UnknownHook(hook.to_owned()));
        return true;
    }
    let is_of_values = text.starts_with("warning: ") || WITH_ATTRIBUTES.iter().any(|known| text.starts_with(known));
    if is_of_values {
        values_notice(text);
    }
    is_of_values || text == Notice::Deprecated.to_string()
}

/// Tells of values that do not go together.
pub(crate) fn values_notice(text: &str) {
    let known = WITH_ATTRIBUTES.into_iter().find_map(|message| Some((message, text.strip_prefix(message)?)));
    match known {
        Some((message, attributes)) => eprintln!("level=WARN msg={message:?}{attributes}"),
        None => log(Level::Info, text, &[]),
    }
}
