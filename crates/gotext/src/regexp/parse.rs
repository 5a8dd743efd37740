//! Go's regular expression syntax (as Go 1.26: `regexp/syntax/parse.go`), read into `regex-syntax`'s HIR.

use super::names::NAMES;
use crate::strconv::decode_rune;
use regex_syntax::hir::{self, Capture, ClassUnicode, ClassUnicodeRange, Hir, Look, Repetition};

/// An expression, read.
pub(super) struct Parsed {
    pub(super) hir: Hir,
    /// The names of the groups; that of group 0 is the empty text when the whole expression is empty.
    pub(super) names: Vec<Option<String>>,
}

type Result<T> = std::result::Result<T, Failure>;

/// What went wrong and the piece of the expression it went wrong at.
struct Failure(&'static str, Vec<u8>);

const CLASS_RANGE: &str = "invalid character class range";
const ESCAPE: &str = "invalid escape sequence";
const NAME: &str = "invalid named capture";
const PERL: &str = "invalid or unsupported Perl syntax";
const NESTED: &str = "invalid nested repetition operator";
const COUNT: &str = "invalid repeat count";
const UTF8: &str = "invalid UTF-8";
const NO_ARGUMENT: &str = "missing argument to repetition operator";

/// Reads an expression, or gives the text of Go's error.
pub(super) fn parse(expression: &[u8]) -> std::result::Result<Parsed, String> {
    let mut parser =
        Parser { rest: expression, whole: expression, flags: Flags::default(), names: vec![None], depth: 0 };
    let text = |Failure(code, at)| format!("error parsing regexp: {code}: `{}`", String::from_utf8_lossy(&at));
    let node = parser.alternation().map_err(text)?;
    if parser.rest.first() == Some(&b')') {
        return Err(text(Failure("unexpected )", expression.to_vec())));
    }
    if expression.is_empty() {
        parser.names = vec![Some(String::new())];
    }
    Ok(Parsed { hir: node.into_hir(), names: parser.names })
}

#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_all: bool,
    swap_greed: bool,
}

enum Node {
    Leaf(Hir),
    Group(u32, Box<Node>),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat { min: u32, max: Option<u32>, greedy: bool, counted: bool, node: Box<Node> },
}

impl Node {
    fn into_hir(self) -> Hir {
        match self {
            Node::Leaf(hir) => hir,
            // Names are kept by us: Go lets several groups have one.
            Node::Group(index, node) => Hir::capture(Capture { index, name: None, sub: Box::new(node.into_hir()) }),
            Node::Concat(nodes) => Hir::concat(nodes.into_iter().map(Node::into_hir).collect()),
            Node::Alternate(nodes) => Hir::alternation(nodes.into_iter().map(Node::into_hir).collect()),
            Node::Repeat { min, max, greedy, node, .. } => {
                Hir::repetition(Repetition { min, max, greedy, sub: Box::new(node.into_hir()) })
            }
        }
    }

    /// Whether nested counted repetitions stay within Go's limit of 1000 in all.
    fn repeats_at_most(&self, limit: u32) -> bool {
        match self {
            Node::Leaf(_) => true,
            Node::Group(_, node) => node.repeats_at_most(limit),
            Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().all(|n| n.repeats_at_most(limit)),
            Node::Repeat { counted: false, node, .. } => node.repeats_at_most(limit),
            Node::Repeat { min, max, node, .. } => match max.unwrap_or(*min) {
                0 if *max == Some(0) => true,
                n if n > limit => false,
                0 => node.repeats_at_most(limit),
                n => node.repeats_at_most(limit / n),
            },
        }
    }
}

struct Parser<'e> {
    rest: &'e [u8],
    whole: &'e [u8],
    flags: Flags,
    names: Vec<Option<String>>,
    depth: u32,
}

impl<'e> Parser<'e> {
    fn skip(&mut self, n: usize) {
        self.rest = self.rest.get(n..).unwrap_or(&[]);
    }

    fn at(&self, n: usize) -> Option<u8> {
        self.rest.get(n).copied()
    }

    /// What was read since `before`.
    fn since(&self, before: &[u8]) -> Vec<u8> {
        before.get(..before.len() - self.rest.len()).unwrap_or(before).to_vec()
    }

    fn rune(&mut self) -> Result<u32> {
        let (rune, width) = decode_rune(self.rest);
        if rune == 0xFFFD && width == 1 {
            return Err(Failure(UTF8, self.rest.to_vec()));
        }
        self.skip(width);
        Ok(rune)
    }

