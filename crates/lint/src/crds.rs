//! `crds/` (as Helm 4.3: `pkg/chart/v2/lint/rules/crds.go`).

use crate::documents::documents;
use crate::linter::Linter;
use crate::linter::Severity::Error;
use crate::source::Kind;

const FOLDER: &str = "crds/";

pub(crate) fn check(linter: &mut Linter<'_>) {
    match linter.source.kind("crds") {
        Kind::Missing => return,
        Kind::File => {
            linter.rule(Error, FOLDER, Err("not a directory".to_owned()));
            return;
        }
        Kind::Folder => {}
    }
    let chart = match linter.load() {
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
