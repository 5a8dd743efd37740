//! Doing the same with many things, several at a time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Fewer bytes are not worth a second thread.
const WORTH_A_THREAD: usize = 64 << 10;

/// More threads than this are of no use to any chart seen.
const MAX_THREADS: usize = 4;

/// Gives the number of threads that are worth it for so many bytes of text.
pub(crate) fn worth(bytes: usize) -> usize {
    if bytes < WORTH_A_THREAD {
        return 1;
    }
    // To ask is slow: it reads files of the system.
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    let processors = PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from));
    (*processors).min(MAX_THREADS).min(1 + bytes / WORTH_A_THREAD)
}

/// Hands the numbers of things out, each once.
#[derive(Default)]
pub(crate) struct Next(AtomicUsize);

impl Next {
    pub(crate) fn take<'t, T>(&self, things: &'t [T]) -> Option<(usize, &'t T)> {
        let at = self.0.fetch_add(1, Ordering::Relaxed);
        things.get(at).map(|thing| (at, thing))
    }
}

/// Does something with each thing and gives the results in the order of the things. The stacks are small: it must not
/// recurse deeply.
pub(crate) fn side_by_side<T: Sync, R: Send>(
    things: &[T],
    bytes: impl Fn(&T) -> usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let threads = worth(things.iter().map(bytes).sum());
    if threads == 1 {
        return things.iter().map(work).collect();
    }
    let next = Next::default();
    let share = || std::iter::from_fn(|| next.take(things)).map(|(at, thing)| (at, work(thing))).collect::<Vec<_>>();
    let mut results = std::thread::scope(|scope| {
        let start = || std::thread::Builder::new().spawn_scoped(scope, share);
        let others: Vec<_> = (1..threads).map_while(|_| start().ok()).collect();
        let mut results = share();
        for other in others {
            results.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    });
    results.sort_unstable_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
