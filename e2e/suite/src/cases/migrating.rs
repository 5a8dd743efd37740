//! Releases that the real Tiller has installed are brought over to Helm 4, the program being killed again and again; the real Helm 4
//! goes on with them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Case, Ctx, alone};
use crate::check::{at, contains, equal, is, list, text};
use crate::cluster::{Kubectl, free_ports};
use crate::fixture::{self, Helm2};
use crate::helm::Helm;
use crate::http::Http;
use crate::process::{self, Background, Output};

pub(super) const CASES: &[Case] = &[alone("migrating/killed", killed)];

const NAMESPACE: &str = "migrating";
/// How many releases there are; `WHIPSTAFF_E2E_RELEASES` asks for another number.
const RELEASES: usize = 12;
/// How often the program is killed.
const KILLS: u64 = 10;
/// How many Tillers install them at once: each asks the cluster five times a second at most. They have the same records.
const TILLERS: usize = 16;
/// How many releases Helm 4 goes on with.
const SAMPLE: usize = 3;

/// Helm 2: a client, and the Tiller that it speaks to.
struct Old {
    helm: PathBuf,
    home: PathBuf,
    host: String,
}

impl Old {
    fn start(ctx: &Ctx<'_>, programs: &Helm2, kubectl: &Kubectl, number: u16) -> Result<(Self, Background)> {
        let port = free_ports(ctx.port + 210 + 2 * number, 2)?;
        let home = ctx.work.join(format!("helm2-{number}"));
        let old = Self { helm: programs.helm.clone(), home, host: format!("127.0.0.1:{port}") };
        let mut tiller = Command::new(&programs.tiller);
        tiller
            .args(["--storage", "configmap", "--listen", &old.host])
            .args(["--probe-listen", &format!("127.0.0.1:{}", port + 1)])
            .env("KUBECONFIG", kubectl.kubeconfig());
        let mut tiller = Background::start("tiller", &mut tiller, ctx.work.join(format!("tiller-{number}.log")))?;
        old.run("init --client-only --skip-refresh")?.success()?;
        tiller.until(Duration::from_secs(60), || old.run("version")?.success())?;
        Ok((old, tiller))
    }

    fn run(&self, line: &str) -> Result<Output> {
        let mut command = Command::new(&self.helm);
        command.args(line.split(' ')).env("HELM_HOME", &self.home).env("HELM_HOST", &self.host).env("HOME", &self.home);
        process::run(&mut command, Duration::from_secs(120))
    }

    /// Installs releases, some of them with a second revision.
    fn install(&self, names: &[String], chart: &str) -> Result<()> {
        names.iter().try_for_each(|name| self.one(name, chart))
    }

    fn one(&self, name: &str, chart: &str) -> Result<()> {
        self.run(&format!("install {chart} --name {name} --namespace {NAMESPACE}"))?.success()?;
        if has_two(name) {
            self.run(&format!("upgrade {name} {chart} --set greeting=twice"))?.success()?;
        }
        Ok(())
    }
}

fn has_two(name: &str) -> bool {
    name.ends_with(['0', '3', '6', '9'])
}

/// Has Tillers install all releases, and ends them.
fn install(ctx: &Ctx<'_>, kubectl: &Kubectl, names: &[String], chart: &str) -> Result<()> {
    let programs = fixture::helm2(ctx.root, ctx.cache)?;
    let share = names.len().div_ceil(TILLERS).max(4);
    let started = names.chunks(share).zip(0..).map(|(names, number)| {
        let (old, tiller) = Old::start(ctx, &programs, kubectl, number)?;
        Ok((old, tiller, names))
    });
    let started: Vec<_> = started.collect::<Result<_>>()?;
    std::thread::scope(|scope| {
        let clients: Vec<_> =
            started.iter().map(|(old, _, names)| scope.spawn(move || old.install(names, chart))).collect();
        clients.into_iter().try_for_each(|client| client.join().unwrap_or_else(|_| bail!("a client has panicked")))
    })
}

fn killed(ctx: &Ctx<'_>) -> Result<()> {
    let (_, kubectl, helm) = ctx.real()?;
    let kubernetes = ctx.kubernetes.context("this case needs the Kubernetes API")?;
    let count = std::env::var("WHIPSTAFF_E2E_RELEASES").ok().and_then(|n| n.parse().ok()).unwrap_or(RELEASES);
    let names: Vec<String> = (0..count).map(|n| format!("old-{n:04}")).collect();
    let chart = ctx.chart("antique");
    install(ctx, kubectl, &names, &chart)?;
    let before = records(kubernetes)?;
    equal("Tiller's records", before.len(), names.len() + names.iter().filter(|name| has_two(name)).count())?;

    let ours = Ours { whipstaff: ctx.whipstaff, kubeconfig: kubectl.kubeconfig(), work: ctx.work };
    let began = Instant::now();
    let plan: Value = serde_json::from_slice(&ours.run(&["plan", "-o", "json"])?.success()?.stdout)?;
    let planned = began.elapsed();
    equal("planned releases", list(&plan, "")?.len(), names.len())?;
    is(&plan, "/0/state", "pending")?;
    is(&plan, "/0/marked", 2)?;
    equal("Helm 4's records", list(&secrets(kubernetes)?, "/items")?.len(), 0)?;

    let died = ours.kill_often(planned)?;
    let began = Instant::now();
    ours.run(&["run"])?.success()?;
    println!(
        "  {count} releases: planned in {planned:?}, {died} of {KILLS} killed at work, the rest in {:?}",
        began.elapsed()
    );
    check(kubernetes, &names)?;
    let seen = secrets(kubernetes)?;
    ours.run(&["run"])?.success()?;
    equal("the records after another run", versions(&secrets(kubernetes)?)?, versions(&seen)?)?;
    equal(
        "Tiller's records",
        records(kubernetes)?.into_keys().collect::<Vec<_>>(),
        before.into_keys().collect::<Vec<_>>(),
    )?;

    for name in names.iter().step_by(names.len().div_ceil(SAMPLE).max(1)) {
        goes_on(helm, kubectl, name, &chart).with_context(|| format!("Helm 4 goes on with `{name}`"))?;
    }
    ours.run(&["cleanup"])?.success()?;
    equal("Tiller's records after the cleanup", records(kubernetes)?.len(), 0)?;
    Ok(())
}

