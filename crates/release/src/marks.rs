//! What we note beside a record, where Helm neither looks nor keeps anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The annotation that names the run that holds a record.
const HOLDER: &str = "whipstaff.dev/holder";
/// The annotation that names the revision that has taken a record's place.
const SUCCESSOR: &str = "whipstaff.dev/successor";
/// The annotation of an install that was never brought to an end by its own process.
const DIED: &str = "whipstaff.dev/died";

/// Annotations of the stored object. Helm writes a record as a whole and without them, so a mark that is there was
/// written with the very record that it is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Marks {
    /// The run that is working on this revision; none once the revision is settled, and none on a record of Helm.
    pub holder: Option<String>,
    /// The revision whose run, having done everything else, has marked this one as superseded.
    pub successor: Option<u32>,
    /// This was an install, and its process died: what only installs do may be missing.
    pub died: bool,
}

impl Marks {
    /// Reads the marks among the annotations of an object.
    pub(crate) fn read(annotations: &BTreeMap<String, String>) -> Self {
        Self {
            holder: annotations.get(HOLDER).cloned(),
            successor: annotations.get(SUCCESSOR).and_then(|text| text.parse().ok()),
            died: annotations.contains_key(DIED),
        }
    }

    /// The annotations to write; `None` for none, so that a settled record is exactly as Helm writes it.
    pub(crate) fn annotations(&self) -> Option<BTreeMap<String, String>> {
        let holder = self.holder.iter().map(|holder| (HOLDER.to_owned(), holder.clone()));
        let successor = self.successor.iter().map(|revision| (SUCCESSOR.to_owned(), revision.to_string()));
        let died = self.died.then(|| (DIED.to_owned(), "true".to_owned()));
        let all: BTreeMap<_, _> = holder.chain(successor).chain(died).collect();
        (!all.is_empty()).then_some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_both_ways() {
        let marks = Marks { holder: Some("a_1".to_owned()), successor: Some(3), died: true };
        let written = marks.annotations().unwrap();
        assert_eq!(
            written.keys().collect::<Vec<_>>(),
            ["whipstaff.dev/died", "whipstaff.dev/holder", "whipstaff.dev/successor"]
        );
        assert_eq!(Marks::read(&written), marks);
        assert_eq!(Marks::default().annotations(), None);
        assert_eq!(Marks::read(&BTreeMap::from([(SUCCESSOR.to_owned(), "x".to_owned())])), Marks::default());
    }
}
