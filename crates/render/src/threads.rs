//! Doing several things at a time.

use std::collections::VecDeque;
use std::mem;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
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
fn worth_at_once(bytes: usize) -> usize {
    of(PROCESSORS.get().copied().unwrap_or(2), bytes)
}

fn of(processors: usize, bytes: usize) -> usize {
    processors.min(MAX_THREADS).min(1 + bytes / WORTH_A_THREAD)
}

/// How many bytes are handed over at once: to wake a thread costs more than a small text.
const BATCH: usize = 32 << 10;

/// Things that other threads work on while more are found, and this one in the end.
pub(crate) struct Crowd<T, R> {
    work: fn(T) -> R,
    queue: Arc<Queue<T>>,
    helpers: Vec<Helper<Vec<R>>>,
    /// The bytes of all things so far.
    bytes: usize,
    /// Things that are not in the queue yet, and their bytes.
    batch: Vec<T>,
    batched: usize,
}

impl<T: Send + 'static, R: Send + 'static> Crowd<T, R> {
    pub(crate) fn new(work: fn(T) -> R) -> Self {
        let (queue, helpers, batch) = (Arc::default(), Vec::new(), Vec::new());
        Self { work, queue, helpers, bytes: 0, batch, batched: 0 }
    }

    /// Adds a thing with so many bytes.
    pub(crate) fn push(&mut self, thing: T, bytes: usize) {
        self.bytes += bytes;
        self.batched += bytes;
        self.batch.push(thing);
        if self.batched >= BATCH {
            self.hand_over();
        }
    }

    /// Puts the batch into the queue, and sees to it that somebody works on it.
    pub(crate) fn hand_over(&mut self) {
        self.batched = 0;
        self.queue.lock().things.extend(self.batch.drain(..));
        self.queue.more.notify_one();
        if worth_at_once(self.bytes) > self.helpers.len() + 1 {
            let (queue, work) = (Arc::clone(&self.queue), self.work);
            // Without a thread there is one less.
            self.helpers.extend(Helper::start(move || queue.work(work)));
        }
    }

    /// Works along until everything is done; gives the results in no order.
    pub(crate) fn finish(mut self) -> Vec<R> {
        self.queue.lock().things.extend(self.batch.drain(..));
        self.queue.close();
        let mut done = self.queue.work(self.work);
        done.extend(mem::take(&mut self.helpers).into_iter().flat_map(Helper::wait));
        done
    }
}

impl<T, R> Drop for Crowd<T, R> {
    /// Who does not wait for the results does not want them.
    fn drop(&mut self) {
        self.queue.lock().things.clear();
        self.queue.close();
    }
}

struct Queue<T> {
    state: Mutex<State<T>>,
    more: Condvar,
}

struct State<T> {
    things: VecDeque<T>,
    /// Nothing more comes.
    closed: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { state: Mutex::new(State { things: VecDeque::new(), closed: false }), more: Condvar::new() }
    }
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the next thing, once there is one; nothing when there will be none.
    fn next(&self) -> Option<T> {
        let waiting = |state: &mut State<T>| state.things.is_empty() && !state.closed;
        self.more.wait_while(self.lock(), waiting).unwrap_or_else(PoisonError::into_inner).things.pop_front()
    }

    fn close(&self) {
        self.lock().closed = true;
        self.more.notify_all();
    }

    /// Works until there is nothing more.
    fn work<R>(&self, work: fn(T) -> R) -> Vec<R> {
        std::iter::from_fn(|| self.next()).map(work).collect()
    }
}

/// A thread with a big stack that works something out. Its result is waited for and not its end: it takes the system a
/// while to take such a stack back.
struct Helper<T> {
    result: Receiver<T>,
    thread: JoinHandle<()>,
}

impl<T: Send + 'static> Helper<T> {
    /// Starts one, if there is a thread to be had.
    fn start(work: impl FnOnce() -> T + Send + 'static) -> Option<Self> {
        let (done, result) = channel();
        let work = move || {
            processors();
            // Nobody may be waiting any more.
            let _ = done.send(work());
        };
        Some(Self { result, thread: gotext::spawn_on_big_stack(work).ok()? })
    }

    /// Waits for the result. A panic comes through.
    fn wait(self) -> T {
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
