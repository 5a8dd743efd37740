//! `Chart.yaml` as Helm 2 reads it.

use std::collections::BTreeMap;

use goyaml::{Map, Value};

use super::{DECODING, Error, Maintainer, yaml_error};

/// What `Chart.yaml` says (as Helm 2.17: `hapi.chart.Metadata`); the fields in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Metadata {
    pub name: String,
    pub home: String,
    pub sources: Vec<String>,
    pub version: String,
    pub description: String,
    pub keywords: Vec<String>,
    pub maintainers: Vec<Maintainer>,
    pub engine: String,
    pub icon: String,
    pub api_version: String,
    pub condition: String,
    pub tags: String,
    pub app_version: String,
    pub deprecated: bool,
    pub tiller_version: String,
    pub annotations: BTreeMap<String, String>,
    pub kube_version: String,
}

impl Metadata {
    /// Reads a `Chart.yaml` and checks nothing (as Helm 2.17: `pkg/chartutil/chartfile.go`).
    ///
    /// # Errors
    /// When it is no YAML, or a field is of another type.
    pub fn read(data: &[u8]) -> Result<Self, Error> {
        let mut metadata = Self::default();
        let mut fields = Fields::of("Metadata");
        match goyaml::from_yaml_keep_ints(data).map_err(|e| Error(yaml_error(&e)))? {
            Value::Map(map) => metadata.decode(map, &mut fields),
            Value::Null => {}
            other => fields
                .fail(format!("json: cannot unmarshal {} into Go value of type chart.Metadata", other.json_kind())),
        }
        match fields.error {
            Some(error) => Err(Error(format!("{DECODING}{error}"))),
            None => Ok(metadata),
        }
    }

    fn decode(&mut self, map: Map, fields: &mut Fields) {
        for (key, value) in map {
            let name = key.as_str();
            match key.to_ascii_lowercase().as_str() {
                "name" => fields.text(name, value, &mut self.name),
                "home" => fields.text(name, value, &mut self.home),
                "sources" => self.sources = fields.texts(name, value),
                "version" => fields.text(name, value, &mut self.version),
                "description" => fields.text(name, value, &mut self.description),
                "keywords" => self.keywords = fields.texts(name, value),
                "maintainers" => self.maintainers = fields.maintainers(name, value),
                "engine" => fields.text(name, value, &mut self.engine),
                "icon" => fields.text(name, value, &mut self.icon),
                "apiversion" => fields.text(name, value, &mut self.api_version),
                "condition" => fields.text(name, value, &mut self.condition),
                "tags" => fields.text(name, value, &mut self.tags),
                "appversion" => fields.text(name, value, &mut self.app_version),
                "deprecated" => match value {
                    Value::Bool(b) => self.deprecated = b,
                    other => fields.mismatch(name, &other, "bool"),
                },
                "tillerversion" => fields.text(name, value, &mut self.tiller_version),
                "annotations" => match value {
                    Value::Map(map) => {
                        for (key, value) in map {
                            let mut text = String::new();
                            fields.text("annotations", value, &mut text);
                            self.annotations.insert(key, text);
                        }
                    }
                    other => fields.mismatch(name, &other, "map[string]string"),
                },
                "kubeversion" => fields.text(name, value, &mut self.kube_version),
                _ => {}
            }
        }
    }
}

/// Fills fields and keeps the first error, as `encoding/json`.
pub(super) struct Fields {
    /// The Go type the fields are of.
    pub(super) of: &'static str,
    /// The field of the type above in which they stand, with a dot behind it.
    pub(super) within: &'static str,
    pub(super) error: Option<String>,
}

impl Fields {
    pub(super) fn of(of: &'static str) -> Self {
        Self { of, within: "", error: None }
    }

    /// Fills the fields of a type that stands in a field of this one.
    pub(super) fn inner<T>(&mut self, of: &'static str, within: &'static str, run: impl FnOnce(&mut Self) -> T) -> T {
        let outer = (self.of, self.within);
        (self.of, self.within) = (of, within);
        let made = run(self);
        (self.of, self.within) = outer;
        made
    }

    pub(super) fn fail(&mut self, error: String) {
        self.error.get_or_insert(error);
    }

    /// Notes a value of the wrong kind; `null` fits everywhere.
    pub(super) fn mismatch(&mut self, name: &str, value: &Value, wanted: &str) {
        if !value.is_null() {
            let (of, within, kind) = (self.of, self.within, value.json_kind());
            self.fail(format!(
                "json: cannot unmarshal {kind} into Go struct field {of}.{within}{name} of type {wanted}"
            ));
        }
    }

    pub(super) fn text(&mut self, name: &str, value: Value, into: &mut String) {
        match value.scalar_text() {
            Some(text) => *into = text,
            None => self.mismatch(name, &value, "string"),
        }
    }

    pub(super) fn texts(&mut self, name: &str, value: Value) -> Vec<String> {
        match value {
            Value::Seq(items) => items
                .into_iter()
                .map(|item| {
                    let mut text = String::new();
                    self.text(name, item, &mut text);
                    text
                })
                .collect(),
            other => {
                self.mismatch(name, &other, "[]string");
                Vec::new()
            }
        }
    }

    fn maintainers(&mut self, name: &str, value: Value) -> Vec<Maintainer> {
        let Value::Seq(items) = value else {
            self.mismatch(name, &value, "[]*chart.Maintainer");
            return Vec::new();
        };
        let mut maintainers = Vec::with_capacity(items.len());
        for item in items {
            let mut made = Maintainer::default();
            match item {
                Value::Map(map) => self.inner("Maintainer", "maintainers.", |fields| {
                    for (key, value) in map {
                        match key.to_ascii_lowercase().as_str() {
                            "name" => fields.text(&key, value, &mut made.name),
                            "email" => fields.text(&key, value, &mut made.email),
                            "url" => fields.text(&key, value, &mut made.url),
                            _ => {}
                        }
                    }
                }),
                other => self.mismatch(name, &other, "chart.Maintainer"),
            }
            maintainers.push(made);
        }
        maintainers
    }
}