    fn alternation(&mut self) -> Result<Node> {
        let mut branches = Vec::new();
        loop {
            branches.push(self.concatenation()?);
            match self.at(0) {
                Some(b'|') => self.skip(1),
                _ => break,
            }
        }
        Ok(match branches.pop() {
            Some(only) if branches.is_empty() => only,
            Some(last) => {
                branches.push(last);
                Node::Alternate(branches)
            }
            None => Node::Leaf(Hir::empty()),
        })
    }

    fn concatenation(&mut self) -> Result<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut last_repeat: Option<&'e [u8]> = None;
        while let Some(b) = self.at(0) {
            let before = self.rest;
            let mut repeat = None;
            match b {
                b'|' | b')' => break,
                b'(' => self.group(&mut nodes)?,
                b'^' => {
                    self.skip(1);
                    nodes.push(look(if self.flags.multi_line { Look::StartLF } else { Look::Start }));
                }
                b'$' => {
                    self.skip(1);
                    nodes.push(look(if self.flags.multi_line { Look::EndLF } else { Look::End }));
                }
                b'.' => {
                    self.skip(1);
                    let class =
                        if self.flags.dot_all { ranges(&[(0, 0x10FFFF)]) } else { ranges(&[(0, 9), (11, 0x10FFFF)]) };
                    nodes.push(leaf(class));
                }
                b'[' => {
                    let class = self.class()?;
                    nodes.push(leaf(class));
                }
                b'*' | b'+' | b'?' => {
                    self.skip(1);
                    let (min, max) = match b {
                        b'*' => (0, None),
                        b'+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(&mut nodes, (min, max, false), before, last_repeat)?;
                    repeat = Some(before);
                }
                b'{' => match self.counts() {
                    Some(counts) => {
                        let Some((min, max)) = counts else { return Err(Failure(COUNT, self.since(before))) };
                        self.repeat(&mut nodes, (min, max, true), before, last_repeat)?;
                        repeat = Some(before);
                    }
                    None => {
                        self.skip(1);
                        nodes.push(self.literal(u32::from(b'{')));
                    }
                },
                b'\\' => self.backslash(&mut nodes)?,
                _ => {
                    let rune = self.rune()?;
                    nodes.push(self.literal(rune));
                }
            }
            last_repeat = repeat;
        }
        Ok(match nodes.pop() {
            Some(only) if nodes.is_empty() => only,
            Some(last) => {
                nodes.push(last);
                Node::Concat(nodes)
            }
            None => Node::Leaf(Hir::empty()),
        })
    }

    fn literal(&self, rune: u32) -> Node {
        let mut class = ranges(&[(rune, rune)]);
        if self.flags.fold {
            let _ = class.try_case_fold_simple();
        }
        leaf(class)
    }

    fn repeat(
        &mut self,
        nodes: &mut Vec<Node>,
        (min, max, counted): (u32, Option<u32>, bool),
        before: &'e [u8],
        last_repeat: Option<&'e [u8]>,
    ) -> Result<()> {
        let mut greedy = !self.flags.swap_greed;
        if self.at(0) == Some(b'?') {
            self.skip(1);
            greedy = !greedy;
        }
        if let Some(last) = last_repeat {
            return Err(Failure(NESTED, self.since(last)));
        }
        let Some(node) = nodes.pop() else { return Err(Failure(NO_ARGUMENT, self.since(before))) };
        let node = Node::Repeat { min, max, greedy, counted, node: Box::new(node) };
        if counted && (min >= 2 || max.is_some_and(|m| m >= 2)) && !node.repeats_at_most(1000) {
            return Err(Failure(COUNT, self.since(before)));
        }
        nodes.push(node);
        Ok(())
    }

    /// `{n}`, `{n,}` or `{n,m}`: `None` when it is none (a literal brace), `Some(None)` when the numbers are no good.
    fn counts(&mut self) -> Option<Option<(u32, Option<u32>)>> {
        let start = self.rest;
        let found = self.counts_inner();
        if found.is_none() {
            self.rest = start;
        }
        found
    }

    fn counts_inner(&mut self) -> Option<Option<(u32, Option<u32>)>> {
        self.skip(1);
        let min = self.integer()?;
        let max = if self.at(0)? == b',' {
            self.skip(1);
            if self.at(0)? == b'}' { None } else { Some(self.integer()?) }
        } else {
            Some(min)
        };
        if self.at(0)? != b'}' {
            return None;
        }
        self.skip(1);
        let good = min <= 1000 && max.is_none_or(|max| max <= 1000 && min <= max);
        Some(good.then_some((min, max)))
    }

