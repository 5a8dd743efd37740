//! Doing something with many things, some at once, and telling of them in their order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// What [`each`] tells of an item.
#[derive(Debug)]
pub enum Turn<R> {
    /// All before it are told of, and it is waited for.
    Begins,
    /// It is done.
    Done(R),
}

/// Does something with each item, `at_once` of them at a time, and tells of each in the order of the items, as soon as it
/// and all before it are there.
///
/// # Errors
/// The first that `tell` gives; nothing is begun after it.
pub fn each<T: Sync, R: Send, E>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> R + Sync,
    mut tell: impl FnMut(&T, Turn<R>) -> Result<(), E>,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..at_once.min(items.len()) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((at, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
                {
                    // Nobody is left to be told when something went wrong.
                    let _ = sender.send((at, work(item)));
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut in_turn = || {
            for (due, item) in items.iter().enumerate() {
                tell(item, Turn::Begins)?;
                let result = loop {
                    match early.remove(&due) {
                        Some(result) => break Some(result),
                        None => match receiver.recv() {
                            Ok((at, result)) => early.insert(at, result),
                            Err(_) => break None,
                        },
                    };
                };
                let Some(result) = result else { break };
                tell(item, Turn::Done(result))?;
            }
            Ok(())
        };
        let told = in_turn();
        next.store(items.len(), Ordering::Relaxed);
        told
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        let items: Vec<usize> = (0..40).collect();
        let mut told = Vec::new();
        let done = each(
            &items,
            4,
            |item| item * 2,
            |item, turn| {
                told.push((
                    *item,
                    match turn {
                        Turn::Begins => None,
                        Turn::Done(double) => Some(double),
                    },
                ));
                if *item == 20 { Err(()) } else { Ok(()) }
            },
        );
        assert_eq!(done, Err(()));
        let mut want: Vec<_> = (0..20).flat_map(|item| [(item, None), (item, Some(item * 2))]).collect();
        want.push((20, None));
        assert_eq!(told, want);
    }
}
