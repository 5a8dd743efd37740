//! Expressions, verbs, dates and durations, asked by way of a template: the functions are what charts see of them.

use serde_json::{Value as Json, json};

use super::calls::STRINGS;
use super::{Subject, charts};
use crate::rng::Rng;

/// Regular expressions in Go's syntax, in all functions that take one.
pub(crate) const REGEX: Subject =
    Subject { name: "regex", weight: 14, question: regex, answer: charts::template, show: charts::show };

/// Verbs, flags, widths and operands of `printf`.
pub(crate) const PRINTF: Subject =
    Subject { name: "printf", weight: 10, question: printf, answer: charts::template, show: charts::show };

/// Layouts, dates, zones and durations.
pub(crate) const DATES: Subject =
    Subject { name: "dates", weight: 8, question: dates, answer: charts::template, show: charts::show };

/// Several actions make one question: each is a case of its own only in what it costs.
fn ask(text: &str) -> Json {
    let files = json!({
        "Chart.yaml": "apiVersion: v2\nname: t\nversion: 0.1.0\n", "templates/a.yaml": text,
    });
    json!({"op": "template", "files": files, "given": [], "set": []})
}

/// A literal of a template.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default().replace("\\b", "\\u0008").replace("\\f", "\\u000c")
}

const ATOMS: &[&str] = &[
    "a",
    "b",
    "c",
    "x",
    "é",
    "日",
    "1",
    " ",
    ".",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "\\b",
    "\\B",
    "^",
    "$",
    "\\A",
    "\\z",
    "\\.",
    "\\-",
    "\\n",
    "\\t",
    "\\x41",
    "\\x{1F600}",
    "\\pL",
    "\\p{Greek}",
    "\\PN",
    "\\p{^Lu}",
    "\\Qa.b\\E",
    "[abc]",
    "[^a]",
    "[a-c]",
    "[\\d_]",
    "[[:alpha:]]",
    "[[:^digit:]x]",
    "[^\\n]",
    "[]a]",
    "[a-]",
    "[-a]",
    "[^^]",
    "\\C",
    "\\101",
    "[\\pL\\d]",
    "[а-я]",
    "(?i)a",
    "(?s).",
    "(?m)^",
    "(?U)a+",
    "(?i:B)",
    "(?-i:c)",
    "(?P<n>a)",
    "(?<m>b)",
    "(?:ab)",
    "()",
    "(a|b)",
    "(a|ab)(c|bcd)",
    "a|",
    "|",
    "\\v",
    "\\f",
    "\\a",
    "\\007",
    "\\0",
    "[[:word:]]",
    "\\p{L}",
    "[\\x00-\\x1f]",
    "ß",
    "K",
    "ſ",
];
const BROKEN: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "*",
    "+",
    "?",
    "\\",
    "**",
    "a**",
    "(?",
    "(?P<",
    "(?P<n",
    "(?P<1a>x)",
    "(?z)",
    "[b-a]",
    "\\8",
    "\\x{110000}",
    "\\p{No}",
    "\\pX",
    "x{2,1}",
    "x{1001}",
    "x{1000}{1000}",
    "(?=a)",
    "(?!a)",
    "(?<=a)",
    "\\Z",
    "[[:foo:]]",
    "(?P<n>a)(?P<n>b)",
    "[a",
    "\\xZ",
    "a{,2}",
    "a{2",
    "(?i",
    "\\E",
    "\\Q",
    "(?i)(?s",
    "[\\",
    "x{-1}",
    "(?P=n)",
    "\\k<n>",
    "\\1",
    "(?#c)",
    "(*)",
    "(|)*",
    "(a*)*",
    "(a|b)*?c",
    "x{0}",
    "x{0,}",
    "(?:)",
    "[^]",
    "[]",
    "(?P>n)",
    "\\c",
    "\\h",
    "\\u0041",
    "[z-\\d]",
    "[\\d-z]",
    "[a-\\pL]",
];
const REPEATS: &[&str] =
    &["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}", "{,3}", "{0}", "{1,3}{2}", "*+", "{"];
