//! The JSON of a chart inside a release record (as Helm 4.3: `pkg/chart/v2`, the `json` tags).
//!
//! Fields come in Go's order and are left out where Go leaves them out. Reading takes what Helm 3 and 4 wrote: `null` and
//! absence stand for nothing. The escaping of strings is the serializer's matter.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use goyaml::{Map, Value};
use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::chart::{Chart, File};
use crate::metadata::{Dependency, Lock, Maintainer, Metadata};
use crate::time;

/// Counts and writes fields, the empty ones not at all.
macro_rules! struct_fields {
    ($serializer:expr, $name:literal, $( $key:literal: $value:expr, if $present:expr; )*) => {{
        let count = 0 $( + usize::from($present) )*;
        let mut out = $serializer.serialize_struct($name, count)?;
        $( if $present { out.serialize_field($key, &$value)?; } else { out.skip_field($key)?; } )*
        out.end()
    }};
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct_fields!(serializer, "Metadata",
            "name": self.name, if !self.name.is_empty();
            "home": self.home, if !self.home.is_empty();
            "sources": self.sources, if !self.sources.is_empty();
            "version": self.version, if !self.version.is_empty();
            "description": self.description, if !self.description.is_empty();
            "keywords": self.keywords, if !self.keywords.is_empty();
            "maintainers": self.maintainers, if !self.maintainers.is_empty();
            "icon": self.icon, if !self.icon.is_empty();
            "apiVersion": self.api_version, if !self.api_version.is_empty();
            "condition": self.condition, if !self.condition.is_empty();
            "tags": self.tags, if !self.tags.is_empty();
            "appVersion": self.app_version, if !self.app_version.is_empty();
            "deprecated": true, if self.deprecated;
            "annotations": self.annotations, if !self.annotations.is_empty();
            "kubeVersion": self.kube_version, if !self.kube_version.is_empty();
            "dependencies": self.dependencies, if !self.dependencies.is_empty();
            "type": self.kind, if !self.kind.is_empty();
        )
    }
}

impl Serialize for Maintainer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct_fields!(serializer, "Maintainer",
            "name": self.name, if !self.name.is_empty();
            "email": self.email, if !self.email.is_empty();
            "url": self.url, if !self.url.is_empty();
        )
    }
}

impl Serialize for Dependency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct_fields!(serializer, "Dependency",
            "name": self.name, if true;
            "version": self.version, if !self.version.is_empty();
            "repository": self.repository, if true;
            "condition": self.condition, if !self.condition.is_empty();
            "tags": self.tags, if !self.tags.is_empty();
            "enabled": true, if self.enabled;
            "import-values": self.import_values, if !self.import_values.is_empty();
            "alias": self.alias, if !self.alias.is_empty();
        )
    }
}

impl Serialize for Lock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let generated = if self.generated.is_empty() { time::ZERO } else { &self.generated };
        let dependencies = (!self.dependencies.is_empty() || self.empty_dependencies).then_some(&self.dependencies);
        struct_fields!(serializer, "Lock",
            "generated": generated, if true;
            "digest": self.digest, if true;
            "dependencies": dependencies, if true;
        )
    }
}

impl Serialize for File {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct_fields!(serializer, "File",
            "name": self.name, if true;
            "data": STANDARD.encode(&self.data), if true;
            "modtime": self.mod_time, if self.mod_time.is_some();
        )
    }
}

impl Serialize for Chart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What Go holds as a nil slice or map prints `null`.
        fn nil_if_empty(files: &[File]) -> Option<&[File]> {
            (!files.is_empty()).then_some(files)
        }
        let values = (self.has_values || !self.values.is_empty()).then_some(&self.values);
        struct_fields!(serializer, "Chart",
            "metadata": self.metadata, if true;
            "lock": self.lock, if true;
            "templates": nil_if_empty(&self.templates), if true;
            "values": values, if true;
            "schema": self.schema.as_ref().map(|s| STANDARD.encode(s)), if true;
            "schemamodtime": self.schema_mod_time.as_deref().unwrap_or(time::ZERO), if true;
            "files": nil_if_empty(&self.files), if true;
            "modtime": self.mod_time, if self.mod_time.is_some();
        )
    }
}

/// Takes `null` as the empty value.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Takes `null` as an empty list and leaves `null` items out.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let items: Option<Vec<Option<T>>> = Option::deserialize(deserializer)?;
    Ok(items.unwrap_or_default().into_iter().flatten().collect())
}

/// Takes `null` items as empty strings, as Go does for a list of strings.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let items: Option<Vec<Option<String>>> = Option::deserialize(deserializer)?;
    Ok(items.unwrap_or_default().into_iter().map(Option::unwrap_or_default).collect())
}

fn annotations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let items: Option<BTreeMap<String, Option<String>>> = Option::deserialize(deserializer)?;
    Ok(items.unwrap_or_default().into_iter().map(|(k, v)| (k, v.unwrap_or_default())).collect())
}

