//! `list`, as Helm 4.3: `pkg/cmd/list.go`, `pkg/action/list.go`.

use ::release::{Head, Item, ListFilter, Peek, Scope, Selector, Status};
use render::Pattern;
use serde::Serialize;

use crate::color;
use crate::command::{Arity, Call, Command, PLAIN};
use crate::connect::{self, Session};
use crate::fail::{Fail, Outcome};
use crate::flags::{Flag, Group, Kind, OUTPUT, go_int};
use crate::output::print;
use crate::show::{self, LONG};
use crate::table::table;

static FLAGS: Group = Group {
    title: "Which releases",
    flags: &[
        Flag::switch("all-namespaces", "those of all namespaces").short('A'),
        Flag::text("filter", "REGEX", "those whose names match; Go's regular expressions").short('f'),
        Flag::text("selector", "LABELS", "those whose records have these labels: team=web,tier!=test").short('l'),
        Flag::switch("deployed", "those that are deployed"),
        Flag::switch("failed", "those that have failed"),
        Flag::switch("pending", "those that a change is under way for"),
        Flag::switch("superseded", "those that later revisions have replaced"),
        Flag::switch("uninstalled", "those that are gone but for their history"),
        Flag::switch("uninstalling", "those that are being uninstalled"),
        Flag::of(Kind::Int, "max", "N", "this many at most; 0 is no limit").short('m').or("256"),
        Flag::of(Kind::Int, "offset", "N", "leave out so many at the start").or("0"),
    ],
};

