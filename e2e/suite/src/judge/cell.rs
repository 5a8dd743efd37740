//! One release in the hands of two tools, step by step.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine as _;
use serde_json::{Value, json};

use super::api::{Api, Object};
use super::normal::{Difference, differences, is_record, normal};
use crate::helm::Helm;

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tool {
    Whipstaff,
    Helm4,
    Helm3,
}

impl Tool {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Whipstaff => "whipstaff",
            Self::Helm4 => "Helm 4.3.1",
            Self::Helm3 => "Helm 3.17.2",
        }
    }
}

/// The tools, on one cluster.
pub(crate) struct Tools<'a> {
    pub(crate) whipstaff: Helm,
    pub(crate) helm4: Helm,
    pub(crate) helm3: Helm,
    pub(crate) api: &'a Api,
}

impl Tools<'_> {
    pub(crate) fn get(&self, tool: Tool) -> &Helm {
        match tool {
            Tool::Whipstaff => &self.whipstaff,
            Tool::Helm4 => &self.helm4,
            Tool::Helm3 => &self.helm3,
        }
    }
}

/// Who begins, by what method, who goes on, and with which chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) first: Tool,
    /// Whether the install has the server merge.
    pub(crate) server_side: bool,
    pub(crate) second: Tool,
    pub(crate) chart: &'static str,
}

impl Cell {
    /// Returns the cell with Helm in our place.
    pub(crate) fn twin(self) -> Self {
        let theirs = |tool| if tool == Tool::Whipstaff { Tool::Helm4 } else { tool };
        Self { first: theirs(self.first), second: theirs(self.second), ..self }
    }

    /// Returns a name for namespaces, of the same length for all cells.
    pub(crate) fn slug(self) -> String {
        let letter = |tool| match tool {
            Tool::Whipstaff => 'w',
            Tool::Helm4 => '4',
            Tool::Helm3 => '3',
        };
        let method = if self.server_side { 's' } else { 'c' };
        format!("i{}{method}{}-{}", letter(self.first), letter(self.second), self.chart)
    }
}

/// What a step of a cell did.
pub(crate) struct Step {
    /// `upgrade by Helm 4.3.1`.
    pub(crate) name: String,
    pub(crate) code: i32,
    pub(crate) error: String,
    /// All that is in the namespace, and the chart's definition, without what the cluster decides.
    pub(crate) objects: BTreeMap<String, Value>,
    /// What one reads otherwise than the other.
    pub(crate) reads: Vec<String>,
}

/// The values of the steps: three different ones.
fn values(chart: &str) -> [&'static str; 3] {
    match chart {
        "hooked" => ["note=one", "note=two", "note=three"],
        "crds-owner" => ["width=1", "width=2", "width=3"],
        _ => [
            "greeting=one,extra.a=1,extra.b=1",
            "greeting=two,replicas=2,fixedName=for-a-while,extra.b=2,extra.c=2",
            "greeting=three,replicas=3,extra.c=3,podAnnotations.x=y",
        ],
    }
}

/// Plays a cell: each step but the first finds what the other tool has left.
pub(crate) fn play(tools: &Tools<'_>, cell: Cell, charts: &Path, work: &Path) -> Result<Vec<Step>> {
    let slug = cell.slug();
    // A definition belongs to the whole cluster, so that each cell has its own.
    let group = format!("{slug}.e2e.whipstaff.dev");
    let folder = work.join(&slug);
    copy(&charts.join(cell.chart), &folder, &group)?;
    let chart = folder.to_string_lossy().into_owned();
    let [one, two, three] = values(cell.chart);
    let method = format!("--server-side={}", cell.server_side);
    let mut install = vec!["install", "rel", &chart, "--create-namespace", "--set", one];
    if cell.first != Tool::Helm3 {
        install.push(&method);
    }
    let script: [(Tool, Vec<&str>); 7] = [
        (cell.first, install),
        (cell.second, vec!["upgrade", "rel", &chart, "--set", two]),
        (cell.first, vec!["upgrade", "rel", &chart, "--set", three]),
        (cell.second, vec!["rollback", "rel", "1"]),
        (cell.first, vec!["rollback", "rel"]),
        (cell.second, vec!["test", "rel"]),
        (cell.second, vec!["uninstall", "rel"]),
    ];
    let mut steps = Vec::new();
    for (tool, arguments) in script {
        let verb = arguments.first().copied().unwrap_or_default();
        let name = format!("{verb} by {}", tool.name());
        let flags = ["-n", &slug, "--timeout", "60s"];
        let output = tools.get(tool).run(&[&arguments[..], &flags].concat())?;
        let reads = if verb == "uninstall" { Vec::new() } else { reads(tools, &slug)? };
        let objects = objects(tools.api, &slug, &group).with_context(|| name.clone())?;
        steps.push(Step { name, code: output.code, error: output.stderr, objects, reads });
    }
    Ok(steps)
}

/// Copies a chart, with another API group.
fn copy(from: &Path, to: &Path, group: &str) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place, group)?;
        } else {
            let text = std::fs::read_to_string(entry.path())?;
            std::fs::write(place, text.replace("e2e.whipstaff.dev", group))?;
        }
    }
    Ok(())
}

