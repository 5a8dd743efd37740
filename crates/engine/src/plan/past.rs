//! What came before: the revisions of a release, and whether the last of them has died.

use serde::{Deserialize, Serialize};

use release::{Head, History, Key, Record, Status};

use crate::engine::Engine;
use crate::error::Error;
use crate::intent::Target;

/// From where a change is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stance {
    /// By a caller, who has no lock yet.
    Outside,
    /// In a run, which has the lock, and whose own record may be the pending one.
    Inside,
}

/// What becomes of a revision whose process has died.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ending {
    /// It is recorded as failed.
    Failed(Box<Record>),
    /// It had done everything, and only the last record was missing: it is recorded as deployed.
    Deployed(Box<Record>),
}

/// The past of a release, in which a dead revision stands where its ending puts it.
#[derive(Debug, Default)]
pub(crate) struct Past {
    pub(crate) history: History,
    /// The dead revision, if the last is one.
    pub(crate) ending: Option<Ending>,
    /// A pending revision that cannot be taken for dead.
    pub(crate) foreign: Option<Head>,
    pub(crate) warnings: Vec<String>,
}

impl Past {
    /// Refuses to go on when a program that leaves no lease may be at work, as Helm does.
    pub(crate) fn settled(self) -> Result<Self, Error> {
        match &self.foreign {
            None => Ok(self),
            Some(head) => Err(pending(head, None)),
        }
    }

    /// Tells whether the last revision is an install that died, and nothing was ever there to upgrade.
    pub(crate) fn is_dead_install(&self) -> bool {
        let ended = match &self.ending {
            Some(Ending::Failed(record)) if record.release.info.status == Status::PendingInstall => {
                Some(record.release.version)
            }
            _ => None,
        };
        let died = |head: &Head| head.marks.died || Some(head.key.revision) == ended;
        let replaced = |head: &Head| {
            let by = head.marks.successor.and_then(|revision| self.history.get(revision));
            head.status == Status::Uninstalled || by.is_some_and(died)
        };
        let mut since = self.history.heads().iter().rev().take_while(|head| !replaced(head));
        self.history.last().is_some_and(died) && since.all(|head| head.status == Status::Failed)
    }
}

fn pending(head: &Head, holder: Option<String>) -> Error {
    Error::Pending { revision: head.key.revision, status: head.status, holder, since: head.written() }
}

impl Engine {
    /// Reads the revisions of a release, and decides whether the last one is dead. Whether its process is alive after all
    /// turns out when the lock is taken.
    pub(crate) async fn past(&self, target: &Target, expected: Option<u32>, stance: Stance) -> Result<Past, Error> {
        let history = self.checked_history(target, expected).await?;
        let mut past = Past { history, ending: None, foreign: None, warnings: Vec::new() };
        let Some(last) = past.history.last().cloned() else { return Ok(past) };
        // Helm's own `uninstalling` stands in nobody's way, ours may be at work.
        let uninstalling = last.status == Status::Uninstalling && last.marks.holder.is_some();
        if !last.status.is_pending() && !uninstalling {
            return Ok(past);
        }
        match &last.marks.holder {
            Some(_) if stance == Stance::Inside => {}
            Some(_) => {
                if self.settings.holder.is_busy(target) {
                    return Err(pending(&last, None));
                }
                past.warnings.extend(self.sign_of_life(target).await);
            }
            None if self.is_overdue(&last) => {}
            None => {
                past.foreign = Some(last);
                return Ok(past);
            }
        }
        let record = Box::new(self.ledger.get(&last.key).await?);
        let succeeded = Some(last.key.revision);
        // An install marks what it replaces when it begins, the others when they have done everything.
        let marks_last = matches!(last.status, Status::PendingUpgrade | Status::PendingRollback);
        let finished = marks_last && past.history.heads().iter().any(|head| head.marks.successor == succeeded);
        let (status, ending) = if finished {
            (Status::Deployed, Ending::Deployed(record))
        } else {
            (Status::Failed, Ending::Failed(record))
        };
        past.history = past.history.with_status(last.key.revision, status);
        past.ending = Some(ending);
        Ok(past)
    }

    /// Whether the process that holds the release was heard of lately; for whoever looks at a plan.
    async fn sign_of_life(&self, target: &Target) -> Option<String> {
        let name = crate::lock::lease_name(&target.name);
        let lease = self.cluster.read_lease(&target.namespace, &name).await.ok()??;
        let alive = !self.settings.holder.is_own(&lease.holder) && lease.expiry()? > (self.clock)();
        alive.then(|| format!("`{}` is at work on the release, unless it has just died", lease.holder))
    }

    fn is_overdue(&self, head: &Head) -> bool {
        let age = head.written().map(|at| (self.clock)().as_second() - at.as_second());
        match (self.settings.unlock_after, age.and_then(|age| u64::try_from(age).ok())) {
            (Some(limit), Some(age)) => age >= limit.as_secs(),
            _ => false,
        }
    }

    /// The revisions whose objects may be in the cluster, newest first: all from the last one that worked. Helm looks at
    /// one of them only, and forgets what failed ones have left behind.
    pub(crate) async fn lived(&self, history: &History) -> Result<Vec<Record>, Error> {
        let heads = history.heads();
        let worked = |status: Status| heads.iter().rposition(|head| head.status == status);
        let from = worked(Status::Deployed).or_else(|| worked(Status::Superseded)).unwrap_or(0);
        let from = from.max(worked(Status::Uninstalled).map_or(0, |at| at + 1));
        let mut records = Vec::new();
        for head in heads.iter().skip(from).rev() {
            records.push(self.ledger.get(&head.key).await?);
        }
        Ok(records)
    }

    /// All deployed revisions, read only if they are not among `known`; more than one only after a crash of Helm, and
    /// the next change mends that.
    pub(crate) async fn deployed(&self, history: &History, known: &[Record]) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        for head in history.deployed_all() {
            let known = known.iter().find(|record| key(record).revision == head.key.revision);
            records.push(match known {
                Some(record) => record.clone(),
                None => self.ledger.get(&head.key).await?,
            });
        }
        Ok(records)
    }
}

fn key(record: &Record) -> Key {
    Key::new(&record.release.namespace, &record.release.name, record.release.version)
}
