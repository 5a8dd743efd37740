//! `list`, as Helm 4.3: `pkg/cmd/list.go`, `pkg/action/list.go`.

use ::release::Status;
use serde::Serialize;

use crate::color;
use crate::command::{Arity, Call, Command, PLAIN};
use crate::fail::Outcome;
use crate::flags::{Flag, Group, Kind, OUTPUT, go_int};
use crate::output::print;
use crate::releases::{self, Listed};
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
    remote: true,
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
    let found = releases::open(call)?.list(call)?;
    let lines: Vec<Line> = found.into_iter().map(|listed| line(call, listed)).collect();
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
pub(crate) fn statuses(call: &Call) -> Vec<Status> {
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

/// How many releases are left out at the start, and how many are shown at most.
pub(crate) fn window(call: &Call) -> (usize, usize) {
    let number = |flag: &str| go_int(call.flags.text(flag)).unwrap_or(0);
    let offset = usize::try_from(number("offset")).unwrap_or(0);
    (offset, usize::try_from(number("max")).ok().filter(|most| *most > 0).unwrap_or(usize::MAX))
}

fn line(call: &Call, listed: Listed) -> Line {
    let layout = call.flags.some("time-format").unwrap_or(LONG);
    Line {
        name: listed.name,
        namespace: listed.namespace,
        revision: listed.revision.to_string(),
        updated: listed.updated.map_or_else(|| "-".to_owned(), |at| show::time(at, layout)),
        status: listed.status,
        chart: listed.chart,
        app_version: listed.app_version,
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
