//! Plan and run: the only place that composes charts, rendering, releases and the cluster.

mod event;
mod intent;

pub use event::{Event, Observer, Phase};
pub use intent::{
    Apply, Cascade, Change, Intent, OnFailure, Rollback, Target, Uninstall, ValueStrategy, Wait, WaitStrategy,
};
