//! `template`, as Helm 4.3: `pkg/cmd/template.go`.

use chart::Crd;
use chart::capabilities::KubeVersion;
use render::Capabilities;
use render::manifests::{Hook, HookEvent, Rendered, Shape, TemplateOptions, template_output, template_pieces};

use super::dry_run::{Strategy, strategy};
use super::install;
use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{CHART, Flag, Group, INSTALL, Kind, POST_RENDERER, Parsed, RELEASE, SENDING, VALUES, WAIT};
use crate::output;
use crate::output_dir;
use crate::release::{self, Failed};

static FLAGS: Group = Group {
    title: "Rendering",
    flags: &[
        Flag::of(
            Kind::Array,
            "show-only",
            "PATH",
            "print only what comes from this template; patterns; may be repeated",
        )
        .short('s'),
        Flag::text("output-dir", "DIR", "write a file for each template below this folder instead of printing"),
        Flag::switch("release-name", "put a folder with the release's name below --output-dir"),
        Flag::switch("include-crds", "put the definitions in crds/ in front"),
        Flag::switch("skip-tests", "leave out hooks that are tests"),
        Flag::switch("is-upgrade", "render as for an upgrade: .Release.IsUpgrade instead of .Release.IsInstall"),
        Flag::text("kube-version", "VERSION", "what .Capabilities.KubeVersion says"),
        Flag::of(Kind::Slice, "api-versions", "VERSION", "more for .Capabilities.APIVersions; may be repeated")
            .short('a'),
        Flag::text("dry-run", "HOW", "client: ask no cluster; server: ask one").or("client").alone("unset"),
        Flag::switch("validate", "").deprecated("use '--dry-run=server' instead"),
        Flag::switch("hide-notes", "")
            .deprecated("this flag has no effect for 'helm template' and will be removed in Helm 5"),
        Flag::switch("render-subchart-notes", "")
            .deprecated("this flag has no effect for 'helm template' and will be removed in Helm 5"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "template",
    usage: "template [NAME] [CHART]",
    about: "render a chart and print the manifests",
    long: "Renders a chart with values and prints the manifests that an install would apply.\n\n\
           No cluster is asked, unless with --dry-run=server: `lookup` finds nothing, and .Capabilities are those built\n\
           in, unless --kube-version and --api-versions say otherwise. NAME may be left out; the release is then called\n\
           `release-name`.",
    examples: &[
        "whipstaff template shop ./mychart",
        "whipstaff template shop ./mychart-1.2.3.tgz -n web -f prod.yaml --set replicas=3",
        "whipstaff template shop ./mychart --show-only templates/service.yaml",
        "whipstaff template shop ./mychart --output-dir out",
    ],
    arity: Arity::AtLeast(1),
    takes: &[Takes::Chart, Takes::Chart],
    flags: &[&FLAGS, &VALUES, &CHART, &INSTALL, &RELEASE, &SENDING, &WAIT, &POST_RENDERER],
    exclusive: &[&["validate", "dry-run"], &["force-replace", "force-conflicts"], &["force", "force-conflicts"]],
    run: Some(run),
    ..PLAIN
};

/// The capabilities that the flags ask for.
pub(crate) fn capabilities(flags: &Parsed) -> Outcome<Capabilities> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = flags.some("kube-version") {
        capabilities.kube_version = KubeVersion::parse(version)
            .map_err(|error| Fail::new(format!("invalid kube version '{version}': {error}")))?;
    }
    capabilities.api_versions.extend(flags.list("api-versions").iter().cloned());
    Ok(capabilities)
}

fn run(call: &Call) -> Outcome {
    let flags = &call.flags;
    let capabilities = capabilities(flags)?;
    let how = strategy(flags, true)?;
    if how == Strategy::Server || flags.on("validate") {
        return asked(call);
    }
    let shape = Shape { include_crds: flags.on("include-crds"), ..Shape::default() };
    let prepared = release::prepare(call, "release-name")?;
    let name = prepared.name.clone();
    match release::render(call, prepared, shape, capabilities, flags.on("is-upgrade")) {
        Ok(rendered) => {
            // The process ends now; to free everything one by one before takes as long as a tenth of the rest.
            let rendered = std::mem::ManuallyDrop::new(rendered);
            show(call, &name, &rendered.templated.rendered)
        }
        Err(Failed { fail, partial: None }) => Err(fail),
        // A failed render may still be worth a look, and Helm says how.
        Err(Failed { fail, partial: Some(partial) }) if call.settings.debug => {
            output::print(&format!("{}\n", partial.trim()))?;
            Err(fail)
        }
        Err(Failed { fail, .. }) => {
            Err(Fail { text: format!("{}\n\nUse --debug flag to render out invalid YAML", fail.text), ..fail })
        }
    }
}

/// Renders with what the cluster says.
fn asked(call: &Call) -> Outcome {
    if call.flags.on("is-upgrade") {
        fail!("--is-upgrade with --dry-run=server is not there yet: use `upgrade --dry-run=server`");
    }
    let prepared = release::prepare(call, "release-name")?;
    let name = prepared.name.clone();
    let release = install::planned(call, prepared, Strategy::Server, false)?;
    let mut rendered = Rendered { manifest: release.manifest, ..Rendered::default() };
    if call.flags.on("include-crds") {
        let crd = |crd: &Crd<'_>| format!("---\n# Source: {}\n{}\n", crd.path, String::from_utf8_lossy(&crd.file.data));
        let crds: String = release.chart.crd_objects().iter().map(crd).collect();
        rendered.manifest = format!("{crds}{}", rendered.manifest);
    }
    rendered.hooks = release.hooks.into_iter().map(hook).collect();
    if call.flags.some("output-dir").is_some() {
        fail!("--output-dir with --dry-run=server is not there yet: leave one of them out");
    }
    show(call, &name, &rendered)
}

/// A hook of a record as a render makes it.
fn hook(hook: ::release::Hook) -> Hook {
    Hook {
        name: hook.name,
        kind: hook.kind,
        path: hook.path,
        manifest: hook.manifest,
        events: hook.events.iter().filter_map(|event| HookEvent::from_annotation(event.as_str())).collect(),
        weight: hook.weight,
        delete_policies: Vec::new(),
        output_log_policies: Vec::new(),
    }
}

fn show(call: &Call, name: &str, rendered: &render::manifests::Rendered) -> Outcome {
    let flags = &call.flags;
    let options = TemplateOptions {
        skip_tests: flags.on("skip-tests"),
        no_hooks: flags.on("no-hooks"),
        show_only: flags.list("show-only").to_vec(),
    };
    let Some(folder) = flags.some("output-dir") else {
        if options.show_only.is_empty() {
            return output::pieces(&template_pieces(rendered, &options));
        }
        return output::print(&template_output(rendered, &options)?);
    };
    let by_release = flags.on("release-name").then_some(name);
    output_dir::write(folder, by_release, rendered, &options, flags.on("include-crds"))?;
    // What was written is not printed again, and what is to be shown is looked for in what is printed.
    match options.show_only.first() {
        Some(missing) => fail!("could not find template {missing} in chart"),
        None => output::print("\n"),
    }
}
