//! The native stack: templates nest as deep as their author likes, and must never run out of it.

use std::cell::Cell;
use std::io;

/// Enough for Go's 100,000 nested templates. Only what is used of it is ever backed by memory.
pub const BIG_STACK: usize = 1 << 30;

/// What is taken for granted of a thread that was not started by [`with_big_stack`].
const ASSUMED: usize = 768 << 10;

/// What is left for functions called at the very end.
const RESERVE: usize = 256 << 10;

thread_local! {
    /// The address at which the stack ends for our purposes.
    static FLOOR: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs a function on a thread of its own with a stack of [`BIG_STACK`] bytes, and waits for it; on such a thread it runs
/// where it is.
///
/// Rendering should go through this: elsewhere deep templates end in an error of [`crate::Limit::Depth`] early.
/// A panic of the function comes through. Errors are those of starting a thread.
pub fn with_big_stack<T: Send>(f: impl FnOnce() -> T + Send) -> io::Result<T> {
    if FLOOR.get().is_some_and(|floor| here().saturating_sub(floor) > BIG_STACK / 2) {
        return Ok(f());
    }
    with_stack(BIG_STACK, f)
}

/// Runs a function on a thread of its own with a stack of the given size, and waits for it.
pub fn with_stack<T: Send>(bytes: usize, f: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(bytes).spawn_scoped(scope, on_stack(bytes, f))?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Runs a function on up to `count` threads at once, each with a stack of [`BIG_STACK`] bytes, and gives all results.
/// One of them is this thread, if it has such a stack.
///
/// A panic of the function comes through. It is an error when there is no such stack to be had.
pub fn with_big_stacks<T: Send>(count: usize, f: impl Fn() -> T + Sync) -> io::Result<Vec<T>> {
    std::thread::scope(|scope| {
        let start = || std::thread::Builder::new().stack_size(BIG_STACK).spawn_scoped(scope, on_stack(BIG_STACK, &f));
        let others: Vec<_> = (1..count).map_while(|_| start().ok()).collect();
        let own = with_big_stack(&f)?;
        let others = others.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        Ok(std::iter::once(own).chain(others).collect())
    })
}

/// Starts a thread with a stack of [`BIG_STACK`] bytes. Errors are those of starting a thread.
pub fn spawn_on_big_stack<T: Send + 'static>(
    f: impl FnOnce() -> T + Send + 'static,
) -> io::Result<std::thread::JoinHandle<T>> {
    std::thread::Builder::new().stack_size(BIG_STACK).spawn(on_stack(BIG_STACK, f))
}

/// Makes a thread's function know where its stack ends.
fn on_stack<T>(bytes: usize, f: impl FnOnce() -> T) -> impl FnOnce() -> T {
    move || {
        FLOOR.set(Some(here().saturating_sub(bytes.saturating_sub(RESERVE))));
        if bytes == BIG_STACK {
            widen_heap();
        }
        f()
    }
}

/// Makes room on the heap of this thread: that of glibc otherwise grows by a page at a time, with a call of the system for
/// each, for all threads but the first. No memory is touched, so that none is taken.
fn widen_heap() {
    const ROOM: usize = 8 << 20;
    // The first goes past the heap, and shows that sizes like it come and go; the second makes the heap as large.
    for _ in 0..2 {
        drop(std::hint::black_box(Vec::<u8>::with_capacity(ROOM)));
    }
}

/// Roughly the address of the top of the stack.
#[inline(always)]
fn here() -> usize {
    let marker = 0u8;
    std::ptr::from_ref(std::hint::black_box(&marker)).addr()
}

/// The floor of this thread's stack, to be asked once and handed to [`exhausted`].
pub(crate) fn floor() -> usize {
    FLOOR.get().unwrap_or_else(|| here().saturating_sub(ASSUMED))
}

/// Whether the stack has come near its floor.
#[inline(always)]
pub(crate) fn exhausted(floor: usize) -> bool {
    here() < floor
}
