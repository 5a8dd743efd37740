//! Decimal arithmetic as `shopspring/decimal` 1.4: exact sums and products, quotients to 16 places.

/// How many places a quotient has.
const PLACES: i32 = 16;

/// A number `±digits × 10^exponent`.
#[derive(Clone, Debug)]
pub(crate) struct Decimal {
    negative: bool,
    /// Decimal digits, most significant first, without leading zeros; empty for zero.
    digits: Vec<u8>,
    exponent: i32,
}

impl Decimal {
    /// The shortest decimal that reads back as the float; `None` for infinities and NaN.
    pub(crate) fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let text = format!("{:e}", value.abs());
        let (mantissa, exponent) = text.split_once('e')?;
        let fraction = mantissa.split_once('.').map_or(0, |(_, f)| f.len() as i32);
        let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
        Some(Self::new(value.is_sign_negative(), digits, exponent.parse::<i32>().ok()? - fraction))
    }

    fn new(negative: bool, mut digits: Vec<u8>, exponent: i32) -> Self {
        let zeros = digits.iter().take_while(|d| **d == 0).count();
        digits.drain(..zeros);
        Self { negative: negative && !digits.is_empty(), digits, exponent }
    }

    /// The nearest float.
    pub(crate) fn to_f64(&self) -> f64 {
        if self.digits.is_empty() {
            return 0.0;
        }
        let digits: String = self.digits.iter().map(|d| char::from(b'0' + d)).collect();
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{digits}e{}", self.exponent).parse().unwrap_or(0.0)
    }

    /// The digits at a smaller exponent.
    fn scaled(&self, exponent: i32) -> Vec<u8> {
        let mut digits = self.digits.clone();
        if !digits.is_empty() {
            digits.resize(digits.len() + (self.exponent - exponent).max(0) as usize, 0);
        }
        digits
    }

    /// The sum.
    pub(crate) fn add(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let (a, b) = (self.scaled(exponent), other.scaled(exponent));
        if self.negative == other.negative {
            return Self::new(self.negative, plus(&a, &b), exponent);
        }
        match compare(&a, &b) {
            std::cmp::Ordering::Less => Self::new(other.negative, minus(&b, &a), exponent),
            _ => Self::new(self.negative, minus(&a, &b), exponent),
        }
    }

    /// The difference.
    pub(crate) fn sub(&self, other: &Self) -> Self {
        self.add(&Self { negative: !other.negative, ..other.clone() })
    }

    /// The product.
    pub(crate) fn mul(&self, other: &Self) -> Self {
        Self::new(self.negative != other.negative, times(&self.digits, &other.digits), self.exponent + other.exponent)
    }

    /// The quotient to 16 places, half away from zero; `None` when dividing by zero.
    pub(crate) fn div(&self, other: &Self) -> Option<Self> {
        if other.digits.is_empty() {
            return None;
        }
        // self / other = n × 10^-PLACES: bring both to whole numbers first.
        let shift = self.exponent - other.exponent + PLACES;
        let (mut n, mut d) = (self.digits.clone(), other.digits.clone());
        let zeros = shift.unsigned_abs() as usize;
        if shift >= 0 {
            n.resize(n.len() + zeros, 0);
        } else {
            d.resize(d.len() + zeros, 0);
        }
        let (mut quotient, mut rest) = (Vec::with_capacity(n.len()), Vec::new());
        for digit in n {
            rest.push(digit);
            rest = trim(rest);
            let mut count = 0;
            while compare(&rest, &d) != std::cmp::Ordering::Less {
                rest = minus(&rest, &d);
                count += 1;
            }
            quotient.push(count);
        }
        if compare(&plus(&rest, &rest), &d) != std::cmp::Ordering::Less {
            quotient = plus(&quotient, &[1]);
        }
        Some(Self::new(self.negative != other.negative, quotient, -PLACES))
    }
}

fn trim(mut digits: Vec<u8>) -> Vec<u8> {
    let zeros = digits.iter().take_while(|d| **d == 0).count();
    digits.drain(..zeros);
    digits
}

fn compare(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    let strip = |d: &[u8]| d.iter().copied().skip_while(|d| *d == 0).collect::<Vec<u8>>();
    let (a, b) = (strip(a), strip(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(&b))
}

fn plus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let (mut out, mut carry) = (Vec::with_capacity(a.len().max(b.len()) + 1), 0);
    let (mut x, mut y) = (a.iter().rev(), b.iter().rev());
    loop {
        let (p, q) = (x.next(), y.next());
        if p.is_none() && q.is_none() {
            break;
        }
        let sum = p.copied().unwrap_or(0) + q.copied().unwrap_or(0) + carry;
        out.push(sum % 10);
        carry = sum / 10;
    }
    out.push(carry);
    out.reverse();
    trim(out)
}

/// The difference of a number and one that is not greater.
fn minus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let (mut out, mut borrow) = (Vec::with_capacity(a.len()), 0);
    let mut y = b.iter().rev();
    for p in a.iter().rev() {
        let take = y.next().copied().unwrap_or(0) + borrow;
        borrow = u8::from(*p < take);
        out.push(p + 10 * borrow - take);
    }
    out.reverse();
    trim(out)
}

fn times(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut out = vec![0u32; a.len() + b.len()];
    for (i, x) in a.iter().rev().enumerate() {
        for (j, y) in b.iter().rev().enumerate() {
            if let Some(cell) = out.get_mut(i + j) {
                *cell += u32::from(*x) * u32::from(*y);
            }
        }
        let mut carry = 0;
        for cell in &mut out {
            *cell += carry;
            carry = *cell / 10;
            *cell %= 10;
        }
    }
    out.reverse();
    trim(out.into_iter().map(|d| d as u8).collect())
}
