//! What a repository has, as far as it is known: charts and their versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::RepositoryChart;
use chart::semver::{Constraints, Version};
use depot::{Index, Matcher};

/// What a repository has.
pub(crate) enum Catalog {
    /// What an index says.
    Http(Arc<Index>),
    /// The charts of a registry with their versions, the newest first.
    Oci(BTreeMap<String, Vec<String>>),
    /// A registry that does not tell what it holds.
    Silent,
}

/// A version of a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) app_version: String,
    pub(crate) description: String,
    pub(crate) deprecated: Option<bool>,
    pub(crate) created: String,
    /// The SHA-256 of the archive as the repository writes it, or nothing.
    pub(crate) digest: String,
    /// Where the archive is; this may hold a secret.
    pub(crate) url: String,
}

impl Row {
    /// A version of an index.
    fn of(base: &str, chart: &str, version: &depot::Version<'_>) -> Self {
        let url = version.urls().next().and_then(|url| depot::resolve_url(base, url).ok());
        Self {
            name: chart.to_owned(),
            version: version.version().to_owned(),
            app_version: version.app_version().to_owned(),
            description: version.description().to_owned(),
            deprecated: Some(version.is_deprecated()),
            created: version.created().to_owned(),
            digest: version.digest().to_owned(),
            url: url.unwrap_or_default(),
        }
    }

    /// A version of a registry, of which no more is known.
    pub(super) fn tagged(place: &str, chart: &str, version: &str) -> Self {
        Self {
            name: chart.to_owned(),
            version: version.to_owned(),
            url: format!("{}/{chart}:{version}", place.trim_end_matches('/')),
            ..Self::default()
        }
    }

    /// What callers are shown.
    pub(crate) fn shown(&self) -> RepositoryChart {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        RepositoryChart {
            name: self.name.clone(),
            version: self.version.clone(),
            app_version: self.app_version.clone(),
            description: self.description.clone(),
            deprecated: self.deprecated,
            created: some(&self.created).filter(|at| !at.starts_with("0001-")),
            digest: self.promised().ok().flatten().map(|hash| digest(&hash)),
            url: some(&depot::public(&self.url)),
        }
    }

    /// The hash that the archive has to have, if the repository says so.
    pub(super) fn promised(&self) -> Result<Option<[u8; 32]>, String> {
        if self.digest.is_empty() {
            return Ok(None);
        }
        let text = self.digest.split_once(':').map_or(self.digest.as_str(), |(_, text)| text);
        let hash = hex::decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        hash.map(Some).ok_or_else(|| format!("the digest `{}` is no SHA-256", super::problems::shown(&self.digest)))
    }
}

/// A hash as it is shown.
pub(super) fn digest(hash: &[u8; 32]) -> String {
    format!("sha256:{}", hex::encode(hash))
}

impl Catalog {
    /// The charts, by name.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::Http(index) => index.names().collect(),
            Self::Oci(charts) => charts.keys().map(String::as_str).collect(),
            Self::Silent => Vec::new(),
        }
    }

    /// How many charts and versions there are, if that is known.
    pub(super) fn counts(&self) -> Option<(usize, usize)> {
        match self {
            Self::Http(index) => Some((index.names().count(), index.version_count())),
            Self::Oci(charts) => Some((charts.len(), charts.values().map(Vec::len).sum())),
            Self::Silent => None,
        }
    }

    /// How much memory it takes, about.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Http(index) => index.weight(),
            Self::Oci(charts) => charts.iter().map(|(name, versions)| name.len() + versions.len() * 48).sum(),
            Self::Silent => 0,
        }
    }

    /// The newest version of a chart, as Helm finds it: a pre-release only where there is nothing else. `base` is the repository's URL.
    pub(crate) fn newest(&self, base: &str, chart: &str) -> Option<Row> {
        match self {
            Self::Http(index) => {
                let stable = index.get(chart, "").ok().map(|(found, _)| found);
                let found = stable.or_else(|| index.versions(chart)?.first().copied())?;
                Some(Row::of(base, chart, &found))
            }
            Self::Oci(charts) => {
                let version = newest(charts.get(chart)?)?;
                Some(Row::tagged(base, chart, version))
            }
            Self::Silent => None,
        }
    }

    /// The versions of a chart of an index, the newest first.
    pub(super) fn versions(&self, base: &str, chart: &str) -> Option<Vec<Row>> {
        let Self::Http(index) = self else { return None };
        Some(index.versions(chart)?.iter().map(|version| Row::of(base, chart, version)).collect())
    }

    /// The charts that have a text in them, with how far each is from it, as `helm search repo` finds them.
    pub(crate) fn search(&self, repository: &str, base: &str, text: &str) -> Vec<(usize, Row)> {
        match self {
            Self::Http(index) => {
                let of = [(repository.to_owned(), Arc::clone(index))];
                let hits = depot::search(&of, &Matcher::Text(text));
                let hits = depot::constrained(hits, ">0.0.0", false).unwrap_or_default();
                let row = |hit: depot::Hit<'_>| {
                    let chart = hit.name.split_once('/').map_or(hit.name.as_str(), |(_, chart)| chart);
                    (hit.score, Row::of(base, chart, &hit.version))
                };
                hits.into_iter().map(row).collect()
            }
            Self::Oci(charts) => {
                let text = text.to_lowercase();
                let found = charts.keys().filter(|name| name.to_lowercase().contains(&text));
                found.filter_map(|name| Some((0, self.newest(base, name)?))).collect()
            }
            Self::Silent => Vec::new(),
        }
    }
}

