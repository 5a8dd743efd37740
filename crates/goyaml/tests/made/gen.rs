//! A seeded generator of nasty scalars, trees and YAML texts.

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

/// Strings that mean something to somebody.
#[rustfmt::skip]
pub(crate) const ATOMS: &[&str] = &[
    "", "a", "b", "key", "name", "y", "Y", "n", "yes", "No", "on", "OFF", "true", "False", "null", "Null", "~", "nil",
    "0", "-0", "1", "-1", "+1", "007", "08", "0777", "0o17", "0o-7", "0x1F", "0X1f", "0b11", "0b-1", "-0b1", "1_000",
    "_1", "1_", "1e3", "1E+3", "1e400", "1.", ".5", "-.5", "+.5", "._5", ".5_1", "1.5e", "12:30", "12:30:45", "1:60",
    "190:20:30.15", "-1:2", ".inf", "-.Inf", "+.INF", ".nan", ".NaN", "inf", "NaN", "9223372036854775807",
    "9223372036854775808", "18446744073709551615", "18446744073709551616", "-9223372036854775808",
    "-9223372036854775809", "123456789012345678901234567890", "1234567.5", "1000000", "2001-01-01", "2001-1-1",
    "2001-02-30", "2001-12-14T21:59:43.1Z", "2001-12-14t21:59:43-05:00", "2001-12-14 21:59:43", "<<", "=", "!", "!!",
    "!a", "&", "&a", "*", "*a", "-", "--", "---", "--- a", "...", ".", "..", "?", "? a", "?a", ":", ": a", ":a", "a:",
    "a: b", "a:b", "a :b", "#", "#a", "a#", "a #b", "a# b", "{", "}", "{}", "{a", "[", "]", "[]", "[a]", ",", "a,b",
    "|", ">", "|a", "'", "''", "it's", "\"", "a\"b", "\\", "a\\b", "%", "%a", "@", "@a", "`", "`a", " ", " a", "a ",
    "a  b", "\t", "\ta", "a\t", "a\tb", "\n", "\n\n", "a\n", "a\n\n", "\na", "a\nb", "a\nb\n", "a\n\nb", " a\nb",
    "a\n b", "a \nb", "a\n b \n", "a\n\tb", "\r", "a\r\nb", "\u{85}", "a\u{85}b", "\u{2028}", "a\u{2028}b",
    "a\u{2029}", "\u{feff}", "\u{feff}a b", "a\u{feff}", "\u{a0}", "é", "日本語", "😀", "\u{0}", "a\u{0}b", "\u{1b}",
    "\u{7f}", "\u{80}", "\u{9f}", "\u{fffe}", "\u{ffff}", "\u{fffd}", "\u{e000}", "\u{301}", "<a>&amp;",
    "http://a.b/c?d=e&f#g", "10.0.0.1", "1.2.3", "v1.2.3-rc.1+b", "100m", "1Gi", "a/b", "a=b", "$(A)", "${A}",
    "{{ .Values.a }}", "k8s.io/x: \"y\"", "a10", "a2", "a02", "a1b", "1a", "1-", "a-b", "a_b", "A", "B", "a.b", "a0b",
    "9a", "09", "\u{663}", "é1", "x\u{663}", "x3", "Ⅷ", "²",
];

const WORDS: &[&str] = &["lorem", "ipsum", "dolor", "sit", "amet,", "a", "is:", "#x", "\"q\"", "it's", "é", "-", "  "];

#[rustfmt::skip]
const CHARS: &[&str] = &[
    "a", "b", "0", "1", "9", " ", " ", "\n", ":", "-", "#", ",", "'", "\"", "\\", "{", "}", "[", "]", "&", "*", "!",
    "|", ">", "%", "@", "`", "?", ".", "_", "+", "e", "x", "o", "y", "n", "\t", "é", "日", "\u{2028}", "\r", "=", "~",
];

