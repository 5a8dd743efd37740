//! One call of a function must not take what a whole render may: in time, or in memory (RELIABILITY.md §4.3, S1).

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]
// Templates in double braces read alike, whether something is put in or not.
#![allow(clippy::useless_format)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chart::{Chart, File};
use goyaml::Map;
use render::{Capabilities, Inputs, Limits, Parsed, Release, RenderError};

const TIME: Duration = Duration::from_millis(300);

/// How long it may go on when it is told to stop: what takes 8 s in a debug build of its own takes more beside the other tests.
const GRACE: Duration = Duration::from_secs(40);

/// Renders as a server does, and is told to stop after a while.
fn run(text: &str) -> (Result<String, RenderError>, Duration) {
    let mut chart = Chart::default();
    chart.metadata.name = "t".into();
    chart.templates.push(File { name: "templates/a.yaml".into(), data: text.to_owned().into(), ..File::default() });
    let started = Instant::now();
    let parsed = match Parsed::new(Arc::new(chart)) {
        Ok(parsed) => parsed,
        Err(error) => return (Err(error), started.elapsed()),
    };
    let (values, release, capabilities) = (Map::new(), Release::default(), Capabilities::default());
    let interrupt = Arc::new(AtomicBool::new(false));
    let inputs = Inputs {
        limits: Limits {
            steps: Some(100_000_000),
            output: Some(64 << 20),
            memory: Some(256 << 20),
            ..Limits::default()
        },
        interrupt: Some(Arc::clone(&interrupt)),
        ..Inputs::new(&values, &release, &capabilities, jiff::Timestamp::UNIX_EPOCH)
    };
    let done = std::thread::scope(|scope| {
        let render =
            scope.spawn(|| parsed.render(&inputs).map(|files| files.values().map(|text| text.len()).sum::<usize>()));
        while !render.is_finished() && started.elapsed() < TIME {
            std::thread::sleep(Duration::from_millis(5));
        }
        interrupt.store(true, Ordering::Relaxed);
        render.join().unwrap()
    });
    (done.map(|length| format!("{length} bytes")), started.elapsed())
}

/// Runs what has to end in an error of a budget, in time.
fn ends(texts: &[String]) {
    let mut wrong = Vec::new();
    for text in texts {
        let shown: String = text.chars().take(160).collect();
        let (result, took) = run(text);
        println!(
            "{:6} ms {shown}: {}",
            took.as_millis(),
            match &result {
                Ok(text) => text.clone(),
                Err(error) => error.to_string().chars().take(160).collect(),
            }
        );
        if took > TIME + GRACE {
            wrong.push(shown);
        }
    }
    assert!(wrong.is_empty(), "too long: {wrong:#?}");
}

/// Text of a size.
fn big(bytes: usize) -> String {
    format!("(repeat {bytes} \"a\")")
}

