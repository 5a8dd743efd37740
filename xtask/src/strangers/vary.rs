//! Values changed at random: a chart rendered with what its author did not think of.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value as Json, json};

use super::cases::Case;
use super::execute::Bench;

/// Returns cases with that many sets of changed values for a chart. The same seed brings the same changes.
pub(super) fn of(chart: &Path, bench: &Bench, count: usize, seed: u64) -> Result<Vec<Case>> {
    let Some(values) = known_values(chart, bench)? else { return Ok(Vec::new()) };
    let mut spots = Vec::new();
    walk(&values, &mut Vec::new(), &mut spots);
    if spots.is_empty() {
        return Ok(Vec::new());
    }
    let mut random = Random(seed);
    chart
        .to_string_lossy()
        .bytes()
        .for_each(|byte| random.0 = random.0.rotate_left(7) ^ u64::from(byte) ^ random.next());
    let path = chart.to_string_lossy();
    let mut cases = Vec::new();
    for number in 0..count {
        let changed = change(&values, &spots, &mut random);
        let file = bench.place(chart, &format!("{seed}-{number}.json"))?;
        std::fs::write(&file, serde_json::to_string_pretty(&changed)?)?;
        let file = file.to_string_lossy();
        cases.push(match random.below(8) {
            0 => Case::new("lint, varied", &["lint", &path, "-f", &file]),
            1 => Case::new("install, varied", &["install", "rel", &path, "-n", "ns", "--dry-run=client", "-f", &file]),
            _ => Case::new("template, varied", &["template", "rel", &path, "-n", "ns", "-f", &file]),
        });
    }
    Ok(cases)
}

/// Returns the values of a chart with those of its subcharts in them, as Helm reads them; none if it cannot.
fn known_values(chart: &Path, bench: &Bench) -> Result<Option<Json>> {
    let kept = bench.place(chart, "values.json")?;
    if let Ok(text) = std::fs::read_to_string(&kept) {
        return Ok(Some(serde_json::from_str(&text)?));
    }
    let packed = match bench.root().join(chart) {
        path if path.is_file() => path,
        _ => match bench.pack(chart)? {
            Some(path) => path,
            None => return Ok(None),
        },
    };
    let folder = bench.place(chart, "unpacked")?;
    std::fs::create_dir_all(&folder)?;
    let status = Command::new("tar").arg("xzf").arg(&packed).arg("-C").arg(&folder).status()?;
    if !status.success() {
        bail!("cannot unpack `{}`", packed.display());
    }
    let inner = std::fs::read_dir(&folder)?.next().context("an archive has a folder")??.path();
    let reader = reader(bench)?;
    let values = gather(&inner, &reader, bench)?;
    std::fs::remove_dir_all(&folder)?;
    std::fs::write(kept, values.to_string())?;
    Ok(Some(values))
}

/// Writes a chart that prints its values as JSON.
fn reader(bench: &Bench) -> Result<PathBuf> {
    let folder = bench.place(Path::new(""), "reader")?;
    std::fs::create_dir_all(folder.join("templates"))?;
    std::fs::write(folder.join("Chart.yaml"), "apiVersion: v2\nname: reader\nversion: 1.0.0\n")?;
    std::fs::write(folder.join("templates/NOTES.txt"), "")?;
    std::fs::write(folder.join("templates/values.yaml"), "values: {{ .Values | toJson | toJson }}\n")?;
    Ok(folder)
}

fn gather(folder: &Path, reader: &Path, bench: &Bench) -> Result<Json> {
    let mut values = read(&folder.join("values.yaml"), reader, bench)?;
    let Ok(subcharts) = std::fs::read_dir(folder.join("charts")) else { return Ok(values) };
    for subchart in subcharts {
        let subchart = subchart?;
        let name = subchart.file_name().to_string_lossy().into_owned();
        if !subchart.path().is_dir() {
            continue;
        }
        let below = gather(&subchart.path(), reader, bench)?;
        let mine = values.as_object_mut().map(|map| map.entry(name).or_insert(json!({})));
        if let (Some(Json::Object(mine)), Json::Object(below)) = (mine, below) {
            for (key, value) in below {
                mine.entry(key).or_insert(value);
            }
        }
    }
    Ok(values)
}

fn read(path: &Path, reader: &Path, bench: &Bench) -> Result<Json> {
    if !path.is_file() {
        return Ok(json!({}));
    }
    let args = ["template", "x", &reader.to_string_lossy(), "-f", &path.to_string_lossy()];
    let done = bench.helm(&Case::new("values", &args), 0)?;
    let line = done.stdout.lines().find_map(|line| line.strip_prefix("values: "));
    let text: Option<String> = line.and_then(|line| serde_json::from_str(line).ok());
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(json!({})))
}

/// A place in the values.
type Spot = Vec<String>;

fn walk(value: &Json, here: &mut Spot, spots: &mut Vec<Spot>) {
    if let Json::Object(map) = value {
        for (key, value) in map {
            here.push(key.clone());
            spots.push(here.clone());
            walk(value, here, spots);
            here.pop();
        }
    }
}

