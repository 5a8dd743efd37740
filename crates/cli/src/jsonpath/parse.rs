//! Reading templates (as client-go: `util/jsonpath/parser.go`).

use gotext::strconv::{append_rune, decode_rune, is_print, parse_float, parse_int, unquote_char};
use goyaml::Value;

use super::{Bound, Node};

/// How deep unions and filters may lie in each other.
const MAX_DEPTH: usize = 64;

/// Reads a template into text and actions.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, String> {
    nested(text, 0)
}

fn nested(text: &str, depth: usize) -> Result<Vec<Node>, String> {
    if depth > MAX_DEPTH {
        return Err("the template is nested too deep".to_owned());
    }
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (before, action) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
        if !before.is_empty() {
            parts.push(Node::Text(before.to_owned()));
        }
        let Some(action) = action.strip_prefix('{') else { return Ok(parts) };
        let mut parser = Parser { rest: action, nodes: Vec::new(), depth };
        parser.action()?;
        parts.push(Node::List(parser.nodes));
        rest = parser.rest;
    }
}

struct Parser<'a> {
    rest: &'a str,
    nodes: Vec<Node>,
    depth: usize,
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphabetic() || c.is_numeric()
}

fn is_end(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

impl<'a> Parser<'a> {
    /// Takes so many bytes.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Reads up to the brace that ends the action.
    fn action(&mut self) -> Result<(), String> {
        loop {
            if self.rest.starts_with('}') {
                self.take(1);
                return Ok(());
            }
            if self.rest.starts_with("[?(") {
                self.take(3);
                self.filter()?;
                continue;
            }
            if self.rest.starts_with("..") {
                if self.nodes.last() == Some(&Node::Recursive) {
                    return Err("invalid multiple recursive descent".to_owned());
                }
                self.take(2);
                self.nodes.push(Node::Recursive);
                if self.rest.starts_with(is_word) {
                    self.field();
                }
                continue;
            }
            match self.rest.chars().next() {
                None | Some('\r' | '\n') => return Err("unclosed action".to_owned()),
                Some(' ' | '@' | '$') => {
                    self.take(1);
                }
                Some('[') => self.array()?,
                Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
                Some('.') => {
                    self.take(1);
                    self.field();
                }
                Some(c) if matches!(c, '+' | '-') || c.is_numeric() => self.number()?,
                Some(c) if is_word(c) => {
                    let word = self.take(self.rest.find(is_end).unwrap_or(self.rest.len()));
                    self.nodes.push(match word {
                        "true" => Node::Literal(Value::Bool(true)),
                        "false" => Node::Literal(Value::Bool(false)),
                        word => Node::Word(word.to_owned()),
                    });
                }
                Some(c) => return Err(format!("unrecognized character in action: {}", unicode(c))),
            }
        }
    }

    fn field(&mut self) {
        let mut end = 0;
        let mut escaped = false;
        for c in self.rest.chars() {
            if !escaped && c != '\\' && is_end(c) {
                break;
            }
            escaped = !escaped && c == '\\';
            end += c.len_utf8();
        }
        let name = self.take(end);
        self.nodes.push(match name {
            "*" => Node::Wildcard,
            name => Node::Field(name.replace('\\', "")),
        });
    }

    fn number(&mut self) -> Result<(), String> {
        let sign = usize::from(self.rest.starts_with(['+', '-']));
        let digits = self.rest.get(sign..).unwrap_or_default();
        let end = digits.find(|c: char| c != '.' && !c.is_numeric()).unwrap_or(digits.len());
        let text = self.take(sign + end);
        let number = match parse_int(text.as_bytes(), 10, 64) {
            Ok(number) => Value::Int(number),
            Err(_) => Value::Float(parse_float(text.as_bytes()).map_err(|_| format!("cannot parse number {text}"))?),
        };
        self.nodes.push(Node::Literal(number));
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), String> {
        let bytes = self.rest.as_bytes();
        let mut at = 1;
        let end = loop {
            match bytes.get(at) {
                None | Some(b'\n') => return Err("unterminated quoted string".to_owned()),
                Some(b) if char::from(*b) == quote && bytes.get(at - 1) != Some(&b'\\') => break at,
                Some(_) => at += 1,
            }
        };
        let whole = self.take(end + 1);
        let mut rest = whole.get(1..end).unwrap_or_default().as_bytes();
        let mut text = Vec::new();
        let mark = if quote == '"' { b'"' } else { b'\'' };
        while !rest.is_empty() {
            let Some((rune, wide, used)) = unquote_char(rest, mark) else {
                return Err(format!("unquote string {whole} error invalid syntax"));
            };
            match u8::try_from(rune) {
                Ok(byte) if rune < 0x80 || !wide => text.push(byte),
                _ => append_rune(&mut text, rune),
            }
            rest = rest.get(used..).unwrap_or_default();
        }
        self.nodes.push(Node::Text(String::from_utf8_lossy(&text).into_owned()));
        Ok(())
    }

    /// Reads an action of its own.
    fn inner(&self, text: &str) -> Result<Node, String> {
        let mut parts = nested(&format!("{{{text}}}"), self.depth + 1)?;
        Ok(if parts.is_empty() { Node::List(Vec::new()) } else { parts.swap_remove(0) })
    }

    fn array(&mut self) -> Result<(), String> {
        let end = self.rest.find([']', '\n']).filter(|at| self.rest.as_bytes().get(*at) == Some(&b']'));
        let end = end.ok_or("unterminated array")?;
        let text = self.take(end + 1).get(1..end).unwrap_or_default();
        let text = if text == "*" { ":" } else { text };
        if text.contains(',') {
            let parts = text.split(',').map(|part| self.inner(&format!("[{}]", part.trim_matches(' '))));
            let parts = parts.collect::<Result<_, _>>()?;
            self.nodes.push(Node::Union(parts));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).filter(|key| !key.contains('\''));
        if let Some(key) = key {
            if let Node::List(nodes) = self.inner(&format!(".{key}"))? {
                self.nodes.extend(nodes);
            }
            return Ok(());
        }
        let node = bounds(text).ok_or_else(|| format!("invalid array index {text}"))??;
        self.nodes.push(Node::Array(node));
        Ok(())
    }

    fn filter(&mut self) -> Result<(), String> {
        let bytes = self.rest.as_bytes();
        let (mut at, mut quote, mut closed) = (0, None, false);
        let end = loop {
            let Some(byte) = bytes.get(at).copied().filter(|b| *b != b'\n') else {
                return Err("unterminated filter".to_owned());
            };
            match byte {
                b'"' | b'\'' => match quote {
                    None => quote = Some(byte),
                    Some(mark) if byte == mark && at > 0 && bytes.get(at - 1) != Some(&b'\\') => closed = true,
                    Some(_) => {}
                },
                b')' if quote.is_some() == closed => break at,
                _ => {}
            }
            at += 1;
        };
        let text = self.take(end + 1).get(..end).unwrap_or_default();
        if !self.rest.starts_with(']') {
            return Err("unclosed array expect ]".to_owned());
        }
        self.take(1);
        let operators = |c: char| matches!(c, '!' | '<' | '>' | '=');
        let split = text.find(operators).filter(|at| *at > 0).and_then(|at| {
            let (left, rest) = text.split_at(at);
            let length = rest.find(|c| !operators(c)).unwrap_or(rest.len());
            let (operator, right) = rest.split_at(length);
            (!right.is_empty()).then_some((left, operator, right))
        });
        let node = match split {
            Some((left, operator, right)) => {
                Node::Filter(Box::new(self.inner(left)?), operator.to_owned(), Box::new(self.inner(right)?))
            }
            None => Node::Filter(Box::new(self.inner(text)?), "exists".to_owned(), Box::new(Node::List(Vec::new()))),
        };
        self.nodes.push(node);
        Ok(())
    }
}

/// Reads `from:to:step`; `None` when it is something else.
fn bounds(text: &str) -> Option<Result<[Bound; 3], String>> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |text: &str| text.strip_prefix('-').unwrap_or(text).bytes().all(|b| b.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(|part| number(part)) {
        return None;
    }
    let mut bounds = [Bound::default(); 3];
    let first = parts.first().copied().unwrap_or_default();
    for (at, bound) in bounds.iter_mut().enumerate() {
        *bound = match parts.get(at) {
            None if at == 1 => {
                let before = first.parse::<i64>().unwrap_or(0);
                Bound { value: before.saturating_add(1), known: true, derived: true }
            }
            None | Some(&"") => Bound::default(),
            Some(part) => match part.parse() {
                Ok(value) => Bound { value, known: true, derived: false },
                Err(_) => return Some(Err(format!("array index {part} is not a number"))),
            },
        };
    }
    Some(Ok(bounds))
}

/// A character as Go's `%#U` prints it.
fn unicode(c: char) -> String {
    let code = u32::from(c);
    match is_print(decode_rune(c.encode_utf8(&mut [0; 4]).as_bytes()).0) {
        true => format!("U+{code:04X} '{c}'"),
        false => format!("U+{code:04X}"),
    }
}
