//! `install`, as Helm 4.3: `pkg/cmd/install.go`.

use std::sync::Arc;

use ::release::{ApplyMethod, Hook, Info, Release, Status, Time};
use jiff::Timestamp;
use render::Capabilities;
use render::manifests::Shape;

use super::dry_run::{Strategy, strategy};
use crate::change;
use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{CHART, INSTALL, OUTPUT, POST_RENDERER, PREVIEW, RELEASE, SENDING, VALUES, WAIT};
use crate::log::{Level, log};
use crate::release::{self, Prepared, Rendered};
use crate::releases;
use crate::status;

pub(crate) static COMMAND: Command = Command {
    name: "install",
    usage: "install [NAME] [CHART]",
    about: "install a chart",
    long: "Installs a chart: renders it with values, applies its objects, runs its hooks, and records the release.\n\n\
           With --dry-run nothing is changed and the release that would be is shown; `client` asks no cluster, `server`\n\
           renders with what the cluster says and looks whether its objects are in the way.",
    examples: &[
        "whipstaff install shop ./mychart -f prod.yaml --wait",
        "whipstaff install ./mychart --generate-name -n web --create-namespace",
        "whipstaff install shop ./mychart --dry-run=client --hide-secret -o yaml",
    ],
    arity: Arity::AtLeast(1),
    takes: &[Takes::Chart, Takes::Chart],
    flags: &[&PREVIEW, &OUTPUT, &VALUES, &CHART, &INSTALL, &RELEASE, &SENDING, &WAIT, &POST_RENDERER],
    exclusive: &[&["force-replace", "force-conflicts"], &["force", "force-conflicts"]],
    run: Some(run),
    remote: true,
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let how = strategy(&call.flags, false)?;
    let release = install(call, how, false).map_err(|fail| fail.after("INSTALLATION FAILED: "))?;
    status::print(call, &release)
}

/// Installs a chart, or shows what that would be; `replace` lets it take over the name of what was uninstalled.
pub(crate) fn install(call: &Call, how: Strategy, replace: bool) -> Outcome<Release> {
    let prepared = release::prepare(call, "")?;
    if how == Strategy::Client {
        return rendered(call, prepared);
    }
    planned(call, prepared, how, replace)
}

/// Plans the install of a chart with what the cluster says, and runs the plan unless it is only tried out.
pub(crate) fn planned(call: &Call, prepared: Prepared, how: Strategy, replace: bool) -> Outcome<Release> {
    release::check(call, &prepared.chart)?;
    let releases = releases::open(call).map_err(|fail| {
        let text = format!("cluster reachability check failed: {}", fail.text);
        log(Level::Error, &text, &[]);
        Fail::new(text)
    })?;
    let preview = how == Strategy::Server;
    if call.flags.on("hide-secret") && !preview {
        let text = "hiding Kubernetes secrets requires a dry-run mode";
        log(Level::Error, text, &[]);
        fail!("{text}");
    }
    let Prepared { chart, values, options, name, .. } = prepared;
    release::check_name(&name)?;
    if preview && !call.flags.on("skip-crds") && !chart.crd_objects().is_empty() {
        let text = "This chart or one of its subcharts contains CRDs. Rendering may fail or contain inaccuracies.";
        log(Level::Warn, text, &[]);
    }
    let mut change = change::of_chart(call, change::first_apply(call), releases.target(&name), chart, values);
    change.replace |= replace;
    change.preview = preview;
    let mut release = releases.install(call, change, &options)?;
    if preview {
        release.set_status(Status::PendingInstall, "Dry run complete");
    }
    Ok(release)
}

/// The release as an install would record it, without a cluster.
fn rendered(call: &Call, prepared: Prepared) -> Outcome<Release> {
    let flags = &call.flags;
    let (name, namespace) = (prepared.name.clone(), prepared.namespace.clone());
    let shape = Shape {
        hide_secret: flags.on("hide-secret"),
        subchart_notes: flags.on("render-subchart-notes"),
        ..Shape::default()
    };
    let Rendered { templated, values } =
        release::render(call, prepared, shape, Capabilities::default(), false).map_err(|failed| failed.fail)?;
    let now = Some(Time::from(Timestamp::now()));
    let rendered = templated.rendered;
    Ok(Release {
        name,
        info: Info {
            first_deployed: now,
            last_deployed: now,
            description: "Dry run complete".to_owned(),
            status: Status::PendingInstall,
            notes: rendered.notes,
            ..Info::default()
        },
        chart: Arc::clone(&templated.chart),
        config: values,
        manifest: rendered.manifest,
        hooks: rendered.hooks.into_iter().map(hook).collect(),
        version: 1,
        namespace,
        apply_method: Some(match flags.text("server-side") {
            "true" | "auto" => ApplyMethod::ServerSide,
            _ => ApplyMethod::ClientSide,
        }),
        ..Release::default()
    })
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
