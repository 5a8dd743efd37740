//! The dialect of Helm 2 against Helm 2.17's packages (`e2e/fixtures/helm2/engine`): what is asked of Helm 4 elsewhere, as charts of v1.

use std::collections::HashSet;
use std::sync::OnceLock;

use chart::helm2::{self, Chart};
use chart::{File, Limits};
use render::helm2::{Capabilities, Hook, Inputs, KubeVersion, Release, Rendered};
use serde_json::{Value as Json, json};

use super::{Subject, calls, made, manifests, semver, templates, text};
use crate::answer::{Answer, bytes};
use crate::rng::Rng;
use crate::yaml_gen;
use crate::yaml_texts::TEXTS;

/// The subjects whose oracle is Helm 2's.
pub(crate) const SUBJECTS: &[&Subject] = &[&TEMPLATES, &FUNCTIONS, &SEMVER, &VALUES, &YAML, &MANIFESTS];

const TEMPLATES: Subject =
    Subject { name: "helm2-templates", weight: 25, question: |rng| known(rng, templates::question), answer, show };
const FUNCTIONS: Subject =
    Subject { name: "helm2-functions", weight: 40, question: |rng| known(rng, calls::question), answer, show };
const SEMVER: Subject = Subject { name: "helm2-semver", weight: 8, question: versions, answer, show };
const VALUES: Subject = Subject { name: "helm2-values", weight: 10, question: values, answer, show };
const YAML: Subject = Subject { name: "helm2-yaml", weight: 10, question: yaml, answer, show };
const MANIFESTS: Subject = Subject { name: "helm2-manifests", weight: 8, question: install, answer, show };

/// As the engine has it.
const API_VERSIONS: [&str; 4] = ["v1", "apps/v1", "apps/v1/Deployment", "batch/v1"];

/// What stands for `.Values` of the command line, which have come to YAML when they reach Tiller.
const GIVEN: &str = "i: 5\ns: {t: x}\n";

/// Makes a question of one of Helm 4's whose template has no function that Helm 2 lacks, most often.
fn known(rng: &mut Rng, question: fn(&mut Rng) -> Json) -> Json {
    let mut asked = Json::Null;
    for _ in 0..30 {
        asked = question(rng);
        let template = text(&asked["files"], "templates/a.yaml");
        let words = template.split(|c: char| !c.is_alphanumeric() && c != '_');
        if !words.into_iter().any(|word| lacking().contains(word)) {
            break;
        }
    }
    of_v1(asked, "template", GIVEN)
}

/// The functions that Helm 2 lacks, or that are not asked for.
fn lacking() -> &'static HashSet<&'static str> {
    static LACKING: OnceLock<HashSet<&str>> = OnceLock::new();
    LACKING.get_or_init(|| {
        // Names are not looked up here.
        let asks = "getHostByName";
        let there: HashSet<&str> = render::helm2::functions().map(|f| f.name).filter(|name| *name != asks).collect();
        render::functions::all().iter().map(|f| f.name).filter(|name| !there.contains(name)).collect()
    })
}

/// Makes a question about charts of v1 of one about charts of v2.
fn of_v1(mut asked: Json, op: &str, given: &str) -> Json {
    let mut files = serde_json::Map::new();
    for (name, content) in asked["files"].as_object_mut().into_iter().flat_map(std::mem::take) {
        let content = content.as_str().unwrap_or_default().to_owned();
        let Some(prefix) = name.strip_suffix("Chart.yaml") else {
            files.insert(name, content.into());
            continue;
        };
        let content = content.replace("apiVersion: v2", "apiVersion: v1").replace("\"v2\"", "\"v1\"");
        match serde_json::from_str::<Json>(&content) {
            Ok(mut metadata) => {
                if let Some(dependencies) = metadata.as_object_mut().and_then(|map| map.remove("dependencies")) {
                    let requirements = json!({"dependencies": dependencies}).to_string();
                    files.insert(format!("{prefix}requirements.yaml"), requirements.into());
                }
                files.insert(name, metadata.to_string().into());
            }
            // A version of Kubernetes that this cluster is not is another subject.
            Err(_) => drop(files.insert(name, content.replace("kubeVersion: \">=1.20.0-0\"\n", "").into())),
        }
    }
    json!({"op": op, "files": files, "values": given})
}

fn versions(rng: &mut Rng) -> Json {
    let quoted = |text: String| gotext::strconv::quote(text.as_bytes());
    let template = if rng.chance(80) {
        let (constraint, version) = (quoted(semver::constraint(rng)), quoted(semver::version(rng)));
        format!("{{{{ semverCompare {constraint} {version} }}}}")
    } else {
        let (one, other) = (quoted(semver::version(rng)), quoted(semver::version(rng)));
        format!(
            "{{{{ $v := semver {one} }}}}{{{{ $v }}}} {{{{ $v.Original }}}} {{{{ $v.Prerelease }}}} {{{{ $v.Metadata }}}} \
             {{{{ $v.IncMajor }}}} {{{{ $v.IncMinor }}}} {{{{ $v.IncPatch }}}} {{{{ $v.Compare (semver {other}) }}}}"
        )
    };
    json!({"op": "template", "files": calls::chart_of("v1", &template), "values": ""})
}

fn values(rng: &mut Rng) -> Json {
    let asked = made::question(rng);
    let given = asked["given"].get(0).and_then(Json::as_str).unwrap_or_default().to_owned();
    of_v1(asked, "values", &given)
}

