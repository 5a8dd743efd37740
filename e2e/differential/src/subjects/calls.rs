//! Calls of all functions of the table, with arguments that fit and some that do not.

use std::sync::OnceLock;

use gotext::{Function, GoType};
use serde_json::{Value as Json, json};

use super::{Subject, charts};
use crate::rng::Rng;

/// One call, calls within calls, printed in several ways.
pub(crate) const SUBJECT: Subject =
    Subject { name: "functions", weight: 25, question, answer: charts::template, show: charts::show };

/// What is random, tells the time, asks others, or takes long: tested by shape in `crates/render/tests`.
const LEFT_OUT: &[&str] = &[
    "ago",
    "bcrypt",
    "buildCustomCert",
    "date",
    "dateInZone",
    "date_in_zone",
    "decryptAES",
    "derivePassword",
    "durationRound",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htmlDate",
    "htmlDateInZone",
    "htpasswd",
    "now",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "uuidv4",
    "include",
    "tpl",
];

/// Whose result grows with a number.
const GROWING: &[&str] = &["repeat", "until", "untilStep", "seq", "indent", "nindent", "substr", "splitn", "trunc"];

/// Whose result is in no order: given small tables, Go soon gives the same.
const UNORDERED: &[&str] = &["keys", "values"];

pub(super) const STRINGS: &[&str] = &[
    r#""""#,
    r#""a""#,
    r#""hello world""#,
    r#""Hello-World_foo.bar""#,
    r#""1""#,
    r#""-2.50""#,
    r#""0x1F""#,
    r#""1e3""#,
    r#""true""#,
    r#""é☺ß""#,
    r#""a,b,,c""#,
    r#""  x \t\n""#,
    r#""/a/../b//c.tar.gz""#,
    r#""http://u:p@h:80/p?q#f""#,
    r#""1.2.3-rc.1+b""#,
    r#"">=1.2, <2""#,
    r#""2017-12-31""#,
    r#""2006-01-02""#,
    r#""1h30m""#,
    r#""aGVsbG8=""#,
    r#""[a-z]+(\\d*)""#,
    r#""(x|y)*?$""#,
    r#""$1-${2}""#,
    r#""{\"a\": [1, 2.5, null]}""#,
    r#""a: {b: [1, x]}""#,
    r#""- 1\n- two""#,
    r#""a = 1\n[b]\nc = \"d\"""#,
    r#"".""#,
    r#"",""#,
    r#""l""#,
    r#""string""#,
    r#""map""#,
    r#""HTTPServer2xx""#,
    r#""\x00\xff""#,
    r#""'q' \"d\" \\""#,
    "`raw\\n`",
    r#""user""#,
    r#""no such""#,
    r#""<a href='x'>&</a>""#,
    r#""%d%%%s%v""#,
    r#""9223372036854775808""#,
    r#""0b11""#,
    r#""0o17""#,
    r#""017""#,
    r#""1_000""#,
    r#"" 5 ""#,
    r#""NaN""#,
    r#""+Inf""#,
    r#""日本語""#,
    r#""\u00a0x\u2028""#,
    r#""ab\ncd\n\nef""#,
    r#""x=1&y=2""#,
    r#""JBSWY3DPEE======""#,
    r#""snake_case-and Camel""#,
    r#""ǆ ﬁ İ ſ""#,
    r#""one two  three""#,
    r#""1,234""#,
    r#""2020-02-30T25:00:00Z""#,
    r#""null""#,
    r#""[1]""#,
    r#""a.b.c""#,
    r#""UTC""#,
    r#""^1.x || 3""#,
    r#""--- \na: 1\n---\nb: 2""#,
    r#""\r\n""#,
    r#""\\""#,
    r#""a\tb""#,
];
pub(super) const INTS: &[&str] = &["0", "1", "-1", "2", "5", "10", "-7", "100", "3", "20"];
const NUMBERS: &[&str] = &[
    "9223372036854775807",
    "-9223372036854775808",
    "0x10",
    "1e2",
    "'a'",
    "1.0",
    "1_000",
    "2147483648",
    "0b101",
    "0o17",
    "255",
    "65536",
    "1e18",
    "4294967296",
];
pub(super) const ANY: &[&str] = &[
    "nil",
    "true",
    "false",
    "1.5",
    "-0.5",
    "1e21",
    "(list)",
    r#"(list 1 "a" nil 2.5)"#,
    r#"(list "b" "a" "b")"#,
    "(list (list 1 2) (list))",
    "(dict)",
    r#"(dict "a" 1 "b" (dict "c" "x"))"#,
    ".Values.map",
    ".Values.list",
    ".Values.n",
    ".Values.missing",
    ".Values.nothing",
    "(int64 7)",
    "(float64 3)",
    "(until 3)",
    r#"(splitList "," "x,y")"#,
    r#"(semver "1.2.3")"#,
    r#"(mustToDuration "90s")"#,
    r#"(toDate "2006-01-02" "2017-12-31")"#,
    ".Values",
    ".Capabilities.APIVersions",
    "(len \"abc\")",
    "'c'",
    r#"(split "," "x,y")"#,
    "(chunk 2 (list 1 2 3))",
    ".Values.deep.a.b",
    ".Chart.Name",
    ".Chart",
    ".Release",
    ".Files",
    "(.Files.Get \"f.txt\")",
    "(.Files.Glob \"*\")",
    ".Capabilities.KubeVersion",
    ".Chart.Maintainers",
    ".Chart.Annotations",
    ".Values.set",
    ".Values.emptyList",
    "(fromYaml \"a: [1, {b: c}]\")",
    "(fromJson \"{}\")",
    "(atoi \"7\")",
    "(toString 5)",
    "(dict \"k\" nil)",
    "(list nil)",
    "(int 3)",
    "(mustToDuration 0)",
    ".Template",
    ".Subcharts",
    "(.Files.Lines \"f.txt\")",
    "(urlParse \"http://a/b\")",
    "(tuple 1 2)",
    "1e-7",
    "0.1",
    "(float64 -0.0)",
    "(fromToml \"a = 1979-05-27T07:32:00Z\")",
    "(index .Chart.Maintainers 0)",
    "$",
    ".",
    "(semver \"1.2.3\").Major",
    "(fromYamlArray \"[1]\")",
    "(fromJsonArray \"[1,[2]]\")",
    "(b64dec \"/w==\")",
];
const LISTS: &[&str] = &[
    "(list)",
    r#"(list 1 "a" nil 2.5)"#,
    r#"(list "b" "a" "b")"#,
    ".Values.list",
    "(until 4)",
    r#"(splitList "," "x,y,,z")"#,
    "(list 0 false \"\")",
    "(list (dict \"a\" 1) (dict \"a\" 1))",
    "(list (list 1) 2)",
    "(list 1.0 1 \"1\")",
    "(list 3 1 2)",
    ".Values.emptyList",
    "(list \"10\" \"9\" \"é\" \"Z\")",
];
pub(super) const DICTS: &[&str] = &[
    "(dict)",
    r#"(dict "a" 1 "b" (dict "c" "x"))"#,
    ".Values.map",
    ".Values",
    r#"(dict "a" "" "l" (list 1))"#,
    ".Values.deep",
    r#"(dict "host" "h" "path" "/p")"#,
    r#"(dict "a" (dict "b" nil))"#,
    ".Values.nothing",
    r#"(dict "a" (list 1 2) "b" 2)"#,
    "(fromYaml \"a: {b: {c: 1}}\")",
    "(dict \"x\" 1.5)",
];
const SMALL_DICTS: &[&str] = &["(dict)", r#"(dict "a" 1)"#, ".Values.map", r#"(dict "a" "" "l" (list 1))"#];

/// The functions that are called.
pub(super) fn functions() -> &'static [Function] {
    static TABLE: OnceLock<Vec<Function>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let left_out = |f: &&Function| !LEFT_OUT.contains(&f.name);
        let mut all: Vec<Function> = render::functions::all().iter().filter(left_out).copied().collect();
        all.sort_by_key(|f| f.name);
        all
    })
}

