//! Doing several things at a time.

use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

/// Fewer bytes are not worth a second thread.
const WORTH_A_THREAD: usize = 64 << 10;

/// More threads than this are of no use to any chart seen.
const MAX_THREADS: usize = 4;

/// How many processors there are. To ask is slow: it reads files of the system.
static PROCESSORS: OnceLock<usize> = OnceLock::new();

fn processors() -> usize {
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Gives the number of threads that are worth it for so many bytes of text.
pub(crate) fn worth(bytes: usize) -> usize {
    if bytes < WORTH_A_THREAD { 1 } else { of(processors(), bytes) }
}

/// The same without asking how many processors there are: until a [`Helper`] has, two.
pub(crate) fn worth_at_once(bytes: usize) -> usize {
    of(PROCESSORS.get().copied().unwrap_or(2), bytes)
}

fn of(processors: usize, bytes: usize) -> usize {
    processors.min(MAX_THREADS).min(1 + bytes / WORTH_A_THREAD)
}

/// A thread with a big stack that works something out. Its result is waited for and not its end: it takes the system a
/// while to take such a stack back.
pub(crate) struct Helper<T> {
    result: Receiver<T>,
    thread: JoinHandle<()>,
}

impl<T: Send + 'static> Helper<T> {
    /// Starts one, if there is a thread to be had.
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Option<Self> {
        let (done, result) = channel();
        let work = move || {
            processors();
            // Nobody may be waiting any more.
            let _ = done.send(work());
        };
        Some(Self { result, thread: gotext::spawn_on_big_stack(work).ok()? })
    }

    /// Waits for the result. A panic comes through.
    pub(crate) fn wait(self) -> T {
        let Self { result, thread } = self;
        result.recv().unwrap_or_else(|gone| resume_unwind(thread.join().err().unwrap_or_else(|| Box::new(gone))))
    }
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
