//! What charts in registries are called (as Helm 4.3: `pkg/registry/reference.go`, and `oras.land/oras-go` 2.6:
//! `registry/reference.go`).

use chart::text::quote;

use crate::error::Error;
use crate::url;

/// The scheme in front of references.
pub const SCHEME: &str = "oci://";
/// The longest tag.
const LONGEST_TAG: usize = 128;

/// A place in a registry, and perhaps what is meant there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// Host and port.
    pub registry: String,
    /// The path there.
    pub repository: String,
    /// The tag, with `_` for `+`; or empty.
    pub tag: String,
    /// The digest, with its algorithm; or empty.
    pub digest: String,
}

impl Reference {
    /// Reads a reference, with its scheme or without.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.strip_prefix(SCHEME).unwrap_or(text);
        let (place, digest) = text.rsplit_once('@').unwrap_or((text, ""));
        let Some((registry, path)) = place.split_once('/') else {
            return Err(invalid("missing registry or repository"));
        };
        let (repository, tag) = path.split_once(':').unwrap_or((path, ""));
        check_registry(registry)?;
        if !repository.split('/').all(is_component) {
            return Err(invalid(&format!("invalid repository {}", quote(repository))));
        }
        let tag = tag.replace('+', "_");
        if !tag.is_empty() && !is_tag(&tag) {
            return Err(invalid(&format!("invalid tag {}", quote(&tag))));
        }
        if !digest.is_empty() {
            check_digest(digest).map_err(|reason| invalid(&format!("invalid digest {}: {reason}", quote(digest))))?;
        }
        Ok(Self { registry: registry.to_owned(), repository: repository.to_owned(), tag, digest: digest.to_owned() })
    }

    /// The same place, and of it what a version is tagged with.
    ///
    /// # Errors
    /// When there can be no such tag.
    pub fn with_version(&self, version: &str) -> Result<Self, Error> {
        Self::parse(&format!("{}/{}:{version}", self.registry, self.repository))
    }

    /// What a registry is asked for: the digest, else the tag.
    pub(super) fn wanted(&self) -> &str {
        if self.digest.is_empty() { &self.tag } else { &self.digest }
    }

    /// The host that is asked: Docker's registry is not where its name leads.
    pub(super) fn host(&self) -> &str {
        if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        match (self.tag.as_str(), self.digest.as_str()) {
            ("", "") => Ok(()),
            ("", digest) => write!(f, "@{digest}"),
            (tag, _) => write!(f, ":{tag}"),
        }
    }
}

fn invalid(reason: &str) -> Error {
    Error::text(format!("invalid reference: {reason}"))
}

/// Refuses what is no host with or without a port.
pub(super) fn check_registry(registry: &str) -> Result<(), Error> {
    match url::parse(&format!("dummy://{registry}")) {
        Ok(parsed) if !registry.is_empty() && parsed.host == registry => Ok(()),
        _ => Err(invalid(&format!("invalid registry {}", quote(registry)))),
    }
}

/// Tells whether a text is a part of a path: small letters and digits, and between them `.`, `_`, `__` or dashes.
fn is_component(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends_well = |text: &str| text.starts_with(is_plain) && text.ends_with(is_plain);
    ends_well(text)
        && text
            .split(is_plain)
            .all(|between| matches!(between, "" | "." | "_" | "__") || between.chars().all(|c| c == '-'))
}

fn is_tag(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= LONGEST_TAG && text.starts_with(is_word) && text.chars().all(|c| is_word(c) || c == '.' || c == '-')
}

/// Refuses what is no digest, in the words of `opencontainers/go-digest`.
pub(super) fn check_digest(digest: &str) -> Result<(), &'static str> {
    let Some((algorithm, hash)) = digest.split_once(':') else { return Err("invalid checksum digest format") };
    match algorithm {
        "sha256" if hash.len() != 64 => Err("invalid checksum digest length"),
        "sha256" if !hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
            Err("invalid checksum digest format")
        }
        "sha256" => Ok(()),
        _ => Err("unsupported digest algorithm"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_helm_reads_them() {
        let sha = format!("sha256:{}", "a".repeat(64));
        for (text, shown) in [
            ("oci://h/a/b", "h/a/b"),
            ("h:5000/a", "h:5000/a"),
            ("h/a:1.0.0", "h/a:1.0.0"),
            ("oci://h:1/a__b/c--d.e:1.0.0+b.1", "h:1/a__b/c--d.e:1.0.0_b.1"),
            (&format!("h/a@{sha}"), &format!("h/a@{sha}")),
            (&format!("h/a:1@{sha}"), "h/a:1"),
        ] {
            assert_eq!(Reference::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for (text, reason) in [
            ("oci://h", "missing registry or repository"),
            ("h/A", "invalid repository \"A\""),
            ("h/", "invalid repository \"\""),
            ("h/a//b", "invalid repository \"a//b\""),
            ("h/a___b", "invalid repository \"a___b\""),
            ("h/a/../b", "invalid repository \"a/../b\""),
            ("/a", "invalid registry \"\""),
            // What follows the last `@` is a digest, so a user in front of the host leaves no path.
            ("u:p@h/a", "missing registry or repository"),
            ("h/a:-", "invalid tag \"-\""),
            ("h/a@sha256:ab", "invalid digest \"sha256:ab\": invalid checksum digest length"),
            ("h/a@ab", "invalid digest \"ab\": invalid checksum digest format"),
        ] {
            let error = Reference::parse(text).map(|_| ()).unwrap_err().to_string();
            assert_eq!(error, format!("invalid reference: {reason}"), "{text}");
        }
    }
}
