//! `Chart.yaml` and lock files decoded as Go decodes them: by field, without regard to case, numbers into strings.

use goyaml::{Error, Map, Value};

use crate::metadata::{Dependency, Lock, Maintainer, Metadata};
use crate::time;
use crate::validate::Nulls;

/// Reads YAML whose integers matter (`version: 20230101` is text to Helm).
fn read(data: &[u8]) -> Result<Value, Error> {
    let value = goyaml::from_yaml_keep_ints(data)?;
    Ok(value)
}

/// Finds what JSON has no number for; Go notices it when it turns the YAML into JSON.
fn unsupported(value: &Value) -> Option<f64> {
    match value {
        Value::Float(f) if !f.is_finite() => Some(*f),
        Value::Seq(items) => items.iter().find_map(unsupported),
        Value::Map(map) => map.values().find_map(unsupported),
        _ => None,
    }
}

/// Reads `apiVersion` alone, as Helm does before it chooses a loader.
pub(super) fn api_version(data: &[u8]) -> Result<String, String> {
    let value = read(data).map_err(|e| e.to_string())?;
    if let Some(f) = unsupported(&value) {
        return Err(format!("error converting YAML to JSON: json: unsupported value: {}", goyaml::format_float_g(f)));
    }
    let mut version = String::new();
    let mut decoder = Decoder::default();
    let Some(map) = decoder.root(value, "loader.chartBase") else { return decoder.finish().map(|()| version) };
    for (key, value) in map {
        if key.eq_ignore_ascii_case("apiVersion") {
            decoder.at(&key, |d| d.text(value, &mut version));
        }
    }
    decoder.finish().map(|()| version)
}

/// Reads `Chart.yaml` or `requirements.yaml` into metadata that may hold something already.
pub(super) fn metadata(data: &[u8], into: &mut Metadata, nulls: &mut Nulls) -> Result<(), String> {
    let value = read(data).map_err(|e| e.to_string())?;
    let mut decoder = Decoder::default();
    if let Some(map) = decoder.root(value, "v2.Metadata") {
        decoder.metadata(map, into, nulls);
    }
    decoder.finish()
}

/// Reads `Chart.lock` or `requirements.lock`; nothing in it is no lock.
pub(super) fn lock(data: &[u8]) -> Result<Option<Lock>, String> {
    let value = read(data).map_err(|e| e.to_string())?;
    if value.is_null() {
        return Ok(None);
    }
    let mut lock = Lock { generated: time::ZERO.to_owned(), ..Lock::default() };
    let mut decoder = Decoder::default();
    if let Some(map) = decoder.root(value, "v2.Lock") {
        for (key, value) in map {
            match key.to_ascii_lowercase().as_str() {
                "generated" => match value {
                    Value::Null => {}
                    Value::Str(text) => match time::normalize(&text) {
                        Ok(generated) => lock.generated = generated,
                        Err(reason) => decoder.fail(reason),
                    },
                    _ => decoder.fail("Time.UnmarshalJSON: input is not a JSON string".to_owned()),
                },
                "digest" => decoder.at(&key, |d| d.text(value, &mut lock.digest)),
                "dependencies" => decoder.at(&key, |d| {
                    lock.empty_dependencies = matches!(&value, Value::Seq(items) if items.is_empty());
                    let items = d.items(value, "[]*v2.Dependency");
                    lock.dependencies = d.objects(items, "v2.Dependency", &mut None, Decoder::dependency);
                }),
                _ => {}
            }
        }
    }
    decoder.finish()?;
    Ok(Some(lock))
}

/// Walks a tree, remembers where it is and the first error.
#[derive(Default)]
struct Decoder {
    path: Vec<Token>,
    error: Option<String>,
}

enum Token {
    Key(String),
    Index(usize),
}

impl Decoder {
    fn finish(self) -> Result<(), String> {
        match self.error {
            Some(error) => Err(format!("error unmarshaling JSON: while decoding JSON: {error}")),
            None => Ok(()),
        }
    }

    fn fail(&mut self, error: String) {
        self.error.get_or_insert(error);
    }

    /// Notes that a value of the wrong kind was found; `null` fits everywhere and changes nothing.
    fn mismatch(&mut self, value: &Value, wanted: &str) {
        if value.is_null() {
            return;
        }
        let mut place = String::new();
        for token in &self.path {
            place.push('.');
            match token {
                // As in a JSON pointer.
                Token::Key(key) => place.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Token::Index(i) => place.push_str(&i.to_string()),
            }
        }
        let place = match self.path.last() {
            None => "Go value".to_owned(),
            Some(Token::Key(_)) => format!("Go struct field {place}"),
            Some(Token::Index(_)) => place,
        };
        self.fail(format!("json: cannot unmarshal {} into {place} of type {wanted}", value.json_kind()));
    }

