use api::ReleaseRef;

use super::*;
use crate::operations::listing::Listing;

fn entry() -> Arc<Entry> {
    let listing = Listing {
        id: "1".into(),
        kind: Kind::Install,
        release: ReleaseRef { cluster: "default".into(), namespace: "web".into(), name: "a".into() },
        state: State::Running,
        created_at: Timestamp::UNIX_EPOCH,
        finished_at: None,
        expires_at: None,
        at_home: false,
        caller: None,
        cancel: false,
        queue: false,
        key: None,
    };
    let events = vec![Event::Phase { phase: Phase::Plan }];
    Entry::new(Stored { operation: listing.operation(), events, run: Run::default() })
}

fn store(entry: &Entry) {
    if let Some(stored) = entry.unstored() {
        entry.stored(stored);
    }
}

fn finish(entry: &Entry, end: Result<OperationResult, Box<Problem>>) {
    entry.finish(end, Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    store(entry);
}

#[test]
fn only_what_is_stored_is_told() {
    let entry = entry();
    entry.event(Event::Phase { phase: Phase::Apply });
    assert_eq!(entry.events_after(0).len(), 1);
    let stored = entry.unstored().unwrap();
    entry.event(Event::warning("later"));
    entry.stored(stored);
    assert_eq!(entry.events_after(0).len(), 2);
    entry.finish(Ok(OperationResult::default()), Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    assert!(!entry.operation().done);
    store(&entry);
    assert!(entry.operation().done);
    assert!(entry.unstored().is_none());
}

#[test]
fn the_end_is_told_again_and_nothing_after_it() {
    let entry = entry();
    entry.event(Event::Phase { phase: Phase::Apply });
    entry.event(Event::Phase { phase: Phase::Apply });
    store(&entry);
    assert_eq!(entry.events_after(0).len(), 2);
    assert!(entry.events_after(2).is_empty());
    finish(&entry, Ok(OperationResult::default()));
    entry.event(Event::warning("late"));
    store(&entry);
    for seen in [3, 4, 1_000] {
        let events = entry.events_after(seen);
        assert_eq!(events.len(), 1, "{seen}");
        assert_eq!((events[0].0, events[0].1.name()), (3, "done"));
    }
}

#[test]
fn what_is_not_done_can_be_cancelled() {
    let one = entry();
    assert_eq!(one.cancel().unwrap().state, State::Cancelling);
    assert_eq!(one.planned(Kind::Install).unwrap_err().reason, Reason::OperationCancelled);
    finish(&one, Err(cancelled()));
    assert_eq!(one.operation().state, State::Cancelled);
    assert_eq!(one.cancel().unwrap_err().reason, Reason::OperationNotCancellable);
    let late = entry();
    late.planned(Kind::Install).unwrap();
    assert!(!late.cancel_handle().is_cancelled());
    assert_eq!(late.cancel().unwrap().state, State::Cancelling);
    assert!(late.cancel_handle().is_cancelled());
    // It was too late.
    finish(&late, Ok(OperationResult::default()));
    assert_eq!(late.operation().state, State::Succeeded);
}

#[test]
fn what_runs_elsewhere_is_shown_as_it_is_there() {
    let (here, there) = (entry(), entry());
    there.event(Event::Phase { phase: Phase::Apply });
    finish(&there, Err(Box::new(Problem::new(Reason::OperationAbandoned, ""))));
    here.mirror(there.lock().now.clone());
    assert_eq!(here.operation().state, State::Recovered);
    assert_eq!(here.events_after(1).len(), 2);
}
