//! What there is of one release on both sides, and what follows from it.
//!
//! Records are opened one after the other and dropped again: they may be large, and whoever may write them may make many.

use std::collections::BTreeMap;

use cluster::{NoMatch, ObjectRef};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;
use release::{History, Key, Release, Status, Token, validate_name};

use super::{Migration, Planned, Standing, Step};
use crate::convert::convert;
use crate::error::Error;
use crate::store::Head;

/// One release as it is and as it is to be.
pub(super) struct Survey {
    pub(super) planned: Planned,
    /// The revisions that Helm 4 is to have, the oldest first.
    pub(super) revisions: Vec<Wish>,
    /// The objects that may be live.
    pub(super) objects: Vec<ObjectRef>,
}

/// One revision that Helm 4 is to have.
pub(super) struct Wish {
    pub(super) head: Head,
    pub(super) step: Step,
    /// The version of the record that is there already.
    pub(super) there: Option<Token>,
    /// Whether that is another release's.
    is_foreign: bool,
}

impl Migration {
    /// Looks at one release; `heads` are Tiller's, the oldest first.
    pub(super) async fn survey(&self, name: &str, heads: &[Head], newest: Option<usize>) -> Result<Survey, Error> {
        let planned = Planned {
            name: name.to_owned(),
            namespace: String::new(),
            standing: Standing::Done,
            revisions: BTreeMap::new(),
            adopted: 0,
            warnings: Vec::new(),
        };
        let mut survey = Survey { planned, revisions: Vec::new(), objects: Vec::new() };
        let Some((newest_head, older)) = heads.split_last().filter(|(head, _)| !head.brought) else {
            return Ok(survey);
        };
        let last = self.converted(newest_head, None).await?;
        survey.planned.namespace.clone_from(&last.namespace);
        if let Err(error) = validate_name(name) {
            survey.planned.standing = Standing::Blocked(format!("Helm 4 takes no such name: {error}"));
            return Ok(survey);
        }
        if last.info.status.is_pending() {
            survey.planned.warnings.push(format!(
                "revision {} is `{}`: if no Tiller is at work on it, roll the release back before Helm 4 can upgrade it",
                last.version, last.info.status
            ));
        }
        let history = self.ledger.history(&last.namespace, name).await?;
        // Older ones that are not wanted are looked at where Helm 4 has a record of that number, which may be another release's.
        let left = newest.map_or(0, |newest| heads.len().saturating_sub(newest));
        let is_there = |head: &Head| history.heads().iter().any(|there| there.key.revision == head.revision);
        // What a failed upgrade has left is of the last revision, and the rest is of the one before that was deployed.
        let deployed = heads.iter().rfind(|head| head.status == "DEPLOYED").map(|head| head.revision);
        for (at, head) in older.iter().enumerate() {
            if at >= left || is_there(head) {
                let release = self.converted(head, Some(&last.namespace)).await?;
                let is_live = deployed == Some(head.revision);
                self.take(&mut survey, head, &release, is_live, &history).await?;
            }
        }
        self.take(&mut survey, newest_head, &last, last.info.status != Status::Uninstalled, &history).await?;
        survey.objects.sort();
        survey.objects.dedup();
        survey.planned.standing = match blocked(&survey, heads, &history) {
            Some(reason) => Standing::Blocked(reason),
            None if self.is_missing(&last.namespace).await? => Standing::Blocked(format!(
                "namespace `{}` does not exist, and Helm 4 keeps records in the release's namespace",
                last.namespace
            )),
            None => Standing::Pending,
        };
        Ok(survey)
    }

    /// Opens a record of Tiller's, as Helm 4 is to have it: that of the release and revision that its labels name, and in the same
    /// namespace as the others.
    pub(super) async fn converted(&self, head: &Head, namespace: Option<&str>) -> Result<Release, Error> {
        let old = self.store.get(head).await?;
        let made = convert(old).map_err(|source| Error::Convert { object: head.object.clone(), source })?;
        let is_in = namespace.is_none_or(|namespace| namespace == made.namespace);
        if made.name == head.name && made.version == head.revision && is_in {
            return Ok(made);
        }
        let (name, namespace, revision) = (made.name, made.namespace, made.version);
        Err(Error::Mislabelled { object: head.object.clone(), name, namespace, revision })
    }

    /// Notes what is to be done with a revision, and the objects of one that is live.
    async fn take(
        &self,
        survey: &mut Survey,
        head: &Head,
        release: &Release,
        is_live: bool,
        history: &History,
    ) -> Result<(), Error> {
        let wish = self.wish(head, release, history).await?;
        let planned = &mut survey.planned;
        planned.revisions.insert(release.version, (release.info.status, wish.step));
        survey.revisions.push(wish);
        if !is_live {
            return Ok(());
        }
        let documents = engine::documents(&release.manifest)?;
        let (found, unserved) = self.cluster.build_known(documents, &release.namespace).await?;
        planned.warnings.extend(unserved.into_iter().map(|NoMatch(id)| {
            format!(
                "{id} of revision {} is of a kind that the cluster no longer serves; it has to be of another before Helm 4 can upgrade",
                release.version
            )
        }));
        survey.objects.extend(found.into_iter().map(|object| object.id().clone()));
        Ok(())
    }

    /// Looks for a revision among Helm 4's records.
    async fn wish(&self, head: &Head, release: &Release, history: &History) -> Result<Wish, Error> {
        let key = Key::new(&release.namespace, &release.name, release.version);
        if !history.heads().iter().any(|head| head.key == key) {
            return Ok(Wish { head: head.clone(), step: Step::Write, there: None, is_foreign: false });
        }
        let record = self.ledger.get(&key).await?;
        // Tiller has gone on since an earlier migration. Any other difference is what Helm 4 has made of the record.
        let stale = record.release.info.status == Status::Deployed && release.info.status == Status::Superseded;
        let step = if stale { Step::Update } else { Step::There };
        let is_foreign = !is_same(&record.release, release);
        Ok(Wish { head: head.clone(), step, there: Some(record.token), is_foreign })
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

/// Why Helm 4's records stand in the way: they are another release's. Where Tiller's last revision is among them, the release has been
/// brought over, and what Helm 4 has done since is its own affair.
fn blocked(survey: &Survey, heads: &[Head], history: &History) -> Option<String> {
    let last = survey.revisions.last()?;
    let other = survey.revisions.iter().find(|wish| wish.is_foreign).map(|wish| wish.head.revision);
    let is_tillers = |revision: u32| heads.iter().any(|head| head.revision == revision);
    let unknown = || history.heads().iter().map(|head| head.key.revision).find(|revision| !is_tillers(*revision));
    let other = if last.there.is_some() { other } else { other.or_else(unknown) };
    other.map(|revision| {
        format!(
            "Helm 4 has another release of this name in namespace `{}`: its revision {revision} is not Tiller's",
            survey.planned.namespace
        )
    })
}

/// Tells whether a record is what an earlier try has written of a revision. Its status may have changed since, and so may what is told
/// of it.
fn is_same(there: &Release, release: &Release) -> bool {
    there.manifest == release.manifest
        && there.info.first_deployed == release.info.first_deployed
        && there.info.last_deployed == release.info.last_deployed
        && there.chart.metadata.name == release.chart.metadata.name
        && there.chart.metadata.version == release.chart.metadata.version
}
