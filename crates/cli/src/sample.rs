//! The sample chart that `serve --sandbox` starts with.

use chart::File;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../sample/hello/", $name)))),*]
    };
}

const FILES: [(&str, &str); 9] = files![
    "Chart.yaml",
    "README.md",
    "values.yaml",
    "values.schema.json",
    "templates/NOTES.txt",
    "templates/_helpers.tpl",
    "templates/configmap.yaml",
    "templates/deployment.yaml",
    "templates/service.yaml",
];

/// The files of the chart.
pub(crate) fn files() -> Vec<File> {
    FILES.into_iter().map(|(name, text)| File { name: name.to_owned(), data: text.into(), mod_time: None }).collect()
}
