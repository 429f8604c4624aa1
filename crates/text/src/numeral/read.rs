//! Numbers from text, as TensorFlow reads them: white space around is skipped, nothing else may be.

/// The integers that text can be read as.
pub trait Integer: Copy + TryFrom<i128> {}

impl Integer for i32 {}
impl Integer for i64 {}
impl Integer for u32 {}
impl Integer for u64 {}

/// The integer that `text` is in decimal; `None` if it is none or does not fit.
///
/// An unsigned integer may not have a minus sign, even before zero.
pub fn read_integer<T: Integer>(text: &[u8]) -> Option<T> {
    let text = trim(text);
    let (negative, digits) = sign(text);
    if digits.is_empty() || negative && T::try_from(-1).is_err() {
        return None;
    }
    let mut value = 0_i128;
    for &digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i128::from(digit);
        if value > 1 << 64 {
            return None;
        }
    }
    T::try_from(if negative { -value } else { value }).ok()
}

/// The floating-point numbers that text can be read as.
pub trait Float: Copy + std::str::FromStr {
    /// Positive infinity.
    const INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// Bits of the significand, the hidden one included.
    const DIGITS: u32;
    /// The exponent of the least number above zero.
    const MIN_EXP: i32;
    /// `significand` times two to `exponent`, which must be a number of the type or above all of them.
    fn scale(significand: u64, exponent: i32) -> Self;
    /// The number with the other sign.
    #[must_use]
    fn negate(self) -> Self;
}

macro_rules! floats {
    ($($type:ident $least:literal;)*) => {
        $(impl Float for $type {
            const INFINITY: Self = $type::INFINITY;
            const NAN: Self = $type::NAN;
            const DIGITS: u32 = $type::MANTISSA_DIGITS;
            const MIN_EXP: i32 = $least;
            fn scale(significand: u64, exponent: i32) -> Self {
                // Two steps, so that neither factor overflows or vanishes while the product does not.
                let first = exponent / 2;
                significand as $type * $type::powi(2.0, first) * $type::powi(2.0, exponent - first)
            }
            fn negate(self) -> Self {
                -self
            }
        })*
    };
}

floats! { f32 -149; f64 -1074; }

/// The number that `text` is: decimal or hexadecimal, `inf`, `infinity`, `nan` or `nan(letters)` in any case.
///
/// It is correctly rounded; what is too large is infinite, what is too small zero.
pub fn read_float<T: Float>(text: &[u8]) -> Option<T> {
    let (negative, digits) = sign(trim(text));
    let value: T = match digits {
        [b'0', b'x' | b'X', hex @ ..] => read_hex(hex)?,
        [b'0'..=b'9' | b'.', ..] => decimal(digits)?,
        _ => special(digits)?,
    };
    Some(if negative { value.negate() } else { value })
}

