//! Objects that are merged by the client: the same change by Helm and over REST leaves the same objects.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{Case, Ctx, case};
use crate::check::list;
use crate::cluster::Kubectl;
use crate::rest::{body, release};

pub(super) const CASES: &[Case] = &[case("sending/merged-by-the-client", merged), case("sending/drift", drift)];

const KINDS: &str = "serviceaccounts,secrets,configmaps,persistentvolumeclaims,roles,services,deployments,statefulsets,\
                     cronjobs,poddisruptionbudgets,horizontalpodautoscalers,ingresses,rafts.e2e.whipstaff.dev";

/// Two namespaces: in one Helm does everything, in the other we do.
struct Pair {
    theirs: String,
    ours: String,
}

impl Pair {
    fn of(name: &str) -> Self {
        Self { theirs: format!("{name}-by-helm"), ours: format!("{name}-by-us") }
    }

    /// Installs or upgrades in both.
    fn put(&self, ctx: &Ctx<'_>, digest: &str, state: u32, server_side: Option<bool>) -> Result<()> {
        let (http, kubectl, helm) = ctx.real()?;
        let (chart, set) = (ctx.chart("merged"), format!("v={state}"));
        let flag = server_side.map(|yes| format!("--server-side={yes}"));
        let mut command = vec!["upgrade", "--install", "it", &chart, "-n", &self.theirs, "--create-namespace"];
        command.extend(["--set", &set]);
        command.extend(flag.as_deref());
        helm.ok(&command)?;
        let mut spec = body(digest, json!({"v": state}));
        if let (Some(yes), Value::Object(map)) = (server_side, &mut spec) {
            map.insert("apply".to_owned(), json!({"serverSide": yes}));
        }
        http.put(&self.ours, "it", &spec)?;
        self.compare(kubectl, &format!("state {state}, {flag:?}"))
    }

    /// Goes back in both.
    fn back(&self, ctx: &Ctx<'_>, revision: u32) -> Result<()> {
        let (http, kubectl, helm) = ctx.real()?;
        helm.ok(&["rollback", "it", &revision.to_string(), "-n", &self.theirs])?;
        http.change("POST", &format!("{}/rollback", release(&self.ours, "it")), &json!({"revision": revision}))?;
        self.compare(kubectl, &format!("back to {revision}"))
    }

    /// Lets somebody else do something in both.
    fn meddle(&self, kubectl: &Kubectl, arguments: &[&str]) -> Result<()> {
        for namespace in [&self.theirs, &self.ours] {
            kubectl.run(&[arguments, &["-n", namespace]].concat())?.success()?;
        }
        Ok(())
    }

    fn compare(&self, kubectl: &Kubectl, when: &str) -> Result<()> {
        let (theirs, ours) = (objects(kubectl, &self.theirs)?, objects(kubectl, &self.ours)?);
        for name in theirs.keys().chain(ours.keys()) {
            let (theirs, ours) = (theirs.get(name), ours.get(name));
            if theirs != ours {
                let text = |value: Option<&Value>| value.map(Value::to_string).unwrap_or_default();
                bail!("{when}: {name} differs\n helm: {}\n ours: {}", text(theirs), text(ours));
            }
        }
        if theirs.len() < 10 {
            bail!("{when}: only {} objects were compared", theirs.len());
        }
        Ok(())
    }
}

/// The objects of a namespace, by kind and name, with the fields that Helm manages; what differs by nature is left out.
fn objects(kubectl: &Kubectl, namespace: &str) -> Result<BTreeMap<String, Value>> {
    let found = kubectl.get(namespace, &[KINDS])?;
    let mut objects = BTreeMap::new();
    for item in list(&found, "/items")? {
        // The namespace stands in annotations too.
        let mut item: Value = serde_json::from_str(&item.to_string().replace(namespace, "NAMESPACE"))?;
        let name = format!("{}/{}", item["kind"], item["metadata"]["name"]).replace('"', "");
        // What controllers and the namespace itself have made is nobody's here.
        if item["metadata"]["labels"]["app.kubernetes.io/managed-by"] != "Helm" {
            continue;
        }
        drop_keys(&mut item["metadata"], &["uid", "resourceVersion", "creationTimestamp", "generation"]);
        // Those of controllers, which come when they come.
        if let Some(Value::Object(annotations)) = item["metadata"].get_mut("annotations") {
            annotations.retain(|key, _| !key.contains("kubernetes.io/"));
        }
        drop_keys(&mut item["spec"], &["clusterIP", "clusterIPs", "volumeName"]);
        drop_keys(&mut item, &["status"]);
        if let Some(Value::Array(entries)) = item["metadata"].get_mut("managedFields") {
            entries.retain(|entry| entry["manager"] == "helm");
            entries.iter_mut().for_each(|entry| drop_keys(entry, &["time"]));
            entries.sort_by_key(|entry| entry["operation"].to_string());
        }
        objects.insert(name, item);
    }
    Ok(objects)
}

fn drop_keys(value: &mut Value, keys: &[&str]) {
    if let Value::Object(map) = value {
        keys.iter().for_each(|key| drop(map.remove(*key)));
    }
}

/// From state to state, merged by the client, by the server, and by the client again.
fn merged(ctx: &Ctx<'_>) -> Result<()> {
    let pair = Pair::of("merged");
    let digest = ctx.upload("merged")?;
    // The server cannot go from a strategy with defaults to `Recreate` (state 2), so it does not have to.
    let of_the_server = [(1, Some(true)), (3, None)];
    let ours = [(1, Some(false)), (2, None), (3, None), (3, None)];
    for (state, server_side) in ours.into_iter().chain(of_the_server).chain([(2, Some(false)), (1, None)]) {
        pair.put(ctx, &digest, state, server_side)?;
    }
    [2, 3, 5].into_iter().try_for_each(|revision| pair.back(ctx, revision))
}

/// What others have changed is put right where the chart says something of it, and left alone where it says nothing.
fn drift(ctx: &Ctx<'_>) -> Result<()> {
    let (_, kubectl, _) = ctx.real()?;
    let pair = Pair::of("drift");
    let digest = ctx.upload("merged")?;
    pair.put(ctx, &digest, 1, Some(false))?;
    let extra = r#"{"spec":{"replicas":4,"template":{"spec":{"containers":[{"name":"extra","image":"x"},{"name":"main","env":[{"name":"A","value":"theirs"},{"name":"Z","value":"z"}]}]}}}}"#;
    pair.meddle(kubectl, &["patch", "deployment", "d", "--type=strategic", "-p", extra])?;
    pair.meddle(kubectl, &["patch", "rafts", "raft", "--type=merge", "-p", r#"{"spec":{"sails":9,"theirs":1}}"#])?;
    pair.meddle(kubectl, &["patch", "configmap", "cm", "--type=merge", "-p", r#"{"data":{"a":"theirs","b":"x"}}"#])?;
    pair.put(ctx, &digest, 1, None)?;
    pair.put(ctx, &digest, 2, None)?;
    pair.meddle(kubectl, &["delete", "service", "svc"])?;
    pair.meddle(kubectl, &["delete", "deployment", "d"])?;
    pair.put(ctx, &digest, 2, None)?;
    pair.back(ctx, 1)
}
