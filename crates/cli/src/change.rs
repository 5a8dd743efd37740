//! What the commands that change releases have in common: from flags to an intent, and what is told of how it went.

use std::sync::Arc;

use chart::Chart;
use engine::{Apply, Change, Crds, Method, OnFailure, Target, Uninstall, ValueStrategy, Verb, Wait, WaitStrategy};
use goyaml::Map;

use crate::command::Call;
use crate::fail::{Outcome, fail};
use crate::flags::{go_bool, go_int, go_span};
use crate::log::{Level, log};
use crate::output::print;

/// What to wait for, as the flags say.
pub(crate) fn wait(call: &Call) -> Wait {
    let strategy = match call.flags.text("wait") {
        "watcher" | "true" => WaitStrategy::Watcher,
        "legacy" => WaitStrategy::Legacy,
        _ => WaitStrategy::HookOnly,
    };
    let timeout = go_span(call.flags.text("timeout")).unwrap_or_default();
    Wait { strategy, jobs: call.flags.on("wait-for-jobs"), timeout }
}

/// How objects of a further revision are sent, as the flags say.
pub(crate) fn apply(call: &Call) -> Outcome<Apply> {
    let method = match call.flags.text("server-side") {
        "auto" => Method::Auto,
        "true" => Method::ServerSide,
        "false" => Method::ClientSide,
        text => fail!("invalid/unknown release server-side apply method: {text}"),
    };
    Ok(sending(call, method))
}

/// How objects of an install are sent; with `upgrade --install`, whose flag is a text, all but `false` is `true`.
pub(crate) fn first_apply(call: &Call) -> Apply {
    let server_side = go_bool(call.flags.text("server-side")).filter(|_| call.command != "upgrade");
    let server_side = server_side.unwrap_or_else(|| call.flags.text("server-side") != "false");
    sending(call, if server_side { Method::ServerSide } else { Method::ClientSide })
}

fn sending(call: &Call, method: Method) -> Apply {
    let flags = &call.flags;
    Apply {
        method,
        force_conflicts: flags.on("force-conflicts"),
        force_replace: flags.on("force-replace") || flags.on("force"),
        take_ownership: flags.on("take-ownership"),
    }
}

/// How many revisions are kept.
pub(crate) fn history_max(call: &Call) -> u32 {
    let text = match call.flags.given("history-max") {
        true => call.flags.text("history-max"),
        false => call.settings.text("max-history"),
    };
    go_int(text).and_then(|most| u32::try_from(most).ok()).unwrap_or(0)
}

/// The description that is asked for.
pub(crate) fn description(call: &Call) -> Option<String> {
    call.flags.some("description").map(str::to_owned)
}

/// What an install or upgrade is to put in place.
pub(crate) fn of_chart(call: &Call, apply: Apply, target: Target, chart: Chart, values: Map) -> Change {
    let flags = &call.flags;
    let value_strategy = match (flags.on("reset-values"), flags.on("reuse-values"), flags.on("reset-then-reuse-values"))
    {
        (true, ..) => ValueStrategy::Reset,
        (_, true, _) => ValueStrategy::Reuse,
        (.., true) => ValueStrategy::ResetThenReuse,
        _ => ValueStrategy::Default,
    };
    Change {
        target,
        chart: Some(Arc::new(chart)),
        values,
        value_strategy,
        labels: flags.pairs("labels"),
        description: description(call),
        create_namespace: flags.on("create-namespace"),
        apply,
        wait: wait(call),
        on_failure: OnFailure {
            rollback: flags.on("rollback-on-failure") || flags.on("atomic"),
            cleanup: flags.on("cleanup-on-fail"),
        },
        no_hooks: flags.on("no-hooks"),
        crds: if flags.on("skip-crds") { Crds::Skip } else { Crds::Create },
        skip_schema_validation: flags.on("skip-schema-validation"),
        subchart_notes: flags.on("render-subchart-notes"),
        history_max: history_max(call),
        expected_revision: None,
        replace: flags.on("replace"),
        preview: false,
        hide_secrets: flags.on("hide-secret"),
        without_lookups: false,
    }
}

/// Tells that the user has had enough, as Helm does.
pub(crate) fn tell_cancelled(call: &Call, verb: Verb) {
    if matches!(verb, Verb::Install | Verb::Upgrade) {
        let name = call.args.first().map_or("", String::as_str);
        // What cannot be written is no reason not to stop.
        let _ = print(&format!("Release {name} has been cancelled.\n"));
    }
}

/// An uninstall, as the flags say.
pub(crate) fn uninstall(call: &Call, target: Target) -> Outcome<Uninstall> {
    use engine::Cascade;
    let flags = &call.flags;
    let cascade = match flags.text("cascade") {
        "background" => Cascade::Background,
        "foreground" => Cascade::Foreground,
        "orphan" => Cascade::Orphan,
        other => {
            fail!("invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\"")
        }
    };
    Ok(Uninstall {
        target,
        keep_history: flags.on("keep-history"),
        no_hooks: flags.on("no-hooks"),
        cascade,
        description: description(call),
        wait: wait(call),
        ignore_not_found: flags.on("ignore-not-found"),
        expected_revision: None,
    })
}

/// Tells that a change has failed, as Helm does before it ends.
pub(crate) fn warn_failed(verb: Verb, name: &str, error: &str, is_not_ready: bool) {
    match verb {
        Verb::Upgrade => log(Level::Warn, "upgrade failed", &[("name", name), ("error", error)]),
        // Of a hook, and of objects that do not become ready, only the error is told.
        Verb::Rollback if is_not_ready || error.starts_with(&format!("release {name} failed: ")) => {}
        Verb::Rollback => log(Level::Warn, &format!("Rollback {name:?} failed: {error}"), &[]),
        Verb::Install | Verb::Uninstall | Verb::Unlock => {}
    }
}
