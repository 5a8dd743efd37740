//! Tables on a terminal (as Go's `gosuri/uitable` 0.0.4, which Helm prints with).

/// Makes a table: columns as wide as their widest cell, at most `most` wide, with a tab between them.
///
/// A `most` of 0 is no limit; what is longer is cut and ends with `...`.
pub(crate) fn table(rows: &[Vec<String>], most: usize) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = cell.split('\n').map(width).max().unwrap_or(0);
            let width = if most == 0 { width } else { width.min(most) };
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| resized(cell, *width));
        cells.collect::<Vec<_>>().join("\t")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// How many columns a text takes; colours take none.
fn width(text: &str) -> usize {
    let mut within = false;
    let mut shown = |c: &char| {
        let was_within = within;
        within = *c == '\u{1b}' || within && *c != 'm';
        !within && !was_within
    };
    text.chars().filter(|c| shown(c)).map(char_width).sum()
}

/// How many columns a character takes: none for marks, two for the scripts of East Asia and for emoji.
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0..0x20 | 0x7f..0xa0 | 0x300..0x370 | 0x200b..0x2010 | 0xfe00..0xfe10 => 0,
        0x1100..0x1160 | 0x2e80..0x303f | 0x3041..0xa4d0 | 0xac00..0xd7a4 | 0xf900..0xfb00 | 0xfe30..0xfe70 => 2,
        0xff00..0xff61 | 0xffe0..0xffe7 | 0x1f300..0x1f650 | 0x1f900..0x1fa00 | 0x20000..0x3fffe => 2,
        _ => 1,
    }
}

fn resized(text: &str, wanted: usize) -> String {
    let is = width(text);
    // A width of 0 is no width to Go.
    if is <= wanted || wanted == 0 {
        return format!("{text}{}", " ".repeat(wanted.saturating_sub(is)));
    }
    let mut cut = String::new();
    let mut so_far = 0;
    for c in text.chars() {
        cut.push(c);
        if so_far + char_width(c) >= wanted.saturating_sub(3) {
            break;
        }
        so_far += char_width(c);
    }
    cut + "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns() {
        let rows = [vec!["NAME".to_owned(), "V".to_owned()], vec!["a-long-name".to_owned(), "1.0".to_owned()]];
        assert_eq!(table(&rows, 80), "NAME       \tV  \na-long-name\t1.0");
        assert_eq!(table(&rows, 8), "NAME    \tV  \na-lon...\t1.0");
        let rows = [vec!["\u{1b}[1mN\u{1b}[22m".to_owned(), "V".to_owned()], vec!["ab".to_owned(), "1".to_owned()]];
        assert_eq!(table(&rows, 0), "\u{1b}[1mN\u{1b}[22m \tV\nab\t1");
    }
}
