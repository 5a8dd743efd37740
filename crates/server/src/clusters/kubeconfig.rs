//! Reading a kubeconfig that a caller has written: only what it brings along itself is taken.
//!
//! A kubeconfig can name programs to run, files to read and proxies to ask, all of which would be the server's own. So its fields are
//! taken by name, and one that is not known to be harmless is refused with its place. What is kept is the one context that is used.

use std::sync::LazyLock;

use api::{ClusterCredentials, InputError, Kubeconfig};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use kube::Config;
use kube::config::AuthInfo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Map, Value, json};

use super::member::ClusterInfo;
use crate::convert::pointer;
use crate::hosts::Hosts;

/// The longest text.
const MAX: usize = 512 << 10;

/// What is wrong with a kubeconfig, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The place in the kubeconfig as a JSON pointer; none when it is about the context that was asked for.
    place: Option<String>,
    text: String,
}

impl Fault {
    fn at(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: Some(place.into()), text: text.into() }
    }

    /// As the error of a body that has the kubeconfig as an object, or as text.
    pub(crate) fn in_body(self, kubeconfig: &Kubeconfig) -> InputError {
        match (self.place, kubeconfig) {
            (None, _) => InputError::body("/context", self.text),
            (Some(place), Kubeconfig::Tree(_)) => InputError::body(format!("/kubeconfig{place}"), self.text),
            (Some(place), Kubeconfig::Text(_)) if place.is_empty() => InputError::body("/kubeconfig", self.text),
            (Some(place), Kubeconfig::Text(_)) => {
                InputError::body("/kubeconfig", format!("{} (at `{place}`)", self.text))
            }
        }
    }

    /// As a sentence about a Secret.
    pub(crate) fn in_secret(&self) -> String {
        match self.place.as_deref() {
            None => format!("`context`: {}", self.text),
            Some("") => format!("`kubeconfig`: {}", self.text),
            Some(place) => format!("`kubeconfig`: {} (at `{place}`)", self.text),
        }
    }
}

/// A kubeconfig that can be used.
pub(crate) struct Reading {
    pub(crate) config: Config,
    pub(crate) info: ClusterInfo,
    /// What of it is kept, as JSON.
    pub(crate) text: String,
}

/// The tree of a kubeconfig that was given as text or as an object.
pub(crate) fn tree_of(kubeconfig: &Kubeconfig) -> Result<Value, Fault> {
    match kubeconfig {
        Kubeconfig::Tree(tree) => Ok(Value::Object(tree.clone())),
        Kubeconfig::Text(text) => parse(text),
    }
}

/// Reads the text of a kubeconfig, YAML or JSON.
pub(super) fn parse(text: &str) -> Result<Value, Fault> {
    if text.len() > MAX {
        return Err(Fault::at("", format!("longer than {MAX} bytes")));
    }
    let tree = goyaml::from_yaml_keep_ints(text).map_err(|error| Fault::at("", format!("not YAML: {error}")))?;
    serde_json::to_value(tree).map_err(|error| Fault::at("", format!("has no JSON form: {error}")))
}

/// Reads the context that was asked for, or the current one, or the only one.
pub(crate) fn read(tree: &Value, wanted: Option<&str>, hosts: &Hosts) -> Result<Reading, Vec<Fault>> {
    let Some(root) = tree.as_object() else { return Err(vec![Fault::at("", "expected a kubeconfig")]) };
    let (name, context) = context(root, wanted).map_err(|fault| vec![fault])?;
    let cluster_name = text(context.map, "cluster").unwrap_or_default();
    let cluster = entry(root, "clusters", "cluster", cluster_name)
        .ok_or_else(|| vec![Fault::at(context.at("cluster"), format!("there is no cluster `{cluster_name}`"))])?;
    let mut faults = Vec::new();
    cluster.refuse_all_but(CLUSTER, &mut faults);
    let url = server(&cluster, hosts).map_err(|fault| faults.push(fault)).ok();
    let roots = authorities(&cluster).map_err(|fault| faults.push(fault)).unwrap_or_default();
    let user = match text(context.map, "user") {
        None => Place { map: &EMPTY, place: String::new() },
        Some(user_name) => entry(root, "users", "user", user_name)
            .ok_or_else(|| vec![Fault::at(context.at("user"), format!("there is no user `{user_name}`"))])?,
    };
    user.refuse_all_but(USER, &mut faults);
    let (auth, credentials) = user.credentials(&mut faults);
    let (Some(url), true) = (url, faults.is_empty()) else { return Err(faults) };
    let kept = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": name,
        "clusters": [{"name": "cluster", "cluster": cluster.kept(CLUSTER)}],
        "users": [{"name": "user", "user": user.kept(USER)}],
        "contexts": [{"name": name, "context": {"cluster": "cluster", "user": "user"}}],
    });
    let text_of = kept.to_string();
    if text_of.len() > MAX {
        return Err(vec![Fault::at("", format!("longer than {MAX} bytes"))]);
    }
    let info = ClusterInfo { server: Some(url.to_string()), context: Some(name), credentials: Some(credentials) };
    let mut config = Config::new(url);
    config.root_cert = roots;
    config.auth_info = auth;
    config.tls_server_name = text(cluster.map, "tls-server-name").map(str::to_owned);
    Ok(Reading { config, info, text: text_of })
}

