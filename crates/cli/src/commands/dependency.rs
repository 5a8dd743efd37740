//! `dependency list`, as Helm 4.3: `pkg/cmd/dependency.go`, `pkg/action/dependency.go`.

use chart::listing;

use crate::command::{Arity, Call, Command, PLAIN};
use crate::fail::Outcome;
use crate::flags::{Flag, Group, Kind, go_int};
use crate::locate;
use crate::output::print;
use crate::table::table;

static FLAGS: Group = Group {
    title: "Output",
    flags: &[Flag::of(Kind::Uint, "max-col-width", "N", "cut columns that are wider; 0 cuts none").or("80")],
};

static LIST: Command = Command {
    name: "list",
    aliases: &["ls"],
    usage: "list CHART",
    about: "list what a chart depends on",
    long: "Lists the dependencies that Chart.yaml names, and whether charts/ holds them: `ok` is an archive of a\n\
           version that fits, `unpacked` a folder. Without CHART it is the folder one is in.",
    examples: &["whipstaff dependency list ./mychart"],
    arity: Arity::AtMost(1),
    flags: &[&FLAGS],
    run: Some(list),
    ..PLAIN
};

pub(crate) static COMMAND: Command = Command {
    name: "dependency",
    aliases: &["dep", "dependencies"],
    usage: "dependency list",
    about: "look at what a chart depends on",
    long: "Looks at the subcharts that a chart names in Chart.yaml and holds in charts/.",
    below: &[&LIST],
    ..PLAIN
};

fn list(call: &Call) -> Outcome {
    let path = call.args.first().map_or_else(|| ".".to_owned(), |path| clean(path));
    let chart = locate::load_any(&path)?;
    let metadata = &chart.metadata;
    if metadata.dependencies.is_empty() && !metadata.empty_dependencies {
        return print(&format!("WARNING: no dependencies at {}\n", clean(&format!("{path}/charts"))));
    }
    let mut rows = vec![["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_owned).to_vec()];
    for found in listing::dependencies(&chart, &path) {
        rows.push(vec![found.name, found.version, found.repository, found.status.to_owned()]);
    }
    let width = go_int(call.flags.text("max-col-width")).and_then(|width| width.try_into().ok()).unwrap_or(80);
    let mut text = format!("{}\n\n", table(&rows, width));
    for warning in listing::strays(&chart, &path, &mut locate::tell) {
        text.push_str(&warning);
        text.push('\n');
    }
    print(&text)
}

/// A path without `.`, `..` and doubled slashes, as Go's `filepath.Clean`.
fn clean(path: &str) -> String {
    let from_root = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if from_root => {}
            part => parts.push(part),
        }
    }
    match (from_root, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}
