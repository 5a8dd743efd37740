//! Reading TOML (as BurntSushi/toml 1.6: `lex.go`, `parse.go`).

use std::collections::HashSet;

use gotext::strconv::{decode_rune, is_letter, quote, quote_rune};
use gotext::{Arena, GoType, Map, Value};
use jiff::tz::TimeZone;

use super::number::{self, Kind};
use crate::golang::time::{Time, Zone};

type Result<T> = std::result::Result<T, String>;

/// Reads a document; an error has the text of the Go library.
pub(crate) fn decode<'a>(arena: &'a Arena, text: &[u8], local: &'static TimeZone) -> Result<&'a Map<'a>> {
    let text = match text {
        [0xff, 0xfe, rest @ ..] | [0xfe, 0xff, rest @ ..] | [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        _ => text,
    };
    if text.iter().take(6).any(|b| *b == 0) {
        let what = "files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8";
        return Err(format!("toml: line 1: {what}"));
    }
    let root = arena.map();
    let mut reader = Reader { arena, text, at: 0, local, last: Vec::new(), fixed: HashSet::new(), depth: 0 };
    reader.document(root)?;
    Ok(root)
}

struct Reader<'a, 't> {
    arena: &'a Arena,
    text: &'t [u8],
    at: usize,
    local: &'static TimeZone,
    /// The key being read, for errors.
    last: Vec<Vec<u8>>,
    /// Tables that were defined and cannot be again, by their path.
    fixed: HashSet<Vec<Vec<u8>>>,
    depth: u32,
}

const DEEPEST: u32 = 1000;