/// A string that is likely to be hard to write.
pub(crate) fn scalar(rng: &mut Rng) -> String {
    match rng.below(10) {
        0..=4 => rng.pick(ATOMS).to_owned(),
        5 => format!("{}{}", rng.pick(ATOMS), rng.pick(ATOMS)),
        6 | 7 => (0..rng.below(12)).map(|_| rng.pick(CHARS)).collect(),
        8 => {
            let n = rng.below(60);
            let mut text: Vec<&str> = (0..n).map(|_| rng.pick(WORDS)).collect();
            if rng.chance(30) {
                text.insert(0, rng.pick(&["- ", "a: ", "#", "\t", "\u{7}"]));
            }
            text.join(rng.pick(&[" ", " ", " ", "\n", "  "]))
        }
        _ => {
            rng.pick(&["x", "ab ", "é", "\"", "1"]).repeat(*rng.pick(&[&60usize, &100, &127, &128, &129, &200, &1100]))
        }
    }
}

/// A key. Go's order of keys is random where numbers in them overflow, so there are none of these.
fn key(rng: &mut Rng) -> String {
    loop {
        let key = scalar(rng);
        if !key.split(|c: char| !c.is_numeric()).any(|digits| digits.len() > 17) {
            return key;
        }
    }
}

fn number(rng: &mut Rng) -> String {
    match rng.below(8) {
        0 | 1 => rng.below(100_000).to_string(),
        2 => (rng.next() as i64).to_string(),
        3 => format!("{}.{}", rng.below(1_000_000), rng.below(1000)),
        4 => format!("-{}e{}", rng.below(1000), rng.below(60)),
        5 => format!("0.{}e-{}", rng.below(100_000), rng.below(12)),
        6 => rng.pick(&["0", "-0", "1e20", "1e21", "1e6", "1000000", "999999", "1.5", "1e-6", "1e-7"]).to_owned(),
        _ => {
            let f = f64::from_bits(rng.next());
            if f.is_finite() { format!("{f:e}") } else { "1".to_owned() }
        }
    }
}

/// Quotes as any JSON reader takes it.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON")
}

/// A tree as JSON text.
pub(crate) fn json(rng: &mut Rng, depth: usize) -> String {
    let kind = if depth == 0 { rng.below(6) } else { rng.below(10) };
    match kind {
        0 => number(rng),
        1 => rng.pick(&["null", "true", "false", "[]", "{}"]).to_owned(),
        2..=5 => quoted(&scalar(rng)),
        6 | 7 => {
            let items: Vec<_> = (0..rng.below(5)).map(|_| json(rng, depth - 1)).collect();
            format!("[{}]", items.join(","))
        }
        _ => {
            let pairs: Vec<_> =
                (0..rng.below(7)).map(|_| format!("{}:{}", quoted(&key(rng)), json(rng, depth - 1))).collect();
            format!("{{{}}}", pairs.join(","))
        }
    }
}

#[rustfmt::skip]
const SOUP: &[&str] = &[
    "a", "b", "c: ", "key: ", ": ", ":", "- ", "-", "\n", "\n", "\n", "\n  ", "\n    ", " ", "  ", "{", "}", "[", "]",
    ", ", ",", " # c", "#", "\"", "\"x\"", "'", "'y'", "|", "|-\n", "|+\n", "|2\n", ">\n", ">-\n", ">2-\n", "&a ",
    "&b ", "*a", "*b ", "!!str ", "!!int ", "!!float ", "!!bool ", "!!null ", "!!binary ", "!!timestamp ", "!!map ",
    "!x ", "! ", "!<tag:yaml.org,2002:str> ", "!e!x ", "? ", "?", "---\n", "--- ", "...\n", "\t", "\r\n", "\r",
    "%YAML 1.1\n", "%YAML 1.2\n", "%TAG ! tag:x,\n", "%TAG !e! tag:e,\n", "%FOO\n", "<<: ", "<<: *a", "<<: [*a, *b]",
    "null", "~", "yes", "no", "1", "0777", "0x1F", "1.5", ".inf", ".nan", "1_000", "2001-01-01", "aGk=", "\\n",
    "\\x41", "\\u00e9", "\\", "\\\n", "é", "日本", "\u{feff}", "\u{85}", "\u{2028}", "\u{7f}", "@", "`", "%", "12:30",
    "''", "long text that goes on", "{{ .Values.x }}", "{a: 1}", "[1, 2]", "\n\n", "\n- ", "\n  - ", "\na: ",
    "\n  b: ",
];