fn decode<E: serde::de::Error>(text: &str) -> Result<Vec<u8>, E> {
    STANDARD.decode(text).map_err(|e| E::custom(format!("illegal base64 data: {e}")))
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    text.map(|text| decode(&text)).transpose()
}

/// Reads a time; nothing, `null`, an empty text and Go's zero time are none.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    match text.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => {
            let text = time::normalize(text).map_err(D::Error::custom)?;
            Ok((text != time::ZERO).then_some(text))
        }
    }
}

/// How each type is read; the same fields, every one of them optional.
mod read {
    use super::{BTreeMap, Deserialize, Map, Value, annotations, bytes, list, moment, or_default, texts};
    use crate::chart::File;
    use crate::metadata::{Dependency, Lock, Maintainer, Metadata};

    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "camelCase")]
    pub(super) struct RawMetadata {
        #[serde(deserialize_with = "or_default")]
        pub(super) name: String,
        #[serde(deserialize_with = "or_default")]
        pub(super) home: String,
        #[serde(deserialize_with = "texts")]
        pub(super) sources: Vec<String>,
        #[serde(deserialize_with = "or_default")]
        pub(super) version: String,
        #[serde(deserialize_with = "or_default")]
        pub(super) description: String,
        #[serde(deserialize_with = "texts")]
        pub(super) keywords: Vec<String>,
        #[serde(deserialize_with = "list")]
        pub(super) maintainers: Vec<Maintainer>,
        #[serde(deserialize_with = "or_default")]
        pub(super) icon: String,
        #[serde(deserialize_with = "or_default")]
        pub(super) api_version: String,
        #[serde(deserialize_with = "or_default")]
        pub(super) condition: String,
        #[serde(deserialize_with = "or_default")]
        pub(super) tags: String,
        #[serde(deserialize_with = "or_default")]
        pub(super) app_version: String,
        #[serde(deserialize_with = "or_default")]
        pub(super) deprecated: bool,
        #[serde(deserialize_with = "annotations")]
        pub(super) annotations: BTreeMap<String, String>,
        #[serde(deserialize_with = "or_default")]
        pub(super) kube_version: String,
        #[serde(deserialize_with = "list")]
        pub(super) dependencies: Vec<Dependency>,
        #[serde(rename = "type", deserialize_with = "or_default")]
        pub(super) kind: String,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    pub(super) struct RawMaintainer {
        #[serde(deserialize_with = "or_default")]
        pub(super) name: String,
        #[serde(deserialize_with = "or_default")]
        pub(super) email: String,
        #[serde(deserialize_with = "or_default")]
        pub(super) url: String,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    pub(super) struct RawDependency {
        #[serde(deserialize_with = "or_default")]
        pub(super) name: String,
        #[serde(deserialize_with = "or_default")]
        pub(super) version: String,
        #[serde(deserialize_with = "or_default")]
        pub(super) repository: String,
        #[serde(deserialize_with = "or_default")]
        pub(super) condition: String,
        #[serde(deserialize_with = "texts")]
        pub(super) tags: Vec<String>,
        #[serde(deserialize_with = "or_default")]
        pub(super) enabled: bool,
        #[serde(rename = "import-values", deserialize_with = "or_default")]
        pub(super) import_values: Vec<Value>,
        #[serde(deserialize_with = "or_default")]
        pub(super) alias: String,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    pub(super) struct RawLock {
        #[serde(deserialize_with = "moment")]
        pub(super) generated: Option<String>,
        #[serde(deserialize_with = "or_default")]
        pub(super) digest: String,
        pub(super) dependencies: Option<Vec<Option<Dependency>>>,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    pub(super) struct RawFile {
        #[serde(deserialize_with = "or_default")]
        pub(super) name: String,
        #[serde(deserialize_with = "bytes")]
        pub(super) data: Option<Vec<u8>>,
        #[serde(deserialize_with = "moment")]
        pub(super) modtime: Option<String>,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    pub(super) struct RawChart {
        #[serde(deserialize_with = "or_default")]
        pub(super) metadata: Metadata,
        pub(super) lock: Option<Lock>,
        #[serde(deserialize_with = "list")]
        pub(super) templates: Vec<File>,
        pub(super) values: Option<Map>,
        #[serde(deserialize_with = "bytes")]
        pub(super) schema: Option<Vec<u8>>,
        #[serde(deserialize_with = "moment")]
        pub(super) schemamodtime: Option<String>,
        #[serde(deserialize_with = "list")]
        pub(super) files: Vec<File>,
        #[serde(deserialize_with = "moment")]
        pub(super) modtime: Option<String>,
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = read::RawMetadata::deserialize(deserializer)?;
        Ok(Self {
            name: raw.name,
            home: raw.home,
            sources: raw.sources,
            version: raw.version,
            description: raw.description,
            keywords: raw.keywords,
            maintainers: raw.maintainers,
            icon: raw.icon,
            api_version: raw.api_version,
            condition: raw.condition,
            tags: raw.tags,
            app_version: raw.app_version,
            deprecated: raw.deprecated,
            annotations: raw.annotations,
            kube_version: raw.kube_version,
            dependencies: raw.dependencies,
            empty_dependencies: false,
            kind: raw.kind,
        })
    }
}

impl<'de> Deserialize<'de> for Maintainer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read::RawMaintainer { name, email, url } = read::RawMaintainer::deserialize(deserializer)?;
        Ok(Self { name, email, url })
    }
}

impl<'de> Deserialize<'de> for Dependency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = read::RawDependency::deserialize(deserializer)?;
        Ok(Self {
            name: raw.name,
            version: raw.version,
            repository: raw.repository,
            condition: raw.condition,
            tags: raw.tags,
            enabled: raw.enabled,
            import_values: raw.import_values,
            alias: raw.alias,
        })
    }
}

