//! What is known of all revisions, and how news change it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tokio::time::Instant;

use super::row::Row;
use super::view::View;
use super::{Count, Moment, Standing};
use crate::history::{Head, Token};
use crate::ledger::Change;
use crate::name::Key;

/// A release; ordered as lists are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    name: Arc<str>,
    namespace: Arc<str>,
}

/// The revisions of each release, the oldest first.
type Releases = BTreeMap<Place, Vec<Arc<Row>>>;

#[derive(Debug)]
pub(super) struct State {
    releases: Releases,
    /// What a list has found that is not complete yet.
    coming: Option<Releases>,
    /// What was deleted here and may still be heard of, with the version it had.
    deleted: HashMap<Key, u64>,
    /// Texts that are the same in many rows.
    texts: BTreeSet<Arc<str>>,
    /// The version up to which the watch has told; what was only written here does not count.
    as_of: u64,
    pub(super) standing: Standing,
    /// Since when the watch has broken off.
    pub(super) broken: Option<Instant>,
    /// The view of what there is, as long as nothing changes.
    pub(super) view: Option<Arc<View>>,
    /// The view before it.
    last: Option<Arc<View>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            releases: Releases::new(),
            coming: None,
            deleted: HashMap::new(),
            texts: BTreeSet::new(),
            as_of: 0,
            standing: Standing::Starting,
            broken: None,
            view: None,
            last: None,
        }
    }
}

impl State {
    /// Takes in news; tells whether anything is different now, were it only how far they go.
    pub(super) fn take(&mut self, change: Change) -> bool {
        let told = match &change {
            // Pages of a list are no place in what happens.
            Change::Heads(heads) if self.coming.is_none() => heads.last().map(|head| number(&head.token)),
            Change::Gone(_, token) | Change::Alive(token) if self.coming.is_none() => Some(number(token)),
            // A list may begin a new history, such as that of a cluster that was restored.
            Change::Complete(token) => {
                self.as_of = 0;
                Some(number(token))
            }
            _ => None,
        };
        let moved = told.is_some_and(|told| told > self.as_of);
        if let Some(told) = told.filter(|_| moved) {
            self.as_of = told;
        }
        self.take_in(change) || moved
    }

    fn take_in(&mut self, change: Change) -> bool {
        match change {
            Change::Begin => {
                self.coming = Some(Releases::new());
                false
            }
            Change::Heads(heads) => {
                let mut any = false;
                for head in heads {
                    any |= self.put(head, None);
                }
                any
            }
            Change::Complete(as_of) => {
                self.complete(number(&as_of));
                true
            }
            Change::Gone(key, token) => self.remove(&key, number(&token)),
            Change::Alive(_) => std::mem::replace(&mut self.standing, Standing::Current) != Standing::Current,
        }
    }

    /// Takes in a revision, with what is known of its record; an older version than the one that is known is passed over.
    pub(super) fn put(&mut self, head: Head, known: Option<crate::glance::Glance>) -> bool {
        let version = number(&head.token);
        if self.deleted.get(&head.key).is_some_and(|gone| version <= *gone) {
            return false;
        }
        let place = Place { name: self.text(&head.key.name), namespace: self.text(&head.key.namespace) };
        let row = Row::new(head, place.namespace.clone(), place.name.clone());
        if let Some(glance) = known {
            let _ = row.see(Ok(glance));
        }
        let row = Arc::new(row);
        // While a list is on its way, what it says is not shown; but what is written here is both.
        if let Some(coming) = &mut self.coming {
            let there = self.releases.get(&place).and_then(|rows| find(rows, row.revision));
            let row = match there {
                Some(there) if there.version == row.version => there.clone(),
                _ => row.clone(),
            };
            insert(coming.entry(place.clone()).or_default(), row);
            if self.standing == Standing::Starting {
                return false;
            }
        }
        let changed = insert(self.releases.entry(place).or_default(), row);
        if changed {
            self.view = None;
        }
        changed
    }