/// Go's own functions, with as many arguments as they may like.
const BUILTINS: &[(&str, usize, usize)] = &[
    ("and", 1, 3),
    ("or", 1, 3),
    ("not", 1, 1),
    ("len", 1, 1),
    ("index", 1, 3),
    ("slice", 1, 4),
    ("print", 0, 3),
    ("println", 0, 3),
    ("html", 1, 2),
    ("js", 1, 2),
    ("urlquery", 1, 2),
    ("eq", 1, 4),
    ("ne", 2, 2),
    ("lt", 2, 2),
    ("le", 2, 2),
    ("gt", 2, 2),
    ("ge", 2, 2),
    ("call", 1, 2),
];

fn any(rng: &mut Rng) -> String {
    match rng.below(6) {
        0 => rng.pick(STRINGS),
        1 => rng.pick(INTS),
        2 => rng.pick(LISTS),
        3 => rng.pick(DICTS),
        4 => rng.pick(NUMBERS),
        _ => rng.pick(ANY),
    }
    .to_owned()
}

fn argument(rng: &mut Rng, function: &str, wanted: GoType, depth: u32) -> String {
    let number = matches!(wanted, GoType::Int | GoType::Any | GoType::Int64);
    if GROWING.contains(&function) && number {
        return rng.pick(INTS).to_owned();
    }
    // Of what holds itself Helm dies when it prints it: not too often.
    let merging = function.to_ascii_lowercase().contains("merge") && rng.chance(90);
    if UNORDERED.contains(&function) || merging {
        return rng.pick(SMALL_DICTS).to_owned();
    }
    // Now and then something of another type.
    if rng.chance(8) {
        return any(rng);
    }
    if depth > 0 && rng.chance(25) {
        return format!("({})", call(rng, depth - 1));
    }
    match wanted {
        GoType::String => rng.pick(STRINGS).to_owned(),
        GoType::Int | GoType::Uint32 | GoType::Int64 if rng.chance(90) => rng.pick(INTS).to_owned(),
        GoType::Int | GoType::Uint32 | GoType::Int64 => rng.pick(NUMBERS).to_owned(),
        GoType::Float64 => rng.pick(&["0.5", "1", "1e3", "-2.25"]).to_owned(),
        GoType::Bool => rng.pick(&["true", "false"]).to_owned(),
        GoType::List => rng.pick(LISTS).to_owned(),
        GoType::Map => rng.pick(DICTS).to_owned(),
        GoType::Named("time.Time") => r#"(toDate "2006-01-02" "2017-12-31")"#.to_owned(),
        _ => any(rng),
    }
}

