//! Versions and constraints as `Masterminds/semver` 1.5 has them, which Helm 2 is built with.

mod constraint;
mod parts;
mod version;

pub use constraint::Constraints;
pub use version::Version;

/// The longest text that is read; the library has no limit.
const MAX_LEN: usize = 1 << 16;

/// Tells whether a version meets a constraint; what cannot be read meets none (as Helm 2.17: `pkg/version/compatible.go`).
#[must_use]
pub fn is_compatible_range(constraint: &str, version: &str) -> bool {
    match (Version::parse(version), Constraints::parse(constraint)) {
        (Ok(version), Ok(constraint)) => constraint.check(&version),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_and_refuses() {
        for (constraint, version, want) in [
            ("^0.2.3", "0.3.0", true),
            ("^0.0.3", "0.0.4", true),
            ("=1.2", "1.2.9", false),
            ("1.2", "1.2.9", false),
            ("!=1.2", "1.2.9", true),
            ("1.2 - 1.4", "1.4.5", false),
            ("1.2.x", "1.2.9", true),
            ("1", "1.9.0", true),
            ("*", "9.9.9", true),
            ("*", "1.0.0-rc", false),
            (">=1.2.3-0 || 4", "4.1.2", true),
            (">11", "11.0.1", true),
            ("<1.x", "1.9.9", true),
        ] {
            assert_eq!(is_compatible_range(constraint, version), want, "{constraint} {version}");
        }
    }

    #[test]
    fn space_is_no_and() {
        assert_eq!(Constraints::parse(">=1 <2").unwrap_err(), "improper constraint: >=1 <2");
    }
}
