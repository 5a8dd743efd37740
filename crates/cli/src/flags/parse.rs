//! Reading a command line (as pflag 1.0.10: `flag.go parseArgs`, and cobra 1.10.2: `command.go stripFlags`).

use std::collections::BTreeMap;

use super::error::FlagError;
use super::value::{Held, set};
use super::{Flag, Group, by_letter, by_name};

/// A command line that has been read.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    values: BTreeMap<&'static str, Held>,
    groups: Vec<&'static Group>,
    /// The flags in the order they were given.
    order: Vec<&'static str>,
    /// What is no flag.
    pub(crate) args: Vec<String>,
    /// Warnings about flags that are to be used no more, a line each.
    pub(crate) warnings: String,
}

/// Reads a command line.
///
/// # Errors
/// The first argument that is wrong.
pub(crate) fn parse(groups: &[&'static Group], args: &[String]) -> Result<Parsed, FlagError> {
    let mut parsed = Parsed { groups: groups.to_vec(), ..Parsed::default() };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            parsed.args.extend(rest.by_ref().cloned());
        } else if let Some(long) = arg.strip_prefix("--") {
            parsed.long(long, arg, &mut rest)?;
        } else if let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            parsed.letters(letters, &mut rest)?;
        } else {
            parsed.args.push(arg.clone());
        }
    }
    Ok(parsed)
}

/// What of a command line is neither a flag nor the value of one, as far as can be told before the command is known.
pub(crate) fn without_flags<'a>(groups: &[&'static Group], args: &'a [String]) -> Vec<(usize, &'a String)> {
    let alone = |flag: Option<&'static Flag>| flag.is_some_and(|flag| flag.alone.is_some());
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        if arg == "--" {
            break;
        }
        let takes_value = match arg.strip_prefix("--") {
            _ if arg.contains('=') => false,
            Some(name) => !alone(by_name(groups, name)),
            None => match arg.strip_prefix('-').map(|letters| (letters.len(), letters.chars().next())) {
                Some((1, Some(letter))) => !alone(by_letter(groups, letter)),
                _ => false,
            },
        };
        if takes_value {
            // The last two arguments are a flag and its value: there is no word left.
            if args.len() - at <= 2 {
                break;
            }
            at += 1;
        } else if !arg.is_empty() && !arg.starts_with('-') {
            words.push((at, arg));
        }
        at += 1;
    }
    words
}

impl Parsed {
    fn long<'a>(
        &mut self,
        long: &str,
        whole: &str,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), FlagError> {
        if long.is_empty() || long.starts_with(['-', '=']) {
            return Err(FlagError::Syntax(whole.to_owned()));
        }
        let (name, given) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let Some(flag) = by_name(&self.groups, name) else { return Err(FlagError::Unknown(name.to_owned())) };
        let value = match (given, flag.alone) {
            (Some(value), _) => value,
            (None, Some(alone)) => alone,
            (None, None) => rest.next().ok_or_else(|| FlagError::NeedsValue(name.to_owned()))?,
        };
        self.set(flag, value)
    }

    fn letters<'a>(&mut self, all: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<(), FlagError> {
        let mut letters = all;
        while let Some(letter) = letters.chars().next() {
            let after = letters.get(letter.len_utf8()..).unwrap_or_default();
            let Some(flag) = by_letter(&self.groups, letter) else {
                return Err(FlagError::UnknownLetter(letter, letters.to_owned()));
            };
            let value = match (after.strip_prefix('='), flag.alone) {
                (Some(value), _) if !value.is_empty() => value,
                (_, Some(alone)) => {
                    self.set(flag, alone)?;
                    letters = after;
                    continue;
                }
                _ if !after.is_empty() => after,
                _ => rest.next().ok_or_else(|| FlagError::LetterNeedsValue(letter, letters.to_owned()))?,
            };
            return self.set(flag, value);
        }
        Ok(())
    }

    fn set(&mut self, flag: &'static Flag, value: &str) -> Result<(), FlagError> {
        set(self.values.entry(flag.name).or_default(), flag.kind, value)
            .map_err(|cause| FlagError::invalid(flag, value, cause))?;
        self.order.push(flag.name);
        if let Some(instead) = flag.deprecated {
            self.warnings.push_str(&format!("Flag --{} has been deprecated, {instead}\n", flag.name));
        }
        Ok(())
    }

    /// The text of whichever of some flags was given last.
    pub(crate) fn last_of(&self, names: &[&str]) -> Option<&str> {
        let last = self.order.iter().rev().find(|name| names.contains(name))?;
        Some(self.text(last))
    }

    /// Tells whether a flag was given.
    pub(crate) fn given(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The text of a flag: the last one given, or the default.
    pub(crate) fn text(&self, name: &str) -> &str {
        match self.values.get(name) {
            Some(held) => held.texts.last().map_or("", String::as_str),
            None => by_name(&self.groups, name).map_or("", |flag| flag.default),
        }
    }

    /// The text of a flag, when it was given and is not empty.
    pub(crate) fn some(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// Tells whether a switch is on.
    pub(crate) fn on(&self, name: &str) -> bool {
        super::go_bool(self.text(name)).unwrap_or(false)
    }

    /// The texts of a list.
    pub(crate) fn list(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], |held| &held.texts)
    }

    /// The pairs of a map.
    pub(crate) fn pairs(&self, name: &str) -> BTreeMap<String, String> {
        self.values.get(name).map(|held| held.pairs.clone()).unwrap_or_default()
    }
}
