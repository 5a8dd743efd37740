//! `version`, in the shape of Helm 4.3's: `pkg/cmd/version.go`, `internal/version/version.go`.

use std::sync::Arc;

use chart::capabilities::{DEFAULT_KUBE_VERSION, HELM_VERSION};
use gotext::{Arena, Functions, GoType, Options, Runtime, Set, Value};

use crate::command::{Call, Command, PLAIN};
use crate::fail::Outcome;
use crate::flags::{Flag, Group};
use crate::output::print;

static FLAGS: Group = Group {
    title: "Output",
    flags: &[
        Flag::switch("short", "print the version only"),
        Flag::text("template", "TEMPLATE", "print what this Go template makes of it: {{.Version}}, {{.HelmVersion}} …"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "version",
    usage: "version",
    about: "show the version",
    long: "Prints the version of whipstaff, and that of the Helm whose ways it has.",
    examples: &["whipstaff version --short", "whipstaff version --template '{{.Version}}'"],
    flags: &[&FLAGS],
    run: Some(run),
    ..PLAIN
};

/// What there is to say: Helm's fields, and which Helm it is that we follow.
fn fields() -> [(&'static str, String); 5] {
    let kubernetes = DEFAULT_KUBE_VERSION.rsplit_once('.').map_or(DEFAULT_KUBE_VERSION, |(minor, _)| minor);
    [
        ("Version", format!("v{}", env!("CARGO_PKG_VERSION"))),
        ("HelmVersion", HELM_VERSION.to_owned()),
        ("GitCommit", option_env!("WHIPSTAFF_COMMIT").unwrap_or_default().to_owned()),
        ("GitTreeState", option_env!("WHIPSTAFF_TREE").unwrap_or_default().to_owned()),
        ("KubeClientVersion", kubernetes.to_owned()),
    ]
}

fn run(call: &Call) -> Outcome {
    let fields = fields();
    if let Some(template) = call.flags.some("template") {
        return print(&executed(template, &fields)?);
    }
    let text = |name: &str| fields.iter().find(|(key, _)| *key == name).map_or("", |(_, text)| text.as_str());
    if call.flags.on("short") {
        let commit = text("GitCommit").get(..7).map(|commit| format!("+g{commit}")).unwrap_or_default();
        return print(&format!("{}{commit}\n", text("Version")));
    }
    let parts = fields.iter().map(|(name, text)| format!("{name}:{}", chart::text::quote(text)));
    print(&format!("version.BuildInfo{{{}}}\n", parts.collect::<Vec<_>>().join(", ")))
}

fn executed(template: &str, fields: &[(&str, String)]) -> Outcome<String> {
    let mut set = Set::new("_", Arc::new(Functions::new([])));
    set.parse("_", template)?;
    let arena = Arena::new();
    let entries = fields.iter().map(|(name, text)| (name.as_bytes(), arena.str(text)));
    let dot = Value::Map(arena.map_from(GoType::Any, entries));
    let mut out = Vec::new();
    Runtime::new(&arena, &set, &Options::default()).execute_to(&mut (), b"_", dot, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}
