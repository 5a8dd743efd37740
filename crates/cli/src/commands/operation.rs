//! `operation`: the changes that a server carries out or has carried out.

use api::{Event, Operation, OperationList, State};
use serde::Serialize;

use crate::color;
use crate::command::{Arity, Call, Command, PLAIN};
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{Flag, Group, Kind, OUTPUT, go_int};
use crate::output::print;
use crate::progress::Progress;
use crate::remote::{self, Ask, Client, with_query};
use crate::show;
use crate::table::table;

static WHICH: Group = Group {
    title: "Which operations",
    flags: &[
        Flag::switch("all-namespaces", "those of all namespaces").short('A'),
        Flag::text("release", "NAME", "those of releases of this name"),
        Flag::text(
            "state",
            "STATE",
            "those in these states: queued, running, cancelling, succeeded, failed, cancelled",
        ),
        Flag::of(Kind::Int, "max", "N", "this many at most, the newest; 0 is no limit").short('m').or("256"),
    ],
};

const ONE: Command = Command { arity: Arity::Exactly(1), remote: true, ..PLAIN };

static LIST: Command = Command {
    name: "list",
    aliases: &["ls"],
    usage: "list",
    about: "list operations, the newest first",
    long: "Lists the changes of a namespace's releases that the server carries out or has carried out, the newest first.",
    examples: &["whipstaff operation list -A --state running", "whipstaff operation list --release shop -o json"],
    flags: &[&WHICH, &OUTPUT],
    remote: true,
    run: Some(list),
    ..PLAIN
};

static GET: Command = Command {
    name: "get",
    usage: "get ID",
    about: "show an operation",
    long: "Shows what an operation does, where it is, and how it has ended.",
    examples: &["whipstaff operation get 0199d2c8-6f1e-7cc3-98c8-0242ac120002 -o yaml"],
    flags: &[&OUTPUT],
    run: Some(get),
    ..ONE
};

static WATCH: Command = Command {
    name: "watch",
    usage: "watch ID",
    about: "show how an operation goes until it is done",
    long: "Shows how an operation goes until it is done, from its beginning, and ends as the command ends that has asked\n\
           for it: with an error when the operation has failed. With -o json each event is a line. What is watched goes on\n\
           when this command is stopped; `operation cancel` stops it.",
    examples: &["whipstaff operation watch 0199d2c8-6f1e-7cc3-98c8-0242ac120002"],
    flags: &[&OUTPUT],
    run: Some(watch),
    ..ONE
};

static CANCEL: Command = Command {
    name: "cancel",
    usage: "cancel ID",
    about: "have an operation begin nothing more",
    long: "Has an operation begin nothing more: what is under way is waited for, and the record says that the change has\n\
           failed.",
    examples: &["whipstaff operation cancel 0199d2c8-6f1e-7cc3-98c8-0242ac120002"],
    run: Some(cancel),
    ..ONE
};

pub(crate) static COMMAND: Command = Command {
    name: "operation",
    aliases: &["operations", "op"],
    usage: "operation",
    about: "show and cancel the changes that a server carries out",
    long: "Shows and cancels the changes that a server carries out. The server is named with --server or $WHIPSTAFF_SERVER.",
    below: &[&LIST, &GET, &WATCH, &CANCEL],
    ..PLAIN
};

fn client(call: &Call) -> Outcome<Client> {
    match &call.server {
        Some(server) => Client::new(server),
        None => fail!("operations are a server's: name it with --server or $WHIPSTAFF_SERVER"),
    }
}

fn list(call: &Call) -> Outcome {
    let client = client(call)?;
    let most = go_int(call.flags.text("max")).and_then(|most| usize::try_from(most).ok()).filter(|most| *most > 0);
    let most = most.unwrap_or(usize::MAX);
    let namespace = if call.flags.on("all-namespaces") { String::new() } else { call.namespace() };
    let text = |flag: &str| call.flags.some(flag).unwrap_or_default().to_owned();
    let (mut found, mut cont) = (Vec::new(), String::new());
    loop {
        let parameters = [
            ("namespace", namespace.clone()),
            ("release", text("release")),
            ("state", text("state")),
            ("limit", most.saturating_sub(found.len()).clamp(1, 1000).to_string()),
            ("continue", cont),
        ];
        let page: OperationList = client.json(&Ask::get(with_query("/v1/operations".to_owned(), &parameters)))?;
        found.extend(page.items);
        match page.cont {
            Some(next) if found.len() < most => cont = next,
            _ => break,
        }
    }
    found.truncate(most);
    show::formatted(call, &found, |found| Ok(in_columns(call, found)))
}