impl<'a> Reader<'a, '_> {
    fn fail<T>(&self, message: impl AsRef<str>) -> Result<T> {
        self.fail_at(1 + self.text.iter().take(self.at).filter(|b| **b == b'\n').count(), message)
    }

    fn fail_at<T>(&self, line: usize, message: impl AsRef<str>) -> Result<T> {
        let key = shown_key(&self.last);
        let message = message.as_ref();
        Err(if key.is_empty() {
            format!("toml: line {line}: {message}")
        } else {
            format!("toml: line {line} (last key {}): {message}", quote(key))
        })
    }

    /// Refuses the end of a line within a text. Of a CR LF the Go library names the line before, wherever that is.
    fn broken_line<T>(&self) -> Result<T> {
        let breaks = self.text.iter().take(self.at).filter(|b| **b == b'\n').count();
        let line = if self.peek() == Some(b'\r') { breaks } else { breaks + 1 };
        self.fail_at(line, "strings cannot contain newlines")
    }

    /// Says that what is found here was not expected; a byte that no text may hold is wrong wherever it stands.
    fn unexpected<T>(&self, expected: &str, after: &str) -> Result<T> {
        self.fail(self.broken_at(self.at).unwrap_or_else(|| format!("{expected}{}{after}", self.found())))
    }

    /// Refuses a byte that no text may hold.
    fn sound(&self, at: usize) -> Result<()> {
        self.broken_at(at).map_or(Ok(()), |broken| self.fail(broken))
    }

    /// What is wrong with a byte whatever it stands in: a control character, or no UTF-8.
    fn broken_at(&self, at: usize) -> Option<String> {
        let rest = self.text.get(at..)?;
        match rest {
            [] | [b'\t' | b'\n', ..] | [b'\r', b'\n', ..] => None,
            [b @ (0..=0x1F | 0x7F), ..] => Some(format!("TOML files cannot contain control characters: '0x{b:02x}'")),
            [b, ..] if decode_rune(rest) == (0xFFFD, 1) => Some(format!("invalid UTF-8 byte: 0x{b:02x}")),
            _ => None,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or(&[])
    }

    /// What stands here, as Go's `%q` shows the code point.
    fn found(&self) -> String {
        match self.peek() {
            None => quote_rune(0),
            Some(_) => quote_rune(decode_rune(self.rest()).0),
        }
    }

    fn spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Skips white space, line ends and comments.
    fn blank(&mut self) -> Result<()> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n') => self.at += 1,
                Some(b'\r') if self.text.get(self.at + 1) == Some(&b'\n') => self.at += 2,
                Some(b'#') => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Result<()> {
        while self.peek().is_some_and(|b| b != b'\n') {
            self.sound(self.at)?;
            self.at += decode_rune(self.rest()).1;
        }
        Ok(())
    }

    fn line_end(&mut self) -> Result<()> {
        self.spaces();
        match self.peek() {
            Some(b'#') => self.comment(),
            None | Some(b'\n') => Ok(()),
            Some(b'\r') if self.text.get(self.at + 1) == Some(&b'\n') => Ok(()),
            Some(_) => self
                .unexpected("expected a top-level item to end with a newline, comment, or EOF, but got ", " instead"),
        }
    }

    fn document(&mut self, root: &'a Map<'a>) -> Result<()> {
        let (mut table, mut path) = (root, Vec::new());
        loop {
            self.blank()?;
            match self.peek() {
                None => return Ok(()),
                Some(b'[') => {
                    self.at += 1;
                    let array = self.peek() == Some(b'[');
                    if array {
                        self.at += 1;
                    }
                    let key = self.table_name()?;
                    if array {
                        if self.peek() != Some(b']') {
                            return self
                                .unexpected("expected end of table array name delimiter ']', but got ", " instead");
                        }
                        self.at += 1;
                    }
                    table = self.open(root, &key, array)?;
                    path.clone_from(&key);
                    self.last = key;
                }
                Some(_) => {
                    self.last.clone_from(&path);
                    self.pair(table, &path)?;
                    self.last.clone_from(&path);
                }
            }
            self.line_end()?;
        }
    }

    fn table_name(&mut self) -> Result<Vec<Vec<u8>>> {
        let mut parts = Vec::new();
        loop {
            self.spaces();
            match self.peek() {
                None | Some(b']') => return self.fail("unexpected end of table name (table names cannot be empty)"),
                Some(b'.') => return self.fail("unexpected table separator (table names cannot be empty)"),
                _ => parts.push(self.key_part()?),
            }
            self.spaces();
            match self.peek() {
                Some(b'.') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(parts);
                }
                _ => {
                    self.sound(self.at)?;
                    let found = self.found();
                    // Go has read on when it complains: a line break counts.
                    self.at += usize::from(self.peek() == Some(b'\n'));
                    return self.fail(format!("expected '.' or ']' to end table name, but got {found} instead"));
                }
            }
        }
    }

    fn key_part(&mut self) -> Result<Vec<u8>> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.basic_string()
            }
            Some(b'\'') => {
                self.at += 1;
                self.raw_string()
            }
            _ => {
                let bare = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
                let part: Vec<u8> = self.rest().iter().copied().take_while(bare).collect();
                self.at += part.len();
                Ok(part)
            }
        }
    }

    /// Finds or makes the table of a header.
    fn open(&mut self, root: &'a Map<'a>, key: &[Vec<u8>], array: bool) -> Result<&'a Map<'a>> {
        let Some((last, parents)) = key.split_last() else { return Ok(root) };
        let mut table = root;
        for (at, part) in parents.iter().enumerate() {
            table = match table.get(part) {
                None => {
                    let made = self.arena.map();
                    table.set(self.arena.bytes(part), Value::Map(made));
                    made
                }
                Some(found) => match below(found) {
                    Some(map) => map,
                    None => {
                        let shown = shown_key(key.get(..=at).unwrap_or(key));
                        return self.fail(format!("Key '{shown}' was already created as a hash."));
                    }
                },
            };
        }
        let shown = shown_key(key);
        if array {
            let made = self.arena.map();
            let mut items = match table.get(last) {
                None => Vec::new(),
                Some(Value::List(list)) if list.elem == GoType::Map => list.items().to_vec(),
                Some(_) => {
                    return self.fail(format!("Key '{shown}' was already created and cannot be used as an array."));
                }
            };
            items.push(Value::Map(made));
            table.set(self.arena.bytes(last), self.arena.typed_list(GoType::Map, &items));
            // What the tables of the last item were does not bind those of this one.
            self.fixed.retain(|path| !path.starts_with(key));
            return Ok(made);
        }
        let made = match table.get(last) {
            None => {
                let made = self.arena.map();
                table.set(self.arena.bytes(last), Value::Map(made));
                made
            }
            Some(Value::Map(map)) if !self.fixed.contains(key) => map,
            Some(_) => return self.fail(format!("Key '{shown}' has already been defined.")),
        };
        self.fixed.insert(key.to_vec());
        Ok(made)
    }

    /// Reads `a.b = value` into a table.
    fn pair(&mut self, table: &'a Map<'a>, path: &[Vec<u8>]) -> Result<()> {
        let mut key = Vec::new();
        self.spaces();
        match self.peek() {
            None | Some(b'=') => return self.fail("unexpected '=': key name appears blank"),
            Some(b'.') => return self.fail("unexpected '.': keys cannot start with a '.'"),
            _ => {}
        }
        loop {
            self.spaces();
            match self.peek() {
                None | Some(b'=') => return self.fail("unexpected '='"),
                Some(b'.') => return self.fail("unexpected '.'"),
                _ => key.push(self.key_part()?),
            }
            self.spaces();
            match self.peek() {
                Some(b'.') => self.at += 1,
                Some(b'=') => break,
                None => return self.fail("unexpected EOF; expected key separator '='"),
                _ => return self.unexpected("expected '.' or '=', but got ", " instead"),
            }
        }
        self.at += 1;
        self.spaces();
        let mut full = path.to_vec();
        let mut into = table;
        let Some((last, parents)) = key.split_last() else { return Ok(()) };
        for part in parents {
            full.push(part.clone());
            into = match into.get(part) {
                None => {
                    let made = self.arena.map();
                    into.set(self.arena.bytes(part), Value::Map(made));
                    made
                }
                Some(Value::Map(map)) if !self.fixed.contains(&full) => map,
                Some(_) => return self.fail(format!("Key '{}' has already been defined.", shown_key(&full))),
            };
        }
        full.push(last.clone());
        self.last.clone_from(&full);
        let value = self.value(&full)?;
        if into.get(last).is_some() {
            return self.fail(format!("Key '{}' has already been defined.", shown_key(&full)));
        }
        into.set(self.arena.bytes(last), value);
        Ok(())
    }

    fn value(&mut self, path: &[Vec<u8>]) -> Result<Value<'a>> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.fail("the document nests too deeply");
        }
        let value = self.value_inner(path);
        self.depth -= 1;
        value
    }

    fn value_inner(&mut self, path: &[Vec<u8>]) -> Result<Value<'a>> {
        match self.peek() {
            Some(b'"') if self.rest().starts_with(b"\"\"\"") => {
                self.at += 3;
                let text = self.long_string()?;
                Ok(self.arena.str(text))
            }
            Some(b'"') => {
                self.at += 1;
                let text = self.basic_string()?;
                Ok(self.arena.str(text))
            }
            Some(b'\'') if self.rest().starts_with(b"'''") => {
                self.at += 3;
                let text = self.long_raw_string()?;
                Ok(self.arena.str(text))
            }
            Some(b'\'') => {
                self.at += 1;
                let text = self.raw_string()?;
                Ok(self.arena.str(text))
            }
            Some(b'[') => self.array(path),
            Some(b'{') => self.inline_table(path),
            Some(b'.') => self.fail("floats must start with a digit, not '.'"),
            Some(b'0'..=b'9' | b'+' | b'-') => self.number(),
            Some(_) if is_letter(decode_rune(self.rest()).0) => self.word(),
            None => self.fail("unexpected EOF; expected value"),
            Some(_) => self.unexpected("expected value but found ", " instead"),
        }
    }

    fn array(&mut self, path: &[Vec<u8>]) -> Result<Value<'a>> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blank()?;
            match self.peek() {
                Some(b']') => break,
                Some(b',') => return self.fail("unexpected comma"),
                _ => items.push(self.value(path)?),
            }
            self.blank()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => {
                    self.sound(self.at)?;
                    return self.fail(format!(
                        "expected a comma (',') or array terminator (']'), but got {}",
                        self.found_or_end()
                    ));
                }
            }
        }
        self.at += 1;
        Ok(self.arena.appended(GoType::Any, &items))
    }

    fn found_or_end(&self) -> String {
        match self.peek() {
            None => "end of file".to_owned(),
            Some(_) => {
                let (_, width) = decode_rune(self.rest());
                format!("'{}'", String::from_utf8_lossy(self.rest().get(..width).unwrap_or(&[])))
            }
        }
    }

    fn inline_table(&mut self, path: &[Vec<u8>]) -> Result<Value<'a>> {
        self.at += 1;
        let table = self.arena.map();
        loop {
            self.blank()?;
            match self.peek() {
                Some(b'}') => break,
                Some(b',') => return self.fail("unexpected comma"),
                _ => self.pair(table, path)?,
            }
            self.blank()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => {
                    self.sound(self.at)?;
                    return self.fail(format!(
                        "expected a comma or an inline table terminator '}}', but got {} instead",
                        self.found_or_end()
                    ));
                }
            }
        }
        self.at += 1;
        self.fixed.insert(path.to_vec());
        Ok(Value::Map(table))
    }

    fn number(&mut self) -> Result<Value<'a>> {
        let (kind, len) = match number::scan(self.rest()) {
            Ok(found) => found,
            Err((message, read)) => {
                // Go complains of a byte that no text may hold first, and has read on when it complains: a line break counts.
                let end = self.at + read;
                let mut broken = None;
                while broken.is_none() && self.at <= end && !self.rest().is_empty() {
                    broken = self.broken_at(self.at);
                    self.at += decode_rune(self.rest()).1;
                }
                self.at = end;
                return self.fail(broken.unwrap_or(message));
            }
        };
        // The end of a number is seen by the byte after it.
        self.sound(self.at + len)?;
        let token = self.rest().get(..len).unwrap_or(&[]).to_vec();
        let value = match kind {
            Kind::Integer => number::integer(&token).map(Value::int64),
            Kind::Float => number::floating(&token).map(Value::float),
            Kind::Date => {
                let value = self.datetime(token.trim_ascii_end())?;
                self.at += token.trim_ascii_end().len();
                return Ok(value);
            }
        };
        let value = value.or_else(|message| self.fail(message))?;
        self.at += len;
        Ok(value)
    }

    /// Reads a word: a truth, a number that is none, or an error that names it.
    fn word(&mut self) -> Result<Value<'a>> {
        let mut from = self.at;
        if matches!(self.peek(), Some(b'i' | b'n')) {
            // As the Go library looks for `inf` and `nan`, letter by letter, which it does not wholly take back.
            let accept = |wanted: u8, at: &mut usize| {
                let taken = self.text.get(*at) == Some(&wanted);
                *at += usize::from(taken);
                taken
            };
            let mut at = self.at + 1;
            if accept(b'n', &mut at) && accept(b'f', &mut at) || accept(b'a', &mut at) && accept(b'n', &mut at) {
                let token = self.text.get(self.at..at).unwrap_or(&[]);
                let value = number::floating(token).or_else(|message| self.fail(message))?;
                self.at = at;
                return Ok(Value::float(value));
            }
            from = at - 1;
        }
        let mut to = from;
        while let Some(rest) = self.text.get(to..).filter(|rest| !rest.is_empty()) {
            let (rune, width) = decode_rune(rest);
            if !is_letter(rune) {
                break;
            }
            to += width;
        }
        let word = self.text.get(from..to).unwrap_or(&[]);
        self.sound(to)?;
        if from == self.at && matches!(word, b"true" | b"false") {
            self.at = to;
            return Ok(Value::Bool(word == b"true"));
        }
        self.fail(format!("expected value but found {} instead", quote(word)))
    }

    fn datetime(&mut self, token: &[u8]) -> Result<Value<'a>> {
        const LAYOUTS: [&[u8]; 7] = [
            b"2006-01-02T15:04:05.999999999Z07:00",
            b"2006-01-02T15:04:05.999999999",
            b"2006-01-02",
            b"15:04:05.999999999",
            b"2006-01-02T15:04Z07:00",
            b"2006-01-02T15:04",
            b"15:04",
        ];
        let text: Vec<u8> = token
            .iter()
            .map(|b| match b {
                b'z' => b'Z',
                b't' | b' ' => b'T',
                b => *b,
            })
            .collect();
        // What has no offset is in a zone that says so.
        const ZONES: [&str; 7] = ["", "datetime-local", "date-local", "time-local", "", "datetime-local", "time-local"];
        for (layout, zone) in LAYOUTS.into_iter().zip(ZONES) {
            if let Ok(time) = Time::parse(layout, &text, self.local) {
                let offset = time.offset().0;
                let time = if zone.is_empty() { time } else { time.within(Zone::fixed(offset, zone)) };
                return Ok(self.arena.object(time));
            }
        }
        self.fail(format!("invalid datetime: {}", quote(&text)))
    }

    fn basic_string(&mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return self.fail("unexpected EOF; expected '\"'"),
                Some(b'\n') => return self.broken_line(),
                Some(b'\r') if self.text.get(self.at + 1) == Some(&b'\n') => return self.broken_line(),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => self.escape(&mut out)?,
                Some(_) => self.plain_byte(&mut out)?,
            }
        }
    }

    fn plain_byte(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.sound(self.at)?;
        let (_, width) = decode_rune(self.rest());
        out.extend_from_slice(self.rest().get(..width).unwrap_or(&[]));
        self.at += width;
        Ok(())
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.at += 1;
        let Some(b) = self.peek() else { return self.fail("unexpected EOF; expected '\"'") };
        let digits = match b {
            b'b' => return self.single(out, 0x08),
            b't' => return self.single(out, b'\t'),
            b'n' => return self.single(out, b'\n'),
            b'f' => return self.single(out, 0x0C),
            b'r' => return self.single(out, b'\r'),
            b'e' => return self.single(out, 0x1B),
            b'"' | b'\\' => return self.single(out, b),
            b'x' => (2, "two", "x"),
            b'u' => (4, "four", "u"),
            b'U' => (8, "eight", "U"),
            b' ' | b'\t' => return self.fail(format!("invalid escape: '\\{}'", char::from(b))),
            _ => {
                let (rune, _) = decode_rune(self.rest());
                let shown = char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER);
                return self.fail(format!("invalid escape in string '\\{shown}'"));
            }
        };
        let (count, word, letter) = digits;
        self.at += 1;
        let mut value = 0;
        for at in 0..count {
            match self.text.get(self.at + at).and_then(|b| char::from(*b).to_digit(16)) {
                Some(digit) => value = value << 4 | digit,
                None => {
                    let seen = self.text.get(self.at - 2..=self.at + at).unwrap_or(&[]);
                    return self.fail(format!(
                        "expected {word} hexadecimal digits after '\\{letter}', but got {} instead",
                        quote(seen)
                    ));
                }
            }
        }
        let Some(c) = char::from_u32(value) else {
            let seen = self.text.get(self.at..self.at + count).unwrap_or(&[]);
            return self.fail(format!("Escaped character '\\u{}' is not valid UTF-8.", String::from_utf8_lossy(seen)));
        };
        self.at += count;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn single(&mut self, out: &mut Vec<u8>, b: u8) -> Result<()> {
        out.push(b);
        self.at += 1;
        Ok(())
    }

    fn raw_string(&mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return self.fail("unexpected EOF; expected \"'\""),
                Some(b'\n') => return self.broken_line(),
                Some(b'\r') if self.text.get(self.at + 1) == Some(&b'\n') => return self.broken_line(),
                Some(b'\'') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(_) => self.plain_byte(&mut out)?,
            }
        }
    }

    fn first_newline(&mut self) {
        if self.rest().starts_with(b"\r\n") {
            self.at += 2;
        } else if self.peek() == Some(b'\n') {
            self.at += 1;
        }
    }

    /// The end of a long string, where up to two quotes may belong to it.
    fn long_end(&mut self, out: &mut Vec<u8>, mark: u8) -> Result<bool> {
        let run = self.rest().iter().take_while(|b| **b == mark).count();
        if run < 3 {
            out.extend(std::iter::repeat_n(mark, run));
            self.at += run;
            return Ok(false);
        }
        if run > 5 {
            let shown = if mark == b'"' { "'\"\"\"\"\"\"'" } else { "\"''''''\"" };
            return self.fail(format!("unexpected {shown}"));
        }
        out.extend(std::iter::repeat_n(mark, run - 3));
        self.at += run;
        Ok(true)
    }

    fn long_string(&mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.first_newline();
        loop {
            match self.peek() {
                None => return self.fail("unexpected EOF; expected '\"\"\"'"),
                Some(b'"') => {
                    if self.long_end(&mut out, b'"')? {
                        return Ok(out);
                    }
                }
                Some(b'\\') => {
                    let after = self.rest().get(1..).unwrap_or(&[]);
                    let blank = after.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
                    if after.get(..blank).unwrap_or(&[]).contains(&b'\n') {
                        self.at += 1 + blank;
                    } else {
                        self.escape(&mut out)?;
                    }
                }
                Some(_) => self.plain_byte(&mut out)?,
            }
        }
    }

    fn long_raw_string(&mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.first_newline();
        loop {
            match self.peek() {
                None => return self.fail("unexpected EOF; expected \"'''\""),
                Some(b'\'') => {
                    if self.long_end(&mut out, b'\'')? {
                        return Ok(out);
                    }
                }
                Some(_) => self.plain_byte(&mut out)?,
            }
        }
    }
}

/// The table a value stands for in a header: itself, or the last of an array of tables.
fn below<'a>(value: Value<'a>) -> Option<&'a Map<'a>> {
    match value {
        Value::Map(map) => Some(map),
        Value::List(list) if list.elem == GoType::Map => list.items().last().and_then(|last| below(*last)),
        _ => None,
    }
}

fn shown_key(key: &[Vec<u8>]) -> String {
    let parts: Vec<String> = key
        .iter()
        .map(|part| {
            let bare = !part.is_empty() && part.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
            let text = String::from_utf8_lossy(part).into_owned();
            if bare { text } else { format!("\"{text}\"") }
        })
        .collect();
    parts.join(".")
}
