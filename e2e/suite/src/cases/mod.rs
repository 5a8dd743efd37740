//! The cases. One file is one theme; each case uses a namespace of its own, so that they run side by side.

mod authorisation;
mod bad_input;
mod charts_interop;
mod cli;
mod clients;
mod dependencies;
mod doors;
mod interop;
mod judged;
mod kubernetes;
mod lists;
mod making;
mod meta;
mod migrating;
mod nginx;
mod oci;
mod oci_tokens;
mod operations;
mod own_repository;
mod pasted;
mod plans;
mod real_charts;
mod releases;
mod replicas;
mod repositories;
mod rest_sources;
mod sending;
mod template;
mod tillers;
mod uploads;

use std::path::Path;

use anyhow::{Context, Result};

use crate::archive;
use crate::cluster::Kubectl;
use crate::corpus::Corpus;
use crate::fixture::Fixtures;
use crate::helm::Helm;
use crate::http::Http;
use crate::tools::Tools;

/// What a case can use.
pub(crate) struct Ctx<'a> {
    /// The server under test.
    pub(crate) http: Option<&'a Http>,
    /// The cluster behind it, when kubectl was built.
    pub(crate) kubectl: Option<&'a Kubectl>,
    /// The Kubernetes API itself, in plain HTTP, as its administrator.
    pub(crate) kubernetes: Option<&'a Http>,
    /// The real Helm, when it was built.
    pub(crate) helm: Option<&'a Helm>,
    /// What was built with Go, when it was.
    pub(crate) fixtures: Option<&'a Fixtures>,
    /// The binary under test.
    pub(crate) whipstaff: &'a Path,
    /// Real charts.
    pub(crate) corpus: &'a Corpus,
    /// The root of the repository.
    pub(crate) root: &'a Path,
    /// Charts of our own.
    pub(crate) charts: &'a Path,
    /// A folder for files.
    pub(crate) work: &'a Path,
    /// Where what was fetched or built is kept.
    pub(crate) cache: &'a Path,
    /// Where to look for free ports.
    pub(crate) port: u16,
}

impl<'a> Ctx<'a> {
    /// Returns the server.
    pub(crate) fn http(&self) -> Result<&'a Http> {
        self.http.context("this case needs a server")
    }

    /// Returns the server, the cluster behind it and the real Helm.
    pub(crate) fn real(&self) -> Result<(&'a Http, &'a Kubectl, &'a Helm)> {
        Ok((self.http()?, self.kubectl.context("this case needs kubectl")?, self.helm.context("this case needs Helm")?))
    }

    /// Uploads one of our own charts and returns its digest.
    pub(crate) fn upload(&self, chart: &str) -> Result<String> {
        self.http()?.upload(&archive::folder(&self.charts.join(chart))?)
    }

    /// Returns the programs of other languages.
    pub(crate) fn tools(&self) -> Tools<'a> {
        Tools::new(self.cache, self.root)
    }

    /// Returns the folder of one of our own charts as an argument.
    pub(crate) fn chart(&self, chart: &str) -> String {
        self.charts.join(chart).to_string_lossy().into_owned()
    }
}

/// One thing to try.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// The name, the theme first.
    pub(crate) name: &'static str,
    /// What is done.
    pub(crate) run: fn(&Ctx<'_>) -> Result<()>,
    /// Whether it changes what other cases see, and so runs by itself.
    pub(crate) alone: bool,
}

/// Makes a case that runs beside others.
const fn case(name: &'static str, run: fn(&Ctx<'_>) -> Result<()>) -> Case {
    Case { name, run, alone: false }
}

/// Makes a case that runs by itself.
const fn alone(name: &'static str, run: fn(&Ctx<'_>) -> Result<()>) -> Case {
    Case { name, run, alone: true }
}

/// Returns the cases that hold on every cluster.
pub(crate) fn http() -> Vec<Case> {
    [
        meta::CASES,
        uploads::CASES,
        releases::CASES,
        plans::CASES,
        operations::CASES,
        lists::CASES,
        template::CASES,
        bad_input::CASES,
        real_charts::CASES,
        kubernetes::CASES,
        authorisation::CASES,
        replicas::CASES,
    ]
    .concat()
}

/// Returns the cases that need the real Helm.
pub(crate) fn interop() -> Vec<Case> {
    [interop::CASES, sending::CASES, making::INTEROP].concat()
}

/// Returns the cases that need the real cluster.
pub(crate) fn real() -> Vec<Case> {
    [doors::CASES, judged::CASES, migrating::CASES, tillers::CASES].concat()
}

/// Returns the cases of the command line.
pub(crate) fn cli() -> Vec<Case> {
    [
        cli::CASES,
        making::CASES,
        pasted::CASES,
        clients::CASES,
        repositories::CASES,
        own_repository::CASES,
        rest_sources::CASES,
        nginx::CASES,
        dependencies::CASES,
        oci::CASES,
        oci_tokens::CASES,
        charts_interop::CASES,
    ]
    .concat()
}
