//! Go's `regexp`: its syntax parsed here, matched by `regex-automata`.

mod names;
mod parse;
mod text;

use std::collections::HashMap;
use std::rc::Rc;

use crate::Arena;
use crate::strconv::{can_backquote, decode_rune, quote};
use regex_automata::meta::{Config, Regex as Automaton};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input, Span};

use self::text::Text;
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition};

/// About how many bytes a state of an automaton takes.
const STATE: usize = 64;

/// The most that one search may take, in states times bytes: some seconds.
const MOST_COST: usize = 4_000_000_000;

/// A compiled expression.
pub struct Regex {
    automaton: Automaton,
    names: Vec<Option<String>>,
}

/// The expressions of a render, each compiled once.
#[derive(Default)]
pub struct Cache {
    compiled: HashMap<Vec<u8>, Result<Rc<Regex>, String>>,
    /// The same for texts of nothing but ASCII, which most are: without the many characters of the world that `[^a-z]` means
    /// an expression is compiled in a fraction of the time.
    ascii: HashMap<Vec<u8>, Result<Rc<Regex>, String>>,
}

impl Cache {
    /// Compiles an expression for a text, or says why it cannot be, as `regexp.Compile` does.
    pub fn compile(&mut self, expression: &[u8], text: &[u8]) -> Result<Rc<Regex>, String> {
        let ascii = text.is_ascii();
        let compiled = if ascii { &mut self.ascii } else { &mut self.compiled };
        if let Some(found) = compiled.get(expression) {
            return found.clone();
        }
        let made = Regex::new(expression, ascii).map(Rc::new);
        compiled.insert(expression.to_vec(), made.clone());
        made
    }
}

/// Says what is wrong with an expression, as `regexp.Compile` does.
///
/// # Errors
/// Go's text.
pub fn check(expression: &[u8]) -> Result<(), String> {
    parse::parse(expression).map(drop)
}

/// Writes an expression in the syntax of the `regex` crate.
///
/// # Errors
/// As [`check`].
pub fn translated(expression: &[u8]) -> Result<String, String> {
    let mut out = String::new();
    let hir = parse::parse(expression)?.hir;
    regex_syntax::hir::print::Printer::new().print(&hir, &mut out).map_err(|e| e.to_string())?;
    Ok(out)
}

/// The text `regexp.MustCompile` panics with.
pub fn must_compile_error(expression: &[u8], error: &str) -> String {
    let shown = if can_backquote(expression) {
        format!("`{}`", String::from_utf8_lossy(expression))
    } else {
        quote(expression)
    };
    format!("regexp: Compile({shown}): {error}")
}

/// Takes everything but ASCII out of the classes of an expression.
fn only_ascii(hir: &Hir) -> Hir {
    let each = |parts: &[Hir]| parts.iter().map(only_ascii).collect();
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            class.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Repetition(repetition) => {
            Hir::repetition(Repetition { sub: Box::new(only_ascii(&repetition.sub)), ..repetition.clone() })
        }
        HirKind::Capture(capture) => {
            Hir::capture(Capture { sub: Box::new(only_ascii(&capture.sub)), ..capture.clone() })
        }
        HirKind::Concat(parts) => Hir::concat(each(parts)),
        HirKind::Alternation(parts) => Hir::alternation(each(parts)),
        HirKind::Class(Class::Bytes(_)) | HirKind::Empty | HirKind::Literal(_) | HirKind::Look(_) => hir.clone(),
    }
}

impl Regex {
    fn new(expression: &[u8], ascii: bool) -> Result<Self, String> {
        let parsed = parse::parse(expression)?;
        let hir = if ascii { only_ascii(&parsed.hir) } else { parsed.hir };
        let too_large =
            || format!("error parsing regexp: expression too large: `{}`", String::from_utf8_lossy(expression));
        // An expression is used for a few short texts: automata that take long to build do not pay.
        let config = Config::new().nfa_size_limit(Some(1 << 26)).hybrid_cache_capacity(1 << 21);
        let config = config.dfa(false).onepass(false);
        let automaton = Automaton::builder().configure(config).build_from_hir(&hir).map_err(|_| too_large())?;
        Ok(Self { automaton, names: parsed.names })
    }

    /// Whether a search may be begun: nothing can end one, and it may take the size of both, multiplied. Only a render
    /// with a budget is refused anything.
    fn may_search(&self, arena: &Arena, text: &[u8]) -> bool {
        let cost = (self.automaton.memory_usage() / STATE).saturating_mul(text.len());
        cost <= MOST_COST || arena.has_room(usize::MAX)
    }

    /// Whether there is a match anywhere.
    pub fn is_match(&self, arena: &Arena, text: &[u8]) -> bool {
        self.may_search(arena, text) && self.automaton.is_match(Text::new(text).seen())
    }

