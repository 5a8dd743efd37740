//! A server that old Helm clients take for Tiller: Helm 2's gRPC protocol over our own engine, with Tiller's records.
//!
//! [`Tiller`] is what is served, [`Tiller::serve`] serves it; [`Tls`] says how. Whoever reaches the address acts with the server's
//! rights, as with Tiller, so it listens on loopback unless clients have to show certificates.

mod failure;
mod objects;
mod releases;
mod serve;
mod service;
mod version;

pub use releases::Clock;
pub use serve::{ServeError, Tiller, Tls};
