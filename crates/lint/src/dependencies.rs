//! Subcharts (as Helm 4.3: `pkg/chart/v2/lint/rules/dependencies.go`).

use std::collections::BTreeSet;

use crate::linter::Linter;
use crate::linter::Severity::{Error, Warning};

pub(crate) fn check(linter: &mut Linter<'_>) {
    let chart = match linter.load() {
        Ok(chart) => chart,
        Err(text) => {
            linter.rule(Error, "", Err(format!("unable to load chart\n\t{text}")));
            return;
        }
    };
    let wanted: Vec<&str> = chart.metadata.dependencies.iter().map(|wanted| wanted.name.as_str()).collect();
    let there: Vec<&str> = chart.dependencies.iter().map(|subchart| subchart.metadata.name.as_str()).collect();
    let unknown: Vec<&str> = there.iter().copied().filter(|name| !wanted.contains(name)).collect();
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| !there.contains(name)).collect();
    let mut keys = BTreeSet::new();
    let twice: Vec<&str> =
        chart.metadata.dependencies.iter().map(|wanted| wanted.key()).filter(|key| !keys.insert(*key)).collect();
    let folder = linter.source.root().to_owned();
    let none_of = |names: &[&str], text: &str| match names {
        [] => Ok(()),
        names => Err(format!("{text}: {}", names.join(","))),
    };
    linter.rule(Error, &folder, none_of(&unknown, "chart metadata is missing these dependencies"));
    linter.rule(Error, &folder, none_of(&twice, "multiple dependencies with name or alias"));
    linter.rule(Warning, &folder, none_of(&missing, "chart directory is missing these dependencies"));
}
