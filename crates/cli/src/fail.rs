//! What a command that did not work out ends with.

/// The text after `Error: `, and the exit code.
#[derive(Debug)]
pub(crate) struct Fail {
    /// The text.
    pub(crate) text: String,
    /// What follows it on lines of its own.
    pub(crate) hint: Option<String>,
    /// The exit code.
    pub(crate) code: u8,
}

/// What a command comes to.
pub(crate) type Outcome<T = ()> = Result<T, Fail>;

impl Fail {
    /// A failure with the usual exit code.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None, code: 1 }
    }

    /// The same with something in front of the text.
    pub(crate) fn after(self, prefix: &str) -> Self {
        Self { text: format!("{prefix}{}", self.text), ..self }
    }
}

/// The texts of our errors hold the causes where these matter.
impl<E: std::error::Error> From<E> for Fail {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

/// Ends a command with a text.
macro_rules! fail {
    ($($text:tt)*) => {
        return Err($crate::fail::Fail::new(format!($($text)*)))
    };
}

pub(crate) use fail;
