//! The whole command as a process, killed at its calls to a served sandbox: before a call takes effect, and after it did but
//! before its answer. Then the same command again, which has to work.
//!
//! `engine/tests/crash` has thousands of such deaths in process and on virtual time; here processes really die, and what only a
//! process has (files, connections, its own clock) is part of it. `WHIPSTAFF_KILLS=all` kills at every call, and
//! `WHIPSTAFF_BINARY=/path/to/helm` kills Helm, to see that the test can fail.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, PostParams};
use release::{Ledger, SecretLedger, Status};
use sandbox::{Loss, Sandbox};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// A command, what was done before it, and what may stand in its way when it is given again after it was done.
struct Scenario {
    verb: &'static str,
    name: &'static str,
    before: &'static [&'static str],
    command: &'static str,
    /// What the command says when its predecessor had done everything.
    done: Option<&'static str>,
    /// How many deployed revisions there are in the end.
    deployed: usize,
}

const PUT: &str = "upgrade --install shop CHARTS/one";

const SCENARIOS: &[Scenario] = &[
    Scenario { verb: "install", name: "upgrade --install", before: &[], command: PUT, done: None, deployed: 1 },
    Scenario {
        verb: "install",
        name: "strict, with hooks and a definition",
        before: &[],
        command: "install shop CHARTS/hooked --wait",
        done: Some("cannot reuse a name that is still in use"),
        deployed: 1,
    },
    Scenario {
        verb: "upgrade",
        name: "plain",
        before: &[PUT],
        command: "upgrade shop CHARTS/two",
        done: None,
        deployed: 1,
    },
    Scenario {
        verb: "upgrade",
        name: "with hooks, waiting, pruning",
        before: &[PUT, "upgrade shop CHARTS/two"],
        command: "upgrade shop CHARTS/hooked --wait --history-max 2 --rollback-on-failure --cleanup-on-fail",
        done: None,
        deployed: 1,
    },
    Scenario {
        verb: "rollback",
        name: "plain",
        before: &[PUT, "upgrade shop CHARTS/two"],
        command: "rollback shop 1",
        done: None,
        deployed: 1,
    },
    Scenario {
        verb: "uninstall",
        name: "plain",
        before: &["install shop CHARTS/hooked"],
        command: "uninstall shop",
        done: Some("release: not found"),
        deployed: 0,
    },
    Scenario {
        verb: "uninstall",
        name: "history is kept",
        before: &[PUT],
        command: "uninstall shop --keep-history",
        done: Some("the release named \"shop\" is already deleted"),
        deployed: 0,
    },
    Scenario {
        verb: "test",
        name: "a job",
        before: &["install shop CHARTS/hooked"],
        command: "test shop",
        done: None,
        deployed: 1,
    },
];

fn charts(folder: &Path) {
    let map = |name: &str, text: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{text: {text}}}\n")
    };
    let job = |event: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {event}, annotations: {{helm.sh/hook: {event}}}}}\nspec:\n  template:\n    spec: {{restartPolicy: Never, containers: [{{name: it, image: it}}]}}\n"
        )
    };
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: boats.example.com}\nspec:\n  group: example.com\n  scope: Namespaced\n  names: {kind: Boat, plural: boats, singular: boat}\n  versions:\n  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}\n";
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for (chart, maps) in [("one", ["stays", "goes"]), ("two", ["stays", "comes"]), ("hooked", ["stays", "other"])] {
        file(&format!("{chart}/Chart.yaml"), &format!("apiVersion: v2\nname: {chart}\nversion: 1.0.0\n"));
        for name in maps {
            file(&format!("{chart}/templates/{name}.yaml"), &map(name, chart));
        }
    }
    for event in ["pre-install", "post-install", "pre-upgrade", "post-upgrade", "pre-delete", "test"] {
        file(&format!("hooked/templates/{event}.yaml"), &job(event));
    }
    file("hooked/crds/boats.yaml", definition);
}

/// A sandbox that is served.
struct Place {
    sandbox: Sandbox,
    kubeconfig: PathBuf,
    charts: PathBuf,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.serving.abort();
        let _ = std::fs::remove_file(&self.kubeconfig);
    }
}

