//! Numbers as Go's `strconv.FormatFloat` prints them with the fewest digits.

/// The shortest decimal digits of a number: `0.DIGITS * 10^point`.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    point: i32,
}

impl Decimal {
    /// Reads what `ryu` printed: `1.5e-7`, `12.0`, `0.001`.
    fn parse(text: &str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut point = whole.len() as i32 + exponent.parse::<i32>().unwrap_or(0);
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = digits.iter().take_while(|&&d| d == b'0').count();
        digits.drain(..leading);
        point -= leading as i32;
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            point = 0;
        }
        Self { negative, digits, point }
    }

    /// Prints as Go's `%e`: at least two digits of exponent.
    fn exponent(&self) -> String {
        let mut out = self.sign();
        let (first, rest) = self.digits.split_first().map_or((b'0', &[][..]), |(f, r)| (*f, r));
        out.push(char::from(first));
        if !rest.is_empty() {
            out.push('.');
            out.extend(rest.iter().copied().map(char::from));
        }
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        out.push('e');
        out.push(if exponent < 0 { '-' } else { '+' });
        let exponent = exponent.unsigned_abs();
        if exponent < 10 {
            out.push('0');
        }
        out.push_str(&exponent.to_string());
        out
    }

    /// Prints as Go's `%f`, without an exponent.
    fn fixed(&self) -> String {
        let mut out = self.sign();
        if self.point <= 0 {
            out.push('0');
        }
        let whole = usize::try_from(self.point).unwrap_or(0);
        out.extend((0..whole).map(|i| self.digits.get(i).map_or('0', |&d| char::from(d))));
        if self.digits.len() as i32 > self.point {
            out.push('.');
            out.extend((self.point..0).map(|_| '0'));
            out.extend(self.digits.iter().skip(whole).copied().map(char::from));
        }
        out
    }

    fn sign(&self) -> String {
        let mut out = String::with_capacity(24);
        if self.negative {
            out.push('-');
        }
        out
    }

    /// Prints as Go's shortest `%g`, which takes an exponent below 10^-4 and from 10^6 on.
    fn general(&self) -> String {
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        if (-4..6).contains(&exponent) { self.fixed() } else { self.exponent() }
    }
}

fn special(f: f64) -> Option<&'static str> {
    if f.is_nan() {
        Some("NaN")
    } else if f == f64::INFINITY {
        Some("+Inf")
    } else if f == f64::NEG_INFINITY {
        Some("-Inf")
    } else {
        None
    }
}

/// Prints as Go's `strconv.FormatFloat(f, 'g', -1, 64)`: `1e+06`, `0.5`, `+Inf`.
pub fn format_float_g(f: f64) -> String {
    match (special(f), small_integer(f, 1e6)) {
        (Some(text), _) => text.to_owned(),
        (_, Some(i)) => i.to_string(),
        _ => Decimal::parse(ryu::Buffer::new().format_finite(f)).general(),
    }
}

/// Returns the integer that a float below `limit` is: most are such, and printed at once.
pub(crate) fn small_integer(f: f64, limit: f64) -> Option<i64> {
    let i = f as i64;
    (f.abs() < limit && i as f64 == f && (i != 0 || f.is_sign_positive())).then_some(i)
}

/// Up to here all integers are floats.
pub(crate) const EXACT: f64 = 9_007_199_254_740_992.0;

/// Prints as Go's `strconv.FormatFloat(f, 'g', -1, 32)`, the way `sigs.k8s.io/yaml` makes text of a number.
pub fn format_float_g32(f: f64) -> String {
    let f = f as f32;
    match special(f.into()) {
        Some(text) => text.to_owned(),
        None => Decimal::parse(ryu::Buffer::new().format_finite(f)).general(),
    }
}

/// Prints as Go's `encoding/json` prints a `float64`; `None` for what JSON has no number for.
pub fn format_float_json(f: f64) -> Option<String> {
    if !f.is_finite() {
        return None;
    }
    if let Some(i) = small_integer(f, EXACT) {
        return Some(i.to_string());
    }
    let decimal = Decimal::parse(ryu::Buffer::new().format_finite(f));
    let abs = f.abs();
    if abs == 0.0 || (1e-6..1e21).contains(&abs) {
        return Some(decimal.fixed());
    }
    let mut text = decimal.exponent();
    // `1e-09` becomes `1e-9`, as in ES6; an exponent of `+21` and more has two digits anyway.
    if let Some((head, digit)) = text.rsplit_once("e-0") {
        text = format!("{head}e-{digit}");
    }
    Some(text)
}

/// Prints the value that no JSON number can be made of, as Go names it in its error.
pub(crate) fn unsupported(f: f64) -> &'static str {
    special(f).unwrap_or("NaN")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn general() {
        for (f, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (100_000.0, "100000"),
            (123_456.0, "123456"),
            (1e6, "1e+06"),
            (1_234_567.5, "1.2345675e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (12.5, "12.5"),
            (1e21, "1e+21"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(format_float_g(f), want);
        }
        assert_eq!(format_float_g32(1.1), "1.1");
        assert_eq!(format_float_g32(16_777_217.0), "1.6777216e+07");
        assert_eq!(format_float_g32(1e39), "+Inf");
    }

    #[test]
    fn json() {
        for (f, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-10, "1.5e-10"),
            (-123.456, "-123.456"),
            (1e300, "1e+300"),
        ] {
            assert_eq!(format_float_json(f).as_deref(), Some(want));
        }
        assert_eq!(format_float_json(f64::NAN), None);
    }
}