/// The fields of a cluster that are taken.
const CLUSTER: &[&str] = &["server", "certificate-authority-data", "tls-server-name"];
/// The fields of a user that are taken.
const USER: &[&str] = &["token", "client-certificate-data", "client-key-data", "username", "password"];
/// Fields that say nothing to us.
const PASSED_OVER: &[&str] = &["extensions", "disable-compression"];

static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// An object in the kubeconfig, and where it is.
struct Place<'t> {
    map: &'t Map<String, Value>,
    place: String,
}

/// A text that says something.
fn text<'t>(map: &'t Map<String, Value>, key: &str) -> Option<&'t str> {
    map.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// Finds an entry of a list by its name.
fn entry<'t>(root: &'t Map<String, Value>, list: &str, kind: &str, name: &str) -> Option<Place<'t>> {
    let all = root.get(list)?.as_array()?;
    let (index, found) =
        all.iter().enumerate().find(|(_, one)| one.get("name").and_then(Value::as_str) == Some(name))?;
    let map = found.get(kind)?.as_object()?;
    Some(Place { map, place: pointer(&[list, &index.to_string(), kind]) })
}

fn context<'t>(root: &'t Map<String, Value>, wanted: Option<&str>) -> Result<(String, Place<'t>), Fault> {
    let named = |name: &str| entry(root, "contexts", "context", name);
    if let Some(name) = wanted.filter(|name| !name.is_empty()) {
        let found = named(name).ok_or_else(|| Fault { place: None, text: format!("there is no context `{name}`") })?;
        return Ok((name.to_owned(), found));
    }
    if let Some(name) = text(root, "current-context") {
        let found =
            named(name).ok_or_else(|| Fault::at("/current-context", format!("there is no context `{name}`")))?;
        return Ok((name.to_owned(), found));
    }
    match root.get("contexts").and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) => {
            let name = only.get("name").and_then(Value::as_str).unwrap_or_default();
            let found = named(name).ok_or_else(|| Fault::at("/contexts/0", "has no `name` and `context`"))?;
            Ok((name.to_owned(), found))
        }
        Some([_, ..]) => Err(Fault::at("/current-context", "missing, and there is more than one context")),
        _ => Err(Fault::at("/contexts", "missing")),
    }
}