impl Place {
    async fn serve(sandbox: Sandbox, folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let kubeconfig = folder.join(format!("kubeconfig-{}", server.port()));
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: it\nclusters:\n- {{name: it, cluster: {{server: 'http://{server}'}}}}\ncontexts:\n- {{name: it, context: {{cluster: it, user: it}}}}\nusers:\n- {{name: it, user: {{}}}}\n"
        );
        std::fs::write(&kubeconfig, text).unwrap();
        let served = sandbox.clone();
        let serving = tokio::spawn(async move {
            let _ = served.serve(listener).await;
        });
        Self { sandbox, kubeconfig, charts: folder.to_owned(), serving }
    }

    fn spawn(&self, line: &str) -> Child {
        let charts = self.charts.to_str().unwrap();
        let binary = std::env::var_os("WHIPSTAFF_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_whipstaff").into());
        let mut command = Command::new(binary);
        command.args(line.split(' ').map(|word| word.replace("CHARTS", charts))).env_clear();
        command.env("HOME", &self.charts).env("KUBECONFIG", &self.kubeconfig).current_dir(&self.charts);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs a command until it ends or dies in the call at which the sandbox has it die; what it has said, `None` when it died.
    async fn run(&self, line: &str) -> Option<Result<(), String>> {
        let mut child = self.spawn(line);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            tokio::select! {
                () = self.sandbox.faults().killed() => {
                    // SIGKILL: nothing of it runs any more.
                    child.kill().unwrap();
                    child.wait().unwrap();
                    return None;
                }
                () = tokio::time::sleep(Duration::from_millis(3)) => {}
            }
        };
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
        Some(if status.success() { Ok(()) } else { Err(said) })
    }

    /// Puts the Lease of a dead process where it would be 16 seconds later: out of its term.
    async fn sixteen_seconds_go_by(&self) {
        let leases: Api<Lease> = Api::namespaced(self.sandbox.client(), "default");
        let Some(mut lease) = leases.get_opt("sh.whipstaff.lock.v1.shop").await.unwrap() else { return };
        let spec = lease.spec.as_mut().unwrap();
        let renewed: Timestamp = spec.renew_time.as_ref().unwrap().0;
        spec.renew_time = Some(MicroTime(renewed - jiff::SignedDuration::from_secs(16)));
        leases.replace("sh.whipstaff.lock.v1.shop", &PostParams::default(), &lease).await.unwrap();
    }

    async fn statuses(&self) -> Vec<Status> {
        let ledger = SecretLedger::new(self.sandbox.client(), Arc::new(Timestamp::now));
        ledger.history("default", "shop").await.unwrap().heads().iter().map(|head| head.status).collect()
    }
}

/// Kills a command in one of its calls and gives it again; what is wrong then, `None` when it did not come so far.
async fn kill(stage: &Place, scenario: &Scenario, call: usize, loss: Loss) -> Option<Vec<(&'static str, String)>> {
    let place = Place::serve(stage.sandbox.fork(), &stage.charts).await;
    place.sandbox.faults().clear();
    place.sandbox.faults().kill_at(call, loss);
    if place.run(scenario.command).await.is_some() {
        return None;
    }
    let died_in = place.sandbox.faults().calls().get(call - 1).cloned().unwrap_or_default();
    place.sandbox.faults().clear();
    place.sixteen_seconds_go_by().await;
    let again = place.run(scenario.command).await.unwrap();
    let statuses = place.statuses().await;
    let what =
        format!("{} {} killed in {call} {loss:?} {died_in}: {again:?} {statuses:?}", scenario.verb, scenario.name);
    let mut wrong = Vec::new();
    if let Err(said) = &again
        && !scenario.done.is_some_and(|done| said.contains(done))
    {
        wrong.push(("refused", what.clone()));
    }
    let deployed = statuses.iter().filter(|status| **status == Status::Deployed).count();
    if deployed > 1 {
        wrong.push(("two deployed", what.clone()));
    }
    if deployed != scenario.deployed
        || statuses.iter().any(|status| status.is_pending() || *status == Status::Uninstalling)
    {
        wrong.push(("left as it should not be", what));
    }
    Some(wrong)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_command_leaves_the_next_one_can_work_with() {
    let is_all = std::env::var_os("WHIPSTAFF_KILLS").is_some_and(|which| which == "all");
    let folder = tempfile::tempdir().unwrap();
    charts(folder.path());
    let turns = Arc::new(Semaphore::new(3));
    let mut table: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for scenario in SCENARIOS {
        let stage = Place::serve(Sandbox::default(), folder.path()).await;
        for line in scenario.before {
            stage.run(line).await.unwrap().unwrap();
        }
        let calls = {
            let place = Place::serve(stage.sandbox.fork(), folder.path()).await;
            place.sandbox.faults().clear();
            place.run(scenario.command).await.unwrap().unwrap();
            place.sandbox.faults().calls().len()
        };
        assert!(calls > 5, "{} {}", scenario.verb, scenario.name);
        // Without `all`, one half of each fifth call.
        let losses = [Loss::Request, Loss::Response];
        let all = (1..=calls).flat_map(|call| losses.map(|loss| (call, loss)));
        let some = all.enumerate().filter(|(at, _)| is_all || at % 9 == 4).map(|(_, one)| one);
        let cases = some.map(|(call, loss)| {
            let (turns, stage) = (Arc::clone(&turns), &stage);
            async move {
                let _turn = turns.acquire().await;
                kill(stage, scenario, call, loss).await
            }
        });
        let row = table.entry(scenario.verb).or_default();
        for found in futures::future::join_all(cases).await {
            row.0 += 1;
            row.1 += usize::from(found.is_some());
            found.into_iter().flatten().for_each(|(kind, what)| wrong.entry(kind).or_default().push(what));
        }
    }
    // How often a command looks while it waits is a matter of time, so that it may end before a late call.
    for (verb, (cases, killed)) in &table {
        println!("kills: {verb:<10} {killed} of {cases} cases died in their call");
        assert!(*killed > 0 && killed * 2 >= *cases, "{verb} hardly dies");
    }
    let count = |kind: &str| wrong.get(kind).map_or(0, Vec::len);
    let died: usize = table.values().map(|(_, killed)| killed).sum();
    println!(
        "kills: {died} processes killed; then {} refused, {} with two deployed, {} left as they should not be",
        count("refused"),
        count("two deployed"),
        count("left as it should not be")
    );
    for what in wrong.values().flatten().take(20) {
        println!("  {}", what.chars().take(600).collect::<String>());
    }
    assert!(wrong.is_empty());
}