const TEXTS: &[&str] = &[
    "",
    "a",
    "b",
    "abc",
    "aabbcc",
    "xaxbxc",
    "a.b",
    "日本é",
    "A1 b2\nc3",
    "foo.bar-baz_1",
    "  x ",
    "\n",
    "a\nb\n",
    "aaaa",
    "ABCabc",
    "ab12cd",
    "ß ſ K k",
    "αβγ",
    "😀a",
    "1.2.3",
    "\t\u{b}",
    "abcd",
    "-",
    "_",
    "é",
    "a-b-c",
    "(a)",
    "[x]",
    "\\",
    "$1",
    "😀",
    "xxxxxxxxxx",
];
const WITH: &[&str] = &[
    "", "x", "$0", "$1", "${1}", "$1x", "${1}x", "$n", "${n}-$m", "$$", "$", "${", "${}", "$ ", "[$0]", "$10",
    "${x y}", "\\1", "$é", "a$", "${1", "$m_", "$2$1",
];

fn expression(rng: &mut Rng, depth: usize) -> String {
    let mut out = String::new();
    for _ in 0..1 + rng.below(4) {
        if depth > 0 && rng.chance(20) {
            let inner = expression(rng, depth - 1);
            out += &format!("{}{inner})", rng.pick(&["(", "(?:", "(?i:", "(?P<n>", "(?s:", "(?U:", "(?mi:", "(?<k>"]));
        } else if rng.chance(4) {
            out += rng.pick(BROKEN);
        } else {
            out += rng.pick(ATOMS);
        }
        if rng.chance(30) {
            out += rng.pick(REPEATS);
        }
        if rng.chance(10) {
            out += "|";
        }
    }
    out
}

fn regex(rng: &mut Rng) -> Json {
    let mut expr = expression(rng, 2);
    if rng.chance(5) {
        let chars: Vec<char> = expr.chars().collect();
        let at = rng.below(chars.len() + 1);
        expr = chars.iter().take(at).chain(chars.iter().skip(at + 1)).collect();
    }
    let expr = quoted(&expr);
    let subject = quoted(&(0..1 + rng.below(2)).map(|_| rng.pick(TEXTS)).collect::<String>());
    let (with, n) = (quoted(rng.pick(WITH)), rng.pick(&["-1", "0", "1", "2", "10", "-2"]));
    let text = match rng.below(10) {
        0 => format!("{{{{ mustRegexFindAll {expr} {subject} {n} | toJson }}}}"),
        1 => format!("{{{{ mustRegexReplaceAll {expr} {subject} {with} }}}}"),
        2 => format!("{{{{ mustRegexSplit {expr} {subject} {n} | toJson }}}}"),
        3 => format!("{{{{ regexReplaceAll {expr} {subject} {with} }}}}"),
        4 => format!(
            "{{{{ mustRegexMatch {expr} {subject} }}}}{{{{ mustRegexReplaceAllLiteral {expr} {subject} {with} }}}}"
        ),
        5 => format!("{{{{ regexFind {expr} {subject} }}}}{{{{ regexQuoteMeta {expr} }}}}"),
        _ => format!(
            "{{{{ regexMatch {expr} {subject} }}}}|{{{{ regexFindAll {expr} {subject} {n} | toJson }}}}|{{{{ regexSplit {expr} {subject} {n} | \
             toJson }}}}|{{{{ regexReplaceAll {expr} {subject} {with} }}}}|{{{{ regexReplaceAllLiteral {expr} {subject} {with} }}}}"
        ),
    };
    ask(&text)
}

const OPERANDS: &[&str] = &[
    "1",
    "-1",
    "0",
    "42",
    "1.5",
    "-0.5",
    "1e21",
    "1e-7",
    "0.1",
    "100000.0",
    "1e6",
    "true",
    "false",
    "nil",
    "\"a\"",
    "\"é\\n\\\"\"",
    "\"\"",
    "'x'",
    "(list 1 \"a\" nil)",
    "(list)",
    "(dict \"a\" 1)",
    "(dict)",
    "(int64 5)",
    "(float64 2.5)",
    "(list 1.5 true)",
    "(splitList \",\" \"a,b\")",
    "(b64dec \"/w==\")",
    "(mustToDuration \"90s\")",
    "(semver \"1.2.3-a\")",
    "9223372036854775807",
    "-9223372036854775808",
    "(list (list 1) (dict \"b\" nil))",
    "128512",
    "-97",
    "1114112",
    "3.0",
    "\"%d\"",
    "(until 3)",
    "(len \"a\")",
    "'é'",
    "(dict \"a\" (list 1 2.5) \"b\" (dict \"c\" \"x\"))",
    "\"\\xff\\x00\"",
    "\"日本語\"",
    "12345.678",
    "1e100",
    "(div 1 2)",
    ".Values",
    ".Release.Revision",
    "(regexFindAll \"z\" \"a\" -1)",
    ".Capabilities.APIVersions",
    ".Capabilities.KubeVersion",
    "(.Files.GetBytes \"x\")",
    "1i",
    "(1.5 | float64)",
    "(fromJson \"{\\\"a\\\":[1,null]}\")",
    "(int \"7\")",
    "(tuple 1)",
    "(chunk 1 (list 1 2))",
    "(uint 1)",
    "\"\\u2028\\u00a0\"",
    "\"a\\tb\"",
    "`a\"b`",
    "(list \"x\\ny\" 'c')",
];

