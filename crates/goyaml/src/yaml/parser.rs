//! From tokens to events: libyaml's parser as go-yaml v2 has it (`parserc.go`).

use super::event::{Event, ScalarEvent};
use super::input::Mark;
use super::resolve::TAG_PREFIX;
use super::scanner::Scanner;
use super::token::{Kind, Token};
use crate::error::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirst,
    BlockSequence,
    IndentlessSequence,
    BlockMappingFirst,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirst,
    FlowSequence,
    FlowSequencePairKey,
    FlowSequencePairValue,
    FlowSequencePairEnd,
    FlowMappingFirst,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// Turns a text into events.
pub(super) struct Parser<'a> {
    pub(super) scanner: Scanner<'a>,
    state: State,
    states: Vec<State>,
    marks: Vec<Mark>,
    tag_directives: Vec<(Vec<u8>, Vec<u8>)>,
    /// The line where the last event began, counted from 0.
    pub(super) line: usize,
}

/// An error of the parser, which names lines counted from 0 (so that they are one too small).
fn error(context: Option<Mark>, problem: &str, at: Mark) -> Error {
    let context = context.map_or(0, |mark| mark.line);
    let line = if at.line != 0 { at.line } else { context };
    Error::yaml(Some(line).filter(|&l| l != 0), problem)
}

