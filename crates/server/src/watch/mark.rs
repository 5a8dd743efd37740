//! The ids of events: a place in what was told.
//!
//! An id is `NAME=EPOCH.NUMBER.HISTORY.VERSION`, of several clusters with commas between: a number in the feed of one process, and the
//! version up to which a history was told, that of the cluster. Clients give it back as it is.

use std::fmt;

use sha2::{Digest, Sha256};

/// What tells one history from others: where it is kept, and what it is of. Not which cluster answers there; a version that it never had
/// shows that.
pub(crate) fn history(of: &[&str]) -> String {
    let hash = Sha256::digest(of.join("\n"));
    hex::encode(hash.get(..4).unwrap_or_default())
}

/// A place in one feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark<'a> {
    /// The feed of one process.
    pub(crate) epoch: &'a str,
    /// The last event of that feed that was seen.
    pub(crate) number: u64,
    /// The version up to which everything was told; 0 where the cluster has no numbers for that.
    pub(crate) version: u64,
}

impl<'a> Mark<'a> {
    /// Reads what stands behind the name. A version of another history counts for nothing.
    pub(crate) fn read(text: &'a str, history: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (epoch, number) = (parts.next()?, parts.next()?.parse().ok()?);
        let version = match (parts.next(), parts.next()) {
            (None, _) => 0,
            (Some(of), Some(version)) => version.parse().ok().map(|version| if of == history { version } else { 0 })?,
            (Some(_), None) => return None,
        };
        let is_id = !epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_alphanumeric());
        (is_id && parts.next().is_none()).then_some(Self { epoch, number, version })
    }

    /// Writes it.
    pub(crate) fn write(&self, to: &mut impl fmt::Write, name: &str, history: &str) -> fmt::Result {
        write!(to, "{name}={}.{}", self.epoch, self.number)?;
        if self.version > 0 {
            write!(to, ".{history}.{}", self.version)?;
        }
        Ok(())
    }
}

/// The marks of an id by name.
pub(crate) struct Marks<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Marks<'a> {
    /// Takes an id apart; `None` when it is none of ours.
    pub(crate) fn read(id: &'a str) -> Option<Self> {
        let part = |part: &'a str| part.split_once('=').filter(|(_, mark)| Mark::read(mark, "").is_some());
        id.split(',').map(part).collect::<Option<Vec<_>>>().map(Self)
    }

    /// What stands behind a name.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(of, _)| *of == name).map(|(_, mark)| *mark)
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were_given() {
        let mark = Mark { epoch: "a1", number: 7, version: 90 };
        let mut id = String::new();
        mark.write(&mut id, "default", "h").unwrap();
        id.push(',');
        Mark { version: 0, ..mark }.write(&mut id, "other", "h").unwrap();
        assert_eq!(id, "default=a1.7.h.90,other=a1.7");
        let marks = Marks::read(&id).unwrap();
        assert_eq!(marks.names().collect::<Vec<_>>(), ["default", "other"]);
        let read = |name: &str, history: &str| marks.get(name).and_then(|text| Mark::read(text, history));
        assert_eq!(read("default", "h"), Some(mark));
        assert_eq!(read("default", "of another cluster"), Some(Mark { version: 0, ..mark }));
        assert_eq!((read("other", "h"), read("none", "h")), (Some(Mark { version: 0, ..mark }), None));
    }

    #[test]
    fn what_is_none_of_ours_is_no_id() {
        for wrong in [
            "",
            "5",
            "a1.7",
            "d=",
            "d=a1",
            "d=a1.x",
            "d=a1.7.h",
            "d=a1.7.h.x",
            "d=a1.7.h.9.9",
            "d=.7",
            "d=a1.7,",
            "d=a\u{e9}.7",
        ] {
            assert!(Marks::read(wrong).is_none(), "{wrong}");
        }
    }
}
