//! `lint`.

use crate::command::{Arity, Call, Command, PLAIN};
use crate::fail::{Outcome, fail};
use crate::flags::{Flag, Group, VALUES};

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
    flags: &[&FLAGS, &VALUES],
    run: Some(run),
    ..PLAIN
};

fn run(_: &Call) -> Outcome {
    fail!("not there yet")
}