fn yaml(rng: &mut Rng) -> Json {
    let seeded = &mut yaml_gen::Rng(rng.next());
    let given = match rng.below(10) {
        0 => {
            let text = rng.pick(TEXTS);
            if rng.chance(70) { yaml_gen::mutate(seeded, text) } else { text.to_owned() }
        }
        _ => yaml_gen::yaml(seeded),
    };
    let template = format!(
        "{{{{ $v := fromYaml {} }}}}{{{{ printf \"%v\" $v }}}}\n{{{{ toYaml $v }}}}\n{{{{ toJson $v }}}}",
        gotext::strconv::quote(given.as_bytes())
    );
    json!({"op": "template", "files": calls::chart_of("v1", &template), "values": ""})
}

fn install(rng: &mut Rng) -> Json {
    let asked = manifests::question(rng);
    let mut files = serde_json::Map::new();
    files.insert("Chart.yaml".to_owned(), "name: c\nversion: 0.1.0\n".into());
    for (name, content) in asked["files"].as_object().into_iter().flatten() {
        let name = name.split_once('/').map_or(name.as_str(), |(_, rest)| rest);
        // The text of a document is no template.
        if !content.as_str().unwrap_or_default().contains("{{") {
            files.insert(format!("templates/{name}"), content.clone());
        }
    }
    json!({"op": "install", "files": files, "values": ""})
}

fn show(question: &Json) -> String {
    let mut out = String::new();
    for (name, content) in question["files"].as_object().into_iter().flatten() {
        if !calls::chart_of("v1", "").get(name).is_some_and(|usual| usual == content) {
            out += &format!("[{name}] {}\n", content.as_str().unwrap_or_default());
        }
    }
    out + "[values] " + text(question, "values")
}

fn answer(question: &Json) -> Answer {
    Answer::result(answered(question))
}

fn answered(question: &Json) -> Result<Json, String> {
    let files = question["files"].as_object().into_iter().flatten();
    let files = files.map(|(name, content)| File {
        name: name.clone(),
        data: bytes(content.as_str().unwrap_or_default()).into(),
        mod_time: None,
    });
    let mut chart = helm2::load_files(files.collect(), &Limits::default()).map_err(|e| e.to_string())?;
    let given = text(question, "values");
    helm2::process_requirements(&mut chart, given).map_err(|e| e.to_string())?;
    let values = helm2::coalesce_values(&chart, Some(given)).map_err(|e| e.to_string())?.values;
    if text(question, "op") == "values" {
        return goyaml::to_yaml(&values).map(Json::String).map_err(|e| e.to_string());
    }
    rendered(question, &chart, &values)
}

fn rendered(question: &Json, chart: &Chart, values: &goyaml::Map) -> Result<Json, String> {
    let release =
        Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_install: true, is_upgrade: false };
    let kube_version =
        KubeVersion { major: "1".into(), minor: "16".into(), git_version: "v1.16.0".into(), ..KubeVersion::default() };
    let api_versions = API_VERSIONS.iter().map(|v| (*v).to_owned()).collect();
    let capabilities = Capabilities { api_versions, kube_version, ..Capabilities::default() };
    let now = jiff::Timestamp::from_second(1_790_000_000).map_err(|e| e.to_string())?;
    let mut inputs = Inputs::new(values, &release, &capabilities, now);
    // What has no end in Helm either must have one here.
    inputs.limits.steps = Some(300_000_000);
    inputs.limits.output = Some(256 << 20);
    inputs.limits.memory = Some(1 << 30);
    if text(question, "op") == "install" {
        return render::helm2::render(chart, &inputs).map(|made| released(&made)).map_err(|e| match e {
            // In the order of the engine's answer.
            render::helm2::Error::Manifest { message, manifest, .. } => {
                const SOURCE: &str = "\n---\n# Source: ";
                let text = format!("{message}\n{manifest}");
                let (first, rest) = text.split_once(SOURCE).unwrap_or((&text, ""));
                let mut rest: Vec<&str> = rest.split(SOURCE).collect();
                rest.sort_unstable();
                [vec![first], rest].concat().join(SOURCE)
            }
            other => other.to_string(),
        });
    }
    let files = render::helm2::files(chart, &inputs).map_err(|e| e.to_string())?;
    Ok(files.into_iter().map(|(name, text)| (name, text.to_string().into())).collect::<serde_json::Map<_, _>>().into())
}

fn released(made: &Rendered) -> Json {
    let list = |items: &[String]| format!("[{}]", items.join(" "));
    let hook = |h: &Hook| {
        let screaming = |name: String| {
            let mut out = String::new();
            for (at, c) in name.char_indices() {
                if at > 0 && c.is_uppercase() {
                    out.push('_');
                }
                out.push(c.to_ascii_uppercase());
            }
            if out.starts_with("TEST_") { format!("RELEASE_{out}") } else { out }
        };
        let events: Vec<String> = h.events.iter().map(|e| screaming(format!("{e:?}"))).collect();
        let policies: Vec<String> = h.delete_policies.iter().map(|p| screaming(format!("{p:?}"))).collect();
        json!([h.name, h.kind, h.path, h.manifest, list(&events), h.weight, list(&policies), h.delete_timeout])
    };
    let mut hooks: Vec<Json> = made.hooks.iter().map(hook).collect();
    let as_go = |hook: &Json| {
        let parts = hook.as_array().into_iter().flatten();
        let parts = parts.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned));
        parts.collect::<Vec<_>>().join(" ")
    };
    hooks.sort_by_key(as_go);
    json!({"manifest": documents(&made.manifest), "hooks": hooks, "notes": made.notes})
}

/// The documents of a manifest; those of one file in the order of their text, since Tiller's order is none.
fn documents(manifest: &str) -> Vec<&str> {
    let mut all: Vec<&str> = manifest.split("\n---\n# Source: ").collect();
    let path = |text: &str| text.split('\n').next().unwrap_or_default().to_owned();
    all.chunk_by_mut(|a, b| path(a) == path(b)).for_each(<[&str]>::sort_unstable);
    all
}
