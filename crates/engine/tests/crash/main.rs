//! Every command dies at every call, and the next one must not notice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

#[allow(dead_code, reason = "each file of tests needs other helpers")]
#[path = "../common/mod.rs"]
mod common;
mod faults;
mod matrix;
mod process;
mod scenarios;
mod survey;
