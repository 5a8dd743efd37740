//! The same commands, once in this process over a cluster and once over the API of a server: they print the same.

#![allow(missing_docs, clippy::unwrap_used, unreachable_pub)]

#[allow(dead_code, reason = "each file of tests needs other helpers")]
mod common;

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use common::{Done, Place};
use regex::Regex;

/// A server over a sandbox, and the addresses of both.
struct World {
    place: Place,
    server: Child,
    api: String,
    /// What it prints further: it would fail if nobody listened.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl World {
    fn new() -> Self {
        let place = Place::new();
        place.write("hello/Chart.yaml", "apiVersion: v2\nname: hello\nversion: 0.1.0\nappVersion: \"7\"\n");
        place.write("hello/values.yaml", "text: first\nmore: {a: 1, b: [1, 2.5]}\n");
        place.write(
            "hello/templates/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n\
             data: {text: {{ .Values.text | quote }}, more: {{ .Values.more | toJson | quote }}}\n",
        );
        place.write("hello/templates/NOTES.txt", "{{ .Values.text }}, at {{ .Release.Revision }}\n");
        place.write(
            "hello/templates/kept.yaml",
            "{{ if .Values.kept }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: \
             {helm.sh/resource-policy: keep}}\n{{ end }}\n",
        );
        place.write(
            "hello/templates/test.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: '{{ .Release.Name }}-test', annotations: {helm.sh/hook: test}}\n\
             spec: {restartPolicy: Never, containers: [{name: a, image: b}]}\n",
        );
        place.write("prod.yaml", "text: of a file\nmore: {a: 3000000, c: null}\n");
        place.write("content.txt", "of, a = \"file\"\n");
        place.write(
            "wrong/templates/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: {{ fail \"no\" }}}\n",
        );
        place.write("wrong/Chart.yaml", "apiVersion: v2\nname: wrong\nversion: 0.1.0\n");
        let mut command = Command::new(env!("CARGO_BIN_EXE_whipstaff"));
        command.args(["serve", "--sandbox", "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"]);
        command.current_dir(place.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let mut address = |text: &str| loop {
            let line = lines.next().unwrap().unwrap();
            if line.contains(text) {
                return format!("http://{}", line.split_once("http://").unwrap().1.trim());
            }
        };
        let kubernetes = address("Kubernetes API is on");
        let api = address(" serves ");
        place.write(
            "kubeconfig",
            &format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: s\nclusters: [{{name: s, cluster: {{server: '{kubernetes}'}}}}]\n\
                 contexts: [{{name: s, context: {{cluster: s, user: s}}}}]\nusers: [{{name: s, user: {{}}}}]\n"
            ),
        );
        Self { place, server, api, _lines: lines }
    }

    fn here(&self, line: &str) -> Done {
        let kubeconfig = self.place.path().join("kubeconfig");
        self.place.run_with(&words(line), &[("KUBECONFIG", kubeconfig.to_str().unwrap())])
    }

