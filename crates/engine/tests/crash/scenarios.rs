//! What is done to a release when its process dies.

use chart::Chart;
use engine::{Cascade, Error, Intent, Method, OnFailure, Rollback, Uninstall, WaitStrategy};
use release::Release;
use serde_json::json;

use crate::common::{World, change, rollback, templates, uninstall, with_crd};

/// A command, and what was done before it.
pub(crate) struct Scenario {
    pub verb: &'static str,
    pub name: String,
    pub before: Vec<Intent>,
    pub command: Command,
    /// The command fails by itself.
    pub fails: bool,
}

/// What somebody runs.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Change(Intent),
    Test,
}

impl Command {
    /// Runs it, as a process does it.
    pub(crate) async fn run(&self, world: &World) -> Result<Release, Error> {
        match self {
            Self::Change(intent) => world.run(intent.clone()).await,
            Self::Test => {
                let wish = engine::Test {
                    target: world.target.clone(),
                    only: Vec::new(),
                    without: Vec::new(),
                    logs: false,
                    wait: engine::Wait::default(),
                };
                let tested = world.engine.test(wish, &|_| {}).await?;
                match tested.failure {
                    None => Ok(tested.release),
                    Some(cause) => Err(Error::Unrecorded(Box::new(cause))),
                }
            }
        }
    }
}

const POLICIES: [&str; 6] = [
    "",
    "before-hook-creation",
    "hook-succeeded",
    "hook-failed",
    "before-hook-creation,hook-succeeded",
    "before-hook-creation,hook-succeeded,hook-failed",
];

fn map(name: &str, text: &str, annotations: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, annotations: {{{annotations}}}}}\ndata: {{text: {text}}}\n"
    )
}

fn job(name: &str, event: &str, policy: &str, outcome: &str) -> String {
    let policy = if policy.is_empty() { String::new() } else { format!(", helm.sh/hook-delete-policy: \"{policy}\"") };
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{helm.sh/hook: \"{event}\"{policy}}}}}\nspec:\n  backoffLimit: 0\n  template:\n    metadata: {{annotations: {{test.whipstaff.dev/outcome: {outcome}}}}}\n    spec: {{restartPolicy: Never, containers: [{{name: it, image: it}}]}}\n"
    )
}

/// What nobody may be told.
pub(crate) const PASSWORD: &str = "correct-horse-battery";

fn secret() -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: it}}\nstringData: {{password: {PASSWORD}}}\n")
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: nginx}]}\n";
const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: boats.example.com}\nspec:\n  group: example.com\n  scope: Namespaced\n  names: {kind: Boat, plural: boats, singular: boat}\n  versions:\n  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}\n";
const BOAT: &str = "apiVersion: example.com/v1\nkind: Boat\nmetadata: {name: boaty}\n";

