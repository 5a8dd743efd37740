//! One file per verb.

pub(crate) mod serve;
pub(crate) mod template;
