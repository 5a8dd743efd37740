//! What charts of other people have shown. The texts are Helm's.

#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]
#![cfg(unix)]

mod common;

use common::Place;

#[test]
fn followed_links_are_told() {
    let place = Place::new();
    place.write("outside/text", "x");
    place.write("linked/Chart.yaml", "apiVersion: v2\nname: linked\nversion: 1.0.0\n");
    place.write("linked/.helmignore", "ignored\n");
    place.write("linked/templates/a.yaml", "kind: A\nt: {{ .Files.Get \"folder/text\" }}\n");
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, place.path().join(name)).unwrap();
    link("../outside", "linked/folder");
    link("../outside/text", "linked/ignored");
    link("linked", "other");
    let told = |path: &str, resolved: &str| {
        format!(
            "level=INFO msg=\"found symbolic link in path. Contents of linked file included and used\" \
             path=HERE/{path} resolved=HERE/{resolved}\n"
        )
    };
    let both = told("linked/folder", "outside") + &told("linked/ignored", "outside/text");
    let done = place.run("template rel linked");
    assert_eq!(done.out, "---\n# Source: linked/templates/a.yaml\nkind: A\nt: x\n");
    assert_eq!(done.err, both);
    // The chart itself may be one.
    let done = place.run("template rel other");
    assert_eq!(done.err, both.replace("path=HERE/linked", "path=HERE/other"));
    assert_eq!(place.run("dependency list linked").err, both);
    // Two of the rules load the chart.
    assert_eq!(place.run("lint linked").err, both.repeat(2));
}

#[test]
fn lint_merges_into_the_given_values() {
    let place = Place::new();
    place.write(
        "p/Chart.yaml",
        "apiVersion: v2\nname: p\nversion: 1.0.0\nicon: https://a.b/c.png\n\
         dependencies:\n- {name: c, version: 1.0.0, condition: 'a.b.sw,a.c'}\n",
    );
    place.write("p/values.yaml", "a: {b: {sw: null, n: 1}, c: true}\nt: {x: 1}\n");
    place.write("p/templates/a.yaml", "");
    place.write("p/charts/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
    let done = place.run("lint p --set a.b.n=null");
    assert_eq!(done.err, "level=WARN msg=\"returned non-bool value\" path=a.b.sw chart=c\n");
    assert_eq!(place.run("lint p --set z=1").err, "");
    let done = place.run("lint p --set t=1 --set a.b.n.x=2");
    assert_eq!(
        done.err,
        "level=INFO msg=\"warning: cannot overwrite table with non table for t (map[x:1])\"\n\
         level=WARN msg=\"returned non-bool value\" path=a.b.sw chart=c\n"
    );
}

#[test]
fn dependencies_that_do_not_go_with_the_values() {
    let place = Place::new();
    let text = "type mismatch on db: %!t(float64=1)";
    let log = format!("level=ERROR msg=\"chart dependencies processing failed\" error=\"{text}\"\n");
    let done = place.run("template rel shop --set-json db=1");
    assert_eq!(done.err, format!("{log}Error: chart dependencies processing failed: {text}\n"));
    let done = place.run("install rel shop --set-json db=1 --dry-run=client --labels name=x");
    assert_eq!(done.err, format!("{log}Error: INSTALLATION FAILED: chart dependencies processing failed: {text}\n"));
    let done = place.run("template rel shop --set-json stray=[1,null] --set replicas.x=1");
    let text = "type mismatch on stray: [%!t(float64=1) <nil>]";
    assert!(done.err.ends_with(&format!("Error: chart dependencies processing failed: {text}\n")), "{}", done.err);
    // What Helm warns of before it fails.
    assert_eq!(
        done.err.lines().next(),
        Some("level=INFO msg=\"warning: skipped value for shop.replicas: Not a table.\""),
    );
    let done = place.run("template rel shop --set replicas=x --labels name=x");
    assert!(done.err.starts_with("Error: values don't meet the specifications of the schema(s)"), "{}", done.err);
    let done = place.run("template rel bad --labels name=x");
    assert!(done.err.starts_with("Error: user supplied labels contains system reserved label name."), "{}", done.err);
}

#[test]
fn imports_that_are_not_there() {
    let place = Place::new();
    place.write(
        "i/Chart.yaml",
        "apiVersion: v2\nname: i\nversion: 1.0.0\ndependencies:\n\
         - {name: c, version: 1.0.0, import-values: [{child: a, parent: b}, nothing]}\n",
    );
    place.write("i/charts/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
    assert_eq!(
        place.run("template rel i").err,
        "level=WARN msg=\"ImportValues missing table from chart\" chart=c error=\"\\\"a\\\" is not a table\"\n\
         level=WARN msg=\"ImportValues missing table\" error=\"\\\"exports\\\" is not a table\"\n"
    );
}

#[test]
fn keys_in_errors_are_escaped() {
    let place = Place::new();
    let error = |path: &str| {
        format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal object into Go struct field \
             {path} of type string"
        )
    };
    place.write("bad/templates/a.yaml", "kind: A\nmetadata: {annotations: {a/b~c: {}}}\n");
    let want = format!("Error: YAML parse error on bad/templates/a.yaml: {}\n", error(".metadata.annotations.a~1b~0c"));
    let got = place.run("template rel bad").err;
    assert!(got.starts_with(&want), "{got}");
    place.write("bad/Chart.yaml", "apiVersion: v2\nname: bad\nversion: 1.0.0\nannotations: {a/b~c: {}}\n");
    let got = place.run("template rel bad").err;
    assert_eq!(got, format!("Error: cannot load Chart.yaml: {}\n", error(".annotations.a~1b~0c")));
}
