//! Two servers over one cluster, of which the one that runs an operation is killed at any moment: the operation ends, and whoever
//! listens to the other one hears its end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{Case, Ctx, alone};
use crate::archive;
use crate::check::{contains, equal, is, text};
use crate::http::Http;
use crate::rest::{body, release};
use crate::server::Server;

pub(super) const CASES: &[Case] = &[alone("replicas/killed", killed)];

/// How many servers are killed; `WHIPSTAFF_E2E_KILLS` asks for another number.
const KILLS: u64 = 3;
/// How long an operation may take to end after its server has died: its leases, twice, and what it does.
const PATIENCE: Duration = Duration::from_secs(90);

fn killed(ctx: &Ctx<'_>) -> Result<()> {
    let kubernetes = ctx.kubernetes.context("this case needs the Kubernetes API")?;
    let config = ctx.work.join("replicas.kubeconfig");
    std::fs::write(&config, kubeconfig(kubernetes).to_string())?;
    let config = config.to_string_lossy().into_owned();
    let flags = ["--kubeconfig", config.as_str(), "--namespace", "default"];
    let start =
        |name: &str, offset: u16| Server::start(ctx.whipstaff, name, &flags, ctx.work, ctx.port + offset, "/readyz");
    let survivor = start("survivor", 70)?;
    let archive = archive::folder(&ctx.charts.join("shop"))?;
    let digest = survivor.http.upload(&archive)?;
    let kills = std::env::var("WHIPSTAFF_E2E_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    // How long it takes undisturbed is the time within which servers are killed.
    let path = release("replicas", "shop");
    survivor.http.put("replicas", "shop", &body(&digest, json!({"greeting": "first"})))?;
    let fresh = start("undisturbed", 72)?;
    let began = Instant::now();
    fresh.http.put("replicas", "shop", &body(&digest, json!({"greeting": "second"})))?;
    let whole = u64::try_from(began.elapsed().as_millis())?.max(100);
    drop(fresh);
    let (mut random, mut outcomes) = (0x9e37_79b9_7f4a_7c15_u64, Vec::new());
    for round in 0..kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let delay = Duration::from_millis((random >> 33) % whole);
        let mut victim = start("victim", 74)?;
        let change = body(&digest, json!({"greeting": format!("round {round}")}));
        let outcome = one(&survivor.http, &mut victim, &path, &change, delay).and_then(|took| {
            settle(kubernetes)?;
            is(&survivor.http.get_json(&path)?, "/status", "deployed")?;
            Ok(took)
        });
        outcomes.push(outcome.with_context(|| format!("round {round}, killed after {delay:?}\n{}", survivor.tail()))?);
    }
    println!("  {kills} servers killed within {whole} ms: {outcomes:?}");
    survivor.http.uninstall("replicas", "shop")?;
    Ok(())
}

/// Kills one server while it changes the release; returns how long the end took, in seconds.
fn one(survivor: &Http, victim: &mut Server, path: &str, change: &Value, delay: Duration) -> Result<u64> {
    // The answer comes with the plan; the server dies before or after it.
    let (sender, receiver) = std::sync::mpsc::channel();
    let http = Http::new(victim.http.base().to_owned());
    let (path_there, change_there) = (path.to_owned(), change.clone());
    let asking = std::thread::spawn(move || {
        let answer = http.send_json("PUT", &path_there, &[], &change_there);
        let _ = sender.send(answer.ok().filter(|answer| answer.status == 202).and_then(|answer| answer.json().ok()));
    });
    std::thread::sleep(delay);
    let known: Option<Value> = receiver.try_recv().ok().flatten();
    victim.kill();
    let began = Instant::now();
    let _ = asking.join();
    let answered = known.is_some();
    let operation = match known {
        Some(operation) => Some(text(&operation, "/id")?.to_owned()),
        // What was taken in without an answer is found in the list, if it was.
        None => {
            let list = survivor.get_json("/v1/operations?namespace=replicas&state=queued,running,cancelling")?;
            list.pointer("/items/0/id").and_then(Value::as_str).map(str::to_owned)
        }
    };
    if let Some(id) = &operation {
        // This one does not run it, and the stream is open until it has ended.
        let stream = survivor.get(&format!("/v1/operations/{id}/events"))?.expect(200)?.text();
        contains("the end of the stream", &stream, "event: done")?;
        let ended = survivor.get_json(&format!("/v1/operations/{id}"))?;
        is(&ended, "/done", true)?;
        is(&ended, "/state", "succeeded")?;
        let wanted = change.pointer("/values").cloned().unwrap_or_default();
        equal("the values", survivor.get_json(&format!("{path}/values"))?, wanted)?;
    } else if answered {
        bail!("an operation that was answered for is lost");
    }
    let took = began.elapsed();
    if took > PATIENCE {
        bail!("it took {took:?}");
    }
    Ok(took.as_secs())
}

/// Waits until nothing runs any more: a request that was taken in by half is forgotten when its lease has run out.
fn settle(kubernetes: &Http) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let running = "/apis/coordination.k8s.io/v1/namespaces/default/leases?labelSelector=whipstaff.dev%2Fkind%3Doperation%2Cwhipstaff.dev%2Fdone%3Dfalse";
    while Instant::now() < deadline {
        let list = kubernetes.get_json(running)?;
        if list.pointer("/items").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    bail!("something still runs: {}", kubernetes.get_json(running)?);
}

fn kubeconfig(kubernetes: &Http) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": kubernetes.base()}}],
        "users": [{"name": "c", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    })
}
