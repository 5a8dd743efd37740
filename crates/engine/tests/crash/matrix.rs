//! The crash matrix: scenario × call × half of the call that is lost × what is tried next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster::Served;
use engine::{Error, Intent};
use release::{Release, Status};
use sandbox::{Config, Loss, Sandbox};

use crate::common::World;
use crate::process::{Virtual, start};
use crate::scenarios::{self, Command, Scenario};
use crate::survey::Survey;

/// What can go wrong.
const KINDS: [&str; 10] = [
    "refused",
    "two deployed",
    "lost",
    "different",
    "untrue",
    "unbounded",
    "foreign",
    "revision used again",
    "hook run twice",
    "secret told",
];

/// What went wrong, by kind, with the first few examples.
#[derive(Default)]
pub(crate) struct Tally {
    runs: BTreeMap<String, usize>,
    wrong: BTreeMap<&'static str, Vec<String>>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        for (key, runs) in other.runs {
            *self.runs.entry(key).or_default() += runs;
        }
        for (key, wrong) in other.wrong {
            self.wrong.entry(key).or_default().extend(wrong);
        }
    }

    pub(crate) fn ran(&mut self, key: &str) {
        *self.runs.entry(key.to_owned()).or_default() += 1;
    }

    pub(crate) fn wrong(&mut self, kind: &'static str, what: String) {
        self.wrong.entry(kind).or_default().push(what);
    }

    pub(crate) fn print_and_check(&self, title: &str) {
        println!("{title}: {} runs {:?}", self.runs.values().sum::<usize>(), self.runs);
        for kind in KINDS {
            let wrong = self.wrong.get(kind).map_or(&[][..], Vec::as_slice);
            println!("  {kind}: {}", wrong.len());
            // One of each scenario, or the first one would hide the others.
            let mut seen = BTreeSet::new();
            let scenario = |what: &str| {
                what.split([':', '['])
                    .next()
                    .unwrap_or_default()
                    .split(" with ")
                    .next()
                    .unwrap_or_default()
                    .split(" killed ")
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            };
            for what in wrong.iter().filter(|what| seen.insert(scenario(what))).take(20) {
                println!("    {}", what.chars().take(500).collect::<String>());
            }
        }
        assert!(self.wrong.is_empty(), "not everything is as it should be");
    }
}

/// A cluster in which a scenario's past has happened.
pub(crate) struct Stage {
    pub sandbox: Sandbox,
    pub time: Virtual,
    pub served: Arc<Served>,
    /// What the command leaves behind when nothing goes wrong.
    pub golden: Survey,
    /// How many calls it makes then.
    pub calls: usize,
    /// How many of them begin a hook.
    pub hooks: usize,
    foreign: String,
}

impl Stage {
    pub(crate) async fn set(scenario: &Scenario) -> Self {
        let time = Virtual::new();
        let sandbox = Sandbox::new(Config { clock: Arc::new(time), ..Config::default() });
        let world = start(&sandbox, time, None);
        // Belongs to nobody, and only `take ownership` may touch it.
        world.config_map("theirs", serde_json::json!({"text": "theirs"})).await;
        for intent in &scenario.before {
            let _ = world.run(intent.clone()).await;
        }
        let served = world.engine.cluster().served().await.unwrap();
        let fork = sandbox.fork();
        let undisturbed = start(&fork, time, Some(&served));
        let result = scenario.command.run(&undisturbed).await;
        assert_eq!(result.is_err(), scenario.fails, "{} {}: {result:?}", scenario.verb, scenario.name);
        let (calls, hooks) = (fork.faults().calls().len(), hooks_begun(&fork));
        let golden = Survey::take(&undisturbed).await;
        let foreign = golden.objects.get("ConfigMap/theirs").map(ToString::to_string).unwrap_or_default();
        Self { sandbox, time, served, golden, calls, hooks, foreign }
    }

    /// Checks what must hold after any command.
    pub(crate) fn check(&self, survey: &Survey, what: &str, tally: &mut Tally) {
        if survey.deployed() > 1 {
            tally.wrong("two deployed", what.to_owned());
        }
        let lost = survey.lost();
        if !lost.is_empty() {
            tally.wrong("lost", format!("{what}: {lost:?}"));
        }
        let foreign = survey.objects.get("ConfigMap/theirs").map(ToString::to_string).unwrap_or_default();
        if foreign != self.foreign && !what.contains("take ownership") {
            tally.wrong("foreign", what.to_owned());
        }
        if !survey.ascends() {
            let revisions: Vec<_> = survey.records.iter().map(|record| record.release.version).collect();
            tally.wrong("revision used again", format!("{what}: {revisions:?}"));
        }
        // I5 and I6 for those that came before.
        for (place, record) in survey.records.iter().enumerate() {
            let pending = record.release.info.status.is_pending();
            if pending {
                tally.wrong("untrue", format!("{what}: record {place} is still {}", record.release.info.status));
            }
        }
    }

