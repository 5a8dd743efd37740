//! Go's `path`: slash-separated paths.

/// `path.Clean`.
pub(crate) fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match parts.last() {
                Some(last) if *last != b".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

/// `path.Base`.
pub(crate) fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
    let path = path.get(..end).unwrap_or(path);
    if path.is_empty() {
        return b"/";
    }
    let start = path.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    path.get(start..).unwrap_or(path)
}

/// `path.Dir`.
pub(crate) fn dir(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    clean(path.get(..end).unwrap_or(path))
}

/// `path.Ext`.
pub(crate) fn ext(path: &[u8]) -> &[u8] {
    let start = path.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    let name = path.get(start..).unwrap_or(path);
    name.iter().rposition(|b| *b == b'.').and_then(|at| name.get(at..)).unwrap_or(b"")
}

/// `path.Join`.
pub(crate) fn join(parts: &[&str]) -> String {
    let full: Vec<&str> = parts.iter().copied().filter(|p| !p.is_empty()).collect();
    if full.is_empty() {
        String::new()
    } else {
        String::from_utf8_lossy(&clean(full.join("/").as_bytes())).into_owned()
    }
}

/// `filepath.Match`: a malformed pattern matches nothing.
pub(crate) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return name.is_empty() };
    match first {
        b'*' => {
            let rest = rest.get(rest.iter().take_while(|b| **b == b'*').count()..).unwrap_or(&[]);
            let end = name.iter().position(|b| *b == b'/').unwrap_or(name.len());
            (0..=end).any(|at| name.get(at..).is_some_and(|tail| matches(rest, tail)))
        }
        b'?' => match next(name) {
            Some((rune, tail)) if rune != u32::from(b'/') => matches(rest, tail),
            _ => false,
        },
        b'[' => {
            let Some((rune, tail)) = next(name) else { return false };
            match class(rest, rune) {
                Some((true, after)) => matches(after, tail),
                _ => false,
            }
        }
        b'\\' => match (rest.split_first(), name.split_first()) {
            (Some((wanted, rest)), Some((b, tail))) if wanted == b => matches(rest, tail),
            _ => false,
        },
        wanted => match name.split_first() {
            Some((b, tail)) if wanted == b => matches(rest, tail),
            _ => false,
        },
    }
}

fn next(text: &[u8]) -> Option<(u32, &[u8])> {
    let (rune, width) = gotext::strconv::decode_rune(text);
    if width == 0 { None } else { Some((rune, text.get(width..).unwrap_or(&[]))) }
}

/// Whether a rune is in the class that begins here, and what follows the class.
fn class(pattern: &[u8], rune: u32) -> Option<(bool, &[u8])> {
    let (negative, mut rest) = match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let (mut found, mut first) = (false, true);
    loop {
        if let (false, Some(after)) = (first, rest.strip_prefix(b"]")) {
            return Some((found != negative, after));
        }
        first = false;
        let (lo, after) = class_rune(rest)?;
        let (hi, after) = match after.strip_prefix(b"-") {
            Some(after) => class_rune(after)?,
            None => (lo, after),
        };
        rest = after;
        found |= (lo..=hi).contains(&rune);
    }
}

fn class_rune(pattern: &[u8]) -> Option<(u32, &[u8])> {
    match pattern.first()? {
        b'-' | b']' => None,
        b'\\' => next(pattern.get(1..)?),
        _ => next(pattern),
    }
}