/// What a chart has beside what every chart here has.
fn with(version: u32, more: &[&str]) -> Chart {
    let stays = map("stays", &format!("v{version}"), "");
    let other = if version == 1 { map("goes", "v1", "") } else { map("comes", "v2", "") };
    let mut all: Vec<String> = vec![stays, other, secret()];
    all.extend(more.iter().map(|text| (*text).to_owned()));
    let named: Vec<(String, String)> =
        all.into_iter().enumerate().map(|(at, text)| (format!("t{at}.yaml"), text)).collect();
    templates(&named.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
}

fn hooked(version: u32, policy: &str, events: [&str; 2]) -> Chart {
    let hooks = events.map(|event| job(event, event, policy, "succeed"));
    with(version, &[&hooks[0], &hooks[1]])
}

fn apply(chart: Chart) -> Intent {
    Intent::Apply(change(chart, json!({})))
}

fn apply_with(chart: Chart, adjust: impl FnOnce(&mut engine::Change)) -> Intent {
    let mut change = change(chart, json!({}));
    adjust(&mut change);
    Intent::Apply(change)
}

fn back_with(adjust: impl FnOnce(&mut Rollback)) -> Intent {
    let mut wish = rollback(1);
    adjust(&mut wish);
    Intent::Rollback(wish)
}

fn leave_with(adjust: impl FnOnce(&mut Uninstall)) -> Intent {
    let mut wish = uninstall();
    adjust(&mut wish);
    Intent::Uninstall(wish)
}

/// The objects are merged by us, not by the server.
fn client_side(change: &mut engine::Change) {
    change.apply.method = Method::ClientSide;
}

fn take(change: &mut engine::Change) {
    change.apply.take_ownership = true;
    change.apply.force_conflicts = true;
}

/// The command that a test has somebody try after a crash, when it is not the same one.
pub(crate) fn others() -> Vec<Command> {
    vec![Command::Change(apply(with(3, &[]))), Command::Change(Intent::Uninstall(uninstall()))]
}

/// Every command in every circumstance.
pub(crate) fn all() -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut add = |verb, name: &str, before: Vec<Intent>, command, fails| {
        let command = Command::Change(command);
        all.push(Scenario { verb, name: name.to_owned(), before, command, fails });
    };
    let first = || apply(with(1, &[]));
    let wait = |change: &mut engine::Change| change.wait.strategy = WaitStrategy::Watcher;
    let and_back = |change: &mut engine::Change| change.on_failure = OnFailure { rollback: true, cleanup: false };
    let and_clean = |change: &mut engine::Change| change.on_failure = OnFailure { rollback: false, cleanup: true };

    add("install", "plain", vec![], first(), false);
    add("install", "strict", vec![], Intent::Install(change(with(1, &[]), json!({}))), false);
    add("install", "crds", vec![], apply(with_crd(CRD, &[("boat.yaml", BOAT)])), false);
    add("install", "take ownership", vec![], apply_with(with(1, &[&map("theirs", "ours", "")]), take), false);
    add("install", "wait", vec![], apply_with(with(1, &[DEPLOYMENT]), wait), false);
    let kept = || vec![first(), leave_with(|wish| wish.keep_history = true)];
    add("install", "over an uninstalled one", kept(), apply(with(2, &[])), false);
    let chart = hooked(2, "", ["pre-install", "post-install"]);
    add("install", "over an uninstalled one, with hooks", kept(), apply(chart), false);
    let doomed = |event: &str| job("doomed", event, "", "fail");
    let failed = || apply(with(1, &[&doomed("pre-install")]));
    add("install", "rollback on failure", vec![], apply_with(with(1, &[&doomed("post-install")]), and_back), true);
    let ours = |chart| apply_with(chart, client_side);
    add("install", "client-side", vec![], ours(with(1, &[DEPLOYMENT])), false);
    let crds = || with_crd(CRD, &[("boat.yaml", BOAT)]);
    add("install", "client-side, crds", vec![], ours(crds()), false);
    let chart = || hooked(1, "hook-succeeded", ["pre-install", "post-install"]);
    add("install", "client-side, with hooks", vec![], ours(chart()), false);
    for policy in POLICIES {
        let chart = hooked(1, policy, ["pre-install", "post-install"]);
        add("install", &format!("hooks `{policy}`"), vec![], apply(chart), false);
    }

    add("upgrade", "plain", vec![first()], apply(with(2, &[])), false);
    add("upgrade", "strict", vec![first()], Intent::Upgrade(change(with(2, &[]), json!({}))), false);
    add("upgrade", "take ownership", vec![first()], apply_with(with(2, &[&map("theirs", "ours", "")]), take), false);
    add("upgrade", "wait", vec![first()], apply_with(with(2, &[DEPLOYMENT]), wait), false);
    add("upgrade", "after a failed install", vec![failed()], apply(with(2, &[])), false);
    let bad = || apply(with(3, &[&doomed("post-upgrade")]));
    add("upgrade", "after a failed upgrade", vec![first(), bad()], apply(with(2, &[])), false);
    let keep = map("kept", "v1", "helm.sh/resource-policy: keep");
    add("upgrade", "an object is kept", vec![apply(with(1, &[&keep]))], apply(with(2, &[])), false);
    let many = || vec![first(), apply(with(2, &[])), first()];
    add("upgrade", "pruning", many(), apply_with(with(2, &[]), |change| change.history_max = 2), false);
    let failing = || with(2, &[&doomed("post-upgrade")]);
    add("upgrade", "rollback on failure", vec![first()], apply_with(failing(), and_back), true);
    add("upgrade", "cleanup on fail", vec![first()], apply_with(failing(), and_clean), true);
    let was_ours = || vec![ours(with(1, &[DEPLOYMENT]))];
    add("upgrade", "client-side", was_ours(), apply(with(2, &[])), false);
    add(
        "upgrade",
        "client-side, hooks",
        was_ours(),
        apply(hooked(2, "hook-failed", ["pre-upgrade", "post-upgrade"])),
        false,
    );
    let replace = |change: &mut engine::Change| change.apply.force_replace = true;
    add("upgrade", "replacing", was_ours(), apply_with(with(2, &[DEPLOYMENT]), replace), false);
    add("upgrade", "from the server to us", vec![first()], ours(with(2, &[])), false);
    let theirs = |change: &mut engine::Change| change.apply.method = Method::ServerSide;
    add("upgrade", "from us to the server", was_ours(), apply_with(with(2, &[]), theirs), false);
    for policy in POLICIES {
        let chart = || hooked(2, policy, ["pre-upgrade", "post-upgrade"]);
        add("upgrade", &format!("hooks `{policy}`"), vec![first()], apply(chart()), false);
    }

    let two = || vec![first(), apply(with(2, &[]))];
    add("rollback", "plain", two(), back_with(|_| {}), false);
    add("rollback", "wait", two(), back_with(|wish| wish.wait.strategy = WaitStrategy::Watcher), false);
    add("rollback", "pruning", two(), back_with(|wish| wish.history_max = 2), false);
    let fails = |event: &str| vec![apply(with(1, &[&doomed(event)])), apply(with(2, &[]))];
    add("rollback", "cleanup on fail", fails("post-rollback"), back_with(|wish| wish.cleanup_on_fail = true), true);
    add("rollback", "from a failed upgrade", vec![first(), bad()], back_with(|_| {}), false);
    let two_of_ours = vec![ours(with(1, &[DEPLOYMENT])), apply(with(2, &[]))];
    add("rollback", "client-side", two_of_ours, back_with(|_| {}), false);
    for policy in POLICIES {
        let before = vec![apply(hooked(1, policy, ["pre-rollback", "post-rollback"])), apply(with(2, &[]))];
        add("rollback", &format!("hooks `{policy}`"), before, back_with(|_| {}), false);
    }

    add("uninstall", "plain", two(), leave_with(|_| {}), false);
    add("uninstall", "keep history", two(), leave_with(|wish| wish.keep_history = true), false);
    add("uninstall", "wait", two(), leave_with(|wish| wish.wait.strategy = WaitStrategy::Watcher), false);
    add("uninstall", "foreground", two(), leave_with(|wish| wish.cascade = Cascade::Foreground), false);
    add("uninstall", "an object is kept", vec![apply(with(1, &[&keep]))], leave_with(|_| {}), false);
    for policy in POLICIES {
        let before = vec![apply(hooked(1, policy, ["pre-delete", "post-delete"]))];
        add("uninstall", &format!("hooks `{policy}`"), before, leave_with(|_| {}), false);
    }
    for policy in POLICIES {
        let before = vec![apply(hooked(1, policy, ["test", "pre-delete"]))];
        let name = format!("hooks `{policy}`");
        all.push(Scenario { verb: "test", name, before, command: Command::Test, fails: false });
    }
    let before = vec![apply(with(1, &[&doomed("test")]))];
    all.push(Scenario { verb: "test", name: "one fails".to_owned(), before, command: Command::Test, fails: true });
    all
}
