//! Rendering with no cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use api::{InputError, Problem, Reason, TemplateBody, TemplateResult};
use chart::capabilities::KubeVersion;
use engine::{Settings, Template, Templated};
use render::manifests::{HookEvent, Shape, TemplateOptions, template_output};
use render::{Capabilities, Release};

use crate::ctx::{Ctx, Outcome, check_namespace};
use crate::reply::{self, Reply};
use crate::{convert, problems};

/// What `helm template` calls a release without a name, and where it puts one without a namespace.
const NAME: &str = "release-name";
const NAMESPACE: &str = "default";

pub(super) async fn template(ctx: Ctx) -> Outcome {
    let body: TemplateBody = ctx.input("TemplateBody")?;
    let release = release(&body)?;
    let capabilities = capabilities(&body)?;
    let wanted = body.chart.as_ref().ok_or_else(|| wrong("/chart", "missing"))?;
    let base = convert::to_yaml_map(&body.values);
    let values = convert::user_values(base, &body.values_input()).map_err(Problem::input)?;
    let chart = convert::resolve_chart(&ctx.app, wanted).await?;
    let name = chart.metadata.name.clone();
    let template = Template {
        capabilities,
        shape: Shape { include_crds: body.include_crds, hide_secret: false, subchart_notes: body.subchart_notes },
        skip_schema_validation: body.skip_schema_validation,
        ..Template::new(chart::Chart::clone(&chart), values, release, (ctx.app.config.now)())
    };
    let templated = render(template, &name).await?;
    let options = TemplateOptions { skip_tests: body.skip_tests, no_hooks: body.hooks.disabled, show_only: Vec::new() };
    if ctx.media().text {
        let text = template_output(&templated.rendered, &options).map_err(reply::internal)?;
        return Reply::ok().text(&ctx, "application/yaml", text);
    }
    Reply::ok().value(&ctx, &result(templated, &options))
}

/// Renders on a thread of its own, within the budgets of a server.
async fn render(template: Template, name: &str) -> Result<Templated, Box<Problem>> {
    let Settings { limits, time } = Settings::guarded();
    let interrupt = Arc::new(AtomicBool::new(false));
    let _stop = StopOnDrop(Arc::clone(&interrupt));
    let template = Template { limits, interrupt: Some(interrupt), ..template };
    let work = tokio::task::spawn_blocking(move || template.render(&mut |_| {}));
    let done = match time {
        None => work.await,
        Some(time) => match tokio::time::timeout(time, work).await {
            Ok(done) => done,
            Err(_) => return Err(problems::of(engine::Error::RenderTime(time))),
        },
    };
    done.map_err(reply::internal)?.map_err(|error| problems::of_chart(error, Some(name)))
}

/// Ends a render that nobody waits for any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn result(templated: Templated, options: &TemplateOptions) -> TemplateResult {
    let rendered = templated.rendered;
    let shown = |hook: &render::manifests::Hook| {
        !options.no_hooks && !(options.skip_tests && hook.events.contains(&HookEvent::Test))
    };
    let hooks = rendered.hooks.into_iter().filter(shown).map(|hook| api::Hook {
        name: hook.name,
        kind: hook.kind,
        path: hook.path,
        events: hook.events.iter().map(|event| event.as_str().to_owned()).collect(),
        weight: hook.weight,
        delete_policies: hook.delete_policies,
        manifest: hook.manifest,
        phase: None,
    });
    TemplateResult { hooks: hooks.collect(), manifest: rendered.manifest, notes: rendered.notes }
}

fn release(body: &TemplateBody) -> Result<Release, Box<Problem>> {
    let name = body.name.as_deref().unwrap_or(NAME);
    release::validate_name(name)
        .map_err(|e| Problem::of_errors(Reason::InvalidReleaseName, vec![InputError::body("/name", e.to_string())]))?;
    let namespace = body.namespace.as_deref().unwrap_or(NAMESPACE);
    check_namespace(namespace)
        .map_err(|text| Problem::of_errors(Reason::InvalidNamespace, vec![InputError::body("/namespace", text)]))?;
    Ok(Release { name: name.to_owned(), namespace: namespace.to_owned(), revision: 1, is_upgrade: body.is_upgrade })
}

fn capabilities(body: &TemplateBody) -> Result<Capabilities, Box<Problem>> {
    let mut capabilities = Capabilities::default();
    if let Some(text) = &body.kube_version {
        capabilities.kube_version = KubeVersion::parse(text)
            .map_err(|error| wrong("/kubeVersion", &format!("invalid kube version '{text}': {error}")))?;
    }
    capabilities.api_versions.extend(body.api_versions.iter().cloned());
    Ok(capabilities)
}

fn wrong(pointer: &str, text: &str) -> Box<Problem> {
    Box::new(Problem::input(vec![InputError::body(pointer, text)]))
}
