use super::*;
use crate::flags::parse;

fn read(args: &[&str], variables: &[(&str, &str)]) -> Result<Effective, String> {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let parsed = parse(FLAGS, &args).unwrap();
    let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
    Effective::read(&parsed, &variable).map_err(|fail| fail.text)
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn of_file(text: &str) -> Result<Effective, String> {
    let file = file(text);
    read(&["--config", file.path().to_str().unwrap()], &[])
        .map_err(|error| error.replace(file.path().to_str().unwrap(), "FILE"))
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    let file = file("listen: 127.0.0.1:1\nlimits: {requests: 1, streams: 1, operations: 1}\nauth: {kinds: [oidc]}\n");
    let config = file.path().to_str().unwrap();
    let variables = [
        ("WHIPSTAFF_CONFIG", config),
        ("WHIPSTAFF_LIMIT_REQUESTS", "2"),
        ("WHIPSTAFF_LIMIT_STREAMS", "2"),
        ("WHIPSTAFF_AUTH", "apikey,tokenreview"),
        ("WHIPSTAFF_OPEN_METRICS", "true"),
        ("WHIPSTAFF_LOG", "debug"),
        ("POD_NAMESPACE", "pods"),
    ];
    let found = read(&["--limit-streams=3", "--open-metrics=false"], &variables).unwrap();
    let texts = ["listen", "limit-requests", "limit-streams", "limit-operations", "grace", "log", "namespace"];
    assert_eq!(texts.map(|name| found.text(name)), ["127.0.0.1:1", "2", "3", "1", "30s", "debug", "pods"]);
    assert_eq!(found.list("auth"), ["apikey", "tokenreview"]);
    assert!(!found.on("open-metrics"));
    let own = [("POD_NAMESPACE", "pods"), ("WHIPSTAFF_NAMESPACE", "own")];
    assert_eq!(read(&[], &own).unwrap().text("namespace"), "own");
    // What is said less strongly gives way, and what is said as strongly does not.
    let both = read(&["--sandbox"], &[("WHIPSTAFF_KUBECONFIG", "k")]).unwrap();
    assert_eq!(both.as_strong_as("sandbox", &["kubeconfig"]), None);
    let both = read(&["--kubeconfig=k"], &[("WHIPSTAFF_SANDBOX", "true")]).unwrap();
    assert_eq!(both.as_strong_as("sandbox", &["kubeconfig"]), Some("kubeconfig"));
}

#[test]
fn what_is_printed_is_read_back_unchanged() {
    let plain = print(&read(&[], &[]).unwrap());
    assert_eq!(print(&of_file(&plain).unwrap()), plain);
    let odd = [
        "--listen=[::1]:0",
        "--instance=0123",
        "--namespace=null",
        "--kubeconfig=/a b/#c: 'd'\n\"e\"",
        "--auth=apikey,oidc",
        "--token-audience=yes",
        "--trusted-proxies=10.0.0.0/8,::1",
        "--limit-chart-size=1024",
        "--limit-operations=1000000",
        "--oidc-username-prefix=-",
        "--sandbox",
    ];
    let printed = print(&read(&odd, &[]).unwrap());
    let again = of_file(&printed).unwrap();
    assert_eq!(print(&again), printed);
    assert_eq!((again.text("instance"), again.text("namespace")), ("0123", "null"));
    assert_eq!(again.list("token-audience"), ["yes"]);
    for setting in settings() {
        assert!(printed.contains(&format!("{}:", setting.path.rsplit('.').next().unwrap())), "{}", setting.path);
    }
}

#[test]
fn what_is_no_setting_is_refused() {
    for (text, want) in [
        ("lisen: a", "`lisen` is no setting; did you mean `listen`?"),
        ("limits: {caller-rate: 1}", "`limits.caller-rate` is no setting; did you mean `limits.callerRate`?"),
        ("tls-cert-file: a", "`tls-cert-file` is no setting; did you mean `tls.certFile`?"),
        ("callerRate: 1", "`callerRate` is no setting; did you mean `limits.callerRate`?"),
        ("limit: {callerRate: 1}", "`limit` is no setting; did you mean `limits`?"),
        ("auth: {oidc: {isuer: a}}", "`auth.oidc.isuer` is no setting; did you mean `auth.oidc.issuer`?"),
        ("somethingElse: 1", "`somethingElse` is no setting"),
        ("limits: 3", "`limits`: expected settings by name, not number"),
        ("limits: {requests: many}", "`limits.requests`: expected a number, not string"),
        ("limits: {requests: 1.5}", "`limits.requests`: expected a whole number that is not negative"),
        ("limits: {chartSize: 1MB}", "`limits.chartSize`: not a number of bytes such as 32Mi"),
        ("grace: 30", "`grace`: expected a time such as 30s, not number"),
        ("grace: soon", "`grace`: time: invalid duration \"soon\""),
        ("sandbox: 1", "`sandbox`: expected true or false, not number"),
        ("auth: {kinds: [1]}", "`auth.kinds`: expected a list of texts"),
        ("listen: [a]", "`listen`: expected a text, not array"),
        ("a: 1\nb: 2", "`a` is no setting; `b` is no setting"),
        ("- a", "expected settings by name"),
    ] {
        assert_eq!(of_file(text).unwrap_err(), format!("cannot use `FILE`: {want}"), "{text}");
    }
    assert!(of_file("listen: a\nlisten: b").is_err(), "said twice");
    for open in ["", "# nothing\n", "listen: null\n", "limits:\n"] {
        assert_eq!(of_file(open).unwrap().text("listen"), "127.0.0.1:8080", "{open}");
    }
    assert!(read(&["--config=/nowhere"], &[]).unwrap_err().starts_with("cannot read `/nowhere`: "));
}

#[test]
fn what_is_wrong_is_found_where_it_was_said() {
    let error = read(&[], &[("WHIPSTAFF_GRACE", "soon")]).unwrap_err();
    assert_eq!(error, "invalid argument \"soon\" for $WHIPSTAFF_GRACE: time: invalid duration \"soon\"");
    let found = of_file("limits: {requests: 0}").unwrap();
    let error = found.count::<u32>("limit-requests").unwrap_err().text;
    assert!(error.contains("`limits.requests` in `") && error.ends_with("a number above zero"), "{error}");
}

/// The page has what `--print-config` prints; `WHIPSTAFF_BLESS=1` writes it anew.
#[test]
fn the_page_shows_all_settings() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/serve.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- settings -->\n```yaml\n", "```\n<!-- end -->");
    let (before, rest) = page.split_once(begin).unwrap();
    let (shown, after) = rest.split_once(end).unwrap();
    let printed = print(&read(&[], &[]).unwrap());
    if std::env::var_os("WHIPSTAFF_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{begin}{printed}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(shown, printed, "docs/serve.md is stale: run this test with WHIPSTAFF_BLESS=1");
}
