//! `gobwas/glob` 0.2 with `/` as the separator, as `.Files.Glob` uses it.

/// A pattern.
pub(crate) struct Glob(Vec<Part>);

enum Part {
    Text(Vec<char>),
    /// `*`: anything but separators.
    Any,
    /// `**`: anything.
    Super,
    /// `?`: one character that is no separator.
    Single,
    List(Vec<char>, bool),
    Range(char, char, bool),
    /// `{a,b}`.
    AnyOf(Vec<Vec<Part>>),
}

const SEPARATOR: char = '/';

impl Glob {
    /// Reads a pattern; `None` when it is none.
    pub(crate) fn new(pattern: &str) -> Option<Self> {
        let chars: Vec<char> = pattern.chars().collect();
        let mut reader = Reader { chars: &chars, at: 0 };
        let parts = reader.parts(false)?;
        (reader.at == chars.len()).then_some(Self(parts))
    }

    /// The pattern that matches everything.
    pub(crate) fn everything() -> Self {
        Self(vec![Part::Super])
    }

    /// Whether a whole path matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let text: Vec<char> = path.chars().collect();
        let parts: Vec<&Part> = self.0.iter().collect();
        matches(&parts, &text, &mut 100_000)
    }
}

struct Reader<'p> {
    chars: &'p [char],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn parts(&mut self, inside: bool) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                ',' | '}' if inside => break,
                '*' => {
                    self.at += 1;
                    if self.peek() == Some('*') {
                        self.at += 1;
                        parts.push(Part::Super);
                    } else {
                        parts.push(Part::Any);
                    }
                }
                '?' => {
                    self.at += 1;
                    parts.push(Part::Single);
                }
                '[' => {
                    self.at += 1;
                    parts.push(self.range()?);
                }
                '{' => {
                    self.at += 1;
                    let mut options = Vec::new();
                    loop {
                        options.push(self.parts(true)?);
                        match self.next() {
                            Some(',') => {}
                            // An open brace at the end is taken as closed.
                            Some('}') | None => break,
                            Some(_) => return None,
                        }
                    }
                    parts.push(Part::AnyOf(options));
                }
                _ => parts.push(Part::Text(self.text(inside))),
            }
        }
        Some(parts)
    }

    fn text(&mut self, inside: bool) -> Vec<char> {
        let mut text = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                '\\' => {
                    self.at += 1;
                    text.extend(self.next());
                }
                '?' | '*' | '[' | '{' => break,
                '}' | ',' if inside => break,
                _ => {
                    self.at += 1;
                    text.push(c);
                }
            }
        }
        text
    }

    fn range(&mut self) -> Option<Part> {
        let not = self.peek() == Some('!');
        if not {
            self.at += 1;
        }
        let first = self.peek()?;
        if self.chars.get(self.at + 1) == Some(&'-') {
            self.at += 2;
            let last = self.next()?;
            return (self.next()? == ']' && last >= first).then_some(Part::Range(first, last, not));
        }
        let mut list = Vec::new();
        loop {
            match self.next()? {
                ']' => break,
                '\\' => list.push(self.next()?),
                c => list.push(c),
            }
        }
        (!list.is_empty()).then_some(Part::List(list, not))
    }
}

/// Matches by trying; `budget` bounds the work on patterns made to be slow.
fn matches(parts: &[&Part], text: &[char], budget: &mut u32) -> bool {
    if *budget == 0 {
        return false;
    }
    *budget -= 1;
    let Some((part, rest)) = parts.split_first() else { return text.is_empty() };
    let one = |good: &dyn Fn(char) -> bool, budget: &mut u32| match text.split_first() {
        Some((c, tail)) => good(*c) && matches(rest, tail, budget),
        None => false,
    };
    match part {
        Part::Text(wanted) => text.strip_prefix(wanted.as_slice()).is_some_and(|tail| matches(rest, tail, budget)),
        Part::Single => one(&|c| c != SEPARATOR, budget),
        Part::List(list, not) => one(&|c| list.contains(&c) != *not, budget),
        Part::Range(lo, hi, not) => one(&|c| (*lo..=*hi).contains(&c) != *not, budget),
        Part::Any | Part::Super => {
            let all = matches!(part, Part::Super);
            for len in 0..=text.len() {
                if text.get(len..).is_some_and(|tail| matches(rest, tail, budget)) {
                    return true;
                }
                if !all && text.get(len) == Some(&SEPARATOR) {
                    return false;
                }
            }
            false
        }
        Part::AnyOf(options) => options.iter().any(|option| {
            let parts: Vec<&Part> = option.iter().chain(rest.iter().copied()).collect();
            matches(&parts, text, budget)
        }),
    }
}
