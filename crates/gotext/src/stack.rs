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

/// Runs a function on a thread of its own with a stack of [`BIG_STACK`] bytes, and waits for it.
///
/// Rendering should go through this: elsewhere deep templates end in an error of [`crate::Limit::Depth`] early.
/// A panic of the function comes through. Errors are those of starting a thread.
pub fn with_big_stack<T: Send>(f: impl FnOnce() -> T + Send) -> io::Result<T> {
    with_stack(BIG_STACK, f)
}

/// Runs a function on a thread of its own with a stack of the given size, and waits for it.
pub fn with_stack<T: Send>(bytes: usize, f: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let run = move || {
            FLOOR.set(Some(here().saturating_sub(bytes.saturating_sub(RESERVE))));
            f()
        };
        let thread = std::thread::Builder::new().stack_size(bytes).spawn_scoped(scope, run)?;
        match thread.join() {
            Ok(value) => Ok(value),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
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
