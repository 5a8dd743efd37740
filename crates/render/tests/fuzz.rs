//! Generated templates against Helm: `WHIPSTAFF_ORACLE=/path/to/helm-oracle WHIPSTAFF_FUZZ=COUNT[,SEED]`; without them
//! the test says so and passes.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;

use gotext::{Function, GoType};

/// What has another result each time, takes long, or is in no order in Go.
const LEFT_OUT: &[&str] = &[
    "ago",
    "bcrypt",
    "date",
    "dateInZone",
    "date_in_zone",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "buildCustomCert",
    "htmlDate",
    "htmlDateInZone",
    "htpasswd",
    "keys",
    "now",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "uuidv4",
    "values",
    "derivePassword",
    "durationRound",
    "lookup",
    "decryptAES",
    "splitn",
    "tpl",
    "include",
    "repeat",
    "until",
    "untilStep",
    "seq",
];

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }
}

const STRINGS: &[&str] = &[
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
];
const INTS: &[&str] = &["0", "1", "-1", "2", "5", "10", "-7", "100", "3"];
const ANY: &[&str] = &[
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
];
const LISTS: &[&str] = &[
    "(list)",
    r#"(list 1 "a" nil 2.5)"#,
    r#"(list "b" "a" "b")"#,
    ".Values.list",
    "(until 4)",
    r#"(splitList "," "x,y,,z")"#,
    "(list 0 false \"\")",
];
const DICTS: &[&str] = &[
    "(dict)",
    r#"(dict "a" 1 "b" (dict "c" "x"))"#,
    ".Values.map",
    ".Values",
    r#"(dict "a" "" "l" (list 1))"#,
    ".Values.deep",
    r#"(dict "host" "h" "path" "/p")"#,
];

fn argument(random: &mut Random, functions: &[Function], wanted: GoType, depth: u32) -> String {
    // Now and then something of another type.
    if random.below(12) == 0 {
        return random.pick(ANY).to_owned();
    }
    if depth > 0 && random.below(4) == 0 {
        return format!("({})", call(random, functions, depth - 1));
    }
    match wanted {
        GoType::String => random.pick(STRINGS),
        GoType::Int | GoType::Uint32 => random.pick(INTS),
        GoType::Float64 => "0.5",
        GoType::Bool => random.pick(&["true", "false"]),
        GoType::List => random.pick(LISTS),
        GoType::Map => random.pick(DICTS),
        GoType::Named("time.Time") => r#"(toDate "2006-01-02" "2017-12-31")"#,
        _ => match random.below(5) {
            0 => random.pick(STRINGS),
            1 => random.pick(INTS),
            2 => random.pick(LISTS),
            3 => random.pick(DICTS),
            _ => random.pick(ANY),
        },
    }
    .to_owned()
}

fn call(random: &mut Random, functions: &[Function], depth: u32) -> String {
    let function = &functions[random.below(functions.len())];
    let mut text = function.name.to_owned();
    let mut wanted: Vec<GoType> = function.params.to_vec();
    if let Some(more) = function.variadic {
        wanted.extend(std::iter::repeat_n(more, random.below(4)));
    }
    // Now and then one argument too few.
    if random.below(40) == 0 {
        wanted.pop();
    }
    for wanted in wanted {
        text.push(' ');
        text.push_str(&argument(random, functions, wanted, depth));
    }
    text
}

#[test]
fn generated_templates_do_what_helm_does() {
    let (Ok(oracle), Ok(count)) = (std::env::var("WHIPSTAFF_ORACLE"), std::env::var("WHIPSTAFF_FUZZ")) else {
        println!("fuzz: not asked for (set WHIPSTAFF_ORACLE and WHIPSTAFF_FUZZ)");
        return;
    };
    let (count, seed) = count.split_once(',').unwrap_or((&count, "1"));
    let (count, seed): (usize, u64) = (count.parse().unwrap(), seed.parse().unwrap());
    let functions: Vec<Function> =
        render::functions::all().iter().copied().filter(|f| !LEFT_OUT.contains(&f.name)).collect();
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut wrong = 0;
    for _ in 0..count.div_ceil(1000) {
        let snippets: Vec<String> = (0..1000)
            .map(|_| {
                let inner = call(&mut random, &functions, 2);
                match random.below(4) {
                    0 => format!("{{{{ {inner} | toJson }}}}"),
                    1 => format!("{{{{ printf \"%v %T\" ({inner}) ({inner}) }}}}"),
                    2 => format!("{{{{ {inner} | typeOf }}}}"),
                    _ => format!("{{{{ {inner} }}}}"),
                }
            })
            .collect();
        let expected = common::snippets::ask_helm(&oracle, &snippets);
        for (snippet, want) in snippets.iter().zip(&expected) {
            std::fs::write("/tmp/last-snippet", snippet).unwrap();
            let got = common::snippets::ask_ours(snippet);
            if !want.is_null() && got != *want {
                wrong += 1;
                println!("{snippet}\n  helm {want}\n  ours {got}");
            }
        }
    }
    println!("fuzz: {wrong} of {count} differ");
    assert_eq!(wrong, 0);
}
