//! Versions and constraints as Helm reads them (as Masterminds/semver v3.5: `version.go`, `constraints.go`).

mod constraint;
mod version;

pub use constraint::Constraints;
pub use version::Version;

/// What is wrong with a version or a constraint; the texts are the Go library's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is no version at all.
    #[error("invalid semantic version")]
    Invalid,
    /// A strict version must not be empty.
    #[error("version string empty")]
    Empty,
    /// A strict version has something else than digits between its dots.
    #[error("invalid characters in version")]
    Characters,
    /// A number begins with a zero.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// The part after `+` is malformed.
    #[error("invalid metadata string")]
    Metadata,
    /// The part after `-` is malformed.
    #[error("invalid prerelease string")]
    Prerelease,
    /// The version has more than 256 bytes.
    #[error("version string is too long (max 256 bytes)")]
    TooLong,
    /// A number does not fit into 64 bits; the digits are kept for the text.
    #[error("error parsing version segment: strconv.ParseUint: parsing \"{0}\": value out of range")]
    OutOfRange(String),
    /// As [`Error::OutOfRange`], for a strict version.
    #[error("strconv.ParseUint: parsing \"{0}\": {reason}", reason = if .0.is_empty() { "invalid syntax" } else { "value out of range" })]
    StrictOutOfRange(String),
    /// The constraint has more than 512 bytes.
    #[error("constraint string is too long (max 512 bytes)")]
    ConstraintTooLong,
    /// The constraint has more than 32 groups parted by `||`.
    #[error("too many constraint groups (max 32)")]
    TooManyGroups,
    /// A group cannot be read.
    #[error("improper constraint: {}", crate::text::quote(.0))]
    Improper(String),
    /// The version inside a constraint cannot be read.
    #[error("constraint parser error")]
    ConstraintParser,
}

/// Tells whether a version meets a constraint; false also when either cannot be read
/// (as Helm 4.3: `pkg/chart/v2/util/compatible.go`).
#[must_use]
pub fn is_compatible_range(constraint: &str, version: &str) -> bool {
    match (Version::parse(version), Constraints::parse(constraint)) {
        (Ok(version), Ok(constraints)) => constraints.check(&version),
        _ => false,
    }
}
