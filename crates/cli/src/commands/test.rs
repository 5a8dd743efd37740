//! `test`, as Helm 4.3: `pkg/cmd/release_testing.go`.

use engine::Test;

use crate::change;
use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{Flag, Group, Kind};
use crate::output::print;
use crate::releases::{self, Tested};
use crate::status::{self, Shape};

static FLAGS: Group = Group {
    title: "Testing",
    flags: &[
        Flag::of(Kind::Slice, "filter", "name=TEST", "run these tests only, or with !name=TEST all but these"),
        Flag::switch("logs", "print what the tests have printed"),
        Flag::of(Kind::Duration, "timeout", "TIME", "how long to wait for any one test").or("5m0s"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "test",
    usage: "test [RELEASE]",
    about: "run the tests of a release",
    long: "Runs the tests that a release's chart holds, one after the other, and shows how they went.",
    examples: &["whipstaff test shop --logs", "whipstaff test shop --filter '!name=slow'"],
    arity: Arity::Exactly(1),
    takes: &[Takes::Release],
    flags: &[&FLAGS],
    run: Some(run),
    remote: true,
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let name = call.args.first().map_or("", String::as_str);
    let releases = releases::open(call)?;
    if ::release::validate_name(name).is_err() {
        fail!("releaseTest: Release name is invalid: {name}");
    }
    let (only, without) = filters(call.flags.list("filter"));
    let logs = call.flags.on("logs");
    let wish = Test { target: releases.target(name), only, without, logs, wait: change::wait(call) };
    let Tested { release, logs: printed, failure } = releases.test(call, wish)?;
    let shape = Shape { hide_notes: true, ..status::fresh(call) };
    print(&status::table(call, &release, &shape)?)?;
    let mut errors: Vec<String> = failure.into_iter().collect();
    if logs {
        print("\n")?;
        for log in printed {
            match log {
                Ok([pod, container, text]) => print(&format!("POD LOGS: {pod} ({container})\n{text}\n"))?,
                Err(error) => errors.push(error),
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Fail::new(errors.join("\n"))) }
}

/// The names that are wanted, and those that are not; what is neither is not looked at, as with Helm.
fn filters(filters: &[String]) -> (Vec<String>, Vec<String>) {
    let names = |prefixes: &[&str]| {
        let name = |text: &String| prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)).map(str::to_owned);
        filters.iter().filter_map(name).collect::<Vec<_>>()
    };
    (names(&["name="]), names(&["!name=", "! name="]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_by_name() {
        let texts = ["name=a", "!name=b", "! name=c", "kind=Pod"].map(str::to_owned);
        assert_eq!(filters(&texts), (vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()]));
    }
}
