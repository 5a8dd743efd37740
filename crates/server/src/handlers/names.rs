//! Names of releases, given or made up (as Helm 4.3: `pkg/action/install.go NameAndChart, TemplateName`).

use api::{ChangeBody, InputError, Problem, Reason};
use engine::Error;
use jiff::Timestamp;

use crate::ctx::Ctx;
use crate::{convert, problems};

/// The name that the body of an install gives or wants to be made up; the one that was made up before when the install is gone
/// on with.
pub(super) async fn of(ctx: &Ctx, body: &ChangeBody) -> Result<String, Box<Problem>> {
    if let Some(resumed) = &ctx.resumed {
        return Ok(resumed.name.clone());
    }
    let now = (ctx.app.config.now)();
    let (name, pointer) = match (&body.name, body.generate_name, &body.name_template) {
        (Some(name), false, None) => (name.clone(), "/name"),
        (None, true, None) => (generated(ctx, body, now).await?, "/generateName"),
        (None, false, Some(template)) => (templated(ctx, template.clone(), now).await?, "/nameTemplate"),
        (None, false, None) => {
            return Err(wrong(
                "/name",
                "POST needs the release's name in the body, or `generateName` or `nameTemplate`",
            ));
        }
        _ => return Err(wrong("/name", "give one of `name`, `generateName` and `nameTemplate`")),
    };
    check(&name, pointer)?;
    Ok(name)
}

/// The chart's name and the seconds of the clock.
async fn generated(ctx: &Ctx, body: &ChangeBody, now: Timestamp) -> Result<String, Box<Problem>> {
    let wanted = body.chart.as_ref().ok_or_else(|| wrong("/chart", "missing; only PATCH can leave it out"))?;
    let chart = convert::resolve_chart(ctx, wanted).await?;
    Ok(format!("{}-{}", chart.metadata.name, now.as_second()))
}

/// What a template gives.
pub(super) async fn templated(ctx: &Ctx, template: String, now: Timestamp) -> Result<String, Box<Problem>> {
    let made = ctx.app.clusters.settings().guard(move |limits, interrupt| {
        render::template_name_within(&template, now, None, &limits, Some(interrupt)).map_err(Error::from)
    });
    made.await.map_err(|error| match error {
        Error::Render(render::RenderError::Template { message, .. }) => wrong("/nameTemplate", &message),
        error => problems::of(error),
    })
}

/// Checks a name by Helm's rule.
pub(super) fn check(name: &str, pointer: &str) -> Result<(), Box<Problem>> {
    release::validate_name(name).map_err(|error| {
        let errors = vec![InputError::body(pointer, error.to_string())];
        Box::new(Problem::of_errors(Reason::InvalidReleaseName, errors))
    })
}

fn wrong(pointer: &str, text: &str) -> Box<Problem> {
    Box::new(Problem::input(vec![InputError::body(pointer, text)]))
}
