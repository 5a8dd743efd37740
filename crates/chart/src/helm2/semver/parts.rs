//! The parts of a version or a pattern.

/// The parts of a version or a pattern, as the library's expression finds them.
pub(super) struct Parts<'t> {
    pub(super) whole: &'t str,
    pub(super) major: &'t str,
    /// With its leading dot, as the next; empty when absent.
    pub(super) minor: &'t str,
    pub(super) patch: &'t str,
    /// Without its leading dash.
    pub(super) prerelease: &'t str,
    pub(super) metadata: &'t str,
}

impl<'t> Parts<'t> {
    /// Takes as much as fits from the front.
    pub(super) fn take(rest: &mut &'t str, fits: fn(u8) -> bool) -> Option<Self> {
        let whole = *rest;
        let mut after = rest.strip_prefix('v').unwrap_or(rest);
        let major = run(&mut after, fits);
        if major.is_empty() {
            return None;
        }
        let minor = dotted(&mut after, fits);
        let patch = if minor.is_empty() { "" } else { dotted(&mut after, fits) };
        let prerelease = identifiers(&mut after, '-');
        let metadata = identifiers(&mut after, '+');
        *rest = after;
        Some(Self { whole: whole.get(..whole.len() - after.len())?, major, minor, patch, prerelease, metadata })
    }
}

pub(super) fn run<'t>(rest: &mut &'t str, fits: fn(u8) -> bool) -> &'t str {
    let len = rest.bytes().take_while(|b| fits(*b)).count();
    let (run, after) = rest.split_at_checked(len).unwrap_or((rest, ""));
    *rest = after;
    run
}

fn dotted<'t>(rest: &mut &'t str, fits: fn(u8) -> bool) -> &'t str {
    let whole = *rest;
    let Some(mut after) = rest.strip_prefix('.') else { return "" };
    if run(&mut after, fits).is_empty() {
        return "";
    }
    *rest = after;
    whole.get(..whole.len() - after.len()).unwrap_or("")
}

/// Takes identifiers with dots between them that follow a mark.
fn identifiers<'t>(rest: &mut &'t str, mark: char) -> &'t str {
    let Some(start) = rest.strip_prefix(mark) else { return "" };
    let len = valid_identifiers(start);
    let (found, after) = start.split_at_checked(len).unwrap_or((start, ""));
    if !found.is_empty() {
        *rest = after;
    }
    found
}

/// The length of identifiers at the front of a text.
pub(super) fn valid_identifiers(text: &str) -> usize {
    let mut len = 0;
    loop {
        let rest = text.get(len..).unwrap_or("");
        let word = rest.bytes().skip(usize::from(len > 0)).take_while(|b| b.is_ascii_alphanumeric() || *b == b'-');
        let count = word.count();
        match (count, len > 0) {
            (0, _) => return len,
            (_, true) if !rest.starts_with('.') => return len,
            (_, true) => len += count + 1,
            (_, false) => len = count,
        }
    }
}
