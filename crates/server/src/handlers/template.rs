//! Rendering with no cluster.

use crate::ctx::{Ctx, Outcome};

pub(super) async fn template(ctx: Ctx) -> Outcome {
    let body: api::TemplateBody = ctx.input("TemplateBody")?;
    let _ = body;
    Err(crate::reply::internal("wip"))
}
