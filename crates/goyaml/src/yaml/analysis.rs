//! Which styles a scalar can be written in: libyaml's analysis (`emitterc.go`).

use super::chars::{at, is_blank, is_blankz, is_break, is_printable, width};
use super::resolve::Version;

/// What a scalar allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Analysis {
    pub(crate) multiline: bool,
    pub(crate) plain: bool,
    pub(crate) single_quoted: bool,
    pub(crate) block: bool,
}

/// Finds out in which styles `value` can stand in a block context.
pub(crate) fn analyze(value: &[u8], version: Version) -> Analysis {
    let Some(&first) = value.first() else {
        return Analysis { multiline: false, plain: true, single_quoted: true, block: false };
    };
    if is_simple(first, value) {
        return Analysis { multiline: false, plain: true, single_quoted: true, block: true };
    }
    let mut indicators = value.starts_with(b"---") || value.starts_with(b"...");
    let (mut line_breaks, mut special, mut tabs) = (false, false, false);
    let (mut leading_space, mut leading_break, mut trailing_space, mut trailing_break) = (false, false, false, false);
    let (mut break_space, mut space_break) = (false, false);
    let (mut previous_space, mut previous_break) = (false, false);
    let mut preceded_by_whitespace = true;

    let mut i = 0;
    while i < value.len() {
        if i > 0 {
            // Most characters mean nothing behind the first one; a run of them is passed over at once.
            let rest = value.get(i..).unwrap_or_default();
            let run = rest.iter().take_while(|&&c| matches!(c, b'!'..=b'~') && c != b':' && c != b'#').count();
            if run > 0 {
                (previous_space, previous_break, preceded_by_whitespace) = (false, false, false);
                i += run;
                continue;
            }
        }
        let c = at(value, i);
        let w = width(c).max(1);
        let last = i + w >= value.len();
        let followed_by_whitespace = last || is_blank(at(value, i + w));
        match c {
            b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' => {
                indicators |= i == 0;
            }
            b'#' => indicators |= i == 0 || preceded_by_whitespace,
            b'?' | b'-' => indicators |= i == 0 && followed_by_whitespace,
            b':' => indicators |= followed_by_whitespace,
            _ => {}
        }
        if version == Version::V3 && c == b'\t' {
            tabs = true;
        } else if !is_printable(value, i) {
            special = true;
        }
        if c == b' ' {
            leading_space |= i == 0;
            trailing_space |= last;
            break_space |= previous_break;
            (previous_space, previous_break) = (true, false);
        } else if is_break(value, i) {
            line_breaks = true;
            leading_break |= i == 0;
            trailing_break |= last;
            space_break |= previous_space;
            (previous_space, previous_break) = (false, true);
        } else {
            (previous_space, previous_break) = (false, false);
        }
        preceded_by_whitespace = is_blankz(value, i);
        i += w;
    }

    let edges = leading_space || leading_break || trailing_space || trailing_break;
    let quotes_lose = break_space || space_break || tabs || special;
    Analysis {
        multiline: line_breaks,
        plain: !(edges || quotes_lose || line_breaks || indicators),
        single_quoted: !quotes_lose,
        block: !(trailing_space || space_break || special),
    }
}

/// Tells quickly that nothing in the value means anything in a block: most values are such.
fn is_simple(first: u8, value: &[u8]) -> bool {
    if !(first.is_ascii_alphanumeric() || first == b'/') || value.last() == Some(&b' ') {
        return false;
    }
    let mut previous = first;
    for (i, &c) in value.iter().enumerate() {
        let fits = match c {
            b'#' => previous != b' ',
            b':' => at(value, i + 1) > b' ',
            _ => matches!(c, b' '..=b'~'),
        };
        if !fits {
            return false;
        }
        previous = c;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles() {
        let styles = |s: &str| {
            let a = analyze(s.as_bytes(), Version::V2);
            (a.plain, a.single_quoted, a.block)
        };
        assert_eq!(styles("abc"), (true, true, true));
        assert_eq!(styles("a: b"), (false, true, true));
        assert_eq!(styles("a:b"), (true, true, true));
        assert_eq!(styles("a #b"), (false, true, true));
        assert_eq!(styles("a "), (false, true, false));
        assert_eq!(styles("a\nb"), (false, true, true));
        assert_eq!(styles("a \nb"), (false, false, false));
        assert_eq!(styles("a\n b"), (false, false, true));
        assert_eq!(styles("a\tb"), (false, false, false));
        let v3 = analyze(b"a\tb", Version::V3);
        assert!(!v3.plain && !v3.single_quoted && v3.block);
        assert_eq!(styles("---"), (false, true, true));
    }
}
