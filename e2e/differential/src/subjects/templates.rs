//! Templates by Go's grammar: actions in actions, variables, scopes, methods, and texts that are broken on purpose.

mod words;

use serde_json::{Value as Json, json};

use super::calls::{self, ANY, DICTS, INTS, STRINGS};
use super::{Subject, charts};
use crate::rng::Rng;
use words::{EASY, FIELDS, LITERALS, METHODS, NAMES, NUMBERS, SOUND, TEXTS, VARIABLES, WORDS};

/// Whole templates.
pub(crate) const SUBJECT: Subject =
    Subject { name: "templates", weight: 25, question, answer: charts::template, show: charts::show };

/// What has been declared where the generator stands.
struct Made<'r> {
    rng: &'r mut Rng,
    variables: Vec<&'static str>,
    loops: usize,
    /// What is left of the size.
    budget: usize,
    /// Takes what most often works: a template in which everything may be wrong ends at its first action.
    tame: bool,
}

impl Made<'_> {
    fn operand(&mut self, depth: usize) -> String {
        match self.rng.below(20) {
            0..=5 => {
                let field = self.rng.pick(FIELDS);
                // From within a range or with, the root is `$`.
                if self.rng.chance(40) {
                    if field == "." { "$".into() } else { format!("${field}") }
                } else {
                    field.into()
                }
            }
            6 | 7 => match self.variables.len() {
                0 => "$".to_owned(),
                n => {
                    let i = self.rng.below(n);
                    let tail = if self.rng.chance(20) { self.rng.pick(&[".a", ".k", ".Name", ".x.y"]) } else { "" };
                    format!("{}{tail}", self.variables.get(i).copied().unwrap_or("$"))
                }
            },
            8 => self.rng.pick(&["$x", "$y", "$z", "$.Values.n", "$x.a"]).to_owned(),
            9 | 10 => self.rng.pick(STRINGS).to_owned(),
            11 => self.rng.pick(INTS).to_owned(),
            12 => {
                let from = if self.rng.chance(50) { NUMBERS } else { INTS };
                self.rng.pick(from).to_owned()
            }
            13 => {
                let from = if self.rng.chance(50) { LITERALS } else { STRINGS };
                self.rng.pick(from).to_owned()
            }
            14 => self.rng.pick(DICTS).to_owned(),
            15 => self.rng.pick(ANY).to_owned(),
            16 => format!("({})", self.rng.pick(METHODS)),
            _ if depth > 0 => {
                let inner = self.pipeline(depth - 1);
                let tail = if self.rng.chance(10) { self.rng.pick(&[".a", ".k", ".Name", ".b.c"]) } else { "" };
                format!("({inner}){tail}")
            }
            _ => ".".to_owned(),
        }
    }

    fn command(&mut self, depth: usize) -> String {
        if self.tame && self.rng.chance(93) {
            let operand = match self.rng.below(8) {
                0 if !self.variables.is_empty() => {
                    let n = self.variables.len();
                    self.variables.get(self.rng.below(n)).copied().unwrap_or("$").to_owned()
                }
                1 => ".".to_owned(),
                2 if depth > 0 => format!("({})", self.pipeline(depth - 1)),
                3 => self.rng.pick(STRINGS).to_owned(),
                4 => self.rng.pick(INTS).to_owned(),
                _ => format!("${}", self.rng.pick(SOUND)),
            };
            if self.rng.chance(60) {
                return operand;
            }
            return format!("{} {operand}", self.rng.pick(EASY));
        }
        match self.rng.below(14) {
            0..=2 => self.operand(depth),
            3 | 4 => calls::call(self.rng, depth.min(2) as u32),
            5 => self.rng.pick(METHODS).to_owned(),
            6 => {
                let f = self.rng.pick(&["and", "or", "not", "and", "or"]);
                let n = if f == "not" { 1 } else { 1 + self.rng.below(3) };
                self.with_operands(f, n, depth)
            }
            7 => {
                let f = self.rng.pick(&["eq", "ne", "lt", "le", "gt", "ge", "eq"]);
                let n = 2 + usize::from(f == "eq" && self.rng.chance(20));
                self.with_operands(f, n, depth)
            }
            8 => {
                let f = self.rng.pick(&[
                    "len", "print", "println", "html", "js", "urlquery", "typeOf", "kindOf", "toJson", "toYaml",
                ]);
                self.with_operands(f, 1, depth)
            }
            9 => {
                let f =
                    self.rng.pick(&["index", "slice", "get", "hasKey", "default", "dig", "ternary", "set", "coalesce"]);
                let n = 1 + self.rng.below(3);
                self.with_operands(f, n, depth)
            }
            10 => {
                let name = self.rng.pick(NAMES);
                let dot = self.operand(depth);
                format!("include \"{name}\" {dot}")
            }
            11 => {
                let text = if self.rng.chance(30) {
                    ".Values.tpl".to_owned()
                } else {
                    let saved = self.budget;
                    self.budget = 3;
                    let inner = self.body(depth.min(1));
                    self.budget = saved;
                    let inner = inner.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                    format!("\"{inner}\"")
                };
                let dot = self.rng.pick(&[".", "$", ".Values", "nil", "(dict \"Template\" $.Template \"a\" 1)", ".x"]);
                format!("tpl {text} {dot}")
            }
            12 => {
                let verb =
                    self.rng.pick(&["%v", "%s", "%d", "%q", "%T", "%+v", "%#v", "%5.2f", "%x", "%t", "%%", "%!"]);
                let operand = self.operand(depth);
                format!("printf \"{verb}\" {operand}")
            }
            _ => {
                let f = self.rng.pick(&[
                    "required \"r\"",
                    "fail",
                    "quote",
                    "squote",
                    "trim",
                    "upper",
                    "indent 2",
                    "nindent 2",
                    "toString",
                    "empty",
                    "fromYaml",
                    "b64enc",
                    "keys",
                    "first",
                    "last",
                    "int",
                    "list",
                    "dict \"a\"",
                ]);
                self.with_operands(f, 1, depth)
            }
        }
    }

    fn with_operands(&mut self, f: &str, n: usize, depth: usize) -> String {
        let mut text = f.to_owned();
        for _ in 0..n {
            text.push(' ');
            text.push_str(&self.operand(depth));
        }
        text
    }

    fn pipeline(&mut self, depth: usize) -> String {
        let mut text = self.command(depth);
        while self.rng.chance(25) {
            text += self.rng.pick(&[" | ", " | ", "|", "  |\n "]);
            text += &if self.tame && self.rng.chance(93) {
                self.rng.pick(EASY).to_owned()
            } else if self.rng.chance(60) {
                self.rng
                    .pick(&[
                        "toJson",
                        "toYaml",
                        "quote",
                        "print",
                        "len",
                        "default 1",
                        "nindent 2",
                        "not",
                        "printf \"%v-%v\" 1",
                        "eq 1",
                        "typeOf",
                        "first",
                        "toString",
                        "upper",
                        "b64enc",
                        "index .Values.list",
                        "and 1",
                        "or \"\"",
                        "trunc 3",
                        "html",
                        "fromYaml",
                        "join \",\"",
                    ])
                    .to_owned()
            } else {
                self.command(depth.min(1))
            };
        }
        text
    }

    fn action(&mut self, inner: &str) -> String {
        let left = self.rng.pick(&["{{ ", "{{ ", "{{ ", "{{", "{{- ", "{{-\n"]);
        let right = self.rng.pick(&[" }}", " }}", " }}", "}}", " -}}", "\n-}}"]);
        format!("{left}{inner}{right}")
    }

    fn declared(&mut self, depth: usize) -> String {
        let pipeline = self.pipeline(depth);
        if self.rng.chance(20) {
            let name = self.rng.one(VARIABLES);
            self.variables.push(name);
            return format!("{name} := {pipeline}");
        }
        pipeline
    }

    fn end(&mut self) -> String {
        self.action("end")
    }

    /// Text and actions.
    fn body(&mut self, depth: usize) -> String {
        let mut out = String::new();
        let kept = self.variables.len();
        for _ in 0..1 + self.rng.below(4) {
            if self.budget == 0 {
                break;
            }
            self.budget -= 1;
            if self.rng.chance(40) {
                out += self.rng.pick(TEXTS);
            }
            out += &self.item(depth);
        }
        if self.rng.chance(30) {
            out += self.rng.pick(TEXTS);
        }
        self.variables.truncate(kept);
        out
    }

    fn item(&mut self, depth: usize) -> String {
        let kind = if depth == 0 { self.rng.below(9) } else { self.rng.below(20) };
        match kind {
            0..=4 => {
                let inner = self.pipeline(depth);
                self.action(&inner)
            }
            5 => {
                let name = self.rng.one(VARIABLES);
                let pipeline = self.pipeline(depth);
                self.variables.push(name);
                self.action(&format!("{name} := {pipeline}"))
            }
            6 => {
                let name = if self.variables.is_empty() || !self.tame && self.rng.chance(10) {
                    self.rng.one(VARIABLES)
                } else {
                    let n = self.variables.len();
                    self.variables.get(self.rng.below(n)).copied().unwrap_or("$x")
                };
                let pipeline = self.pipeline(depth);
                self.action(&format!("{name} = {pipeline}"))
            }
            7 => match self.rng.below(4) {
                0 => self
                    .rng
                    .pick(&["{{/* c */}}", "{{- /* c\n */ -}}", "{{/*a*/}}x", "{{-/* c */}}", "{{/* c */ }}"])
                    .to_owned(),
                1 if self.loops > 0 => {
                    self.rng.pick(&["{{ break }}", "{{continue}}", "{{- break -}}", "{{ continue }}"]).to_owned()
                }
                2 if self.rng.chance(20) => {
                    let word = self.rng.pick(WORDS);
                    self.action(word)
                }
                _ => self.rng.pick(TEXTS).to_owned(),
            },
            8 if self.tame => {
                let dot = self.pipeline(depth);
                self.action(&format!("template \"{}\" {dot}", "h"))
            }
            8 => {
                let name = self.rng.pick(NAMES);
                let dot = if self.rng.chance(70) { self.operand(depth) } else { String::new() };
                self.action(&format!("template \"{name}\" {dot}"))
            }
            9..=11 => self.conditional(depth, "if"),
            12 | 13 => self.conditional(depth, "with"),
            14..=17 => self.range(depth),
            18 => {
                let name = self.rng.pick(NAMES);
                let kind = if self.rng.chance(50) { "define" } else { "block" };
                let dot = if kind == "block" { self.operand(depth) } else { String::new() };
                let saved = (std::mem::take(&mut self.variables), std::mem::take(&mut self.loops));
                let body = self.body(depth - 1);
                (self.variables, self.loops) = saved;
                self.action(&format!("{kind} \"{name}\" {dot}")) + &body + &self.end()
            }
            _ => {
                let inner = self.pipeline(depth);
                let inner = self.action(&inner);
                format!("{inner}{}", self.rng.pick(TEXTS))
            }
        }
    }

    fn conditional(&mut self, depth: usize, word: &str) -> String {
        let kept = self.variables.len();
        let head = self.declared(depth);
        let mut out = self.action(&format!("{word} {head}"));
        out += &self.body(depth - 1);
        while self.rng.chance(20) {
            let head = self.declared(depth - 1);
            out += &self.action(&format!("else {word} {head}"));
            out += &self.body(depth - 1);
        }
        if self.rng.chance(40) {
            out += &self.action("else");
            out += &self.body(depth - 1);
        }
        self.variables.truncate(kept);
        out + &self.end()
    }

    fn range(&mut self, depth: usize) -> String {
        let kept = self.variables.len();
        let kinds = if self.tame && self.rng.chance(90) { 3 } else { 12 };
        let over = match self.rng.below(kinds) {
            0 | 1 => "$.Values.list".to_owned(),
            2 => "$.Values.map".to_owned(),
            3 => self
                .rng
                .pick(&[
                    "3",
                    "0",
                    "-1",
                    "5",
                    "1.5",
                    "\"héy\"",
                    "nil",
                    "true",
                    "(int64 2)",
                    "$.Values.i",
                    "$.Values.n",
                    "'c'",
                ])
                .to_owned(),
            4 => self.rng.pick(DICTS).to_owned(),
            5 => "(list 1 \"a\" nil 2.5)".to_owned(),
            6 => "$.Values.deep.l".to_owned(),
            7 => "$.Files".to_owned(),
            8 => self
                .rng
                .pick(&[
                    "$.Values.text",
                    "$.Chart.Maintainers",
                    "$.Values.emptyList",
                    "$.Values.none",
                    "$.Capabilities.KubeVersion",
                    "(until 3)",
                    "(splitList \",\" \"a,b\")",
                    "$.Values.nothing",
                    "$.Subcharts",
                    "(.Files.Lines \"f.txt\")",
                    "(.Files.Glob \"d/*\")",
                ])
                .to_owned(),
            9 => self.operand(depth),
            _ => format!("({})", calls::call(self.rng, 1)),
        };
        let head = match self.rng.below(5) {
            0 => over,
            1 => {
                let v = self.rng.one(VARIABLES);
                self.variables.push(v);
                format!("{v} := {over}")
            }
            2 | 3 => {
                let (k, v) = (self.rng.one(VARIABLES), self.rng.one(VARIABLES));
                self.variables.extend([k, v]);
                format!("{k}, {v} := {over}")
            }
            _ => match self.variables.first().copied() {
                Some(v) if self.rng.chance(50) => format!("{v} = {over}"),
                Some(v) => {
                    let k = self.variables.last().copied().unwrap_or(v);
                    format!("{k}, {v} = {over}")
                }
                None => over,
            },
        };
        let mut out = self.action(&format!("range {head}"));
        self.loops += 1;
        out += &self.body(depth - 1);
        if self.rng.chance(25) {
            let condition = self.operand(1);
            out += &self.action(&format!("if {condition}"));
            out += self.rng.pick(&["{{ break }}", "{{ continue }}"]);
            out += &self.end();
            out += self.rng.pick(TEXTS);
        }
        self.loops -= 1;
        if self.rng.chance(25) {
            out += &self.action("else");
            out += &self.body(depth - 1);
        }
        self.variables.truncate(kept);
        out + &self.end()
    }
}

