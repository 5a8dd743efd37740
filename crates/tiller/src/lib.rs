//! Helm 2: the protocol that its clients and Tiller speak, the records that Tiller keeps, and the way from them to Helm 4.
//!
//! * [`hapi`] has the messages, compiled from protos of our own;
//! * [`record`] turns a stored record into a message and back, and [`Store`] finds the records in a cluster;
//! * [`convert`] makes a Helm 4 release of one;
//! * [`Migration`] brings all of them over: it says what it would do, does it, and cleans up.

mod bridge;
mod convert;
mod error;
pub mod hapi;
mod loaded;
mod migrate;
pub mod record;
mod store;

pub use bridge::{Bridge, BridgeError, BridgeLedger, BridgeTls};
pub use convert::{ConvertError, convert};
pub use error::Error;
pub use loaded::{NoMetadata, loaded};
pub use migrate::{Cleaned, Migrated, Migration, Planned, Standing, Step, Wanted};
pub use store::{DEFAULT_NAMESPACE, Driver, Head, RecordError, Store, Stored};
