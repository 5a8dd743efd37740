//! Printing floats as Go's `strconv.FormatFloat`.

use std::fmt::Write as _;

/// No float has more digits than this, before or after its point; what is asked for beyond them is zeros.
const EXACT: usize = 1100;

/// The decimal digits of a number: `0.d1d2d3… × 10^point`.
struct Digits {
    /// ASCII digits without trailing zeros (shortest form) or as many as were asked for; empty for zero.
    digits: Vec<u8>,
    point: i32,
}

impl Digits {
    /// Reads a printed number that is not negative: its digits need not be normalised.
    fn read(text: &str) -> Digits {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let whole = mantissa.find('.').unwrap_or(mantissa.len()) as i32;
        let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        let zeros = digits.iter().take_while(|d| **d == b'0').count();
        digits.drain(..zeros);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let point = if digits.is_empty() { 0 } else { whole - zeros as i32 + exponent };
        Digits { digits, point }
    }

    /// The shortest digits that read back as the number; of two as near the even one, as Go's Dragonbox. (Rust's own
    /// printing takes the larger.)
    fn shortest(magnitude: f64, bits: u32) -> Digits {
        let mut buffer = ryu::Buffer::new();
        // The one number for which Go 1.26's float32 printing looks for the tie at the exponent of float64.
        if bits == 32 && magnitude == 1.0 / 4096.0 {
            return Digits::read("0.00024414063");
        }
        Digits::read(if bits == 32 { buffer.format_finite(magnitude as f32) } else { buffer.format_finite(magnitude) })
    }

    /// The digits rounded to one more than the precision, half to even.
    fn rounded(magnitude: f64, precision: usize) -> Digits {
        Digits::read(&format!("{magnitude:.*e}", precision.min(EXACT)))
    }

    fn len(&self) -> i32 {
        self.digits.len() as i32
    }
}

/// Formats a float: `format` is one of `e E f g G b x X`, precision `None` the shortest that reads back, bits 32 or 64.
pub fn format_float(value: f64, format: u8, precision: Option<usize>, bits: u32) -> String {
    let mut out = Vec::new();
    append_float(&mut out, value, format, precision, bits);
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends a float as [`format_float`]. Infinities are `+Inf` and `-Inf`.
pub fn append_float(out: &mut Vec<u8>, value: f64, format: u8, precision: Option<usize>, bits: u32) {
    let value = if bits == 32 { f64::from(value as f32) } else { value };
    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value < 0.0 { b"-Inf" } else { b"+Inf" });
    }
    match format {
        b'b' => return append_binary(out, value, bits),
        b'x' | b'X' => return append_hex(out, value, format, precision, bits),
        b'e' | b'E' | b'f' | b'g' | b'G' => {}
        _ => return out.extend_from_slice(&[b'%', format]),
    }
    let negative = value.is_sign_negative();
    let magnitude = value.abs();
    // Whole numbers below a million are most of what charts print.
    if precision.is_none() && matches!(format, b'g' | b'G') && magnitude < 1e6 && magnitude.fract() == 0.0 {
        if negative {
            out.push(b'-');
        }
        let _ = write!(Bytes(out), "{}", magnitude as u32);
        return;
    }
    if negative {
        out.push(b'-');
    }
    match precision {
        None => {
            let digits = Digits::shortest(magnitude, bits);
            let count = digits.len();
            match format {
                b'f' => append_plain(out, &digits, (count - digits.point).max(0)),
                b'e' | b'E' => append_exponent(out, &digits, (count - 1).max(0), format),
                _ => append_general(out, &digits, count, 6, format),
            }
        }
        Some(precision) => {
            let wanted = i32::try_from(precision).unwrap_or(i32::MAX);
            match format {
                b'f' => {
                    let _ = write!(Bytes(out), "{magnitude:.*}", precision.min(EXACT));
                    out.extend(std::iter::repeat_n(b'0', precision.saturating_sub(EXACT)));
                }
                b'e' | b'E' => {
                    let digits = Digits::rounded(magnitude, precision);
                    append_exponent(out, &digits, wanted, format);
                }
                _ => {
                    let wanted = wanted.max(1);
                    let digits = Digits::rounded(magnitude, wanted as usize - 1);
                    let mut threshold = wanted;
                    if threshold > digits.len() && digits.len() >= digits.point {
                        threshold = digits.len();
                    }
                    append_general(out, &digits, wanted, threshold, format);
                }
            }
        }
    }
}

