//! The heap of the binary.

use mimalloc::MiMalloc;

/// A server reads lists of hundreds of megabytes through several threads and keeps a little of each page. The C library's
/// heaps, one for each thread, are full of holes afterwards and are not given back; this one gives back what is free.
#[global_allocator]
static HEAP: MiMalloc = MiMalloc;

/// How long the heap keeps what is free before it gives it back, in milliseconds, and the variable that says so.
const KEEPS: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "10");

/// Begins this process anew with a heap that gives back at once what is free, for a process that stays. It would keep that for a
/// second otherwise, in which a list of ten thousand records goes by. The heap reads its variable before `main` and never again.
#[cfg(unix)]
pub(crate) fn give_back_at_once() {
    use std::os::unix::process::CommandExt;
    if std::env::var_os(KEEPS.0).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut args = std::env::args_os();
    let mut again = std::process::Command::new(program);
    if let Some(name) = args.next() {
        again.arg0(name);
    }
    // This comes back when it has failed, and then all is as it was.
    let _ = again.args(args).env(KEEPS.0, KEEPS.1).exec();
}

/// Does nothing where a process cannot begin anew as the same.
#[cfg(not(unix))]
pub(crate) fn give_back_at_once() {
    let _ = KEEPS;
}
