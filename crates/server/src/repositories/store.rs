//! Secrets that name repositories: `whipstaff.repository.NAME` in the server's own namespace.

use std::collections::BTreeMap;

use api::{Problem, RepositoryStatus};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use sha2::{Digest, Sha256};

use super::is_name;
use super::settings::Settings;
use crate::home::{Home, KIND, NotWritten};

/// What the label of the Secrets says.
pub(super) const REPOSITORY: &str = "repository";
const TYPE: &str = "whipstaff.dev/repository.v1";
const PREFIX: &str = "whipstaff.repository.";
/// The annotation with what came of looking at the repository.
const STATUS: &str = "whipstaff.dev/status";

/// A repository as a Secret has it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) name: String,
    /// The Secret's version.
    pub(crate) version: String,
    /// What stands for the settings, and tells nothing of them.
    pub(crate) tag: String,
    pub(crate) settings: Settings,
    /// What some replica has found.
    pub(crate) status: Option<RepositoryStatus>,
}

impl Stored {
    /// A place in a registry that nothing but its URL is known of.
    pub(super) fn anonymous(url: &str) -> Self {
        Self {
            name: url.to_owned(),
            version: String::new(),
            tag: url.to_owned(),
            settings: Settings { url: url.to_owned(), ..Settings::default() },
            status: None,
        }
    }

    /// Reads a Secret; `None` when it is of something else.
    pub(crate) fn read(secret: &Secret) -> Option<Self> {
        let name = secret.metadata.name.as_deref().and_then(name_of)?;
        let kind = secret.metadata.labels.as_ref().and_then(|labels| labels.get(KIND));
        if secret.type_.as_deref() != Some(TYPE) || kind.map(String::as_str) != Some(REPOSITORY) {
            return None;
        }
        let text = |key: &str| {
            let bytes = secret.data.as_ref().and_then(|data| data.get(key));
            bytes.and_then(|bytes| String::from_utf8(bytes.0.clone()).ok()).unwrap_or_default()
        };
        let word = |key: &str| text(key).trim().to_owned();
        let settings = Settings {
            url: word("url"),
            username: word("username"),
            password: word("password"),
            pass_credentials: word("passCredentials") == "true",
            ca: text("ca.crt"),
            certificate: text("tls.crt"),
            key: text("tls.key"),
            insecure: word("insecureSkipVerify") == "true",
            plain_http: word("plainHttp") == "true",
            charts: text("charts").split_whitespace().map(str::to_owned).collect(),
        };
        let status = secret.metadata.annotations.as_ref().and_then(|all| all.get(STATUS));
        Some(Self {
            name: name.to_owned(),
            version: secret.metadata.resource_version.clone().unwrap_or_default(),
            tag: tag(secret),
            settings,
            status: status.and_then(|text| serde_json::from_str(text).ok()),
        })
    }
}

/// What stands for all that a Secret says. Its uid is in it, which nobody is told, so that what is secret cannot be guessed and held against it.
pub(crate) fn tag(secret: &Secret) -> String {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    add(secret.metadata.uid.as_deref().unwrap_or_default().as_bytes());
    for (key, value) in secret.data.iter().flatten() {
        add(key.as_bytes());
        add(&value.0);
    }
    hex::encode(hash.finalize().get(..8).unwrap_or_default())
}

/// The repository that a Secret of this name is of.
pub(super) fn name_of(secret: &str) -> Option<&str> {
    secret.strip_prefix(PREFIX).filter(|name| is_name(name))
}

