//! Forms with files (`multipart/form-data`, RFC 7578), which are in memory as a whole.

use bytes::Bytes;

/// The most fields.
const MOST: usize = 16;
/// The longest boundary, as RFC 2046 has it.
const LONGEST_BOUNDARY: usize = 70;
/// The most bytes of a field's headers.
const LONGEST_HEAD: usize = 8 << 10;

/// The fields of a form, by name.
type Parts = Vec<(String, Bytes)>;

/// Takes a form apart; `None` when a body of this type is none.
pub(super) fn parts(media: &str, body: &Bytes) -> Option<Result<Parts, String>> {
    let (name, parameters) = media.split_once(';').unwrap_or((media, ""));
    if !name.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary").filter(|text| (1..=LONGEST_BOUNDARY).contains(&text.len()));
    Some(match boundary {
        Some(boundary) => read(&boundary, body),
        None => Err("the form has no boundary in its `Content-Type`".to_owned()),
    })
}

fn read(boundary: &str, body: &Bytes) -> Result<Parts, String> {
    let wrong = || "the form is not whole, or is not one of `multipart/form-data`".to_owned();
    let first = format!("--{boundary}");
    let next = format!("\r\n--{boundary}");
    let mut at = match body.starts_with(first.as_bytes()) {
        true => first.len(),
        // Something may stand before the first field.
        false => find(body, 0, next.as_bytes()).ok_or_else(wrong)? + next.len(),
    };
    let mut parts = Parts::new();
    loop {
        let rest = body.get(at..).unwrap_or_default();
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let head = at + blanks + 2;
        if body.get(at + blanks..head) != Some(b"\r\n") {
            return Err(wrong());
        }
        // A field without any header has an empty line at once.
        let end = find(body, head - 2, b"\r\n\r\n").ok_or_else(wrong)?;
        let data = end + 4;
        let close = find(body, end + 2, next.as_bytes()).ok_or_else(wrong)?;
        if close < end || end.saturating_sub(head) > LONGEST_HEAD {
            return Err(wrong());
        }
        let head = String::from_utf8_lossy(body.get(head..end.max(head)).unwrap_or_default());
        let name = head.split("\r\n").find_map(disposition).ok_or("a field of the form has no name")?;
        if parts.len() >= MOST {
            return Err(format!("the form has more than {MOST} fields"));
        }
        parts.push((name, if close < data { Bytes::new() } else { body.slice(data..close) }));
        at = close + next.len();
    }
}

/// The name of a field.
fn disposition(line: &str) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    if !name.trim().eq_ignore_ascii_case("content-disposition") {
        return None;
    }
    let (kind, parameters) = value.split_once(';')?;
    parameter(parameters, "name").filter(|_| kind.trim().eq_ignore_ascii_case("form-data"))
}

/// Finds a parameter of a header, in quotes or not.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if name.trim().trim_start_matches(';').trim().eq_ignore_ascii_case(wanted) {
            return Some(value.trim().to_owned());
        }
        rest = next;
    }
}

fn find(body: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    memchr::memmem::find(body.get(from..)?, what).map(|at| at + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(media: &str, body: &str) -> Result<Vec<(String, String)>, String> {
        let parts = parts(media, &Bytes::from(body.replace('\n', "\r\n"))).unwrap();
        parts.map(|parts| {
            parts.into_iter().map(|(name, data)| (name, String::from_utf8_lossy(&data).replace('\r', ""))).collect()
        })
    }

    #[test]
    fn forms_are_taken_apart() {
        let media = "multipart/form-data; charset=x; boundary=XX";
        let pair = |name: &str, data: &str| (name.to_owned(), data.to_owned());
        let body = "before\n--XX\nContent-Disposition: form-data; name=\"chart\"; filename=\"a;name=b.tgz\"\nContent-Type: x\n\n\
                    a\n\nb--XX\n--XX  \ncontent-disposition:form-data;filename=\"x=y\";name=prov\n\n\n--XX--\nafter";
        assert_eq!(read(media, body), Ok(vec![pair("chart", "a\n\nb--XX"), pair("prov", "")]));
        assert_eq!(read("Multipart/Form-Data;boundary=\"a b\"", "--a b--"), Ok(vec![]));
        assert!(parts("application/gzip", &Bytes::new()).is_none());
        assert!(parts("multipart/form-dataX; boundary=a", &Bytes::new()).is_none());
    }

    #[test]
    fn what_is_no_form_is_refused() {
        let media = "multipart/form-data; boundary=XX";
        let field = "Content-Disposition: form-data; name=a\n\nb\n--XX";
        for body in [
            "",
            "--XX",
            "--XX\n",
            "--XXY\nContent-Disposition: form-data; name=a\n\nb\n--XX--",
            "--XX\nContent-Disposition: form-data; name=a\n\nb",
            "--XX\nContent-Disposition: form-data; name=a\n\nb\n--XX",
            "--XX\nContent-Disposition: form-data\n\nb\n--XX--",
            "--XX\nContent-Disposition: attachment; name=a\n\nb\n--XX--",
            "--XX\n\nb\n--XX--",
            "--XX\nContent-Disposition: form-data; name=\"a\n\nb\n--XX--",
            &format!("--XX\n{}--", [field; 17].join("\n")),
            &format!("--XX\nX: {}\n{field}--", "x".repeat(9000)),
        ] {
            assert!(read(media, body).is_err(), "{body}");
        }
        assert!(read("multipart/form-data", "--XX--").is_err());
        assert!(read(&format!("multipart/form-data; boundary={}", "x".repeat(71)), "--XX--").is_err());
    }
}