/// Breaks a text at places that matter to the parser.
fn broken(rng: &mut Rng, text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..1 + rng.below(2) {
        let at = rng.below(chars.len() + 1);
        match rng.below(6) {
            0 if at < chars.len() => drop(chars.remove(at)),
            1 => {
                let end = (at + rng.below(12)).min(chars.len());
                chars.drain(at..end);
            }
            2 => {
                let end = (at + rng.below(20)).min(chars.len());
                let copy: Vec<char> = chars.get(at..end).unwrap_or_default().to_vec();
                let to = rng.below(chars.len() + 1);
                chars.splice(to..to, copy);
            }
            3 => chars.truncate(at),
            _ => {
                let piece = match rng.below(3) {
                    0 => rng.pick(&[
                        "{{", "}}", "{{-", "-}}", "{{/*", "*/}}", "(", ")", "|", "\"", "`", "'", ".", "$", ":=", "=",
                        ",", " ", "\n",
                    ]),
                    1 => rng.pick(WORDS),
                    _ => rng.pick(NUMBERS),
                };
                let piece: Vec<char> = format!(" {piece} ").chars().collect();
                chars.splice(at..at, piece);
            }
        }
    }
    chars.into_iter().collect()
}

const HELPERS: &str = "{{ define \"h\" }}h:{{ . }}{{ end }}\n{{- define \"t\" -}}\n{{ $x := .Values }}{{ range $k, $v := $x }}{{ $k }} {{ end }}\n\
    {{- end }}{{ define \"h2\" }}{{ include \"h\" .a }}{{ template \"h\" .b }}{{ end }}\n";