fn secret_name(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// What a Secret has of settings; what says nothing is left out.
fn data(settings: &Settings) -> BTreeMap<String, ByteString> {
    let flag = |on: bool| if on { "true" } else { "" };
    let charts = settings.charts.join("\n");
    let all = [
        ("url", settings.url.as_str()),
        ("username", &settings.username),
        ("password", &settings.password),
        ("passCredentials", flag(settings.pass_credentials)),
        ("ca.crt", &settings.ca),
        ("tls.crt", &settings.certificate),
        ("tls.key", &settings.key),
        ("insecureSkipVerify", flag(settings.insecure)),
        ("plainHttp", flag(settings.plain_http)),
        ("charts", &charts),
    ];
    let said = all.into_iter().filter(|(_, text)| !text.is_empty());
    said.map(|(key, text)| (key.to_owned(), ByteString(text.as_bytes().to_vec()))).collect()
}

impl Home {
    /// Lists the Secrets of repositories, and tells as of which version.
    pub(crate) async fn repositories(&self) -> Result<(Vec<Secret>, String), Box<Problem>> {
        let labels = ListParams::default().labels(&format!("{KIND}={REPOSITORY}"));
        let listed = self.secrets()?.list(&labels).await.map_err(|e| self.refused(e))?;
        Ok((listed.items, listed.metadata.resource_version.unwrap_or_default()))
    }

    /// Reads the Secret of a repository.
    pub(crate) async fn repository(&self, name: &str) -> Result<Option<Secret>, Box<Problem>> {
        self.secret(&secret_name(name)).await
    }

    /// Writes the Secret of a repository: over the one that was read, or a new one. What was found at other settings is forgotten.
    pub(crate) async fn write_repository(
        &self,
        name: &str,
        there: Option<Secret>,
        settings: &Settings,
    ) -> Result<Secret, NotWritten> {
        let is_new = there.is_none();
        let mut secret = there.unwrap_or_else(|| Secret { type_: Some(TYPE.to_owned()), ..Secret::default() });
        secret.metadata.name = Some(secret_name(name));
        secret.metadata.labels.get_or_insert_default().insert(KIND.to_owned(), REPOSITORY.to_owned());
        let data = data(settings);
        if secret.data.as_ref() != Some(&data)
            && let Some(annotations) = &mut secret.metadata.annotations
        {
            annotations.remove(STATUS);
        }
        secret.data = Some(data);
        self.write_secret(secret, is_new).await
    }

    /// Notes what was found at a repository, if its settings are those that were used.
    pub(crate) async fn note_repository(
        &self,
        name: &str,
        tag: &str,
        status: &str,
    ) -> Result<Option<Secret>, NotWritten> {
        let there = self.repository(name).await.map_err(NotWritten::Refused)?;
        let Some(mut secret) = there.filter(|secret| self::tag(secret) == tag) else { return Ok(None) };
        let annotations = secret.metadata.annotations.get_or_insert_default();
        annotations.insert(STATUS.to_owned(), status.to_owned());
        self.write_secret(secret, false).await.map(Some)
    }

    /// Deletes the Secret of a repository, unless somebody has written it meanwhile.
    pub(crate) async fn delete_repository(&self, name: &str, version: Option<String>) -> Result<(), NotWritten> {
        self.delete_secret(&secret_name(name), version).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(uid: &str, settings: &Settings) -> Secret {
        let mut secret = Secret { type_: Some(TYPE.to_owned()), data: Some(data(settings)), ..Secret::default() };
        secret.metadata.name = Some("whipstaff.repository.stable".to_owned());
        secret.metadata.uid = Some(uid.to_owned());
        secret.metadata.labels = Some([(KIND.to_owned(), REPOSITORY.to_owned())].into());
        secret
    }

    #[test]
    fn what_is_written_is_read() {
        let settings = Settings {
            url: "oci://h/a".into(),
            username: "u".into(),
            password: "p".into(),
            pass_credentials: true,
            ca: "ca\n".into(),
            certificate: "c\n".into(),
            key: "k\n".into(),
            insecure: true,
            plain_http: true,
            charts: vec!["a".into(), "b/c".into()],
        };
        let stored = Stored::read(&secret("1", &settings)).unwrap();
        assert_eq!((stored.name.as_str(), &stored.settings), ("stable", &settings));
        assert_eq!(Stored::read(&secret("1", &Settings::default())).unwrap().settings, Settings::default());
        let mut other = secret("1", &settings);
        other.metadata.labels = None;
        assert!(Stored::read(&other).is_none());
    }

    #[test]
    fn a_tag_is_that_of_its_secret_alone() {
        let settings = Settings { password: "p".into(), ..Settings::default() };
        let (first, second) = (secret("1", &settings), secret("2", &settings));
        assert_ne!(tag(&first), tag(&second), "the same password elsewhere");
        assert_ne!(tag(&first), tag(&secret("1", &Settings::default())));
        let mut noted = first.clone();
        noted.metadata.annotations = Some([(STATUS.to_owned(), "{}".to_owned())].into());
        noted.metadata.resource_version = Some("7".to_owned());
        assert_eq!(tag(&first), tag(&noted));
    }
}
