//! Kubeconfig files, and what flags and variables put in their place (as client-go's `tools/clientcmd`, and Helm 4.3:
//! `pkg/cli/environment.go`).

use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, NamedCluster, NamedContext};
use kube::config::{KubeconfigError, NamedAuthInfo};

use crate::fail::{Fail, Outcome};
use crate::settings::Settings;

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

/// Gives the contexts of some files, with their clusters.
pub(crate) fn contexts(files: &str) -> Vec<(String, String)> {
    let known = read(files).map(|config| config.contexts).unwrap_or_default();
    known.into_iter().map(|named| (named.name, named.context.map(|it| it.cluster).unwrap_or_default())).collect()
}

/// Merges the files that are there; `None` when one is broken.
fn read(files: &str) -> Option<Kubeconfig> {
    let mut all = Kubeconfig::default();
    for path in paths(files).iter().filter(|path| path.exists()) {
        all = all.merge(Kubeconfig::read_from(path).ok()?).ok()?;
    }
    Some(all)
}

fn paths(files: &str) -> Vec<PathBuf> {
    match files {
        "" => std::env::var_os("HOME").map(|home| Path::new(&home).join(".kube/config")).into_iter().collect(),
        files => std::env::split_paths(files).filter(|path| !path.as_os_str().is_empty()).collect(),
    }
}

/// How a cluster is reached.
pub(crate) struct Reached {
    /// For the client.
    pub(crate) config: kube::Config,
    /// The server's address as it is written.
    pub(crate) server: String,
}

/// The server that client-go asks when nothing names one.
const NOBODY: &str = "http://localhost:8080";

/// Finds out how to reach the cluster that files, variables and flags name.
pub(crate) async fn config(settings: &Settings) -> Outcome<Reached> {
    let fail = |text: String| Fail::new(format!("kubernetes cluster unreachable: {text}"));
    let (files, wanted) = (settings.text("kubeconfig"), settings.text("kube-context"));
    if let Some(file) = settings.given_kubeconfig().filter(|file| !Path::new(file).exists()) {
        return Err(fail(format!("stat {file}: no such file or directory")));
    }
    let mut all = Kubeconfig::default();
    for path in paths(files).iter().filter(|path| path.is_file()) {
        let broken =
            |error: KubeconfigError| fail(format!("error loading config file \"{}\": {error}", path.display()));
        all = all.merge(Kubeconfig::read_from(path).map_err(broken)?).map_err(broken)?;
    }
    let name = if wanted.is_empty() { all.current_context.clone().unwrap_or_default() } else { wanted.to_owned() };
    let found = all.contexts.iter().find(|known| known.name == name).and_then(|known| known.context.clone());
    if found.is_none() && !name.is_empty() {
        return Err(fail(format!("context \"{name}\" does not exist")));
    }
    let server = settings.text("kube-apiserver");
    if found.is_none()
        && server.is_empty()
        && let Ok(config) = kube::Config::incluster()
    {
        let server = config.cluster_url.to_string();
        return Ok(Reached { config, server });
    }
    let context = found.unwrap_or_default();
    let cluster = all.clusters.iter().find(|known| known.name == context.cluster);
    let cluster = cluster.and_then(|known| known.cluster.clone()).unwrap_or_default();
    let user = all.auth_infos.iter().find(|known| Some(&known.name) == context.user.as_ref());
    let user = user.and_then(|known| known.auth_info.clone()).unwrap_or_default();
    let cluster = changed_cluster(cluster, settings);
    let server = cluster.server.clone().unwrap_or_default();
    let user = changed_user(user, settings, server.starts_with("https:"));
    let only = Kubeconfig {
        clusters: vec![NamedCluster { name: ONLY.to_owned(), cluster: Some(cluster), ..NamedCluster::default() }],
        auth_infos: vec![NamedAuthInfo { name: ONLY.to_owned(), auth_info: Some(user), ..NamedAuthInfo::default() }],
        contexts: vec![NamedContext {
            name: ONLY.to_owned(),
            context: Some(Context { cluster: ONLY.to_owned(), user: Some(ONLY.to_owned()), ..context }),
            ..NamedContext::default()
        }],
        current_context: Some(ONLY.to_owned()),
        ..Kubeconfig::default()
    };
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(only, &options).await.map_err(|error| fail(error.to_string()))?;
    Ok(Reached { config, server })
}

