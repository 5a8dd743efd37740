//! Hostile charts in the dialect end with an error, within their budgets.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chart::helm2;
use render::Limit;
use render::helm2::{Capabilities, Error, Inputs, Release, render};

use crate::ours;

fn rendered(template: &str, set: impl Fn(&mut Inputs<'_>)) -> Result<String, Error> {
    let chart = ours::load_files(&[("Chart.yaml", "name: c"), ("templates/a.yaml", template)]).unwrap();
    let values = helm2::coalesce_values(&chart, Some("{}")).unwrap().values;
    let (release, capabilities) = (Release::default(), Capabilities::default());
    let mut inputs = Inputs::new(&values, &release, &capabilities, jiff::Timestamp::UNIX_EPOCH);
    set(&mut inputs);
    render(&chart, &inputs).map(|made| made.manifest)
}

fn limit(template: &str, set: impl Fn(&mut Inputs<'_>)) -> Limit {
    match rendered(template, set) {
        Err(Error::Limit { limit, .. }) => limit,
        other => panic!("{template}: {other:?}"),
    }
}

#[test]
fn budgets_are_kept() {
    let steps = "{{ range until 1000 }}{{ range until 1000 }}{{ end }}{{ end }}";
    assert_eq!(limit(steps, |i| i.limits.steps = Some(10_000)), Limit::Steps);
    let output = "{{ range until 1000 }}{{ repeat 1000 \"x\" }}{{ end }}";
    assert_eq!(limit(output, |i| i.limits.output = Some(100_000)), Limit::Output);
    for memory in [
        "{{ repeat 100000000 \"x\" | len }}",
        "{{ $s := repeat 1000000 \"x\" }}{{ range until 100 }}{{ $s = cat $s $s }}{{ end }}",
        "{{ $t := repeat 1000000 \"A\" }}{{ range until 100 }}{{ $t = snakecase (print $t .) }}{{ end }}",
        "{{ $t := repeat 1000000 \"_a\" }}{{ range until 100 }}{{ $x := camelcase $t }}{{ end }}",
        "{{ $l := list 1 }}{{ range until 30 }}{{ $l = concat $l $l }}{{ end }}{{ toToml (dict \"a\" $l) | len }}",
        "{{ $d := dict \"a\" (repeat 1000000 \"x\") }}{{ range until 100 }}{{ $x := toYaml $d }}{{ end }}",
        "{{ range until 1000 }}{{ $x := tpl (print . (repeat 100000 \"x\") \"{{ 1 }}\") $ }}{{ end }}",
        "{{ toDecimal (repeat 100000000 \"7\") }}",
        "{{ required (repeat 100000000 \"%d\") \"\" }}",
    ] {
        assert_eq!(limit(memory, |i| i.limits.memory = Some(32 << 20)), Limit::Memory, "{memory}");
    }
    let stopped = |i: &mut Inputs<'_>| i.interrupt = Some(Arc::new(AtomicBool::new(true)));
    assert_eq!(limit(steps, stopped), Limit::Interrupted);
}

#[test]
fn what_no_client_sends_is_rendered() {
    // Charts and subcharts without a name, and files of any name.
    let template =
        |name: &str| chart::File { name: name.into(), data: "{{ toJson . }}".to_owned().into(), mod_time: None };
    let mut sub = helm2::Chart { templates: vec![template("../../x"), template("")], ..helm2::Chart::default() };
    sub.dependencies.push(helm2::Chart { templates: vec![template("/abs")], ..helm2::Chart::default() });
    let mut chart = helm2::Chart { templates: vec![template("NOTES.txt")], ..helm2::Chart::default() };
    chart.dependencies.push(sub);
    let values = helm2::coalesce_values(&chart, Some("a: 1")).unwrap().values;
    let (release, capabilities) = (Release::default(), Capabilities::default());
    let inputs = Inputs::new(&values, &release, &capabilities, jiff::Timestamp::UNIX_EPOCH);
    let files = render::helm2::files(&chart, &inputs).unwrap();
    assert_eq!(files.get("NOTES.txt").map(|text| text.contains("\"Values\":{\"\":")), Some(true));
    let below = r#"{"Template":{"BasePath":"charts/templates","Name":"charts"}}"#;
    assert_eq!(files.get("charts").map(|text| &**text), Some(below));
}

#[test]
fn what_has_no_end_ends() {
    for template in [
        "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}",
        "{{ $t := \"{{ tpl .t . }}\" }}{{ $_ := set . \"t\" $t }}{{ tpl $t . }}",
        "{{ $t := \"{{ include .Template.Name . }}\" }}{{ tpl $t . }}",
        "{{ tpl \"{{ include \\\"c/templates/a.yaml\\\" . }}\" . }}",
        "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ toYaml $d }}{{ toJson $d }}{{ $d | toString | len }}{{ toToml $d }}",
        "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ merge $d $d | len }}{{ mergeOverwrite (dict \"d\" $d) $d | len }}",
        "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ merge (dict \"d\" (dict \"d\" $d)) $d | len }}",
        "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ deepCopy $d }}",
        "{{ $_ := set .Values \"v\" . }}{{ toYaml . }}{{ print . | len }}",
    ] {
        // Whatever comes out of it, it comes.
        let _ = rendered(template, |i| {
            i.limits.steps = Some(5_000_000);
            i.limits.memory = Some(256 << 20);
            i.limits.output = Some(64 << 20);
        });
    }
}

#[test]
fn odd_arguments_do_not_panic() {
    let functions: Vec<&str> = render::helm2::functions().map(|f| f.name).collect();
    assert_eq!(functions.len(), 155);
    let slow = ["genPrivateKey", "genCA", "genSelfSignedCert", "genSignedCert", "derivePassword"];
    let odd = [
        "nil",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "\"\"",
        "\"\\xff\"",
        "(dict)",
        "(list)",
        ".",
        "$",
        ".Chart",
        ".Capabilities",
        ".Files",
        ".Release.Time",
        "1e308",
        "(dict \"Template\" (dict))",
    ];
    for name in functions.iter().filter(|name| !slow.contains(name)) {
        for first in odd {
            for second in odd.iter().step_by(3) {
                for call in [
                    format!("{{{{ {name} {first} }}}}"),
                    format!("{{{{ {name} {first} {second} }}}}"),
                    format!("{{{{ {name} {second} {first} {first} }}}}"),
                ] {
                    let _ = rendered(&call, |i| {
                        i.limits.memory = Some(64 << 20);
                        i.limits.output = Some(64 << 20);
                        i.limits.steps = Some(1_000_000);
                    });
                }
            }
        }
    }
}
