//! What the revisions of one release say together, as Helm 4.3: `pkg/storage/storage.go`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::marks::Marks;
use crate::name::Key;
use crate::status::Status;

/// What a stored record says without being opened: its name and its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Which revision.
    pub key: Key,
    /// Where it stands.
    pub status: Status,
    /// The version of the stored object, for [`crate::Ledger::update`].
    pub token: Token,
    /// The user's labels.
    pub labels: BTreeMap<String, String>,
    /// What we have noted beside it.
    pub marks: Marks,
    /// Helm's own labels: `name`, `owner`, `status`, `version`, and when it was written.
    pub system: BTreeMap<String, String>,
    /// The object's name when it is not the one that the key stands for; such a record cannot be opened.
    pub misnamed: Option<String>,
}

impl Head {
    /// When the record was written last, to the second; `None` when it does not say.
    pub fn written(&self) -> Option<Timestamp> {
        let label = self.system.get("modifiedAt").or_else(|| self.system.get("createdAt"))?;
        Timestamp::from_second(label.parse().ok()?).ok()
    }
}

/// The version of a stored record (Kubernetes' `resourceVersion`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Token(pub String);

/// The revisions of one release, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    heads: Vec<Head>,
}

impl History {
    /// Puts the revisions in order.
    pub fn new(mut heads: Vec<Head>) -> Self {
        heads.sort_by_key(|head| head.key.revision);
        Self { heads }
    }

    /// The same revisions, with one of them in another status, as it will soon be.
    #[must_use]
    pub fn with_status(mut self, revision: u32, status: Status) -> Self {
        self.heads.iter_mut().filter(|head| head.key.revision == revision).for_each(|head| head.status = status);
        self
    }

    /// All revisions, oldest first.
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// Tells whether there is none, that is, no such release.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// The newest revision.
    pub fn last(&self) -> Option<&Head> {
        self.heads.last()
    }

    /// The newest deployed revision.
    pub fn deployed(&self) -> Option<&Head> {
        self.deployed_all().next_back()
    }

    /// All deployed revisions, oldest first; more than one only after a crash of Helm.
    pub fn deployed_all(&self) -> impl DoubleEndedIterator<Item = &Head> {
        self.heads.iter().filter(|head| head.status == Status::Deployed)
    }

    /// One revision.
    pub fn get(&self, revision: u32) -> Option<&Head> {
        self.heads.iter().find(|head| head.key.revision == revision)
    }

    /// The number that the next revision gets.
    pub fn next_revision(&self) -> u32 {
        self.last().map_or(1, |head| head.key.revision.saturating_add(1))
    }

    /// The revisions to delete before one more is written, so that at most `max` are left with it: the oldest first,
    /// never the newest deployed one. `max` of 0 keeps all.
    pub fn prune(&self, max: u32) -> Vec<Key> {
        if max == 0 {
            return Vec::new();
        }
        let deployed = self.deployed().map(|head| head.key.revision);
        let excess = (self.heads.len() + 1).saturating_sub(max as usize);
        let spared = |head: &&Head| Some(head.key.revision) != deployed;
        self.heads.iter().filter(spared).take(excess).map(|head| head.key.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(statuses: &[(u32, Status)]) -> History {
        History::new(
            statuses
                .iter()
                .map(|(revision, status)| Head {
                    key: Key::new("web", "shop", *revision),
                    status: *status,
                    token: Token::default(),
                    labels: BTreeMap::new(),
                    marks: Marks::default(),
                    system: BTreeMap::new(),
                    misnamed: None,
                })
                .collect(),
        )
    }

    #[test]
    fn last_and_deployed() {
        use Status::*;
        let shop = history(&[(3, Failed), (1, Superseded), (2, Deployed)]);
        assert_eq!(shop.last().unwrap().key.revision, 3);
        assert_eq!(shop.deployed().unwrap().key.revision, 2);
        assert_eq!(shop.next_revision(), 4);
        let twice = history(&[(1, Deployed), (2, Deployed)]);
        assert_eq!(twice.deployed().unwrap().key.revision, 2);
        assert_eq!(history(&[]).next_revision(), 1);
    }

    #[test]
    fn prunes_as_helm() {
        use Status::*;
        let revisions = |keys: Vec<Key>| keys.into_iter().map(|key| key.revision).collect::<Vec<_>>();
        for (statuses, max, want) in [
            (&[(1, Superseded), (2, Superseded), (3, Deployed)][..], 10, vec![]),
            (&[(1, Superseded), (2, Superseded), (3, Deployed)], 0, vec![]),
            (&[(1, Superseded), (2, Superseded), (3, Deployed)], 3, vec![1]),
            (&[(1, Superseded), (2, Superseded), (3, Deployed)], 1, vec![1, 2]),
            (&[(1, Deployed), (2, Failed), (3, Failed)], 2, vec![2, 3]),
            (&[(1, Deployed), (2, Failed), (3, Failed)], 3, vec![2]),
            (&[(1, Failed), (2, Failed)], 1, vec![1, 2]),
            (&[(1, Deployed), (2, Deployed), (3, Failed)], 2, vec![1, 3]),
        ] {
            assert_eq!(revisions(history(statuses).prune(max)), want, "{statuses:?} max {max}");
        }
    }
}
