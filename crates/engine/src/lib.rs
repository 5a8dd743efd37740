//! Plan and run: the only place that composes charts, rendering, releases and the cluster.
//!
//! An [`Intent`] says what a caller wants. [`Engine::plan`] reads what has to be known and turns it into a [`Plan`],
//! changing nothing; [`Engine::run`] acts on the plan, step by step, and tells an [`Observer`] what happens.
//! [`Template`] is the part that needs no cluster.

mod cancel;
mod compare;
mod compose;
mod engine;
mod error;
mod event;
mod explain;
mod guard;
mod intent;
mod live;
mod lock;
mod manifest;
mod plan;
mod query;
mod run;
mod template;

pub use cancel::Cancel;
pub use compare::{Compared, Comparison, ObjectChange};
pub use engine::{Engine, Settings};
pub use error::{Error, Failure};
pub use event::{Event, Observer, Phase};
pub use intent::{
    Apply, Cascade, Change, Crds, Intent, Method, OnFailure, Rollback, Target, Test, Uninstall, Unlock, ValueStrategy,
    Wait, WaitStrategy,
};
pub use live::{Drift, LiveObject, ObjectEvent};
pub use lock::Holder;
pub use manifest::documents;
pub use plan::{Action, Back, Deletion, Ending, Failure as FailurePlan, Plan, Planned, Rejection, Step, Verb};
pub use query::Form;
pub use run::Tested;
pub use template::{Notice, Source, Template, Templated, check_chart, check_complete};