fn directive(rng: &mut Rng) -> String {
    let mut out = String::from("%");
    for _ in 0..rng.one(&[0, 0, 0, 1, 1, 2, 3]) {
        out += rng.pick(&["-", "+", " ", "#", "0"]);
    }
    if rng.chance(8) {
        out += rng.pick(&["[1]", "[2]", "[3]", "[0]", "[x]", "[", "[1", "[]", "[-1]", "[1]*", "[2]*.[1]*"]);
    }
    if rng.chance(35) {
        out += rng.pick(&["1", "5", "10", "*", "0", "3", "20", "100", "1000001"]);
    }
    if rng.chance(30) {
        out += rng.pick(&[".0", ".1", ".2", ".3", ".", ".*", ".10", ".-1", ".20"]);
    }
    if rng.chance(4) {
        out += rng.pick(&["[1]", "[2]", "[9]"]);
    }
    out + rng.pick(&[
        "v", "v", "v", "d", "s", "q", "x", "X", "f", "F", "e", "E", "g", "G", "t", "T", "c", "U", "b", "o", "O", "%",
        "w", "z", "!", "é", "", "+v", "#v", "#q", "+q", " d", "#x", "#X", " x", "# x", "#o", "#U", "#g", "+.3e",
        "06.2f", "-8s|", "08.3f", "+d", "x ", "#b", "#e", "5t", "05d", "-05d", "+08d",
    ])
}

fn printf(rng: &mut Rng) -> Json {
    let mut format = String::new();
    for _ in 0..1 + rng.below(3) {
        format += rng.pick(&["", "", "a", " ", "é", "|", "%%"]);
        format += &directive(rng);
    }
    let count = rng.below(4);
    let operands: Vec<&str> = (0..count).map(|_| rng.pick(OPERANDS)).collect();
    ask(&format!("{{{{ printf {} {} }}}}", quoted(&format), operands.join(" ")))
}

const ELEMENTS: &[&str] = &[
    "2006",
    "06",
    "01",
    "1",
    "Jan",
    "January",
    "02",
    "2",
    "_2",
    "002",
    "__2",
    "Mon",
    "Monday",
    "15",
    "03",
    "3",
    "04",
    "4",
    "05",
    "5",
    "PM",
    "pm",
    "MST",
    "Z07:00",
    "-07:00",
    "-0700",
    "Z0700",
    "-07",
    "Z07",
    ".000",
    ".999",
    ",000",
    "05.000",
    "05.999999",
    "Z070000",
    "-07:00:00",
    "x",
    "é",
    "2006-01-02",
    "15:04:05",
    "2006-01-02T15:04:05Z07:00",
    "Janet",
    "T",
    " ",
    "-",
    ":",
    "/",
    "Mondays",
    "0",
    "20",
    "200",
    "05.00x",
    "\\n",
    "3PM",
];
const DATE_TEXTS: &[&str] = &[
    "2020-02-29",
    "2019-02-29",
    "2020-13-01",
    "2020-1-2",
    "0000-01-01",
    "9999-12-31",
    "15:04:05",
    "25:00:00",
    "2020-02-29T12:30:45Z",
    "2020-02-29T12:30:45.123456789+02:00",
    "2020-02-29T24:00:00Z",
    "2020-02-29 12:30:45 PM",
    "Sat",
    "Saturday",
    "Feb",
    "February 29, 2020",
    "12:00 AM",
    "12",
    "3PM",
    "0PM",
    "13PM",
    "2020",
    "20",
    "060",
    "366",
    "367",
    "000",
    "",
    "x",
    "é",
    "2020-02-29T12:30:60Z",
    "2020-02-29T12:30:45,5Z",
    "UTC",
    "CET",
    "GMT+3",
    "GMT-25",
    "WITA",
    "ABCDE",
    "+0530",
    "-07:00",
    "Z",
    "+99:99",
    "+24:00",
    "2020-02-29T12:30:45+2400",
    "1582580000",
    " 2",
    "_2",
    "007",
];
const DURATIONS: &[&str] = &[
    "1h",
    "90m",
    "1h30m45s",
    "1.5h",
    "-5s",
    "0",
    "100ms",
    "1us",
    "1µs",
    "1ns",
    "",
    "x",
    "1",
    "1d",
    "1h1",
    "9223372036854775807ns",
    "2562048h",
    ".5s",
    "1.s",
    "-.5m",
    "+3s",
    "--1s",
    "1e3s",
    "NaN",
    "inf",
    "5",
    "2.5",
    "1h 2m",
    "1hh",
    "μs",
    "1μs",
    "é",
    "24h",
    "8760h",
    "17520h",
    "720h",
    "0.000000001s",
    "99999999999",
    "-1.5",
    "1h\\n",
    " 5s ",
    "1_0s",
    "0x1p3",
    "3600000000000",
];

