//! One record of CSV, as Go reads it: `encoding/csv`, with its errors.

/// Reads the first record.
///
/// # Errors
/// A quote where none may be, or an end within quotes, in Go's words.
pub(super) fn read(text: &str) -> Result<Vec<String>, String> {
    let mut lines = Lines { rest: text, number: 0 };
    // Blank lines in front are skipped.
    let first = loop {
        match lines.next() {
            None => return Err("EOF".to_owned()),
            Some("\n") => {}
            Some(line) => break line,
        }
    };
    let start = lines.number;
    let mut fields = Vec::new();
    let mut line = first;
    let mut at = 0;
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let Some(quoted) = rest.strip_prefix('"') else {
            let (field, more) = match rest.find(',') {
                Some(end) => (rest.get(..end).unwrap_or_default(), Some(end + 1)),
                None => (rest.strip_suffix('\n').unwrap_or(rest), None),
            };
            if let Some(quote) = field.find('"') {
                let column = at + quote + 1;
                return Err(format!(
                    "parse error on line {}, column {column}: bare \" in non-quoted-field",
                    lines.number
                ));
            }
            fields.push(field.to_owned());
            match more {
                Some(more) => at += more,
                None => return Ok(fields),
            }
            continue;
        };
        let mut field = String::new();
        let mut rest = quoted;
        at += 1;
        loop {
            match rest.find('"') {
                Some(end) => {
                    field.push_str(rest.get(..end).unwrap_or_default());
                    rest = rest.get(end + 1..).unwrap_or_default();
                    at += end + 1;
                    if let Some(after) = rest.strip_prefix('"') {
                        field.push('"');
                        rest = after;
                        at += 1;
                    } else if rest.starts_with(',') {
                        at += 1;
                        break;
                    } else if rest.is_empty() || rest == "\n" {
                        fields.push(field);
                        return Ok(fields);
                    } else {
                        // The column of the quote.
                        return Err(record(start, lines.number, at));
                    }
                }
                None => {
                    field.push_str(rest);
                    at += rest.len();
                    match lines.next() {
                        Some(next) => (line, rest, at) = (next, next, 0),
                        None => return Err(record(start, lines.number, at + 1)),
                    }
                }
            }
        }
        fields.push(field);
    }
}

fn record(start: usize, line: usize, column: usize) -> String {
    let place = match start == line {
        true => format!("parse error on line {line}, column {column}"),
        false => format!("record on line {start}; parse error on line {line}, column {column}"),
    };
    format!("{place}: extraneous or missing \" in quoted-field")
}

/// Lines with their ends; `\r\n` ends count as `\n`.
struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find('\n').map_or(self.rest.len(), |end| end + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.number += 1;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn as_go() {
        let some = |fields: &[&str]| Ok(fields.iter().map(|&f| f.to_owned()).collect::<Vec<_>>());
        let wrong = |text: &str| Err(text.to_owned());
        for (text, want) in [
            ("a", some(&["a"])),
            ("a,b,", some(&["a", "b", ""])),
            ("\"a,b\",c", some(&["a,b", "c"])),
            ("\"a\"\"b\"", some(&["a\"b"])),
            ("a\nb", some(&["a"])),
            ("\n", wrong("EOF")),
            ("a\"b", wrong("parse error on line 1, column 2: bare \" in non-quoted-field")),
            ("x,\"a\"b", wrong("parse error on line 1, column 5: extraneous or missing \" in quoted-field")),
            ("\"a", wrong("parse error on line 1, column 3: extraneous or missing \" in quoted-field")),
        ] {
            assert_eq!(read(text), want, "{text:?}");
        }
    }
}
