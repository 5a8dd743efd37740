//! Mutated templates are parsed and executed: whatever comes out, nothing panics.

#![allow(clippy::unwrap_used)]

mod common;

use common::FUNCTIONS;
use gotext::{Arena, GoType, Limits, Options, Runtime, Set, Templates, Value, with_stack};

/// A small generator of numbers, the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

const SEEDS: &[&str] = &[
    "{{- define \"x\" -}}{{ . | printf \"%5.2f|%-*d|%[1]q\" 3 }}{{- end }}{{ include \"x\" .a }}",
    "{{ range $i, $e := .list }}{{ if eq $i 1 }}{{ continue }}{{ else if gt $i 5 }}{{ break }}{{ end }}{{ $e }}{{ else }}-{{ end }}",
    "{{ $x := dict \"a\" 1 \"b\" (list 1 2.5 'c' 0x1F nil true) }}{{ $x.a }}{{ (index $x.b 0) }}{{ $x = .a.b.c }}",
    "{{/* comment */ -}} text {{ `raw` }} {{ \"q\\n\\u00e9\" }} {{ with $y := .a }}{{ $y }}{{ else with .b }}{{ . }}{{ end }}",
    "{{ block \"b\" . }}{{ template \"b2\" $ }}{{ end }}{{ define \"b2\" }}{{ len .list }}{{ slice .s 1 2 }}{{ end }}",
    "{{ tpl \"{{ .s }}{{ define \\\"q\\\" }}{{ end }}\" . }}{{ html .s | js | urlquery }}{{ thing.Hello \"x\" }}{{ (ver \"1\") }}",
];

const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    "(",
    ")",
    "|",
    "\"",
    "`",
    "'",
    "\\",
    ".",
    "$",
    ":=",
    "=",
    ",",
    "end",
    "else",
    "if",
    "range",
    "with",
    "define",
    "template",
    "block",
    "break",
    "continue",
    "nil",
    "true",
    "/*",
    "*/",
    " ",
    "\n",
    "\0",
    "\u{e9}",
    "\u{200b}",
    "0x",
    "1e",
    "9999999999999999999",
    "%",
    "*",
    "[1]",
    "$x",
    ".a",
    "printf",
    "-1",
    "1i",
    "not",
    "index",
];

fn mutated(random: &mut Random) -> Vec<u8> {
    let mut text = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
    for _ in 0..1 + random.below(3) {
        let at = random.below(text.len() + 1);
        let end = (at + 1 + random.below(12)).min(text.len());
        match random.below(5) {
            0 => drop(text.drain(at..end)),
            1 => drop(text.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
            2 => drop(text.splice(at..end, PIECES[random.below(PIECES.len())].bytes())),
            3 => text.insert(at, random.below(256) as u8),
            _ => {
                let part = text[at..end].to_vec();
                let to = random.below(text.len() + 1);
                text.splice(to..to, part);
            }
        }
    }
    text
}

#[test]
fn mutated_templates() {
    let executed = with_stack(64 << 20, || {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let limits = Limits { steps: Some(2_000), memory: Some(64 << 20), ..Limits::default() };
        let options = Options { limits, ..Options::default() };
        let mut executed = 0;
        for _ in 0..20_000 {
            let text = mutated(&mut random);
            let mut set = Set::new("gotpl", FUNCTIONS.clone());
            if set.parse("a", &text).is_err() {
                continue;
            }
            executed += 1;
            let arena = Arena::new();
            let list = arena.list(&[Value::int(1), Value::Nil, arena.str("x"), Value::float(1e9)]);
            let entries = [(&b"a"[..], Value::float(1.5)), (b"list", list), (b"s", arena.str(b"<a\xff"))];
            let dot = Value::Map(arena.map_from(GoType::Any, entries));
            let _ = Runtime::new(&arena, &set, &options).execute(&mut (), b"a", dot);
        }
        executed
    });
    let executed = executed.unwrap();
    assert!(executed > 1_500, "only {executed} of 20,000 were executed");
}
