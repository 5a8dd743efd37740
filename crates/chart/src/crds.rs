//! The custom resource definitions that a chart brings in `crds/` (as Helm 4.3: `pkg/chart/v2/chart.go`).

use crate::chart::{Chart, File};
use crate::load::{clean, extension};

/// A file of `crds/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crd<'a> {
    /// The path with the names of all charts above (`shop/charts/db/crds/backup.yaml`).
    pub path: String,
    /// The file; its name is below its own chart's folder.
    pub file: &'a File,
}

impl Chart {
    /// Lists the files of `crds/`: the chart's own in the order they were loaded, then each subchart's.
    #[must_use]
    pub fn crd_objects(&self) -> Vec<Crd<'_>> {
        let mut crds = Vec::new();
        collect(self, self.name(), &mut crds);
        crds
    }
}

fn collect<'a>(chart: &'a Chart, path: &str, crds: &mut Vec<Crd<'a>>) {
    let files = chart.files.iter().filter(|f| f.name.starts_with("crds/") && is_manifest(&f.name));
    crds.extend(files.map(|file| Crd { path: clean(&format!("{path}/{}", file.name)), file }));
    for subchart in &chart.dependencies {
        collect(subchart, &format!("{path}/charts/{}", subchart.name()), crds);
    }
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|known| extension(name).eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Metadata;

    #[test]
    fn parents_come_first() {
        let chart = |name: &str, files: &[&str], dependencies| Chart {
            metadata: Metadata { name: name.into(), ..Metadata::default() },
            files: files.iter().map(|f| File { name: (*f).into(), ..File::default() }).collect(),
            dependencies,
            ..Chart::default()
        };
        let sub = chart("sub", &["crds/z.YML"], vec![]);
        let parent = chart("p", &["crds/b.yaml", "crds/README.md", "crds/a/a.json", "x/crds/n.yaml"], vec![sub]);
        let paths: Vec<_> = parent.crd_objects().into_iter().map(|c| c.path).collect();
        assert_eq!(paths, ["p/crds/b.yaml", "p/crds/a/a.json", "p/charts/sub/crds/z.YML"]);
    }
}
