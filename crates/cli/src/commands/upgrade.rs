//! `upgrade`, as Helm 4.3: `pkg/cmd/upgrade.go`.

use super::dry_run::{Strategy, strategy};
use super::install;
use crate::change;
use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{CHART, FURTHER, Flag, Group, OUTPUT, POST_RENDERER, PREVIEW, RELEASE, SENDING, VALUES, WAIT};
use crate::output::print;
use crate::release::{self, Prepared};
use crate::releases;
use crate::status;

static FLAGS: Group = Group {
    title: "Upgrading",
    flags: &[
        Flag::switch("install", "install when there is no such release").short('i'),
        Flag::switch("reset-values", "start from the chart's values, forget those of the last revision"),
        Flag::switch("reuse-values", "merge into the values of the last revision, the chart's of then included"),
        Flag::switch(
            "reset-then-reuse-values",
            "start from the chart's values, put those given to the last revision on top, then the new ones",
        ),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "upgrade",
    usage: "upgrade [RELEASE] [CHART]",
    about: "upgrade a release",
    long: "Makes a new revision of a release: of another version of its chart, or with other values. Without a flag\n\
           that says otherwise, the values of the last revision are kept when no new ones are given.",
    examples: &[
        "whipstaff upgrade shop ./mychart --set replicas=3 --wait",
        "whipstaff upgrade --install shop ./mychart -f prod.yaml --rollback-on-failure",
        "whipstaff upgrade shop ./mychart --dry-run=server",
    ],
    arity: Arity::Exactly(2),
    takes: &[Takes::Release, Takes::Chart],
    flags: &[&FLAGS, &PREVIEW, &OUTPUT, &VALUES, &CHART, &RELEASE, &FURTHER, &SENDING, &WAIT, &POST_RENDERER],
    exclusive: &[&["force-replace", "force-conflicts"], &["force", "force-conflicts"]],
    run: Some(run),
    remote: true,
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let how = strategy(&call.flags, false)?;
    let name = call.args.first().map_or("", String::as_str);
    let is_table = call.flags.text("output") == "table";
    if call.flags.on("install") {
        let releases = releases::open(call)?;
        if ::release::validate_name(name).is_err() {
            fail!("release name is invalid: {name}");
        }
        if let Some(replace) = releases.is_missing(name)? {
            if is_table {
                print(&format!("Release {} does not exist. Installing it now.\n", chart::text::quote(name)))?;
            }
            let release = install::install(call, how, replace)?;
            return status::print(call, &release);
        }
    }
    let release = upgraded(call, name, how)?;
    if is_table {
        print(&format!("Release {} has been upgraded. Happy Helming!\n", chart::text::quote(name)))?;
    }
    status::print(call, &release)
}

fn upgraded(call: &Call, name: &str, how: Strategy) -> Outcome<::release::Release> {
    let Prepared { chart, values, options, .. } = release::prepare_named(call)?;
    release::check_complete(call, &chart)?;
    let failed = |fail: Fail| fail.after("UPGRADE FAILED: ");
    let releases = releases::open(call).map_err(failed)?;
    if ::release::validate_name(name).is_err() {
        return Err(failed(Fail::new(format!("release name is invalid: {name}"))));
    }
    let preview = how != Strategy::None;
    if call.flags.on("hide-secret") && !preview {
        return Err(failed(Fail::new("hiding Kubernetes secrets requires a dry-run mode")));
    }
    let apply = change::apply(call).map_err(failed)?;
    let mut change = change::of_chart(call, apply, releases.target(name), chart, values);
    change.preview = preview;
    change.without_lookups = how == Strategy::Client;
    releases.upgrade(call, change, &options).map_err(failed)
}
