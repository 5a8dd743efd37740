//! Why a change was refused or failed.

use release::{Release, Status};

use crate::intent::Target;
use crate::plan::Verb;

/// What can go wrong between an intent and a release.
///
/// Everything but [`Error::Failed`] means that nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The release's name breaks Helm's rule.
    #[error("release name `{name}`: {source}")]
    Name {
        /// The name.
        name: String,
        /// Which rule.
        source: release::InvalidName,
    },
    /// The name of an install is taken.
    #[error("cannot reuse a name that is still in use")]
    NameInUse {
        /// The revision that has it.
        revision: u32,
        /// Where that stands.
        status: Status,
    },
    /// There is no such release.
    #[error("release: not found")]
    NotFound(Target),
    /// There is no such revision.
    #[error("release has no {0} version")]
    NoRevision(u32),
    /// Nothing of it is deployed, so there is nothing to upgrade.
    #[error("\"{0}\" has no deployed releases")]
    NoDeployed(String),
    /// Another change of this release is under way, or died.
    #[error("another operation (install/upgrade/rollback) is in progress")]
    Pending {
        /// The revision that is pending.
        revision: u32,
        /// Its status.
        status: Status,
    },
    /// It is uninstalled already, with its history kept.
    #[error("the release named \"{0}\" is already deleted")]
    AlreadyUninstalled(String),
    /// The caller has seen another revision than the last.
    #[error("the release is at revision {actual}, not at {expected}: read it again and decide anew")]
    RevisionMismatch {
        /// The revision that the caller has seen.
        expected: u32,
        /// The last revision; 0 when there is none.
        actual: u32,
    },
    /// The description is too long.
    #[error("description must be {most} characters or less, got {length}")]
    Description {
        /// The most characters.
        most: usize,
        /// How many it has.
        length: usize,
    },
    /// A first install without a chart.
    #[error("no chart was given, and there is no release whose chart could be kept")]
    ChartMissing,
    /// The chart cannot be installed.
    #[error(transparent)]
    Chart(#[from] chart::Error),
    /// The dependencies of the chart do not go with the values.
    #[error(transparent)]
    Dependencies(chart::values::CoalesceError),
    /// A chart of this type is no release.
    #[error("{0} charts are not installable")]
    NotInstallable(String),
    /// Subcharts that the chart names are not in it.
    #[error("an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {}", .0.join(", "))]
    SubchartsMissing(Vec<String>),
    /// The values are not what the chart's schema asks for.
    #[error("{0}")]
    Schema(#[from] chart::schema::Invalid),
    /// The templates fail, or take more than they may.
    #[error(transparent)]
    Render(#[from] render::RenderError),
    /// The templates take too long.
    #[error("rendering takes longer than {} seconds", .0.as_secs())]
    RenderTime(std::time::Duration),
    /// The renderer died; that is a bug of ours, and nothing was changed.
    #[error("the renderer ended unexpectedly")]
    RenderDied,
    /// The chart of the last revision is not whole: Helm's records do not hold subcharts.
    #[error("the record of the last revision does not hold the chart's subcharts: give the chart again")]
    ChartIncomplete,
    /// What the templates made is no Kubernetes object.
    #[error("unable to build kubernetes objects from release manifest: {message}")]
    Manifest {
        /// What is wrong.
        message: String,
    },
    /// Objects that exist belong to somebody else.
    #[error("unable to continue with {verb}: {source}", verb = match verb { Verb::Install => "install", _ => "update" })]
    Ownership {
        /// Install or upgrade.
        verb: Verb,
        /// Whose they are.
        source: Box<cluster::NotOwned>,
    },
    /// The cluster refused or could not be asked.
    #[error("{0}")]
    Cluster(#[from] cluster::Error),
    /// The records could not be read or written.
    #[error("{0}")]
    Ledger(#[from] release::Error),
    /// The change was begun and failed; the record says so.
    #[error("{message}")]
    Failed {
        /// What happened, in Helm's words.
        message: String,
        /// The release as it was recorded.
        release: Box<Release>,
        /// Why.
        cause: Box<Failure>,
    },
}

/// Why a change that was begun has failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A hook failed.
    #[error("{stage}: {source}")]
    Hook {
        /// `failed pre-install`, `pre-upgrade hooks failed` …
        stage: String,
        /// What happened.
        source: Box<Failure>,
    },
    /// The hook's own failure.
    #[error("{0}")]
    Message(String),
    /// The cluster refused.
    #[error("{0}")]
    Cluster(#[from] cluster::Error),
    /// Objects did not become ready, or did not go.
    #[error("{0}")]
    NotReady(#[from] cluster::WaitError),
    /// A definition of `crds/` could not be created.
    #[error("failed to create CRD {name}: {source}")]
    Crd {
        /// The definition's name.
        name: String,
        /// Why.
        source: Box<cluster::Error>,
    },
    /// The records could not be written.
    #[error("{0}")]
    Ledger(#[from] release::Error),
    /// Several at once.
    #[error("{}", join(.0))]
    Several(Vec<Failure>),
}

impl Failure {
    /// None, one, or several at once.
    pub(crate) fn all(mut failures: Vec<Self>) -> Result<(), Self> {
        match failures.len() {
            0 => Ok(()),
            1 => failures.pop().map_or(Ok(()), Err),
            _ => Err(Self::Several(failures)),
        }
    }
}

fn join(failures: &[Failure]) -> String {
    failures.iter().map(Failure::to_string).collect::<Vec<_>>().join(" && ")
}
