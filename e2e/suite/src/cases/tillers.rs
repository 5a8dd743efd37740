//! Clients of Helm 2 take us for Tiller: the same commands against Tiller itself, over a cluster that accepts everything, and against us.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use regex::Regex;

use super::{Case, Ctx, alone, case};
use crate::check::{contains, equal};
use crate::cluster::free_ports;
use crate::fixture;
use crate::process::{self, Background, Output};
use crate::script::{self, Line};

pub(super) const CASES: &[Case] = &[
    case("tillers/everyday", everyday),
    case("tillers/old-client", old_client),
    case("tillers/certificates", certificates),
    alone("tillers/today", today),
];

/// What is masked, and by what: times, and what a cluster that accepts everything makes up.
static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d? [\d:]{8} \d{4}", "TIME"),
        (r#""?(seconds|nanos)"?: ?\d+"#, "$1: N"),
        (r"\d{4}-[\d-]+T[\d:.]+Z", "TIME"),
        // What the client logs of itself.
        (r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", "TIME"),
        (r"127\.0\.0\.1:\d+", "HOST"),
        (r"(?s)RESOURCES:\n.*?(\n\n\n|$)", "RESOURCES: masked\n\n"),
        (r#""resources":"(\\.|[^"\\])*""#, "\"resources\":masked"),
        (r"(?s)resources: \|.*?\n(  ?[a-z]|name)", "resources: masked\n$1"),
        // Helm 2.9 prints hooks one behind the other, and which is the last is chance.
        (r"(?m)([^-\n])---$", "$1\n---"),
        // Why a hook has failed, as the cluster says it.
        (r"scripted failure of w(atch|\.{3})|Job failed: BackoffLi(mitExceeded|\.{3})", "REASON"),
        // The client forgets a message that comes together with the end, now and then; what came of a test is in the status.
        (r"PASSED: [a-z-]+\n", ""),
    ]
    .into_iter()
    .filter_map(|(pattern, by)| Some((Regex::new(pattern).ok()?, by)))
    .collect()
});

fn masked(text: &str) -> String {
    MASKS.iter().fold(text.to_owned(), |text, (pattern, by)| pattern.replace_all(&text, *by).into_owned())
}

/// A client with a home of its own.
struct Client<'a> {
    helm: &'a Path,
    home: PathBuf,
    host: String,
    charts: &'a Path,
}

impl Client<'_> {
    fn run(&self, line: &Line) -> Result<Output> {
        let mut command = Command::new(self.helm);
        for argument in &line.args {
            let chart = argument.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            match chart {
                Some(chart) if !chart.contains(['{', ' ']) => command.arg(self.charts.join(chart)),
                _ => command.arg(argument),
            };
        }
        self.finish(&mut command)
    }

    fn words(&self, line: &str) -> Result<Output> {
        self.finish(Command::new(self.helm).args(line.split(' ')))
    }

    fn finish(&self, command: &mut Command) -> Result<Output> {
        command.env("HELM_HOME", &self.home).env("HELM_HOST", &self.host).env("HOME", &self.home);
        process::run(command, Duration::from_secs(120))
    }
}

/// What a command has printed, so that it can be compared: hooks, and the maps of Go, have no order.
fn seen(output: &Output) -> (i32, Vec<String>) {
    let text = masked(&format!("{}{}", output.text(), output.stderr));
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.sort();
    (output.code, lines)
}

/// Tiller over a cluster that accepts everything, and us over the sandbox.
struct Two {
    theirs: String,
    ours: String,
    _running: Vec<Background>,
}

impl Two {
    fn start(ctx: &Ctx<'_>, faketiller: &Path, at: u16) -> Result<Self> {
        let port = free_ports(ctx.port + 260 + at, 3)?;
        let address = |offset: u16| format!("127.0.0.1:{}", port + offset);
        let log = |name: &str| ctx.work.join(format!("tillers-{at}-{name}.log"));
        let kubeconfig = ctx.work.join(format!("tillers-{at}.yaml"));
        let mut fake = Command::new(faketiller);
        fake.args(["-listen", &address(0), "-fail", "watch:doomed"]);
        let fake = Background::start("faketiller", &mut fake, log("fake"))?;
        let mut sandbox = Command::new(ctx.whipstaff);
        sandbox.args(["sandbox", "--listen", &address(1), "--write-kubeconfig"]).arg(&kubeconfig);
        let mut sandbox = Background::start("sandbox", &mut sandbox, log("sandbox"))?;
        sandbox.until(Duration::from_secs(20), || Ok(std::fs::metadata(&kubeconfig).map(drop)?))?;
        let mut tiller = Command::new(ctx.whipstaff);
        tiller.args(["tiller", "--listen", &address(2)]).env("KUBECONFIG", &kubeconfig);
        let tiller = Background::start("whipstaff tiller", &mut tiller, log("tiller"))?;
        Ok(Self { theirs: address(0), ours: address(2), _running: vec![fake, sandbox, tiller] })
    }
}

