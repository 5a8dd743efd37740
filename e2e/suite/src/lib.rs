//! The end-to-end suites: whipstaff as a user meets it, over HTTP, against the sandbox and against a real control plane,
//! and side by side with the real Helm.
//!
//! [`run`] builds what is needed (see [`fixture`]), starts it, runs every case that can run and ends all of it again.
//! `cargo xtask e2e` is its command line.

mod archive;
mod cases;
mod check;
mod cluster;
mod corpus;
pub mod fixture;
mod helm;
mod http;
pub mod judge;
mod options;
mod postgres;
mod process;
mod rest;
mod runner;
pub mod script;
mod server;
mod session;
mod tools;

pub use options::{Options, Target};
pub use postgres::Postgres;
pub use runner::Summary;
pub use session::{run, whipstaff};
