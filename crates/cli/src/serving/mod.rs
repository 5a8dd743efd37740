//! The settings of `serve`: what comes out of defaults, a file, the environment and flags.

mod apply;
mod file;
mod print;
mod table;
mod telling;
#[cfg(feature = "otlp")]
mod traces;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use apply::{limits, times};
pub(crate) use print::print;
pub(crate) use table::FLAGS;
pub(crate) use telling::{Telling, begin};

use crate::fail::{Fail, Outcome};
use crate::flags::{Flag, Group, Kind, Parsed, bytes, go_bool, go_span, texts};

/// Settings below one heading; paths and flags belong together in their order.
pub(crate) struct Section {
    group: &'static Group,
    paths: &'static [&'static str],
}

/// One setting.
#[derive(Clone, Copy)]
struct Setting {
    /// Its place in a file, with dots.
    path: &'static str,
    flag: &'static Flag,
}

impl Setting {
    /// The variable that sets it.
    fn variable(self) -> String {
        format!("WHIPSTAFF_{}", self.flag.name.replace('-', "_").to_uppercase())
    }

    /// What it is when nobody says anything.
    fn default(self) -> Vec<String> {
        let many = self.flag.kind == Kind::Slice;
        if many { Vec::new() } else { vec![self.flag.default.to_owned()] }
    }
}

/// All settings.
fn settings() -> impl Iterator<Item = Setting> {
    let rows = |section: &'static Section| section.paths.iter().zip(section.group.flags);
    table::SECTIONS.iter().flat_map(rows).map(|(path, flag)| Setting { path, flag })
}

/// Where a value is from; what comes later wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Default,
    File { file: PathBuf, path: &'static str },
    Variable(String),
    Flag(&'static str),
}

/// What one can look for to find a value that is wrong.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File { file, path } => write!(f, "`{path}` in `{}`", file.display()),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Flag(name) => write!(f, "\"--{name}\" flag"),
        }
    }
}

impl Origin {
    /// How strong it is, whatever it is called.
    fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Variable(_) => 2,
            Self::Flag(_) => 3,
        }
    }
}

#[derive(Clone, Debug)]
struct Value {
    texts: Vec<String>,
    origin: Origin,
}

/// The settings as they are, by the names of their flags.
#[derive(Clone, Debug)]
pub(crate) struct Effective(BTreeMap<&'static str, Value>);

impl Effective {
    /// Brings all together. `variable` is the environment.
    pub(crate) fn read(flags: &Parsed, variable: &dyn Fn(&str) -> Option<String>) -> Outcome<Self> {
        let path = flags.some("config").map(str::to_owned).or_else(|| variable("WHIPSTAFF_CONFIG"));
        let path = path.as_deref().map(Path::new);
        let mut in_file = path.map(file::read).transpose()?.unwrap_or_default();
        let mut all = BTreeMap::new();
        for setting in settings() {
            let name = setting.flag.name;
            let value = if flags.given(name) {
                let texts = match setting.flag.kind {
                    Kind::Slice => flags.list(name).to_vec(),
                    _ => vec![flags.text(name).to_owned()],
                };
                Value { texts, origin: Origin::Flag(name) }
            } else if let Some((called, text)) = in_environment(setting, variable) {
                let origin = Origin::Variable(called);
                Value { texts: texts(setting.flag.kind, &text).map_err(|why| wrong(&origin, &text, &why))?, origin }
            } else if let (Some(texts), Some(file)) = (in_file.remove(name), path) {
                Value { texts, origin: Origin::File { file: file.to_owned(), path: setting.path } }
            } else {
                Value { texts: setting.default(), origin: Origin::Default }
            };
            all.insert(name, value);
        }
        Ok(Self(all))
    }

    /// The text of a setting.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.list(name).last().map_or("", String::as_str)
    }

    /// The text of a setting that says something.
    pub(crate) fn some(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// The texts of a list.
    pub(crate) fn list(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], |value| &value.texts)
    }

    /// Tells whether a switch is on.
    pub(crate) fn on(&self, name: &str) -> bool {
        go_bool(self.text(name)).unwrap_or(false)
    }

    /// A time.
    pub(crate) fn time(&self, name: &str) -> Outcome<Duration> {
        go_span(self.text(name)).ok_or_else(|| self.wrong(name, &"a time such as 30s"))
    }

    /// A time that is not zero.
    pub(crate) fn some_time(&self, name: &str) -> Outcome<Duration> {
        match self.time(name)? {
            Duration::ZERO => Err(self.wrong(name, &"a time above zero")),
            time => Ok(time),
        }
    }

    /// A number above zero.
    pub(crate) fn count<N: TryFrom<u64> + PartialOrd + From<u8>>(&self, name: &str) -> Outcome<N> {
        let number = self.text(name).parse::<u64>().ok().and_then(|number| N::try_from(number).ok());
        number.filter(|number| *number >= N::from(1)).ok_or_else(|| self.wrong(name, &"a number above zero"))
    }

    /// A number of bytes above zero.
    pub(crate) fn size(&self, name: &str) -> Outcome<usize> {
        let size = bytes(self.text(name)).filter(|size| *size > 0);
        size.ok_or_else(|| self.wrong(name, &"a number of bytes above zero, such as 32Mi"))
    }

    /// The failure of a value that cannot be meant.
    pub(crate) fn wrong(&self, name: &str, why: &dyn fmt::Display) -> Fail {
        self.wrong_text(name, self.text(name), why)
    }

    /// As [`Self::wrong`], of one of several.
    pub(crate) fn wrong_text(&self, name: &str, text: &str, why: &dyn fmt::Display) -> Fail {
        let origin = self.0.get(name).map_or(Origin::Default, |value| value.origin.clone());
        wrong(&origin, text, why)
    }

    /// The first of some settings that was said at least as strongly as another one.
    pub(crate) fn as_strong_as<'n>(&self, name: &str, others: &[&'n str]) -> Option<&'n str> {
        let rank = |name: &str| self.0.get(name).map_or(0, |value| value.origin.rank());
        others.iter().find(|other| self.some(other).is_some() && rank(other) >= rank(name)).copied()
    }

    /// What to call a setting when something is wrong with it.
    pub(crate) fn called(&self, name: &str) -> String {
        match self.0.get(name).map(|value| &value.origin) {
            Some(Origin::Default | Origin::Flag(_)) | None => format!("--{name}"),
            Some(origin) => origin.to_string(),
        }
    }
}

fn wrong(origin: &Origin, text: &str, why: &dyn fmt::Display) -> Fail {
    Fail::new(format!("invalid argument {text:?} for {origin}: {why}"))
}

/// The variable that sets a setting, and its text. A pod is told its namespace by a variable of another name.
fn in_environment(setting: Setting, variable: &dyn Fn(&str) -> Option<String>) -> Option<(String, String)> {
    let own = setting.variable();
    let also = (setting.flag.name == "namespace").then(|| "POD_NAMESPACE".to_owned());
    std::iter::once(own).chain(also).find_map(|name| Some((name.clone(), variable(&name)?)))
}

#[cfg(test)]
mod tests;