impl<'de> Deserialize<'de> for Lock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = read::RawLock::deserialize(deserializer)?;
        let generated = raw.generated.unwrap_or_else(|| time::ZERO.to_owned());
        let empty_dependencies = raw.dependencies.as_ref().is_some_and(Vec::is_empty);
        let dependencies = raw.dependencies.unwrap_or_default().into_iter().flatten().collect();
        Ok(Self { generated, digest: raw.digest, dependencies, empty_dependencies })
    }
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = read::RawFile::deserialize(deserializer)?;
        Ok(Self { name: raw.name, data: raw.data.unwrap_or_default().into(), mod_time: raw.modtime })
    }
}

impl<'de> Deserialize<'de> for Chart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = read::RawChart::deserialize(deserializer)?;
        Ok(Self {
            metadata: raw.metadata,
            lock: raw.lock,
            templates: raw.templates,
            has_values: raw.values.is_some(),
            values: raw.values.unwrap_or_default(),
            schema: raw.schema.map(Into::into),
            schema_mod_time: raw.schemamodtime,
            files: raw.files,
            mod_time: raw.modtime,
            raw: Vec::new(),
            dependencies: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_as_go() {
        let chart = Chart {
            metadata: Metadata {
                name: "a".into(),
                version: "1.0.0".into(),
                api_version: "v2".into(),
                kind: "application".into(),
                annotations: [("x".to_owned(), "y".to_owned())].into(),
                dependencies: vec![Dependency { name: "b".into(), enabled: true, ..Dependency::default() }],
                ..Metadata::default()
            },
            templates: vec![File { name: "templates/a.yaml".into(), data: "hi".into(), mod_time: None }],
            values: [("n".to_owned(), Value::Float(3.0))].into(),
            mod_time: Some("2024-01-01T00:00:00Z".into()),
            ..Chart::default()
        };
        let text = serde_json::to_string(&chart).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"metadata":{"name":"a","version":"1.0.0","apiVersion":"v2","annotations":{"x":"y"},"#,
                r#""dependencies":[{"name":"b","repository":"","enabled":true}],"type":"application"},"#,
                r#""lock":null,"templates":[{"name":"templates/a.yaml","data":"aGk="}],"values":{"n":3},"#,
                r#""schema":null,"schemamodtime":"0001-01-01T00:00:00Z","files":null,"modtime":"2024-01-01T00:00:00Z"}"#
            )
        );
        let mut again: Chart = serde_json::from_str(&text).unwrap();
        assert!(again.has_values);
        again.has_values = false;
        assert_eq!(again, chart);
    }

    #[test]
    fn reads_what_helm_3_wrote() {
        let text = r#"{"metadata":{"name":"a","maintainers":[null,{"name":"m"}],"sources":null,"annotations":{"a":null},
            "dependencies":null,"unknown":1},"lock":{"generated":"2020-01-01T00:00:00.500000Z","digest":"d","dependencies":null},
            "templates":null,"values":null,"schema":"","files":[{"name":"README.md","data":null}]}"#;
        let chart: Chart = serde_json::from_str(text).unwrap();
        assert_eq!(chart.metadata.maintainers.len(), 1);
        assert_eq!(chart.lock.unwrap().generated, "2020-01-01T00:00:00.5Z");
        for list in ["null", "[]"] {
            let text = format!(r#"{{"generated":"2020-01-01T00:00:00Z","digest":"d","dependencies":{list}}}"#);
            let lock: Lock = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&lock).unwrap(), text);
        }
        assert_eq!(chart.schema.as_deref(), Some(&b""[..]));
        assert_eq!(chart.files.len(), 1);
        let empty: Chart = serde_json::from_str("{}").unwrap();
        assert_eq!(empty, Chart::default());
    }
}
