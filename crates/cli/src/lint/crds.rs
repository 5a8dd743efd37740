//! `crds/` (as Helm 4.3: `pkg/chart/v2/lint/rules/crds.go`).

use super::Severity::Error;
use super::documents::documents;
use super::{Linter, load};

const FOLDER: &str = "crds/";

pub(super) fn check(linter: &mut Linter<'_>) {
    let Ok(kind) = std::path::Path::new(&linter.path("crds")).metadata() else { return };
    if !kind.is_dir() {
        linter.rule(Error, FOLDER, Err("not a directory".to_owned()));
        return;
    }
    let chart = match load(linter.folder) {
        Ok(chart) => chart,
        Err(text) => {
            linter.rule(Error, FOLDER, Err(text));
            return;
        }
    };
    for crd in chart.crd_objects() {
        let name = crd.file.name.as_str();
        for document in documents(&crd.file.data) {
            match document {
                Err(text) => {
                    linter.rule(Error, name, Err(format!("unable to parse YAML: {text}")));
                    return;
                }
                Ok(None) => {}
                Ok(Some(head)) => {
                    let fail = |right: bool, text: &str| if right { Ok(()) } else { Err(text.to_owned()) };
                    let group = head.api_version.starts_with("apiextensions.k8s.io");
                    linter.rule(Error, name, fail(group, "apiVersion is not in 'apiextensions.k8s.io'"));
                    let kind = head.kind == "CustomResourceDefinition";
                    linter.rule(Error, name, fail(kind, "object kind is not 'CustomResourceDefinition'"));
                }
            }
        }
    }
}
