//! Kubernetes: discovery, apply, wait, delete, ownership; one client per caller.
//!
//! A [`Cluster`] is made over a caller's client. Documents become [`Object`]s with [`Cluster::build`]; then
//! [`Cluster::apply`], [`Cluster::delete`], [`Cluster::wait_ready`] and so on do one thing with one object or wait for
//! many, and [`per_kind`] runs any of them over many objects the way Helm does.

mod access;
mod adopt;
mod batch;
mod client_side;
mod cluster;
mod discovery;
mod error;
mod foresight;
mod identity;
mod lease;
mod logs;
mod managed;
mod merge;
mod object;
mod observed;
mod ownership;
mod policy;
mod request;
mod retry;
mod table;
mod table_text;
mod wait;

pub use access::Wish;
pub use adopt::Adopted;
pub use batch::{all, per_kind};
pub use client_side::{Merged, Outcome};
pub use cluster::{Applied, ApplyOptions, Cluster, FIELD_MANAGER, FieldValidation, Propagation, Version};
pub use discovery::{Discovery, Resource, Served};
pub use error::{Action, Cause, Error, FieldConflict, NoMatch, Refusal};
pub use foresight::{FieldChange, changed_fields, differences, is_settled};
pub use identity::{Identity, impersonate};
pub use lease::Lease;
pub use logs::ContainerLog;
pub use merge::Baseline;
pub use object::{Gvk, Object, ObjectRef};
pub use observed::{CallObserver, KubernetesCall, observed};
pub use ownership::{Deletable, Existing, NotOwned, Owner};
pub use policy::{Policy, RESOURCE_POLICY, is_kept, removed, uninstall_policy};
pub use table_text::table_text;
pub use wait::{
    Condition, NotReady, OnChange, Readiness, Status, Strategy, WaitError, WaitOptions, WarningEvent, last_seen,
    readiness,
};
