//! What of a kubeconfig matters before a cluster is asked: the namespace of the context (as client-go's
//! `tools/clientcmd`).

use std::path::{Path, PathBuf};

use kube::config::Kubeconfig;

/// Where a pod finds the namespace it runs in.
const OF_POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Gives the namespace of a context, of the current one when the name is empty.
///
/// `files` are paths as `$KUBECONFIG` has them; without any it is `~/.kube/config`. `None` when there is no such context
/// or what is there cannot be read.
pub(crate) fn namespace(files: &str, context: &str) -> Option<String> {
    let config = read(files)?;
    let wanted =
        if context.is_empty() { config.current_context.clone().unwrap_or_default() } else { context.to_owned() };
    if wanted.is_empty() {
        return of_pod();
    }
    let context = config.contexts.into_iter().find(|known| known.name == wanted)?;
    context.context?.namespace.filter(|name| !name.is_empty())
}

/// Merges the files that are there; `None` when one is broken.
fn read(files: &str) -> Option<Kubeconfig> {
    let paths: Vec<PathBuf> = match files {
        "" => vec![Path::new(&std::env::var_os("HOME")?).join(".kube/config")],
        files => std::env::split_paths(files).collect(),
    };
    let mut all = Kubeconfig::default();
    for path in paths.iter().filter(|path| path.exists()) {
        all = all.merge(Kubeconfig::read_from(path).ok()?).ok()?;
    }
    Some(all)
}

/// The namespace of the pod that this runs in, if it does.
fn of_pod() -> Option<String> {
    std::env::var_os("KUBERNETES_SERVICE_HOST")?;
    let text = match std::env::var("POD_NAMESPACE") {
        Ok(text) if !text.is_empty() => text,
        _ => std::fs::read_to_string(OF_POD).ok()?,
    };
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
