//! `diff`, which Helm has as a plugin only.

use api::{ChangedObject, FieldChange, ObjectChange, Revision, RevisionDiff};
use gotext::strconv::{parse_int, quote};
use serde_json::Value;

use crate::color;
use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Fail, Outcome, fail};
use crate::flags::OUTPUT;
use crate::{releases, show};

pub(crate) static COMMAND: Command = Command {
    name: "diff",
    usage: "diff RELEASE [FROM] [TO]",
    about: "compare two revisions of a release",
    long: "Compares the values, objects, hooks and notes of two revisions, field by field: the last revision with the one\n\
           before, FROM with the last, or FROM with TO. What Secrets hold is not shown.",
    examples: &["whipstaff diff shop", "whipstaff diff shop 3", "whipstaff diff shop 3 5 -o json"],
    arity: Arity::AtLeast(1),
    takes: &[Takes::Release, Takes::Revision, Takes::Revision],
    flags: &[&OUTPUT],
    run: Some(run),
    remote: true,
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let (name, from, to) = match call.args.as_slice() {
        [name] => (name, None, None),
        [name, from] => (name, Some(revision(from)?), None),
        [name, from, to] => (name, Some(revision(from)?), Some(revision(to)?)),
        _ => fail!("diff takes a release and two revisions at most"),
    };
    if ::release::validate_name(name).is_err() {
        fail!("release name is invalid: {name}");
    }
    let found = releases::open(call)?.compare(name, from, to)?;
    show::formatted(call, &found, |found| Ok(text(call, found)))
}

fn revision(text: &str) -> Outcome<u32> {
    let number = parse_int(text.as_bytes(), 10, 64).ok().and_then(|number| u32::try_from(number).ok());
    match number {
        Some(number) if number > 0 => Ok(number),
        _ => Err(Fail::new(format!("{} is no revision: a number from 1", quote(text.as_bytes())))),
    }
}

/// The comparison for a person.
fn text(call: &Call, found: &RevisionDiff) -> String {
    let mut lines = vec![about(call, '-', &found.from), about(call, '+', &found.to)];
    if !found.values.is_empty() {
        lines.push(String::new());
        lines.push(color::header(call, "VALUES"));
        lines.extend(found.values.iter().map(|field| line(call, field)));
    }
    for (title, objects) in [("OBJECTS", &found.objects), ("HOOKS", &found.hooks)] {
        if !objects.is_empty() {
            lines.push(String::new());
            lines.push(color::header(call, title));
            objects.iter().for_each(|object| lines.extend(object_lines(call, object)));
        }
    }
    if found.notes {
        lines.push(String::new());
        lines.push(color::header(call, "NOTES"));
        lines.push(painted(call, '~', "~ the text"));
    }
    if lines.len() == 2 {
        lines.push("nothing differs".to_owned());
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn about(call: &Call, sign: char, revision: &Revision) -> String {
    let Revision { revision, chart, status, description, .. } = revision;
    let text = format!("{sign} revision {revision}: {}-{}, {status}: {description}", chart.name, chart.version);
    painted(call, sign, &text)
}

fn object_lines(call: &Call, object: &ChangedObject) -> Vec<String> {
    let ChangedObject { api_version, kind, namespace, name, change, fields } = object;
    let sign = match change {
        ObjectChange::Added => '+',
        ObjectChange::Removed => '-',
        ObjectChange::Changed => '~',
    };
    let place = namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
    let mut lines = vec![painted(call, sign, &format!("{sign} {kind} {name}{place} ({api_version})"))];
    lines.extend(fields.iter().map(|field| format!("  {}", line(call, field))));
    lines
}

fn line(call: &Call, field: &FieldChange) -> String {
    let FieldChange { path, before, after } = field;
    match (before, after) {
        (None, Some(after)) => painted(call, '+', &format!("+ {path}: {}", value(after))),
        (Some(before), None) => painted(call, '-', &format!("- {path}: {}", value(before))),
        (before, after) => {
            let shown = |side: &Option<Value>| side.as_ref().map(value).unwrap_or_default();
            painted(call, '~', &format!("~ {path}: {} -> {}", shown(before), shown(after)))
        }
    }
}

/// A value on one line.
fn value(value: &Value) -> String {
    value.to_string()
}

fn painted(call: &Call, sign: char, text: &str) -> String {
    match sign {
        '+' => color::added(call, text),
        '-' => color::removed(call, text),
        _ => color::changed(call, text),
    }
}