static SHOWN: Group = Group {
    title: "Output",
    flags: &[
        Flag::switch("short", "print names only").short('q'),
        Flag::switch("no-headers", "leave out the first line of the table"),
        Flag::switch("date", "sort by date instead of by name").short('d'),
        Flag::switch("reverse", "sort the other way round").short('r'),
        Flag::text("time-format", "LAYOUT", "how to show times, as Go's layouts: \"2006-01-02 15:04:05Z0700\""),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "list",
    aliases: &["ls"],
    usage: "list",
    about: "list releases",
    long: "Lists the releases of a namespace, or of all, whatever their status; flags such as --failed narrow it down\n\
           and may be combined. Of each release the newest revision is shown.",
    examples: &["whipstaff list -A", "whipstaff list --failed --pending -o json", "whipstaff list --filter '^shop'"],
    arity: Arity::None,
    flags: &[&FLAGS, &SHOWN, &OUTPUT],
    run: Some(run),
    ..PLAIN
};

/// A line of the list.
#[derive(Serialize)]
struct Line {
    name: String,
    namespace: String,
    revision: String,
    updated: String,
    status: String,
    chart: String,
    app_version: String,
}

fn run(call: &Call) -> Outcome {
    let session = connect::open(call)?;
    let lines: Vec<Line> = releases(call, &session)?.iter().map(|(head, peek)| line(call, head, peek)).collect();
    let format = call.flags.text("output");
    if call.flags.on("short") {
        let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
        return match format {
            "json" => print(&show::json(&names)?),
            "yaml" => print(&show::yaml(&names)?),
            _ => print(&names.iter().map(|name| format!("{name}\n")).collect::<String>()),
        };
    }
    show::formatted(call, &lines, |lines| Ok(in_columns(call, lines)))
}

/// The statuses that the flags ask for.
fn statuses(call: &Call) -> Vec<Status> {
    let on = |flag: &str, statuses: &[Status]| if call.flags.on(flag) { statuses.to_vec() } else { Vec::new() };
    let pending = [Status::PendingInstall, Status::PendingRollback, Status::PendingUpgrade];
    let asked = [
        on("deployed", &[Status::Deployed]),
        on("uninstalled", &[Status::Uninstalled]),
        on("uninstalling", &[Status::Uninstalling]),
        on("pending", &pending),
        on("failed", &[Status::Failed]),
        on("superseded", &[Status::Superseded]),
    ]
    .concat();
    match asked.is_empty() {
        // A status that is not known is not among all of Helm's.
        true => Status::ALL.into_iter().filter(|status| *status != Status::Unknown).collect(),
        false => asked,
    }
}

/// Finds the releases that are asked for, in order, and opens those that are shown.
fn releases(call: &Call, session: &Session) -> Outcome<Vec<(Head, Box<Peek>)>> {
    let flags = &call.flags;
    let pattern = flags.some("filter").map(Pattern::new).transpose().map_err(Fail::new)?;
    let scope = match flags.on("all-namespaces") {
        true => Scope::All,
        false => Scope::Namespace(session.namespace.clone()),
    };
    let selector: Selector = match flags.some("selector") {
        Some(text) => text.parse().map_err(|error: ::release::InvalidSelector| Fail::new(error.to_string()))?,
        None => Selector::default(),
    };
    let number = |flag: &str| go_int(flags.text(flag)).unwrap_or(0);
    let offset = usize::try_from(number("offset")).unwrap_or(0);
    let most = usize::try_from(number("max")).ok().filter(|most| *most > 0).unwrap_or(usize::MAX);
    let filter = ListFilter { statuses: statuses(call), ..ListFilter::default() };
    let refused = |error| session.refused("list: failed to list", error);
    let by_date = flags.on("date");
    let mut found = if pattern.is_none() && selector == Selector::default() && (by_date || most == usize::MAX) {
        readable(session.wait(session.engine.list(&scope, &filter)).map_err(refused)?)
    } else {
        let mut heads = session.wait(session.engine.heads(&scope, &filter)).map_err(refused)?;
        heads.retain(|head| pattern.as_ref().is_none_or(|pattern| pattern.is_match(&head.key.name)));
        heads.retain(|head| {
            let all = head.labels.iter().chain(&head.system).map(|(key, value)| (key.clone(), value.clone()));
            selector.matches(&all.collect())
        });
        if !by_date {
            // The order is known, and so no more need be opened than are shown.
            if flags.on("reverse") {
                heads.reverse();
            }
            let shown = heads.into_iter().skip(offset).take(most).collect();
            return Ok(readable(session.wait(session.engine.open(shown))?));
        }
        readable(session.wait(session.engine.open(heads))?)
    };
    if by_date {
        found.sort_by_key(|(_, peek)| peek.info.last_deployed.map(|at| at.timestamp()));
    }
    if flags.on("reverse") {
        found.reverse();
    }
    Ok(found.into_iter().skip(offset).take(most).collect())
}

/// Leaves out records that cannot be read, as Helm does.
fn readable(items: Vec<Item>) -> Vec<(Head, Box<Peek>)> {
    items.into_iter().filter_map(|Item { head, peek }| Some((head, peek.ok()?))).collect()
}

fn line(call: &Call, head: &Head, peek: &Peek) -> Line {
    let layout = call.flags.some("time-format").unwrap_or(LONG);
    Line {
        name: peek.name.clone(),
        namespace: head.key.namespace.clone(),
        revision: head.key.revision.to_string(),
        updated: peek.info.last_deployed.map_or_else(|| "-".to_owned(), |at| show::time(at, layout)),
        status: peek.info.status.to_string(),
        chart: format!("{}-{}", peek.metadata.name, peek.metadata.version),
        app_version: peek.metadata.app_version.clone(),
    }
}

fn in_columns(call: &Call, lines: &[Line]) -> String {
    let headers = ["NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"];
    let mut rows = Vec::new();
    if !call.flags.on("no-headers") {
        rows.push(headers.map(|header| color::header(call, header)).to_vec());
    }
    rows.extend(lines.iter().map(|line| {
        vec![
            line.name.clone(),
            color::namespace(call, &line.namespace),
            line.revision.clone(),
            line.updated.clone(),
            color::status(call, &line.status),
            line.chart.clone(),
            line.app_version.clone(),
        ]
    }));
    table(&rows, 0) + "\n"
}