    fn at<T>(&mut self, key: &str, run: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Token::Key(key.to_owned()));
        let out = run(self);
        self.path.pop();
        out
    }

    fn root(&mut self, value: Value, wanted: &str) -> Option<Map> {
        match value {
            Value::Map(map) => Some(map),
            other => {
                self.mismatch(&other, wanted);
                None
            }
        }
    }

    fn text(&mut self, value: Value, into: &mut String) {
        match value.scalar_text() {
            Some(text) => *into = text,
            None => self.mismatch(&value, "string"),
        }
    }

    fn flag(&mut self, value: Value, into: &mut bool) {
        match value {
            Value::Bool(b) => *into = b,
            other => self.mismatch(&other, "bool"),
        }
    }

    /// Takes the items of a list; `None` when there is none.
    fn items(&mut self, value: Value, wanted: &str) -> Vec<Value> {
        match value {
            Value::Seq(items) => items,
            other => {
                self.mismatch(&other, wanted);
                Vec::new()
            }
        }
    }

    fn texts(&mut self, value: Value) -> Vec<String> {
        let items = self.items(value, "[]string");
        let mut texts = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            let mut text = String::new();
            self.path.push(Token::Index(i));
            self.text(item, &mut text);
            self.path.pop();
            texts.push(text);
        }
        texts
    }

    /// Decodes the objects of a list; the index of the first `null` goes to `null`.
    fn objects<T: Default>(
        &mut self,
        items: Vec<Value>,
        wanted: &str,
        null: &mut Option<usize>,
        decode: impl Fn(&mut Self, Map, &mut T),
    ) -> Vec<T> {
        let mut objects = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            if item.is_null() {
                null.get_or_insert(i);
                continue;
            }
            self.path.push(Token::Index(i));
            let mut object = T::default();
            match item {
                Value::Map(map) => decode(self, map, &mut object),
                other => self.mismatch(&other, wanted),
            }
            objects.push(object);
            self.path.pop();
        }
        objects
    }

    fn metadata(&mut self, map: Map, into: &mut Metadata, nulls: &mut Nulls) {
        for (key, value) in map {
            self.path.push(Token::Key(key.clone()));
            match key.to_ascii_lowercase().as_str() {
                "name" => self.text(value, &mut into.name),
                "home" => self.text(value, &mut into.home),
                "sources" => into.sources = self.texts(value),
                "version" => self.text(value, &mut into.version),
                "description" => self.text(value, &mut into.description),
                "keywords" => into.keywords = self.texts(value),
                "maintainers" => {
                    let items = self.items(value, "[]*v2.Maintainer");
                    nulls.maintainer = None;
                    into.maintainers = self.objects(items, "v2.Maintainer", &mut nulls.maintainer, Self::maintainer);
                }
                "icon" => self.text(value, &mut into.icon),
                "apiversion" => self.text(value, &mut into.api_version),
                "condition" => self.text(value, &mut into.condition),
                "tags" => self.text(value, &mut into.tags),
                "appversion" => self.text(value, &mut into.app_version),
                "deprecated" => self.flag(value, &mut into.deprecated),
                "annotations" => match value {
                    Value::Map(map) => {
                        for (key, value) in map {
                            let mut text = String::new();
                            self.at(&key, |d| d.text(value, &mut text));
                            into.annotations.insert(key, text);
                        }
                    }
                    Value::Null => into.annotations.clear(),
                    other => self.mismatch(&other, "map[string]string"),
                },
                "kubeversion" => self.text(value, &mut into.kube_version),
                "dependencies" => {
                    into.empty_dependencies = matches!(&value, Value::Seq(items) if items.is_empty());
                    let items = self.items(value, "[]*v2.Dependency");
                    nulls.dependency = None;
                    into.dependencies = self.objects(items, "v2.Dependency", &mut nulls.dependency, Self::dependency);
                }
                "type" => self.text(value, &mut into.kind),
                _ => {}
            }
            self.path.pop();
        }
    }

    fn maintainer(&mut self, map: Map, into: &mut Maintainer) {
        for (key, value) in map {
            self.at(&key, |d| match key.to_ascii_lowercase().as_str() {
                "name" => d.text(value, &mut into.name),
                "email" => d.text(value, &mut into.email),
                "url" => d.text(value, &mut into.url),
                _ => {}
            });
        }
    }

    fn dependency(&mut self, map: Map, into: &mut Dependency) {
        for (key, value) in map {
            self.at(&key, |d| match key.to_ascii_lowercase().as_str() {
                "name" => d.text(value, &mut into.name),
                "version" => d.text(value, &mut into.version),
                "repository" => d.text(value, &mut into.repository),
                "condition" => d.text(value, &mut into.condition),
                "tags" => into.tags = d.texts(value),
                "enabled" => d.flag(value, &mut into.enabled),
                "import-values" => {
                    into.import_values = d.items(value, "[]interface {}").into_iter().map(floats).collect()
                }
                "alias" => d.text(value, &mut into.alias),
                _ => {}
            });
        }
    }
}

/// Makes every number a float, as JSON has only those.
fn floats(value: Value) -> Value {
    match value {
        #[allow(clippy::cast_precision_loss)]
        Value::Int(i) => Value::Float(i as f64),
        #[allow(clippy::cast_precision_loss)]
        Value::Uint(u) => Value::Float(u as f64),
        Value::Seq(items) => Value::Seq(items.into_iter().map(floats).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(k, v)| (k, floats(v))).collect()),
        other => other,
    }
}
