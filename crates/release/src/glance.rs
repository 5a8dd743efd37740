//! The little of a record that a list shows beside its head.

use crate::peek::Peek;
use crate::record::Release;
use crate::time::Time;

/// What a list shows of a record: a hundredth of a [`Peek`], so that it can be kept of every release there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// The chart's name.
    pub chart: Box<str>,
    /// The chart's version.
    pub version: Box<str>,
    /// The version of what the chart installs.
    pub app_version: Box<str>,
    /// When the revision was deployed.
    pub updated: Option<Time>,
}

impl Glance {
    /// What a list shows of what was read.
    pub fn of(peek: &Peek) -> Self {
        Self::new(&peek.metadata, peek.info.last_deployed)
    }

    /// What a list shows of a whole record.
    pub fn of_release(release: &Release) -> Self {
        Self::new(&release.chart.metadata, release.info.last_deployed)
    }

    fn new(metadata: &chart::Metadata, updated: Option<Time>) -> Self {
        Self {
            chart: metadata.name.as_str().into(),
            version: metadata.version.as_str().into(),
            app_version: metadata.app_version.as_str().into(),
            updated,
        }
    }
}
