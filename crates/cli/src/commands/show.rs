//! `show`, as Helm 4.3: `pkg/cmd/show.go`, `pkg/action/show.go`.

use chart::Chart;

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Fail, Outcome};
use crate::flags::{CHART, Flag, Group};
use crate::jsonpath;
use crate::locate;

static DEVEL: Group = Group {
    title: "",
    flags: &[Flag::switch("devel", "take versions before 1.0 and pre-releases too (--version '>0.0.0-0')")],
};

static JSONPATH: Group = Group {
    title: "",
    flags: &[Flag::text("jsonpath", "TEMPLATE", "print only what this JSONPath template makes of the values")],
};

/// The names of a README, whatever their case.
const READMES: [&str; 3] = ["readme.md", "readme.txt", "readme"];

const PART: Command = Command { arity: Arity::Exactly(1), takes: &[Takes::Chart], flags: &[&DEVEL, &CHART], ..PLAIN };

static ALL: Command = Command {
    name: "all",
    usage: "all [CHART]",
    about: "show everything",
    long: "Prints Chart.yaml, values.yaml, the README and the definitions in crds/, one after the other.",
    examples: &["whipstaff show all ./mychart"],
    run: Some(|call| show(call, &[chart_yaml, values, readme, crds], true)),
    ..PART
};

static README: Command = Command {
    name: "readme",
    usage: "readme [CHART]",
    about: "show the README",
    long: "Prints the README of a chart.",
    examples: &["whipstaff show readme ./mychart"],
    run: Some(|call| show(call, &[readme], false)),
    ..PART
};

static VALUES: Command = Command {
    name: "values",
    usage: "values [CHART]",
    about: "show the default values",
    long: "Prints values.yaml as it is written, or with --jsonpath a part of it.",
    examples: &["whipstaff show values ./mychart", "whipstaff show values ./mychart --jsonpath '{.image.tag}'"],
    flags: &[&JSONPATH, &DEVEL, &CHART],
    run: Some(|call| show(call, &[values], false)),
    ..PART
};

static DEFINITION: Command = Command {
    name: "chart",
    usage: "chart [CHART]",
    about: "show Chart.yaml",
    long: "Prints what Chart.yaml says, and the dependencies of an old chart's requirements.yaml with it.",
    examples: &["whipstaff show chart ./mychart-1.2.3.tgz"],
    run: Some(|call| show(call, &[chart_yaml], false)),
    ..PART
};

static CRDS: Command = Command {
    name: "crds",
    usage: "crds [CHART]",
    about: "show the definitions in crds/",
    long: "Prints the custom resource definitions in crds/, those of subcharts too.",
    examples: &["whipstaff show crds ./mychart"],
    run: Some(|call| show(call, &[crds], false)),
    ..PART
};

pub(crate) static COMMAND: Command = Command {
    name: "show",
    aliases: &["inspect"],
    usage: "show",
    about: "show the parts of a chart",
    long: "Prints the parts of a chart: its definition, its default values, its README, its custom resource definitions.",
    below: &[&ALL, &README, &VALUES, &DEFINITION, &CRDS],
    ..PLAIN
};

/// Makes a part of the output; `with_others` puts lines between them.
type Part = fn(&Call, &Chart, bool, &mut Vec<u8>) -> Outcome;

fn show(call: &Call, parts: &[Part], with_others: bool) -> Outcome {
    let version = call.flags.text("version");
    call.debug("original chart version", &[("version", version)]);
    if version.is_empty() && call.flags.on("devel") {
        call.debug("setting version to >0.0.0-0", &[]);
    }
    let name = call.args.first().map_or("", String::as_str);
    let path = locate::chart(call, name)?;
    let chart = locate::load_any(&path)?;
    let mut out = Vec::new();
    for part in parts {
        part(call, &chart, with_others, &mut out)?;
    }
    crate::output::write(&out)
}

fn chart_yaml(_: &Call, chart: &Chart, _: bool, out: &mut Vec<u8>) -> Outcome {
    let json = serde_json::to_string(&chart.metadata)?;
    out.extend(goyaml::to_yaml(&goyaml::from_json_keep_ints(json)?)?.as_bytes());
    out.push(b'\n');
    Ok(())
}

fn values(call: &Call, chart: &Chart, with_others: bool, out: &mut Vec<u8>) -> Outcome {
    if !chart.has_values {
        return Ok(());
    }
    if with_others {
        out.extend(b"---\n");
    }
    if let Some(template) = call.flags.some("jsonpath") {
        let parsed = jsonpath::Template::parse(template)
            .map_err(|error| Fail::new(format!("error parsing jsonpath {template}: {error}")))?;
        // Helm does not look whether the template could be executed; what was printed until then stays.
        let _ = parsed.execute(&goyaml::Value::Map(chart.values.clone()), out);
        return Ok(());
    }
    for file in chart.raw.iter().filter(|file| file.name == "values.yaml") {
        out.extend(file.data.as_ref());
        out.push(b'\n');
    }
    Ok(())
}

fn readme(_: &Call, chart: &Chart, with_others: bool, out: &mut Vec<u8>) -> Outcome {
    let is_readme = |name: &str| READMES.iter().any(|known| name.eq_ignore_ascii_case(known));
    let Some(file) = chart.files.iter().find(|file| is_readme(&file.name)) else { return Ok(()) };
    if with_others {
        out.extend(b"---\n");
    }
    out.extend(file.data.as_ref());
    out.push(b'\n');
    Ok(())
}

fn crds(_: &Call, chart: &Chart, _: bool, out: &mut Vec<u8>) -> Outcome {
    for crd in chart.crd_objects() {
        if !crd.file.data.starts_with(b"---") {
            out.extend(b"---\n");
        }
        out.extend(crd.file.data.as_ref());
        out.push(b'\n');
    }
    Ok(())
}
