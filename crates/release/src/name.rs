//! Names: of releases, and of the objects that keep records.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The prefix of the name of every stored record.
const STORAGE_TYPE: &str = "sh.helm.release.v1";

/// The longest release name in bytes.
pub const MAX_NAME: usize = 53;

/// Why a release name cannot be used, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// There is none.
    #[error("no name provided")]
    Missing,
    /// It is too long or has other characters than it may.
    #[error(
        "invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53"
    )]
    Invalid,
}

/// Checks a release name, as Helm 4.3: `pkg/chart/v2/util/validate_name.go`.
///
/// # Errors
/// When the name is empty, longer than 53 bytes, or no DNS subdomain.
pub fn validate_name(name: &str) -> Result<(), InvalidName> {
    if name.is_empty() {
        return Err(InvalidName::Missing);
    }
    let label = |part: &str| {
        let edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let bytes = part.as_bytes();
        edge(bytes.first())
            && edge(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
    };
    if name.len() > MAX_NAME || !name.split('.').all(label) { Err(InvalidName::Invalid) } else { Ok(()) }
}

/// Names one revision of a release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The namespace.
    pub namespace: String,
    /// The release's name.
    pub name: String,
    /// The revision.
    pub revision: u32,
}

impl Key {
    /// Makes a key.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, revision: u32) -> Self {
        Self { namespace: namespace.into(), name: name.into(), revision }
    }

    /// The name of the object that keeps the record: `sh.helm.release.v1.NAME.vREVISION`.
    pub fn object_name(&self) -> String {
        format!("{STORAGE_TYPE}.{}.v{}", self.name, self.revision)
    }

    /// Reads the name of an object that keeps a record; `None` when it is none.
    pub fn from_object_name(namespace: &str, object: &str) -> Option<Self> {
        let (name, revision) = object.strip_prefix(STORAGE_TYPE)?.strip_prefix('.')?.rsplit_once(".v")?;
        Some(Self::new(namespace, name, revision.parse().ok()?))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.v{}", self.namespace, self.name, self.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "a-b", "a.b", "0", "a--b.c-d", &"a".repeat(53)] {
            assert_eq!(validate_name(good), Ok(()), "{good}");
        }
        for bad in ["A", "-a", "a-", "a.", ".a", "a..b", "a_b", "a b", "ä", "a\n", &"a".repeat(54)] {
            assert_eq!(validate_name(bad), Err(InvalidName::Invalid), "{bad}");
        }
        assert_eq!(validate_name(""), Err(InvalidName::Missing));
    }

    #[test]
    fn object_names_go_both_ways() {
        let key = Key::new("web", "shop.v2", 12);
        assert_eq!(key.object_name(), "sh.helm.release.v1.shop.v2.v12");
        assert_eq!(Key::from_object_name("web", &key.object_name()), Some(key));
        assert_eq!(Key::from_object_name("web", "sh.helm.release.v1.shop"), None);
        assert_eq!(Key::from_object_name("web", "other"), None);
    }
}
