//! The releases of a cluster as a list shows them, in memory, kept by a watch in the server's own name.

mod rows;
mod stream;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use api::{ChartSummary, Problem, Reason, ReleaseSummary};
use release::{ListFilter, Row, Scope, Standing, View, Watched};

use self::rows::Item;
pub(crate) use self::stream::{Sources, stream};
use crate::problems;
use crate::watch::Hub;

/// How long a request waits for the first list of a cluster before it asks the cluster itself.
const FIRST: Duration = Duration::from_secs(2);
/// How long a stream of events waits until everything is read that it begins with.
const READY: Duration = Duration::from_secs(60);

/// The cache of one cluster.
pub(crate) struct Cache {
    cluster: String,
    /// What tells the history of this cluster's records from others.
    history: String,
    watched: Watched,
    warned: AtomicBool,
    hub: OnceLock<Arc<Hub<Item>>>,
}

impl Cache {
    pub(crate) fn new(cluster: &str, history: String, watched: Watched) -> Self {
        Self { cluster: cluster.to_owned(), history, watched, warned: AtomicBool::new(false), hub: OnceLock::new() }
    }

    /// What is followed, once it is current; `None` when it is not or cannot be, so that the cluster has to be asked.
    pub(crate) async fn current(&self) -> Option<&Watched> {
        self.watched.start();
        match self.watched.settled(FIRST).await {
            Standing::Current => Some(&self.watched),
            Standing::Refused(text) => {
                if !self.warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        cluster = self.cluster,
                        "the server may not list and watch records, so lists are read as the caller, and slower: {text}"
                    );
                }
                None
            }
            Standing::Starting | Standing::Behind | Standing::Unwatchable => None,
        }
    }

    /// What is followed, as it stands.
    pub(crate) fn watched(&self) -> &Watched {
        &self.watched
    }

    /// The events of this cluster's releases, once all that they begin with is read.
    pub(crate) async fn events(&self) -> Result<Arc<Hub<Item>>, Box<Problem>> {
        if self.current().await.is_none() {
            return Err(self.unwatchable());
        }
        let hub = self.hub.get_or_init(|| rows::start(&self.cluster, &self.history, self.watched.clone()));
        match tokio::time::timeout(READY, hub.ready()).await {
            Ok(()) => Ok(hub.clone()),
            Err(_) => Err(problems::slow_cluster(READY)),
        }
    }

    fn unwatchable(&self) -> Box<Problem> {
        Box::new(match self.watched.standing() {
            Standing::Unwatchable => Problem::new(
                Reason::NotImplemented,
                "the records are where nobody tells of changes; list them again instead",
            ),
            Standing::Refused(text) => {
                Problem::new(Reason::ClusterForbidden, format!("the server itself may not watch releases: {text}"))
            }
            _ => Problem::new(Reason::ClusterUnreachable, "the cluster cannot be watched at the moment"),
        })
    }
}

/// Shows a row in a list; `None` when its record is gone.
pub(crate) fn summary(cluster: &str, row: &Row) -> Option<ReleaseSummary> {
    let (chart, updated_at, error) = match row.glance()? {
        Ok(glance) => {
            let chart = ChartSummary {
                name: glance.chart.to_string(),
                version: glance.version.to_string(),
                app_version: glance.app_version.to_string(),
            };
            (chart, glance.updated.map(|time| time.to_string()), None)
        }
        Err(error) => (ChartSummary::default(), None, Some(error.to_owned())),
    };
    Some(ReleaseSummary {
        cluster: cluster.to_owned(),
        namespace: row.namespace().to_owned(),
        name: row.name().to_owned(),
        revision: row.revision(),
        status: row.status().to_string(),
        chart,
        updated_at,
        labels: row.labels().clone(),
        error,
    })
}

/// Which releases a list is of.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub(crate) scope: Scope,
    pub(crate) filter: ListFilter,
    pub(crate) chart: Option<String>,
}

impl Wanted {
    /// Tells whether a row is of a release that may be wanted.
    fn is_of(&self, row: &Row) -> bool {
        let in_scope = match &self.scope {
            Scope::All => true,
            Scope::Namespace(namespace) => namespace == row.namespace(),
        };
        in_scope && self.filter.name.as_ref().is_none_or(|name| name(row.name()))
    }

    /// Tells whether a row is wanted; a chart's name is known of rows that have been opened.
    pub(crate) fn wants(&self, row: &Row) -> bool {
        let filter = &self.filter;
        let is_of = |chart: &String| row.glance().is_some_and(|it| it.is_ok_and(|it| *it.chart == **chart));
        self.is_of(row)
            && (filter.statuses.is_empty() || filter.statuses.contains(&row.status()))
            && filter.selector.matches(row.labels())
            && self.chart.as_ref().is_none_or(is_of)
    }
}

/// Reads what is not known yet of a view's rows, if anything.
pub(crate) async fn know(watched: &Watched, view: &View) -> Result<(), release::Error> {
    if !view.is_known() {
        watched.open(view.rows()).await?;
        view.set_known();
    }
    Ok(())
}
