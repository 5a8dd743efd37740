//! The real control plane, and what `kubectl` says about it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::fixture::Fixtures;
use crate::process::{self, Background, Output};

/// A running control plane; it ends when this value is dropped.
pub(crate) struct ControlPlane {
    process: Background,
    state: PathBuf,
}

impl ControlPlane {
    /// Starts one in a folder and waits until workloads can run on it.
    pub(crate) fn start(fixtures: &Fixtures, state: &Path, port: u16) -> Result<(Self, Kubectl)> {
        let mut command = Command::new(&fixtures.controlplane);
        command
            .arg("up")
            .arg("-state")
            .arg(state)
            .arg("-kwok")
            .arg(&fixtures.kwok)
            .arg("-stages")
            .arg(&fixtures.stages);
        command.args(["-port", &free_ports(port, 5)?.to_string()]);
        std::fs::create_dir_all(state)?;
        let log = state.join("up.log");
        let mut process = Background::start("the control plane", &mut command, log.clone())?;
        let started = process.until(Duration::from_secs(150), || {
            let text = std::fs::read_to_string(&log)?;
            let ready = text.lines().find(|line| line.starts_with('{')).context("it does not say that it is ready")?;
            let ready: Value = serde_json::from_str(ready)?;
            Ok(PathBuf::from(ready["kubeconfig"].as_str().context("no kubeconfig in its answer")?))
        });
        let plane = Self { process, state: state.to_owned() };
        let kubeconfig = started.map_err(|error| error.context(plane.tails()))?;
        Ok((plane, Kubectl { program: fixtures.controlplane.clone(), kubeconfig }))
    }

    /// Fails when it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.process.check().map_err(|error| error.context(self.tails()))
    }

    /// Returns the end of each component's log.
    fn tails(&self) -> String {
        let parts = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"];
        parts.map(|part| process::tail(&self.state.join(format!("{part}.log")), 8)).join("\n")
    }
}

/// Returns the first of so many adjacent ports that nobody listens on.
pub(crate) fn free_ports(from: u16, count: u16) -> Result<u16> {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    (from..from.saturating_add(90))
        .find(|first| (0..count).all(|offset| first.checked_add(offset).is_some_and(free)))
        .with_context(|| format!("no {count} free ports from {from} on"))
}

/// `kubectl` on a cluster, as its administrator.
#[derive(Clone, Debug)]
pub(crate) struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    /// Makes one for a sandbox that serves its Kubernetes API at an address.
    pub(crate) fn of_sandbox(fixtures: &Fixtures, address: &str, work: &Path) -> Result<Self> {
        let kubeconfig = work.join("sandbox-kubeconfig");
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "sandbox",
            "clusters": [{"name": "sandbox", "cluster": {"server": format!("http://{address}")}}],
            "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "nobody"}}],
            "users": [{"name": "nobody", "user": {}}],
        });
        std::fs::write(&kubeconfig, config.to_string())?;
        Ok(Self { program: fixtures.controlplane.clone(), kubeconfig })
    }

    /// Returns the kubeconfig; that of the control plane has the contexts `admin`, `viewer` and `unreachable`.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Makes a command of kubectl.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("kubectl").arg("--kubeconfig").arg(&self.kubeconfig).args(arguments);
        command
    }

    /// Runs kubectl.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Output> {
        process::run(&mut self.command(arguments), Duration::from_secs(60))
    }

    /// Gets objects; the answer of `kubectl get … -o json`.
    pub(crate) fn get(&self, namespace: &str, arguments: &[&str]) -> Result<Value> {
        let all = [&["get", "-n", namespace, "-o", "json", "--show-managed-fields"], arguments].concat();
        Ok(serde_json::from_slice(&self.run(&all)?.success()?.stdout)?)
    }

    /// Gets one object; `None` when it is not there.
    pub(crate) fn find(&self, namespace: &str, kind: &str, name: &str) -> Result<Option<Value>> {
        let flags = ["get", "-n", namespace, kind, name, "-o", "json", "--show-managed-fields", "--ignore-not-found"];
        let output = self.run(&flags)?.success()?;
        if output.stdout.is_empty() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&output.stdout)?))
    }

    /// Gets one object that must be there.
    pub(crate) fn object(&self, namespace: &str, kind: &str, name: &str) -> Result<Value> {
        self.find(namespace, kind, name)?.with_context(|| format!("there is no {kind} {name} in {namespace}"))
    }

    /// Fails when there is an object of these kinds that a release would leave behind.
    pub(crate) fn expect_nothing(&self, namespace: &str) -> Result<()> {
        let kinds = "secrets,configmaps,deployments,statefulsets,daemonsets,jobs,services,ingresses,persistentvolumeclaims,roles,rolebindings";
        let found = self.get(namespace, &[kinds])?;
        let left: Vec<String> = found["items"]
            .as_array()
            .into_iter()
            .flatten()
            // What was done to a release is remembered for a day.
            .filter(|item| item["type"] != "whipstaff.dev/operation.v1")
            .map(|item| format!("{}/{}", item["kind"], item["metadata"]["name"]).replace('"', ""))
            .filter(|name| name != "ConfigMap/kube-root-ca.crt")
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        bail!("left behind in {namespace}: {}", left.join(", "))
    }
}
