//! Plan and run: the only place that composes charts, rendering, releases and the cluster.
//!
//! An [`Intent`] says what a caller wants. [`Engine::plan`] reads what has to be known and turns it into a [`Plan`],
//! changing nothing; [`Engine::run`] acts on the plan, step by step, and tells an [`Observer`] what happens.
//! [`Template`] is the part that needs no cluster.

mod compose;
mod engine;
mod error;
mod event;
mod guard;
mod intent;
mod manifest;
mod plan;
mod query;
mod run;
mod template;

pub use engine::{Engine, Settings};
pub use error::{Error, Failure};
pub use event::{Event, Observer, Phase};
pub use intent::{
    Apply, Cascade, Change, Intent, OnFailure, Rollback, Target, Uninstall, ValueStrategy, Wait, WaitStrategy,
};
pub use plan::{Action, Back, Deletion, Failure as FailurePlan, Plan, Planned, Step, Verb};
pub use template::{Notice, Source, Template, Templated};
