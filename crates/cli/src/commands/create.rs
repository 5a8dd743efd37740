//! `create`, as Helm 4.3: `pkg/cmd/create.go`, `pkg/chart/v2/util/create.go`, `SaveDir` of `save.go`.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use chart::text::{io_error, quote};
use chart::{File, clean_path, create};

use crate::command::{Arity, Call, Command, PLAIN};
use crate::fail::{Fail, Outcome, fail};
use crate::files;
use crate::flags::{Flag, Group};
use crate::locate;
use crate::output::print;
use crate::settings;

/// The variable that lets Helm make charts of v3, which it experiments with.
const EXPERIMENT: &str = "HELM_EXPERIMENTAL_CHART_V3";

static FLAGS: Group = Group {
    title: "Starter",
    flags: &[
        Flag::text(
            "starter",
            "NAME",
            "begin with this chart: a folder in $HELM_DATA_HOME/starters, or an absolute path",
        )
        .short('p'),
        Flag::text("chart-api-version", "VERSION", "the apiVersion of the chart: v2").or("v2").hidden(),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "create",
    usage: "create NAME",
    about: "begin a chart",
    long: "Makes the folder NAME with a chart that can be installed as it is: a Deployment, a Service and a service account,\n\
           and where values ask for them an Ingress, an HTTPRoute and an autoscaler; with a test, notes, and a schema that\n\
           says what the values may be. Change values.yaml first, then the templates.\n\n\
           NAME may be a path whose last part is the name. Files that are there already are written over, others are left\n\
           alone. A starter is a chart whose templates and values say <CHARTNAME> where the name belongs.",
    examples: &[
        "whipstaff create shop",
        "whipstaff create charts/shop --starter /srv/starters/web",
        "whipstaff lint shop --strict && whipstaff install shop ./shop",
    ],
    arity: Arity::Exactly(1),
    flags: &[&FLAGS],
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let path = call.args.first().map_or("", String::as_str);
    print(&format!("Creating {path}\n"))?;
    match call.flags.text("chart-api-version") {
        "" | "v2" => {}
        "v3" if std::env::var_os(EXPERIMENT).is_some_and(|text| !text.is_empty()) => {
            fail!("charts of the apiVersion v3 cannot be made: Helm only experiments with them");
        }
        "v3" => fail!(
            "this feature has been marked as experimental and is not enabled by default. Please set {EXPERIMENT}=1 in your \
             environment to use this feature"
        ),
        other => fail!("unsupported chart API version: {other} (supported: v2, v3)"),
    }
    let (folder, name) = (folder_of(path), last(path));
    match call.flags.some("starter") {
        Some(starter) => from_starter(&folder, name, starter),
        None => from_ours(&folder, name),
    }
}

fn from_ours(folder: &str, name: &str) -> Outcome {
    let files = create::begin(name)?;
    let folder = locate::absolute(folder)?;
    let kind = Path::new(&folder).metadata();
    let kind = kind.map_err(|error| Fail::new(format!("stat {folder}: {}", io_error(&error))))?;
    if !kind.is_dir() {
        fail!("no such directory {folder}");
    }
    let chart = place(&folder, name)?;
    for file in &files {
        let path = format!("{chart}/{}", file.name);
        if Path::new(&path).metadata().is_ok() {
            print(&format!("WARNING: File {} already exists. Overwriting.\n", quote(&path)))?;
        }
        write(&path, file)?;
    }
    files::make_folder(Path::new(&format!("{chart}/charts")))
}

fn from_starter(folder: &str, name: &str, starter: &str) -> Outcome {
    let path = match starter.starts_with('/') {
        true => starter.to_owned(),
        false => clean_path(&format!("{}/{starter}", settings::starters())),
    };
    let loaded = |error| Fail::new(format!("could not load {path}: {error}"));
    let chart = chart::load_path_telling(Path::new(&path), true, &mut locate::tell).map_err(loaded)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let files = create::begin_from(&chart, name, i64::try_from(now)?)?;
    let chart = place(folder, name)?;
    files::make_folder(Path::new(&chart))?;
    files.iter().try_for_each(|file| write(&clean_path(&format!("{chart}/{}", file.name)), file))
}

/// The folder of the chart; it is an error when a file lies there.
fn place(folder: &str, name: &str) -> Outcome<String> {
    let path = clean_path(&format!("{folder}/{name}"));
    if Path::new(&path).metadata().is_ok_and(|kind| !kind.is_dir()) {
        fail!("file {path} already exists and is not a directory");
    }
    Ok(path)
}

fn write(path: &str, file: &File) -> Outcome {
    if let Some(above) = Path::new(path).parent() {
        files::make_folder(above)?;
    }
    files::write(path, &file.data)
}

/// The last part of a path, as Go's `filepath.Base`.
fn last(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.is_empty() => ".",
        "" => "/",
        trimmed => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

/// What lies before the last slash of a path, as Go's `filepath.Dir`.
fn folder_of(path: &str) -> String {
    let before = path.rfind('/').and_then(|at| path.get(..=at));
    clean_path(before.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_as_go() {
        for (path, folder, name) in [
            ("shop", ".", "shop"),
            ("a/b/../shop", "a", "shop"),
            ("shop/", "shop", "shop"),
            ("./shop//", "shop", "shop"),
            ("/", "/", "/"),
            ("", ".", "."),
            ("..", ".", ".."),
        ] {
            assert_eq!((folder_of(path).as_str(), last(path)), (folder, name), "{path}");
        }
    }
}