    /// The first match.
    pub fn find<'t>(&self, arena: &Arena, text: &'t [u8]) -> Option<&'t [u8]> {
        if !self.may_search(arena, text) {
            return None;
        }
        let text = Text::new(text);
        self.automaton.find(text.seen()).map(|m| text.piece(m.range()))
    }

    /// All matches without overlap, or so many: an empty one right after another match does not count. To look for each
    /// may take as long as the text is, so it is asked each time whether there is still room.
    pub fn find_all(&self, arena: &Arena, text: &[u8], limit: i64) -> Vec<Span> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut found: Vec<Span> = Vec::new();
        if !self.may_search(arena, text) {
            return found;
        }
        let text = Text::new(text);
        for one in self.automaton.find_iter(text.seen()).take(limit) {
            if !arena.has_room(found.len() * size_of::<Span>()) {
                return Vec::new();
            }
            found.push(text.range(one.range()).into());
        }
        found
    }

    /// `Regexp.Split`.
    pub fn split<'t>(&self, arena: &Arena, text: &'t [u8], limit: i64) -> Option<Vec<&'t [u8]>> {
        if limit == 0 {
            return None;
        }
        if text.is_empty() && !self.is_empty_expression() {
            return Some(vec![text]);
        }
        let mut parts: Vec<&[u8]> = Vec::new();
        let (mut begin, mut end) = (0, 0);
        for span in self.find_all(arena, text, limit) {
            if limit > 0 && parts.len() as i64 == limit - 1 {
                break;
            }
            end = span.start;
            if span.end != 0 {
                parts.push(text.get(begin..end).unwrap_or(&[]));
            }
            begin = span.end;
        }
        if end != text.len() {
            parts.push(text.get(begin..).unwrap_or(&[]));
        }
        Some(parts)
    }

    fn is_empty_expression(&self) -> bool {
        // Go looks at the source text; an expression without any character compiles to nothing.
        self.names.first().is_some_and(|n| n.as_deref() == Some(""))
    }

    /// `Regexp.ReplaceAllLiteral`.
    pub fn replace_literal(&self, arena: &Arena, text: &[u8], by: &[u8]) -> Vec<u8> {
        self.replace_with(arena, text, |out, _, _| out.extend_from_slice(by))
    }

    /// `Regexp.ReplaceAll`, with `$1`, `${name}` and `$$`.
    pub fn replace(&self, arena: &Arena, text: &[u8], template: &[u8]) -> Vec<u8> {
        if !template.contains(&b'$') {
            return self.replace_literal(arena, text, template);
        }
        self.replace_with(arena, text, |out, text, captures| self.expand(out, template, text, captures))
    }

    fn replace_with(
        &self,
        arena: &Arena,
        text: &[u8],
        mut put: impl FnMut(&mut Vec<u8>, &Text<'_>, &Captures),
    ) -> Vec<u8> {
        if !self.may_search(arena, text) {
            return Vec::new();
        }
        let mut out = Vec::with_capacity(text.len());
        let mut captures = self.automaton.create_captures();
        let text = Text::new(text);
        let seen = text.seen();
        let (mut last_end, mut at) = (0, 0);
        while at <= seen.len() {
            if !arena.has_room(out.len()) {
                return Vec::new();
            }
            let input = Input::new(seen).span(at..seen.len()).anchored(Anchored::No);
            self.automaton.captures(input, &mut captures);
            let Some(found) = captures.get_match() else { break };
            out.extend_from_slice(text.piece(last_end..found.start()));
            // An empty match right after a match is none.
            if found.end() > last_end || found.start() == 0 {
                put(&mut out, &text, &captures);
            }
            last_end = found.end();
            let (_, width) = decode_rune(seen.get(at..).unwrap_or(&[]));
            at = if at + width > last_end {
                at + width
            } else if at + 1 > last_end {
                at + 1
            } else {
                last_end
            };
        }
        out.extend_from_slice(text.piece(last_end..seen.len()));
        out
    }

    fn expand(&self, out: &mut Vec<u8>, template: &[u8], text: &Text<'_>, captures: &Captures) {
        let mut rest = template;
        while let Some(at) = rest.iter().position(|b| *b == b'$') {
            out.extend_from_slice(rest.get(..at).unwrap_or(&[]));
            rest = rest.get(at + 1..).unwrap_or(&[]);
            if let Some(after) = rest.strip_prefix(b"$") {
                out.push(b'$');
                rest = after;
                continue;
            }
            let Some((name, after)) = reference(rest) else {
                out.push(b'$');
                continue;
            };
            rest = after;
            let group = match std::str::from_utf8(name) {
                Ok(name) if name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0')) => {
                    name.parse::<usize>().ok().filter(|n| *n < 100_000_000).and_then(|n| captures.get_group(n))
                }
                Ok(name) => self
                    .names
                    .iter()
                    .enumerate()
                    .filter(|(_, n)| n.as_deref() == Some(name))
                    .find_map(|(at, _)| captures.get_group(at)),
                Err(_) => None,
            };
            if let Some(span) = group {
                out.extend_from_slice(text.piece(span.range()));
            }
        }
        out.extend_from_slice(rest);
    }
}

/// The name after a `$`, in braces or the longest of letters, digits and underscores.
fn reference(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, braces) = match text.strip_prefix(b"{") {
        Some(body) => (body, true),
        None => (text, false),
    };
    let mut len = 0;
    loop {
        let (rune, width) = decode_rune(body.get(len..).unwrap_or(&[]));
        let inside =
            width > 0 && (rune == u32::from(b'_') || crate::strconv::is_letter(rune) || crate::strconv::is_digit(rune));
        if !inside {
            break;
        }
        len += width;
    }
    let (name, after) = body.split_at_checked(len)?;
    if name.is_empty() {
        return None;
    }
    if braces { after.strip_prefix(b"}").map(|after| (name, after)) } else { Some((name, after)) }
}

/// `regexp.QuoteMeta`.
pub fn quote_meta(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    for &b in text {
        if br"\.+*?()|[]{}^$".contains(&b) {
            out.push(b'\\');
        }
        out.push(b);
    }
    out
}