/// The first version that is no pre-release, or else the first one; they are sorted.
fn newest(versions: &[String]) -> Option<&String> {
    let is_stable = |version: &&String| Version::parse(version).is_ok_and(|version| version.prerelease.is_empty());
    versions.iter().find(is_stable).or_else(|| versions.first())
}

/// The version that is wanted: that very one, or the newest that fits, as Helm finds it.
///
/// `Err` says what is wrong with the constraint.
pub(super) fn pick(rows: &[Row], wanted: &str) -> Result<Option<Row>, String> {
    let wanted = if wanted == "latest" { "" } else { wanted };
    if let Some(found) = rows.iter().find(|row| row.version == wanted) {
        return Ok(Some(found.clone()));
    }
    let fitting = fitting(if wanted.is_empty() { "*" } else { wanted })?;
    Ok(rows.iter().find(|row| fitting(&row.version)).cloned())
}

/// What tells whether a version fits a constraint.
pub(crate) fn fitting(constraint: &str) -> Result<impl Fn(&str) -> bool, String> {
    let constraint = Constraints::parse(constraint).map_err(|error| error.to_string())?;
    Ok(move |version: &str| Version::parse(version).is_ok_and(|version| constraint.check(&version)))
}

/// A version as a text that sorts as versions do.
pub(crate) fn sort_key(version: &str) -> String {
    let Ok(version) = Version::parse(version) else { return String::new() };
    let mut key = format!("{:020}.{:020}.{:020}.", version.major, version.minor, version.patch);
    if version.prerelease.is_empty() {
        key.push('3');
        return key;
    }
    for part in version.prerelease.split('.') {
        // Numbers go before words, and by their size.
        let number = part.trim_start_matches('0');
        match part.bytes().all(|b| b.is_ascii_digit()) {
            true => key.push_str(&format!("1{:03}{number}", number.len())),
            false => key.push_str(&format!("2{part}")),
        }
        key.push('\0');
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_versions_do() {
        let sorted = [
            "0.9.0",
            "1.0.0-0",
            "1.0.0-2",
            "1.0.0-10",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.2.0",
            "1.10.0",
            "2.0.0",
        ];
        for pair in sorted.windows(2) {
            assert!(sort_key(pair[0]) < sort_key(pair[1]), "{pair:?}");
            let parsed = pair.iter().map(|text| Version::parse(text).unwrap()).collect::<Vec<_>>();
            assert!(parsed[0].compare(&parsed[1]).is_lt(), "{pair:?}");
        }
    }

    #[test]
    fn a_version_is_picked_as_helm_picks_it() {
        let rows: Vec<Row> = ["2.0.0-rc.1", "1.10.0", "1.2.0", "1.2.0-rc.1", "0.1.0"]
            .map(|version| Row { version: version.to_owned(), ..Row::default() })
            .into();
        for (wanted, found) in [
            ("latest", Some("1.10.0")),
            ("1.2.0", Some("1.2.0")),
            ("1.2", Some("1.2.0")),
            ("^1", Some("1.10.0")),
            ("<1.10", Some("1.2.0")),
            (">0-0", Some("2.0.0-rc.1")),
            ("1.2.0-rc.1", Some("1.2.0-rc.1")),
            ("^3", None),
        ] {
            assert_eq!(pick(&rows, wanted).unwrap().map(|row| row.version).as_deref(), found, "{wanted}");
        }
        assert!(pick(&rows, "what").is_err());
    }

    #[test]
    fn only_a_sha256_is_a_digest() {
        let row = |digest: &str| Row { digest: digest.to_owned(), ..Row::default() };
        let hex = "0".repeat(64);
        assert_eq!(row("").promised(), Ok(None));
        for good in [hex.clone(), format!("sha256:{hex}")] {
            assert_eq!(row(&good).promised(), Ok(Some([0; 32])));
            assert_eq!(row(&good).shown().digest, Some(format!("sha256:{hex}")));
        }
        for bad in ["x", "sha512:00", "00"] {
            assert!(row(bad).promised().is_err(), "{bad}");
            assert_eq!(row(bad).shown().digest, None);
        }
    }
}
