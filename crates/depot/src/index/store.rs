//! Where an index is kept: one text with everything in it, and places in it.

use std::collections::BTreeMap;
use std::ops::Range;

use chart::semver;

use super::Odd;
use super::decode::Entry;

/// How many texts are kept of a version.
pub(crate) const FIELDS: usize = 9;

/// The most versions of all charts together.
const MOST_VERSIONS: usize = 1_000_000;
/// The most bytes that are kept.
const MOST_BYTES: usize = 512 << 20;

/// Where a text begins and ends.
pub(crate) type Span = (u32, u32);

/// Where the texts of a version are: the first begins at `start`, each ends where the next begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) start: u32,
    pub(crate) ends: [u32; FIELDS],
}

/// A version of a chart that an index has and Helm does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The name that the index lists it under.
    pub chart: String,
    /// Its version, and why it is not taken; none when there is nothing at all.
    pub reason: Option<(String, String)>,
}

/// What an index says; its charts are sorted by name, their versions with the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    pub(crate) text: String,
    pub(crate) charts: Vec<(Span, Range<u32>)>,
    pub(crate) places: Vec<Place>,
    /// The versions that were left out.
    pub skipped: Vec<Skipped>,
}

/// A version of a chart.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    index: &'a Index,
    place: &'a Place,
}

impl<'a> Version<'a> {
    fn field(&self, number: usize) -> &'a str {
        let end = |number: usize| self.place.ends.get(number).copied().unwrap_or_default();
        let start = number.checked_sub(1).map_or(self.place.start, end);
        self.index.slice((start, end(number)))
    }

    /// The name that the chart itself has.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.field(0)
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> &'a str {
        self.field(1)
    }

    /// The version of what the chart installs.
    #[must_use]
    pub fn app_version(&self) -> &'a str {
        self.field(2)
    }

    /// What the chart says it is.
    #[must_use]
    pub fn description(&self) -> &'a str {
        self.field(3)
    }

    /// The keywords, with spaces between them.
    #[must_use]
    pub fn keywords(&self) -> &'a str {
        self.field(4)
    }

    /// The hash of the archive.
    #[must_use]
    pub fn digest(&self) -> &'a str {
        self.field(5)
    }

    /// Where the archive can be had.
    pub fn urls(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.field(6).split_terminator('\0')
    }

    /// When it was made, as RFC 3339; empty when the index does not say.
    #[must_use]
    pub fn created(&self) -> &'a str {
        self.field(7)
    }

    /// Tells whether nobody should use the chart any more.
    #[must_use]
    pub fn is_deprecated(&self) -> bool {
        !self.field(8).is_empty()
    }
}

impl Index {
    /// How much memory it takes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.text.len() + size_of_val(self.places.as_slice()) + size_of_val(self.charts.as_slice())
    }

    /// How many versions all its charts have together.
    #[must_use]
    pub fn version_count(&self) -> usize {
        self.places.len()
    }

    fn slice(&self, (start, end): Span) -> &str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    fn at(&self, range: &Range<u32>) -> Vec<Version<'_>> {
        let places = self.places.get(range.start as usize..range.end as usize).unwrap_or_default();
        places.iter().map(|place| Version { index: self, place }).collect()
    }

    /// The charts with their versions, by name.
    pub fn charts(&self) -> impl Iterator<Item = (&str, Vec<Version<'_>>)> {
        self.charts.iter().map(|(name, range)| (self.slice(*name), self.at(range)))
    }

    /// The names of the charts, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.charts.iter().map(|(name, _)| self.slice(*name))
    }

    /// The versions of a chart; `None` when there is no such chart.
    #[must_use]
    pub fn versions(&self, chart: &str) -> Option<Vec<Version<'_>>> {
        let found = self.charts.binary_search_by(|(name, _)| self.slice(*name).cmp(chart)).ok()?;
        self.charts.get(found).map(|(_, range)| self.at(range))
    }
}

/// An index while it is read.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    index: Index,
    /// The versions of the chart that is being read.
    open: Vec<(Place, semver::Version)>,
    /// The names that were there, and where the versions of each are.
    names: BTreeMap<String, Range<u32>>,
    broken: Vec<Skipped>,
}

impl Builder {
    /// Takes a version of the chart that is being read.
    pub(crate) fn take(&mut self, chart: &str, entry: Option<Entry>) -> Result<(), Odd> {
        let kept = match entry {
            None => Err(None),
            Some(mut entry) => match entry.validate() {
                Err(reason) => Err(Some((entry.metadata.version, reason))),
                Ok(()) => Ok(entry),
            },
        };
        match kept {
            Ok(entry) => self.keep(&entry),
            Err(reason) => {
                self.broken.push(Skipped { chart: chart.to_owned(), reason });
                self.check()
            }
        }
    }

    fn keep(&mut self, entry: &Entry) -> Result<(), Odd> {
        let metadata = &entry.metadata;
        // What validates has a version that can be read.
        let version = semver::Version::parse(&metadata.version).map_err(|_| Odd::Unusual)?;
        let keywords = metadata.keywords.join(" ");
        let urls: String = entry.urls.iter().map(|url| format!("{url}\0")).collect();
        let mut place = Place { start: self.end()?, ends: [0; FIELDS] };
        let texts: [&str; FIELDS] = [
            &metadata.name,
            &metadata.version,
            &metadata.app_version,
            &metadata.description,
            &keywords,
            &entry.digest,
            &urls,
            &entry.created,
            if metadata.deprecated { "d" } else { "" },
        ];
        for (end, text) in place.ends.iter_mut().zip(texts) {
            self.index.text.push_str(text);
            *end = self.end()?;
        }
        self.open.push((place, version));
        self.check()
    }

    fn end(&self) -> Result<u32, Odd> {
        u32::try_from(self.index.text.len()).map_err(|_| Odd::TooLarge("too much text".to_owned()))
    }

    fn check(&self) -> Result<(), Odd> {
        if self.index.text.len() > MOST_BYTES {
            return Err(Odd::TooLarge(format!("more than {MOST_BYTES} bytes would have to be kept")));
        }
        let versions = self.index.places.len() + self.open.len() + self.index.skipped.len() + self.broken.len();
        if versions + self.names.len() > MOST_VERSIONS {
            return Err(Odd::TooLarge(format!("more than {MOST_VERSIONS} charts and versions")));
        }
        Ok(())
    }

    /// Ends a chart. Fails when it was there before.
    pub(crate) fn end_chart(&mut self, chart: &str) -> Result<(), Odd> {
        self.open.sort_by(|(_, a), (_, b)| b.compare(a));
        let first = self.index.places.len() as u32;
        self.index.places.extend(self.open.drain(..).map(|(place, _)| place));
        let range = first..self.index.places.len() as u32;
        // Helm looks at them from the last to the first.
        self.index.skipped.extend(self.broken.drain(..).rev());
        match self.names.insert(chart.to_owned(), range) {
            Some(_) => Err(Odd::Unusual),
            None => self.check(),
        }
    }

    /// Gives the index.
    pub(crate) fn finish(mut self) -> Result<Index, Odd> {
        let mut index = std::mem::take(&mut self.index);
        for (name, range) in std::mem::take(&mut self.names) {
            let start = index.text.len() as u32;
            index.text.push_str(&name);
            let end = u32::try_from(index.text.len()).map_err(|_| Odd::TooLarge("too much text".to_owned()))?;
            index.charts.push(((start, end), range));
        }
        index.skipped.sort_by(|a, b| a.chart.cmp(&b.chart));
        index.text.shrink_to_fit();
        index.places.shrink_to_fit();
        Ok(index)
    }
}
