//! One run from the build to the closing line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::cases::{self, Ctx};
use crate::cluster::{ControlPlane, Kubectl, free_ports};
use crate::corpus::Corpus;
use crate::fixture::{self, Fixtures};
use crate::helm::Helm;
use crate::http::Http;
use crate::judge::Api;
use crate::options::{Options, Target};
use crate::process;
use crate::runner::{self, Job, Summary};
use crate::server::Server;

/// Cases that run at the same time on one cluster: most of their time is waiting.
const THREADS: usize = 4;

/// Builds, starts, runs every case and ends everything; fails only when something could not be built or started.
///
/// # Errors
///
/// When Go or cargo fail, a fixture or a server does not start, or one of them dies on the way.
pub fn run(options: &Options) -> Result<Summary> {
    process::end_on_signals()?;
    let mut skipped = Vec::new();
    let fixtures = fixtures(options, &mut skipped)?;
    let whipstaff = whipstaff(options)?;

    let work = tempfile::Builder::new().prefix("whipstaff-e2e-").tempdir()?;
    process::remove_on_signal(work.path());
    let result = run_in(options, work.path(), fixtures.as_ref(), &whipstaff);
    process::end_all();
    let mut summary = result?;
    summary.skipped.extend(skipped);
    Ok(summary)
}

