//! Running the binary on small charts, with nothing of the machine's own settings.

use std::path::Path;
use std::process::{Command, Stdio};

/// A folder to run in, which goes with the value.
pub struct Place(tempfile::TempDir);

/// What a command did.
#[derive(Debug, PartialEq, Eq)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    /// A folder with a chart `shop` that has a bit of everything.
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (name, text) in [
            (
                "shop/Chart.yaml",
                "apiVersion: v2\nname: shop\nversion: 1.2.3\ndependencies:\n\
                 - {name: db, version: ^1.0.0, repository: 'https://charts.example.com'}\n",
            ),
            ("shop/values.yaml", "# how many\nreplicas: 1\nimage: {tag: v1, ports: [80, 443]}\n"),
            ("shop/values.schema.json", r#"{"properties": {"replicas": {"type": "integer"}}}"#),
            ("shop/README.md", "# Shop\n"),
            ("shop/crds/backup.yaml", "kind: CustomResourceDefinition\nmetadata: {name: backups}\n"),
            (
                "shop/templates/config.yaml",
                "kind: ConfigMap\nmetadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}\n\
                 data: {replicas: {{ .Values.replicas | quote }}, kube: {{ .Capabilities.KubeVersion }}}\n",
            ),
            (
                "shop/templates/secret.yaml",
                "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hidden}\n",
            ),
            ("shop/templates/test.yaml", "kind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n"),
            ("shop/templates/NOTES.txt", "Welcome to {{ .Release.Name }}.\n"),
            ("shop/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.1\n"),
            ("shop/charts/stray/Chart.yaml", "apiVersion: v2\nname: stray\nversion: 1.0.0\n"),
            ("bad/Chart.yaml", "apiVersion: v2\nname: bad\nversion: 1.0.0\n"),
            ("bad/templates/a.yaml", "a: b: c\n"),
        ] {
            place.write(name, text);
        }
        place
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Runs a command line; words are separated by blanks.
    pub fn run(&self, line: &str) -> Done {
        self.run_with(&line.split_whitespace().collect::<Vec<_>>(), &[])
    }

    /// A command that is yet to be run.
    pub fn command(&self, args: &[&str]) -> Command {
        // The same tests can be run on Helm itself, to see that they ask for the right thing.
        let binary = std::env::var_os("WHIPSTAFF_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_whipstaff").into());
        let mut command = Command::new(binary);
        command.args(args).current_dir(self.path()).stdin(Stdio::null()).env_clear();
        command.env("HOME", self.path().join("home")).env("KUBECONFIG", "/nonexistent").env("TZ", "UTC");
        command
    }

    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Done {
        let mut command = self.command(args);
        command.envs(variables.iter().copied());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(self.path().to_str().unwrap(), "HERE");
        Done { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}
