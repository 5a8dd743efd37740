//! `install`, as Helm 4.3: `pkg/cmd/install.go`.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::release::{ApplyMethod, Hook, Info, Release, Status, Time};
use jiff::Timestamp;
use render::Capabilities;
use render::manifests::Shape;

use super::dry_run::{Strategy, strategy};
use crate::command::{Arity, Call, Command, PLAIN};
use crate::fail::{Outcome, fail};
use crate::flags::{CHART, Flag, Group, INSTALL, Kind, POST_RENDERER, VALUES};
use crate::release::{self, Rendered};
use crate::status;

static FLAGS: Group = Group {
    title: "Output",
    flags: &[
        Flag::text(
            "dry-run",
            "HOW",
            "client: render without a cluster and show what would be; server, none: not there yet",
        )
        .or("none")
        .alone("unset"),
        Flag::switch("hide-secret", "with --dry-run, do not show the content of Secrets"),
        Flag::switch("hide-notes", "do not show the notes"),
        Flag::switch("render-subchart-notes", "show the notes of subcharts too"),
        Flag::of(Kind::Format, "output", "FORMAT", "how to print the release: table, json or yaml")
            .short('o')
            .or("table"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "install",
    usage: "install [NAME] [CHART]",
    about: "show what an install would do",
    long: "Shows the release that an install would make: hooks, manifests, notes. Nothing is changed and no cluster is\n\
           asked (--dry-run=client). Installs themselves are made over the API: `whipstaff serve`.",
    examples: &[
        "whipstaff install shop ./mychart --dry-run=client",
        "whipstaff install shop ./mychart --dry-run=client --hide-secret -o yaml",
        "whipstaff install ./mychart --generate-name --dry-run=client",
    ],
    arity: Arity::AtLeast(1),
    flags: &[&FLAGS, &VALUES, &CHART, &INSTALL, &POST_RENDERER],
    exclusive: &[&["force-replace", "force-conflicts"], &["force", "force-conflicts"]],
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let how = strategy(&call.flags, false)?;
    let release = planned(call, how).map_err(|fail| fail.after("INSTALLATION FAILED: "))?;
    status::print(call, &release)
}

/// The release as an install would record it.
fn planned(call: &Call, how: Strategy) -> Outcome<Release> {
    let flags = &call.flags;
    let prepared = release::prepare(call, "")?;
    if how != Strategy::Client {
        fail!("only --dry-run=client is there yet: to change a cluster, use the API of `whipstaff serve`");
    }
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
        apply_method: Some(match flags.on("server-side") {
            true => ApplyMethod::ServerSide,
            false => ApplyMethod::ClientSide,
        }),
        labels: BTreeMap::new(),
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