impl<'a> Parser<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Self {
            scanner: Scanner::new(raw),
            state: State::StreamStart,
            states: Vec::new(),
            marks: Vec::new(),
            tag_directives: Vec::new(),
            line: 0,
        }
    }

    /// Returns the next event.
    pub(super) fn next_event(&mut self) -> Result<Event, Error> {
        match self.state {
            State::StreamStart => self.stream_start(),
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(true, false),
            State::BlockSequenceFirst => self.first(Self::block_sequence_entry),
            State::BlockSequence => self.block_sequence_entry(false),
            State::IndentlessSequence => self.indentless_sequence_entry(),
            State::BlockMappingFirst => self.first(Self::block_mapping_key),
            State::BlockMappingKey => self.block_mapping_key(false),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirst => self.first(Self::flow_sequence_entry),
            State::FlowSequence => self.flow_sequence_entry(false),
            State::FlowSequencePairKey => self.flow_sequence_pair_key(),
            State::FlowSequencePairValue => self.flow_sequence_pair_value(),
            State::FlowSequencePairEnd => {
                let mark = self.peek()?.start;
                self.state = State::FlowSequence;
                self.at(mark, Event::MappingEnd)
            }
            State::FlowMappingFirst => self.first(Self::flow_mapping_key),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
            State::End => Ok(Event::StreamEnd),
        }
    }

    fn peek(&mut self) -> Result<&Token, Error> {
        match self.scanner.peek()? {
            Some(token) => Ok(token),
            None => Err(Error::yaml(None, "attempted to go past the end of stream; corrupted value?")),
        }
    }

    fn take(&mut self) -> Option<Token> {
        self.scanner.take()
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// Makes an event that begins at `mark`.
    fn at(&mut self, mark: Mark, event: Event) -> Result<Event, Error> {
        self.line = mark.line;
        Ok(event)
    }

    fn empty(&mut self, mark: Mark) -> Result<Event, Error> {
        self.at(mark, Event::empty())
    }

    /// Takes the token that opens a collection, and goes on to its first entry.
    fn first(&mut self, entry: fn(&mut Self, bool) -> Result<Event, Error>) -> Result<Event, Error> {
        let mark = self.peek()?.start;
        self.marks.push(mark);
        self.take();
        entry(self, true)
    }

    /// Ends a collection with the token at hand.
    fn close(&mut self, event: Event) -> Result<Event, Error> {
        let mark = self.peek()?.start;
        self.pop_state();
        self.marks.pop();
        self.take();
        self.at(mark, event)
    }

    fn unexpected(&mut self, problem: &str) -> Result<Event, Error> {
        let mark = self.peek()?.start;
        let context = self.marks.pop();
        Err(error(context, problem, mark))
    }

    fn node_then(&mut self, next: State, block: bool, indentless: bool) -> Result<Event, Error> {
        self.states.push(next);
        self.node(block, indentless)
    }

    fn empty_then(&mut self, next: State, mark: Mark) -> Result<Event, Error> {
        self.state = next;
        self.empty(mark)
    }

    fn stream_start(&mut self) -> Result<Event, Error> {
        let mark = self.peek()?.start;
        self.state = State::ImplicitDocumentStart;
        self.take();
        self.at(mark, Event::StreamStart)
    }

    fn document_start(&mut self, implicit: bool) -> Result<Event, Error> {
        if !implicit {
            while matches!(self.peek()?.kind, Kind::DocumentEnd) {
                self.take();
            }
        }
        let token = self.peek()?;
        let mark = token.start;
        match token.kind {
            Kind::StreamEnd => {
                self.state = State::End;
                self.take();
                self.at(mark, Event::StreamEnd)
            }
            Kind::VersionDirective(..) | Kind::TagDirective { .. } | Kind::DocumentStart => {
                self.explicit_document(mark)
            }
            _ if !implicit => self.explicit_document(mark),
            _ => {
                self.process_directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                self.at(mark, Event::DocumentStart)
            }
        }
    }

    fn explicit_document(&mut self, mark: Mark) -> Result<Event, Error> {
        self.process_directives()?;
        let token = self.peek()?;
        if !matches!(token.kind, Kind::DocumentStart) {
            return Err(error(None, "did not find expected <document start>", token.start));
        }
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        self.take();
        self.at(mark, Event::DocumentStart)
    }

    fn document_content(&mut self) -> Result<Event, Error> {
        let token = self.peek()?;
        let mark = token.start;
        match token.kind {
            Kind::VersionDirective(..)
            | Kind::TagDirective { .. }
            | Kind::DocumentStart
            | Kind::DocumentEnd
            | Kind::StreamEnd => {
                self.pop_state();
                self.empty(mark)
            }
            _ => self.node(true, false),
        }
    }

    fn document_end(&mut self) -> Result<Event, Error> {
        let token = self.peek()?;
        let mark = token.start;
        if matches!(token.kind, Kind::DocumentEnd) {
            self.take();
        }
        self.tag_directives.clear();
        self.state = State::DocumentStart;
        self.at(mark, Event::DocumentEnd)
    }

    fn process_directives(&mut self) -> Result<(), Error> {
        let mut version = false;
        loop {
            let token = self.peek()?;
            let mark = token.start;
            match &token.kind {
                Kind::VersionDirective(major, minor) => {
                    if version {
                        return Err(error(None, "found duplicate %YAML directive", mark));
                    }
                    if (*major, *minor) != (1, 1) {
                        return Err(error(None, "found incompatible YAML document", mark));
                    }
                    version = true;
                }
                Kind::TagDirective { handle, prefix } => {
                    let (handle, prefix) = (handle.clone(), prefix.clone());
                    if self.tag_directives.iter().any(|(h, _)| *h == handle) {
                        return Err(error(None, "found duplicate %TAG directive", mark));
                    }
                    self.tag_directives.push((handle, prefix));
                }
                _ => break,
            }
            self.take();
        }
        for (handle, prefix) in [("!", "!"), ("!!", TAG_PREFIX)] {
            if !self.tag_directives.iter().any(|(h, _)| h == handle.as_bytes()) {
                self.tag_directives.push((handle.into(), prefix.into()));
            }
        }
        Ok(())
    }

    fn node(&mut self, block: bool, indentless: bool) -> Result<Event, Error> {
        let token = self.peek()?;
        let start = token.start;
        if let Kind::Alias(name) = &token.kind {
            let name = name.clone();
            self.pop_state();
            self.take();
            return self.at(start, Event::Alias(name));
        }
        let mut anchor = None;
        let mut tag_token = None;
        // An anchor and a tag, in either order.
        for _ in 0..2 {
            let mark = self.peek()?.start;
            match self.peek()?.kind {
                Kind::Anchor(_) if anchor.is_none() => {
                    if let Some(Token { kind: Kind::Anchor(name), .. }) = self.take() {
                        anchor = Some(name);
                    }
                }
                Kind::Tag { .. } if tag_token.is_none() => {
                    if let Some(Token { kind: Kind::Tag { handle, suffix }, .. }) = self.take() {
                        tag_token = Some((handle, suffix, mark));
                    }
                }
                _ => break,
            }
        }
        // What comes next may be wrong, and is complained about before the tag.
        self.peek()?;
        let mut tag = Vec::new();
        if let Some((handle, suffix, mark)) = tag_token {
            tag = self
                .resolve_tag(&handle, suffix)
                .ok_or_else(|| error(Some(start), "found undefined tag handle", mark))?;
        }
        let token = self.peek()?;
        match &token.kind {
            Kind::BlockEntry if indentless => {
                self.state = State::IndentlessSequence;
                self.at(start, Event::SequenceStart(anchor))
            }
            Kind::Scalar { .. } => {
                self.pop_state();
                let Some(Token { kind: Kind::Scalar { text, plain }, .. }) = self.take() else {
                    return self.empty(start);
                };
                let implicit = (tag.is_empty() && plain) || tag == b"!";
                self.at(start, Event::Scalar(ScalarEvent { anchor, tag, text, implicit }))
            }
            Kind::FlowSequenceStart => {
                self.state = State::FlowSequenceFirst;
                self.at(start, Event::SequenceStart(anchor))
            }
            Kind::FlowMappingStart => {
                self.state = State::FlowMappingFirst;
                self.at(start, Event::MappingStart(anchor))
            }
            Kind::BlockSequenceStart if block => {
                self.state = State::BlockSequenceFirst;
                self.at(start, Event::SequenceStart(anchor))
            }
            Kind::BlockMappingStart if block => {
                self.state = State::BlockMappingFirst;
                self.at(start, Event::MappingStart(anchor))
            }
            _ if anchor.is_some() || !tag.is_empty() => {
                self.pop_state();
                let implicit = tag.is_empty();
                let text = super::token::Text::Range(0, 0);
                self.at(start, Event::Scalar(ScalarEvent { anchor, tag, text, implicit }))
            }
            _ => {
                let at = token.start;
                Err(error(Some(start), "did not find expected node content", at))
            }
        }
    }

    /// Puts a tag together; nothing if its handle is not known.
    fn resolve_tag(&self, handle: &[u8], suffix: Vec<u8>) -> Option<Vec<u8>> {
        if handle.is_empty() {
            return Some(suffix);
        }
        let (_, prefix) = self.tag_directives.iter().find(|(h, _)| h == handle)?;
        let tag = [prefix.as_slice(), suffix.as_slice()].concat();
        if tag.is_empty() { None } else { Some(tag) }
    }

    fn block_sequence_entry(&mut self, _first: bool) -> Result<Event, Error> {
        match self.peek()?.kind {
            Kind::BlockEntry => {
                let mark = self.peek()?.end;
                self.take();
                match self.peek()?.kind {
                    Kind::BlockEntry | Kind::BlockEnd => self.empty_then(State::BlockSequence, mark),
                    _ => self.node_then(State::BlockSequence, true, false),
                }
            }
            Kind::BlockEnd => self.close(Event::SequenceEnd),
            _ => self.unexpected("did not find expected '-' indicator"),
        }
    }

    fn indentless_sequence_entry(&mut self) -> Result<Event, Error> {
        let token = self.peek()?;
        let (start, end) = (token.start, token.end);
        if !matches!(token.kind, Kind::BlockEntry) {
            self.pop_state();
            return self.at(start, Event::SequenceEnd);
        }
        self.take();
        match self.peek()?.kind {
            Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd => {
                self.empty_then(State::IndentlessSequence, end)
            }
            _ => self.node_then(State::IndentlessSequence, true, false),
        }
    }

    fn block_mapping_key(&mut self, _first: bool) -> Result<Event, Error> {
        match self.peek()?.kind {
            Kind::Key => {
                let mark = self.peek()?.end;
                self.take();
                match self.peek()?.kind {
                    Kind::Key | Kind::Value | Kind::BlockEnd => self.empty_then(State::BlockMappingValue, mark),
                    _ => self.node_then(State::BlockMappingValue, true, true),
                }
            }
            Kind::BlockEnd => self.close(Event::MappingEnd),
            _ => self.unexpected("did not find expected key"),
        }
    }

    fn block_mapping_value(&mut self) -> Result<Event, Error> {
        let token = self.peek()?;
        let (start, end) = (token.start, token.end);
        if !matches!(token.kind, Kind::Value) {
            return self.empty_then(State::BlockMappingKey, start);
        }
        self.take();
        match self.peek()?.kind {
            Kind::Key | Kind::Value | Kind::BlockEnd => self.empty_then(State::BlockMappingKey, end),
            _ => self.node_then(State::BlockMappingKey, true, true),
        }
    }

    fn flow_sequence_entry(&mut self, first: bool) -> Result<Event, Error> {
        if !matches!(self.peek()?.kind, Kind::FlowSequenceEnd) {
            if !first {
                if !matches!(self.peek()?.kind, Kind::FlowEntry) {
                    return self.unexpected("did not find expected ',' or ']'");
                }
                self.take();
            }
            let token = self.peek()?;
            let mark = token.start;
            match token.kind {
                Kind::Key => {
                    self.state = State::FlowSequencePairKey;
                    self.take();
                    return self.at(mark, Event::MappingStart(None));
                }
                Kind::FlowSequenceEnd => {}
                _ => return self.node_then(State::FlowSequence, false, false),
            }
        }
        self.close(Event::SequenceEnd)
    }

    fn flow_sequence_pair_key(&mut self) -> Result<Event, Error> {
        let token = self.peek()?;
        let mark = token.end;
        match token.kind {
            Kind::Value | Kind::FlowEntry | Kind::FlowSequenceEnd => {
                // go-yaml takes the token although it belongs to what follows.
                self.take();
                self.empty_then(State::FlowSequencePairValue, mark)
            }
            _ => self.node_then(State::FlowSequencePairValue, false, false),
        }
    }

    fn flow_sequence_pair_value(&mut self) -> Result<Event, Error> {
        let token = self.peek()?;
        let mark = token.start;
        if matches!(token.kind, Kind::Value) {
            self.take();
            if !matches!(self.peek()?.kind, Kind::FlowEntry | Kind::FlowSequenceEnd) {
                return self.node_then(State::FlowSequencePairEnd, false, false);
            }
        }
        self.empty_then(State::FlowSequencePairEnd, mark)
    }

    fn flow_mapping_key(&mut self, first: bool) -> Result<Event, Error> {
        if !matches!(self.peek()?.kind, Kind::FlowMappingEnd) {
            if !first {
                if !matches!(self.peek()?.kind, Kind::FlowEntry) {
                    return self.unexpected("did not find expected ',' or '}'");
                }
                self.take();
            }
            match self.peek()?.kind {
                Kind::Key => {
                    self.take();
                    let token = self.peek()?;
                    let mark = token.start;
                    return match token.kind {
                        Kind::Value | Kind::FlowEntry | Kind::FlowMappingEnd => {
                            self.empty_then(State::FlowMappingValue, mark)
                        }
                        _ => self.node_then(State::FlowMappingValue, false, false),
                    };
                }
                Kind::FlowMappingEnd => {}
                _ => return self.node_then(State::FlowMappingEmptyValue, false, false),
            }
        }
        self.close(Event::MappingEnd)
    }

    fn flow_mapping_value(&mut self, empty: bool) -> Result<Event, Error> {
        let token = self.peek()?;
        let mut mark = token.start;
        if !empty && matches!(token.kind, Kind::Value) {
            self.take();
            let token = self.peek()?;
            mark = token.start;
            if !matches!(token.kind, Kind::FlowEntry | Kind::FlowMappingEnd) {
                return self.node_then(State::FlowMappingKey, false, false);
            }
        }
        self.empty_then(State::FlowMappingKey, mark)
    }
}
