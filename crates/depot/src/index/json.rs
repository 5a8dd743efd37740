//! An index in JSON, a version at a time.

use std::fmt;
use std::io::BufRead;

use goyaml::Value;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::decode::Decoder;
use super::whole::{self, Head};
use super::{Builder, Index, Odd};

const DECODER: Decoder = Decoder { is_yaml: false };

/// Tells whether a text begins as a JSON object; spaces before it are passed over.
pub(super) fn begins(reader: &mut impl BufRead) -> std::io::Result<bool> {
    loop {
        let buffer = reader.fill_buf()?;
        let spaces = buffer.iter().take_while(|b| b.is_ascii_whitespace()).count();
        match buffer.get(spaces) {
            // YAML counts its spaces.
            Some(b) => return Ok(*b == b'{'),
            None if spaces == 0 => return Ok(false),
            None => reader.consume(spaces),
        }
    }
}

/// Reads an index. Whatever is wrong or unusual is left to who reads it whole.
pub(super) fn read(reader: &mut impl BufRead) -> Result<Index, Odd> {
    let mut state = State::default();
    let mut json = serde_json::Deserializer::from_reader(reader);
    let read = TopSeed(&mut state).deserialize(&mut json).and_then(|()| json.end());
    match (read, state.odd) {
        (_, Some(odd)) => Err(odd),
        (Err(error), None) if error.is_io() => Err(Odd::Io(error.into())),
        (Err(_), None) => Err(Odd::Unusual),
        (Ok(()), None) if state.head.api_version.is_empty() => Err(Odd::Unusual),
        (Ok(()), None) => state.builder.finish(),
    }
}

#[derive(Default)]
struct State {
    builder: Builder,
    head: Head,
    has_entries: bool,
    odd: Option<Odd>,
}

impl State {
    /// Notes why it does not go on, and ends it.
    fn end<E: serde::de::Error>(&mut self, odd: Odd) -> E {
        self.odd.get_or_insert(odd);
        E::custom("")
    }
}

struct TopSeed<'a>(&'a mut State);

impl<'de> DeserializeSeed<'de> for TopSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TopSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an index")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key.eq_ignore_ascii_case("entries") {
                // Go would bring both together.
                if self.0.has_entries {
                    return Err(self.0.end(Odd::Unusual));
                }
                self.0.has_entries = true;
                map.next_value_seed(EntriesSeed(self.0))?;
            } else if key.eq_ignore_ascii_case("serverInfo") {
                map.next_value::<IgnoredAny>()?;
            } else {
                let value = map.next_value::<Value>()?;
                match whole::head(DECODER, [(key, value)].into()) {
                    Ok(head) if !head.api_version.is_empty() => self.0.head.api_version = head.api_version,
                    Ok(_) => {}
                    Err(_) => return Err(self.0.end(Odd::Unusual)),
                }
            }
        }
        Ok(())
    }
}

struct EntriesSeed<'a>(&'a mut State);

impl<'de> DeserializeSeed<'de> for EntriesSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EntriesSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("charts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            map.next_value_seed(ChartSeed(self.0, &key))?;
            if let Err(odd) = self.0.builder.end_chart(&key) {
                return Err(self.0.end(odd));
            }
        }
        Ok(())
    }
}

struct ChartSeed<'a>(&'a mut State, &'a str);

impl<'de> DeserializeSeed<'de> for ChartSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ChartSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("versions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self(state, chart) = self;
        while let Some(value) = items.next_element::<Value>()? {
            let taken = match DECODER.entry(value) {
                Ok(entry) => state.builder.take(chart, entry),
                Err(_) => Err(Odd::Unusual),
            };
            if let Err(odd) = taken {
                return Err(state.end(odd));
            }
        }
        Ok(())
    }
}