    fn integer(&mut self) -> Option<u32> {
        let len = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if len == 0 || (len > 1 && self.at(0) == Some(b'0')) {
            return None;
        }
        let digits = self.rest.get(..len)?;
        self.skip(len);
        Some(digits.iter().fold(0u32, |n, b| n.saturating_mul(10).saturating_add(u32::from(b - b'0'))))
    }

    fn group(&mut self, nodes: &mut Vec<Node>) -> Result<()> {
        let start = self.rest;
        let outer = self.flags;
        let mut capture = None;
        if self.at(1) == Some(b'?') {
            let skip = match (self.at(2), self.at(3)) {
                (Some(b'P'), Some(b'<')) if self.rest.len() > 4 => Some(4),
                (Some(b'<'), _) if self.rest.len() > 3 => Some(3),
                _ => None,
            };
            if let Some(skip) = skip {
                let Some(end) = start.iter().position(|b| *b == b'>') else {
                    if std::str::from_utf8(start).is_err() {
                        return Err(Failure(UTF8, start.to_vec()));
                    }
                    return Err(Failure(NAME, start.to_vec()));
                };
                let name = start.get(skip..end).unwrap_or(&[]);
                let Ok(name) = std::str::from_utf8(name) else { return Err(Failure(UTF8, name.to_vec())) };
                let word = |b: u8| b == b'_' || b.is_ascii_alphanumeric();
                if name.is_empty() || !name.bytes().all(word) {
                    return Err(Failure(NAME, start.get(..=end).unwrap_or(start).to_vec()));
                }
                self.skip(end + 1);
                capture = Some(Some(name.to_owned()));
            } else if !self.perl_flags(start)? {
                // `(?i)` changes the flags of what follows and is nothing itself.
                return Ok(());
            }
        } else {
            self.skip(1);
            capture = Some(None);
        }
        let index = self.names.len();
        if let Some(name) = &capture {
            self.names.push(name.clone());
        }
        self.depth += 1;
        if self.depth > 1000 {
            return Err(Failure("expression nests too deeply", self.whole.to_vec()));
        }
        let node = self.alternation()?;
        self.depth -= 1;
        if self.at(0) != Some(b')') {
            return Err(Failure("missing closing )", self.whole.to_vec()));
        }
        self.skip(1);
        self.flags = outer;
        nodes.push(match capture {
            Some(_) => Node::Group(u32::try_from(index).unwrap_or(u32::MAX), Box::new(node)),
            // Kept apart so that a repetition takes the whole of it.
            None => Node::Concat(vec![node]),
        });
        Ok(())
    }

    /// Reads `(?flags)` or `(?flags:`; true when a group begins.
    fn perl_flags(&mut self, start: &[u8]) -> Result<bool> {
        self.skip(2);
        let mut flags = self.flags;
        let (mut negative, mut saw) = (false, false);
        while !self.rest.is_empty() {
            let rune = self.rune()?;
            match u8::try_from(rune).unwrap_or(0) {
                b'i' => (flags.fold, saw) = (!negative, true),
                b'm' => (flags.multi_line, saw) = (!negative, true),
                b's' => (flags.dot_all, saw) = (!negative, true),
                b'U' => (flags.swap_greed, saw) = (!negative, true),
                b'-' if !negative => (negative, saw) = (true, false),
                b':' | b')' if !negative || saw => {
                    self.flags = flags;
                    // In a group they hold to its end only: the caller has the outer ones.
                    return Ok(rune == u32::from(b':'));
                }
                _ => break,
            }
        }
        Err(Failure(PERL, self.since(start)))
    }

    fn backslash(&mut self, nodes: &mut Vec<Node>) -> Result<()> {
        let assertion = match self.at(1) {
            Some(b'A') => Some(Look::Start),
            Some(b'b') => Some(Look::WordAscii),
            Some(b'B') => Some(Look::WordAsciiNegate),
            Some(b'z') => Some(Look::End),
            _ => None,
        };
        if let Some(assertion) = assertion {
            self.skip(2);
            nodes.push(look(assertion));
            return Ok(());
        }
        match self.at(1) {
            Some(b'C') => return Err(Failure(ESCAPE, b"\\C".to_vec())),
            Some(b'Q') => {
                self.skip(2);
                while !self.rest.is_empty() {
                    if self.rest.starts_with(b"\\E") {
                        self.skip(2);
                        break;
                    }
                    let rune = self.rune()?;
                    nodes.push(self.literal(rune));
                }
                return Ok(());
            }
            _ => {}
        }
        if let Some(class) = self.unicode_class()? {
            nodes.push(leaf(class));
        } else if let Some(class) = self.perl_class() {
            nodes.push(leaf(class));
        } else {
            let rune = self.escape()?;
            nodes.push(self.literal(rune));
        }
        Ok(())
    }