/// `whipstaff migrate`.
struct Ours<'a> {
    whipstaff: &'a Path,
    kubeconfig: &'a Path,
    work: &'a Path,
}

impl Ours<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.whipstaff);
        command.arg("migrate").args(arguments).env("KUBECONFIG", self.kubeconfig).env("HOME", self.work);
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        process::run(&mut self.command(arguments), Duration::from_secs(300))
    }

    /// Starts it again and again and kills it after a part of the time that it takes; returns how often it was still at work.
    fn kill_often(&self, planned: Duration) -> Result<usize> {
        // It gets on by as much each time as to be about done at the end.
        let longest = u64::try_from(planned.as_millis())?.max(50);
        let (mut random, mut died) = (0x9e37_79b9_7f4a_7c15_u64, 0);
        for round in 0..KILLS {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let log = self.work.join(format!("migrate-{round}.log"));
            let mut run = Background::start("whipstaff migrate", &mut self.command(&["run"]), log)?;
            std::thread::sleep(Duration::from_millis((random >> 33) % longest));
            died += usize::from(run.check().is_ok());
            run.kill();
        }
        Ok(died)
    }
}

/// Helm 4's records of the namespace.
fn secrets(kubernetes: &Http) -> Result<Value> {
    kubernetes.get_json(&format!("/api/v1/namespaces/{NAMESPACE}/secrets?labelSelector=owner%3Dhelm"))
}

/// Tiller's records, with their statuses.
fn records(kubernetes: &Http) -> Result<BTreeMap<String, String>> {
    let found = kubernetes.get_json("/api/v1/namespaces/kube-system/configmaps?labelSelector=OWNER%3DTILLER")?;
    let record = |item: &Value| {
        Ok((text(item, "/metadata/name")?.to_owned(), text(item, "/metadata/labels/STATUS")?.to_owned()))
    };
    list(&found, "/items")?.iter().map(record).collect()
}

fn versions(secrets: &Value) -> Result<BTreeMap<&str, &str>> {
    let version = |item| Ok((text(item, "/metadata/name")?, text(item, "/metadata/resourceVersion")?));
    list(secrets, "/items")?.iter().map(version).collect()
}

/// Nothing is lost and nothing doubled: each revision is there once, and the newest of each release is deployed.
fn check(kubernetes: &Http, names: &[String]) -> Result<()> {
    let secrets = secrets(kubernetes)?;
    let mut found: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for item in list(&secrets, "/items")? {
        let label = |key: &str| text(item, &format!("/metadata/labels/{key}"));
        found.entry(label("name")?).or_default().push((label("version")?, label("status")?));
    }
    equal("migrated releases", found.len(), names.len())?;
    for name in names {
        let mut revisions = found.remove(name.as_str()).with_context(|| format!("`{name}` is lost"))?;
        revisions.sort_unstable();
        let expected =
            if has_two(name) { vec![("1", "superseded"), ("2", "deployed")] } else { vec![("1", "deployed")] };
        equal(name, revisions, expected)?;
    }
    Ok(())
}

/// Helm 4 upgrades, rolls back, tests and uninstalls what Tiller had installed.
fn goes_on(helm: &Helm, kubectl: &Kubectl, name: &str, chart: &str) -> Result<()> {
    let revision = if has_two(name) { 2 } else { 1 };
    let settings = format!("{name}-settings");
    let greeting = || -> Result<String> {
        Ok(text(&kubectl.object(NAMESPACE, "configmap", &settings)?, "/data/greeting")?.to_owned())
    };
    let first = greeting()?;
    contains("the notes", &helm.ok(&["get", "notes", name, "-n", NAMESPACE])?.text(), "says")?;
    helm.ok(&["upgrade", name, chart, "-n", NAMESPACE, "--set", "greeting=modern"])?;
    equal("the greeting", greeting()?.as_str(), "modern")?;
    let live = kubectl.object(NAMESPACE, "configmap", &settings)?;
    is(&live, "/metadata/labels/app.kubernetes.io~1managed-by", "Helm")?;
    helm.ok(&["rollback", name, &revision.to_string(), "-n", NAMESPACE])?;
    equal("the greeting", greeting()?, first)?;
    let history = helm.json(NAMESPACE, &["history", name])?;
    equal("revisions", list(&history, "")?.len(), revision + 2)?;
    equal("the last", at(&history, &format!("/{}/status", revision + 1))?, "deployed")?;
    helm.ok(&["test", name, "-n", NAMESPACE])?;
    helm.ok(&["uninstall", name, "-n", NAMESPACE, "--wait"])?;
    equal("the settings", kubectl.find(NAMESPACE, "configmap", &settings)?, None)
}
