//! Budgets, deep templates, and what is left visible behind a `tpl`.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use common::FUNCTIONS;
use gotext::{Arena, Error, ErrorKind, Limit, Limits, Options, Place, Runtime, Set, Templates, Value, with_big_stack};

fn set(text: &str) -> Set {
    let mut set = Set::new("gotpl", FUNCTIONS.clone());
    set.parse("a.yaml", text).unwrap();
    set
}

fn run(text: &str, options: &Options) -> Result<Vec<u8>, Error> {
    let set = set(text);
    let arena = Arena::new();
    let dot = arena.map_from(gotext::GoType::Any, [(&b"self"[..], arena.str("{{ tpl .self . }}"))]);
    Runtime::new(&arena, &set, options).execute(&mut (), b"a.yaml", Value::Map(dot))
}

fn limited(limits: Limits) -> Options {
    Options { limits, ..Options::default() }
}

#[test]
fn sets_are_shared_between_threads() {
    fn shared<T: Send + Sync>(_: T) {}
    shared(Arc::new(set("x")));
    shared(Options::default());
    shared(Error::new("x"));
}

#[test]
fn addresses_say_nothing_about_the_process() {
    let text = r#"{{ $a := dict }}{{ $b := list 1 }}{{ printf "%p %p %#p %d" $a $b $a $b }}"#;
    for _ in 0..2 {
        let out = run(text, &Options::default()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "0x2c0000000000 0x2c0000000020 2c0000000000 [1]");
    }
}

#[test]
fn steps_are_counted() {
    let options = limited(Limits { steps: Some(1000), ..Limits::default() });
    let error = run("a\n{{ range 1000000000 }}{{ end }}", &options).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Steps));
    assert_eq!(
        error.to_string(),
        "template: a.yaml:2:9: executing \"a.yaml\" at <1000000000>: exceeded the budget of 1000 steps"
    );
    assert!(run("{{ range 300 }}{{ . }}{{ end }}", &options).is_ok());
}

#[test]
fn output_is_counted() {
    let options = limited(Limits { output: Some(100), ..Limits::default() });
    assert!(run(&"x".repeat(100), &options).is_ok());
    assert_eq!(run(&"x".repeat(101), &options).unwrap_err().limit(), Some(Limit::Output));
    let growing = "{{ $s := \"0123456789\" }}{{ range 50 }}{{ $s }}{{ end }}";
    assert_eq!(run(growing, &options).unwrap_err().limit(), Some(Limit::Output));
}

#[test]
fn memory_is_counted() {
    let options = limited(Limits { memory: Some(1 << 20), ..Limits::default() });
    let doubling = "{{ $s := \"x\" }}{{ range 100 }}{{ $s = print $s $s }}{{ end }}";
    let error = run(doubling, &options).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Memory));
    assert_eq!(error.kind, ErrorKind::Limit(Limit::Memory));
}

#[test]
fn limits_come_through_include_and_tpl_unwrapped() {
    let options = limited(Limits { steps: Some(100), ..Limits::default() });
    let text = "{{ define \"x\" }}{{ tpl \"{{ range 1000 }}{{ end }}\" . }}{{ end }}{{ include \"x\" . }}";
    let error = run(text, &options).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit(Limit::Steps));
    assert!(error.cause().is_none());
}

#[test]
fn a_render_can_be_interrupted() {
    let options = Options { interrupt: Some(Arc::new(AtomicBool::new(true))), ..Options::default() };
    let error = run("{{ range 1000000000000 }}{{ end }}", &options).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Interrupted));
}

#[test]
fn a_tpl_that_calls_itself_ends_in_an_error() {
    let text = "{{ tpl .self . }}";
    for error in [
        run(text, &Options::default()).unwrap_err(),
        with_big_stack(|| run(text, &Options::default()).unwrap_err()).unwrap(),
        run(text, &limited(Limits { nesting: Some(50), ..Limits::default() })).unwrap_err(),
    ] {
        assert_eq!(error.limit(), Some(Limit::Depth), "{error}");
    }
}

#[test]
fn templates_nest_as_deep_as_in_go() {
    let text = "{{ define \"r\" }}{{ if true }}{{ with . }}{{ range 1 }}{{ template \"r\" 1 }}{{ end }}{{ end }}{{ end }}{{ end }}\
                {{ template \"r\" 1 }}";
    let error = with_big_stack(|| run(text, &Options::default()).unwrap_err()).unwrap();
    assert!(error.to_string().ends_with("exceeded maximum template depth (100000)"), "{error}");
    assert_eq!(error.kind, ErrorKind::Exec);
    // On a small stack it is an error all the same.
    assert_eq!(run(text, &Options::default()).unwrap_err().limit(), Some(Limit::Depth));
}