/// Returns values to be laid over those of the chart.
fn change(values: &Json, spots: &[Spot], random: &mut Random) -> Json {
    let mut out = json!({});
    let style = random.below(10);
    if style == 0 || style == 1 {
        // All that can be switched on is, with empty things filled or not.
        for spot in spots {
            match values_at(values, spot) {
                Some(Json::Bool(_))
                    if style == 1 || spot.last().is_some_and(|key| key.to_lowercase().ends_with("enabled")) =>
                {
                    put(&mut out, spot, json!(random.below(8) != 0));
                }
                Some(empty) if style == 1 && is_empty(empty) && random.below(3) == 0 => {
                    put(&mut out, spot, filling(empty, random));
                }
                _ => {}
            }
        }
    }
    if style == 2 {
        for key in [
            "imageRegistry",
            "storageClass",
            "imagePullSecrets",
            "namespace",
            "labels",
            "nameOverride",
            "image",
            "domain",
        ] {
            if random.below(3) == 0 {
                put(&mut out, &["global".to_owned(), key.to_owned()], anything(random));
            }
        }
    }
    let changes = match style {
        0..=2 => random.below(3),
        3..=6 => 1,
        7 => 2,
        _ => 3 + random.below(8),
    };
    for _ in 0..changes {
        let Some(spot) = spots.get(random.below(spots.len())) else { continue };
        // What lies far below is found more often than what lies near: even that out.
        let depth = if random.below(3) == 0 { 1 + random.below(spot.len()) } else { spot.len() };
        let spot = spot.get(..depth).unwrap_or(spot);
        let Some(old) = values_at(values, spot) else { continue };
        let new = match (old, random.below(4)) {
            (Json::Bool(old), 0..3) => json!(!old),
            (old, 0) if is_empty(old) => filling(old, random),
            (_, 1) => {
                spots.get(random.below(spots.len())).and_then(|at| values_at(values, at)).cloned().unwrap_or_default()
            }
            _ => anything(random),
        };
        put(&mut out, spot, new);
    }
    out
}

fn values_at<'v>(values: &'v Json, spot: &[String]) -> Option<&'v Json> {
    spot.iter().try_fold(values, |value, key| value.get(key))
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(list) => list.is_empty(),
        Json::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Sets a value; what is in the way goes.
fn put(values: &mut Json, spot: &[String], new: Json) {
    let Some((key, rest)) = spot.split_first() else {
        *values = new;
        return;
    };
    if !values.is_object() {
        *values = json!({});
    }
    if let Json::Object(map) = values {
        put(map.entry(key.clone()).or_insert(Json::Null), rest, new);
    }
}

/// Returns something of the kind that an empty value waits for.
fn filling(empty: &Json, random: &mut Random) -> Json {
    match empty {
        Json::String(_) => {
            random.pick(&["filled", "a.b/c:d", "1", "{{ .Release.Name }}-x", "10Gi", "ü", "line\nline\n"]).into()
        }
        Json::Array(_) => match random.below(5) {
            0 => json!(["a", "b"]),
            1 => json!([{"name": "n", "value": "v"}]),
            2 => json!([{"host": "h.example.org", "paths": ["/"], "secretName": "s", "hosts": ["h"]}]),
            3 => json!([{"name": "n", "mountPath": "/p", "port": 80, "key": "k", "image": "i"}]),
            _ => json!([1, "{{ .Chart.Name }}"]),
        },
        Json::Object(_) => match random.below(4) {
            0 => json!({"key": "value", "a.b/c": "x"}),
            1 => json!({"one": {"enabled": true, "name": "n", "size": 1}}),
            2 => json!({"limits": {"cpu": 1, "memory": "1Gi"}, "runAsUser": 1000, "type": "x"}),
            _ => json!({"n": 5, "t": "{{ .Values.x }}", "b": false, "l": ["a"]}),
        },
        _ => anything(random),
    }
}

/// Returns anything.
fn anything(random: &mut Random) -> Json {
    match random.below(22) {
        0..4 => Json::Null,
        4 => json!(""),
        5 => random
            .pick(&[
                "text", "true", "null", "0", "1.5", "a: b", "- a", "#", "'", "\"", "*a", "{}", "%", "@", "0x1f", "1e3",
                "~",
            ])
            .into(),
        6 => random
            .pick(&[
                "ü€😀",
                "two\nlines",
                " space ",
                "tab\there",
                "trailing\n",
                "{{ .Values.x }}",
                "{{",
                "{{ fail \"x\" }}",
                "a\\b",
            ])
            .into(),
        7 => json!(random.below(3)),
        8 => json!(-7),
        9 => json!(80),
        // Large numbers are negative: charts count up to the others.
        10 => json!(-1_000_000),
        11 => json!(1.5),
        12 => json!(-123_456_789_012_345_678_i64),
        13 => json!(random.below(2) == 0),
        14 => json!([]),
        15 => json!({}),
        16 => json!(["a", "b"]),
        17 => json!([1, null, {"a": 1}]),
        18 => json!([{"name": "n", "value": 1}]),
        19 => json!({"a": "b"}),
        20 => json!({"enabled": true}),
        _ => json!({"a": {"b": [1, "x", true]}, "c": null}),
    }
}

/// A small generator of random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts.get(self.below(texts.len())).copied().unwrap_or_default()
    }
}
