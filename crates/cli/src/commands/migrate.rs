//! `migrate plan`, `migrate run` and `migrate cleanup`: from Tiller's records to Helm 4's.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use tiller::{Cleaned, DEFAULT_NAMESPACE, Driver, Migrated, Migration, Standing, Step, Store, Wanted};

use crate::command::{Arity, Call, Command, PLAIN};
use crate::connect::{self, Session};
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{Flag, Group, Kind, OUTPUT, go_int};
use crate::show;
use crate::table::table;

static TILLER: Group = Group {
    title: "Tiller",
    flags: &[
        Flag::text("tiller-namespace", "NAMESPACE", "the namespace that Tiller keeps its records in")
            .or(DEFAULT_NAMESPACE),
        Flag::text("tiller-storage", "KIND", "what it keeps them in: configmap or secret").or("configmap"),
    ],
};

static REVISIONS: Group = Group {
    title: "Revisions",
    flags: &[Flag::of(Kind::Int, "revisions", "N", "the newest N of each release; 0 is all").or("0")],
};

const SOME: Command = Command { arity: Arity::Any, ..PLAIN };

static PLAN: Command = Command {
    name: "plan",
    usage: "plan [NAME...]",
    about: "show what would be brought over, and change nothing",
    long: "Shows which releases of Tiller would be brought over to Helm 4, what stands in the way of others, and what a person\n\
           should know of them. Without names it is all releases. Nothing is changed.",
    examples: &["whipstaff migrate plan", "whipstaff migrate plan shop -o yaml"],
    flags: &[&REVISIONS, &TILLER, &OUTPUT],
    run: Some(plan),
    ..SOME
};

static RUN: Command = Command {
    name: "run",
    usage: "run [NAME...]",
    about: "bring releases over to Helm 4",
    long: "Writes Helm 4's records of Tiller's releases into their namespaces, and marks their live objects as Helm 4 marks its own, so\n\
           that it can upgrade them at once. Nothing else is changed in the cluster, and Tiller's records stay as they are until\n\
           `migrate cleanup`. It may be stopped at any time and run again: what is done is not done twice.\n\n\
           Nobody should use Tiller meanwhile; `kubectl -n kube-system scale deployment tiller-deploy --replicas 0` sees to that.",
    examples: &["whipstaff migrate run", "whipstaff migrate run shop blog --revisions 10"],
    flags: &[&REVISIONS, &TILLER, &OUTPUT],
    run: Some(run),
    ..SOME
};

static CLEANUP: Command = Command {
    name: "cleanup",
    usage: "cleanup [NAME...]",
    about: "remove Tiller's records of what was brought over",
    long: "Removes Tiller's records of releases that were brought over, with all their revisions. Those of other releases, and of\n\
           releases that Tiller has changed since, stay. After that there is no way back to Helm 2.",
    examples: &["whipstaff migrate cleanup --dry-run", "whipstaff migrate cleanup"],
    flags: &[&CLEANING, &TILLER, &OUTPUT],
    run: Some(cleanup),
    ..SOME
};

static CLEANING: Group =
    Group { title: "Cleanup", flags: &[Flag::switch("dry-run", "show what would be removed, and remove nothing")] };

pub(crate) static COMMAND: Command = Command {
    name: "migrate",
    usage: "migrate",
    about: "bring releases of Helm 2 over to Helm 4",
    long: "Brings releases that Tiller has installed over to Helm 4: `migrate plan` shows what would be done, `migrate run` does it, and\n\
           `migrate cleanup` removes what Tiller has kept once you are sure.",
    below: &[&PLAN, &RUN, &CLEANUP],
    ..PLAIN
};

/// What is shown of a release.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    namespace: String,
    /// `pending`, `done`, `blocked` or `failed`.
    state: &'static str,
    revisions: Vec<Revision>,
    /// How many live objects are marked as the release's own.
    marked: usize,
    /// Why it cannot be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// What is shown of a revision.
#[derive(Debug, Serialize)]
struct Revision {
    revision: u32,
    status: String,
    step: Step,
}

impl Row {
    fn of(migrated: &Migrated) -> Self {
        let mut row = Self {
            name: migrated.name.clone(),
            namespace: String::new(),
            state: "failed",
            revisions: Vec::new(),
            marked: 0,
            reason: None,
            warnings: Vec::new(),
        };
        match &migrated.outcome {
            Err(error) => row.reason = Some(error.to_string()),
            Ok(planned) => {
                row.namespace.clone_from(&planned.namespace);
                row.marked = planned.adopted;
                row.warnings.clone_from(&planned.warnings);
                row.revisions = planned
                    .revisions
                    .iter()
                    .map(|(revision, (status, step))| Revision {
                        revision: *revision,
                        status: status.to_string(),
                        step: *step,
                    })
                    .collect();
                row.state = match &planned.standing {
                    Standing::Pending => "pending",
                    Standing::Done => "done",
                    Standing::Blocked(reason) => {
                        row.reason = Some(reason.clone());
                        "blocked"
                    }
                };
            }
        }
        row
    }