fn plain(rng: &mut Rng) -> String {
    if rng.chance(70) {
        rng.pick(&[
            "a",
            "b",
            "c",
            "x y",
            "1",
            "true",
            "no",
            "1.5",
            "0777",
            "é",
            "a-b",
            "foo",
            "~",
            "null",
            "http://x/y",
        ])
        .to_owned()
    } else {
        rng.pick(ATOMS).to_owned()
    }
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|l| format!("{}{l}\n", " ".repeat(by))).collect()
}

fn block_scalar(rng: &mut Rng, indent: usize) -> String {
    let header = rng.pick(&["|", ">", "|-", ">-", "|+", ">+", "|2", ">2-", "|+1", "| # c", ">  "]);
    let mut out = format!("{header}\n");
    for _ in 0..rng.below(5) {
        let line = rng.pick(&["text", "more text", "", "  deeper", "\ttab", "# no comment", "a: b", "- c", "é ", " x"]);
        let pad = indent + rng.below(3);
        out.push_str(&format!("{}{line}\n", " ".repeat(pad)));
    }
    out
}

/// A node in block style, beginning behind a key or a dash; ends with a line break.
fn block(rng: &mut Rng, indent: usize, depth: usize) -> String {
    let props = if rng.chance(12) {
        rng.pick(&["&a ", "&b ", "!!str ", "!x ", "!!map ", "!!int ", "&a !!str ", "!!float &b ", "!!binary ", "! "])
    } else {
        ""
    };
    let comment = if rng.chance(8) { rng.pick(&[" # c", "  #", " #: x"]) } else { "" };
    let kind = if depth == 0 { rng.below(7) } else { rng.below(12) };
    match kind {
        0 | 1 => format!("{props}{}{comment}\n", plain(rng)),
        2 => format!("{props}{}{comment}\n", quoted(&scalar(rng))),
        3 => format!("{props}'{}'{comment}\n", scalar(rng).replace('\'', "''").replace('\n', "\n  ")),
        4 => format!("{props}{}", block_scalar(rng, indent)),
        5 => format!("{}{comment}\n", rng.pick(&["*a", "*b", "", "&a", "!!str", "!!null"])),
        6 => format!("{props}{}{comment}\n", flow(rng, depth)),
        7 | 8 => {
            let deeper = indent + if rng.chance(40) { 0 } else { 2 };
            let mut out = format!("{props}{comment}\n");
            for _ in 0..rng.below(4) + 1 {
                out.push_str(&format!("{}- {}", " ".repeat(deeper), block(rng, deeper + 2, depth - 1)));
                decorate(rng, &mut out, deeper);
            }
            out
        }
        _ => {
            let deeper = indent + rng.pick(&[&2usize, &2, &2, &1, &4]);
            let mut out = format!("{props}{comment}\n");
            for _ in 0..rng.below(4) + 1 {
                out.push_str(&pair(rng, deeper, depth - 1));
                decorate(rng, &mut out, deeper);
            }
            out
        }
    }
}

fn pair(rng: &mut Rng, indent: usize, depth: usize) -> String {
    let pad = " ".repeat(indent);
    match rng.below(20) {
        0 => format!("{pad}<<: {}\n", rng.pick(&["*a", "*b", "[*a, *b]", "{x: 1}", "[{x: 1}, {x: 2, y: 3}]", "1"])),
        1 => format!("{pad}? {}{pad}: {}", block(rng, indent + 2, depth.min(1)), block(rng, indent, depth)),
        2 => format!("{pad}{}: {}", quoted(&scalar(rng)), block(rng, indent, depth)),
        3 => format!("{pad}&a {}: {}", plain(rng), block(rng, indent, depth)),
        _ => format!("{pad}{}: {}", plain(rng), block(rng, indent, depth)),
    }
}

fn decorate(rng: &mut Rng, out: &mut String, indent: usize) {
    match rng.below(30) {
        0 => out.push('\n'),
        1 => out.push_str("# comment\n"),
        2 => out.push_str(&format!("{}# comment: x\n", " ".repeat(indent + 1))),
        3 => out.push_str("   \n"),
        _ => {}
    }
}

