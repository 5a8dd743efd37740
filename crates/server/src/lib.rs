//! The REST API over the engine.
//!
//! A request goes through [`router()`]: `guard` (who asks: `auth`) → `dispatch` (parameters and body against the
//! contract of crate `api`) → `access` (whether they may) → one handler of `handlers/` → `convert` (body → `engine::Intent`) → `operations` (a
//! change runs there, and its events are kept) → `reply` (JSON or YAML). `problems` is the only place that turns an error
//! of a lower crate into a problem.

mod access;
mod app;
mod auth;
mod body;
mod cache;
mod caller;
mod clusters;
mod config;
mod convert;
mod ctx;
mod docs;
mod guard;
mod handlers;
mod home;
mod hosts;
mod limits;
mod metrics;
mod negotiate;
mod operations;
mod own_repository;
mod page;
mod pieces;
mod problems;
mod reply;
mod repositories;
mod router;
mod run;
mod serve;
mod tls;
mod uploads;
mod watch;

pub use app::App;
pub use auth::{Auth, Network, Oidc, Unusable, keys};
pub use clusters::{ClusterInfo, ClusterName, patient};
pub use config::{Clock, Config, Limits, Traced};
pub use convert::revision_diff;
pub use hosts::Hosts;
pub use own_repository::OwnRepository;
pub use router::router;
pub use serve::{ServeError, bind, serve};
pub use tls::{Tls, TlsError};