    fn is_stuck(&self) -> bool {
        matches!(self.state, "blocked" | "failed")
    }

    /// Tells what a table has no room for.
    fn tell(&self) {
        for text in self.reason.iter().chain(&self.warnings) {
            eprintln!("{}: {text}", self.name);
        }
    }
}

fn open(call: &Call) -> Outcome<(Session, Migration)> {
    let driver: Driver = call
        .flags
        .text("tiller-storage")
        .parse()
        .map_err(|error: String| Fail::new(format!("invalid argument for \"--tiller-storage\" flag: {error}")))?;
    let session = connect::open(call)?;
    let engine = &session.engine;
    let client = engine.cluster().client();
    let store = Store::new(client.clone(), call.flags.text("tiller-namespace"), driver);
    let migration =
        Migration::new(store, engine.ledger().with_client(client), engine.cluster().clone(), Arc::new(Timestamp::now));
    Ok((session, migration))
}

fn wanted(call: &Call) -> Wanted {
    let most = go_int(call.flags.text("revisions")).and_then(|most| usize::try_from(most).ok());
    Wanted { names: call.args.clone(), revisions: most.filter(|most| *most > 0) }
}

fn failed(error: tiller::Error) -> Fail {
    Fail::new(error.to_string())
}

fn plan(call: &Call) -> Outcome {
    let (session, migration) = open(call)?;
    let plan = session.wait(migration.plan(&wanted(call))).map_err(failed)?;
    let rows: Vec<Row> = plan.iter().map(Row::of).collect();
    rows.iter().for_each(Row::tell);
    show::formatted(call, &rows, |rows| Ok(in_columns(rows)))
}

fn run(call: &Call) -> Outcome {
    let (session, migration) = open(call)?;
    let tell = |migrated: &Migrated| Row::of(migrated).tell();
    let done = session.wait(migration.run(&wanted(call), &tell)).map_err(failed)?;
    let rows: Vec<Row> = done.iter().map(Row::of).collect();
    show::formatted(call, &rows, |rows| Ok(in_columns(rows)))?;
    match rows.iter().filter(|row| row.is_stuck()).count() {
        0 => Ok(()),
        stuck => fail!("{stuck} of {} releases could not be brought over", rows.len()),
    }
}

fn cleanup(call: &Call) -> Outcome {
    let (session, migration) = open(call)?;
    let wanted = Wanted { names: call.args.clone(), revisions: None };
    let cleaned = session.wait(migration.cleanup(&wanted, call.flags.on("dry-run"))).map_err(failed)?;
    show::formatted(call, &cleaned, |cleaned| Ok(removed_in_columns(cleaned)))?;
    match cleaned.iter().find_map(|one| one.error.as_ref()) {
        None => Ok(()),
        Some(error) => fail!("{error}"),
    }
}

fn in_columns(rows: &[Row]) -> String {
    let mut lines =
        vec![["NAME", "NAMESPACE", "REVISIONS", "STATUS", "OBJECTS", "MIGRATION"].map(str::to_owned).to_vec()];
    for row in rows {
        let span = match (row.revisions.first(), row.revisions.last()) {
            (Some(first), Some(last)) if first.revision < last.revision => {
                format!("{}-{}", first.revision, last.revision)
            }
            (_, Some(last)) => last.revision.to_string(),
            _ => "-".to_owned(),
        };
        let status = row.revisions.last().map_or_else(|| "-".to_owned(), |last| last.status.clone());
        lines.push(vec![
            row.name.clone(),
            if row.namespace.is_empty() { "-".to_owned() } else { row.namespace.clone() },
            span,
            status,
            row.marked.to_string(),
            row.state.to_owned(),
        ]);
    }
    format!("{}\n", table(&lines, 0))
}

fn removed_in_columns(cleaned: &[Cleaned]) -> String {
    let mut lines = vec![["NAME", "REMOVED"].map(str::to_owned).to_vec()];
    for one in cleaned {
        let removed = if one.removed.is_empty() { "- (not brought over)".to_owned() } else { one.removed.join(",") };
        lines.push(vec![one.name.clone(), removed]);
    }
    format!("{}\n", table(&lines, 0))
}
