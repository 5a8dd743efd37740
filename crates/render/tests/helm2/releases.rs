//! Charts of our own through Tiller: `data/helm2/releases.txt` has them, `data/helm2/releases.jsonl` what `helm install` 2.17
//! makes of each: manifest, hooks and notes as Tiller records them.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use render::helm2::Rendered;
use serde_json::{Value as Json, json};

use crate::snippets::data;
use crate::{oracle, ours};

/// A chart: its files, and the values given.
struct Scene {
    name: String,
    files: Vec<(String, String)>,
}

impl Scene {
    fn given(&self) -> &str {
        self.files.iter().find(|(name, _)| name == "GIVEN").map_or("{}\n", |(_, text)| text)
    }

    fn with_subchart_notes(&self) -> bool {
        self.name.contains("+notes")
    }

    fn chart_files(&self) -> impl Iterator<Item = &(String, String)> {
        self.files.iter().filter(|(name, _)| name != "GIVEN")
    }
}

fn scenes() -> Vec<Scene> {
    let text = std::fs::read_to_string(data("releases.txt")).unwrap();
    let mut scenes: Vec<Scene> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("== ") {
            scenes.push(Scene { name: name.to_owned(), files: Vec::new() });
        } else if let Some(scene) = scenes.last_mut() {
            if let Some(name) = line.strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --")) {
                scene.files.push((name.to_owned(), String::new()));
            } else if let Some((_, text)) = scene.files.last_mut() {
                text.push_str(&line.replace('↵', "\r"));
                text.push('\n');
            }
        }
    }
    for scene in &mut scenes {
        if !scene.files.iter().any(|(name, _)| name == "Chart.yaml") {
            scene.files.push(("Chart.yaml".to_owned(), "name: c\nversion: 0.1.0\n".to_owned()));
        }
    }
    scenes
}

/// The documents of a manifest; those of one file in the order of their text, since Tiller's order is none.
fn documents(manifest: &str) -> Vec<String> {
    let mut documents: Vec<String> = manifest.split("\n---\n# Source: ").map(str::to_owned).collect();
    let mut from = 0;
    while from < documents.len() {
        let path = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        let first = path(&documents[from]);
        let to = from + documents[from..].iter().take_while(|text| path(text) == first).count();
        documents[from..to].sort();
        from = to;
    }
    documents
}

fn answer(manifest: &str, mut hooks: Vec<Json>, notes: &str) -> Json {
    hooks.sort_by_key(Json::to_string);
    // Those of subcharts are in no order either, and empty ones part others or not.
    let mut notes: Vec<&str> = notes.split('\n').filter(|line| !line.is_empty()).collect();
    notes.sort_unstable();
    json!({"manifest": documents(manifest), "hooks": hooks, "notes": notes})
}

fn ours(scene: &Scene) -> Json {
    let files: Vec<(&str, &str)> = scene.chart_files().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let made =
        ours::load_files(&files).and_then(|chart| ours::install(chart, scene.given(), scene.with_subchart_notes()));
    match made {
        Ok(made) => released(&made),
        // The client takes the text for a format.
        Err(text) => {
            failure(&String::from_utf8_lossy(&gotext::fmt::sprintf(&gotext::Arena::new(), text.as_bytes(), &[])))
        }
    }
}

/// A release of ours, as [`recorded`] has one of Tiller's.
pub(crate) fn released(made: &Rendered) -> Json {
    let hook = |h: &render::helm2::Hook| {
        json!({
            "name": h.name, "kind": h.kind, "path": h.path, "manifest": h.manifest,
            "events": h.events.iter().map(|e| *e as i64 + 1).collect::<Vec<_>>(),
            "weight": h.weight,
            "policies": h.delete_policies.iter().map(|p| *p as i64).collect::<Vec<_>>(),
            "timeout": h.delete_timeout,
        })
    };
    answer(&made.manifest, made.hooks.iter().map(hook).collect(), &made.notes)
}

/// A release as lines of text.
pub(crate) fn shown(release: &Json) -> String {
    match release {
        Json::String(text) => text.clone() + "\n",
        Json::Array(items) => items.iter().map(shown).collect(),
        Json::Object(map) => map.iter().map(|(key, value)| format!("{key}:\n{}", shown(value))).collect(),
        other => other.to_string() + "\n",
    }
}

fn failure(text: &str) -> Json {
    let (text, manifest) = text.split_once("\n\n---\n# Source: ").unwrap_or((text, ""));
    let mut documents: Vec<&str> = manifest.split("\n---\n# Source: ").map(str::trim_end).collect();
    documents.sort_unstable();
    json!({"err": text, "manifest": documents})
}

/// The fields of a message: numbers, and the bytes of everything else.
fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, &[u8])> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        match tag & 7 {
            0 => found.push((tag >> 3, varint(&mut bytes), &[][..])),
            2 => {
                let len = usize::try_from(varint(&mut bytes)).unwrap();
                let (content, rest) = bytes.split_at(len);
                bytes = rest;
                found.push((tag >> 3, 0, content));
            }
            other => panic!("wire type {other}"),
        }
    }
    found
}

