//! `repo index`, as Helm 4.3: `pkg/cmd/repo_index.go`.

use std::path::Path;

use depot::publish::{self, Options};

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Outcome, fail};
use crate::flags::{Flag, Group};
use crate::{depots, locate};

static FLAGS: Group = Group {
    title: "Index",
    flags: &[
        Flag::text("url", "URL", "where the charts can be had; else beside the index"),
        Flag::text("merge", "FILE", "take over the charts of this index that are not in the folder"),
        Flag::switch("json", "write JSON"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "index",
    usage: "index [DIR]",
    about: "make the index of a folder of packed charts",
    long: "Writes index.yaml into a folder: all packed charts (*.tgz) in it and in the folders in it, with their hashes. The\n\
           folder on any web server is a chart repository.",
    examples: &[
        "whipstaff repo index ./charts --url https://charts.example.com",
        "whipstaff repo index ./new --merge ./charts/index.yaml",
    ],
    arity: Arity::Exactly(1),
    takes: &[Takes::Path],
    flags: &[&FLAGS],
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let Some(folder) = call.args.first() else { fail!("a folder is needed") };
    let folder = locate::absolute(folder)?;
    publish::write(&Options {
        folder: Path::new(&folder),
        url: call.flags.text("url"),
        merge: call.flags.some("merge").map(Path::new),
        json: call.flags.on("json"),
        now: &depots::now(),
    })?;
    Ok(())
}
