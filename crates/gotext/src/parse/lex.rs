//! The lexer: text outside of `{{ }}`, and tokens within, as Go 1.26's text/template/parse/lex.go.

use memchr::{memchr, memchr_iter, memchr3, memmem};

use crate::strconv::{decode_last_rune, decode_rune, is_digit, is_letter, is_print, quote};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Error,
    Bool,
    /// A printable ASCII character that means nothing, such as a comma.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    // Keywords from here on.
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Token {
    pub(super) fn is_keyword(self) -> bool {
        self as u8 >= Token::Block as u8
    }
}

/// A token and where it stands in the text.
///
/// Texts are below 4 GiB, so that offsets fit into 32 bits; both lie in one word, so that a token is handed on in registers.
/// Its line is counted when somebody asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) token: Token,
    at: u64,
}

impl Item {
    /// What is there before the first token.
    pub(super) const NONE: Item = Item { token: Token::Error, at: u64::MAX };

    fn new(token: Token, start: usize, end: usize) -> Self {
        Item { token, at: (start as u64 & 0xFFFF_FFFF) << 32 | (end as u64 & 0xFFFF_FFFF) }
    }

    pub(super) fn start(self) -> u32 {
        (self.at >> 32) as u32
    }

    pub(super) fn end(self) -> u32 {
        self.at as u32
    }

    /// The line that it stands on, from 1; that of no token is 0.
    pub(super) fn line(self, text: &[u8]) -> usize {
        if self.at == u64::MAX {
            return 0;
        }
        1 + memchr_iter(b'\n', text.get(..self.start() as usize).unwrap_or(text)).count()
    }
}

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";
/// A trim marker: the minus and the space beside it.
const MARKER: usize = 2;

/// What is being scanned when no token has been found yet.
enum State {
    Text,
    LeftDelim,
    Comment,
    Inside,
    Done(Item),
}

pub(super) struct Lexer<'t> {
    input: &'t [u8],
    pos: usize,
    start: usize,
    at_eof: bool,
    paren_depth: i32,
    inside_action: bool,
    /// Whether `break` and `continue` are keywords: not when the host has functions of these names.
    pub(super) break_ok: bool,
    pub(super) continue_ok: bool,
    /// What the last error token says.
    pub(super) error: String,
}

fn is_space(rune: Option<u32>) -> bool {
    matches!(rune, Some(0x20 | 0x09 | 0x0D | 0x0A))
}

fn is_space_byte(byte: u8) -> bool {
    is_space(Some(u32::from(byte)))
}

fn is_alphanumeric(rune: Option<u32>) -> bool {
    rune.is_some_and(|r| r == u32::from(b'_') || is_letter(r) || is_digit(r))
}

/// Finds a left delimiter; texts between actions are mostly short.
fn find_left(text: &[u8]) -> Option<usize> {
    memchr_iter(b'{', text).find(|at| text.get(at + 1) == Some(&b'{'))
}

