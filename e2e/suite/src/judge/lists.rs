//! Lists of very many releases, by us and by Helm, with their time and memory.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::{Api, with_fixtures};
use crate::check::text;
use crate::cluster::{ControlPlane, Kubectl};
use crate::fixture::Fixtures;
use crate::helm::Helm;
use crate::http::Http;
use crate::process::{Cost, run_measured};

/// What to run.
#[derive(Clone, Debug)]
pub struct Lists {
    /// The root of the repository.
    pub root: PathBuf,
    /// Where the fixtures are.
    pub cache: PathBuf,
    /// Our binary.
    pub whipstaff: PathBuf,
    /// A chart; each release is one of it.
    pub chart: PathBuf,
    /// How many releases there are.
    pub releases: usize,
    /// How often each lists them.
    pub rounds: usize,
    /// The first port to try.
    pub port: u16,
}

/// In how many namespaces the releases are.
const NAMESPACES: usize = 20;
/// How much of Helm's time and memory we may take.
const SHARE: f64 = 0.2;

/// Makes the releases, has both list them in turn, prints the table, and tells whether we say the same for a fifth of the cost.
///
/// # Errors
///
/// When a fixture or the cluster does not start, or a list fails.
pub fn lists(options: &Lists) -> Result<bool> {
    with_fixtures(&options.root, &options.cache, "lists", |fixtures, work| run(options, fixtures, work))
}

fn run(options: &Lists, fixtures: &Fixtures, work: &Path) -> Result<bool> {
    let (mut plane, kubectl) = ControlPlane::start(fixtures, &work.join("cluster"), options.port)?;
    let api = Api::start(&kubectl, work.join("proxy.log"), options.port)?;
    let tools = [&fixtures.helm, &options.whipstaff]
        .map(|program| Helm::new(program, &work.join("home"), Some(kubectl.kubeconfig())));
    let [helm, _] = &tools;
    let chart = options.chart.to_string_lossy();
    helm.ok(&["install", "zzname", &*chart, "-n", "zzspace", "--create-namespace", "--no-hooks"])?;
    let size = fill(&kubectl, api.http(), options.releases)?;
    plane.check()?;
    println!("lists: {} releases in {NAMESPACES} namespaces, {size} bytes each", options.releases);
    compare(&tools, options.rounds)
}

/// Makes so many records out of the one there is, which it deletes; returns how large each is.
fn fill(kubectl: &Kubectl, http: &Http, releases: usize) -> Result<usize> {
    let secret = kubectl.object("zzspace", "secret", "sh.helm.release.v1.zzname.v1")?;
    let packed = BASE64_STANDARD.decode(BASE64_STANDARD.decode(text(&secret, "/data/release")?)?)?;
    let mut record = String::new();
    GzDecoder::new(packed.as_slice()).read_to_string(&mut record)?;
    for at in 0..NAMESPACES {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("lists-{at}")}});
        post(http, "/api/v1/namespaces", &namespace)?;
    }
    let (next, size) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let worker = || -> Result<()> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= releases {
                return Ok(());
            }
            let (name, namespace) = (format!("r{at:05}"), format!("lists-{}", at % NAMESPACES));
            let record = record.replace("zzname", &name).replace("zzspace", &namespace);
            let mut packed = GzEncoder::new(Vec::new(), Compression::best());
            packed.write_all(record.as_bytes())?;
            let data = BASE64_STANDARD.encode(BASE64_STANDARD.encode(packed.finish()?));
            size.store(data.len(), Ordering::Relaxed);
            let secret = json!({
                "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
                "metadata": {
                    "name": format!("sh.helm.release.v1.{name}.v1"),
                    "labels": {"name": name, "owner": "helm", "status": "deployed", "version": "1", "modifiedAt": "1795627745"},
                },
                "data": {"release": data},
            });
            post(http, &format!("/api/v1/namespaces/{namespace}/secrets"), &secret)?;
        }
    };
    let workers: Vec<Result<()>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(worker)).collect();
        let ended = |thread: std::thread::ScopedJoinHandle<'_, Result<()>>| {
            thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread died")))
        };
        threads.into_iter().map(ended).collect()
    });
    workers.into_iter().collect::<Result<Vec<()>>>()?;
    kubectl.run(&["delete", "namespace", "zzspace", "--wait=false"])?;
    kubectl.run(&["delete", "secret", "-n", "zzspace", "sh.helm.release.v1.zzname.v1", "--ignore-not-found"])?;
    Ok(size.into_inner())
}

fn post(http: &Http, path: &str, object: &Value) -> Result<()> {
    http.send("POST", path, &[("Content-Type", "application/json")], object.to_string().as_bytes())?.expect(201)?;
    Ok(())
}

/// Has both list everything in turn.
fn compare(tools: &[Helm; 2], rounds: usize) -> Result<bool> {
    let mut costs: [Vec<Cost>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..rounds.max(1) {
        let mut said = Vec::new();
        for (tool, costs) in tools.iter().zip(&mut costs) {
            let mut command = tool.command(&["list", "-A", "--max", "0"]);
            let (output, cost) = run_measured(&mut command, Duration::from_secs(180))?;
            costs.push(cost);
            said.push(output.success()?.stdout);
        }
        if said.first() != said.last() {
            bail!("the lists are not the same");
        }
    }
    let [helm, ours] = costs.map(middle);
    let (helm, ours) = (helm.context("no rounds")?, ours.context("no rounds")?);
    let mebibytes = |cost: Cost| cost.memory / 1024;
    let ratios = [
        ours.time.as_secs_f64() / helm.time.as_secs_f64(),
        f64::from(u32::try_from(ours.memory)?) / f64::from(u32::try_from(helm.memory.max(1))?),
    ];
    println!("lists: helm       {:>7.2} s  {:>5} MiB", helm.time.as_secs_f64(), mebibytes(helm));
    println!("lists: whipstaff  {:>7.2} s  {:>5} MiB", ours.time.as_secs_f64(), mebibytes(ours));
    println!("lists: ratio      {:>7.3}    {:>5.3}", ratios[0], ratios[1]);
    Ok(ratios.iter().all(|ratio| *ratio <= SHARE))
}

/// The medians.
fn middle(costs: Vec<Cost>) -> Option<Cost> {
    let mut times: Vec<_> = costs.iter().map(|cost| cost.time).collect();
    let mut memories: Vec<_> = costs.iter().map(|cost| cost.memory).collect();
    times.sort_unstable();
    memories.sort_unstable();
    Some(Cost { time: *times.get(times.len() / 2)?, memory: *memories.get(memories.len() / 2)? })
}
