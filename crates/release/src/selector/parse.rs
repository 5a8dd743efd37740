//! Reading a selector, with the words of `k8s.io/apimachinery/pkg/labels` for what is none.

use std::collections::BTreeSet;

use super::names::{check_key, check_value};
use super::{Requirement, Test};

/// A sign, a word, or the end. `in` and `notin` are operators only behind a key.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Token<'t> {
    text: &'t str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Sign,
    End,
}

const SIGNS: [char; 7] = ['=', '!', '(', ')', ',', '>', '<'];
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];
const OPERATORS: &str = "in, notin, =, ==, !=, gt, lt";

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut all = Vec::new();
    let mut rest = text.trim_start_matches(BLANKS);
    while !rest.is_empty() {
        let sign = ["==", "!="].into_iter().find(|sign| rest.starts_with(sign)).map(str::len);
        let (kind, len) = match sign.or(rest.starts_with(SIGNS).then_some(1)) {
            Some(len) => (Kind::Sign, len),
            None => (Kind::Word, rest.find(|c| SIGNS.contains(&c) || BLANKS.contains(&c)).unwrap_or(rest.len())),
        };
        let (token, behind) = rest.split_at(len);
        all.push(Token { text: token, kind });
        rest = behind.trim_start_matches(BLANKS);
    }
    all
}

struct Parser<'t> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'t>>>,
}

/// Reads all requirements of a text.
pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser { tokens: tokens(text).into_iter().peekable() };
    let mut all = Vec::new();
    while parser.peek().kind != Kind::End {
        let first = parser.peek();
        if !first.begins_requirement() {
            return Err(found(first, ", expected: !, identifier, or 'end of string'"));
        }
        all.push(parser.requirement().map_err(|reason| format!("unable to parse requirement: {reason}"))?);
        let next = parser.next();
        match next.text {
            "" => break,
            "," if !parser.peek().begins_requirement() => {
                return Err(found(parser.peek(), ", expected: identifier after ','"));
            }
            "," => {}
            _ => return Err(found(next, ", expected: ',' or 'end of string'")),
        }
    }
    Ok(all)
}

fn found(token: Token<'_>, rest: &str) -> String {
    format!("found '{}'{rest}", token.text)
}

impl Token<'_> {
    fn begins_requirement(self) -> bool {
        self.kind == Kind::Word || self.text == "!"
    }
}

impl<'t> Parser<'t> {
    fn peek(&mut self) -> Token<'t> {
        self.tokens.peek().copied().unwrap_or(Token { text: "", kind: Kind::End })
    }

    fn next(&mut self) -> Token<'t> {
        self.tokens.next().unwrap_or(Token { text: "", kind: Kind::End })
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let negated = self.tokens.next_if(|token| token.text == "!").is_some();
        let word = self.next();
        if word.kind != Kind::Word {
            return Err(found(word, ", expected: identifier"));
        }
        let key = word.text;
        check_key(key)?;
        let test = match (negated, self.peek().text) {
            (true, _) => Test::Missing,
            (false, "" | ",") => Test::Exists,
            (false, _) => self.comparison(key)?,
        };
        Ok(Requirement { key: key.to_owned(), test })
    }

    fn comparison(&mut self, key: &str) -> Result<Test, String> {
        let operator = self.next();
        let values = match operator.text {
            "in" | "notin" => self.set()?,
            "=" | "==" | "!=" | ">" | "<" => BTreeSet::from([self.value()?]),
            _ => return Err(found(operator, &format!(", expected: {OPERATORS}"))),
        };
        let mut wrong = Vec::new();
        let bound = match operator.text {
            ">" | "<" => {
                let text = values.first().copied().unwrap_or_default();
                let number = text.parse::<i64>();
                if number.is_err() {
                    let problem = "for 'Gt', 'Lt' operators, the value must be an integer";
                    wrong.push(format!("values[0]: Invalid value: {text:?}: {problem}"));
                }
                number.unwrap_or_default()
            }
            _ => 0,
        };
        wrong.extend(values.iter().enumerate().filter_map(|(at, value)| check_value(key, at, value)));
        match wrong.as_slice() {
            [] => {}
            [only] => return Err(only.clone()),
            several => return Err(format!("[{}]", several.join(", "))),
        }
        let values = values.into_iter().map(str::to_owned).collect();
        Ok(match operator.text {
            "notin" | "!=" => Test::NotIn(values),
            ">" => Test::Above(bound),
            "<" => Test::Below(bound),
            _ => Test::In(values),
        })
    }

    /// Reads what stands behind `=` and its like.
    fn value(&mut self) -> Result<&'t str, String> {
        if matches!(self.peek().text, "" | ",") {
            return Ok("");
        }
        let word = self.next();
        if word.kind == Kind::Word { Ok(word.text) } else { Err(found(word, ", expected: identifier")) }
    }

    /// Reads `(a,b)`. Between two commas, and where there is nothing, is the empty text.
    fn set(&mut self) -> Result<BTreeSet<&'t str>, String> {
        let open = self.next();
        if open.text != "(" {
            return Err(found(open, " expected: '('"));
        }
        let first = self.peek();
        match first.text {
            ")" => {
                self.next();
                return Ok(BTreeSet::from([""]));
            }
            "," => {}
            _ if first.kind == Kind::Word => {}
            _ => return Err(found(first, ", expected: ',', ')' or identifier")),
        }
        let mut values = BTreeSet::new();
        loop {
            let token = self.next();
            let next = self.peek();
            match token.text {
                "," => {
                    if values.is_empty() || matches!(next.text, ")" | ",") {
                        values.insert("");
                    }
                    if next.text == ")" {
                        break;
                    }
                }
                _ if token.kind == Kind::Word => {
                    values.insert(token.text);
                    match next.text {
                        "," => {}
                        ")" => break,
                        _ => return Err(found(next, ", expected: ',' or ')'")),
                    }
                }
                _ => return Err(found(token, ", expected: ',', or identifier")),
            }
        }
        self.next();
        Ok(values)
    }
}