/// The ASCII characters of words.
static WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x80 {
        table[byte] = byte as u8 == b'_' || (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

fn is_word_byte(byte: u8) -> bool {
    WORD.get(usize::from(byte)).copied().unwrap_or_default()
}

fn left_trim_marker(rest: &[u8]) -> bool {
    matches!(rest, [b'-', space, ..] if is_space_byte(*space))
}

fn right_trim_marker(rest: &[u8]) -> bool {
    matches!(rest, [space, b'-', ..] if is_space_byte(*space))
}

/// `%#U`: the number of a code point, and the code point if it can be shown.
fn code_point(rune: u32) -> String {
    match char::from_u32(rune).filter(|_| is_print(rune)) {
        Some(c) => format!("U+{rune:04X} '{c}'"),
        None => format!("U+{rune:04X}"),
    }
}

impl<'t> Lexer<'t> {
    pub(super) fn new(input: &'t [u8]) -> Self {
        Lexer {
            input,
            pos: 0,
            start: 0,
            at_eof: false,
            paren_depth: 0,
            inside_action: false,
            break_ok: true,
            continue_ok: true,
            error: String::new(),
        }
    }

    fn rest(&self) -> &'t [u8] {
        self.input.get(self.pos..).unwrap_or_default()
    }

    fn slice(&self, start: usize, end: usize) -> &'t [u8] {
        self.input.get(start..end).unwrap_or_default()
    }

    /// The next code point, `None` at the end.
    fn next(&mut self) -> Option<u32> {
        let rest = self.rest();
        if rest.is_empty() {
            self.at_eof = true;
            return None;
        }
        let (rune, width) = decode_rune(rest);
        self.pos += width;
        Some(rune)
    }

    fn backup(&mut self) {
        if !self.at_eof && self.pos > 0 {
            self.pos -= decode_last_rune(self.slice(0, self.pos)).1;
        }
    }

    fn peek(&mut self) -> Option<u32> {
        let rune = self.next();
        self.backup();
        rune
    }

    fn item(&mut self, token: Token) -> Item {
        let item = Item::new(token, self.start, self.pos);
        self.start = self.pos;
        item
    }

    fn emit(&mut self, token: Token) -> State {
        State::Done(self.item(token))
    }

    /// Skips what was passed.
    fn ignore(&mut self) {
        self.start = self.pos;
    }

    fn fail(&mut self, message: impl Into<String>) -> State {
        let item = Item::new(Token::Error, self.start, self.start);
        self.error = message.into();
        self.start = 0;
        self.pos = 0;
        self.input = &[];
        State::Done(item)
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        if self.next().is_some_and(|r| r < 0x80 && valid.contains(&(r as u8))) {
            return true;
        }
        self.backup();
        false
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }

    pub(super) fn next_item(&mut self) -> Item {
        let mut state = if self.inside_action { State::Inside } else { State::Text };
        loop {
            state = match state {
                State::Text => self.text(),
                State::LeftDelim => self.left_delim(),
                State::Comment => self.comment(),
                State::Inside => self.inside(),
                State::Done(item) => return item,
            };
        }
    }

    /// Scans up to a left delimiter.
    fn text(&mut self) -> State {
        let Some(found) = find_left(self.rest()) else {
            self.pos = self.input.len();
            if self.pos > self.start {
                return self.emit(Token::Text);
            }
            return self.emit(Token::Eof);
        };
        if found > 0 {
            self.pos += found;
            let mut trim = 0;
            if left_trim_marker(self.slice(self.pos + LEFT.len(), self.input.len())) {
                let text = self.slice(self.start, self.pos);
                trim = text.iter().rev().take_while(|b| is_space_byte(**b)).count();
            }
            self.pos -= trim;
            let item = self.item(Token::Text);
            self.pos += trim;
            self.ignore();
            if item.end() > item.start() {
                return State::Done(item);
            }
        }
        State::LeftDelim
    }

    /// Whether a right delimiter is next, and whether it trims.
    fn at_right_delim(&self) -> (bool, bool) {
        let rest = self.rest();
        if right_trim_marker(rest) && rest.get(MARKER..).is_some_and(|r| r.starts_with(RIGHT)) {
            return (true, true);
        }
        (rest.starts_with(RIGHT), false)
    }

    fn left_delim(&mut self) -> State {
        self.pos += LEFT.len();
        let marker = if left_trim_marker(self.rest()) { MARKER } else { 0 };
        if self.rest().get(marker..).is_some_and(|r| r.starts_with(b"/*")) {
            self.pos += marker;
            self.ignore();
            return State::Comment;
        }
        let item = self.item(Token::LeftDelim);
        self.inside_action = true;
        self.pos += marker;
        self.ignore();
        self.paren_depth = 0;
        State::Done(item)
    }

    fn skip_spaces(&mut self) {
        self.pos += self.rest().iter().take_while(|b| is_space_byte(**b)).count();
    }

    fn comment(&mut self) -> State {
        self.pos += 2;
        let Some(end) = memmem::find(self.rest(), b"*/") else { return self.fail("unclosed comment") };
        self.pos += end + 2;
        let (delim, trim) = self.at_right_delim();
        if !delim {
            return self.fail("comment ends before closing delimiter");
        }
        self.pos += if trim { MARKER } else { 0 } + RIGHT.len();
        if trim {
            self.skip_spaces();
        }
        self.ignore();
        State::Text
    }

    fn right_delim(&mut self) -> State {
        let (_, trim) = self.at_right_delim();
        if trim {
            self.pos += MARKER;
            self.ignore();
        }
        self.pos += RIGHT.len();
        let item = self.item(Token::RightDelim);
        if trim {
            self.skip_spaces();
            self.ignore();
        }
        self.inside_action = false;
        State::Done(item)
    }

    fn inside(&mut self) -> State {
        let first = self.input.get(self.pos).copied();
        if first.is_some_and(|b| b == b'}' || is_space_byte(b)) && self.at_right_delim().0 {
            if self.paren_depth == 0 {
                return self.right_delim();
            }
            return self.fail("unclosed left paren");
        }
        let Some(rune) = self.next() else { return self.fail("unclosed action") };
        match first.filter(u8::is_ascii) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => {
                self.pos -= 1;
                self.space()
            }
            Some(b'=') => self.emit(Token::Assign),
            Some(b':') => {
                if self.next() != Some(u32::from(b'=')) {
                    return self.fail("expected :=");
                }
                self.emit(Token::Declare)
            }
            Some(b'|') => self.emit(Token::Pipe),
            Some(b'"') => self.quoted(b'"', Token::String, "unterminated quoted string"),
            Some(b'\'') => self.quoted(b'\'', Token::CharConstant, "unterminated character constant"),
            Some(b'`') => self.raw_quoted(),
            Some(b'$') => self.field_or_variable(Token::Variable),
            Some(b'.') if self.rest().first().is_some_and(|b| !b.is_ascii_digit()) => {
                self.field_or_variable(Token::Field)
            }
            Some(b'.' | b'+' | b'-' | b'0'..=b'9') => {
                self.backup();
                self.number()
            }
            Some(b'(') => {
                self.paren_depth += 1;
                self.emit(Token::LeftParen)
            }
            Some(b')') => {
                self.paren_depth -= 1;
                if self.paren_depth < 0 {
                    return self.fail("unexpected right paren");
                }
                self.emit(Token::RightParen)
            }
            Some(b'_' | b'a'..=b'z' | b'A'..=b'Z') => self.identifier(),
            _ if is_alphanumeric(Some(rune)) => self.identifier(),
            Some(_) if is_print(rune) => self.emit(Token::Char),
            _ => self.fail(format!("unrecognized character in action: {}", code_point(rune))),
        }
    }

    fn space(&mut self) -> State {
        let spaces = self.rest().iter().take_while(|b| is_space_byte(**b)).count();
        self.pos += spaces;
        // The last space may belong to a trimming right delimiter.
        let last = self.slice(self.pos.saturating_sub(1), self.input.len());
        if right_trim_marker(last) && last.get(MARKER..).is_some_and(|r| r.starts_with(RIGHT)) {
            self.backup();
            if spaces == 1 {
                return self.right_delim();
            }
        }
        self.emit(Token::Space)
    }

    /// Passes letters, digits and `_`, and what follows them must be able to end a word.
    fn word(&mut self) -> Option<State> {
        loop {
            self.pos += self.rest().iter().take_while(|b| is_word_byte(**b)).count();
            // Other letters are rare.
            match self.rest().first() {
                Some(0x80..) if is_alphanumeric(self.peek()) => self.next(),
                _ => break,
            };
        }
        if self.at_terminator() {
            return None;
        }
        let stop = self.peek().unwrap_or_default();
        Some(self.fail(format!("bad character {}", code_point(stop))))
    }

    fn identifier(&mut self) -> State {
        if let Some(failed) = self.word() {
            return failed;
        }
        let token = match self.slice(self.start, self.pos) {
            b"block" => Token::Block,
            b"break" if self.break_ok => Token::Break,
            b"continue" if self.continue_ok => Token::Continue,
            b"define" => Token::Define,
            b"else" => Token::Else,
            b"end" => Token::End,
            b"if" => Token::If,
            b"range" => Token::Range,
            b"nil" => Token::Nil,
            b"template" => Token::Template,
            b"with" => Token::With,
            b"true" | b"false" => Token::Bool,
            _ => Token::Identifier,
        };
        self.emit(token)
    }

    fn field_or_variable(&mut self, token: Token) -> State {
        if self.at_terminator() {
            return self.emit(if token == Token::Variable { Token::Variable } else { Token::Dot });
        }
        if let Some(failed) = self.word() {
            return failed;
        }
        self.emit(token)
    }

    /// Whether what follows can end an identifier.
    fn at_terminator(&self) -> bool {
        match self.rest() {
            [] | [b' ' | b'\t' | b'\r' | b'\n' | b'.' | b',' | b'|' | b':' | b')' | b'(', ..] => true,
            rest => rest.starts_with(RIGHT),
        }
    }

    fn quoted(&mut self, close: u8, token: Token, unterminated: &str) -> State {
        loop {
            let rest = self.rest();
            let Some(at) = memchr3(close, b'\\', b'\n', rest) else { return self.fail(unterminated) };
            self.pos += at + 1;
            match rest.get(at) {
                Some(b'\\') => {
                    if matches!(self.next(), None | Some(10)) {
                        return self.fail(unterminated);
                    }
                }
                Some(b'\n') => return self.fail(unterminated),
                _ => return self.emit(token),
            }
        }
    }

    fn raw_quoted(&mut self) -> State {
        let rest = self.rest();
        let Some(at) = memchr(b'`', rest) else { return self.fail("unterminated raw quoted string") };
        self.pos += at + 1;
        self.emit(Token::RawString)
    }

    fn bad_number(&mut self) -> State {
        let text = quote(self.slice(self.start, self.pos));
        self.fail(format!("bad number syntax: {text}"))
    }

    fn number(&mut self) -> State {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.peek(), Some(0x2B | 0x2D)) {
            // A complex constant has no spaces and ends in `i`.
            if !self.scan_number() || self.slice(self.pos.saturating_sub(1), self.pos) != b"i" {
                return self.bad_number();
            }
            return self.emit(Token::Complex);
        }
        self.emit(Token::Number)
    }

    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = b"0123456789abcdefABCDEF_";
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        let exponent: Option<&[u8]> = match digits.len() {
            11 => Some(b"eE"),
            23 => Some(b"pP"),
            _ => None,
        };
        if exponent.is_some_and(|letters| self.accept(letters)) {
            self.accept(b"+-");
            self.accept_run(b"0123456789_");
        }
        self.accept(b"i");
        if is_alphanumeric(self.peek()) {
            self.next();
            return false;
        }
        true
    }
}
