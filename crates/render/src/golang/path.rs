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
    let joined = full.join("/");
    if joined.is_empty() || is_clean(&joined) {
        joined
    } else {
        String::from_utf8_lossy(&clean(joined.as_bytes())).into_owned()
    }
}

/// Tells whether nothing can be taken out of a path that is not rooted.
fn is_clean(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// `filepath.Match`: a malformed pattern matches nothing.
pub(crate) fn matches<'t>(mut pattern: &'t [u8], mut name: &'t [u8]) -> bool {
    // Where to go on when what follows the last star does not fit: only that star can take more.
    let mut retry: Option<(&'t [u8], &'t [u8])> = None;
    loop {
        let fits = match pattern.first() {
            None if name.is_empty() => return true,
            None => None,
            Some(b'*') => {
                pattern = pattern.get(1..).unwrap_or(&[]);
                retry = Some((pattern, name));
                continue;
            }
            Some(_) => element(pattern, name),
        };
        if let Some(rest) = fits {
            (pattern, name) = rest;
            continue;
        }
        // A star takes no slash, and an earlier star could not take it either.
        match retry.and_then(|(after, from)| Some((after, from.split_first()?))) {
            Some((after, (b, from))) if *b != b'/' => {
                retry = Some((after, from));
                (pattern, name) = (after, from);
            }
            _ => return false,
        }
    }
}

/// Takes one character of a name by what a pattern begins with, which is no star; gives what is left of both.
fn element<'t>(pattern: &'t [u8], name: &'t [u8]) -> Option<(&'t [u8], &'t [u8])> {
    let (first, rest) = pattern.split_first()?;
    match first {
        b'?' => next(name).filter(|(rune, _)| *rune != u32::from(b'/')).map(|(_, tail)| (rest, tail)),
        b'[' => {
            let (rune, tail) = next(name)?;
            class(rest, rune).filter(|(found, _)| *found).map(|(_, after)| (after, tail))
        }
        b'\\' => {
            let (wanted, rest) = rest.split_first()?;
            Some((rest, name.strip_prefix(&[*wanted])?))
        }
        wanted => Some((rest, name.strip_prefix(&[*wanted])?)),
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

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_as_go() {
        for (pattern, name, want) in [
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("[^x]*\\*", "ab*", true),
            // The first that fits counts, although another would do.
            ("*[^x]*b", "a/cb", false),
            ("[a-", "a", false),
            ("**", "", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), want, "{pattern} {name}");
        }
        let (pattern, name) = ("*a".repeat(2000) + "b", "a".repeat(20_000));
        assert!(!matches(pattern.as_bytes(), name.as_bytes()));
    }
}
