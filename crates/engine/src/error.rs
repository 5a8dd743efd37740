//! Why a change was refused or failed.

use jiff::Timestamp;
use release::{Release, Status};

use crate::explain::explain;
use crate::intent::Target;
use crate::plan::Verb;

/// What can go wrong between an intent and a release.
///
/// Everything but [`Error::Failed`] and [`Error::Unrecorded`] means that nothing was changed.
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
    /// Another change of this release is under way, or is one of Helm's and died.
    #[error("another operation (install/upgrade/rollback) is in progress")]
    Pending {
        /// The revision that is pending.
        revision: u32,
        /// Its status.
        status: Status,
        /// The process of ours that is at work; `None` for this very one, and for a program that leaves no lease, as Helm.
        holder: Option<String>,
        /// When its record was written last, as far as it says.
        since: Option<Timestamp>,
    },
    /// There is nothing to unlock.
    #[error("release \"{0}\" is not locked: no operation of it is in progress")]
    NotLocked(String),
    /// The caller has cancelled before anything was changed.
    #[error("context canceled")]
    Cancelled,
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
    /// Ways to send objects that do not go together.
    #[error("{0}")]
    Apply(&'static str),
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
    /// A file of the chart's `crds/` has what the cluster does not know.
    #[error("failed to install CRD {file}: {source}")]
    Definition {
        /// The file, below its own chart's folder.
        file: String,
        /// Why it cannot be.
        source: cluster::Error,
    },
    /// The cluster refused or could not be asked.
    #[error("{0}")]
    Cluster(#[from] cluster::Error),
    /// The records could not be read or written.
    #[error("{0}")]
    Ledger(#[from] release::Error),
    /// The change failed before it was recorded; only definitions (`crds/`) may have been created, as with Helm.
    #[error("{0}")]
    Unrecorded(Box<Failure>),
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
    /// Nothing was begun, for this reason.
    #[error("{0}")]
    Refused(Box<Error>),
    /// The caller has cancelled; in Go's words, as Helm says it.
    #[error("context canceled")]
    Cancelled,
    /// This process was silent for too long, and another one has taken over.
    #[error("another process has taken the release over")]
    TakenOver,
    /// Several at once.
    #[error("{}", join(.0, " && "))]
    Several(Vec<Failure>),
    /// Several objects of an install, which Helm tells line by line.
    #[error("{}", join(.0, "\n"))]
    Each(Vec<Failure>),
}

impl Error {
    /// What a person can do about it, or should know, where Helm's words alone do not tell.
    pub fn advice(&self, now: Timestamp) -> Option<String> {
        if let Self::Failed { cause, .. } = self {
            return explain(cause);
        }
        let Self::Pending { revision, status, holder, since } = self else { return None };
        let age = since.and_then(|at| u64::try_from(now.as_second() - at.as_second()).ok()).map_or_else(
            || "for a time that it does not say".to_owned(),
            |seconds| format!("for {}", in_words(seconds)),
        );
        Some(match holder {
            Some(holder) => format!("revision {revision} has been {status} {age}; `{holder}` is at work on it"),
            // Whoever has just been faster is alive.
            None if since.is_none() => {
                format!("another program has begun revision {revision} at the same time; try again when it is done")
            }
            None => format!(
                "revision {revision} has been {status} {age}; `unlock` ends it when the program that wrote it has died"
            ),
        })
    }
}

/// A time as people say it: `5s`, `3m`, `2h5m`, `4d`.
fn in_words(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3600, seconds / 60) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h{}m", minutes % 60),
        (days, hours, _) => format!("{days}d{}h", hours % 24),
    }
}

impl Failure {
    /// Tells whether somebody has cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled => true,
            Self::Hook { source, .. } => source.is_cancelled(),
            Self::Several(all) | Self::Each(all) => all.iter().any(Self::is_cancelled),
            _ => false,
        }
    }

    /// None, one, or several at once.
    pub(crate) fn all(mut failures: Vec<Self>) -> Result<(), Self> {
        match failures.len() {
            0 => Ok(()),
            1 => failures.pop().map_or(Ok(()), Err),
            _ => Err(Self::Several(failures)),
        }
    }
}

fn join(failures: &[Failure], between: &str) -> String {
    failures.iter().map(Failure::to_string).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_revision_tells_its_age() {
        let at = |second| Timestamp::from_second(second).ok();
        let pending = |holder: Option<&str>, since| Error::Pending {
            revision: 3,
            status: Status::PendingUpgrade,
            holder: holder.map(str::to_owned),
            since,
        };
        let advice = |error: &Error| error.advice(Timestamp::from_second(7_500).unwrap()).unwrap();
        assert_eq!(
            advice(&pending(None, at(0))),
            "revision 3 has been pending-upgrade for 2h5m; `unlock` ends it when the program that wrote it has died"
        );
        assert_eq!(
            advice(&pending(Some("a_1"), at(7_490))),
            "revision 3 has been pending-upgrade for 10s; `a_1` is at work on it"
        );
        assert_eq!(
            advice(&pending(None, None)),
            "another program has begun revision 3 at the same time; try again when it is done"
        );
        assert_eq!(in_words(200), "3m");
        assert_eq!(in_words(90_000 + 3600), "1d2h");
        assert!(Error::NotLocked("shop".to_owned()).advice(Timestamp::UNIX_EPOCH).is_none());
    }
}
