//! A version as an index has it, decoded as Go decodes it: unknown fields are errors in YAML and nothing in JSON, names
//! match without regard to case, and numbers become texts only in the fields of `ChartVersion` itself
//! (as Helm 4.3: `pkg/repo/v1/index.go`, and sigs.k8s.io/yaml 1.6: `yaml.go convertToJSONableObject`).

use chart::text::quote;
use chart::{Dependency, Maintainer, Metadata, time};
use goyaml::{Map, Value};

/// What is wrong, in Go's words.
pub(crate) type Wrong<T = ()> = Result<T, String>;

/// A version of a chart, with all its fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) metadata: Metadata,
    pub(crate) urls: Vec<String>,
    /// RFC 3339; empty when it is not said.
    pub(crate) created: String,
    pub(crate) removed: bool,
    pub(crate) digest: String,
    pub(crate) checksum: String,
    pub(crate) engine: String,
    pub(crate) tiller_version: String,
    pub(crate) url: String,
    /// Where a list held `null`.
    pub(crate) null_maintainer: bool,
    pub(crate) null_dependency: Option<usize>,
}

impl Entry {
    /// Cleans the texts and tells why the version is not taken.
    pub(crate) fn validate(&mut self) -> Wrong {
        let metadata = &mut self.metadata;
        if metadata.api_version.is_empty() {
            "v1".clone_into(&mut metadata.api_version);
        }
        let mut hidden = Vec::new();
        let end = if self.null_maintainer { Some(0) } else { self.null_dependency };
        if let Some(end) = end.filter(|end| *end <= metadata.dependencies.len()) {
            hidden = metadata.dependencies.split_off(end);
        }
        let checked = metadata.validate().map_err(|error| error.to_string());
        metadata.dependencies.append(&mut hidden);
        match checked {
            // Some repositories leave aliases out.
            Err(text) if text.starts_with("validation: more than one dependency with name or alias") => Ok(()),
            Err(text) => Err(text),
            Ok(()) if self.null_maintainer => {
                Err("validation: maintainers must not contain empty or null nodes".to_owned())
            }
            Ok(()) if self.null_dependency.is_some() => {
                Err("validation: dependencies must not contain empty or null nodes".to_owned())
            }
            Ok(()) => Ok(()),
        }
    }
}

/// The fields of `Metadata` that are texts. A number in an annotation of such a name becomes a text too.
const TEXTS: [&str; 10] =
    ["name", "home", "version", "description", "icon", "apiversion", "condition", "tags", "appversion", "kubeversion"];

/// How a document is decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoder {
    /// It is YAML: unknown fields are errors, and numbers may become texts.
    pub(crate) is_yaml: bool,
}

fn mismatch<T>(value: &Value, place: &str, wanted: &str) -> Wrong<T> {
    Err(format!("json: cannot unmarshal {} into Go struct field {place} of type {wanted}", value.json_kind()))
}

/// Takes a text of a field where numbers are none.
fn text(value: Value, place: &str, into: &mut String) -> Wrong {
    match value {
        Value::Str(text) => *into = text,
        Value::Null => {}
        other => return mismatch(&other, place, "string"),
    }
    Ok(())
}

fn flag(value: &Value, place: &str, into: &mut bool) -> Wrong {
    match value {
        Value::Bool(value) => *into = *value,
        Value::Null => {}
        other => return mismatch(other, place, "bool"),
    }
    Ok(())
}

