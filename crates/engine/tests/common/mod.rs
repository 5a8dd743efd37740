//! A sandbox with an engine over it, and charts to put there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chart::{Chart, File};
use cluster::{Object, ObjectRef};
use engine::{
    Apply, Cascade, Change, Engine, Error, Event, Intent, OnFailure, Rollback, Settings, Target, Uninstall,
    ValueStrategy, Wait,
};
use release::{Release, Status};
use serde_json::{Value, json};

/// One release in one namespace of a fresh sandbox.
pub(crate) struct World {
    pub engine: Engine,
    pub target: Target,
    events: Arc<Mutex<Vec<Event>>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let sandbox = sandbox::Sandbox::new(sandbox::Config::default());
        Self::of(Engine::new(sandbox.client(), Settings::guarded()))
    }

    /// The release as a process sees it.
    pub(crate) fn of(engine: Engine) -> Self {
        Self { engine, target: target(), events: Arc::default() }
    }

    pub(crate) fn change(&self, chart: Chart, values: Value) -> Change {
        change(chart, values)
    }

    pub(crate) fn rollback(&self, revision: u32) -> Rollback {
        rollback(revision)
    }

    pub(crate) fn uninstall(&self) -> Uninstall {
        uninstall()
    }

    /// Plans and runs.
    pub(crate) async fn run(&self, intent: Intent) -> Result<Release, Error> {
        let events = Arc::clone(&self.events);
        let plan = self.engine.plan(intent).await?;
        self.engine.run(plan, &move |event| events.lock().unwrap().push(event)).await
    }

    pub(crate) async fn apply(&self, chart: Chart, values: Value) -> Result<Release, Error> {
        self.run(Intent::Apply(self.change(chart, values))).await
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    pub(crate) fn hooks_run(&self) -> Vec<String> {
        let ran = |event: Event| match event {
            Event::Hook { name, phase, .. } if phase == "running" => Some(name),
            _ => None,
        };
        self.events().into_iter().filter_map(ran).collect()
    }

    /// Where the revisions stand, oldest first.
    pub(crate) async fn statuses(&self) -> Vec<Status> {
        let history = self.engine.ledger().history(&self.target.namespace, &self.target.name).await.unwrap();
        history.heads().iter().map(|head| head.status).collect()
    }

    /// Makes a ConfigMap that belongs to nobody.
    pub(crate) async fn config_map(&self, name: &str, data: Value) {
        for object in [
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "web"}, "data": data}),
        ] {
            let object = Object::new(object).unwrap();
            self.engine.cluster().create(&object, &cluster::ApplyOptions::default()).await.unwrap();
        }
    }

    async fn live(&self, name: &str) -> Option<Value> {
        let id =
            ObjectRef { gvk: cluster::Gvk::new("v1", "ConfigMap"), namespace: "web".to_owned(), name: name.to_owned() };
        self.engine.cluster().get(&id).await.unwrap()
    }

    pub(crate) async fn exists(&self, name: &str) -> bool {
        self.live(name).await.is_some()
    }

    /// The text of a ConfigMap of [`chart`]; `None` when it is not there.
    pub(crate) async fn text(&self, name: &str) -> Option<String> {
        Some(self.live(name).await?.pointer("/data/text")?.as_str()?.to_owned())
    }

    pub(crate) async fn owner(&self, name: &str) -> String {
        let live = self.live(name).await.unwrap();
        let annotation = |key: &str| live["metadata"]["annotations"][key].as_str().unwrap().to_owned();
        format!("{} in {}", annotation("meta.helm.sh/release-name"), annotation("meta.helm.sh/release-namespace"))
    }
}

pub(crate) fn target() -> Target {
    Target { namespace: "web".to_owned(), name: "shop".to_owned() }
}

pub(crate) fn change(chart: Chart, values: Value) -> Change {
    Change {
        target: target(),
        chart: Some(Arc::new(chart)),
        values: serde_json::from_value(values).unwrap(),
        value_strategy: ValueStrategy::Default,
        labels: BTreeMap::new(),
        description: None,
        create_namespace: true,
        apply: Apply::default(),
        wait: Wait::default(),
        on_failure: OnFailure::default(),
        no_hooks: false,
        crds: engine::Crds::default(),
        skip_schema_validation: false,
        subchart_notes: false,
        history_max: 10,
        expected_revision: None,
        replace: false,
        preview: false,
        hide_secrets: false,
        without_lookups: false,
    }
}

pub(crate) fn rollback(revision: u32) -> Rollback {
    Rollback {
        target: target(),
        revision: Some(revision),
        description: None,
        apply: Apply::default(),
        wait: Wait::default(),
        cleanup_on_fail: false,
        no_hooks: false,
        history_max: 10,
        expected_revision: None,
    }
}

pub(crate) fn uninstall() -> Uninstall {
    Uninstall {
        target: target(),
        keep_history: false,
        no_hooks: false,
        cascade: Cascade::Background,
        description: None,
        wait: Wait::default(),
        ignore_not_found: false,
        expected_revision: None,
    }
}

fn load(files: &[(&str, &str)]) -> Chart {
    let file = |(name, text): &(&str, &str)| File {
        name: (*name).to_owned(),
        data: (*text).to_owned().into(),
        ..File::default()
    };
    let meta = ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n");
    chart::load_files(std::iter::once(&meta).chain(files).map(file).collect()).unwrap()
}

/// A chart of these templates.
pub(crate) fn templates(templates: &[(&str, &str)]) -> Chart {
    let named: Vec<(String, &str)> =
        templates.iter().map(|(name, text)| (format!("templates/{name}"), *text)).collect();
    load(&named.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>())
}

/// A chart with a definition and templates.
pub(crate) fn with_crd(crd: &str, templates: &[(&str, &str)]) -> Chart {
    let mut named: Vec<(String, &str)> =
        templates.iter().map(|(name, text)| (format!("templates/{name}"), *text)).collect();
    named.push(("crds/it.yaml".to_owned(), crd));
    load(&named.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>())
}

/// A chart with one ConfigMap that holds `.Values.text`.
pub(crate) fn chart(name: &str) -> Chart {
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  text: {{{{ .Values.text | quote }}}}\n"
    );
    templates(&[("it.yaml", text.as_str())])
}

/// A chart whose hook fails.
pub(crate) fn failing_job(event: &str) -> Chart {
    let job = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: doomed\n  annotations:\n    helm.sh/hook: {event}\nspec:\n  backoffLimit: 0\n  template:\n    metadata:\n      annotations: {{test.whipstaff.dev/outcome: fail}}\n    spec:\n      restartPolicy: Never\n      containers: [{{name: it, image: it}}]\n"
    );
    templates(&[("job.yaml", job.as_str())])
}
