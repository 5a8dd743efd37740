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
    if full.is_empty() { String::new() } else { String::from_utf8_lossy(&clean(full.join("/").as_bytes())).into_owned() }
}