fn items(value: Value, place: &str, wanted: &str) -> Wrong<Vec<Value>> {
    match value {
        Value::Seq(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        other => mismatch(&other, place, wanted),
    }
}

fn texts(value: Value, place: &str) -> Wrong<Vec<String>> {
    let one = |item| {
        let mut into = String::new();
        text(item, place, &mut into).map(|()| into)
    };
    items(value, place, "[]string")?.into_iter().map(one).collect()
}

/// Reads a time as Go's `time.Time` does.
pub(crate) fn instant(value: &Value, into: &mut String) -> Wrong {
    match value {
        Value::Null => Ok(()),
        Value::Str(text) => time::normalize(text).map(|text| *into = text),
        _ => Err("Time.UnmarshalJSON: input is not a JSON string".to_owned()),
    }
}

impl Decoder {
    pub(crate) fn unknown(self, key: &str) -> Wrong {
        if self.is_yaml { Err(format!("json: unknown field {}", quote(key))) } else { Ok(()) }
    }

    /// Takes a text of a field where numbers become texts.
    pub(crate) fn loose(self, value: Value, place: &str, into: &mut String) -> Wrong {
        match value.scalar_text().filter(|_| self.is_yaml) {
            Some(found) => *into = found,
            None => text(value, place, into)?,
        }
        Ok(())
    }

    pub(crate) fn loose_texts(self, value: Value, place: &str) -> Wrong<Vec<String>> {
        let one = |item| {
            let mut into = String::new();
            self.loose(item, place, &mut into).map(|()| into)
        };
        items(value, place, "[]string")?.into_iter().map(one).collect()
    }

    /// Decodes a version; `null` is none.
    pub(crate) fn entry(self, value: Value) -> Wrong<Option<Entry>> {
        let map = match value {
            Value::Map(map) => map,
            Value::Null => return Ok(None),
            other => return mismatch(&other, "IndexFile.entries", "repo.ChartVersion"),
        };
        let mut entry = Entry::default();
        for (key, value) in map {
            match key.to_ascii_lowercase().as_str() {
                "urls" => entry.urls = self.loose_texts(value, "ChartVersion.entries.urls")?,
                "created" => instant(&value, &mut entry.created)?,
                "removed" => flag(&value, "ChartVersion.entries.removed", &mut entry.removed)?,
                "digest" => self.loose(value, "ChartVersion.entries.digest", &mut entry.digest)?,
                "checksum" => self.loose(value, "ChartVersion.entries.checksum", &mut entry.checksum)?,
                "engine" => self.loose(value, "ChartVersion.entries.engine", &mut entry.engine)?,
                "tillerversion" => {
                    self.loose(value, "ChartVersion.entries.tillerVersion", &mut entry.tiller_version)?
                }
                "url" => self.loose(value, "ChartVersion.entries.url", &mut entry.url)?,
                known => self.metadata(&key, known, value, &mut entry)?,
            }
        }
        Ok(Some(entry))
    }

    fn metadata(self, key: &str, known: &str, value: Value, entry: &mut Entry) -> Wrong {
        let into = &mut entry.metadata;
        let place = |name: &str| format!("ChartVersion.entries.Metadata.{name}");
        match known {
            "name" => text(value, &place("name"), &mut into.name),
            "home" => text(value, &place("home"), &mut into.home),
            "sources" => texts(value, &place("sources")).map(|texts| into.sources = texts),
            "version" => text(value, &place("version"), &mut into.version),
            "description" => text(value, &place("description"), &mut into.description),
            "keywords" => texts(value, &place("keywords")).map(|texts| into.keywords = texts),
            "icon" => text(value, &place("icon"), &mut into.icon),
            "apiversion" => text(value, &place("apiVersion"), &mut into.api_version),
            "condition" => text(value, &place("condition"), &mut into.condition),
            "tags" => text(value, &place("tags"), &mut into.tags),
            "appversion" => text(value, &place("appVersion"), &mut into.app_version),
            "deprecated" => flag(&value, &place("deprecated"), &mut into.deprecated),
            "kubeversion" => text(value, &place("kubeVersion"), &mut into.kube_version),
            "type" => text(value, &place("type"), &mut into.kind),
            "annotations" => self.annotations(value, into),
            "maintainers" => {
                let items = items(value, &place("maintainers"), "[]*v2.Maintainer")?;
                entry.null_maintainer = items.iter().any(Value::is_null);
                let maps = maps(items, &place("maintainers"), "v2.Maintainer")?;
                into.maintainers = maps.into_iter().map(|map| self.maintainer(map)).collect::<Wrong<_>>()?;
                Ok(())
            }
            "dependencies" => {
                into.empty_dependencies = matches!(&value, Value::Seq(items) if items.is_empty());
                let items = items(value, &place("dependencies"), "[]*v2.Dependency")?;
                entry.null_dependency = items.iter().position(Value::is_null);
                let maps = maps(items, &place("dependencies"), "v2.Dependency")?;
                into.dependencies = maps.into_iter().map(|map| self.dependency(map)).collect::<Wrong<_>>()?;
                Ok(())
            }
            _ => self.unknown(key),
        }
    }

    fn annotations(self, value: Value, into: &mut Metadata) -> Wrong {
        let place = "ChartVersion.entries.Metadata.annotations";
        let map = match value {
            Value::Map(map) => map,
            Value::Null => return Ok(()),
            other => return mismatch(&other, place, "map[string]string"),
        };
        for (key, value) in map {
            let mut taken = String::new();
            match TEXTS.contains(&key.to_ascii_lowercase().as_str()) || key.eq_ignore_ascii_case("type") {
                true => self.loose(value, place, &mut taken)?,
                false => text(value, place, &mut taken)?,
            }
            into.annotations.insert(key, taken);
        }
        Ok(())
    }

    fn maintainer(self, map: Map) -> Wrong<Maintainer> {
        let mut into = Maintainer::default();
        let place = |name: &str| format!("Maintainer.entries.Metadata.maintainers.{name}");
        for (key, value) in map {
            match key.to_ascii_lowercase().as_str() {
                "name" => text(value, &place("name"), &mut into.name)?,
                "email" => text(value, &place("email"), &mut into.email)?,
                "url" => text(value, &place("url"), &mut into.url)?,
                _ => self.unknown(&key)?,
            }
        }
        Ok(into)
    }

    fn dependency(self, map: Map) -> Wrong<Dependency> {
        let mut into = Dependency::default();
        let place = |name: &str| format!("Dependency.entries.Metadata.dependencies.{name}");
        for (key, value) in map {
            match key.to_ascii_lowercase().as_str() {
                "name" => text(value, &place("name"), &mut into.name)?,
                "version" => text(value, &place("version"), &mut into.version)?,
                "repository" => text(value, &place("repository"), &mut into.repository)?,
                "condition" => text(value, &place("condition"), &mut into.condition)?,
                "tags" => into.tags = texts(value, &place("tags"))?,
                "enabled" => flag(&value, &place("enabled"), &mut into.enabled)?,
                "import-values" => into.import_values = items(value, &place("import-values"), "[]interface {}")?,
                "alias" => text(value, &place("alias"), &mut into.alias)?,
                _ => self.unknown(&key)?,
            }
        }
        Ok(into)
    }
}

/// Takes the mappings of a list, without what is `null`.
fn maps(items: Vec<Value>, place: &str, wanted: &str) -> Wrong<Vec<Map>> {
    let mut maps = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::Map(map) => maps.push(map),
            Value::Null => {}
            other => return mismatch(&other, place, wanted),
        }
    }
    Ok(maps)
}