fn flow(rng: &mut Rng, depth: usize) -> String {
    let kind = if depth == 0 { rng.below(4) } else { rng.below(8) };
    match kind {
        0 | 1 => plain(rng),
        2 => quoted(&scalar(rng)),
        3 => rng.pick(&["*a", "'x'", "", "&b c", "!!str 1", "{}", "[]"]).to_owned(),
        4 | 5 => {
            let items: Vec<_> = (0..rng.below(4)).map(|_| flow(rng, depth - 1)).collect();
            format!("[{}]", items.join(rng.pick(&[", ", ",", " ,\n  ", ", # c\n "])))
        }
        _ => {
            let items: Vec<_> = (0..rng.below(4))
                .map(|_| match rng.below(8) {
                    0 => plain(rng),
                    1 => format!("? {} : {}", plain(rng), flow(rng, depth - 1)),
                    2 => format!("{}:{}", quoted(&scalar(rng)), flow(rng, depth - 1)),
                    _ => format!("{}: {}", plain(rng), flow(rng, depth - 1)),
                })
                .collect();
            format!("{{{}}}", items.join(rng.pick(&[", ", ",", " ,\n  ", ", # c\n "])))
        }
    }
}

/// Changes a text a little, at places that matter.
pub(crate) fn mutate(rng: &mut Rng, text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..rng.below(3) + 1 {
        let at = rng.below(chars.len() + 1);
        match rng.below(5) {
            0 if at < chars.len() => {
                chars.remove(at);
            }
            1 => {
                let end = (at + rng.below(12)).min(chars.len());
                chars.drain(at.min(chars.len())..end);
            }
            2 => {
                let end = (at + rng.below(20)).min(chars.len());
                let copy: Vec<char> = chars.get(at..end).unwrap_or_default().to_vec();
                let to = rng.below(chars.len() + 1);
                chars.splice(to..to, copy);
            }
            _ => {
                let piece = if rng.chance(60) { rng.pick(SOUP) } else { rng.pick(CHARS) };
                chars.splice(at..at, piece.chars());
            }
        }
    }
    chars.into_iter().collect()
}

/// A YAML text: most often nearly right.
pub(crate) fn yaml(rng: &mut Rng) -> String {
    let mut text = match rng.below(10) {
        0 | 1 => (0..rng.below(14) + 1).map(|_| rng.pick(SOUP)).collect(),
        2 => block(rng, 0, 0),
        3 => flow(rng, 3),
        _ => {
            let mut out = String::new();
            if rng.chance(10) {
                out.push_str(rng.pick(&[
                    "---\n",
                    "--- # x\n",
                    "# c\n",
                    "\n",
                    "%YAML 1.1\n---\n",
                    "\u{feff}",
                    "%TAG !e! tag:e,\n---\n",
                ]));
            }
            if rng.chance(25) {
                out.push_str("base: &a {x: 1, y: [2]}\nother: &b\n  y: 3\n");
            }
            for _ in 0..rng.below(5) + 1 {
                out.push_str(&pair(rng, 0, 3));
                decorate(rng, &mut out, 0);
            }
            if rng.chance(10) {
                out.push_str(rng.pick(&["---\n", "...\n", "---\nb: 1\n", "--- x\n"]));
                out.push_str(&pair(rng, 0, 1));
            }
            out
        }
    };
    if rng.chance(5) {
        text = indented(&text, 1);
    }
    if rng.chance(8) {
        text = text.replace('\n', "\r\n");
    }
    if rng.chance(35) {
        text = mutate(rng, &text);
    }
    if rng.chance(3) {
        // Something odd where a portion of the reader ends.
        let until = 512 * (rng.below(3) + 1) - rng.below(12);
        let head = rng.pick(&["# ", "a: ", "a: '", "- \"", "|\n ", "a: {b: ", "? "]);
        let mut padded = head.to_owned();
        padded.push_str(&rng.pick(&["x", "x y ", "é"]).repeat(until)[..(until - head.len() - 1) & !1]);
        for _ in 0..rng.below(3) {
            padded.push_str(rng.pick(&[
                "\n", "\u{feff}", "\r\n", "\u{2028}", "😀", "'", "\"", "\\\n", "\\x41", "--- ", ": ", "\n---\n",
                "\u{1}",
            ]));
        }
        text = padded + &text;
    }
    if rng.chance(2) {
        text.push_str(&"# a long comment, longer than a portion of the reader\n".repeat(rng.below(24)));
        text.push_str(rng.pick(&["\u{feff}b: 1\n", "\u{1}", "z: 1\n", "\u{7f}", "---\n\u{1}"]));
    }
    text
}