/// Without the ASCII white space around it.
fn trim(text: &[u8]) -> &[u8] {
    let is_space = |c: &u8| matches!(c, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|c| !is_space(c)).unwrap_or(text.len());
    let end = text.iter().rposition(|c| !is_space(c)).map_or(start, |last| last + 1);
    &text[start..end]
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

fn decimal<T: Float>(text: &[u8]) -> Option<T> {
    // Rust reads the same decimal numbers; only letters other than an exponent's mark could differ.
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn special<T: Float>(text: &[u8]) -> Option<T> {
    if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
        return Some(T::INFINITY);
    }
    let (name, rest) = text.split_at_checked(3)?;
    let payload = match rest {
        [] => rest,
        [b'(', inner @ .., b')'] => inner,
        _ => return None,
    };
    let ok = payload.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_');
    (ok && name.eq_ignore_ascii_case(b"nan")).then_some(T::NAN)
}

/// `digits[.digits][p[sign]digits]`, all but the exponent in base 16.
fn read_hex<T: Float>(text: &[u8]) -> Option<T> {
    let end = text.iter().position(|c| matches!(c, b'p' | b'P')).unwrap_or(text.len());
    let mut exponent: i64 = match text[end..] {
        [] => 0,
        [_, ref power @ ..] => power_of_two(power)?,
    };
    let (mut significand, mut any, mut fraction, mut lost) = (0_u64, false, false, false);
    for &c in &text[..end] {
        if c == b'.' && !fraction {
            fraction = true;
            continue;
        }
        let digit = char::from(c).to_digit(16)?;
        any = true;
        if significand >> 60 == 0 {
            significand = significand << 4 | u64::from(digit);
            exponent -= if fraction { 4 } else { 0 };
        } else {
            lost |= digit != 0;
            exponent += if fraction { 0 } else { 4 };
        }
    }
    any.then(|| round(significand, lost, exponent))
}

fn power_of_two(text: &[u8]) -> Option<i64> {
    let (negative, digits) = sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let power = digits.iter().fold(0_i64, |n, &c| (n * 10 + i64::from(c - b'0')).min(1 << 40));
    Some(if negative { -power } else { power })
}

/// The nearest number of the type, ties to even; `lost` tells that there is more below the significand.
fn round<T: Float>(significand: u64, lost: bool, exponent: i64) -> T {
    if significand == 0 {
        return T::scale(0, 0);
    }
    let bits = i64::from(64 - significand.leading_zeros());
    let drop = (bits - i64::from(T::DIGITS)).max(i64::from(T::MIN_EXP) - exponent).max(0);
    if drop > 64 {
        return T::scale(0, 0);
    }
    let wide = u128::from(significand);
    let (kept, rest) = ((wide >> drop) as u64, wide & ((1 << drop) - 1));
    let half = if drop == 0 { u128::MAX } else { 1 << (drop - 1) };
    let up = rest > half || rest == half && (lost || kept & 1 == 1);
    let exponent = (exponent + drop).clamp(-5000, 5000) as i32;
    T::scale(kept + u64::from(up), exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        fn check<T: Integer + PartialEq + std::fmt::Debug>(text: &str, want: Option<T>) {
            assert_eq!(read_integer::<T>(text.as_bytes()), want, "{text:?}");
        }
        check("1", Some(1_i32));
        check(" \x0b+1\t\n", Some(1_u64));
        check("-0", Some(0_i64));
        check::<u32>("-0", None);
        check("-2147483648", Some(i32::MIN));
        check::<i32>("2147483648", None);
        check("18446744073709551615", Some(u64::MAX));
        check::<u64>("18446744073709551616", None);
        check("00000000000000000000000000000000000000000001", Some(1_i64));
        for text in ["", " ", "-", "--1", "+-1", "1 2", "0x10", "1.", "1\0", "1e5", "\u{a0}1", "٣"] {
            check::<i64>(text, None);
        }
    }

    #[test]
    fn floats() {
        let check = |text: &str, want: f64, want32: f32| {
            let got = (read_float::<f64>(text.as_bytes()), read_float::<f32>(text.as_bytes()));
            assert_eq!(got, (Some(want), Some(want32)), "{text:?}");
        };
        check(" -.5\n", -0.5, -0.5);
        check("1.e3", 1000.0, 1000.0);
        check("-0.0", 0.0, 0.0);
        check("1e400", f64::INFINITY, f32::INFINITY);
        check("1e-400", 0.0, 0.0);
        check("16777217.0000001", 16_777_217.000_000_1, 16_777_218.0);
        check("+iNf", f64::INFINITY, f32::INFINITY);
        check("-Infinity", f64::NEG_INFINITY, f32::NEG_INFINITY);
        check("0X1F", 31.0, 31.0);
        check("-0x.8", -0.5, -0.5);
        check("0x8.", 8.0, 8.0);
        check("0x1.8p+3", 12.0, 12.0);
        check("0x1p1100", f64::INFINITY, f32::INFINITY);
        check("0x1p-1100", 0.0, 0.0);
        check("0x1p-1074", f64::from_bits(1), 0.0);
        check("0x1p-149", 2_f64.powi(-149), f32::from_bits(1));
        check("0x1.fffffffffffff8p0", 2.0, 2.0);
        check("0x1.00000100000000001p0", 1.000_000_059_604_644_8, 1.000_000_1);
        check("0x10000000000000000000000000000000000000000", 2_f64.powi(160), f32::INFINITY);
        check("0x0.0000000000000000000000000000000000000001", 2_f64.powi(-160), 0.0);
    }

    #[test]
    fn what_is_no_number() {
        for text in ["nan", "-NaN", "nan()", "nan(a_1)"] {
            assert!(read_float::<f32>(text.as_bytes()).is_some_and(f32::is_nan), "{text}");
        }
        let wrong = [
            "",
            ".",
            "-",
            "1e",
            "1e+",
            "1f",
            "1_0",
            "1,5",
            "e5",
            "1 x",
            "0x",
            "0xg",
            "0x1p",
            "0x.",
            "nan(",
            "nanx",
            "nan(a b)",
            "infi",
            "infinityx",
            "+-1",
            "1\0",
        ];
        for text in wrong {
            assert_eq!(read_float::<f64>(text.as_bytes()), None, "{text:?}");
        }
    }
}
