//! The head of a record: what a list shows. Helm writes `name`, `info` and `chart.metadata` first, so the rest need
//! not be read.

use std::fmt;
use std::io::{BufReader, Read};

use chart::Metadata;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::codec::DecodeError;
use crate::record::Info;

/// The head of a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Peek {
    /// The release's name.
    pub name: String,
    /// Times, status, notes.
    pub info: Info,
    /// `Chart.yaml`.
    pub metadata: Metadata,
}

/// Reads until the chart's metadata has been seen.
pub(crate) fn read(reader: impl Read) -> Result<Peek, DecodeError> {
    read_from(&mut serde_json::Deserializer::from_reader(BufReader::new(reader)))
}

/// As [`read`], of a text of which the end may be missing.
pub(crate) fn read_slice(text: &[u8]) -> Result<Peek, DecodeError> {
    read_from(&mut serde_json::Deserializer::from_slice(text))
}

fn read_from<'de>(json: &mut serde_json::Deserializer<impl serde_json::de::Read<'de>>) -> Result<Peek, DecodeError> {
    let mut head = Head::default();
    match (&mut head).deserialize(json) {
        Err(error) if !head.is_done() => Err(error.into()),
        _ => Ok(head.peek),
    }
}

#[derive(Default)]
struct Head {
    peek: Peek,
    has_info: bool,
    has_metadata: bool,
}

impl Head {
    fn is_done(&self) -> bool {
        self.has_info && self.has_metadata
    }
}

impl<'de> DeserializeSeed<'de> for &mut Head {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Head {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a release")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => self.peek.name = map.next_value::<Option<String>>()?.unwrap_or_default(),
                "info" => {
                    self.peek.info = map.next_value::<Option<Info>>()?.unwrap_or_default();
                    self.has_info = true;
                }
                "chart" => map.next_value_seed(ChartHead(self))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if self.is_done() {
                return Err(A::Error::custom("enough"));
            }
        }
        Ok(())
    }
}

struct ChartHead<'h>(&'h mut Head);

impl<'de> DeserializeSeed<'de> for ChartHead<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ChartHead<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chart")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key != "metadata" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            self.0.peek.metadata = map.next_value::<Option<Metadata>>()?.unwrap_or_default();
            self.0.has_metadata = true;
            if self.0.is_done() {
                return Err(A::Error::custom("enough"));
            }
        }
        Ok(())
    }
}
