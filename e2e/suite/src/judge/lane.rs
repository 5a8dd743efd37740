//! One chart's life on a cluster that nobody else uses.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::{Api, Object};
use super::normal::{is_record, normal};
use crate::cluster::ControlPlane;
use crate::fixture::Fixtures;
use crate::helm::Helm;

/// How long background deletion may take.
const DELETION: Duration = Duration::from_secs(15);

/// What install and uninstall did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The exit code of the install.
    pub(crate) code: i32,
    /// What the install printed to standard error.
    pub(crate) error: String,
    /// Every object that is there after the install, without what the cluster decides.
    pub(crate) objects: BTreeMap<String, Value>,
    /// The exit code of the uninstall.
    pub(crate) end_code: i32,
    /// What the uninstall printed to standard error.
    pub(crate) end_error: String,
    /// What is there after the uninstall, without the records of a release.
    pub(crate) left: BTreeMap<String, Value>,
    /// The records of releases that are there after the uninstall.
    pub(crate) records_left: usize,
    /// How long it all took.
    pub(crate) seconds: f32,
}

/// A cluster and the tool that uses it.
pub(crate) struct Lane {
    // The proxy ends before the cluster does.
    api: Api,
    plane: ControlPlane,
    tool: Helm,
}

impl Lane {
    /// Starts a cluster for a tool.
    pub(crate) fn start(fixtures: &Fixtures, program: &Path, folder: &Path, port: u16) -> Result<Self> {
        let (plane, kubectl) = ControlPlane::start(fixtures, &folder.join("cluster"), port)?;
        let api = Api::start(&kubectl, folder.join("proxy.log"), port)?;
        let tool = Helm::new(program, &folder.join("home"), Some(kubectl.kubeconfig()));
        Ok(Self { api, plane, tool })
    }

    /// Fails when the cluster has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.plane.check()?;
        self.api.check()
    }

    /// Installs a chart, looks, uninstalls it, looks, and takes away what is left.
    pub(crate) fn play(&self, chart: &Path, namespace: &str) -> Result<Outcome> {
        play(&self.api, &self.tool, chart, namespace)
    }
}

/// Installs a chart, looks, uninstalls it, looks, and takes away what is left.
pub(crate) fn play(api: &Api, tool: &Helm, chart: &Path, namespace: &str) -> Result<Outcome> {
    let started = Instant::now();
    let chart = chart.to_string_lossy();
    let before: HashSet<String> = api.objects()?.iter().map(uid).collect();
    let new = || -> Result<Vec<Object>> {
        let objects = api.objects()?;
        Ok(objects.into_iter().filter(|object| !before.contains(&uid(object))).collect())
    };
    let by_id = |objects: &[Object]| -> BTreeMap<String, Value> {
        let kept = objects.iter().filter(|object| !is_record(object));
        kept.map(|object| (object.id.clone(), normal(object))).collect()
    };
    let install = tool.run(&["install", "rel", &chart, "-n", namespace, "--create-namespace", "--timeout", "30s"])?;
    let objects = new().context("after the install")?;
    let end = tool.run(&["uninstall", "rel", "-n", namespace, "--timeout", "30s"])?;
    let deadline = Instant::now() + DELETION;
    let left = loop {
        let left = new().context("after the uninstall")?;
        let is_going = |object: &Object| object.value["metadata"].get("deletionTimestamp").is_some();
        if Instant::now() > deadline || !left.iter().any(is_going) {
            break left;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    api.purge(&left)?;
    Ok(Outcome {
        code: install.code,
        error: install.stderr,
        objects: by_id(&objects),
        end_code: end.code,
        end_error: end.stderr,
        left: by_id(&left),
        records_left: left.iter().filter(|object| is_record(object)).count(),
        seconds: started.elapsed().as_secs_f32(),
    })
}

fn uid(object: &Object) -> String {
    object.value["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}
