//! What holds for all commands: flags, then `HELM_*` variables, then defaults (as Helm 4.3: `pkg/cli/environment.go`,
//! `pkg/helmpath`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::flags::{Parsed, go_bool, go_int};
use crate::kubeconfig;

/// The settings of one call.
#[derive(Debug)]
pub(crate) struct Settings {
    flags: BTreeMap<&'static str, String>,
    groups: String,
    /// The namespace that was asked for; empty when none was.
    asked_namespace: String,
    given_kubeconfig: Option<String>,
    /// Tell what is being done.
    pub(crate) debug: bool,
}

/// Flags and the variables that they come from.
const FROM: [(&str, &str); 8] = [
    ("kubeconfig", "KUBECONFIG"),
    ("kube-context", "HELM_KUBECONTEXT"),
    ("kube-token", "HELM_KUBETOKEN"),
    ("kube-as-user", "HELM_KUBEASUSER"),
    ("kube-apiserver", "HELM_KUBEAPISERVER"),
    ("kube-ca-file", "HELM_KUBECAFILE"),
    ("kube-tls-server-name", "HELM_KUBETLS_SERVER_NAME"),
    ("namespace", "HELM_NAMESPACE"),
];

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

impl Settings {
    /// Reads the settings of a call.
    pub(crate) fn read(parsed: &Parsed) -> Self {
        let mut flags = BTreeMap::new();
        for (flag, name) in FROM {
            let text = if parsed.given(flag) { parsed.text(flag).to_owned() } else { variable(name) };
            flags.insert(flag, text);
        }
        let paths = [
            ("registry-config", "HELM_REGISTRY_CONFIG", config_home().join("registry/config.json")),
            ("repository-config", "HELM_REPOSITORY_CONFIG", config_home().join("repositories.yaml")),
            ("repository-cache", "HELM_REPOSITORY_CACHE", cache_home().join("repository")),
            ("content-cache", "HELM_CONTENT_CACHE", cache_home().join("content")),
            ("plugins", "HELM_PLUGINS", data_home().join("plugins")),
        ];
        for (flag, name, default) in paths {
            let text = match std::env::var(name) {
                _ if parsed.given(flag) => parsed.text(flag).to_owned(),
                Ok(text) => text,
                Err(_) => default.to_string_lossy().into_owned(),
            };
            flags.insert(flag, text);
        }
        let switch = |flag: &str, name: &str| match parsed.given(flag) {
            true => parsed.on(flag),
            false => go_bool(&variable(name)).unwrap_or(false),
        };
        let insecure = switch("kube-insecure-skip-tls-verify", "HELM_KUBEINSECURE_SKIP_TLS_VERIFY");
        flags.insert("kube-insecure-skip-tls-verify", insecure.to_string());
        let whole = |name: &str, default: i64| variable(name).parse::<i64>().unwrap_or(default);
        let burst = match parsed.given("burst-limit") {
            true => go_int(parsed.text("burst-limit")).unwrap_or(0),
            false => whole("HELM_BURST_LIMIT", 100),
        };
        flags.insert("burst-limit", burst.to_string());
        flags.insert("max-history", whole("HELM_MAX_HISTORY", 10).to_string());
        let qps = if parsed.given("qps") { parsed.text("qps").to_owned() } else { variable("HELM_QPS") };
        flags.insert("qps", format!("{:.2}", qps.parse::<f32>().unwrap_or(0.0)));
        let groups = match parsed.given("kube-as-group") {
            true => parsed.list("kube-as-group").join(","),
            false => variable("HELM_KUBEASGROUPS").trim_matches([',', ' ']).to_owned(),
        };
        let asked_namespace = flags.remove("namespace").unwrap_or_default();
        let given_kubeconfig = parsed.some("kubeconfig").map(str::to_owned);
        Self { flags, groups, asked_namespace, given_kubeconfig, debug: switch("debug", "HELM_DEBUG") }
    }

    /// The text of a setting, by the name of its flag.
    pub(crate) fn text(&self, flag: &str) -> &str {
        self.flags.get(flag).map_or("", String::as_str)
    }

    /// The kubeconfig file that the flag names.
    pub(crate) fn given_kubeconfig(&self) -> Option<&str> {
        self.given_kubeconfig.as_deref()
    }

    /// The groups to act as, separated by commas.
    pub(crate) fn groups(&self) -> &str {
        &self.groups
    }

    /// The namespace: the one asked for, that of the kubeconfig context, or `default`.
    pub(crate) fn namespace(&self) -> String {
        if !self.asked_namespace.is_empty() {
            return self.asked_namespace.clone();
        }
        kubeconfig::namespace(self.text("kubeconfig"), self.text("kube-context"))
            .unwrap_or_else(|| "default".to_owned())
    }

