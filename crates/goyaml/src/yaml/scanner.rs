//! From characters to tokens: libyaml's scanner as go-yaml v2 has it (`scannerc.go`).

use std::collections::VecDeque;

use super::chars::{is_blank, is_blankz, is_break, is_breakz};
use super::input::{Input, Mark};
use super::token::{Kind, Token};
use crate::error::Error;

/// How deep flow collections, and how deep indents may go.
const MAX_LEVELS: usize = 10_000;
/// How many characters a key without `? ` may have.
const MAX_SIMPLE_KEY: usize = 1024;

#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token_number: usize,
    mark: Mark,
}

/// Turns a text into tokens.
pub(super) struct Scanner<'a> {
    pub(super) input: Input<'a>,
    pub(super) tokens: VecDeque<Token>,
    /// How many tokens were taken from the queue.
    pub(super) tokens_parsed: usize,
    token_available: bool,
    stream_start_produced: bool,
    stream_end_produced: bool,
    /// The column of the block at hand; none outside of all.
    pub(super) indent: Option<usize>,
    indents: Vec<Option<usize>>,
    pub(super) simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    /// Which tokens may turn out to be keys, by their number, and the level of each.
    keys_by_token: Vec<(usize, usize)>,
    pub(super) flow_level: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Self {
            input: Input::new(raw),
            tokens: VecDeque::new(),
            tokens_parsed: 0,
            token_available: false,
            stream_start_produced: false,
            stream_end_produced: false,
            indent: None,
            indents: Vec::new(),
            simple_key_allowed: false,
            simple_keys: Vec::new(),
            keys_by_token: Vec::new(),
            flow_level: 0,
        }
    }

    /// An error at the place at hand.
    pub(super) fn error(&self, context: Mark, problem: impl std::fmt::Display) -> Error {
        let here = self.input.mark;
        // go-yaml counts the line of the problem from 1, and that of the context, its second choice, from 0.
        let line = if here.line != 0 { Some(here.line + 1) } else { Some(context.line).filter(|&l| l != 0) };
        Error::yaml(line, problem)
    }

    /// Returns the next token without taking it; nothing only after the end of the stream.
    pub(super) fn peek(&mut self) -> Result<Option<&Token>, Error> {
        if !self.token_available {
            self.fetch_more()?;
        }
        Ok(self.tokens.front())
    }

    /// Takes the token that was peeked at.
    pub(super) fn take(&mut self) -> Option<Token> {
        self.token_available = false;
        self.tokens_parsed += 1;
        let token = self.tokens.pop_front();
        self.stream_end_produced = matches!(token, Some(Token { kind: Kind::StreamEnd, .. }));
        token
    }

    fn fetch_more(&mut self) -> Result<(), Error> {
        loop {
            if !self.tokens.is_empty() {
                // A token that may turn out to be a key must wait until that is known.
                let Some(level) = self.key_level(self.tokens_parsed) else { break };
                if !self.simple_key_is_valid(level)? {
                    break;
                }
            } else if self.stream_end_produced {
                break;
            }
            self.fetch_next()?;
        }
        self.token_available = true;
        Ok(())
    }

    fn fetch_next(&mut self) -> Result<(), Error> {
        self.input.ensure(1)?;
        if !self.stream_start_produced {
            self.fetch_stream_start();
            return Ok(());
        }
        self.scan_to_next_token()?;
        self.unroll_indent(Some(self.input.mark.column));
        self.input.ensure(4)?;

        let c = self.input.byte();
        let column_zero = self.input.mark.column == 0;
        let blank_follows = is_blankz(&self.input.buf, self.input.pos + 1);
        match c {
            0 => self.fetch_stream_end(),
            b'%' if column_zero => self.fetch_directive(),
            b'-' if column_zero && self.at_document_indicator() => self.fetch_document_indicator(Kind::DocumentStart),
            b'.' if column_zero && self.at_document_indicator() => self.fetch_document_indicator(Kind::DocumentEnd),
            b'[' => self.fetch_flow_start(Kind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(Kind::FlowMappingStart),
            b']' => self.fetch_flow_end(Kind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(Kind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if blank_follows => self.fetch_block_entry(),
            b'?' if self.flow_level > 0 || blank_follows => self.fetch_key(),
            b':' if self.flow_level > 0 || blank_follows => self.fetch_value(),
            b'*' => self.fetch_anchor(true),
            b'&' => self.fetch_anchor(false),
            b'!' => self.fetch_tag(),
            b'|' if self.flow_level == 0 => self.fetch_block_scalar(true),
            b'>' if self.flow_level == 0 => self.fetch_block_scalar(false),
            b'\'' => self.fetch_flow_scalar(true),
            b'"' => self.fetch_flow_scalar(false),
            _ if self.starts_plain(c) => self.fetch_plain_scalar(),
            _ => Err(self.error(self.input.mark, "found character that cannot start any token")),
        }
    }

    /// Tells whether `---` or `...` stands here and nothing behind it.
    pub(super) fn at_document_indicator(&self) -> bool {
        let (a, b, c) = (self.input.byte(), self.input.byte_at(1), self.input.byte_at(2));
        (a == b'-' || a == b'.') && a == b && a == c && is_blankz(&self.input.buf, self.input.pos + 3)
    }

    fn starts_plain(&self, c: u8) -> bool {
        match c {
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@'
            | b'`' => false,
            b'-' => !is_blank(self.input.byte_at(1)),
            // The dispatch took them in a flow context, and before a blank.
            b'?' | b':' => self.flow_level == 0 && !is_blankz(&self.input.buf, self.input.pos + 1),
            _ => !is_blankz(&self.input.buf, self.input.pos),
        }
    }

    // Keys without `? `.

    fn key_level(&self, token_number: usize) -> Option<usize> {
        let i = self.keys_by_token.binary_search_by_key(&token_number, |&(n, _)| n).ok()?;
        self.keys_by_token.get(i).map(|&(_, level)| level)
    }

    fn set_key_level(&mut self, token_number: usize, level: usize) {
        // Numbers that were passed are never asked for again.
        if self.keys_by_token.len() > 32 && self.keys_by_token.first().is_some_and(|&(n, _)| n < self.tokens_parsed) {
            let parsed = self.tokens_parsed;
            self.keys_by_token.retain(|&(n, _)| n >= parsed);
        }
        match self.keys_by_token.binary_search_by_key(&token_number, |&(n, _)| n) {
            Ok(i) => {
                if let Some(entry) = self.keys_by_token.get_mut(i) {
                    entry.1 = level;
                }
            }
            Err(i) => self.keys_by_token.insert(i, (token_number, level)),
        }
    }

    fn remove_key_level(&mut self, token_number: usize) {
        if let Ok(i) = self.keys_by_token.binary_search_by_key(&token_number, |&(n, _)| n) {
            self.keys_by_token.remove(i);
        }
    }

    fn next_token_number(&self) -> usize {
        self.tokens_parsed + self.tokens.len()
    }

    fn simple_key_is_valid(&mut self, level: usize) -> Result<bool, Error> {
        let Some(&key) = self.simple_keys.get(level) else { return Ok(false) };
        if !key.possible {
            return Ok(false);
        }
        let here = self.input.mark;
        if key.mark.line < here.line || key.mark.index + MAX_SIMPLE_KEY < here.index {
            if key.required {
                return Err(self.error(key.mark, "could not find expected ':'"));
            }
            if let Some(key) = self.simple_keys.get_mut(level) {
                key.possible = false;
            }
            return Ok(false);
        }
        Ok(true)
    }

    fn save_simple_key(&mut self) -> Result<(), Error> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == Some(self.input.mark.column);
        let key = SimpleKey { possible: true, required, token_number: self.next_token_number(), mark: self.input.mark };
        self.remove_simple_key()?;
        if let Some(last) = self.simple_keys.last_mut() {
            *last = key;
        }
        self.set_key_level(key.token_number, self.simple_keys.len().saturating_sub(1));
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Result<(), Error> {
        let Some(&key) = self.simple_keys.last() else { return Ok(()) };
        if key.possible {
            if key.required {
                return Err(self.error(key.mark, "could not find expected ':'"));
            }
            if let Some(last) = self.simple_keys.last_mut() {
                last.possible = false;
            }
            self.remove_key_level(key.token_number);
        }
        Ok(())
    }

    // Levels.

    fn increase_flow_level(&mut self) -> Result<(), Error> {
        let mark = self.input.mark;
        self.simple_keys.push(SimpleKey {
            possible: false,
            required: false,
            token_number: self.next_token_number(),
            mark,
        });
        self.flow_level += 1;
        if self.flow_level > MAX_LEVELS {
            return Err(self.error(mark, format_args!("exceeded max depth of {MAX_LEVELS}")));
        }
        Ok(())
    }

    fn decrease_flow_level(&mut self) {
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                // The number may be that of the opening bracket, which then can be a key no more: so go-yaml has it.
                self.remove_key_level(key.token_number);
            }
        }
    }

    /// Opens a block at `column` if it is further right than the one at hand, with a token at the place `number`.
    fn roll_indent(&mut self, column: usize, number: Option<usize>, kind: Kind, mark: Mark) -> Result<(), Error> {
        if self.flow_level > 0 || self.indent.is_some_and(|indent| indent >= column) {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = Some(column);
        if self.indents.len() > MAX_LEVELS {
            let context = self.simple_keys.last().map_or(Mark::default(), |key| key.mark);
            return Err(self.error(context, format_args!("exceeded max depth of {MAX_LEVELS}")));
        }
        self.insert(number, Token { kind, start: mark, end: mark });
        Ok(())
    }

    fn unroll_indent(&mut self, column: Option<usize>) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            let mark = self.input.mark;
            self.tokens.push_back(Token { kind: Kind::BlockEnd, start: mark, end: mark });
            self.indent = self.indents.pop().flatten();
        }
    }

    /// Puts a token where the one with `number` is in the queue, or at its end if that one is gone.
    fn insert(&mut self, number: Option<usize>, token: Token) {
        match number.and_then(|n| n.checked_sub(self.tokens_parsed)) {
            Some(at) if at <= self.tokens.len() => self.tokens.insert(at, token),
            _ => self.tokens.push_back(token),
        }
    }

    fn push_indicator(&mut self, kind: Kind, len: usize) {
        let start = self.input.mark;
        for _ in 0..len {
            self.input.skip();
        }
        self.tokens.push_back(Token { kind, start, end: self.input.mark });
    }

    // One method for each kind of token.

    fn fetch_stream_start(&mut self) {
        self.simple_keys.push(SimpleKey::default());
        self.simple_key_allowed = true;
        self.stream_start_produced = true;
        self.push_indicator(Kind::StreamStart, 0);
    }

    fn fetch_stream_end(&mut self) -> Result<(), Error> {
        if self.input.mark.column != 0 {
            self.input.mark.column = 0;
            self.input.mark.line += 1;
        }
        self.unroll_indent(None);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push_indicator(Kind::StreamEnd, 0);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), Error> {
        self.unroll_indent(None);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_directive()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, kind: Kind) -> Result<(), Error> {
        self.unroll_indent(None);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push_indicator(kind, 3);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: Kind) -> Result<(), Error> {
        self.save_simple_key()?;
        self.increase_flow_level()?;
        self.simple_key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: Kind) -> Result<(), Error> {
        self.remove_simple_key()?;
        self.decrease_flow_level();
        self.simple_key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Result<(), Error> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(Kind::FlowEntry, 1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), Error> {
        if self.flow_level == 0 {
            let mark = self.input.mark;
            if !self.simple_key_allowed {
                return Err(self.error(mark, "block sequence entries are not allowed in this context"));
            }
            self.roll_indent(mark.column, None, Kind::BlockSequenceStart, mark)?;
        }
        // In a flow context the parser complains about it.
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(Kind::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), Error> {
        if self.flow_level == 0 {
            let mark = self.input.mark;
            if !self.simple_key_allowed {
                return Err(self.error(mark, "mapping keys are not allowed in this context"));
            }
            self.roll_indent(mark.column, None, Kind::BlockMappingStart, mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_indicator(Kind::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), Error> {
        let level = self.simple_keys.len().saturating_sub(1);
        if self.simple_key_is_valid(level)? {
            let key = self.simple_keys.get(level).copied().unwrap_or_default();
            let token = Token { kind: Kind::Key, start: key.mark, end: key.mark };
            self.insert(Some(key.token_number), token);
            self.roll_indent(key.mark.column, Some(key.token_number), Kind::BlockMappingStart, key.mark)?;
            if let Some(key) = self.simple_keys.get_mut(level) {
                key.possible = false;
            }
            self.remove_key_level(key.token_number);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                let mark = self.input.mark;
                if !self.simple_key_allowed {
                    return Err(self.error(mark, "mapping values are not allowed in this context"));
                }
                self.roll_indent(mark.column, None, Kind::BlockMappingStart, mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_indicator(Kind::Value, 1);
        Ok(())
    }

    fn fetch_anchor(&mut self, alias: bool) -> Result<(), Error> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_anchor(alias)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_tag(&mut self) -> Result<(), Error> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_tag()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_block_scalar(&mut self, literal: bool) -> Result<(), Error> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let token = self.scan_block_scalar(literal)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_flow_scalar(&mut self, single: bool) -> Result<(), Error> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_flow_scalar(single)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_plain_scalar(&mut self) -> Result<(), Error> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_plain_scalar()?;
        self.tokens.push_back(token);
        Ok(())
    }

    /// Passes over spaces, comments and empty lines.
    fn scan_to_next_token(&mut self) -> Result<(), Error> {
        loop {
            self.input.ensure(1)?;
            if self.input.mark.column == 0 && self.input.is_bom() {
                self.input.skip();
            }
            self.input.ensure(1)?;
            // A tab may stand between tokens, not where a block could begin.
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while self.input.byte() == b' ' || (self.input.byte() == b'\t' && tabs) {
                self.input.skip_ascii(self.input.ascii_run(0, |c| c == b' ').max(1));
                self.input.ensure(1)?;
            }
            if self.input.byte() == b'#' {
                self.skip_comment()?;
            }
            if !is_break(&self.input.buf, self.input.pos) {
                return Ok(());
            }
            self.input.ensure(2)?;
            self.input.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    /// Passes over the rest of the line.
    pub(super) fn skip_comment(&mut self) -> Result<(), Error> {
        while !is_breakz(&self.input.buf, self.input.pos) {
            match self.input.ascii_run(0, |c| matches!(c, b' '..=b'~')) {
                0 => self.input.skip(),
                run => self.input.skip_ascii(run),
            }
            self.input.ensure(1)?;
        }
        Ok(())
    }

    /// Passes over spaces and tabs.
    pub(super) fn skip_blanks(&mut self) -> Result<(), Error> {
        while is_blank(self.input.byte()) {
            self.input.skip();
            self.input.ensure(1)?;
        }
        Ok(())
    }
}