    /// `\pL`, `\p{Greek}`, `\P…` and `\p{^…}`.
    fn unicode_class(&mut self) -> Result<Option<ClassUnicode>> {
        let start = self.rest;
        let mut negative = match (self.at(0), self.at(1)) {
            (Some(b'\\'), Some(b'p')) => false,
            (Some(b'\\'), Some(b'P')) => true,
            _ => return Ok(None),
        };
        self.skip(2);
        let rune = if self.rest.is_empty() { return Err(Failure(CLASS_RANGE, start.to_vec())) } else { self.rune()? };
        let name = if rune == u32::from(b'{') {
            let Some(end) = start.iter().position(|b| *b == b'}') else {
                return Err(Failure(CLASS_RANGE, start.to_vec()));
            };
            let name = start.get(3..end).unwrap_or(&[]);
            self.rest = start.get(end + 1..).unwrap_or(&[]);
            name
        } else {
            start.get(2..start.len() - self.rest.len()).unwrap_or(&[])
        };
        let name = match name.strip_prefix(b"^") {
            Some(name) => {
                negative = !negative;
                name
            }
            None => name,
        };
        // Underscores, dashes, blanks and the case make no difference.
        let plain = |name: &str| name.replace(['_', '-', ' '], "").to_ascii_lowercase();
        let named = std::str::from_utf8(name).ok().map(plain).filter(|n| NAMES.binary_search(&n.as_str()).is_ok());
        let Some(mut class) = named.as_deref().and_then(property) else {
            return Err(Failure(CLASS_RANGE, self.since(start)));
        };
        if self.flags.fold {
            let _ = class.try_case_fold_simple();
        }
        if negative {
            class.negate();
        }
        Ok(Some(class))
    }

    /// `\d`, `\s`, `\w` and their opposites, of ASCII only.
    fn perl_class(&mut self) -> Option<ClassUnicode> {
        if self.at(0) != Some(b'\\') {
            return None;
        }
        let letter = self.at(1)?;
        let mut class = match letter.to_ascii_lowercase() {
            b'd' => ranges(&[(0x30, 0x39)]),
            b's' => ranges(&[(9, 10), (12, 13), (32, 32)]),
            b'w' => ranges(&[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]),
            _ => return None,
        };
        self.skip(2);
        if self.flags.fold {
            let _ = class.try_case_fold_simple();
        }
        if letter.is_ascii_uppercase() {
            class.negate();
        }
        Some(class)
    }