    /// Notes that one was deleted here, before anybody has told.
    pub(super) fn deleted(&mut self, key: &Key) -> bool {
        let place = Place { name: key.name.as_str().into(), namespace: key.namespace.as_str().into() };
        let known = self.releases.get(&place).and_then(|rows| find(rows, key.revision)).map(|row| row.version);
        let Some(version) = known else { return false };
        self.deleted.insert(key.clone(), version);
        self.take_out(&place, key.revision, u64::MAX)
    }

    fn remove(&mut self, key: &Key, version: u64) -> bool {
        if self.deleted.get(key).is_some_and(|gone| *gone <= version) {
            self.deleted.remove(key);
        }
        let place = Place { name: key.name.as_str().into(), namespace: key.namespace.as_str().into() };
        self.take_out(&place, key.revision, version)
    }

    fn take_out(&mut self, place: &Place, revision: u32, version: u64) -> bool {
        let mut changed = false;
        let all = [Some(&mut self.releases), self.coming.as_mut()];
        for releases in all.into_iter().flatten() {
            let Some(rows) = releases.get_mut(place) else { continue };
            let before = rows.len();
            // One that was made anew meanwhile stays.
            rows.retain(|row| row.revision != revision || row.version > version);
            changed |= rows.len() != before;
            if rows.is_empty() {
                releases.remove(place);
            }
        }
        if changed {
            self.view = None;
        }
        changed
    }

    /// What the list has found takes the place of what was known, but for what was written after it.
    fn complete(&mut self, as_of: u64) {
        self.standing = Standing::Current;
        let Some(mut coming) = self.coming.take() else { return };
        for (place, rows) in std::mem::take(&mut self.releases) {
            for row in rows.into_iter().filter(|row| as_of > 0 && row.version > as_of) {
                insert(coming.entry(place.clone()).or_default(), row);
            }
        }
        self.releases = coming;
        self.texts.retain(|text| Arc::strong_count(text) > 1);
        self.view = None;
    }

    pub(super) fn view(&mut self) -> Arc<View> {
        if let Some(view) = &self.view {
            return view.clone();
        }
        let rows = self.releases.values().filter_map(|rows| rows.last().cloned()).collect();
        let made = match &self.last {
            Some(last) => View::after(last, rows),
            None => View::new(rows),
        };
        let view = Arc::new(made);
        self.last = Some(view.clone());
        self.view = Some(view.clone());
        view
    }

    /// All of it at this moment.
    pub(super) fn moment(&mut self) -> Moment {
        Moment { view: self.view(), as_of: self.as_of, is_ahead: !self.deleted.is_empty() }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.releases.values().flatten()
    }

    pub(super) fn count(&self) -> Count {
        Count { releases: self.releases.len(), revisions: self.releases.values().map(Vec::len).sum() }
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone());
        new
    }
}

fn number(token: &Token) -> u64 {
    token.0.parse().unwrap_or_default()
}

fn find(rows: &[Arc<Row>], revision: u32) -> Option<&Arc<Row>> {
    rows.binary_search_by_key(&revision, |row| row.revision).ok().and_then(|at| rows.get(at))
}

