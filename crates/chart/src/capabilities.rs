//! What a chart may ask about the cluster (as Helm 4.3: `pkg/chart/common/capabilities.go`).

use crate::semver::is_compatible_range;
use crate::text::quote;

/// The Kubernetes version of Helm 4.3.1 where there is no cluster, from its client library.
pub const DEFAULT_KUBE_VERSION: &str = "v1.37.0";

/// The version of Helm that this behaves as.
pub const HELM_VERSION: &str = "v4.3.1";

/// The API versions that Helm 4.3.1 knows by itself where there is no cluster, in its order.
pub const DEFAULT_API_VERSIONS: [&str; 57] = [
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// A Kubernetes version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// The whole version (`v1.33.4-gke.1245000`).
    pub version: String,
    /// The major number, as the cluster says it.
    pub major: String,
    /// The minor number, as the cluster says it (`33+` is possible).
    pub minor: String,
    /// The version that constraints are checked with, where a version was given by hand: without suffixes.
    pub normalized: Option<String>,
}

/// A text is no Kubernetes version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KubeVersionError(pub String);

impl Default for KubeVersion {
    /// The version where there is no cluster.
    fn default() -> Self {
        Self {
            version: DEFAULT_KUBE_VERSION.to_owned(),
            major: "1".to_owned(),
            minor: "37".to_owned(),
            normalized: Some(DEFAULT_KUBE_VERSION.to_owned()),
        }
    }
}

impl KubeVersion {
    /// Reads a version that someone gave (`--kube-version`).
    ///
    /// # Errors
    /// Where Kubernetes' own `version.ParseGeneric` fails, with its text.
    pub fn parse(text: &str) -> Result<Self, KubeVersionError> {
        let fail = |text: String| Err(KubeVersionError(text));
        let trimmed = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
        let rest = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let mut numbers = Vec::new();
        let mut after = rest;
        loop {
            let len = after.bytes().take_while(u8::is_ascii_digit).count();
            if len == 0 {
                break;
            }
            let (digits, left) = after.split_at(len);
            numbers.push(digits);
            after = left;
            match left.strip_prefix('.') {
                Some(next) if next.starts_with(|c: char| c.is_ascii_digit()) => after = next,
                _ => break,
            }
        }
        // What follows the numbers may be anything, but on one line.
        if numbers.is_empty() || after.contains('\n') {
            return fail(format!("could not parse {} as version", quote(text)));
        }
        if numbers.len() < 2 {
            return fail(format!("illegal version string {}", quote(text)));
        }
        let mut parsed = Vec::with_capacity(numbers.len());
        for (i, digits) in numbers.into_iter().enumerate() {
            if i == 0 && digits.starts_with('0') && digits != "0" {
                let digits = quote(digits);
                return fail(format!("illegal zero-prefixed version component {digits} in {}", quote(text)));
            }
            let Ok(number) = digits.parse::<u64>() else {
                let digits = quote(digits);
                return fail(format!(
                    "illegal non-numeric version component {digits} in {}: strconv.ParseUint: parsing {digits}: value out of range",
                    quote(text)
                ));
            };
            parsed.push(number.to_string());
        }
        let part = |i: usize| parsed.get(i).cloned().unwrap_or_default();
        Ok(Self {
            version: if text.starts_with('v') { text.to_owned() } else { format!("v{text}") },
            major: part(0),
            minor: part(1),
            normalized: Some(format!("v{}", parsed.join("."))),
        })
    }

    /// Takes what a cluster says about itself.
    #[must_use]
    pub fn of_cluster(version: &str, major: &str, minor: &str) -> Self {
        Self { version: version.to_owned(), major: major.to_owned(), minor: minor.to_owned(), normalized: None }
    }

    /// Gives the text that constraints are checked with, and that a template sees for the whole object.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.normalized.as_deref().unwrap_or(&self.version)
    }
}

impl std::fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The chart wants another Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {actual}")]
pub struct IncompatibleKubeVersion {
    /// The chart's constraint.
    pub wanted: String,
    /// The cluster's version.
    pub actual: String,
}

/// Checks `kubeVersion` of a chart (as Helm 4.3: `pkg/action/action.go`).
///
/// # Errors
/// When the constraint does not accept the version, or cannot be read.
pub fn check_kube_version(constraint: &str, version: &KubeVersion) -> Result<(), IncompatibleKubeVersion> {
    if constraint.is_empty() || is_compatible_range(constraint, version.as_str()) {
        return Ok(());
    }
    Err(IncompatibleKubeVersion { wanted: constraint.to_owned(), actual: version.version.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        for (text, want) in [
            ("1.30", Ok(("v1.30", "1", "30", "v1.30"))),
            ("v1.29.4-gke.1", Ok(("v1.29.4-gke.1", "1", "29", "v1.29.4"))),
            ("1.2.3.4", Ok(("v1.2.3.4", "1", "2", "v1.2.3.4"))),
            ("1.2.x", Ok(("v1.2.x", "1", "2", "v1.2"))),
            ("1.030", Ok(("v1.030", "1", "30", "v1.30"))),
            (" 1.30", Ok(("v 1.30", "1", "30", "v1.30"))),
            ("1", Err("illegal version string \"1\"")),
            ("x", Err("could not parse \"x\" as version")),
            ("1.30 x\ny", Err("could not parse \"1.30 x\\ny\" as version")),
            ("v01.2", Err("illegal zero-prefixed version component \"01\" in \"v01.2\"")),
        ] {
            let got = KubeVersion::parse(text).map_err(|e| e.to_string());
            let got = got.as_ref().map(|v| (v.version.as_str(), v.major.as_str(), v.minor.as_str(), v.as_str()));
            assert_eq!(got.map_err(String::as_str), want, "{text}");
        }
    }

    #[test]
    fn checks_constraints() {
        let version = KubeVersion::parse("v1.36.3-gke.1").unwrap();
        assert_eq!(check_kube_version(">=1.20-0", &version), Ok(()));
        assert_eq!(check_kube_version(">=1.20", &version), Ok(()));
        assert_eq!(
            check_kube_version("foo", &version).unwrap_err().to_string(),
            "chart requires kubeVersion: foo which is incompatible with Kubernetes v1.36.3-gke.1"
        );
        // As Helm: what a cluster says is not stripped of its suffix.
        let cluster = KubeVersion::of_cluster("v1.36.3-gke.1", "1", "36+");
        assert!(check_kube_version(">=1.20", &cluster).is_err());
    }

    #[test]
    fn the_table_has_no_doubles() {
        let mut sorted = DEFAULT_API_VERSIONS.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), DEFAULT_API_VERSIONS.len());
    }
}
