//! The commands on releases, over a sandbox that the binary itself serves. `cargo xtask lifecycle` runs many more of them
//! beside the real Helm.

#![allow(missing_docs, clippy::unwrap_used, unreachable_pub)]

#[allow(dead_code, reason = "each file of tests needs other helpers")]
mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use common::{Done, Place};

/// A sandbox, and a chart to put there.
struct World {
    place: Place,
    sandbox: Child,
}

impl World {
    fn new() -> Self {
        let place = Place::new();
        place.write("hello/Chart.yaml", "apiVersion: v2\nname: hello\nversion: 0.1.0\nappVersion: \"7\"\n");
        place.write("hello/values.yaml", "text: first\n");
        place.write(
            "hello/templates/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {text: {{ .Values.text }}}\n",
        );
        place.write("hello/templates/NOTES.txt", "{{ .Values.text }}, at {{ .Release.Revision }}\n");
        let mut command = Command::new(env!("CARGO_BIN_EXE_whipstaff"));
        command.args(["sandbox", "--listen", "127.0.0.1:0", "--write-kubeconfig", "kubeconfig"]);
        let mut sandbox = command.current_dir(place.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(sandbox.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("http://127.0.0.1:"), "{line}");
        Self { place, sandbox }
    }

    fn run(&self, line: &str) -> Done {
        let kubeconfig = self.place.path().join("kubeconfig");
        let args: Vec<&str> = line.split_whitespace().collect();
        self.place.run_with(&args, &[("KUBECONFIG", kubeconfig.to_str().unwrap())])
    }

    /// What a command prints that works out.
    fn out(&self, line: &str) -> String {
        let done = self.run(line);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{line}: {}", done.out);
        done.out
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.sandbox.kill().unwrap();
        self.sandbox.wait().unwrap();
    }
}

#[test]
fn the_life_of_a_release() {
    let world = World::new();
    let installed = world.out("install rel hello --wait");
    assert!(installed.starts_with("NAME: rel\nLAST DEPLOYED: "), "{installed}");
    assert!(
        installed.ends_with("DESCRIPTION: Install complete\nTEST SUITE: None\nNOTES:\nfirst, at 1\n"),
        "{installed}"
    );
    let upgraded = world.out("upgrade rel hello --set text=second --description because");
    assert!(upgraded.starts_with("Release \"rel\" has been upgraded. Happy Helming!\nNAME: rel\n"), "{upgraded}");
    assert_eq!(world.out("get values rel"), "USER-SUPPLIED VALUES:\ntext: second\n");
    assert_eq!(world.out("get values rel --revision 1"), "USER-SUPPLIED VALUES:\nnull\n");
    assert_eq!(world.out("get notes rel"), "NOTES:\nsecond, at 2\n\n");
    assert_eq!(world.out("rollback rel"), "Rollback was a success! Happy Helming!\n");
    let history = world.out("history rel");
    let descriptions: Vec<&str> =
        history.lines().skip(1).map(|line| line.rsplit('\t').next().unwrap().trim()).collect();
    assert_eq!(descriptions, ["Install complete", "because", "Rollback to 1"]);
    assert_eq!(world.out("list -q"), "rel\n");
    let status = world.out("status rel");
    assert!(status.contains("RESOURCES:\n==> v1/ConfigMap\nNAME   DATA   AGE\nrel    1      "), "{status}");
    assert_eq!(world.out("uninstall rel"), "release \"rel\" uninstalled\n");
    assert_eq!(world.out("list -o json"), "[]\n");
}

#[test]
fn what_is_refused() {
    let world = World::new();
    world.out("install rel hello");
    for (line, error) in [
        (
            "install rel hello",
            "INSTALLATION FAILED: release name check failed: cannot reuse a name that is still in use",
        ),
        ("upgrade other hello", "UPGRADE FAILED: \"other\" has no deployed releases"),
        ("rollback rel 9", "release has no 9 version"),
        ("uninstall other", "uninstall: Release not loaded: other: release: not found"),
        ("status other", "release: not found"),
        ("get all Bad_", "releaseContent: Release name is invalid: Bad_"),
        ("test other", "release: not found"),
        ("list --filter [", "error parsing regexp: missing closing ]: `[`"),
    ] {
        let done = world.run(line);
        assert_eq!(done.code, 1, "{line}");
        assert!(done.err.ends_with(&format!("Error: {error}\n")), "{line}: {}", done.err);
    }
}

#[test]
fn nobody_there() {
    let place = Place::new();
    let done = place.run("list --kube-apiserver http://127.0.0.1:1");
    let text = "dial tcp 127.0.0.1:1: connect: connection refused";
    let want = format!("Error: kubernetes cluster unreachable: Get \"http://127.0.0.1:1/version\": {text}\n");
    assert_eq!((done.code, done.err), (1, want));
}
