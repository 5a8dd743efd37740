//! `template --output-dir`: a file for each template (as Helm 4.3: `pkg/action/action.go renderResources`,
//! `pkg/cmd/template.go`).

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use chart::text::io_error;
use render::manifests::{HookEvent, Rendered, TemplateOptions};

use crate::fail::{Fail, Outcome};
use crate::output;

/// Writes all manifests, then the hooks.
pub(crate) fn write(
    folder: &str,
    release: Option<&str>,
    rendered: &Rendered,
    options: &TemplateOptions,
    include_crds: bool,
) -> Outcome {
    let below = release.map_or_else(|| folder.to_owned(), |name| clean_join(folder, name));
    let mut written = BTreeSet::new();
    let mut manifest = |folder: &str, path: &str, content: &str| {
        let again = !written.insert(format!("{folder}/{path}"));
        write_file(folder, path, content, again).map_err(|fail| Fail {
            text: format!("{}\n\nUse --debug flag to render out invalid YAML", fail.text),
            ..fail
        })
    };
    if include_crds {
        for crd in &rendered.crds {
            manifest(folder, &crd.path, &String::from_utf8_lossy(&crd.data))?;
        }
    }
    for object in &rendered.objects {
        manifest(&below, &object.path, &object.content)?;
    }
    if options.no_hooks {
        return Ok(());
    }
    for hook in &rendered.hooks {
        if options.skip_tests && hook.events.contains(&HookEvent::Test) {
            continue;
        }
        // Helm adds a hook to whatever file of that name is there, be it from another time.
        let again = Path::new(&clean_join(&below, &hook.path)).exists();
        write_file(&below, &hook.path, &hook.manifest, again)?;
    }
    Ok(())
}

fn clean_join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

fn write_file(folder: &str, path: &str, content: &str, again: bool) -> Outcome {
    let file = format!("{folder}/{path}");
    let failed = |operation: &str, path: &str, error: &std::io::Error| {
        Fail::new(format!("{operation} {path}: {}", io_error(error)))
    };
    if let Some((parent, _)) = file.rsplit_once('/') {
        std::fs::create_dir_all(parent).map_err(|error| failed("mkdir", parent, &error))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(!again).append(again).truncate(!again);
    let mut open = options.open(&file).map_err(|error| failed("open", &file, &error))?;
    write!(open, "---\n# Source: {path}\n{content}\n").map_err(|error| failed("write", &file, &error))?;
    output::print(&format!("wrote {file}\n"))
}