impl Place<'_> {
    fn at(&self, key: &str) -> String {
        format!("{}{}", self.place, pointer(&[key]))
    }

    /// The fields that are taken, as they are kept.
    fn kept(&self, taken: &[&str]) -> Map<String, Value> {
        let has = |key: &&&str| text(self.map, key).is_some();
        taken.iter().filter(has).filter_map(|key| Some(((*key).to_owned(), self.map.get(*key)?.clone()))).collect()
    }

    fn refuse_all_but(&self, taken: &[&str], faults: &mut Vec<Fault>) {
        for (key, value) in self.map {
            // What is empty or off says nothing.
            let says_nothing = value.is_null() || *value == Value::Bool(false) || value.as_str() == Some("");
            let key = key.as_str();
            if says_nothing || PASSED_OVER.contains(&key) {
                continue;
            }
            if taken.contains(&key) {
                if !value.is_string() {
                    faults.push(Fault::at(self.at(key), "expected a string"));
                }
                continue;
            }
            faults.push(Fault::at(self.at(key), refusal(key)));
        }
    }

    /// Bytes in base64.
    fn bytes(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        let Some(text) = text(self.map, key) else { return Ok(None) };
        let text: String = text.split_ascii_whitespace().collect();
        STANDARD.decode(text).map(Some).map_err(|_| Fault::at(self.at(key), "expected PEM in base64"))
    }

    /// How the user says who it is.
    fn credentials(&self, faults: &mut Vec<Fault>) -> (AuthInfo, ClusterCredentials) {
        let has = |key: &str| text(self.map, key).is_some();
        for (one, other) in [
            ("client-certificate-data", "client-key-data"),
            ("client-key-data", "client-certificate-data"),
            ("username", "password"),
            ("password", "username"),
        ] {
            if has(one) && !has(other) {
                faults.push(Fault::at(self.at(other), format!("missing beside `{one}`")));
            }
        }
        for key in ["client-certificate-data", "client-key-data"] {
            let is_pem = |bytes: &[u8]| bytes.windows(11).any(|part| part == b"-----BEGIN ");
            match self.bytes(key) {
                Ok(Some(bytes)) if !is_pem(&bytes) => faults.push(Fault::at(self.at(key), "expected PEM in base64")),
                Ok(_) => {}
                Err(fault) => faults.push(fault),
            }
        }
        // A line feed in a token would be another header.
        for key in ["token", "username", "password"] {
            if text(self.map, key).is_some_and(|text| text.bytes().any(|b| b.is_ascii_control())) {
                faults.push(Fault::at(self.at(key), "has control characters"));
            }
        }
        let kind = if has("token") {
            ClusterCredentials::Token
        } else if has("client-certificate-data") {
            ClusterCredentials::Certificate
        } else if has("username") {
            ClusterCredentials::Password
        } else {
            ClusterCredentials::None
        };
        let auth = serde_json::from_value(Value::Object(self.kept(USER)));
        let auth = auth.map_err(|error| faults.push(Fault::at(self.place.clone(), error.to_string())));
        (auth.unwrap_or_default(), kind)
    }
}

/// Why a field is not taken.
fn refusal(key: &str) -> &'static str {
    match key {
        "exec" | "auth-provider" => "the server runs no programs for a kubeconfig; use a token or a certificate",
        "tokenFile" => "the server reads no files for a kubeconfig; put the token into `token`",
        "certificate-authority" => {
            "the server reads no files for a kubeconfig; put the content in base64 into `certificate-authority-data`"
        }
        "client-certificate" => {
            "the server reads no files for a kubeconfig; put the content in base64 into `client-certificate-data`"
        }
        "client-key" => "the server reads no files for a kubeconfig; put the content in base64 into `client-key-data`",
        "insecure-skip-tls-verify" => {
            "a cluster has to show who it is; put its authority in base64 into `certificate-authority-data`"
        }
        "proxy-url" => "clusters are reached directly",
        "as" | "as-uid" | "as-groups" | "as-user-extra" => "the server impersonates whoever asks, and nobody else",
        _ => "this field is not taken",
    }
}

/// The address of the API server, if a cluster may be there.
fn server(cluster: &Place<'_>, hosts: &Hosts) -> Result<Uri, Fault> {
    let wrong = |text: &str| Fault::at(cluster.at("server"), text);
    let text = text(cluster.map, "server").ok_or_else(|| wrong("missing"))?;
    let url: Uri = text.parse().map_err(|_| wrong("expected an address such as `https://k8s.example.com:6443`"))?;
    let (Some(host), Some(authority)) = (url.host().filter(|host| !host.is_empty()), url.authority()) else {
        return Err(wrong("expected an address such as `https://k8s.example.com:6443`"));
    };
    if authority.as_str().contains('@') || url.query().is_some() || text.contains('#') {
        return Err(wrong("an address has neither a user nor a query"));
    }
    match url.scheme_str() {
        Some("https") => {}
        // Nobody listens in between.
        Some("http") if crate::guard::is_loopback(authority.as_str()) && hosts.names_explicitly(host) => {}
        _ => return Err(wrong("expected `https`: tokens are sent there")),
    }
    if !hosts.allows(host) {
        return Err(wrong("a cluster may not be there; `--allow-cluster-hosts` says where"));
    }
    Ok(url)
}

/// The certificates that the server's own may be from.
fn authorities(cluster: &Place<'_>) -> Result<Option<Vec<Vec<u8>>>, Fault> {
    const KEY: &str = "certificate-authority-data";
    let Some(pem) = cluster.bytes(KEY)? else { return Ok(None) };
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).map(|one| one.map(|der| der.to_vec())).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(Some(all)),
        _ => Err(Fault::at(cluster.at(KEY), "expected PEM in base64")),
    }
}

#[cfg(test)]
mod tests;