/// What the entries of the kubeconfig that we make are called.
const ONLY: &str = "whipstaff";

/// What flags and variables say of the server.
fn changed_cluster(mut cluster: Cluster, settings: &Settings) -> Cluster {
    let some = |flag: &str| Some(settings.text(flag)).filter(|text| !text.is_empty()).map(str::to_owned);
    if let Some(server) = some("kube-apiserver") {
        cluster.server = Some(if server.contains("://") { server } else { format!("http://{server}") });
    }
    if let Some(file) = some("kube-ca-file") {
        cluster.certificate_authority = Some(file);
        cluster.certificate_authority_data = None;
    }
    if let Some(name) = some("kube-tls-server-name") {
        cluster.tls_server_name = Some(name);
    }
    if settings.text("kube-insecure-skip-tls-verify") == "true" {
        cluster.insecure_skip_tls_verify = Some(true);
        (cluster.certificate_authority, cluster.certificate_authority_data) = (None, None);
    }
    if cluster.server.as_deref().unwrap_or_default().is_empty() {
        cluster.server = Some(NOBODY.to_owned());
    }
    cluster
}

/// What flags and variables say of the caller. Secrets are not sent where anyone could read them, as with client-go.
fn changed_user(mut user: AuthInfo, settings: &Settings, is_secure: bool) -> AuthInfo {
    let token = Some(settings.text("kube-token")).filter(|text| !text.is_empty());
    if let Some(token) = token {
        user = AuthInfo {
            token: Some(token.to_owned().into()),
            impersonate: user.impersonate,
            impersonate_groups: user.impersonate_groups,
            ..AuthInfo::default()
        };
    }
    if !settings.text("kube-as-user").is_empty() {
        user.impersonate = Some(settings.text("kube-as-user").to_owned());
    }
    let groups: Vec<String> = settings.groups().split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if !groups.is_empty() {
        user.impersonate_groups = Some(groups);
    }
    if is_secure {
        return user;
    }
    AuthInfo { impersonate: user.impersonate, impersonate_groups: user.impersonate_groups, ..AuthInfo::default() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::{CLUSTER, GLOBAL, parse};

    fn settings(args: &[&str]) -> Settings {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Settings::read(&parse(&[&CLUSTER, &GLOBAL], &args).unwrap())
    }

    fn auth() -> AuthInfo {
        AuthInfo {
            token: Some("of-the-file".to_owned().into()),
            username: Some("me".to_owned()),
            ..AuthInfo::default()
        }
    }

    #[test]
    fn flags_win_over_the_file() {
        let settings = settings(&["--kube-apiserver", "cluster.example.com", "--kube-insecure-skip-tls-verify"]);
        let file = Cluster {
            server: Some("https://of-the-file".to_owned()),
            certificate_authority: Some("ca.pem".to_owned()),
            ..Cluster::default()
        };
        let cluster = changed_cluster(file, &settings);
        assert_eq!(cluster.server.as_deref(), Some("http://cluster.example.com"));
        assert_eq!((cluster.insecure_skip_tls_verify, cluster.certificate_authority), (Some(true), None));
    }

    #[test]
    fn nobody_named_is_the_local_host() {
        let cluster = changed_cluster(Cluster::default(), &settings(&[]));
        assert_eq!(cluster.server.as_deref(), Some(NOBODY));
    }

    #[test]
    fn a_token_takes_the_place_of_all_other_ways_to_say_who_one_is() {
        let user = changed_user(auth(), &settings(&["--kube-token", "given", "--kube-as-group", "a"]), true);
        assert_eq!((user.token.is_some(), user.username), (true, None));
        assert_eq!(user.impersonate_groups, Some(vec!["a".to_owned()]));
    }

    #[test]
    fn secrets_are_not_sent_in_the_open() {
        let user = changed_user(auth(), &settings(&["--kube-as-user", "bob"]), false);
        assert!(user.token.is_none() && user.username.is_none());
        assert_eq!(user.impersonate.as_deref(), Some("bob"));
    }
}
