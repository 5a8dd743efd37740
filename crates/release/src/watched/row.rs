//! What is kept of one revision.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::error::Error;
use crate::glance::Glance;
use crate::history::Head;
use crate::name::Key;
use crate::status::Status;

/// One revision, as the labels of its record have it, and its [`Glance`] once that was read.
#[derive(Debug)]
pub struct Row {
    pub(super) namespace: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) revision: u32,
    status: Status,
    /// Kubernetes' resource version, which is a number that grows; 0 for one that is none.
    pub(super) version: u64,
    /// The user's labels.
    labels: BTreeMap<String, String>,
    /// The glance, or why the record cannot be read.
    glance: OnceLock<Result<Glance, Box<str>>>,
}

impl Row {
    pub(super) fn new(head: Head, namespace: Arc<str>, name: Arc<str>) -> Self {
        let row = Self {
            namespace,
            name,
            revision: head.key.revision,
            status: head.status,
            version: head.token.0.parse().unwrap_or_default(),
            labels: head.labels,
            glance: OnceLock::new(),
        };
        if let Some(object) = head.misnamed {
            let _ = row.glance.set(Err(Error::Misnamed { object }.to_string().into()));
        }
        row
    }

    /// The release's namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The release's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The revision.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The version of the stored object; 0 when that is no number.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The user's labels.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// What a list shows of the record, or why it cannot be read; `None` as long as it was not read.
    pub fn glance(&self) -> Option<Result<&Glance, &str>> {
        self.glance.get().map(|found| found.as_ref().map_err(|text| &**text))
    }

    /// Which revision it is.
    pub fn key(&self) -> Key {
        Key::new(&*self.namespace, &*self.name, self.revision)
    }

    /// Takes over what was read elsewhere of the same record.
    pub(super) fn learn(&self, other: &Self) {
        if let Some(glance) = other.glance.get() {
            self.glance.get_or_init(|| glance.clone());
        }
    }

    /// Notes what was read; only that the record itself is no record is known for good.
    pub(super) fn see(&self, glance: Result<Glance, Error>) -> Result<(), Error> {
        let seen = match glance {
            Ok(glance) => Ok(glance),
            Err(error @ Error::Decode { .. }) => Err(error.to_string().into()),
            Err(error) => return Err(error),
        };
        self.glance.get_or_init(|| seen);
        Ok(())
    }
}