fn texts(bytes: &[u8], number: u64) -> Vec<String> {
    let found = fields(bytes).into_iter().filter(|(n, _, _)| *n == number);
    found.map(|(_, _, content)| String::from_utf8_lossy(content).into_owned()).collect()
}

fn text(bytes: &[u8], number: u64) -> String {
    texts(bytes, number).pop().unwrap_or_default()
}

fn message(bytes: &[u8], number: u64) -> Vec<u8> {
    fields(bytes).into_iter().find(|(n, _, _)| *n == number).map(|(_, _, content)| content.to_vec()).unwrap_or_default()
}

fn number(bytes: &[u8], number: u64) -> i64 {
    fields(bytes).into_iter().find(|(n, _, _)| *n == number).map_or(0, |(_, value, _)| value as i64)
}

/// Enumerations in a list, which are packed.
fn numbers(bytes: &[u8], number: u64) -> Vec<i64> {
    message(bytes, number).into_iter().map(i64::from).collect()
}

/// What Tiller recorded.
pub(crate) fn recorded(tiller: &oracle::Tiller) -> Json {
    let mut stream = std::net::TcpStream::connect(&tiller.probe).unwrap();
    stream.write_all(b"GET /dump HTTP/1.0\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (_, body) = reply.split_once("\r\n\r\n").unwrap();
    let dump: Json = serde_json::from_str(body).unwrap();
    let packed = STANDARD.decode(dump["configmaps"][0]["data"]["release"].as_str().unwrap()).unwrap();
    let mut release = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut release).unwrap();
    let hook = |(_, _, h): (u64, u64, &[u8])| {
        json!({
            "name": text(h, 1), "kind": text(h, 2), "path": text(h, 3), "manifest": text(h, 4),
            "events": numbers(h, 5), "weight": number(h, 7), "policies": numbers(h, 8), "timeout": number(h, 9),
        })
    };
    let hooks = fields(&release).into_iter().filter(|(n, _, _)| *n == 6).map(hook).collect();
    let notes = text(&message(&message(&release, 2), 1), 4);
    answer(&text(&release, 5), hooks, &notes)
}

fn ask_helm(programs: &Path, scenes: &[Scene]) -> Vec<Json> {
    let tiller = oracle::Tiller::start(programs);
    let mut answers = Vec::new();
    for scene in scenes {
        let folder = oracle::Folder::new("releases");
        scene.files.iter().filter(|(name, _)| name != "GIVEN").for_each(|(name, text)| {
            folder.write(&format!("c/{name}"), text);
        });
        folder.write("given.yaml", scene.given());
        let helm = || {
            let mut command = oracle::helm(programs, &folder.0);
            command.env("HELM_HOST", &tiller.host);
            command
        };
        oracle::said(helm().args(["init", "--client-only", "--skip-refresh"])).unwrap();
        let install = |more: &[&str]| {
            let mut command = helm();
            command.args(["install", "c", "--name", "rel", "--namespace", "ns", "-f", "given.yaml"]).args(more);
            if scene.with_subchart_notes() {
                command.arg("--render-subchart-notes");
            }
            oracle::said(&mut command)
        };
        // A dry run has more to say of what is wrong.
        match install(&["--dry-run"]).and_then(|_| install(&[])) {
            Ok(_) => {
                answers.push(recorded(&tiller));
                oracle::said(helm().args(["delete", "--purge", "--no-hooks", "rel"])).unwrap();
            }
            Err(text) => {
                let text = text.strip_prefix("rpc error: code = Unknown desc = ").unwrap_or(&text);
                answers.push(failure(text));
            }
        }
    }
    answers
}

#[test]
fn releases_are_what_tiller_makes_of_them() {
    let scenes = scenes();
    let kept = || -> BTreeMap<String, Json> {
        let text = std::fs::read_to_string(data("releases.jsonl")).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        lines.map(|line| (line["scene"].as_str().unwrap().to_owned(), line["release"].clone())).collect()
    };
    let expected = match oracle::programs() {
        Some(programs) => {
            let said = ask_helm(&programs, &scenes);
            let named: BTreeMap<String, Json> = scenes.iter().map(|s| s.name.clone()).zip(said).collect();
            if oracle::blessing() {
                let line = |(name, said): (&String, &Json)| json!({"scene": name, "release": said}).to_string() + "\n";
                std::fs::write(data("releases.jsonl"), named.iter().map(line).collect::<String>()).unwrap();
            } else {
                assert!(named == kept(), "releases.jsonl is stale: run `cargo xtask helm2 --bless`");
            }
            named
        }
        None => kept(),
    };
    let mut wrong = 0;
    for scene in &scenes {
        let got = ours(scene);
        let want = expected.get(&scene.name).expect("releases.jsonl is stale: run `cargo xtask helm2 --bless`");
        if got != *want {
            wrong += 1;
            println!("== {}\n  helm {want:#}\n  ours {got:#}", scene.name);
        }
    }
    println!("helm2: {} of {} releases identical", scenes.len() - wrong, scenes.len());
    assert_eq!(wrong, 0);
}
