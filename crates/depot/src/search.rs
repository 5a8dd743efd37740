//! Searching what was indexed (as Helm 4.3: `pkg/cmd/search/search.go`, `pkg/cmd/search_repo.go`).

use std::borrow::Borrow;
use std::collections::BTreeMap;

use chart::semver::{Constraints, Version as Semver};

use crate::index::{Index, Version};
use crate::names;

/// What is above this is no match.
const MOST: usize = 25;

/// What parts the texts of a line.
const PART: char = '\u{b}';

/// What is looked for.
pub enum Matcher<'m> {
    /// Everything.
    All,
    /// A text, in capital letters or small ones.
    Text(&'m str),
    /// Whatever finds a place in a text.
    Finds(&'m dyn Fn(&str) -> Option<usize>),
}

/// A version that was found.
#[derive(Clone, Debug)]
pub struct Hit<'a> {
    /// The repository and the chart, as `repo/chart`.
    pub name: String,
    /// How far it is from what was looked for.
    pub score: usize,
    /// What the index says of it.
    pub version: Version<'a>,
    order: Option<Semver>,
}

/// Finds all versions that match, the best first. Each repository has a name and an index.
#[must_use]
pub fn search<'a, I: Borrow<Index>>(repositories: &'a [(String, I)], matcher: &Matcher<'_>) -> Vec<Hit<'a>> {
    // Helm keeps them by name and version, so that of two with the same the last one stays.
    let mut lines: BTreeMap<String, (&str, Version<'_>)> = BTreeMap::new();
    for (repository, index) in repositories {
        for (chart, versions) in index.borrow().charts() {
            let name = names::join(&[repository, chart]);
            for version in versions {
                lines.insert(format!("{name}$${}", version.version()), (repository, version));
            }
        }
    }
    let wanted = if let Matcher::Text(text) = matcher { lower(text) } else { String::new() };
    let mut hits = Vec::new();
    for (key, (repository, version)) in lines {
        let score = match matcher {
            Matcher::All => Some(0),
            Matcher::Text(_) => {
                let line = lower(&line(repository, &version));
                line.find(&wanted).map(|at| score(&line, at))
            }
            Matcher::Finds(find) => {
                let line = line(repository, &version);
                find(&line).map(|at| score(&line, at))
            }
        };
        if let Some(score) = score.filter(|score| *score < MOST) {
            let name = key.split("$$").next().unwrap_or_default().to_owned();
            hits.push(Hit { name, score, version, order: Semver::parse(version.version()).ok() });
        }
    }
    hits.sort_by(|a, b| {
        let newest_first = || match (&a.order, &b.order) {
            (Some(a), Some(b)) => b.compare(a),
            _ => std::cmp::Ordering::Equal,
        };
        a.score.cmp(&b.score).then_with(|| a.name.cmp(&b.name)).then_with(newest_first)
    });
    hits
}

/// Leaves those that a constraint allows: the newest of each chart, or `all` of them.
///
/// # Errors
/// When the constraint cannot be read.
pub fn constrained<'a>(hits: Vec<Hit<'a>>, constraint: &str, all: bool) -> Result<Vec<Hit<'a>>, crate::Error> {
    let constraint = Constraints::parse(constraint)
        .map_err(|error| crate::Error::Text(format!("an invalid version/constraint format: {error}")))?;
    let mut found = std::collections::HashSet::new();
    let mut left = Vec::new();
    for hit in hits {
        let is_more = !all && found.contains(&hit.name);
        if !is_more && hit.order.as_ref().is_some_and(|version| constraint.check(version)) {
            found.insert(hit.name.clone());
            left.push(hit);
        }
    }
    Ok(left)
}

fn line(repository: &str, version: &Version<'_>) -> String {
    let name = version.name();
    let (description, keywords) = (version.description(), version.keywords());
    format!("{name}{PART}{repository}/{name}{PART}{description}{PART}{keywords}")
}

/// In which of the parts of a line a place is.
fn score(line: &str, at: usize) -> usize {
    line.get(..at).map_or(0, |before| before.matches(PART).count())
}

/// Small letters, one for each, as Go's `strings.ToLower`.
fn lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests;