fn client<'a>(ctx: &'a Ctx<'_>, helm: &'a Path, host: &str) -> Result<Client<'a>> {
    let home = ctx.work.join(format!("helm-home-{}", host.replace(':', "-")));
    let client = Client { helm, home, host: host.to_owned(), charts: ctx.charts };
    client.words("init --client-only --skip-refresh --stable-repo-url http://127.0.0.1:9")?;
    let began = std::time::Instant::now();
    while client.words("version --tiller-connection-timeout 2")?.code != 0 {
        if began.elapsed() > Duration::from_secs(30) {
            bail!("no Tiller at {host}");
        }
    }
    Ok(client)
}

/// Runs the scripts with a client against both; what is known to differ has to differ.
fn compare(ctx: &Ctx<'_>, helm: &Path, two: &Two, without: &str) -> Result<()> {
    let (theirs, ours) = (client(ctx, helm, &two.theirs)?, client(ctx, helm, &two.ours)?);
    let (mut same, mut on_purpose, mut wrong) = (0, 0, Vec::new());
    for scene in script::read(&ctx.root.join("e2e/tiller"))? {
        if scene.name.contains(without) {
            continue;
        }
        for line in &scene.lines {
            let (want, got) = (seen(&theirs.run(line)?), seen(&ours.run(line)?));
            match (want == got, line.on_purpose) {
                (true, false) => same += 1,
                (false, true) => on_purpose += 1,
                (true, true) => wrong.push(format!("{}: `{}` does not differ any more", scene.name, line.text)),
                (false, false) => wrong.push(format!("{}: `{}`: {want:?} and we: {got:?}", scene.name, line.text)),
            }
        }
    }
    println!("  {same} commands the same, {on_purpose} differ on purpose");
    if !wrong.is_empty() {
        bail!("{} commands differ:\n{}", wrong.len(), wrong.join("\n"));
    }
    Ok(())
}

/// Helm 2.17.
fn everyday(ctx: &Ctx<'_>) -> Result<()> {
    let programs = fixture::helm2(ctx.root, ctx.cache)?;
    compare(ctx, &programs.helm, &Two::start(ctx, &programs.faketiller, 0)?, "(2.9")
}

/// The same commands by Helm 2.9.1; flags that it does not know are refused by it, both times.
fn old_client(ctx: &Ctx<'_>) -> Result<()> {
    let programs = fixture::helm2(ctx.root, ctx.cache)?;
    compare(ctx, &programs.old, &Two::start(ctx, &programs.faketiller, 10)?, "(2.17")
}

