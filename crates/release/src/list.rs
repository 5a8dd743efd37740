//! The newest revision of many releases, as Helm 4.3: `pkg/action/list.go`, but only those that are shown are opened.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};

use crate::error::Error;
use crate::history::Head;
use crate::ledger::{Ledger, Peeks, Scope};
use crate::name::Key;
use crate::peek::Peek;
use crate::selector::Selector;
use crate::status::Status;

/// From how many records on they are read together.
const MANY: usize = 64;

/// Says whether a name is wanted.
pub type NameTest = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Which releases to list.
#[derive(Clone, Default)]
pub struct ListFilter {
    /// The statuses wanted; empty for all. Only `superseded` looks at all revisions instead of the newest.
    pub statuses: Vec<Status>,
    /// What the user's labels must be.
    pub selector: Selector,
    /// What the name must be.
    pub name: Option<NameTest>,
}

/// One release in a list.
#[derive(Debug)]
pub struct Item {
    /// What its labels say.
    pub head: Head,
    /// What its record says, or why it cannot be read.
    pub peek: Result<Box<Peek>, Error>,
}

impl ListFilter {
    /// The statuses that nearly all wanted records have, where so many are wanted that it is best to read all that have them.
    fn likely(&self) -> Option<Vec<&'static str>> {
        let all = self.name.is_none() && self.selector == Selector::default();
        let statuses = if self.statuses.is_empty() { &Status::ALL[..] } else { &self.statuses };
        let newest = statuses.iter().filter(|status| **status != Status::Superseded);
        let newest: Vec<_> = newest.map(|status| status.as_str()).collect();
        (all && !newest.is_empty()).then_some(newest)
    }

    /// Picks the newest revision of each release and then those that are wanted, ordered by name and namespace.
    pub fn pick(&self, heads: Vec<Head>) -> Vec<Head> {
        let mut picked = if self.statuses == [Status::Superseded] { heads } else { newest(heads) };
        picked.retain(|head| {
            (self.statuses.is_empty() || self.statuses.contains(&head.status))
                && self.selector.matches(&head.labels)
                && self.name.as_ref().is_none_or(|name| name(&head.key.name))
        });
        picked.sort_by(|a, b| {
            let place = |head: &Head| (head.key.name.clone(), head.key.namespace.clone(), head.key.revision);
            place(a).cmp(&place(b))
        });
        picked
    }
}

fn newest(heads: Vec<Head>) -> Vec<Head> {
    let mut newest: BTreeMap<(String, String), Head> = BTreeMap::new();
    for head in heads {
        let place = (head.key.namespace.clone(), head.key.name.clone());
        if newest.get(&place).is_none_or(|there| there.key.revision <= head.key.revision) {
            newest.insert(place, head);
        }
    }
    newest.into_values().collect()
}

/// Lists releases; at most `parallel` records are read at a time, unless all are read
/// together.
///
/// # Errors
/// When the heads cannot be listed, or the caller may not read records. A record that cannot be read is an item of
/// the list; one that has gone meanwhile is left out.
pub async fn list(
    ledger: &dyn Ledger,
    scope: &Scope,
    filter: &ListFilter,
    parallel: usize,
) -> Result<Vec<Item>, Error> {
    let Some(statuses) = filter.likely() else {
        let heads = filter.pick(ledger.heads(scope, None).await?);
        return open(ledger, heads, parallel).await;
    };
    let (heads, peeks) = ledger.heads_with_peeks(scope, &statuses).await?;
    each(ledger, filter.pick(heads), peeks, parallel).await
}

/// Opens the records of `heads`, in their order; at most `parallel` at a time.
///
/// # Errors
/// As [`list`].
pub async fn open(ledger: &dyn Ledger, heads: Vec<Head>, parallel: usize) -> Result<Vec<Item>, Error> {
    let opened = match heads.len() < MANY {
        true => Vec::new(),
        false => ledger.peeks(&heads).await?,
    };
    each(ledger, heads, opened, parallel).await
}

async fn each(ledger: &dyn Ledger, heads: Vec<Head>, opened: Peeks, parallel: usize) -> Result<Vec<Item>, Error> {
    let mut opened: HashMap<Key, Result<Box<Peek>, Error>> = opened.into_iter().collect();
    let items =
        stream::iter(heads.into_iter().map(|head| (opened.remove(&head.key), head)).map(|(opened, head)| async move {
            if let Some(peek) = opened {
                return Ok(Some(Item { head, peek }));
            }
            if let Some(object) = &head.misnamed {
                let error = Error::Misnamed { object: object.clone() };
                return Ok(Some(Item { head, peek: Err(error) }));
            }
            match ledger.peek(&head.key).await {
                Err(Error::NotFound(_)) => Ok(None),
                Err(error @ Error::Decode { .. }) => Ok(Some(Item { head, peek: Err(error) })),
                Err(error) => Err(error),
                Ok(peek) => Ok(Some(Item { head, peek: Ok(Box::new(peek)) })),
            }
        }))
        .buffered(parallel.max(1))
        .try_collect::<Vec<_>>()
        .await?;
    Ok(items.into_iter().flatten().collect())
}
