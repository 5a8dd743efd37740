//! What the scanner tells the parser.

use super::input::Mark;

/// Text of a token: a part of the input as it stands, or put together.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Range(usize, usize),
    Owned(Vec<u8>),
}

impl Text {
    pub(super) fn bytes<'a>(&'a self, buf: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Range(from, to) => buf.get(*from..*to).unwrap_or_default(),
            Self::Owned(bytes) => bytes,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    StreamStart,
    StreamEnd,
    VersionDirective(u8, u8),
    TagDirective { handle: Vec<u8>, prefix: Vec<u8> },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(Vec<u8>),
    Anchor(Vec<u8>),
    Tag { handle: Vec<u8>, suffix: Vec<u8> },
    Scalar { text: Text, plain: bool },
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: Mark,
    pub(super) end: Mark,
}
