//! `lint`, as Helm 4.3: `pkg/cmd/lint.go`.

use std::path::Path;
use std::sync::Arc;

use chart::capabilities::KubeVersion;
use chart::text::io_error;
use jiff::Timestamp;
use lint::{Finding, Folder, Notice, Notices, Options, Severity};

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::expand;
use crate::fail::{Fail, Outcome};
use crate::flags::{Flag, Group, VALUES};
use crate::locate;
use crate::log::{Level, log};
use crate::output::print;
use crate::release::values_notice;
use crate::values;

static FLAGS: Group = Group {
    title: "Linting",
    flags: &[
        Flag::switch("strict", "fail on warnings too"),
        Flag::switch("quiet", "print warnings and errors only"),
        Flag::switch("with-subcharts", "lint the charts in charts/ too"),
        Flag::switch("skip-schema-validation", "do not check the values against the chart's schema"),
        Flag::text("kube-version", "VERSION", "the Kubernetes version to check for"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "lint",
    usage: "lint PATH",
    about: "look for what is wrong with a chart",
    long: "Checks charts: what Chart.yaml says, values against the schema, and what the templates make.",
    examples: &["whipstaff lint ./mychart", "whipstaff lint ./mychart --strict -f prod.yaml"],
    arity: Arity::AtLeast(1),
    takes: &[Takes::Path],
    flags: &[&FLAGS, &VALUES],
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let flags = &call.flags;
    let version = |text: &str| {
        KubeVersion::parse(text).map_err(|error| Fail::new(format!("invalid kube version '{text}': {error}")))
    };
    let kube_version = flags.some("kube-version").map(version).transpose()?;
    let mut paths = call.args.clone();
    if flags.on("with-subcharts") {
        call.args.iter().for_each(|path| subcharts(&Path::new(path).join("charts"), &mut paths));
    }
    let mut options = Options {
        namespace: call.settings.namespace(),
        values: values::merge(flags)?.0,
        kube_version,
        skip_schema_validation: flags.on("skip-schema-validation"),
        ..Options::new(Timestamp::now())
    };
    let notices: Notices = Arc::new(|notice| tell(&notice));
    let (strict, quiet) = (flags.on("strict"), flags.on("quiet"));
    let least = if strict { Severity::Warning } else { Severity::Error };
    let (mut text, mut failed, mut noteworthy) = (String::new(), 0, 0);
    for path in &paths {
        let result = of_path(path, &mut options, &notices);
        let findings = result.as_ref().map_or(&[][..], Vec::as_slice);
        let is_noteworthy = result.is_err() || findings.iter().any(|finding| finding.severity > Severity::Info);
        noteworthy += usize::from(is_noteworthy);
        failed += usize::from(result.is_err() || findings.iter().any(|finding| finding.severity >= least));
        if quiet && !is_noteworthy {
            continue;
        }
        text.push_str(&format!("==> Linting {path}\n"));
        if let Err(error) = &result {
            text.push_str(&format!("Error {error}\n"));
        }
        for finding in findings.iter().filter(|finding| !quiet || finding.severity > Severity::Info) {
            text.push_str(&format!("{finding}\n"));
        }
        text.push('\n');
    }
    let summary = format!("{} chart(s) linted, {failed} chart(s) failed", paths.len());
    if failed == 0 && (!quiet || noteworthy > 0) {
        text.push_str(&format!("{summary}\n"));
    }
    print(&text)?;
    if failed > 0 { Err(Fail::new(summary)) } else { Ok(()) }
}

/// Finds the charts below a folder, however deep, in the order of their names.
fn subcharts(folder: &Path, found: &mut Vec<String>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let clean = |path: &Path| path.to_string_lossy().into_owned();
        if name == "Chart.yaml" {
            found.push(clean(folder));
        } else if name.ends_with(".tgz") || name.ends_with(".tar.gz") {
            found.push(clean(&path));
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            subcharts(&path, found);
        }
    }
}

/// Tells what is no finding on standard error.
fn tell(notice: &Notice) {
    match notice {
        Notice::Chart(notice) => locate::tell(notice.clone()),
        Notice::Values(text) => values_notice(text),
        Notice::Template(said) => {
            let level = if said.level == "WARN" { Level::Warn } else { Level::Info };
            log(level, &said.text, &[("message", &said.message)]);
        }
    }
}

/// Lints a chart's folder or archive; it is an error when it is no chart at all.
fn of_path(path: &str, options: &mut Options, notices: &Notices) -> Result<Vec<Finding>, String> {
    if !path.ends_with(".tgz") && !path.ends_with(".tar.gz") {
        return of_folder(path, options, notices);
    }
    let data = std::fs::read(path).map_err(|e| format!("unable to open tarball: open {path}: {}", io_error(&e)))?;
    let scratch = tempfile::Builder::new().prefix("helm-lint").tempdir();
    let scratch = scratch.map_err(|e| format!("unable to create temp dir to extract tarball: {}", io_error(&e)))?;
    let folder = expand::into(&data, scratch.path()).map_err(|text| format!("unable to extract tarball: {text}"))?;
    of_folder(&folder, options, notices)
}

fn of_folder(path: &str, options: &mut Options, notices: &Notices) -> Result<Vec<Finding>, String> {
    let file = format!("{}/Chart.yaml", path.trim_end_matches('/')).replace("//", "/");
    let file = file.strip_prefix("./").unwrap_or(&file);
    if let Err(error) = Path::new(file).metadata() {
        return Err(format!("unable to check Chart.yaml file in chart: stat {file}: {}", io_error(&error)));
    }
    let folder = Folder::new(locate::absolute(path).map_err(|fail| fail.text)?);
    let findings = lint::run(&folder, options, notices).map_err(|error| error.to_string());
    // Helm's rules change the user's values, and the next chart is linted with what became of them.
    options.values = lint::values_after(&folder, std::mem::take(&mut options.values));
    findings
}