fn dates(rng: &mut Rng) -> Json {
    let layout = quoted(&(0..1 + rng.below(5)).map(|_| rng.pick(ELEMENTS)).collect::<String>());
    let known =
        rng.pick(&["\"2006-01-02\"", "\"2006-01-02T15:04:05Z07:00\"", "\"15:04:05\"", "\"Jan 2, 2006 3:04PM\""]);
    let value = quoted(rng.pick(DATE_TEXTS));
    let time = rng.pick(&[
        "(toDate \"2006-01-02\" \"2020-02-29\")",
        "(toDate \"2006-01-02T15:04:05Z07:00\" \"2020-12-31T23:59:58.5+05:30\")",
        "1582580000",
        "(int64 0)",
        "-1",
        "(toDate \"2006\" \"0001\")",
        "(toDate \"2006\" \"9999\")",
        "(toDate \"2006-01-02 15:04:05 MST\" \"2021-07-04 09:08:07 CEST\")",
        "253402300800",
    ]);
    let zone = quoted(rng.pick(&[
        "UTC",
        "",
        "Local",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "No/Where",
        "utc",
        "EST",
        "Australia/Lord_Howe",
        "../etc",
    ]));
    let (a, b) = (quoted(rng.pick(DURATIONS)), quoted(rng.pick(DURATIONS)));
    let text = match rng.below(16) {
        0 => format!("{{{{ mustToDate {known} {value} }}}}"),
        1 => format!("{{{{ toDate {layout} {value} }}}}"),
        2 => format!("{{{{ mustToDate {layout} {value} }}}}"),
        3 => format!("{{{{ dateInZone {layout} {time} {zone} }}}}"),
        4 => format!("{{{{ date {layout} {time} }}}}"),
        5 => format!(
            "{{{{ {time} | htmlDateInZone {zone} }}}}{{{{ htmlDateInZone {time} {zone} }}}}{{{{ htmlDate {time} }}}}"
        ),
        6 => format!("{{{{ dateModify {a} (toDate {known} {value}) }}}}"),
        7 => format!("{{{{ mustDateModify {a} (toDate \"2006-01-02\" \"2020-02-29\") }}}}"),
        8 => format!("{{{{ unixEpoch (toDate {known} {value}) }}}}"),
        9 => format!("{{{{ duration {a} }}}}|{{{{ durationRound {a} }}}}|{{{{ durationSeconds {a} }}}}"),
        10 => format!("{{{{ durationRoundTo {a} {b} }}}}|{{{{ durationTruncateTo {a} {b} }}}}"),
        11 => format!("{{{{ mustToDuration {a} }}}}"),
        12 => format!(
            "{{{{ durationHours {a} }}}}|{{{{ durationDays {a} }}}}|{{{{ durationWeeks {a} }}}}|{{{{ durationMinutes {a} }}}}|{{{{ durationMilliseconds {a} }}}}|\
             {{{{ durationMicroseconds {a} }}}}|{{{{ durationNanoseconds {a} }}}}"
        ),
        13 => format!(
            "{{{{ with toDate {layout} {value} }}}}{{{{ .Format {layout} }}}} {{{{ .YearDay }}}} {{{{ .Weekday }}}} {{{{ .AddDate 1 -2 3 }}}} {{{{ printf \"%#v\" . }}}}{{{{ end }}}}"
        ),
        14 => format!("{{{{ durationRound {} }}}}{{{{ duration {} }}}}", rng.pick(STRINGS), rng.pick(STRINGS)),
        _ => format!(
            "{{{{ with mustToDuration {a} }}}}{{{{ .Round (mustToDuration {b}) }}}} {{{{ .Truncate (mustToDuration {b}) }}}} {{{{ .Abs }}}} {{{{ .Hours }}}}{{{{ end }}}}"
        ),
    };
    ask(&text)
}