/// Reads what a cell has in the cluster, with its records opened.
fn objects(api: &Api, namespace: &str, group: &str) -> Result<BTreeMap<String, Value>> {
    let inside = format!(" {namespace}/");
    let is_cells = |object: &Object| {
        let id = &object.id;
        id.contains(&inside) || id.ends_with(group) || id.as_str() == format!("Namespace. {namespace}")
    };
    let mut found = BTreeMap::new();
    for object in api.objects()?.iter().filter(|object| is_cells(object)) {
        if object.value["metadata"].get("deletionTimestamp").is_some() {
            continue;
        }
        let mut value = normal(object);
        if is_record(object) {
            open(&mut value)?;
        }
        let text = value.to_string().replace(group, "GROUP").replace(namespace, "NAMESPACE");
        let id = object.id.replace(group, "GROUP").replace(namespace, "NAMESPACE");
        found.insert(id, serde_json::from_str(&text)?);
    }
    Ok(found)
}

/// Opens a record, and blanks its times.
fn open(secret: &mut Value) -> Result<()> {
    use std::io::Read as _;
    let payload = secret["data"]["release"].as_str().context("a record without a release")?;
    let packed = base64::engine::general_purpose::STANDARD.decode(payload)?;
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut text)?;
    let mut release: Value = serde_json::from_slice(&text)?;
    for part in ["templates", "files"] {
        for file in release["chart"][part].as_array_mut().into_iter().flatten() {
            let data = file["data"].as_str().unwrap_or_default();
            let data = base64::engine::general_purpose::STANDARD.decode(data)?;
            file["data"] = json!(String::from_utf8_lossy(&data));
        }
    }
    secret["data"]["release"] = release;
    blank_times(secret);
    forget_ours(secret);
    Ok(())
}

/// Takes our own annotations out of a record: Helm does not read them, and drops them when it writes.
fn forget_ours(secret: &mut Value) {
    let parts = ["/metadata/annotations", "/metadata/managedFields/0/fieldsV1/f:metadata/f:annotations"];
    for pointer in parts {
        let Some((parent, name)) = pointer.rsplit_once('/') else { continue };
        let Some(map) = secret.pointer_mut(parent).and_then(Value::as_object_mut) else { continue };
        let is_ours = |key: &String| key == "." || key.trim_start_matches("f:").starts_with("whipstaff.dev/");
        if map.get(name).and_then(Value::as_object).is_some_and(|annotations| annotations.keys().all(is_ours)) {
            map.remove(name);
        }
    }
}

fn blank_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let is_time = ["_deployed", "_at", "modtime", "deleted", "createdAt", "modifiedAt"]
                    .iter()
                    .any(|end| name.ends_with(end));
                match value {
                    Value::String(text) if is_time && !text.is_empty() => *value = json!("TIME"),
                    value => blank_times(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank_times),
        _ => {}
    }
}

/// Has Helm and us read the release, and says where what we print differs.
fn reads(tools: &Tools<'_>, namespace: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for arguments in [
        &["get", "all", "rel"][..],
        &["history", "rel", "-o", "json"],
        &["history", "rel"],
        &["status", "rel", "-o", "json"],
    ] {
        let flags = [arguments, &["-n", namespace]].concat();
        // What is alive changes under the eyes of one who reads twice.
        let mut tries = 0;
        let difference = loop {
            let (theirs, ours) = (tools.helm4.run(&flags)?, tools.whipstaff.run(&flags)?);
            let is_json = arguments.contains(&"json");
            let same = theirs.code == ours.code
                && if is_json { read(&theirs.stdout) == read(&ours.stdout) } else { theirs.stdout == ours.stdout };
            tries += 1;
            if same {
                break None;
            }
            std::thread::sleep(std::time::Duration::from_millis(300));
            if tries == 3 {
                let mut differing = Vec::new();
                if is_json {
                    differences("", &read(&theirs.stdout), &read(&ours.stdout), &mut differing);
                }
                let first = differing.first().map(Difference::to_string);
                break Some(
                    first.unwrap_or_else(|| format!("exit codes {} and {}, or the text", theirs.code, ours.code)),
                );
            }
        };
        found.extend(difference.map(|difference| format!("`{}` reads otherwise: {difference}", arguments.join(" "))));
    }
    Ok(found)
}

/// Reads what a tool printed as JSON; of live objects, which change by themselves, only what and how many.
fn read(text: &[u8]) -> Value {
    let mut value: Value = serde_json::from_slice(text).unwrap_or_default();
    if let Some(resources) = value.pointer_mut("/info/resources").and_then(Value::as_object_mut) {
        resources.retain(|kind, _| !kind.contains("(related)"));
        for object in resources.values_mut().filter_map(Value::as_array_mut).flatten() {
            *object = json!([object["apiVersion"], object["kind"], object["metadata"]["name"]]);
        }
        for list in resources.values_mut().filter_map(Value::as_array_mut) {
            list.sort_by_key(Value::to_string);
        }
    }
    value
}