/// TLS: with a certificate of the server alone, and with clients that have to show theirs.
fn certificates(ctx: &Ctx<'_>) -> Result<()> {
    let programs = fixture::helm2(ctx.root, ctx.cache)?;
    let keys = ctx.work.join("tillers-keys");
    std::fs::create_dir_all(&keys)?;
    super::nginx::authorities(&keys)?;
    let port = free_ports(ctx.port + 320, 3)?;
    let [api, known, mutual] = [0, 1, 2].map(|offset| format!("127.0.0.1:{}", port + offset));
    let kubeconfig = ctx.work.join("tillers-keys.yaml");
    let mut sandbox = Command::new(ctx.whipstaff);
    sandbox.args(["sandbox", "--listen", &api, "--write-kubeconfig"]).arg(&kubeconfig);
    let mut sandbox = Background::start("sandbox", &mut sandbox, keys.join("sandbox.log"))?;
    sandbox.until(Duration::from_secs(20), || Ok(std::fs::metadata(&kubeconfig).map(drop)?))?;
    let start = |address: &str, more: &[&str]| {
        let mut tiller = Command::new(ctx.whipstaff);
        tiller.current_dir(&keys).env("KUBECONFIG", &kubeconfig).args(["tiller", "--listen", address]).args(more);
        tiller.args(["--tls-cert", "server.pem", "--tls-key", "server.key"]);
        Background::start("whipstaff tiller", &mut tiller, keys.join(format!("{}.log", address.replace(':', "-"))))
    };
    let _running = [start(&known, &[])?, start(&mutual, &["--tls-ca-cert", "ca.pem"])?];
    let shown = |name: &str| {
        let path = |end: &str| keys.join(format!("{name}.{end}")).display().to_string();
        format!(" --tls-cert {} --tls-key {} --tiller-connection-timeout 5", path("pem"), path("key"))
    };
    let verified = format!(" --tls-verify --tls-ca-cert {} --tls-hostname 127.0.0.1", keys.join("ca.pem").display());
    for (host, flags, works) in [
        (&known, String::from(" --tiller-connection-timeout 5"), false),
        (&known, format!(" --tls{}", shown("client")), true),
        (&known, verified.clone() + &shown("other"), true),
        (&mutual, verified.clone() + &shown("client"), true),
        (&mutual, verified + &shown("other"), false),
    ] {
        let home = keys.join("home");
        let client = Client { helm: &programs.helm, home, host: host.clone(), charts: ctx.charts };
        client.words("init --client-only --skip-refresh --stable-repo-url http://127.0.0.1:9")?;
        let mut said = client.words(&format!("version --server{flags}"))?;
        // The server may not be up yet.
        for _ in 0..if works { 20 } else { 0 } {
            if said.code == 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(250));
            said = client.words(&format!("version --server{flags}"))?;
        }
        equal(&format!("whether {host}{flags} works ({})", said.stderr), said.code == 0, works)?;
    }
    Ok(())
}

/// The real control plane: definitions before the rest, Jobs, `--wait`, and records that the real Tiller goes on with, and we after it.
fn today(ctx: &Ctx<'_>) -> Result<()> {
    let kubectl = ctx.kubectl.context("this case needs kubectl")?;
    let programs = fixture::helm2(ctx.root, ctx.cache)?;
    let port = free_ports(ctx.port + 290, 3)?;
    let [ours, theirs, probes] = [0, 1, 2].map(|offset| format!("127.0.0.1:{}", port + offset));
    let mut tiller = Command::new(ctx.whipstaff);
    tiller.args(["tiller", "--listen", &ours]).env("KUBECONFIG", kubectl.kubeconfig());
    let _ours = Background::start("whipstaff tiller", &mut tiller, ctx.work.join("tillers-today-ours.log"))?;
    let mut tiller = Command::new(&programs.tiller);
    tiller.args(["--storage", "configmap", "--listen", &theirs, "--probe-listen", &probes]);
    tiller.env("KUBECONFIG", kubectl.kubeconfig());
    let _theirs = Background::start("tiller", &mut tiller, ctx.work.join("tillers-today-theirs.log"))?;
    let (ours, theirs) = (client(ctx, &programs.helm, &ours)?, client(ctx, &programs.helm, &theirs)?);
    let chart = ctx.chart("vintage");
    for (name, version) in [("old", "v1beta1"), ("new", "v1")] {
        let line = format!(
            "install {chart} --name {name} --namespace tillers-{name} --set crd={version} --wait --timeout 120"
        );
        let installed = ours.words(&line)?.success()?;
        contains("the installed objects", &installed.text(), &format!("==> v1/Barrel{}", name.to_uppercase()))?;
        contains("the workload", &installed.text(), "==> v1/Pod(related)")?;
    }
    // The real Tiller goes on, and we after it.
    theirs.words(&format!("upgrade new {chart} --set crd=,replicas=2 --wait --timeout 120"))?.success()?;
    contains("our history of it", &ours.words("history new")?.success()?.text(), "Upgrade complete")?;
    ours.words(&format!("upgrade new {chart} --reuse-values --set greeting=again"))?.success()?;
    ours.words("test new --cleanup --timeout 60")?.success()?;
    contains("its status", &theirs.words("status new")?.success()?.text(), "says again")?;
    theirs.words("rollback new 2 --wait --timeout 120")?.success()?;
    let history = ours.words("history new --output json")?.success()?.text();
    let history: serde_json::Value = serde_json::from_str(&history)?;
    equal("revisions", history.as_array().map(Vec::len), Some(4))?;
    for name in ["new", "old"] {
        ours.words(&format!("delete {name} --purge"))?.success()?;
    }
    equal("releases", theirs.words("list --all --short")?.success()?.text().trim(), "")
}
