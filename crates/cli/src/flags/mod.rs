//! Flags as Helm's users know them: the tables, and the reader of a command line.
//!
//! This is a layer of our own and not clap, since what has to be the same is how a command line is read, and errors are
//! a part of that: the first wrong argument in order is told and nothing else, `--flag=false`, flags whose value may be
//! left out, `-nweb`, values that begin with a dash, lists with CSV's quotes, and warnings about old flags in the order
//! they stand (as Go's `spf13/pflag` 1.0.10 and `spf13/cobra` 1.10.2).

mod csv;
mod error;
mod parse;
mod tables;
mod value;

pub(crate) use parse::{Parsed, parse, without_flags};
pub(crate) use tables::{
    CHART, CLUSTER, FURTHER, GLOBAL, HELP, INSTALL, OUTPUT, POST_RENDERER, PREVIEW, REGISTRY, RELEASE, REVISION,
    SENDING, SERVER, VALUES, WAIT,
};
pub(crate) use value::{bytes, go_bool, go_int, go_span, texts};

/// What a flag takes, and how several of it add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A truth value; alone it is true.
    Bool,
    /// A text; the last one counts.
    Text,
    /// Texts, separated by commas as CSV is.
    Slice,
    /// Texts, each as it is.
    Array,
    /// `key=value`, several of them separated by commas.
    Pairs,
    /// A whole number.
    Int,
    /// A whole number that is not negative.
    Uint,
    /// A number.
    Float,
    /// A time span as Go writes it.
    Duration,
    /// A number of bytes, such as `32Mi`.
    Size,
    /// How to wait.
    Wait,
    /// An output format.
    Format,
    /// A post-renderer, which there is none of yet.
    PostRenderer,
}

/// A flag of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    /// The long name, without dashes.
    pub(crate) name: &'static str,
    /// The letter.
    pub(crate) short: Option<char>,
    /// What it takes.
    pub(crate) kind: Kind,
    /// Its value when it is not given, as text.
    pub(crate) default: &'static str,
    /// The value that it has when only the flag is given; `None` when a value has to follow.
    pub(crate) alone: Option<&'static str>,
    /// What help calls the value.
    pub(crate) value: &'static str,
    /// What it does, for help.
    pub(crate) help: &'static str,
    /// Left out of help.
    pub(crate) hidden: bool,
    /// What to use instead.
    pub(crate) deprecated: Option<&'static str>,
}

impl Flag {
    const fn new(kind: Kind, name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { name, short: None, kind, default: "", alone: None, value, help, hidden: false, deprecated: None }
    }

    /// A switch that is off.
    pub(crate) const fn switch(name: &'static str, help: &'static str) -> Self {
        let flag = Self::new(Kind::Bool, name, "", help);
        Self { default: "false", alone: Some("true"), ..flag }
    }

    /// A text.
    pub(crate) const fn text(name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self::new(Kind::Text, name, value, help)
    }

    /// A flag of another kind.
    pub(crate) const fn of(kind: Kind, name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self::new(kind, name, value, help)
    }

    /// The same with a letter.
    pub(crate) const fn short(self, short: char) -> Self {
        Self { short: Some(short), ..self }
    }

    /// The same with a default.
    pub(crate) const fn or(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    /// The same, with a value for when none is given.
    pub(crate) const fn alone(self, alone: &'static str) -> Self {
        Self { alone: Some(alone), ..self }
    }

    /// The same, left out of help.
    pub(crate) const fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    /// The same, with a warning when it is used.
    pub(crate) const fn deprecated(self, instead: &'static str) -> Self {
        Self { deprecated: Some(instead), hidden: true, ..self }
    }
}

/// A group of flags with a heading in help.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// The heading.
    pub(crate) title: &'static str,
    /// The flags.
    pub(crate) flags: &'static [Flag],
}

/// Finds a flag by its long name.
pub(crate) fn by_name(groups: &[&'static Group], name: &str) -> Option<&'static Flag> {
    groups.iter().flat_map(|group| group.flags).find(|flag| flag.name == name)
}

/// Finds a flag by its letter.
pub(crate) fn by_letter(groups: &[&'static Group], letter: char) -> Option<&'static Flag> {
    groups.iter().flat_map(|group| group.flags).find(|flag| flag.short == Some(letter))
}
