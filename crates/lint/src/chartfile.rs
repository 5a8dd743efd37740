//! `Chart.yaml` (as Helm 4.3: `pkg/chart/v2/lint/rules/chartfile.go`).

use chart::semver::{Constraints, Version};
use chart::text::quote;
use chart::{Metadata, ReadMetadata};
use goyaml::{Map, Value};

use crate::linter::Linter;
use crate::linter::Severity::{Error, Info, Warning};
use crate::source::Kind;
use crate::urls;

const FILE: &str = "Chart.yaml";

const FIELDS: [&str; 17] = [
    "name",
    "home",
    "sources",
    "version",
    "description",
    "keywords",
    "maintainers",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "deprecated",
    "annotations",
    "kubeVersion",
    "dependencies",
    "type",
];
const OF_MAINTAINERS: [&str; 3] = ["name", "email", "url"];
const OF_DEPENDENCIES: [&str; 8] =
    ["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];

pub(crate) fn check(linter: &mut Linter<'_>) {
    let is_folder = linter.source.kind(FILE) == Kind::Folder;
    let fail = |text: &str| Err(text.to_owned());
    linter.rule(Error, FILE, if is_folder { fail("should be a file, not a directory") } else { Ok(()) });
    let data = linter.source.read(FILE);
    let read = data.as_ref().map_err(String::clone).and_then(|data| Metadata::read(data));
    let (data, read) = match (data, read) {
        (Ok(data), Ok(read)) => (data, read),
        (_, Err(text)) | (Err(text), _) => {
            linter.rule(Error, FILE, Err(format!("unable to parse YAML\n\t{text}")));
            return;
        }
    };
    let strict = strict(&data).map_err(|text| format!("failed to strictly parse chart metadata file\n\t{text}"));
    linter.rule(Warning, FILE, strict);
    let types = goyaml::from_yaml_map(&data).unwrap_or_default();
    let m = &read.metadata;
    linter.rule(Error, FILE, name(m));
    linter.rule(Error, FILE, api_version(m));
    linter.rule(Error, FILE, is_text(&types, "version"));
    linter.rule(Error, FILE, version(m));
    linter.rule(Error, FILE, is_text(&types, "appVersion"));
    linter.rule(Error, FILE, maintainers(&read));
    linter.rule(Error, FILE, sources(m));
    linter.rule(Info, FILE, if m.icon.is_empty() { fail("icon is recommended") } else { Ok(()) });
    let icon = m.icon.is_empty() || urls::is_request_url(&m.icon);
    linter.rule(Error, FILE, if icon { Ok(()) } else { Err(format!("invalid icon URL '{}'", m.icon)) });
    linter.rule(Error, FILE, kind(m));
    linter.rule(Error, FILE, dependencies(m));
    let strict = Version::parse_strict(&m.version);
    linter.rule(
        Warning,
        FILE,
        strict.map(drop).map_err(|_| format!("version '{}' is not a valid SemVerV2", m.version)),
    );
}

/// Refuses keys that stand twice, and keys that nobody knows.
fn strict(data: &[u8]) -> Result<(), String> {
    let value = goyaml::from_yaml_strict(data).map_err(|error| error.to_string())?;
    let unknown = |map: &Map, known: &[&str]| {
        map.keys().find(|key| !known.iter().any(|known| known.eq_ignore_ascii_case(key))).cloned()
    };
    let found = value.as_map().and_then(|map| {
        // What is inside comes where it stands; keys are in order.
        map.iter().find_map(|(key, value)| {
            let inner: &[&str] = match key.to_ascii_lowercase().as_str() {
                "maintainers" => &OF_MAINTAINERS,
                "dependencies" => &OF_DEPENDENCIES,
                known if FIELDS.iter().any(|field| field.eq_ignore_ascii_case(known)) => return None,
                _ => return Some(key.clone()),
            };
            value.as_seq()?.iter().filter_map(Value::as_map).find_map(|map| unknown(map, inner))
        })
    });
    match found {
        Some(key) => Err(format!("error unmarshaling JSON: while decoding JSON: json: unknown field {}", quote(&key))),
        None => Ok(()),
    }
}

fn name(m: &Metadata) -> Result<(), String> {
    if m.name.is_empty() {
        return Err("name is required".to_owned());
    }
    let trimmed = m.name.trim_end_matches('/');
    let base = trimmed.rsplit('/').next().unwrap_or_default();
    let base = if trimmed.is_empty() { "/" } else { base };
    if base == m.name { Ok(()) } else { Err(format!("chart name {} is invalid", quote(&m.name))) }
}

fn api_version(m: &Metadata) -> Result<(), String> {
    match m.api_version.as_str() {
        "v1" | "v2" => Ok(()),
        "" => Err("apiVersion is required. The value must be either \"v1\" or \"v2\"".to_owned()),
        other => Err(format!("apiVersion '{other}' is not valid. The value must be either \"v1\" or \"v2\"")),
    }
}

fn is_text(types: &Map, key: &str) -> Result<(), String> {
    let kind = match types.get(key) {
        None | Some(Value::Str(_)) => return Ok(()),
        Some(Value::Null) => "<nil>",
        Some(Value::Bool(_)) => "bool",
        Some(Value::Seq(_)) => "[]interface {}",
        Some(Value::Map(_)) => "map[string]interface {}",
        Some(_) => "float64",
    };
    Err(format!("{key} should be of type string but it's of type {kind}"))
}

fn version(m: &Metadata) -> Result<(), String> {
    if m.version.is_empty() {
        return Err("version is required".to_owned());
    }
    let version = Version::parse(&m.version).map_err(|_| format!("version '{}' is not a valid SemVer", m.version))?;
    let constraint = Constraints::parse(">0.0.0-0").map_err(|error| error.to_string())?;
    match constraint.validate(&version) {
        Err(reasons) => reasons.first().map_or(Ok(()), |reason| Err(format!("version {reason}"))),
        Ok(()) => Ok(()),
    }
}

fn maintainers(read: &ReadMetadata) -> Result<(), String> {
    for (at, one) in read.metadata.maintainers.iter().enumerate() {
        if read.null_maintainer == Some(at) {
            break;
        }
        if one.name.is_empty() {
            return Err("each maintainer requires a name".to_owned());
        }
        if !one.email.is_empty() && !urls::is_email(&one.email) {
            return Err(format!("invalid email '{}' for maintainer '{}'", one.email, one.name));
        }
        if !one.url.is_empty() && !urls::is_url(&one.url) {
            return Err(format!("invalid url '{}' for maintainer '{}'", one.url, one.name));
        }
    }
    match read.null_maintainer {
        Some(_) => Err("a maintainer entry is empty".to_owned()),
        None => Ok(()),
    }
}

fn sources(m: &Metadata) -> Result<(), String> {
    match m.sources.iter().find(|source| !urls::is_request_url(source)) {
        Some(source) => Err(format!("invalid source URL '{source}'")),
        None => Ok(()),
    }
}

fn kind(m: &Metadata) -> Result<(), String> {
    if m.kind.is_empty() || m.api_version == "v2" {
        return Ok(());
    }
    Err(format!("chart type is not valid in apiVersion '{}'. It is valid in apiVersion 'v2'", m.api_version))
}

fn dependencies(m: &Metadata) -> Result<(), String> {
    if m.dependencies.is_empty() || m.api_version == "v2" {
        return Ok(());
    }
    Err(format!(
        "dependencies are not valid in the Chart file with apiVersion '{}'. They are valid in apiVersion 'v2'",
        m.api_version
    ))
}
