//! What the program says to command lines that are wrong, in the words of Helm's libraries.

#![allow(missing_docs, dead_code, clippy::unwrap_used, unreachable_pub)]

mod common;

use common::Place;

#[test]
fn flags_and_arguments() {
    let place = Place::new();
    for (line, want) in [
        ("template", "\"helm template\" requires at least 1 argument\n\nUsage:  helm template [NAME] [CHART] [flags]"),
        ("verify", "\"helm verify\" requires 1 argument\n\nUsage:  helm verify PATH [flags]"),
        (
            "dep list a b",
            "\"helm dependency list\" accepts at most 1 argument\n\nUsage:  helm dependency list CHART [flags]",
        ),
        ("version x", "\"helm version\" accepts no arguments\n\nUsage:  helm version [flags]"),
        ("nonsense", "unknown command \"nonsense\" for \"helm\"\nRun 'helm --help' for usage."),
        (
            "instal",
            "unknown command \"instal\" for \"helm\"\n\nDid you mean this?\n\tinstall\n\nRun 'helm --help' for usage.",
        ),
        ("template --foo=1 a", "unknown flag: --foo"),
        ("template -gx a", "unknown shorthand flag: 'x' in -x"),
        ("template -xg a", "unknown shorthand flag: 'x' in -xg"),
        ("template --=a", "bad flag syntax: --=a"),
        ("template a --set", "flag needs an argument: --set"),
        ("template a -gn", "flag needs an argument: 'n' in -n"),
        (
            "template a --no-hooks=maybe",
            "invalid argument \"maybe\" for \"--no-hooks\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        ),
        ("install a b -o xml", "invalid argument \"xml\" for \"-o, --output\" flag: invalid format type"),
        (
            "install a b --timeout 5",
            "invalid argument \"5\" for \"--timeout\" flag: time: missing unit in duration \"5\"",
        ),
        (
            "install a b --wait=now",
            "invalid argument \"now\" for \"--wait\" flag: invalid wait input \"now\". Valid inputs are watcher, hookOnly, and legacy",
        ),
        ("template a -l x", "invalid argument \"x\" for \"-l, --labels\" flag: x must be formatted as key=value"),
        (
            "template a --post-renderer x",
            "invalid argument \"x\" for \"--post-renderer\" flag: plugin: {Name:x Type:postrenderer/v1} not found",
        ),
        (
            "template a -f b\"",
            "invalid argument \"b\\\"\" for \"-f, --values\" flag: parse error on line 1, column 2: bare \" in non-quoted-field",
        ),
        (
            "install a b --force-replace --force-conflicts",
            "if any flags in the group [force-replace force-conflicts] are set none of the others can be; \
             [force-conflicts force-replace] were all set",
        ),
        ("template a b c", "expected at most two arguments, unexpected arguments: c"),
        ("template a b --dry-run=none", "invalid dry-run value (\"none\"). Must be \"server\" or \"client\""),
        ("install shop --dry-run=client", "INSTALLATION FAILED: must either provide a name or specify --generate-name"),
        ("template a shop -g", "cannot set --generate-name and also specify a name"),
        ("template rel nowhere", "non-absolute URLs should be in form of repo_name/path_to_chart, got: nowhere"),
        ("template rel no/where", "repo no not found"),
        ("template rel ./nowhere", "path \"./nowhere\" not found"),
        ("template rel shop -f no.yaml", "open no.yaml: no such file or directory"),
        ("template rel shop --kube-version x", "invalid kube version 'x': could not parse \"x\" as version"),
        (
            "template rel shop --labels owner=me",
            "user supplied labels contains system reserved label name. System labels: [name owner status version createdAt modifiedAt]",
        ),
        ("dependency list nowhere", "stat nowhere: no such file or directory"),
        ("verify shop", "unpacked charts cannot be verified"),
        ("verify shop/Chart.yaml", "chart must be a tgz file"),
    ] {
        let done = place.run(line);
        assert_eq!((done.code, done.out.as_str()), (1, ""), "{line}");
        assert_eq!(done.err, format!("Error: {want}\n"), "{line}");
    }
}

#[test]
fn where_flags_may_stand() {
    let place = Place::new();
    let want = place.run("template rel shop --namespace web --debug=false");
    assert_eq!((want.code, want.err.as_str()), (0, ""));
    for line in [
        "-n web template rel shop",
        "--namespace=web template rel shop",
        "template -nweb rel shop",
        "template -n=web rel shop",
        "template rel -n other --namespace web shop",
        "template -n web -- rel shop",
        "template rel shop -n web --no-hooks=f --dry-run=client",
    ] {
        assert_eq!(place.run(line), want, "{line}");
    }
}

#[test]
fn old_flags_are_told() {
    let place = Place::new();
    let done = place.run("template rel shop --validate=false --atomic --force");
    assert_eq!(done.code, 0);
    assert_eq!(
        done.err,
        "Flag --validate has been deprecated, use '--dry-run=server' instead\n\
         Flag --atomic has been deprecated, use --rollback-on-failure instead\n\
         Flag --force has been deprecated, use --force-replace instead\n"
    );
    let done = place.run("template rel shop --dry-run");
    let want = "level=WARN msg=\"--dry-run is deprecated and should be replaced with '--dry-run=client'\"\n";
    assert_eq!((done.code, done.err.as_str()), (0, want));
}

#[test]
fn every_command_has_help() {
    let place = Place::new();
    for command in [
        "",
        "serve",
        "dependency",
        "dependency list",
        "dependency update",
        "dependency build",
        "show",
        "show values",
        "lint",
        "verify",
        "install",
        "upgrade",
        "rollback",
        "uninstall",
        "test",
        "unlock",
        "list",
        "status",
        "history",
        "get",
        "get all",
        "get values",
        "get metadata",
        "sandbox",
        "template",
        "env",
        "version",
        "help",
    ] {
        let done = place.run(&format!("{command} --help"));
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{command}");
        assert!(
            done.out.contains(&format!("\nUsage:\n  {}", format!("whipstaff {command}").trim_end())),
            "{}",
            done.out
        );
        assert!(done.out.lines().all(|line| line.chars().count() <= 120), "{}", done.out);
        assert_eq!(done.out, place.run(&format!("help {command}")).out, "{command}");
        if !matches!(command, "dependency" | "get" | "show") {
            assert!(done.out.contains("\nExamples:\n  whipstaff "), "{command}");
        }
    }
}
