//! The release record, its codec, and the ledger that keeps records.
//!
//! A [`Release`] is one revision. [`codec`] turns it into the text that Helm stores and back; a [`Ledger`] keeps
//! records in Secrets ([`SecretLedger`]), ConfigMaps ([`ConfigMapLedger`]), Postgres ([`SqlLedger`]) or memory
//! ([`MemoryLedger`]). [`History`]
//! answers which revision is the last, which is deployed, and which to prune; [`list`] shows the newest revision of
//! many releases without opening the others.

pub mod codec;
mod error;
mod glance;
mod history;
mod hook;
mod json;
mod ledger;
mod list;
mod marks;
mod name;
mod peek;
mod record;
mod selector;
mod size;
mod status;
mod time;
mod watched;
pub mod whole;
mod word;

pub use error::Error;
pub use glance::Glance;
pub use history::{Head, History, Token};
pub use hook::{DeletePolicy, Hook, HookEvent, HookExecution, HookPhase, LogPolicy};
pub use json::to_vec as go_json;
pub use ledger::{
    Change, Clock, ConfigMapLedger, Glances, Ledger, MemoryLedger, Past, Peeks, Record, Scope, SecretLedger, SqlLedger,
    Touched, check_labels, past,
};
pub use list::{Item, ListFilter, NameTest, list, open};
pub use marks::Marks;
pub use name::{InvalidName, Key, MAX_NAME, validate_name};
pub use peek::Peek;
pub use record::{ApplyMethod, Info, Release};
pub use selector::{InvalidSelector, Selector};
pub use size::{Part, TooLarge, check, parts};
pub use status::{Status, UnknownStatus};
pub use time::Time;
pub use watched::{Moment, Row, Sort, Standing, TouchedRows, View, Watched};
