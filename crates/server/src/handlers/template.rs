//! Rendering with no cluster.

use std::collections::BTreeMap;

use api::{InputError, Problem, Reason, TemplateBody, TemplateResult};
use chart::Chart;
use chart::capabilities::KubeVersion;
use engine::{Notice, Template};
use jiff::Timestamp;
use render::manifests::{HIDDEN, Hook, Rendered, Shape, TemplateOptions, template_output};
use render::{Capabilities, Release};

use super::names;
use crate::ctx::{Ctx, Outcome, check_namespace};
use crate::reply::Reply;
use crate::{convert, problems};

/// What `helm template` calls a release without a name, and where it puts one without a namespace.
const NAME: &str = "release-name";
pub(super) const NAMESPACE: &str = "default";

/// How many templates can be asked for by `showOnly`.
const MAX_SHOWN: usize = 1000;

pub(super) async fn template(ctx: Ctx) -> Outcome {
    let body: TemplateBody = ctx.input("TemplateBody")?;
    let wanted = body.chart.as_ref().ok_or_else(|| wrong("/chart", "missing"))?;
    check(&body)?;
    let capabilities = capabilities(&body)?;
    let base = convert::to_yaml_map(&body.values);
    let values = convert::user_values(base, &body.values_input()).map_err(Problem::input)?;
    let chart = convert::resolve_here(&ctx, wanted).await?;
    let now = (ctx.app.config.now)();
    let name = name(&ctx, &body, now).await?;
    let release = Release {
        name,
        namespace: body.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned()),
        revision: 1,
        is_upgrade: body.is_upgrade,
    };
    let shape = shape(&body);
    let template = Template {
        capabilities,
        shape: shape.clone(),
        skip_schema_validation: body.skip_schema_validation,
        ..Template::new(Chart::clone(&chart), values, release, now)
    };
    let (templated, notices) = ctx
        .app
        .clusters
        .settings()
        .render(template)
        .await
        .map_err(|error| problems::of_chart(error, Some(&chart.metadata.name)))?;
    let mut rendered = templated.rendered;
    for hook in rendered.hooks.iter_mut().filter(|hook| body.hide_secret && hook.kind == "Secret") {
        HIDDEN.clone_into(&mut hook.manifest);
    }
    let options = TemplateOptions {
        skip_tests: body.skip_tests,
        no_hooks: body.hooks.disabled,
        show_only: body.show_only.clone(),
    };
    let text = template_output(&rendered, &options).map_err(|missing| {
        let index = body.show_only.iter().position(|pattern| *pattern == missing.0).unwrap_or_default();
        wrong(&convert::pointer(&["showOnly", &index.to_string()]), &missing.to_string())
    })?;
    if ctx.media().text {
        return Reply::ok().text(&ctx, "application/yaml", text);
    }
    let files = body.per_file.then(|| files(&rendered, &options, &shape));
    let warnings = notices.iter().map(Notice::to_string).collect();
    Reply::ok().value(&ctx, &TemplateResult { files, warnings, ..result(rendered, &options) })
}

fn shape(body: &TemplateBody) -> Shape {
    Shape { include_crds: body.include_crds, hide_secret: body.hide_secret, subchart_notes: body.subchart_notes }
}

/// Takes what is shown. What comes from templates that are not shown is left out of the manifest and the hooks alike.
fn result(rendered: Rendered, options: &TemplateOptions) -> TemplateResult {
    let manifest = match options.show_only.as_slice() {
        [] => rendered.manifest.clone(),
        patterns => {
            // Some of them may only make hooks, which stand elsewhere.
            let shown = |pattern: &String| {
                let only = TemplateOptions { no_hooks: true, show_only: vec![pattern.clone()], skip_tests: false };
                template_output(&rendered, &only).unwrap_or_default()
            };
            patterns.iter().map(shown).collect()
        }
    };
    let hooks = rendered.hooks.into_iter().filter(|hook| options.shows_hook(hook) && options.shows_path(&hook.path));
    TemplateResult {
        hooks: hooks.map(shown_hook).collect(),
        manifest,
        notes: rendered.notes,
        ..TemplateResult::default()
    }
}

fn shown_hook(hook: Hook) -> api::Hook {
    api::Hook {
        name: hook.name,
        kind: hook.kind,
        path: hook.path,
        events: hook.events.iter().map(|event| event.as_str().to_owned()).collect(),
        weight: hook.weight,
        delete_policies: hook.delete_policies,
        manifest: hook.manifest,
        phase: None,
    }
}

/// What `--output-dir` writes: what comes from a template is one file.
fn files(rendered: &Rendered, options: &TemplateOptions, shape: &Shape) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut add = |path: &str, content: &str| {
        if options.shows_path(path) {
            let file = files.entry(path.to_owned()).or_default();
            file.push_str(&format!("---\n# Source: {path}\n{content}\n"));
        }
    };
    for crd in rendered.crds.iter().filter(|_| shape.include_crds) {
        add(&crd.path, &String::from_utf8_lossy(&crd.data));
    }
    rendered.objects.iter().for_each(|object| add(&object.path, shape.content(object)));
    let hooks = rendered.hooks.iter().filter(|hook| options.shows_hook(hook));
    hooks.for_each(|hook| add(&hook.path, &hook.manifest));
    files
}

/// Checks what needs no chart.
fn check(body: &TemplateBody) -> Result<(), Box<Problem>> {
    if body.name.is_some() && body.name_template.is_some() {
        return Err(wrong("/nameTemplate", "gives the name, and so does `name`; leave one of them out"));
    }
    if let Some(name) = &body.name {
        names::check(name, "/name")?;
    }
    if body.show_only.len() > MAX_SHOWN {
        return Err(wrong(
            "/showOnly",
            &format!("expected {MAX_SHOWN} templates at most, found {}", body.show_only.len()),
        ));
    }
    check_namespace_of(body.namespace.as_deref())
}

/// Checks the namespace of a body.
pub(super) fn check_namespace_of(namespace: Option<&str>) -> Result<(), Box<Problem>> {
    check_namespace(namespace.unwrap_or(NAMESPACE)).map_err(|text| {
        Box::new(Problem::of_errors(Reason::InvalidNamespace, vec![InputError::body("/namespace", text)]))
    })
}

/// The release's name, which a template may give.
async fn name(ctx: &Ctx, body: &TemplateBody, now: Timestamp) -> Result<String, Box<Problem>> {
    let Some(template) = body.name_template.clone() else {
        return Ok(body.name.clone().unwrap_or_else(|| NAME.to_owned()));
    };
    let name = names::templated(ctx, template, now).await?;
    names::check(&name, "/nameTemplate")?;
    Ok(name)
}

fn capabilities(body: &TemplateBody) -> Result<Capabilities, Box<Problem>> {
    let mut capabilities = Capabilities::default();
    if let Some(text) = &body.kube_version {
        capabilities.kube_version = kube_version(text)?;
    }
    capabilities.api_versions.extend(body.api_versions.iter().cloned());
    Ok(capabilities)
}

/// Reads the Kubernetes version of a body.
pub(super) fn kube_version(text: &str) -> Result<KubeVersion, Box<Problem>> {
    KubeVersion::parse(text).map_err(|error| wrong("/kubeVersion", &format!("invalid kube version '{text}': {error}")))
}

/// Makes the problem of one place in a body.
pub(super) fn wrong(pointer: &str, text: &str) -> Box<Problem> {
    Box::new(Problem::input(vec![InputError::body(pointer, text)]))
}