pub(super) fn question(rng: &mut Rng) -> Json {
    let (tame, budget) = (rng.chance(60), 3 + rng.below(12));
    let mut made = Made { rng, variables: Vec::new(), loops: 0, budget, tame };
    let mut text = made.body(3);
    let mut helpers = HELPERS.to_owned();
    if rng.chance(4) {
        // Whatever calls itself ends somewhere.
        helpers += rng.pick(&[
            "{{ define \"rec\" }}{{ if lt (len .) 40 }}{{ include \"rec\" (append . 1) }}{{ else }}{{ len . }}{{ end }}{{ end }}",
            "{{ define \"rec\" }}{{ range . }}{{ template \"rec\" . }},{{ end }}{{ end }}",
            "{{ define \"rec\" }}{{ tpl \"{{ .x }}{{ template \\\"h\\\" . }}\" (dict \"x\" . \"Template\" 1) }}{{ end }}",
        ]);
    }
    if rng.chance(20) {
        text = broken(rng, &text);
    }
    if rng.chance(2) {
        helpers = broken(rng, &helpers);
    }
    let mut files = calls::chart(&text);
    files["templates/_h.tpl"] = helpers.into();
    if rng.chance(5) {
        files["templates/b.yaml"] = "{{ template \"b.lock\" . }}{{ include \"t\" . }}{{ .Values | toJson }}".into();
    }
    json!({
        "op": "template", "files": files, "given": [], "set": [["set", "i=5,s.t=x"]], "strict": rng.chance(4)
    })
}
