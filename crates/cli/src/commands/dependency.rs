//! `dependency`, as Helm 4.3: `pkg/cmd/dependency.go`, `pkg/cmd/dependency_update.go`, `pkg/cmd/dependency_build.go`,
//! `pkg/action/dependency.go`.

use chart::{clean_path, listing};

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::Outcome;
use crate::flags::{Flag, Group, Kind, REGISTRY, go_int};
use crate::locate;
use crate::output::print;
use crate::subcharts::{self, Wanted};
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
    takes: &[Takes::Path],
    flags: &[&FLAGS],
    run: Some(list),
    ..PLAIN
};

static FETCHING: Group = Group {
    title: "Subcharts",
    flags: &[
        Flag::switch("skip-refresh", "take the indexes of repositories as they are in the cache"),
        Flag::switch("verify", "check the provenance files of what is fetched"),
        Flag::text("keyring", "FILE", "the public keys to verify with; else GnuPG's own"),
    ],
};

static UPDATE: Command = Command {
    name: "update",
    aliases: &["up"],
    usage: "update CHART",
    about: "fetch the subcharts that a chart names",
    long: "Fetches the newest version of each subchart that Chart.yaml allows into charts/, removes archives of others there,\n\
           and notes the versions in Chart.lock. A repository is a URL, `@name` or `alias:name` of one that was added, or\n\
           `file://` and a folder; without one the subchart lies in charts/ already. When anything cannot be had, charts/\n\
           stays as it is.",
    examples: &["whipstaff dependency update ./mychart", "whipstaff dependency update ./mychart --skip-refresh"],
    arity: Arity::AtMost(1),
    takes: &[Takes::Path],
    flags: &[&FETCHING, &REGISTRY],
    run: Some(update),
    ..PLAIN
};

static BUILD: Command = Command {
    name: "build",
    usage: "build CHART",
    about: "fetch the subcharts that Chart.lock names",
    long: "Fetches just those versions into charts/ that Chart.lock names, which has to belong to Chart.yaml as it is. Without\n\
           Chart.lock it does what `dependency update` does.",
    examples: &["whipstaff dependency build ./mychart", "whipstaff dependency build ./mychart --verify"],
    arity: Arity::AtMost(1),
    takes: &[Takes::Path],
    flags: &[&FETCHING, &REGISTRY],
    run: Some(build),
    ..PLAIN
};

pub(crate) static COMMAND: Command = Command {
    name: "dependency",
    aliases: &["dep", "dependencies"],
    usage: "dependency update|build|list",
    about: "fetch and look at what a chart depends on",
    long: "Fetches the subcharts that a chart names in Chart.yaml into charts/, and looks at what is there.",
    below: &[&LIST, &UPDATE, &BUILD],
    ..PLAIN
};

fn list(call: &Call) -> Outcome {
    let path = chart(call);
    let chart = locate::load_any(&path)?;
    let metadata = &chart.metadata;
    if metadata.dependencies.is_empty() && !metadata.empty_dependencies {
        return print(&format!("WARNING: no dependencies at {}\n", clean_path(&format!("{path}/charts"))));
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

fn update(call: &Call) -> Outcome {
    let wanted = Wanted { verify: call.flags.on("verify").then_some(true), ..wanted(call) };
    subcharts::fetch(call, &chart(call), wanted)
}

fn build(call: &Call) -> Outcome {
    let wanted = Wanted { locked: true, verify: call.flags.on("verify").then_some(false), ..wanted(call) };
    subcharts::fetch(call, &chart(call), wanted)
}

fn wanted(call: &Call) -> Wanted {
    Wanted { skip_refresh: call.flags.on("skip-refresh"), ..Wanted::default() }
}

/// The chart's folder.
fn chart(call: &Call) -> String {
    call.args.first().map_or_else(|| ".".to_owned(), |path| clean_path(path))
}
