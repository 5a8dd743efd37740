//! What templates of others may not do: run forever, nest forever, take everything; and what a parsed chart promises.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use chart::{Chart, File};
use goyaml::Map;
use render::{Capabilities, Inputs, Limit, Limits, Parsed, Release, RenderError, template_name};

fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_790_000_000).unwrap()
}

fn parsed(text: &str) -> Parsed {
    let mut chart = Chart::default();
    chart.metadata.name = "t".into();
    chart.templates.push(File { name: "templates/a.yaml".into(), data: text.to_owned().into(), ..File::default() });
    Parsed::new(Arc::new(chart)).unwrap()
}

fn run(text: &str, shape: impl Fn(&mut Inputs<'_>)) -> Result<String, RenderError> {
    let (values, release, capabilities) = (Map::new(), Release::default(), Capabilities::default());
    let mut inputs = Inputs::new(&values, &release, &capabilities, now());
    shape(&mut inputs);
    parsed(text).render(&inputs).map(|mut files| files.remove("t/templates/a.yaml").unwrap().to_string())
}

#[test]
fn budgets_end_a_render() {
    let forever =
        "{{ define \"x\" }}{{ range 1000000 }}{{ range 1000000 }}{{ end }}{{ end }}{{ end }}{{ include \"x\" . }}";
    let loud = "{{ range 1000000000 }}a long enough line of text to count{{ end }}";
    let hungry = "{{ $x := \"xxxxxxxxxxxxxxxx\" }}{{ range 60 }}{{ $x = cat $x $x }}{{ end }}";
    let many = "{{ $l := list 1 }}{{ range 100000000 }}{{ $l = append $l 1 }}{{ end }}";
    let steps = Limits { steps: Some(1_000_000), ..Limits::default() };
    let output = Limits { output: Some(1 << 20), ..Limits::default() };
    let memory = Limits { memory: Some(64 << 20), ..Limits::default() };
    for (text, limits, want) in [
        (forever, steps, Limit::Steps),
        (loud, output, Limit::Output),
        (hungry, memory.clone(), Limit::Memory),
        (many, memory, Limit::Memory),
    ] {
        match run(text, |inputs| inputs.limits = limits.clone()) {
            Err(RenderError::Limit { template, limit, .. }) => {
                assert_eq!((template.as_str(), limit), ("t/templates/a.yaml", want), "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn calls_of_oneself_end() {
    let include = run("{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}", |_| {}).unwrap_err();
    let want = "error calling include: rendering template has a nested reference name: x: unable to execute template";
    assert!(include.to_string().ends_with(want), "{include}");
    // Helm dies of these two.
    let tpl = "{{ $t := \"{{ tpl .t . }}\" }}{{ tpl $t (dict \"t\" $t) }}";
    let error = run(tpl, |_| {}).unwrap_err();
    assert!(error.to_string().contains("`tpl` calls itself more than 1000 times"), "{error}");
    let both =
        "{{ define \"x\" }}{{ tpl .t . }}{{ end }}{{ include \"x\" (dict \"t\" \"{{ include \\\"x\\\" . }}\") }}";
    assert!(run(both, |_| {}).is_err());
}

#[test]
fn values_that_contain_themselves() {
    // Helm dies of the first three.
    let cyclic = "{{ $d := dict }}{{ $e := dict }}{{ $_ := set $d \"x\" $d }}{{ $_ := set $d \"y\" $d }}{{ $_ := set $e \"x\" $e }}{{ $_ := set $e \"y\" $e }}";
    for (rest, want) in [
        ("{{ deepCopy $d }}", None),
        ("{{ mustMerge $d $e }}", None),
        ("{{ mustToToml (dict \"l\" (list 1 $d)) }}", None),
        ("{{ mustToJson $d }}", None),
        ("{{ mustToYaml $d }}", None),
        ("{{ toYaml $d }}", Some("")),
        ("{{ deepEqual $d $d }}", Some("true")),
        ("{{ deepEqual $d $e }}", Some("true")),
        ("{{ has $d (list $e) }}", Some("true")),
    ] {
        let got = run(&format!("{cyclic}{rest}"), |_| {});
        match want {
            Some(want) => assert_eq!(got.as_deref(), Ok(want), "{rest}"),
            None => assert!(got.is_err(), "{rest}"),
        }
    }
    let wide = "{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ mustToJson $l }}";
    let error = run(wide, |_| {}).unwrap_err();
    assert!(error.to_string().contains("the value is too large to be written"), "{error}");
}

#[test]
fn lint_goes_on_and_tells() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&told);
    let out = run("a{{ required \"need\" nil }}{{ required \"text\" \"\" }}{{ fail \"stop\" }}b", |inputs| {
        let into = Arc::clone(&into);
        inputs.lint = true;
        inputs.notices = Some(Arc::new(move |notice| {
            into.lock().unwrap().push(format!("{} {} {}", notice.level, notice.text, notice.message));
        }));
    });
    assert_eq!(out.unwrap(), "ab");
    let want = ["WARN missing required value need", "WARN missing required values text", "INFO funcMap fail stop"];
    assert_eq!(*told.lock().unwrap(), want);
}

#[test]
fn errors_have_a_place() {
    match run("ok\n  {{ fail \"no\" }}", |_| {}) {
        Err(RenderError::Template { message, position: Some(position), said }) => {
            assert_eq!(message, "execution error at (t/templates/a.yaml:2:5): no");
            assert_eq!(
                (position.template.as_str(), position.line, position.column),
                ("t/templates/a.yaml", 2, Some(5))
            );
            assert_eq!(said.as_deref(), Some("no"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_parsed_chart_is_shared_and_a_seed_repeats() {
    fn shared<T: Send + Sync>(_: &T) {}
    let parsed = parsed(
        "{{ randAlphaNum 20 }} {{ now | unixEpoch }} {{ $_ := set .Values \"seen\" (add1 .Values.seen) }}{{ .Values.seen }}",
    );
    shared(&parsed);
    let (values, release, capabilities) = (Map::new(), Release::default(), Capabilities::default());
    let inputs = Inputs { seed: Some([7; 32]), ..Inputs::new(&values, &release, &capabilities, now()) };
    let first = parsed.render(&inputs).unwrap();
    let again = std::thread::scope(|scope| scope.spawn(|| parsed.render(&inputs).unwrap()).join().unwrap());
    assert_eq!(first, again);
    let other = parsed.render(&Inputs { seed: None, ..inputs }).unwrap();
    assert_ne!(first, other);
    assert!(first["t/templates/a.yaml"].ends_with(" 1790000000 1"), "{first:?}");
}

#[test]
fn names_are_templates() {
    assert_eq!(template_name("rel-{{ upper \"x\" | lower }}", now(), None).unwrap(), "rel-x");
    let error = template_name("{{ toYaml . }}", now(), None).unwrap_err();
    assert_eq!(error.to_string(), "template: name-template:1: function \"toYaml\" not defined");
}
