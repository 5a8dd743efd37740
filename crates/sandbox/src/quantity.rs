//! Amounts such as `500m` and `1Gi`, as `resource.Quantity` of apimachinery reads and writes them.

/// Writes a quantity in its canonical form, or says nothing when it is none.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let amount = Amount::parse(text)?;
    Some(amount.write())
}

/// The value in thousandths, rounded up.
pub(crate) fn milli(text: &str) -> Option<i128> {
    let amount = Amount::parse(text)?;
    Some(div_up(amount.nano, 1_000_000))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Binary,
    Decimal,
    Exponent,
}

/// A number in billionths (finer is rounded up, as the original does) and the form it was written in.
struct Amount {
    nano: i128,
    form: Form,
}

const NANO: i128 = 1_000_000_000;
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

fn div_up(n: i128, by: i128) -> i128 {
    let (quotient, rest) = (n / by, n % by);
    match rest {
        0 => quotient,
        r if r > 0 => quotient + 1,
        _ => quotient - 1,
    }
}

impl Amount {
    fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let digits: String = format!("{whole}{fraction}");
        let trimmed = digits.trim_start_matches('0');
        if trimmed.len() > 27 {
            return None;
        }
        let mantissa: i128 = if trimmed.is_empty() { 0 } else { trimmed.parse().ok()? };
        let scale = i32::try_from(fraction.len()).ok()?;
        let (form, nano) = if let Some((_, bits)) = BINARY.iter().find(|(s, _)| *s == suffix) {
            (Form::Binary, shift(mantissa.checked_mul(1_i128.checked_shl(*bits)?)?, 9 - scale)?)
        } else if let Some((_, power)) = DECIMAL.iter().find(|(s, _)| *s == suffix) {
            (Form::Decimal, shift(mantissa, 9 - scale + power)?)
        } else {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let power: i32 = exponent.parse().ok()?;
            (Form::Exponent, shift(mantissa, 9 - scale + power.clamp(-100, 100))?)
        };
        Some(Self { nano: if negative { -nano } else { nano }, form })
    }

    fn write(&self) -> String {
        if self.nano == 0 {
            return "0".into();
        }
        let form = match self.form {
            // Binary makes sense for whole numbers of at least 1024 only.
            Form::Binary if self.nano.abs() < 1024 * NANO || self.nano % NANO != 0 => Form::Decimal,
            form => form,
        };
        if form == Form::Binary {
            let mut value = self.nano / NANO;
            let mut suffix = "";
            for (name, _) in BINARY {
                if value % 1024 != 0 {
                    break;
                }
                value /= 1024;
                suffix = name;
            }
            return format!("{value}{suffix}");
        }
        let mut value = self.nano;
        let mut power = -9;
        while power < 18 && value % 1000 == 0 {
            value /= 1000;
            power += 3;
        }
        if form == Form::Exponent {
            return if power == 0 { value.to_string() } else { format!("{value}e{power}") };
        }
        let suffix = DECIMAL.iter().find(|(_, p)| *p == power).map_or("", |(s, _)| *s);
        format!("{value}{suffix}")
    }
}

fn shift(mantissa: i128, power: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(power.unsigned_abs())?;
    if power >= 0 { mantissa.checked_mul(factor) } else { Some(div_up(mantissa, factor)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_one_spelling() {
        for (input, want) in [
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("100Mi", "100Mi"),
            ("2", "2"),
            ("2000", "2k"),
            ("1e3", "1e3"),
            ("0", "0"),
            ("0.1Mi", "104857600m"),
            ("512", "512"),
            ("1500m", "1500m"),
            ("-1", "-1"),
            ("10Ki", "10Ki"),
            ("1000Ki", "1000Ki"),
            (".5", "500m"),
            ("5.", "5"),
        ] {
            assert_eq!(canonical(input).as_deref(), Some(want), "{input}");
        }
        for bad in ["", "a", "1x", "1.2.3", "1 Gi", "1mi", "--1"] {
            assert_eq!(canonical(bad), None, "{bad}");
        }
        assert_eq!(milli("0.5"), Some(500));
    }
}
