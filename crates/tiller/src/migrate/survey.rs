//! What there is of one release on both sides, and what follows from it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;
use release::{History, Key, Record, Release, Status, validate_name};

use super::{Migration, Planned, Standing, Step};
use crate::convert::convert;
use crate::error::Error;
use crate::store::Head;

/// One release as it is and as it is to be.
pub(super) struct Survey {
    pub(super) planned: Planned,
    /// The revisions as Helm 4 is to have them, the oldest first.
    pub(super) revisions: Vec<Wish>,
}

/// One revision as Helm 4 is to have it.
pub(super) struct Wish {
    pub(super) release: Release,
    /// The record that is there already.
    pub(super) there: Option<Record>,
    pub(super) step: Step,
}

impl Migration {
    /// Looks at one release; `heads` are Tiller's, the oldest first.
    pub(super) async fn survey(&self, name: &str, heads: &[Head], newest: Option<usize>) -> Result<Survey, Error> {
        let mut planned = Planned {
            name: name.to_owned(),
            namespace: String::new(),
            standing: Standing::Pending,
            revisions: BTreeMap::new(),
            adopted: 0,
            warnings: Vec::new(),
        };
        if heads.last().is_some_and(|head| head.brought) {
            planned.standing = Standing::Done;
            return Ok(Survey { planned, revisions: Vec::new() });
        }
        let Some((newest_head, older)) = heads.split_last() else {
            planned.standing = Standing::Done;
            return Ok(Survey { planned, revisions: Vec::new() });
        };
        let last = self.converted(newest_head, None).await?;
        planned.namespace.clone_from(&last.namespace);
        if last.info.status.is_pending() {
            planned.warnings.push(format!(
                "revision {} is `{}`: if no Tiller is at work on it, roll the release back before Helm 4 can upgrade it",
                last.version, last.info.status
            ));
        }
        if let Err(error) = validate_name(name) {
            planned.standing = Standing::Blocked(format!("Helm 4 takes no such name: {error}"));
            return Ok(Survey { planned, revisions: Vec::new() });
        }
        let history = self.ledger.history(&last.namespace, name).await?;
        // Older ones that are not wanted are looked at where Helm 4 has a record of that number, which may be another release's.
        let left = newest.map_or(0, |newest| heads.len().saturating_sub(newest));
        let is_there = |head: &Head| history.heads().iter().any(|there| there.key.revision == head.revision);
        let mut revisions = Vec::new();
        for (at, head) in older.iter().enumerate() {
            if at >= left || is_there(head) {
                let release = self.converted(head, Some(&planned.namespace)).await?;
                revisions.push(self.wish(release, &history).await?);
            }
        }
        revisions.push(self.wish(last, &history).await?);
        planned.standing = match blocked(&revisions, heads, &history) {
            Some(reason) => Standing::Blocked(reason),
            None if self.is_missing(&planned.namespace).await? => Standing::Blocked(format!(
                "namespace `{}` does not exist, and Helm 4 keeps records in the release's namespace",
                planned.namespace
            )),
            None => Standing::Pending,
        };
        planned.revisions =
            revisions.iter().map(|wish| (wish.release.version, (wish.release.info.status, wish.step))).collect();
        Ok(Survey { planned, revisions })
    }

    /// Opens a record of Tiller's, as Helm 4 is to have it: that of the release and revision that its labels name, and in the same namespace as
    /// the others.
    async fn converted(&self, head: &Head, namespace: Option<&str>) -> Result<Release, Error> {
        let old = self.store.get(head).await?;
        let made = convert(old).map_err(|source| Error::Convert { object: head.object.clone(), source })?;
        let is_in = namespace.is_none_or(|namespace| namespace == made.namespace);
        if made.name == head.name && made.version == head.revision && is_in {
            return Ok(made);
        }
        let (name, namespace, revision) = (made.name, made.namespace, made.version);
        Err(Error::Mislabelled { object: head.object.clone(), name, namespace, revision })
    }

    /// Looks for a revision among Helm 4's records.
    async fn wish(&self, release: Release, history: &History) -> Result<Wish, Error> {
        let key = Key::new(&release.namespace, &release.name, release.version);
        if !history.heads().iter().any(|head| head.key == key) {
            return Ok(Wish { release, there: None, step: Step::Write });
        }
        let record = self.ledger.get(&key).await?;
        // Tiller has gone on since an earlier migration. Any other difference is what Helm 4 has made of the record.
        let stale = record.release.info.status == Status::Deployed && release.info.status == Status::Superseded;
        let step = if stale { Step::Update } else { Step::There };
        Ok(Wish { release, there: Some(record), step })
    }

    /// Tells whether a namespace is not there; who may not look is taken at his word.
    async fn is_missing(&self, namespace: &str) -> Result<bool, Error> {
        let api: Api<Namespace> = Api::all(self.cluster.client().clone());
        match api.get_metadata_opt(namespace).await {
            Ok(found) => Ok(found.is_none()),
            Err(kube::Error::Api(status)) if status.is_forbidden() => Ok(false),
            Err(error) => Err(Error::kubernetes(format!("cannot read namespace `{namespace}`"))(error)),
        }
    }
}

/// Why Helm 4's records stand in the way: they are another release's. Where Tiller's last revision is among them, the release has been brought
/// over, and what Helm 4 has done since is its own affair.
fn blocked(revisions: &[Wish], heads: &[Head], history: &History) -> Option<String> {
    let last = revisions.last()?;
    let foreign = |wish: &&Wish| wish.there.as_ref().is_some_and(|there| !is_same(there, &wish.release));
    let other = revisions.iter().find(foreign).map(|wish| wish.release.version);
    let is_tillers = |revision: u32| heads.iter().any(|head| head.revision == revision);
    let unknown = || history.heads().iter().map(|head| head.key.revision).find(|revision| !is_tillers(*revision));
    let other = if last.there.is_some() { other } else { other.or_else(unknown) };
    other.map(|revision| {
        format!(
            "Helm 4 has another release of this name in namespace `{}`: its revision {revision} is not Tiller's",
            last.release.namespace
        )
    })
}

/// Tells whether a record is what an earlier try has written of a revision. Its status may have changed since, and so may what is told of it.
fn is_same(there: &Record, release: &Release) -> bool {
    let there = &there.release;
    there.manifest == release.manifest
        && there.info.first_deployed == release.info.first_deployed
        && there.info.last_deployed == release.info.last_deployed
        && there.chart.metadata.name == release.chart.metadata.name
        && there.chart.metadata.version == release.chart.metadata.version
}

/// Tells whether objects of a revision may be live.
pub(super) fn may_be_live(status: Status) -> bool {
    !matches!(status, Status::Superseded | Status::Uninstalled)
}