/// Puts a row in its place; `false` when a newer version of it is there, or the same.
fn insert(rows: &mut Vec<Arc<Row>>, row: Arc<Row>) -> bool {
    match rows.binary_search_by_key(&row.revision, |row| row.revision) {
        Ok(at) => match rows.get_mut(at) {
            // Versions that are no numbers are all 0, and the last one told counts.
            Some(there) if row.version > there.version || row.version == 0 => {
                *there = row;
                true
            }
            Some(there) => {
                if there.version == row.version {
                    there.learn(&row);
                }
                false
            }
            None => false,
        },
        Err(at) => {
            rows.insert(at, row);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks::Marks;
    use crate::status::Status;

    fn head(name: &str, revision: u32, version: u64) -> Head {
        Head {
            key: Key::new("web", name, revision),
            status: Status::Deployed,
            token: Token(version.to_string()),
            labels: BTreeMap::new(),
            marks: Marks::default(),
            system: BTreeMap::new(),
            misnamed: None,
        }
    }

    fn shown(state: &mut State) -> Vec<(String, u32, u64)> {
        state.view().rows().iter().map(|row| (row.name().to_owned(), row.revision(), row.version())).collect()
    }

    fn token(version: u64) -> Token {
        Token(version.to_string())
    }

    #[test]
    fn news_come_in_any_order() {
        let mut state = State::default();
        state.take(Change::Begin);
        assert!(!state.take(Change::Heads(vec![head("b", 1, 5), head("a", 1, 4), head("a", 2, 6)])));
        assert_eq!((shown(&mut state), &state.standing), (vec![], &Standing::Starting));
        assert!(state.take(Change::Complete(token(7))));
        assert_eq!(shown(&mut state), [("a".into(), 2, 6), ("b".into(), 1, 5)]);
        // What is older than what is known is passed over; what is gone leaves the one before.
        assert!(!state.take(Change::Heads(vec![head("a", 2, 5)])));
        assert!(state.take(Change::Heads(vec![head("a", 2, 8)])));
        assert!(!state.take(Change::Gone(Key::new("web", "a", 2), token(7))));
        assert!(state.take(Change::Gone(Key::new("web", "a", 2), token(9))));
        assert_eq!(shown(&mut state), [("a".into(), 1, 4), ("b".into(), 1, 5)]);
    }

    #[test]
    fn how_far_it_goes_is_what_the_watch_has_told() {
        let mut state = State::default();
        state.take(Change::Begin);
        state.take(Change::Heads(vec![head("a", 1, 4)]));
        assert_eq!(state.moment().as_of, 0, "a page is no place");
        state.take(Change::Complete(token(7)));
        assert_eq!(state.moment().as_of, 7);
        assert!(state.put(head("b", 1, 9), None) && state.deleted(&Key::new("web", "a", 1)));
        let moment = state.moment();
        assert_eq!((moment.as_of, moment.is_ahead), (7, true), "others may have written 8");
        assert!(state.take(Change::Heads(vec![head("b", 1, 9)])), "nothing new but how far it goes");
        state.take(Change::Gone(Key::new("web", "a", 1), token(10)));
        let moment = state.moment();
        assert_eq!((moment.as_of, moment.is_ahead), (10, false));
        assert!(state.take(Change::Alive(token(12))) && !state.take(Change::Alive(token(11))));
        assert_eq!(state.moment().as_of, 12);
        // The list of a cluster that was restored.
        state.take(Change::Begin);
        state.take(Change::Complete(token(3)));
        assert_eq!(state.moment().as_of, 3);
    }

    #[test]
    fn what_is_written_here_is_seen_at_once_and_stays() {
        let mut state = State::default();
        state.take(Change::Begin);
        state.take(Change::Complete(token(1)));
        assert!(state.put(head("a", 1, 10), Some(crate::glance::Glance::default())));
        let view = state.view();
        state.take(Change::Heads(vec![head("a", 1, 10)]));
        assert!(Arc::ptr_eq(&view, &state.view()), "the watch tells the same");
        // A list that is older than what was written does not take it away.
        state.take(Change::Begin);
        state.take(Change::Complete(token(9)));
        assert_eq!(shown(&mut state), [("a".into(), 1, 10)]);
        // One that was deleted here is not brought back by old news, but by new ones.
        assert!(state.deleted(&Key::new("web", "a", 1)));
        state.take(Change::Heads(vec![head("a", 1, 10)]));
        assert_eq!(shown(&mut state), []);
        state.take(Change::Gone(Key::new("web", "a", 1), token(11)));
        assert!(state.take(Change::Heads(vec![head("a", 1, 12)])));
        assert_eq!(shown(&mut state), [("a".into(), 1, 12)]);
        // A later list without it takes it away.
        state.take(Change::Begin);
        state.take(Change::Complete(token(13)));
        assert_eq!(shown(&mut state), []);
    }
}
