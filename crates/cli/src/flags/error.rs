//! The texts of flags that are wrong, as pflag 1.0.10: `errors.go`, `flag.go`.

use chart::text::{quote, quote_rune};

use super::Flag;

/// What is wrong with a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FlagError {
    /// There is no flag of that name.
    Unknown(String),
    /// There is no flag of that letter; the letters it stands among.
    UnknownLetter(char, String),
    /// `---x`, `--=x`.
    Syntax(String),
    /// The value is missing.
    NeedsValue(String),
    /// The value of a letter is missing; the letters it stands among.
    LetterNeedsValue(char, String),
    /// The value is none for this flag: its names, the value, and why.
    Invalid(String, String, String),
}

impl FlagError {
    pub(super) fn invalid(flag: &Flag, value: &str, cause: String) -> Self {
        let names = match flag.short {
            Some(letter) => format!("-{letter}, --{}", flag.name),
            None => format!("--{}", flag.name),
        };
        Self::Invalid(names, value.to_owned(), cause)
    }
}

impl std::fmt::Display for FlagError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "unknown flag: --{name}"),
            Self::UnknownLetter(letter, all) => write!(f, "unknown shorthand flag: {} in -{all}", quote_rune(*letter)),
            Self::Syntax(argument) => write!(f, "bad flag syntax: {argument}"),
            Self::NeedsValue(name) => write!(f, "flag needs an argument: --{name}"),
            Self::LetterNeedsValue(letter, all) => {
                write!(f, "flag needs an argument: {} in -{all}", quote_rune(*letter))
            }
            Self::Invalid(names, value, cause) => {
                write!(f, "invalid argument {} for {} flag: {cause}", quote(value), quote(names))
            }
        }
    }
}

impl std::error::Error for FlagError {}
