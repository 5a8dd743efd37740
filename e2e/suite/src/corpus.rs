//! The corpus of real charts, which stands beside the repository when it is there at all.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::runner::Skip;

/// The charts that issue 3 names, by the archives of the corpus.
pub(crate) const NAMED: [(&str, &str); 5] = [
    ("nginx", "charts/bitnami-charts/bitnami_nginx.tgz"),
    ("ingress-nginx", "charts/kubernetes-ingress-nginx/charts_ingress-nginx.tgz"),
    ("cert-manager", "charts/cert-manager-cert-manager/deploy_charts_cert-manager.tgz"),
    ("prometheus", "charts/prometheus-community-helm-charts/charts_prometheus.tgz"),
    ("traefik", "charts/traefik-traefik-helm-chart/traefik.tgz"),
];

/// The folder of the corpus.
#[derive(Clone, Debug)]
pub(crate) struct Corpus {
    folder: PathBuf,
}

/// One `helm template rel CHART --namespace ns`, with what it printed.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Its name within the chart.
    pub(crate) name: String,
    /// The chart's archive.
    pub(crate) chart: PathBuf,
    /// The values files.
    pub(crate) values: Vec<PathBuf>,
    /// More flags.
    pub(crate) flags: Vec<String>,
    /// What Helm printed.
    pub(crate) golden: String,
    /// The numbers of lines that differ from run to run.
    pub(crate) mask: Vec<usize>,
}

impl Corpus {
    /// Makes one of a folder, which may not exist.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns a chart's archive, or a reason to skip.
    pub(crate) fn chart(&self, path: &str) -> Result<PathBuf> {
        let file = self.folder.join(path);
        if file.exists() {
            return Ok(file);
        }
        Err(Skip(format!("there is no {} (WHIPSTAFF_CORPUS names the corpus of real charts)", file.display())).into())
    }

    /// Returns the cases of a chart that Helm renders.
    pub(crate) fn cases(&self, chart: &str) -> Result<Vec<Case>> {
        let archive = self.chart(chart)?;
        let index = self.folder.join("cases.jsonl");
        let text = fs::read_to_string(&index).with_context(|| format!("reading {}", index.display()))?;
        let mut cases = Vec::new();
        for line in text.lines() {
            let case: Value = serde_json::from_str(line)?;
            if case["chart"] != chart || case["rc"] != 0 {
                continue;
            }
            let texts =
                |name: &str| case[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
            cases.push(Case {
                name: case["case"].as_str().unwrap_or_default().to_owned(),
                chart: archive.clone(),
                values: texts("values").into_iter().map(|v| self.folder.join(v)).collect(),
                flags: texts("flags").into_iter().map(str::to_owned).collect(),
                golden: fs::read_to_string(self.folder.join(case["golden"].as_str().context("a case has a golden")?))?,
                mask: case["mask"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|n| usize::try_from(n.as_u64()?).ok())
                    .collect(),
            });
        }
        Ok(cases)
    }
}

/// Blanks the lines of these numbers, from 1.
pub(crate) fn masked(text: &str, mask: &[usize]) -> String {
    text.split('\n')
        .enumerate()
        .map(|(n, line)| if mask.contains(&(n + 1)) { "*" } else { line })
        .collect::<Vec<_>>()
        .join("\n")
}