#[test]
fn numbers_and_texts() {
    ends(&[
        "{{ range until 50000000 }}x{{ end }}".to_owned(),
        "{{ until 49999999 | len }}".to_owned(),
        "{{ untilStep 0 49999999 1 | len }}".to_owned(),
        "{{ seq 49999999 | len }}".to_owned(),
        "{{ repeat 1000000000 \"a\" | len }}".to_owned(),
        format!("{{{{ indent 1000000000 {} | len }}}}", "\"a\""),
        "{{ indent 1000 (repeat 1000000 \"\\n\") | len }}".to_string(),
        format!("{{{{ replace \"a\" {0} {0} | len }}}}", big(20_000_000)),
        format!("{{{{ replace \"\" {0} {0} | len }}}}", big(20_000_000)),
        format!("{{{{ join {} (until 1000000) | len }}}}", big(1_000_000)),
        format!("{{{{ wrapWith 1 {} (repeat 100000 \"a \") | len }}}}", big(1_000_000)),
        "{{ wrap 1 (repeat 10000000 \"a \") | len }}".to_string(),
        format!("{{{{ printf \"{}\" 1 2 | len }}}}", "%999999d".repeat(5000)),
        format!("{{{{ printf \"{}\" 1.0 | len }}}}", "%[1].999999f".repeat(5000)),
        format!("{{{{ $w := 999999 }}}}{{{{ printf \"{}\" $w 1 | len }}}}", "%[1]*[2]d".repeat(5000)),
        format!("{{{{ $s := {} }}}}{{{{ printf \"{}\" $s | len }}}}", big(1_000_000), "%[1]s".repeat(5000)),
        format!("{{{{ $s := {} }}}}{{{{ print {} | len }}}}", big(1_000_000), "$s ".repeat(5000)),
        format!("{{{{ $s := {} }}}}{{{{ cat {} | len }}}}", big(1_000_000), "$s ".repeat(5000)),
        format!("{{{{ $s := {} }}}}{{{{ list {} | join \"\" | len }}}}", big(1_000_000), "$s ".repeat(5000)),
        format!("{{{{ $s := {} }}}}{{{{ list {} | toJson | len }}}}", big(1_000_000), "$s ".repeat(5000)),
        format!("{{{{ $s := {} }}}}{{{{ list {} | toYaml | len }}}}", big(1_000_000), "$s ".repeat(5000)),
        format!("{{{{ $s := {} }}}}{{{{ dict \"a\" (list {}) | toToml | len }}}}", big(1_000_000), "$s ".repeat(5000)),
        format!("{{{{ $s := {} }}}}{{{{ list {} | toStrings | toString | len }}}}", big(1_000_000), "$s ".repeat(5000)),
        format!("{{{{ $s := {} }}}}{{{{ quote {} | len }}}}", big(1_000_000), "$s ".repeat(5000)),
        format!("{{{{ splitList \"\" {} | len }}}}", big(50_000_000)),
        format!("{{{{ split \"\" {} | len }}}}", big(50_000_000)),
        "{{ randAlphaNum 1000000000 | len }}".to_owned(),
        "{{ randBytes 1000000000 | len }}".to_owned(),
        format!("{{{{ {} | b64enc | b64enc | b64enc | sha256sum }}}}", big(50_000_000)),
        format!(
            "{{{{ {} | camelcase | snakecase | kebabcase | title | untitle | swapcase | initials | len }}}}",
            big(20_000_000)
        ),
        format!("{{{{ {} | shuffle | len }}}}", big(20_000_000)),
    ]);
}

#[test]
fn values_that_share_their_parts() {
    let wide = "{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}\
                {{ $m := dict \"a\" 1 }}{{ range 60 }}{{ $m = dict \"a\" $m \"b\" $m }}{{ end }}\
                {{ $k := list 1 }}{{ range 60 }}{{ $k = list $k $k }}{{ end }}\
                {{ $n := dict \"a\" 1 }}{{ range 60 }}{{ $n = dict \"a\" $n \"b\" $n }}{{ end }}";
    let calls = [
        "$l",
        "$m",
        "print $l",
        "printf \"%v\" $m",
        "printf \"%#v\" $l",
        "printf \"%+v\" $m",
        "toString $l",
        "quote $l",
        "squote $m",
        "cat $l $m",
        "toJson $l",
        "mustToJson $m",
        "toPrettyJson $l",
        "toRawJson $m",
        "toYaml $l",
        "mustToYaml $m",
        "toYamlPretty $l",
        "toToml $m",
        "mustToToml $m",
        "deepCopy $m | len",
        "mustDeepCopy $m | len",
        "deepEqual $l $k",
        "deepEqual $m $n",
        "has $k (list $l)",
        "without (list $l $l) $k | len",
        "uniq (list $l $k) | len",
        "merge (dict) $m | len",
        "mergeOverwrite (dict) $m | len",
        "mustMerge (deepCopy (dict)) $m $n | len",
        "mergeOverwrite $m $n | len",
        "merge $m $n | len",
        "join \",\" $l",
        "toStrings $l",
        "sortAlpha $l",
        "eq $l $k",
        "kindIs \"slice\" $l",
        "typeOf $m",
        "compact $l | len",
        "concat $l $k | len",
        "values $m | toString",
        "pluck \"a\" $m $n | toString",
        "dig \"a\" \"b\" 1 $m | toString",
        "tpl \"{{ . }}\" $m",
        "html $l",
        "js $m",
        "urlquery $l",
        "set $m \"c\" $n | toString",
        "fail (toString $l)",
        "required \"x\" $l",
        "toString $m | sha256sum",
        "urlJoin $m",
        "derivePassword 1 \"a\" \"b\" \"c\" \"d\"",
        "hasKey $m \"a\"",
        "omit $m \"c\" | toString",
        "pick $m \"a\" | toString",
        "println $l",
        "int $l",
        "float64 $m",
        "ternary $l $k true",
        "default $l $k",
        "coalesce $l $k",
        "empty $l",
        "any $l",
        "all $l",
        "first $l",
        "chunk 1 $l",
        "append $l $k",
        "prepend $l $k",
        "reverse $l",
        "rest $l",
        "initial $l",
        "slice $l 0 1",
        "len $l",
        "index $l 0",
    ];
    ends(&calls.map(|call| format!("{wide}{{{{ {call} }}}}")));
}