/// Builds the Go fixtures; without Go the real control plane is left out, unless nothing may be. The sandbox needs none, but
/// uses those that are there.
fn fixtures(options: &Options, skipped: &mut Vec<String>) -> Result<Option<Fixtures>> {
    if options.only == Some(Target::Sandbox) {
        return fixture::cached(&options.root, &options.cache);
    }
    if options.strict || options.only == Some(Target::Real) {
        fixture::go()?;
    }
    match fixture::build(&options.root, &options.cache) {
        Ok(fixtures) => Ok(Some(fixtures)),
        Err(error) if !options.strict && options.only.is_none() && fixture::go().is_err() => {
            println!("skipped everything that needs the real control plane or the real Helm: {error:#}");
            skipped.push("real".to_owned());
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Builds whipstaff nearly as its users do (without the optimisation across crates, which takes most of the time), and returns where it is.
///
/// # Errors
///
/// When cargo fails.
pub fn whipstaff(options: &Options) -> Result<PathBuf> {
    if let Some(built) = &options.whipstaff {
        return Ok(built.clone());
    }
    println!("building whipstaff (profile e2e)");
    let started = Instant::now();
    let mut build = Command::new(&options.cargo);
    build.current_dir(&options.root).args(["build", "--profile", "e2e", "--quiet", "--package", "whipstaff"]);
    process::run_aloud(&mut build, Duration::from_secs(40 * 60))?;
    println!("building whipstaff took {} s", started.elapsed().as_secs());

    let mut metadata = Command::new(&options.cargo);
    metadata.current_dir(&options.root).args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = process::run(&mut metadata, Duration::from_secs(120))?.success()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target_directory")?;
    Ok(Path::new(target).join("e2e/whipstaff"))
}

fn run_in(options: &Options, work: &Path, fixtures: Option<&Fixtures>, whipstaff: &Path) -> Result<Summary> {
    let mut summary = Summary::default();
    let suite = Suite { options, work, whipstaff, corpus: Corpus::new(&options.corpus), fixtures };
    // Declared first, so that it outlives the servers that use it.
    let mut plane = None;
    let mut sandbox = None;
    let mut real = None;
    if options.wants(Target::Sandbox) {
        // The sandbox is a Kubernetes API that kubectl and Helm can talk to as well, when they are there.
        let kubernetes = format!("127.0.0.1:{}", free_ports(options.port + 40, 1)?);
        let flags = ["--sandbox", "--sandbox-listen", &kubernetes];
        let server = Server::start(whipstaff, "sandbox", &flags, work, options.port + 50, "/readyz")?;
        println!("whipstaff serve --sandbox: {}", server.http.base());
        let kubectl = fixtures.map(|fixtures| Kubectl::of_sandbox(fixtures, &kubernetes, work)).transpose()?;
        let interop = if kubectl.is_some() { cases::interop() } else { Vec::new() };
        let api = Http::new(format!("http://{kubernetes}"));
        summary.add(suite.run(Target::Sandbox, &server, &api, kubectl.as_ref(), [cases::http(), interop].concat()));
        sandbox = Some(server);
    }
    if let Some(fixtures) = fixtures.filter(|_| options.wants(Target::Real)) {
        let started = Instant::now();
        let (running, kubectl) = ControlPlane::start(fixtures, &work.join("cluster"), options.port)?;
        println!(
            "the control plane took {:.1} s: KUBECONFIG={}",
            started.elapsed().as_secs_f32(),
            kubectl.kubeconfig().display()
        );
        plane = Some(running);
        let api = Api::start(&kubectl, work.join("proxy.log"), options.port + 15)?;
        let config = kubectl.kubeconfig().to_string_lossy().into_owned();
        let server = Server::start(whipstaff, "real", &["--kubeconfig", &config], work, options.port + 50, "/readyz")?;
        println!("whipstaff serve: {}", server.http.base());
        summary.add(suite.run(
            Target::Real,
            &server,
            api.http(),
            Some(&kubectl),
            [cases::http(), cases::interop(), cases::real()].concat(),
        ));
        real = Some(server);
    }
    summary.add(suite.run_without_cluster());

    for server in [&mut sandbox, &mut real].into_iter().flatten() {
        server.check()?;
        if !summary.failed.is_empty() {
            println!("{}", server.tail());
        }
    }
    if let Some(plane) = &mut plane {
        plane.check()?;
    }
    if options.keep {
        println!("{summary}\nleft running (--keep): Ctrl-C ends it");
        loop {
            std::thread::park();
        }
    }
    Ok(summary)
}

/// What all targets share.
struct Suite<'a> {
    options: &'a Options,
    work: &'a Path,
    whipstaff: &'a Path,
    corpus: Corpus,
    fixtures: Option<&'a Fixtures>,
}

impl Suite<'_> {
    fn run(
        &self,
        target: Target,
        server: &Server,
        kubernetes: &Http,
        kubectl: Option<&Kubectl>,
        cases: Vec<cases::Case>,
    ) -> Summary {
        let helm = kubectl
            .zip(self.fixtures)
            .map(|(kubectl, fixtures)| Helm::new(&fixtures.helm, &self.work.join("home"), Some(kubectl.kubeconfig())));
        let ctx = Ctx {
            http: Some(&server.http),
            kubernetes: Some(kubernetes),
            kubectl,
            helm: helm.as_ref(),
            fixtures: self.fixtures,
            whipstaff: self.whipstaff,
            corpus: &self.corpus,
            root: &self.options.root,
            charts: &self.options.root.join("e2e/charts"),
            work: self.work,
            cache: &self.options.cache,
            port: self.options.port,
        };
        self.run_cases(target.name(), &ctx, cases)
    }

    /// The cases that are about the command line.
    fn run_without_cluster(&self) -> Summary {
        let helm = self.fixtures.map(|fixtures| Helm::new(&fixtures.helm, &self.work.join("home"), None));
        let ctx = Ctx {
            http: None,
            kubernetes: None,
            kubectl: None,
            helm: helm.as_ref(),
            fixtures: self.fixtures,
            whipstaff: self.whipstaff,
            corpus: &self.corpus,
            root: &self.options.root,
            charts: &self.options.root.join("e2e/charts"),
            work: self.work,
            cache: &self.options.cache,
            port: self.options.port,
        };
        self.run_cases("cli", &ctx, cases::cli())
    }

    fn run_cases(&self, prefix: &str, ctx: &Ctx<'_>, cases: Vec<cases::Case>) -> Summary {
        let wanted = |name: &str| self.options.filter.as_deref().is_none_or(|filter| name.contains(filter));
        let (alone, together): (Vec<_>, Vec<_>) = cases
            .into_iter()
            .map(|case| (format!("{prefix}/{}", case.name), case))
            .filter(|(name, _)| wanted(name))
            .partition(|(_, case)| case.alone);
        let mut summary = Summary::default();
        for (cases, threads) in [(together, THREADS), (alone, 1)] {
            let jobs =
                cases.into_iter().map(|(name, case)| Job { name, run: Box::new(move || (case.run)(ctx)) }).collect();
            summary.add(runner::run(jobs, threads, self.options.strict));
        }
        summary
    }
}