    fn there(&self, line: &str) -> Done {
        self.place.run_with(&words(line), &[("WHIPSTAFF_SERVER", &self.api)])
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// What is never the same twice.
fn masked(done: Done, masks: &[(Regex, &str)]) -> Done {
    let mask =
        |text: String| masks.iter().fold(text, |text, (pattern, with)| pattern.replace_all(&text, *with).into_owned());
    Done { code: done.code, out: mask(done.out), err: mask(done.err) }
}

const SCRIPT: &[&str] = &[
    "list",
    "status rel",
    "get all rel",
    "history rel",
    "upgrade rel hello",
    "uninstall rel",
    "test rel",
    "rollback rel",
    "install rel hello --set text=one,more.a=5 --labels team=web,tier=test --description why",
    "install rel hello",
    "install other missing",
    "install other wrong",
    "install other hello --set a=b=c[",
    "install rel2 hello -n nowhere",
    "install rel2 hello -n web --create-namespace --wait -o yaml",
    "install rel3 hello --dry-run=server -f prod.yaml",
    "install rel3 hello --dry-run=client",
    "install rel hello --dry-run=server -o json",
    "install --generate-name hello --dry-run=server --hide-notes",
    "install rel3 hello --hide-secret",
    "install rel3 hello --force-conflicts --server-side=false",
    "list",
    "list -A -o json",
    "__complete status r",
    "__completeNoDesc uninstall rel r",
    "__complete rollback rel 1",
    "__complete get values rel --revision 1",
    "__complete list --namespace w",
    "list -l team=web",
    "list -l owner=helm,team!=web -q",
    "list --filter ^re -n web --date --reverse",
    "list --failed",
    "status rel",
    "status rel -o json",
    "get values rel",
    "get values rel --all -o json",
    "get manifest rel",
    "get hooks rel",
    "get notes rel",
    "get metadata rel",
    "get metadata rel -o json",
    "get all rel --template {{.Release.Info.Status}}",
    "upgrade rel hello -f prod.yaml --set-string more.b[0]=01 --set-file text=content.txt --set-json more.d={\"x\":[1,null]}",
    "get values rel",
    "upgrade rel hello",
    "get values rel",
    "upgrade rel hello --reset-values --set kept=yes --set-literal text=a,b --debug",
    "upgrade rel hello --reuse-values --set text=4 --dry-run=server",
    "upgrade rel hello --dry-run=client",
    "upgrade nobody hello",
    "upgrade --install new hello --set text=new",
    "upgrade --install new hello --set text=newer --hide-notes",
    "test rel",
    "test rel --filter name=nothing --logs",
    "diff rel",
    "diff rel 1 2 -o yaml",
    "diff rel 1 9",
    "diff rel x",
    "history rel",
    "history rel --max 2 -o json",
    "get values rel --revision 1",
    "get all rel --revision 77",
    "status rel --revision 2",
    "rollback rel 1 --dry-run=server",
    "rollback rel 1",
    "rollback rel 77",
    "history rel --show-rollback-revision",
    "unlock rel",
    "rollback rel 4 --wait",
    "uninstall rel new --keep-history --wait",
    "uninstall rel",
    "upgrade rel hello",
    "list --uninstalled -q",
    "upgrade --install rel hello",
    "uninstall rel2 -n web --dry-run",
    "uninstall rel2 -n web --cascade foreground",
    "uninstall nobody",
    "uninstall nobody --ignore-not-found",
    "list -A",
];

#[test]
fn the_same_is_printed_here_and_there() {
    let (here, there) = (World::new(), World::new());
    let masks: Vec<(Regex, &str)> = [
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( \+0000 UTC|Z)?[ \t]*", "TIME "),
        (r"UPDATED[ \t]+", "UPDATED "),
        (r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}[ \t]*", "TIME "),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID"),
        (r#"("?resourceVersion"?: ?"?)\d+"#, "${1}VERSION"),
        (r#"((created|modified)At"?[=:] ?['"]?)\d+"#, "${1}SECONDS"),
        (r"\b[a-z]+-\d{10}\b", "NAME"),
        (r"\b\d+s\b", "AGE"),
        // What is packed has no times of its own.
        (r#""modtime":"TIME ",?"#, ""),
        (r"(?m)^ *modtime: .*\n", ""),
    ]
    .into_iter()
    .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
    .collect();
    for line in SCRIPT {
        let (local, remote) = (masked(here.here(line), &masks), masked(there.there(line), &masks));
        assert_eq!(local.out, remote.out, "{line}");
        // What is looked at on the way is looked at elsewhere.
        let told =
            |text: &str| text.lines().filter(|line| !line.starts_with("level=DEBUG")).collect::<Vec<_>>().join("\n");
        assert_eq!(told(&local.err), told(&remote.err), "{line}");
        assert_eq!(local.code, remote.code, "{line}");
    }
}

#[test]
fn flags_without_a_place_are_refused() {
    let world = World::new();
    for flag in ["--enable-dns", "--disable-openapi-validation", "--dependency-update", "--kube-context=x", "--qps=1"] {
        let done = world.there(&format!("install rel hello {flag}"));
        let name = flag.split('=').next().unwrap();
        assert_eq!(done.code, 1, "{flag}");
        assert!(done.err.starts_with(&format!("Error: {name} has no place in the API of ")), "{}", done.err);
    }
    let done = world.there(&format!("template hello --server {}", world.api));
    assert_eq!(done.err, "Error: `whipstaff template` does not go over the API: leave out --server\n");
    // A variable says nothing to what needs no server.
    assert_eq!(world.there("template hello").code, 0);
    assert_eq!(world.there("list --server=").code, 1, "without a server there is no cluster here");
    let done = world.place.run_with(&["list", "--server", "http://127.0.0.1:1"], &[]);
    assert_eq!(done.err, "Error: the server http://127.0.0.1:1 cannot be reached: connection refused\n");
    let done = world.place.run_with(&["list", "--server", "http://example.com"], &[("WHIPSTAFF_TOKEN", "t")]);
    assert_eq!(done.err, "Error: the token is not sent to `http://example.com`, where all can read it: use https\n");
}

#[test]
fn operations_are_listed_shown_and_watched() {
    let world = World::new();
    assert_eq!(world.there("install rel hello").code, 0);
    assert_eq!(world.there("install bad wrong").code, 1);
    let list = world.there("operation list -o json");
    let items: serde_json::Value = serde_json::from_str(&list.out).unwrap();
    assert_eq!(items.as_array().unwrap().len(), 2, "{}", list.out);
    assert_eq!((items[0]["state"].as_str(), items[1]["state"].as_str()), (Some("failed"), Some("succeeded")));
    let id = items[1]["id"].as_str().unwrap();
    let shown = world.there(&format!("operation get {id}")).out;
    assert!(shown.contains("KIND: install\n") && shown.contains("STATE: succeeded\n"), "{shown}");
    let watched = world.there(&format!("operation watch {id}"));
    assert_eq!((watched.code, watched.err.as_str()), (0, ""), "{}", watched.out);
    assert!(
        watched.out.contains("  ConfigMap rel created\n") && watched.out.ends_with("REVISION: 1\n"),
        "{}",
        watched.out
    );
    let lines = world.there(&format!("operation watch {id} -o json")).out;
    assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{lines}");
    assert!(lines.lines().last().unwrap().contains("\"type\":\"done\""), "{lines}");
    let failed = world.there(&format!("operation watch {}", items[0]["id"].as_str().unwrap()));
    assert_eq!(failed.code, 1);
    assert!(failed.err.starts_with("Error: "), "{}", failed.err);
    let done = world.there(&format!("operation cancel {id}"));
    assert_eq!((done.code, done.err.as_str()), (1, "Error: the operation is done\n"));
    assert_eq!(world.there("op list --state failed -A").out.lines().count(), 2);
    let done = world.here("operation list");
    assert_eq!(done.err, "Error: operations are a server's: name it with --server or $WHIPSTAFF_SERVER\n");
}