    /// Checks what a process has told (I11), and which hooks it has begun (I9); `unsure` is how many calls may have been
    /// made twice, since their answers were lost.
    pub(crate) fn check_process(&self, sandbox: &Sandbox, world: &World, unsure: usize, what: &str, tally: &mut Tally) {
        if format!("{:?}", world.events()).contains(scenarios::PASSWORD) {
            tally.wrong("secret told", format!("{what}: {:?}", world.events()));
        }
        let begun = hooks_begun(sandbox);
        if begun > self.hooks + unsure {
            tally.wrong("hook run twice", format!("{what}: {begun} begun, {} are there", self.hooks));
        }
    }

    /// Checks that what is there is what would be there if nothing had gone wrong.
    pub(crate) fn check_objects(&self, scenario: &Scenario, survey: &Survey, what: &str, tally: &mut Tally) {
        let wanted: BTreeMap<_, _> =
            self.golden.objects.iter().filter(|(_, object)| !survey.without_hooks || !is_hook(object)).collect();
        let found: BTreeMap<_, _> = survey.objects.iter().collect();
        if !scenario.fails && found != wanted {
            tally.wrong("different", format!("{what}: {}", difference(&self.golden, survey)));
        }
    }

    /// Checks what a command has said against what is recorded (I5, I6).
    pub(crate) fn check_truth(&self, result: &Result<Release, Error>, survey: &Survey, what: &str, tally: &mut Tally) {
        let true_ = match result {
            Ok(release) => match survey.records.last() {
                Some(record) => record.release.info.status == release.info.status,
                None => release.info.status == Status::Uninstalled,
            },
            Err(Error::Failed { release, .. }) => {
                let recorded = survey.records.iter().find(|record| record.release.version == release.version);
                recorded.is_none_or(|record| record.release.info.status == Status::Failed)
            }
            Err(_) => true,
        };
        if !true_ {
            let said = result.as_ref().map_or_else(ToString::to_string, |release| release.info.status.to_string());
            tally.wrong("untrue", format!("{what}: `{said}`, but {:?}", survey.last()));
        }
    }

    /// Checks what the command after a disturbed one said against what it left.
    pub(crate) fn check_answer(
        &self,
        scenario: &Scenario,
        result: &Result<Release, Error>,
        survey: &Survey,
        what: &str,
        tally: &mut Tally,
    ) {
        match result {
            Ok(release) if survey.last() != Some(Status::Deployed) && release.info.status == Status::Deployed => {
                tally.wrong("untrue", format!("{what}: success, but {:?}", survey.last()));
            }
            Ok(_) => {}
            Err(Error::Failed { .. }) if scenario.fails => {}
            // A test that fails changes nothing of the release.
            Err(Error::Unrecorded(_)) if scenario.fails => {}
            Err(error) => tally.wrong("refused", format!("{what}: {error}")),
        }
    }
}

/// Counts the calls that begin a hook, by creating or by applying it: the Jobs of these charts are hooks, all of them.
fn hooks_begun(sandbox: &Sandbox) -> usize {
    let sends = |call: &str| call.starts_with("POST ") || call.starts_with("PATCH ");
    let begins = |call: &&String| sends(call) && call.contains("/jobs") && !call.contains("dryRun");
    sandbox.faults().calls().iter().filter(begins).count()
}

/// A command that is refused because the dead one had in fact finished is not stuck.
pub(crate) fn had_finished(error: &Error, survey: &Survey) -> bool {
    match error {
        Error::NameInUse { .. } => survey.last() == Some(Status::Deployed),
        Error::NoRevision(_) => survey.last() == Some(Status::Deployed),
        Error::NotFound(_) => survey.records.is_empty(),
        Error::AlreadyUninstalled(_) => survey.last() == Some(Status::Uninstalled),
        _ => false,
    }
}

