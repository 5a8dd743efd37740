//! What the parser tells the composer.

use super::token::Text;

#[derive(Debug)]
pub(super) enum Event {
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(Vec<u8>),
    Scalar(ScalarEvent),
    SequenceStart(Option<Vec<u8>>),
    SequenceEnd,
    MappingStart(Option<Vec<u8>>),
    MappingEnd,
}

#[derive(Debug)]
pub(super) struct ScalarEvent {
    pub(super) anchor: Option<Vec<u8>>,
    /// The tag, its handle resolved; empty if there is none.
    pub(super) tag: Vec<u8>,
    pub(super) text: Text,
    /// Whether the text alone says what it means: it is plain and has no tag, or the tag `!`.
    pub(super) implicit: bool,
}

impl Event {
    /// An empty scalar, where a node is left out.
    pub(super) fn empty() -> Self {
        Self::Scalar(ScalarEvent { anchor: None, tag: Vec::new(), text: Text::Range(0, 0), implicit: true })
    }

    /// The name that go-yaml has for it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::StreamStart => "stream start",
            Self::StreamEnd => "stream end",
            Self::DocumentStart => "document start",
            Self::DocumentEnd => "document end",
            Self::Alias(_) => "alias",
            Self::Scalar(_) => "scalar",
            Self::SequenceStart(_) => "sequence start",
            Self::SequenceEnd => "sequence end",
            Self::MappingStart(_) => "mapping start",
            Self::MappingEnd => "mapping end",
        }
    }
}
