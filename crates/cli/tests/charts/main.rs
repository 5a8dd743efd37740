//! Commands that make charts: `create`, `package`, and `verify` of what was signed. The texts are Helm's.

#![allow(missing_docs, dead_code, clippy::unwrap_used, unreachable_pub)]

#[path = "../common/mod.rs"]
mod common;
mod creating;
mod packing;
mod signing;
