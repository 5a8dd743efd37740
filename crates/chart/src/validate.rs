//! What is checked of metadata and names (as Helm 4.3: `pkg/chart/v2/metadata.go`, `pkg/chart/v2/dependency.go`,
//! `pkg/chart/v2/util/validate_name.go`).

use std::collections::BTreeSet;

use crate::metadata::{Dependency, Metadata};
use crate::semver::Version;
use crate::text::{quote, sanitize};

/// What is wrong with a chart's metadata; the text begins with `validation: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("validation: {0}")]
pub struct ValidationError(pub String);

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No name was given.
    #[error("no name provided")]
    Missing,
    /// A release cannot have the name.
    #[error(
        "invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ \
         and the length must not be longer than 53"
    )]
    Release,
    /// A Kubernetes object cannot have the name.
    #[error(
        "invalid metadata name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ \
         and the length must not be longer than 253"
    )]
    Metadata,
}

/// Checks the name of a release.
///
/// # Errors
/// When it is empty, longer than 53 bytes, or no DNS name.
pub fn validate_release_name(name: &str) -> Result<(), NameError> {
    match name {
        "" => Err(NameError::Missing),
        _ if name.len() > 53 || !is_dns_name(name) => Err(NameError::Release),
        _ => Ok(()),
    }
}

/// Checks the name of a Kubernetes object.
///
/// # Errors
/// When it is empty, longer than 253 bytes, or no DNS name.
pub fn validate_metadata_name(name: &str) -> Result<(), NameError> {
    if name.len() > 253 || !is_dns_name(name) { Err(NameError::Metadata) } else { Ok(()) }
}

fn is_dns_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.split('.').all(|label| {
        !label.is_empty()
            && label.bytes().all(|b| fits(b) || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    })
}

/// Where lists held `null`, which the metadata itself cannot say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nulls {
    pub(crate) maintainer: Option<usize>,
    pub(crate) dependency: Option<usize>,
}

fn fail(text: impl Into<String>) -> Result<(), ValidationError> {
    Err(ValidationError(text.into()))
}

impl Metadata {
    /// Checks the metadata and cleans its texts of control characters, as Helm does when it loads a chart.
    ///
    /// # Errors
    /// The first problem, in Helm's words.
    pub fn validate(&mut self) -> Result<(), ValidationError> {
        self.validate_with(Nulls::default())
    }

    pub(crate) fn validate_with(&mut self, nulls: Nulls) -> Result<(), ValidationError> {
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            *text = sanitize(text);
        }
        for text in self.sources.iter_mut().chain(&mut self.keywords) {
            *text = sanitize(text);
        }
        if self.api_version.is_empty() {
            return fail("chart.metadata.apiVersion is required");
        }
        if self.name.is_empty() {
            return fail("chart.metadata.name is required");
        }
        if self.name == "." || self.name == ".." {
            return fail(format!("chart.metadata.name {} is not allowed", quote(&self.name)));
        }
        // Go's `filepath.Base` of a lone slash is that slash.
        if self.name.contains('/') && self.name != "/" {
            return fail(format!("chart.metadata.name {} is invalid", quote(&self.name)));
        }
        if self.version.is_empty() {
            return fail("chart.metadata.version is required");
        }
        if Version::parse(&self.version).is_err() {
            return fail(format!("chart.metadata.version {} is invalid", quote(&self.version)));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return fail("chart.metadata.type must be application or library");
        }
        for maintainer in &mut self.maintainers {
            maintainer.name = sanitize(&maintainer.name);
            maintainer.email = sanitize(&maintainer.email);
            maintainer.url = sanitize(&maintainer.url);
        }
        if nulls.maintainer.is_some() {
            return fail("maintainers must not contain empty or null nodes");
        }
        let mut keys = BTreeSet::new();
        for (i, dependency) in self.dependencies.iter_mut().enumerate() {
            if nulls.dependency == Some(i) {
                break;
            }
            dependency.validate()?;
            let key = dependency.key();
            if !keys.insert(key) {
                return fail(format!("more than one dependency with name or alias {}", quote(key)));
            }
        }
        if nulls.dependency.is_some() {
            return fail("dependencies must not contain empty or null nodes");
        }
        Ok(())
    }
}

impl Dependency {
    /// Checks the dependency and cleans its texts of control characters.
    ///
    /// # Errors
    /// When the alias has other characters than letters, digits, `_` and `-`.
    pub fn validate(&mut self) -> Result<(), ValidationError> {
        for text in [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition] {
            *text = sanitize(text);
        }
        for tag in &mut self.tags {
            *tag = sanitize(tag);
        }
        if self.alias.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Ok(());
        }
        fail(format!("dependency {} has disallowed characters in the alias", quote(&self.name)))
    }

    /// The name under which the subchart appears: its alias, or its own name.
    #[must_use]
    pub fn key(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Metadata {
        Metadata { name: "a".into(), version: "1.0.0".into(), api_version: "v2".into(), ..Metadata::default() }
    }

    fn dependency(name: &str, alias: &str) -> Dependency {
        Dependency { name: name.into(), alias: alias.into(), ..Dependency::default() }
    }

    #[test]
    fn says_what_is_wrong() {
        type Change = fn(&mut Metadata);
        let table: [(Change, &str); 12] = [
            (|m| m.api_version.clear(), "chart.metadata.apiVersion is required"),
            (|m| m.name.clear(), "chart.metadata.name is required"),
            (|m| m.name = "..".into(), "chart.metadata.name \"..\" is not allowed"),
            (|m| m.name = "a/b".into(), "chart.metadata.name \"a/b\" is invalid"),
            (|m| m.name = "\u{1b}".into(), "chart.metadata.name is required"),
            (|m| m.version.clear(), "chart.metadata.version is required"),
            (|m| m.version = "1.2.3.4".into(), "chart.metadata.version \"1.2.3.4\" is invalid"),
            (|m| m.kind = "test".into(), "chart.metadata.type must be application or library"),
            (
                |m| m.dependencies = vec![dependency("x", "a.b")],
                "dependency \"x\" has disallowed characters in the alias",
            ),
            (
                |m| m.dependencies = vec![dependency("x", ""), dependency("y", "x")],
                "more than one dependency with name or alias \"x\"",
            ),
            (|m| m.version = "1.2.3\n".into(), "chart.metadata.version \"1.2.3\\n\" is invalid"),
            (|m| m.name = "/".into(), ""),
        ];
        for (change, want) in table {
            let mut metadata = good();
            change(&mut metadata);
            let got = metadata.validate().map_or_else(|e| e.to_string(), |()| String::new());
            let want = if want.is_empty() { String::new() } else { format!("validation: {want}") };
            assert_eq!(got, want);
        }
    }

    #[test]
    fn names() {
        for (name, want) in [
            ("shop", Ok(())),
            ("a.b-c.9", Ok(())),
            ("", Err(NameError::Missing)),
            ("Shop", Err(NameError::Release)),
            ("a..b", Err(NameError::Release)),
            ("-a", Err(NameError::Release)),
            ("a-", Err(NameError::Release)),
            ("a\n", Err(NameError::Release)),
        ] {
            assert_eq!(validate_release_name(name), want, "{name:?}");
        }
        assert_eq!(validate_release_name(&"a".repeat(53)), Ok(()));
        assert_eq!(validate_release_name(&"a".repeat(54)), Err(NameError::Release));
        assert_eq!(validate_metadata_name(&"a".repeat(253)), Ok(()));
    }
}
