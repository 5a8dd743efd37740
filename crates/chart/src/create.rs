//! The files of a chart that is begun (as Helm 4.3: `pkg/chart/v2/util/create.go`). What they say is our own.

use crate::chart::{Chart, File};
use crate::metadata::Metadata;
use crate::package::{self, PackageError};
use crate::text::quote;

macro_rules! files {
    ($($name:literal from $file:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../starter/", $file)))),*]
    };
}

/// The files of our own starter, in the order they are written.
const FILES: [(&str, &str); 13] = files![
    "Chart.yaml" from "Chart.yaml",
    "values.yaml" from "values.yaml",
    "values.schema.json" from "values.schema.json",
    // Under its own name it would hold for this repository.
    ".helmignore" from "helmignore",
    "templates/ingress.yaml" from "templates/ingress.yaml",
    "templates/httproute.yaml" from "templates/httproute.yaml",
    "templates/deployment.yaml" from "templates/deployment.yaml",
    "templates/service.yaml" from "templates/service.yaml",
    "templates/serviceaccount.yaml" from "templates/serviceaccount.yaml",
    "templates/hpa.yaml" from "templates/hpa.yaml",
    "templates/NOTES.txt" from "templates/NOTES.txt",
    "templates/_helpers.tpl" from "templates/_helpers.tpl",
    "templates/tests/connection.yaml" from "templates/tests/connection.yaml",
];

/// What stands in a starter for the name of the chart.
const PLACE: &str = "<CHARTNAME>";

/// The longest name.
const LONGEST: usize = 250;

/// A chart could not be begun; the texts are Helm's, but for the names of folders.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// The name is empty or too long.
    #[error("chart name must be between 1 and {LONGEST} characters")]
    Length,
    /// The name has other characters.
    #[error("chart name must match the regular expression \"^[a-zA-Z0-9._-]+$\"")]
    Characters,
    /// The name is that of this folder or the one above, which no chart can have.
    #[error("chart name {} is not allowed: name a folder", quote(.0))]
    Folder(String),
    /// The starter's values are no YAML any more once the name is in them.
    #[error("transforming values file: {0}")]
    Values(String),
    /// `Chart.yaml` could not be written.
    #[error(transparent)]
    Definition(PackageError),
    /// A subchart of the starter could not be packed.
    #[error("saving {name}: {source}")]
    Subchart {
        /// The subchart, with the names of the charts above it.
        name: String,
        /// The reason.
        source: PackageError,
    },
}

/// Makes the files of a chart from our own starter, which can be installed as it is.
///
/// # Errors
/// When no chart can have the name.
pub fn begin(name: &str) -> Result<Vec<File>, CreateError> {
    check(name)?;
    let file = |(path, text): (&str, &str)| File {
        name: path.to_owned(),
        data: text.replace(PLACE, name).into(),
        mod_time: None,
    };
    Ok(FILES.into_iter().map(file).collect())
}

fn check(name: &str) -> Result<(), CreateError> {
    if name.is_empty() || name.len() > LONGEST {
        return Err(CreateError::Length);
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
        return Err(CreateError::Characters);
    }
    folder(name)
}

fn folder(name: &str) -> Result<(), CreateError> {
    if matches!(name, "." | "..") { Err(CreateError::Folder(name.to_owned())) } else { Ok(()) }
}