/// `%g`: exponent form when the exponent is below -4 or not below the threshold.
fn append_general(out: &mut Vec<u8>, digits: &Digits, precision: i32, threshold: i32, format: u8) {
    let exponent = digits.point - 1;
    if exponent < -4 || exponent >= threshold {
        let precision = precision.min(digits.len());
        append_exponent(out, digits, precision - 1, format - (b'g' - b'e'));
    } else {
        let precision = if precision > digits.point { digits.len() } else { precision };
        append_plain(out, digits, (precision - digits.point).max(0));
    }
}

/// `%e`: one digit, a point, `precision` digits and an exponent of at least two digits.
fn append_exponent(out: &mut Vec<u8>, digits: &Digits, precision: i32, letter: u8) {
    let mut source = digits.digits.iter().copied().chain(std::iter::repeat(b'0'));
    out.push(source.next().unwrap_or(b'0'));
    if precision > 0 {
        out.push(b'.');
        out.extend(source.take(precision as usize));
    }
    let exponent = if digits.digits.is_empty() { 0 } else { digits.point - 1 };
    let _ = write!(Bytes(out), "{}{}{:02}", char::from(letter), if exponent < 0 { '-' } else { '+' }, exponent.abs());
}

/// `%f`: the whole part and `precision` digits after the point.
fn append_plain(out: &mut Vec<u8>, digits: &Digits, precision: i32) {
    let digit = |at: i32| usize::try_from(at).ok().and_then(|at| digits.digits.get(at)).copied().unwrap_or(b'0');
    if digits.point > 0 {
        out.extend((0..digits.point).map(digit));
    } else {
        out.push(b'0');
    }
    if precision > 0 {
        out.push(b'.');
        out.extend((0..precision).map(|at| digit(digits.point + at)));
    }
}

/// Mantissa, unbiased exponent of its last bit and number of mantissa bits.
fn parts(value: f64, bits: u32) -> (u64, i32, u32) {
    let (mantissa, biased, width, bias) = if bits == 32 {
        let raw = (value as f32).to_bits();
        (u64::from(raw & 0x7F_FFFF), (raw >> 23 & 0xFF) as i32, 23, 127)
    } else {
        let raw = value.to_bits();
        (raw & 0xF_FFFF_FFFF_FFFF, (raw >> 52 & 0x7FF) as i32, 52, 1023)
    };
    let (mantissa, biased) = if biased == 0 { (mantissa, 1) } else { (mantissa | 1 << width, biased) };
    (mantissa, biased - bias - width, width as u32)
}

/// `%b`: the integer mantissa and a binary exponent.
fn append_binary(out: &mut Vec<u8>, value: f64, bits: u32) {
    let (mantissa, exponent, _) = parts(value, bits);
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let _ = write!(Bytes(out), "{sign}{mantissa}p{exponent:+}");
}

/// `%x`: a hexadecimal fraction and a binary exponent.
fn append_hex(out: &mut Vec<u8>, value: f64, format: u8, precision: Option<usize>, bits: u32) {
    let (mut mantissa, exponent, width) = parts(value, bits);
    let mut exponent = if mantissa == 0 { 0 } else { exponent + width as i32 };
    // The leading 1, if any, goes to bit 60.
    mantissa <<= 60 - width;
    while mantissa != 0 && mantissa & (1 << 60) == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision) = precision.filter(|p| *p < 15) {
        let shift = (precision * 4) as u32;
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let digits: &[u8; 16] = if format == b'X' { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    if value.is_sign_negative() {
        out.push(b'-');
    }
    out.extend_from_slice(&[b'0', format, b'0' + (mantissa >> 60 & 1) as u8]);
    mantissa <<= 4;
    let mut next = || {
        let digit = digits[(mantissa >> 60 & 15) as usize];
        mantissa <<= 4;
        (digit, mantissa != 0)
    };
    match precision {
        None if mantissa_left(value, bits) => {
            out.push(b'.');
            loop {
                let (digit, more) = next();
                out.push(digit);
                if !more {
                    break;
                }
            }
        }
        Some(count) if count > 0 => {
            out.push(b'.');
            out.extend((0..count).map(|_| next().0));
        }
        _ => {}
    }
    let letter = if format == b'X' { 'P' } else { 'p' };
    let _ = write!(Bytes(out), "{letter}{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
}

/// Whether anything is left of the mantissa behind its leading one.
fn mantissa_left(value: f64, bits: u32) -> bool {
    let (mantissa, _, _) = parts(value, bits);
    mantissa.count_ones() > 1
}

/// Lets `write!` append to bytes.
struct Bytes<'a>(&'a mut Vec<u8>);

impl std::fmt::Write for Bytes<'_> {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.0.extend_from_slice(s.as_bytes());
        Ok(())
    }
}
