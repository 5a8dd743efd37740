//! What goes over the wire.
#![allow(clippy::unwrap_used, clippy::panic)]

mod calls;
mod fake;
mod waiting;
