//! Records as Helm writes them, in a sandbox.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::http::Http;

/// In how many namespaces the releases are.
pub(super) const NAMESPACES: usize = 20;
/// Random text in each manifest, so that a record is as large as those of real charts.
const NOISE: usize = 12_000;

/// Writes so many releases, and returns how large a record is.
pub(super) fn fill(api: &Http, releases: usize) -> Result<usize> {
    let mut connection = api.connect()?;
    for at in 0..NAMESPACES {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("lists-{at}")}});
        connection.send("POST", "/api/v1/namespaces", namespace.to_string().as_bytes())?.expect(201)?;
    }
    let (next, size) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let worker = || -> Result<()> {
        let mut connection = api.connect()?;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= releases {
                return Ok(());
            }
            let (secret, length) = record(at, 0)?;
            size.store(length, Ordering::Relaxed);
            let path = format!("/api/v1/namespaces/lists-{}/secrets", at % NAMESPACES);
            connection.send("POST", &path, secret.to_string().as_bytes())?.expect(201)?;
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(worker)).collect();
        let ended = |worker: std::thread::ScopedJoinHandle<'_, Result<()>>| {
            worker.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread died")))
        };
        workers.into_iter().try_for_each(ended)
    })?;
    Ok(size.into_inner())
}

/// Writes a record anew, with something else in it each time.
pub(super) fn change(api: &Http, at: usize, round: usize) -> Result<()> {
    let (secret, _) = record(at, round + 1)?;
    let path = format!("/api/v1/namespaces/lists-{}/secrets/{}", at % NAMESPACES, name_of(at));
    api.connect()?.send("PUT", &path, secret.to_string().as_bytes())?.expect(200)?;
    Ok(())
}

/// Changes a release in each namespace.
pub(super) fn touch(api: &Http, releases: usize) -> Result<()> {
    (0..NAMESPACES.min(releases)).try_for_each(|at| change(api, at, 1_000_000))
}

fn name_of(at: usize) -> String {
    format!("sh.helm.release.v1.r{at:05}.v1")
}

/// A Secret with a record, and the record's size.
fn record(at: usize, round: usize) -> Result<(Value, usize)> {
    let (name, namespace) = (format!("r{at:05}"), format!("lists-{}", at % NAMESPACES));
    let status = if (at + round).is_multiple_of(7) { "failed" } else { "deployed" };
    let time = format!("2026-11-{:02}T{:02}:{:02}:{:02}Z", at % 28 + 1, at / 28 % 24, at % 60, round % 60);
    let record = json!({
        "name": name,
        "info": {"first_deployed": time, "last_deployed": time, "deleted": "", "description": "Install complete", "status": status,
            "notes": "Have a look at the pods of this release.\n".repeat(20)},
        "chart": {
            "metadata": {"name": format!("chart-{}", at % 40), "version": format!("1.{}.0", at % 9), "appVersion": "4.5", "apiVersion": "v2",
                "description": "A chart as there are many.", "keywords": ["web", "shop"], "home": "https://example.com",
                "maintainers": [{"name": "somebody", "email": "somebody@example.com"}]},
            "templates": [], "values": {}, "schema": null, "files": []
        },
        "manifest": noise(at * 31 + round),
        "version": 1,
        "namespace": namespace
    });
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(record.to_string().as_bytes())?;
    let data = BASE64_STANDARD.encode(BASE64_STANDARD.encode(packed.finish()?));
    let length = data.len();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": name_of(at), "namespace": namespace,
            "labels": {"name": name, "owner": "helm", "status": status, "version": "1", "modifiedAt": "1795627745",
                "team": format!("team-{}", at % 10)},
        },
        "data": {"release": data},
    });
    Ok((secret, length))
}

/// Text that does not pack well, the same for the same seed.
fn noise(seed: usize) -> String {
    let mut state = seed as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from(state >> 59).unwrap_or_default() % 26)
    };
    (0..NOISE).map(|_| letter()).collect()
}