#[test]
fn expressions() {
    let text = big(2_000_000);
    ends(&[
        format!("{{{{ regexFindAll \".*[^A-Za-z]|[A-Za-z]\" {text} -1 | len }}}}"),
        format!("{{{{ regexReplaceAll \".*[^A-Za-z]|[A-Za-z]\" {text} \"$0$0\" | len }}}}"),
        format!("{{{{ regexReplaceAll \"a\" {text} \"{}\" | len }}}}", "$0".repeat(1000)),
        format!("{{{{ regexReplaceAllLiteral \"a\" {text} {} | len }}}}", big(100_000)),
        format!("{{{{ regexSplit \"a*b|\" {text} -1 | len }}}}"),
        format!("{{{{ regexMatch \"(a?){{1000}}(a?){{1000}}$b\" {text} }}}}"),
        format!("{{{{ regexMatch \"((a{{1000}}){{1000}})\" {text} }}}}"),
        format!("{{{{ regexFind \"(x+x+)+y|(a|aa|a?){{200}}[^a]\" {text} }}}}"),
        "{{ range 100000 }}{{ regexMatch (printf \"(a{0,900}){1}%d\" .) \"a\" }}{{ end }}".to_string(),
        format!("{{{{ mustRegexFindAll \"\\\\pL{{1,200}}b\" {text} -1 | len }}}}"),
    ]);
}

#[test]
fn keys_and_times() {
    ends(&[
        "{{ range 1000 }}{{ bcrypt \"a\" }}{{ end }}".to_owned(),
        "{{ range 1000 }}{{ htpasswd \"a\" \"b\" }}{{ end }}".to_owned(),
        "{{ range 1000 }}{{ derivePassword 1 \"long\" \"a\" \"b\" \"c\" }}{{ end }}".to_owned(),
        format!("{{{{ range 1000 }}}}{{{{ sha512sum {} }}}}{{{{ end }}}}", big(50_000_000)),
        "{{ date (repeat 5000000 \"2006-01-02 \") now | len }}".to_string(),
        "{{ semverCompare (repeat 100000 \">=1.0.0 || \") \"1.0.0\" }}".to_string(),
        "{{ fromYaml (repeat 3000000 \"a: [\") | len }}".to_string(),
        "{{ fromYaml (printf \"a: %s\" (repeat 10000000 \"x \")) | len }}".to_string(),
        "{{ fromYamlArray (repeat 10000000 \"- x\\n\") | len }}".to_string(),
        "{{ fromJson (repeat 10000000 \"{\\\"a\\\":\") | len }}".to_string(),
        "{{ fromJsonArray (printf \"[%s1]\" (repeat 10000000 \"1,\")) | len }}".to_string(),
        "{{ fromToml (repeat 3000000 \"a = [\") | len }}".to_string(),
        "{{ fromToml (printf \"a%sb = 1\" (repeat 1000000 \".a\")) | len }}".to_string(),
        "{{ $t := \"{{ tpl .t . }}{{ tpl .t . }}\" }}{{ tpl $t (dict \"t\" $t) }}".to_owned(),
        "{{ define \"x\" }}{{ include \"y\" . }}{{ include \"y\" . }}{{ end }}{{ define \"y\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}"
            .to_owned(),
        "{{ range 1000000 }}{{ tpl (printf \"{{ %d }}\" .) $ }}{{ end }}".to_owned(),
        "{{ tpl (repeat 1000000 \"{{ if true }}\") . }}".to_string(),
        "{{ tpl (repeat 10000000 \"{{ 1 }}\") . }}".to_string(),
        format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000)),
    ]);
}