/// Makes the files of a chart from a starter: its templates and values, with the name where they say `<CHARTNAME>`, and
/// everything else as it is. Subcharts are packed; `now` is the time of files that have none, in seconds since 1970.
///
/// # Errors
/// When the values are no YAML any more once the name is in them, or a subchart cannot be packed.
pub fn begin_from(starter: &Chart, name: &str, now: i64) -> Result<Vec<File>, CreateError> {
    folder(name)?;
    let named = |file: &File| {
        let text = String::from_utf8_lossy(&file.data).replace(PLACE, name);
        File { data: text.into(), ..file.clone() }
    };
    let values = goyaml::to_yaml(&goyaml::Value::Map(starter.values.clone()));
    let values = values.map_err(|error| CreateError::Values(error.to_string()))?.replace(PLACE, name);
    goyaml::from_yaml(values).map_err(|error| CreateError::Values(error.to_string()))?;
    let metadata = Metadata {
        name: name.to_owned(),
        description: "A Helm chart for Kubernetes".to_owned(),
        kind: "application".to_owned(),
        version: "0.1.0".to_owned(),
        app_version: "0.1.0".to_owned(),
        api_version: "v2".to_owned(),
        ..Metadata::default()
    };
    let plain = |name: &str, data: Vec<u8>| File { name: name.to_owned(), data: data.into(), mod_time: None };
    let mut files = vec![plain("Chart.yaml", package::yaml(&metadata).map_err(CreateError::Definition)?)];
    files.extend(starter.raw.iter().filter(|file| file.name == "values.yaml").map(named));
    files.extend(starter.schema.as_ref().map(|schema| plain("values.schema.json", schema.to_vec())));
    files.extend(starter.templates.iter().map(named));
    files.extend(starter.files.iter().cloned());
    for subchart in &starter.dependencies {
        let packed = || {
            let file_name = package::file_name(&mut subchart.clone())?;
            Ok(plain(&format!("charts/{file_name}"), package::archive(subchart, now)?))
        };
        let full = || format!("{name}/charts/{}", subchart.name());
        files.push(packed().map_err(|source| CreateError::Subchart { name: full(), source })?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::load_files;

    fn file(name: &str, data: &str) -> File {
        File { name: name.into(), data: data.to_owned().into(), mod_time: None }
    }

    #[test]
    fn names() {
        for (name, want) in [
            ("a", Ok(())),
            ("A.b_c-9", Ok(())),
            ("", Err(CreateError::Length)),
            (&"a".repeat(250), Ok(())),
            (&"a".repeat(251), Err(CreateError::Length)),
            ("a b", Err(CreateError::Characters)),
            ("ü", Err(CreateError::Characters)),
            ("/", Err(CreateError::Characters)),
            ("..", Err(CreateError::Folder("..".into()))),
        ] {
            assert_eq!(begin(name).map(|_| ()), want, "{name}");
        }
    }

    #[test]
    fn our_starter_is_a_chart() {
        let files = begin("shop").unwrap();
        assert!(files.iter().all(|file| !String::from_utf8_lossy(&file.data).contains(PLACE)));
        let chart = load_files(files).unwrap();
        assert_eq!((chart.name(), chart.metadata.version.as_str()), ("shop", "0.1.0"));
        // Every value is in the schema.
        let schema: serde_json::Value = serde_json::from_slice(chart.schema.as_ref().unwrap()).unwrap();
        let known = schema.get("properties").and_then(|known| known.as_object()).unwrap();
        let (known, values): (Vec<&String>, Vec<&String>) = (known.keys().collect(), chart.values.keys().collect());
        assert!(values.iter().all(|key| known.contains(key)) && known.len() == values.len(), "{known:?} {values:?}");
    }

    #[test]
    fn a_starter_of_others() {
        let starter = load_files(vec![
            file("Chart.yaml", "{apiVersion: v1, name: old, version: 9.0.0, keywords: [x]}"),
            file("README.md", "<CHARTNAME>"),
            file("charts/db/Chart.yaml", "{apiVersion: v2, name: db, version: 1.0.0}"),
            file("templates/a.yaml", "a: <CHARTNAME>-<CHARTNAME>"),
            file("values.schema.json", "{\"title\": \"<CHARTNAME>\"}"),
            file("values.yaml", "# <CHARTNAME>\na: <CHARTNAME>\n"),
        ])
        .unwrap();
        let files = begin_from(&starter, "new", 0).unwrap();
        let texts: Vec<(&str, String)> = files
            .iter()
            .map(|file| (file.name.as_str(), String::from_utf8_lossy(&file.data).into_owned()))
            .filter(|(name, _)| !name.ends_with(".tgz"))
            .collect();
        let definition = "apiVersion: v2\nappVersion: 0.1.0\ndescription: A Helm chart for Kubernetes\nname: new\n\
                          type: application\nversion: 0.1.0\n";
        let want = [
            ("Chart.yaml", definition),
            ("values.yaml", "# new\na: new\n"),
            ("values.schema.json", "{\"title\": \"<CHARTNAME>\"}"),
            ("templates/a.yaml", "a: new-new"),
            ("README.md", "<CHARTNAME>"),
        ];
        assert_eq!(texts, want.map(|(name, text)| (name, text.to_owned())));
        assert_eq!(files.last().map(|file| file.name.as_str()), Some("charts/db-1.0.0.tgz"));
        let error = begin_from(&starter, "a: b", 0).unwrap_err().to_string();
        assert!(error.starts_with("transforming values file: error converting YAML to JSON: yaml: "), "{error}");
    }
}
