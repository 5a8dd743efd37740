//! `status`, as Helm 4.3: `pkg/cmd/status.go`, `pkg/action/status.go`.

use engine::Form;

use super::get::content;
use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::Outcome;
use crate::flags::{OUTPUT, REVISION};
use crate::releases::{self, Part};
use crate::status;

pub(crate) static COMMAND: Command = Command {
    name: "status",
    usage: "status RELEASE_NAME",
    about: "show where a release stands",
    long: "Shows when a release was last changed, its status and revision, the objects there are of it and the pods\n\
           that these have made, how its tests went, and its notes.",
    examples: &["whipstaff status shop", "whipstaff status shop --revision 3 -o json"],
    arity: Arity::Exactly(1),
    takes: &[Takes::Release],
    flags: &[&REVISION, &OUTPUT],
    run: Some(run),
    remote: true,
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let releases = releases::open(call)?;
    let (_, release) = content(call, releases.as_ref(), Part::None)?;
    let form = match call.flags.text("output") {
        "json" | "yaml" => Form::Object,
        _ => Form::Table,
    };
    status::print_seen(call, &release, releases.resources(&release, form)?)
}