/// The text of a call, without parentheses.
pub(super) fn call(rng: &mut Rng, depth: u32) -> String {
    let (name, wanted) = if rng.chance(12) {
        let (name, least, most) = rng.one(BUILTINS);
        (name, vec![GoType::Any; least + rng.below(most - least + 1)])
    } else {
        let functions = functions();
        let Some(function) = functions.get(rng.below(functions.len())) else { return "list".to_owned() };
        let mut wanted: Vec<GoType> = function.params.to_vec();
        if let Some(more) = function.variadic {
            wanted.extend(std::iter::repeat_n(more, rng.below(4)));
        }
        (function.name, wanted)
    };
    let mut wanted = wanted;
    // Now and then one argument too few or too many.
    match rng.below(60) {
        0 => drop(wanted.pop()),
        1 => wanted.push(GoType::Any),
        _ => {}
    }
    let piped = rng.chance(20) && !wanted.is_empty();
    let mut arguments: Vec<String> = wanted.into_iter().map(|wanted| argument(rng, name, wanted, depth)).collect();
    let first = if piped { arguments.pop() } else { None };
    let mut text = name.to_owned();
    for argument in arguments {
        text.push(' ');
        text.push_str(&argument);
    }
    match first {
        Some(first) => format!("{first} | {text}"),
        None => text,
    }
}

/// Values that templates look at.
pub(super) const VALUES: &str = "n: 1.5\nlist: [a, b, c]\nmap: {k: v}\nnothing:\nemptyList: []\n\"yes\": true\n\
    deep: {a: {b: {c: [1]}}, l: [{x: 1}]}\ntext: some text\nzero: 0\nbig: 12345678901234567890\nset: {}\n\
    tpl: \"{{ .Values.n }}-{{ include \\\"h\\\" . }}\"\nmulti: |\n  line one\n  line two\nfalse: no\n";

/// A chart whose one template is the text.
pub(super) fn chart(template: &str) -> Json {
    chart_of("v2", template)
}

/// The same chart of another `apiVersion`.
pub(super) fn chart_of(version: &str, template: &str) -> Json {
    let kube = if version == "v2" { "kubeVersion: \">=1.20.0-0\"\n" } else { "" };
    json!({
        "Chart.yaml": format!("apiVersion: {version}\nname: t\nversion: 0.1.0\nappVersion: \"1.0\"\ndescription: d\nkeywords: [k]\n\
            maintainers: [{{name: m, email: e}}]\nannotations: {{x/y: z}}\n{kube}"),
        "values.yaml": VALUES,
        "f.txt": "one\ntwo\n",
        "d/a.conf": "a=1\n",
        "d/b.conf": "b: \"2\"\n",
        "bin": "base64://4AYQ==",
        "templates/a.yaml": template,
    })
}

pub(super) fn question(rng: &mut Rng) -> Json {
    let inner = call(rng, 2);
    let template = match rng.below(6) {
        0 => format!("{{{{ {inner} | toJson }}}}"),
        1 => format!("{{{{ printf \"%v %T\" ({inner}) ({inner}) }}}}"),
        2 => format!("{{{{ {inner} | typeOf }}}}"),
        3 => format!("{{{{ {inner} | toYaml }}}}"),
        4 => format!("{{{{ with {inner} }}}}{{{{ printf \"%#v\" . }}}}{{{{ else }}}}empty{{{{ end }}}}"),
        _ => format!("{{{{ {inner} }}}}"),
    };
    json!({"op": "template", "files": chart(&template), "given": [], "set": [["set", "i=5,s.t=x"]]})
}