    fn escape(&mut self) -> Result<u32> {
        let start = self.rest;
        self.skip(1);
        if self.rest.is_empty() {
            return Err(Failure("trailing backslash at end of expression", Vec::new()));
        }
        let rune = self.rune()?;
        let octal = |b: Option<u8>| b.filter(|b| (b'0'..=b'7').contains(b));
        match u8::try_from(rune).unwrap_or(0x80) {
            b'1'..=b'7' if octal(self.at(0)).is_none() => {}
            first @ b'0'..=b'7' => {
                let mut value = u32::from(first - b'0');
                for _ in 1..3 {
                    let Some(digit) = octal(self.at(0)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                    self.skip(1);
                }
                return Ok(value);
            }
            b'x' => {
                if let Some(value) = self.hex()? {
                    return Ok(value);
                }
            }
            b'a' => return Ok(7),
            b'f' => return Ok(12),
            b'n' => return Ok(10),
            b'r' => return Ok(13),
            b't' => return Ok(9),
            b'v' => return Ok(11),
            b if b < 0x80 && !b.is_ascii_alphanumeric() => return Ok(rune),
            _ => {}
        }
        Err(Failure(ESCAPE, self.since(start)))
    }

    fn hex(&mut self) -> Result<Option<u32>> {
        let digit = |rune: u32| char::from_u32(rune).and_then(|c| c.to_digit(16));
        if self.rest.is_empty() {
            return Ok(None);
        }
        let first = self.rune()?;
        if first != u32::from(b'{') {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let second = self.rune()?;
            return Ok(digit(first).zip(digit(second)).map(|(x, y)| x * 16 + y));
        }
        let (mut value, mut any) = (0u32, false);
        loop {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let rune = self.rune()?;
            if rune == u32::from(b'}') {
                return Ok(any.then_some(value));
            }
            let Some(v) = digit(rune) else { return Ok(None) };
            value = value * 16 + v;
            if value > 0x10FFFF {
                return Ok(None);
            }
            any = true;
        }
    }

    fn class_rune(&mut self, class: &[u8]) -> Result<u32> {
        match self.at(0) {
            None => Err(Failure("missing closing ]", class.to_vec())),
            Some(b'\\') => self.escape(),
            Some(_) => self.rune(),
        }
    }

    fn class(&mut self) -> Result<ClassUnicode> {
        let start = self.rest;
        self.skip(1);
        let negative = self.at(0) == Some(b'^');
        if negative {
            self.skip(1);
        }
        let mut class = ClassUnicode::empty();
        let mut first = true;
        while self.at(0) != Some(b']') || first {
            first = false;
            if self.rest.len() > 2
                && self.rest.starts_with(b"[:")
                && let Some(named) = self.named_class()?
            {
                class.union(&named);
                continue;
            }
            if let Some(named) = self.unicode_class()? {
                class.union(&named);
                continue;
            }
            if let Some(named) = self.perl_class() {
                class.union(&named);
                continue;
            }
            let range = self.rest;
            let lo = self.class_rune(start)?;
            let mut hi = lo;
            if self.at(0) == Some(b'-') && self.at(1).is_some_and(|b| b != b']') {
                self.skip(1);
                hi = self.class_rune(start)?;
                if hi < lo {
                    return Err(Failure(CLASS_RANGE, self.since(range)));
                }
            }
            let mut one = ranges(&[(lo, hi)]);
            if self.flags.fold {
                let _ = one.try_case_fold_simple();
            }
            class.union(&one);
        }
        self.skip(1);
        if negative {
            class.negate();
        }
        Ok(class)
    }

    /// `[:alpha:]` and the like.
    fn named_class(&mut self) -> Result<Option<ClassUnicode>> {
        let start = self.rest;
        let Some(end) = start.windows(2).skip(2).position(|w| w == b":]").map(|at| at + 2) else { return Ok(None) };
        let name = start.get(2..end).unwrap_or(&[]);
        self.skip(end + 2);
        let (name, negative) = match name.strip_prefix(b"^") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let mut class = ranges(match name {
            b"alnum" => &[(0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)],
            b"alpha" => &[(0x41, 0x5A), (0x61, 0x7A)],
            b"ascii" => &[(0, 0x7F)],
            b"blank" => &[(9, 9), (32, 32)],
            b"cntrl" => &[(0, 0x1F), (0x7F, 0x7F)],
            b"digit" => &[(0x30, 0x39)],
            b"graph" => &[(0x21, 0x7E)],
            b"lower" => &[(0x61, 0x7A)],
            b"print" => &[(0x20, 0x7E)],
            b"punct" => &[(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)],
            b"space" => &[(9, 13), (32, 32)],
            b"upper" => &[(0x41, 0x5A)],
            b"word" => &[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)],
            b"xdigit" => &[(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)],
            _ => return Err(Failure(CLASS_RANGE, self.since(start))),
        });
        if self.flags.fold {
            let _ = class.try_case_fold_simple();
        }
        if negative {
            class.negate();
        }
        Ok(Some(class))
    }
}

fn look(look: Look) -> Node {
    Node::Leaf(Hir::look(look))
}

fn leaf(class: ClassUnicode) -> Node {
    Node::Leaf(Hir::class(hir::Class::Unicode(class)))
}

/// A class of ranges; the surrogates, which no text contains, are left out.
fn ranges(ranges: &[(u32, u32)]) -> ClassUnicode {
    let mut class = ClassUnicode::empty();
    for &(lo, hi) in ranges {
        let lo = if (0xD800..=0xDFFF).contains(&lo) { 0xE000 } else { lo };
        let hi = if (0xD800..=0xDFFF).contains(&hi) { 0xD7FF } else { hi };
        if let (true, Some(lo), Some(hi)) = (lo <= hi, char::from_u32(lo), char::from_u32(hi)) {
            class.push(ClassUnicodeRange::new(lo, hi));
        }
    }
    class
}

/// A general category or script by its name in Go.
fn property(name: &str) -> Option<ClassUnicode> {
    let parsed = regex_syntax::parse(&format!(r"\p{{{name}}}")).ok()?;
    match parsed.into_kind() {
        hir::HirKind::Class(hir::Class::Unicode(class)) => Some(class),
        _ => None,
    }
}
