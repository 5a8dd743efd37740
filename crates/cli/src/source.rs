//! Where a chart that is not on this machine comes from: a chart repository, or a registry (as Helm 4.3:
//! `pkg/downloader/chart_downloader.go`).

use depot::oci::{Located, Reference, Registry, SCHEME};
use depot::{Access, Fetcher, Found, Home};

use crate::command::Call;
use crate::depots;
use crate::fail::{Fail, Outcome, fail};
use crate::output::print;

/// A chart that was found.
pub(crate) enum Source {
    /// In a chart repository.
    Web(Box<(Found, Fetcher)>),
    /// In a registry.
    Registry(Box<InRegistry>),
}

/// A chart in a registry.
pub(crate) struct InRegistry {
    registry: Registry,
    located: Located,
    /// What the index of a repository promises that leads here.
    promised: String,
    tells: Tells,
}

/// Where it is told what was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tells {
    Output,
    Errors,
    Nobody,
}

/// What was fetched.
pub(crate) struct Fetched {
    /// The packed chart.
    pub(crate) archive: Vec<u8>,
    /// The provenance file, or why it could not be had; if it was wanted.
    pub(crate) proof: Option<Result<Vec<u8>, String>>,
}

/// Tells whether a name is that of a chart in a registry.
pub(crate) fn is_in_registry(name: &str) -> bool {
    name.strip_prefix(SCHEME).is_some_and(|rest| !rest.is_empty())
}

impl Source {
    /// Finds a chart, as flags and arguments name it.
    pub(crate) fn find(call: &Call, name: &str) -> Outcome<Self> {
        if is_in_registry(name) && call.flags.text("repo").is_empty() {
            let registry = depots::registry(call, depots::access(call));
            let located = registry.find(name, &depots::version(call))?;
            // What is for a pipe is not mixed with it, where Helm does not do that.
            let tells = match call.command {
                "pull" | "install" | "upgrade" => Tells::Output,
                _ => Tells::Errors,
            };
            return Ok(Self::Registry(Box::new(InRegistry { registry, located, promised: String::new(), tells })));
        }
        let fetcher = depots::fetcher(None);
        let found = depots::find(call, name, &depots::home(call), &fetcher)?;
        if !is_in_registry(&found.url) {
            return Ok(Self::Web(Box::new((found, fetcher))));
        }
        // The newest need not be the version that the index means.
        let place = Reference::parse(&found.url)?;
        if place.tag.is_empty() && place.digest.is_empty() {
            fail!("failed to perform \"FetchReference\" on source: invalid reference");
        }
        // User and password are the repository's, and the registry is another host.
        let access = Access { username: String::new(), password: String::new(), ..found.access };
        let registry = depots::registry(call, access);
        let located = registry.find(&found.url, "")?;
        Ok(Self::Registry(Box::new(InRegistry { registry, located, promised: found.digest, tells: Tells::Nobody })))
    }

    /// Fetches the chart, and its provenance file if that is wanted with these bytes.
    pub(crate) fn fetch(&self, home: &Home, wants_proof: impl Fn(&[u8]) -> bool) -> Outcome<Fetched> {
        match self {
            Self::Web(web) => {
                let (found, fetcher) = web.as_ref();
                let archive = found.download(home, fetcher)?;
                let proof =
                    wants_proof(&archive).then(|| found.proof(home, fetcher).map_err(|error| error.to_string()));
                Ok(Fetched { archive, proof })
            }
            Self::Registry(found) => found.fetch(home, wants_proof),
        }
    }

    /// The name of the chart's file.
    pub(crate) fn file_name(&self) -> Outcome<String> {
        Ok(match self {
            Self::Web(web) => web.0.file_name()?,
            Self::Registry(found) => found.located.file_name(),
        })
    }

    /// Where the provenance file is, to be shown.
    pub(crate) fn proof_url(&self) -> String {
        match self {
            Self::Web(web) => depot::redacted(&web.0.proof_url()),
            Self::Registry(found) => format!("{}.prov", found.located.url()),
        }
    }
}

impl InRegistry {
    fn fetch(&self, home: &Home, wants_proof: impl Fn(&[u8]) -> bool) -> Outcome<Fetched> {
        let mut opened = self.registry.open(&self.located)?;
        if !self.promised.is_empty() {
            opened.check(&self.promised)?;
        }
        let archive = opened.chart(&home.content)?;
        if let Some(warning) = opened.warning() {
            self.tell(&warning)?;
        }
        self.tell(opened.told().lines())?;
        if !wants_proof(&archive) {
            return Ok(Fetched { archive, proof: None });
        }
        let proof = opened.proof().map_err(|error| error.to_string());
        if proof.is_ok() {
            self.tell(opened.told().lines())?;
        }
        Ok(Fetched { archive, proof: Some(proof) })
    }

    fn tell(&self, text: &str) -> Outcome {
        match self.tells {
            Tells::Output => print(text),
            Tells::Errors => {
                std::io::Write::write_all(&mut std::io::stderr().lock(), text.as_bytes()).map_err(Fail::from)
            }
            Tells::Nobody => Ok(()),
        }
    }
}