/// Kills one process after the other in the same command, and has the last one live; tells whether all have died.
async fn crash(
    stage: &Stage,
    scenario: &Scenario,
    deaths: &[(usize, Loss)],
    next: Option<&Command>,
    tally: &mut Tally,
) -> bool {
    let mut what = format!("{} {} killed", scenario.verb, scenario.name);
    let sandbox = stage.sandbox.fork();
    for (call, loss) in deaths {
        sandbox.faults().clear();
        sandbox.faults().kill_at(*call, *loss);
        let doomed = start(&sandbox, stage.time, Some(&stage.served));
        tokio::select! {
            biased;
            () = sandbox.faults().killed() => {}
            _ = scenario.command.run(&doomed) => {}
        }
        stage.check_process(&sandbox, &doomed, 0, &what, tally);
        drop(doomed);
        let Some(died_at) = sandbox.faults().calls().get(call - 1).cloned() else { return false };
        what = format!("{what} at {call} ({loss:?} lost) [{died_at}]");
    }
    what = format!("{what} of {}, then {}", stage.calls, next.map_or("the same", verb));
    sandbox.faults().clear();
    let newest = Survey::take(&start(&sandbox.fork(), stage.time, Some(&stage.served))).await.newest();
    tally.ran(scenario.verb);

    let world = start(&sandbox, stage.time, Some(&stage.served));
    let begun = tokio::time::Instant::now();
    let result = next.unwrap_or(&scenario.command).run(&world).await;
    let (calls, time) = (sandbox.faults().calls().len(), begun.elapsed());
    if calls > 2 * stage.calls + 40 || time > Duration::from_secs(30) {
        tally.wrong("unbounded", format!("{what}: {calls} calls in {time:?}"));
    }
    if next.is_none() {
        stage.check_process(&sandbox, &world, 0, &what, tally);
    }
    let mut survey = Survey::take(&world).await;
    if matches!(&result, Ok(release) if release.info.status == Status::Deployed && release.version <= newest && scenario.verb != "test")
    {
        tally.wrong("revision used again", format!("{what}: {newest} was there before"));
    }
    match &result {
        Err(error) if had_finished(error, &survey) => survey.forget_lease(),
        result => stage.check_answer(scenario, result, &survey, &what, tally),
    }
    stage.check(&survey, &what, tally);
    match next {
        None => stage.check_objects(scenario, &survey, &what, tally),
        Some(Command::Change(Intent::Uninstall(_))) => {
            let left: Vec<_> = survey.owned.iter().filter(|name| name.as_str() != "ConfigMap/kept").collect();
            if !left.is_empty() || !survey.records.is_empty() {
                tally.wrong("lost", format!("{what}: left {left:?}"));
            }
        }
        _ => {}
    }
    true
}

fn difference(want: &Survey, got: &Survey) -> String {
    let mut parts = Vec::new();
    for (name, object) in &want.objects {
        match got.objects.get(name) {
            None => parts.push(format!("{name} is missing")),
            Some(other) if other != object => parts.push(format!("{name} is {other}")),
            Some(_) => {}
        }
    }
    parts.extend(
        got.objects.keys().filter(|name| !want.objects.contains_key(*name)).map(|name| format!("{name} is left")),
    );
    parts.join(", ")
}

fn is_hook(object: &serde_json::Value) -> bool {
    !object["annotations"]["helm.sh/hook"].is_null()
}

fn verb(command: &Command) -> &'static str {
    match command {
        Command::Change(Intent::Uninstall(_)) => "uninstall",
        _ => "another chart",
    }
}

/// The calls that are disturbed where every call would take minutes: every third, beginning elsewhere in each scenario;
/// all of them with `WHIPSTAFF_CRASHES=all`.
pub(crate) fn some_of(scenario: &Scenario) -> impl Iterator<Item = usize> {
    let all = std::env::var("WHIPSTAFF_CRASHES").is_ok_and(|value| value == "all");
    let (first, step) = if all { (1, 1) } else { (1 + scenario.name.len() % 3, 3) };
    (first..).step_by(step)
}

/// Runs `work` for every scenario on all cores, each with a runtime whose clock stands still.
pub(crate) fn everywhere(work: impl AsyncFn(&Scenario, &mut Tally) + Sync) -> Tally {
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let all: Vec<Scenario> =
        scenarios::all().into_iter().filter(|it| format!("{} {}", it.verb, it.name).contains(&only)).collect();
    let (next, total) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let workers = std::thread::available_parallelism().map_or(2, |cores| cores.get());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
                runtime.block_on(async {
                    let mut tally = Tally::default();
                    while let Some(scenario) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                        work(scenario, &mut tally).await;
                    }
                    total.lock().unwrap().add(tally);
                });
            });
        }
    });
    total.into_inner().unwrap()
}

#[test]
fn nothing_is_stuck_wherever_a_process_dies() {
    let others = scenarios::others();
    let tally = everywhere(async |scenario, tally| {
        let stage = Stage::set(scenario).await;
        for call in 1.. {
            let mut died = false;
            for loss in [Loss::Request, Loss::Response] {
                for next in std::iter::once(None).chain(others.iter().map(Some)) {
                    died |= crash(&stage, scenario, &[(call, loss)], next, tally).await;
                }
            }
            if !died {
                break;
            }
        }
    });
    tally.print_and_check("crashes");
}

#[test]
fn nothing_is_stuck_when_the_next_process_dies_too() {
    let tally = everywhere(async |scenario, tally| {
        let stage = Stage::set(scenario).await;
        for call in some_of(scenario).take_while(|call| *call <= stage.calls) {
            for (first, second) in [(Loss::Request, Loss::Response), (Loss::Response, Loss::Request)] {
                // The second dies somewhere else each time, also in what it does about the first.
                let later = 1 + (call * 7 + scenario.name.len()) % (stage.calls + 8);
                crash(&stage, scenario, &[(call, first), (later, second)], None, tally).await;
            }
        }
    });
    tally.print_and_check("two crashes");
}