    /// The namespace on a server, which knows nothing of our kubeconfig: the one asked for, or `default`.
    pub(crate) fn namespace_there(&self) -> &str {
        if self.asked_namespace.is_empty() { "default" } else { &self.asked_namespace }
    }

    /// What `env` shows, by name.
    pub(crate) fn variables(&self) -> BTreeMap<&'static str, String> {
        let folder = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut shown = BTreeMap::from([
            ("HELM_BIN", std::env::args().next().unwrap_or_default()),
            ("HELM_CACHE_HOME", folder(cache_home())),
            ("HELM_CONFIG_HOME", folder(config_home())),
            ("HELM_DATA_HOME", folder(data_home())),
            ("HELM_DEBUG", self.debug.to_string()),
            ("HELM_NAMESPACE", self.namespace()),
            ("HELM_KUBEASGROUPS", self.groups.clone()),
        ]);
        for (name, flag) in [
            ("HELM_PLUGINS", "plugins"),
            ("HELM_REGISTRY_CONFIG", "registry-config"),
            ("HELM_REPOSITORY_CACHE", "repository-cache"),
            ("HELM_CONTENT_CACHE", "content-cache"),
            ("HELM_REPOSITORY_CONFIG", "repository-config"),
            ("HELM_MAX_HISTORY", "max-history"),
            ("HELM_BURST_LIMIT", "burst-limit"),
            ("HELM_QPS", "qps"),
            ("HELM_KUBECONTEXT", "kube-context"),
            ("HELM_KUBETOKEN", "kube-token"),
            ("HELM_KUBEASUSER", "kube-as-user"),
            ("HELM_KUBEAPISERVER", "kube-apiserver"),
            ("HELM_KUBECAFILE", "kube-ca-file"),
            ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "kube-insecure-skip-tls-verify"),
            ("HELM_KUBETLS_SERVER_NAME", "kube-tls-server-name"),
        ] {
            shown.insert(name, self.text(flag).to_owned());
        }
        // Helm tells of the flag only, not of the variable.
        if let Some(file) = &self.given_kubeconfig {
            shown.insert("KUBECONFIG", file.clone());
        }
        shown
    }
}

/// The keyring that GnuPG has (as Helm 4.3: `pkg/cmd/dependency_build.go`).
pub(crate) fn default_keyring() -> String {
    let home = std::env::var_os("GNUPGHOME").map_or_else(|| home().join(".gnupg"), PathBuf::from);
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    let found = ["pubring.gpg", "pubring.kbx"].map(|name| home.join(name)).into_iter().find(|path| is_there(path));
    found.unwrap_or_else(|| home.join("pubring.gpg")).to_string_lossy().into_owned()
}

/// Docker's file of logins (as `oras.land/oras-go` 2.6: `registry/remote/credentials/store.go`).
pub(crate) fn docker_config() -> Option<PathBuf> {
    let given = std::env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let usual =
        || std::env::var_os("HOME").filter(|home| !home.is_empty()).map(|home| Path::new(&home).join(".docker"));
    Some(given.or_else(usual)?.join("config.json"))
}

/// The program that keeps logins on this system when it is installed, without what its name begins with (as
/// `oras.land/oras-go` 2.6: `registry/remote/credentials/native_store_linux.go` and its like).
pub(crate) fn keychain() -> Option<String> {
    let is_there = |name: &str| {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|at| is_program(&at.join(&file))))
    };
    let usual = match std::env::consts::OS {
        "macos" => "osxkeychain",
        "windows" => "wincred",
        "linux" if is_there("pass") => "pass",
        "linux" => "secretservice",
        _ => return None,
    };
    is_there(&format!("docker-credential-{usual}")).then(|| usual.to_owned())
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// The folder of starters for `create`.
pub(crate) fn starters() -> String {
    data_home().join("starters").to_string_lossy().into_owned()
}

fn home() -> PathBuf {
    std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default()
}

/// A folder of Helm's: its own variable, then the desktop's, then what is usual.
fn folder(own: &str, desktop: &str, usual: &str) -> PathBuf {
    let given = |name: &str| std::env::var_os(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    given(own).unwrap_or_else(|| given(desktop).unwrap_or_else(|| home().join(usual)).join("helm"))
}

fn cache_home() -> PathBuf {
    folder("HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache")
}

fn config_home() -> PathBuf {
    folder("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config")
}

fn data_home() -> PathBuf {
    folder("HELM_DATA_HOME", "XDG_DATA_HOME", ".local/share")
}