fn in_columns(call: &Call, found: &[Operation]) -> String {
    let headers = ["ID", "CREATED", "KIND", "NAMESPACE", "RELEASE", "STATE", "PHASE", "PROGRESS"];
    let mut rows = vec![headers.map(|header| color::header(call, header)).to_vec()];
    rows.extend(found.iter().map(|operation| {
        let progress = operation.progress.map_or_else(|| "-".to_owned(), |it| format!("{}/{}", it.ready, it.total));
        vec![
            operation.id.clone(),
            operation.created_at.clone(),
            word(&operation.kind),
            color::namespace(call, &operation.release.namespace),
            operation.release.name.clone(),
            state(call, operation.state),
            word(&operation.phase),
            progress,
        ]
    }));
    table(&rows, 0) + "\n"
}

/// A word of the contract.
fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn state(call: &Call, state: State) -> String {
    let text = word(&state);
    match state {
        State::Succeeded => color::added(call, &text),
        State::Failed | State::Cancelled | State::Recovered => color::removed(call, &text),
        State::Queued | State::Running | State::Cancelling => color::changed(call, &text),
    }
}

fn get(call: &Call) -> Outcome {
    let operation = remote::known(&client(call)?, id(call))?;
    show::formatted(call, &operation, |operation| Ok(in_lines(call, operation)))
}

fn in_lines(call: &Call, operation: &Operation) -> String {
    let given = |text: &Option<String>| text.clone().unwrap_or_default();
    let progress = operation.progress.map(|it| format!("{}/{}", it.ready, it.total)).unwrap_or_default();
    let revision = operation.result.and_then(|result| result.revision).map(|it| it.to_string()).unwrap_or_default();
    let error = operation.error.as_ref().map(|error| error.detail.clone()).unwrap_or_default();
    let lines = [
        ("ID", operation.id.clone()),
        ("KIND", word(&operation.kind)),
        ("CLUSTER", operation.release.cluster.clone()),
        ("NAMESPACE", color::namespace(call, &operation.release.namespace)),
        ("RELEASE", operation.release.name.clone()),
        ("STATE", state(call, operation.state)),
        ("PHASE", word(&operation.phase)),
        ("PROGRESS", progress),
        ("INITIATOR", given(&operation.initiator)),
        ("CREATED", operation.created_at.clone()),
        ("FINISHED", given(&operation.finished_at)),
        ("REVISION", revision),
        ("ERROR", error),
    ];
    let said = lines.iter().filter(|(_, value)| !value.is_empty());
    said.map(|(key, value)| format!("{key}: {value}\n")).collect()
}

fn id(call: &Call) -> &str {
    call.args.first().map_or("", String::as_str)
}

fn watch(call: &Call) -> Outcome {
    let client = client(call)?;
    let id = remote::known(&client, id(call))?.id;
    let progress = Progress::default();
    let in_json = call.flags.text("output") == "json";
    let mut told: Outcome = Ok(());
    let done = remote::follow(&client, &id, &mut |event| {
        let shown = if in_json { show::json(&event) } else { Ok(line(&event)) };
        let printed = shown.and_then(|text| print(&text));
        if told.is_ok() {
            told = printed;
        }
        if !in_json {
            progress.see(event);
        }
    });
    progress.end();
    let done = done?;
    told?;
    match call.flags.text("output") {
        "json" => print(&show::json(&Event::Done { operation: Box::new(done.clone()) })?)?,
        "yaml" => print(&show::yaml(&done)?)?,
        _ => print(&in_lines(call, &done))?,
    }
    match done.error {
        Some(error) => Err(remote::failure(&error)),
        None => Ok(()),
    }
}

/// What is a line of its own; the state of objects is drawn.
fn line(event: &Event) -> String {
    match event {
        Event::Phase { phase } => format!("{}\n", word(phase)),
        Event::Hook { name, kind, event, phase } => format!("  hook {event}: {kind} {name} {phase}\n"),
        Event::Resource { kind, name, action, .. } if !matches!(action.as_str(), "waiting" | "ready") => {
            format!("  {kind} {name} {action}\n")
        }
        _ => String::new(),
    }
}

fn cancel(call: &Call) -> Outcome {
    let client = client(call)?;
    if id(call).is_empty() {
        return Err(Fail::new("an operation has an id; `operation list` shows them"));
    }
    let operation = remote::cancel(&client, id(call))?;
    print(&format!("operation \"{}\" is {}\n", operation.id, word(&operation.state)))
}
