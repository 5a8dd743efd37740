//! `history`, as Helm 4.3: `pkg/cmd/history.go`.

use ::release::Time;
use serde::Serialize;

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Outcome, fail};
use crate::flags::{Flag, Group, Kind, OUTPUT, go_int};
use crate::releases::{self, Revision};
use crate::show::{self, ANSIC};
use crate::table::table;

static FLAGS: Group = Group {
    title: "Output",
    flags: &[
        Flag::of(Kind::Int, "max", "N", "show so many revisions at most, the newest").or("256"),
        Flag::switch("show-rollback-revision", "show a column with the revision that a rollback went back to"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "history",
    aliases: &["hist"],
    usage: "history RELEASE_NAME",
    about: "list the revisions of a release",
    long: "Lists the revisions of a release, the oldest first.",
    examples: &["whipstaff history shop", "whipstaff history shop --max 3 -o yaml"],
    arity: Arity::Exactly(1),
    takes: &[Takes::Release],
    flags: &[&FLAGS, &OUTPUT],
    run: Some(run),
    remote: true,
    ..PLAIN
};

/// A line of the history.
#[derive(Serialize)]
struct Line {
    revision: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<Time>,
    status: String,
    chart: String,
    app_version: String,
    #[serde(skip_serializing_if = "is_none")]
    rollback_revision: u32,
    description: String,
}

fn is_none(revision: &u32) -> bool {
    *revision == 0
}

fn run(call: &Call) -> Outcome {
    let releases = releases::open(call)?;
    let name = call.args.first().map_or("", String::as_str);
    if ::release::validate_name(name).is_err() {
        fail!("release name is invalid: {name}");
    }
    let mut lines: Vec<Line> = releases.history(name)?.into_iter().map(line).collect();
    let most = go_int(call.flags.text("max")).and_then(|most| usize::try_from(most).ok()).unwrap_or(0);
    lines.drain(..lines.len().saturating_sub(most));
    let with_rollback = call.flags.on("show-rollback-revision");
    show::formatted(call, &lines, |lines| Ok(in_columns(lines, with_rollback)))
}

fn line(revision: Revision) -> Line {
    Line {
        revision: revision.revision,
        updated: revision.updated,
        status: revision.status,
        chart: revision.chart,
        app_version: revision.app_version,
        rollback_revision: revision.rollback_revision,
        description: revision.description,
    }
}

/// What Go prints of a time that there is none of.
const NEVER: &str = "Mon Jan  1 00:00:00 0001";

fn in_columns(lines: &[Line], with_rollback: bool) -> String {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let rollback = |text: &str| if with_rollback { texts(&[text]) } else { Vec::new() };
    let mut rows = vec![
        [
            texts(&["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"]),
            rollback("ROLLBACK"),
            texts(&["DESCRIPTION"]),
        ]
        .concat(),
    ];
    for line in lines {
        let updated = line.updated.map_or_else(|| NEVER.to_owned(), |at| show::time(at, ANSIC));
        let revision = line.revision.to_string();
        let back = if line.rollback_revision > 0 { line.rollback_revision.to_string() } else { String::new() };
        let first = texts(&[&revision, &updated, &line.status, &line.chart, &line.app_version]);
        rows.push([first, rollback(&back), texts(&[&line.description])].concat());
    }
    table(&rows, 0) + "\n"
}