#[test]
fn deep_texts_end_in_an_error() {
    let deep = 200_000;
    for (open, close) in
        [("{{if .}}", "{{end}}"), ("{{if .}}{{else}}", "{{end}}"), ("{{with .}}{{else with .}}", "{{end}}")]
    {
        let text = format!("{}{}", open.repeat(deep), close.repeat(deep));
        let error = Set::new("gotpl", FUNCTIONS.clone()).parse("a", &text).unwrap_err();
        assert!(error.to_string().ends_with(": template is nested too deeply"), "{error}");
    }
    let parens = |n: usize| format!("{{{{{}1{}}}}}", "(".repeat(n), ")".repeat(n));
    let parsed = |n: usize| {
        with_big_stack(|| Set::new("gotpl", FUNCTIONS.clone()).parse("a", parens(n)).map_err(|e| e.to_string()))
            .unwrap()
    };
    assert_eq!(parsed(10_000), Ok(()));
    assert_eq!(parsed(10_001).unwrap_err(), "template: a:1: max expression depth exceeded");
}

#[test]
fn errors_tell_where_they_come_from() {
    let text = "{{ define \"x\" }}\n  {{ .a.b }}{{ end }}\n{{ include \"x\" (dict) }}";
    let error = run(text, &Options::default()).unwrap_err();
    let Some(Place::Executing { file, line, column, template, context }) = error.place.as_deref() else { panic!() };
    assert_eq!((file.as_str(), *line, *column), ("a.yaml", 3, 3));
    assert_eq!((template.as_str(), context.as_str()), ("a.yaml", "include \"x\" (dict)"));
    assert_eq!(error.message, "error calling include: ");
    let Some(Place::Executing { line, template, .. }) = error.root().place.as_deref() else { panic!() };
    assert_eq!((*line, template.as_str()), (2, "x"));
    assert_eq!(error.root().message, "nil pointer evaluating interface {}.b");
    assert_eq!(error.chain().count(), 2);
}

#[test]
fn long_chains_are_dropped_on_a_small_stack() {
    let mut error = Error::new("x");
    for _ in 0..200_000 {
        error = Error::wrap("y: ", error);
    }
    assert_eq!(error.to_string().len(), 3 * 200_000 + 1);
}

#[test]
fn what_a_tpl_defines_is_gone_after_it() {
    let set = set("{{ define \"x\" }}old{{ end }}");
    let arena = Arena::new();
    let mut runtime = Runtime::new(&arena, &set, &Options::default());
    let text = b"{{ define \"x\" }}new{{ end }}{{ define \"y\" }}Y{{ end }}{{ include \"x\" . }}{{ include \"y\" . }}";
    assert_eq!(runtime.execute_text(&mut (), b"gotpl", text, Value::Nil).unwrap(), b"newY");
    assert_eq!(runtime.execute(&mut (), b"x", Value::Nil).unwrap(), b"old");
    let error = runtime.execute(&mut (), b"y", Value::Nil).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoTemplate);
    assert_eq!(error.to_string(), "template: no template \"y\" associated with template \"gotpl\"");
    // Also when it ends in an error, and when the text comes from the cache.
    assert!(
        runtime.execute_text(&mut (), b"gotpl", b"{{ define \"x\" }}{{ end }}{{ fail \"z\" }}", Value::Nil).is_err()
    );
    assert_eq!(runtime.execute(&mut (), b"x", Value::Nil).unwrap(), b"old");
    assert_eq!(runtime.execute_text(&mut (), b"gotpl", text, Value::Nil).unwrap(), b"newY");
}

#[test]
fn a_bad_text_leaves_a_set_as_it_was() {
    let mut set = set("good {{ define \"x\" }}1{{ end }}");
    assert!(set.parse("b", "{{ define \"x\" }}2{{ end }}{{ if }}").is_err());
    assert!(!set.contains("b"));
    let arena = Arena::new();
    let out = Runtime::new(&arena, &set, &Options::default()).execute(&mut (), b"x", Value::Nil).unwrap();
    assert_eq!(out, b"1");
    set.parse("b", "{{ template \"x\" }}").unwrap();
    assert_eq!(Runtime::new(&arena, &set, &Options::default()).execute(&mut (), b"b", Value::Nil).unwrap(), b"1");
}
