//! An in-process Kubernetes API, good enough to install real charts into.
//!
//! [`Sandbox`] is the whole of it: a [`tower::Service`] that `kube::Client` calls in process, and that `kubectl` and `helm`
//! call over loopback. It keeps objects in memory and behaves as Kubernetes 1.36: discovery, server-side apply with field
//! ownership, patches, watches, validation, cascading deletion; its controllers roll workloads out, complete jobs and bind
//! claims. No container runs.
//!
//! ```
//! # async fn example() -> Result<(), kube::Error> {
//! let sandbox = sandbox::Sandbox::default();
//! let client = sandbox.client();
//! let version = client.apiserver_version().await?;
//! # let _ = version; Ok(())
//! # }
//! ```

mod apply;
mod authz;
mod clock;
mod config;
mod controllers;
mod discovery;
mod faults;
mod handler;
mod json;
mod kinds;
mod openapi;
mod patch;
mod quantity;
mod random;
mod reply;
mod request;
mod resources;
mod rest;
mod sandbox;
mod schema;
mod selector;
mod service;
mod state;
mod status;
mod store;
mod subresource;
mod table;
mod watch;
mod write;

pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{Config, User};
pub use faults::{ConnectionLost, Fault, Faults, Loss};
pub use sandbox::Sandbox;
pub use service::{SandboxBody, SandboxService, ServeError};
