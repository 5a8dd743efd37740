//! Running commands, several at a time, and keeping what they print.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};

/// The binary that was asked for; else the workspace's own is built.
pub(crate) fn whipstaff(asked: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = asked {
        return Ok(std::path::absolute(path)?);
    }
    crate::succeed(crate::cargo().args(["build", "--quiet", "--package", "whipstaff"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| crate::root().join("target"), PathBuf::from);
    Ok(target.join("debug/whipstaff"))
}

/// What a command did, with what is random masked.
#[derive(Clone, PartialEq)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// Takes what a command printed, each text through a mask. A command that a signal ended has the code -1.
    pub(crate) fn masked(output: &Output, mask: impl Fn(&[u8]) -> String) -> Self {
        Self { code: output.status.code().unwrap_or(-1), stdout: mask(&output.stdout), stderr: mask(&output.stderr) }
    }
}

/// Calls a function for the numbers below `count` on a few threads; stops at the first error.
pub(crate) fn in_parallel(jobs: usize, count: usize, one: impl Fn(usize) -> Result<()> + Sync) -> Result<()> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let threads = (0..jobs.max(1)).map(|_| {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return Ok(());
                    }
                    one(at).inspect_err(|_| next.store(count, Ordering::Relaxed))?;
                }
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a thread died")))
    })
}
