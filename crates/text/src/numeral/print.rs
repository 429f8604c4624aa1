//! Numbers to text, as C's `printf` does.

use std::fmt::Write;

/// How the digits of a floating-point number are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// `%f`: digits, point, digits.
    Fixed,
    /// `%e`: one digit, point, digits, exponent.
    Scientific,
    /// `%g`: whichever of the two is shorter, without trailing zeros.
    General,
}

/// The flags of a `printf` conversion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// The least number of characters.
    pub width: usize,
    /// `-`: pad on the right.
    pub left: bool,
    /// `0`: pad with zeros, after the sign.
    pub zeros: bool,
    /// `+`: a sign before what is not negative.
    pub plus: bool,
    /// ` `: a space before what is not negative.
    pub space: bool,
    /// `#`: a point even if nothing follows it, and trailing zeros in [`Notation::General`].
    pub point: bool,
    /// Digits after the point (significant digits in [`Notation::General`]); of an integer, the least number.
    pub precision: Option<usize>,
}

impl Style {
    /// `value` in this style.
    pub fn float(&self, value: f64, notation: Notation) -> String {
        let precision = self.precision.unwrap_or(6);
        let magnitude = value.abs();
        let body = match (value.is_finite(), notation) {
            (false, _) => if value.is_nan() { "nan" } else { "inf" }.to_owned(),
            (_, Notation::Fixed) => self.fixed(magnitude, precision),
            (_, Notation::Scientific) => self.scientific(magnitude, precision),
            (_, Notation::General) => self.general(magnitude, precision.max(1)),
        };
        self.pad(value.is_sign_negative(), &body, self.zeros && value.is_finite())
    }

    /// A signed integer in this style.
    pub fn integer(&self, value: i128) -> String {
        let mut body = value.unsigned_abs().to_string();
        if let Some(precision) = self.precision {
            body = if precision == 0 && value == 0 { String::new() } else { format!("{body:0>precision$}") };
        }
        // An explicit precision turns the zero flag off.
        self.pad(value < 0, &body, self.zeros && self.precision.is_none())
    }

    /// A string in this style: `precision` is the most bytes that are taken of it.
    pub fn string(&self, value: &str) -> String {
        let Style { width, precision, .. } = *self;
        let cut = precision.map_or(value, |precision| value.get(..precision).unwrap_or(value));
        if self.left { format!("{cut:<width$}") } else { format!("{cut:>width$}") }
    }

    fn fixed(&self, value: f64, precision: usize) -> String {
        let mut text = format!("{value:.precision$}");
        if precision == 0 && self.point {
            text.push('.');
        }
        text
    }

    fn scientific(&self, value: f64, precision: usize) -> String {
        let text = format!("{value:.precision$e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let point = if precision == 0 && self.point { "." } else { "" };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}{point}e{sign}{:02}", exponent.abs())
    }

    fn general(&self, value: f64, precision: usize) -> String {
        let text = format!("{value:.*e}", precision - 1);
        let exponent: i32 = text.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
        let scientific = exponent < -4 || i64::from(exponent) >= precision as i64;
        let text = if scientific {
            self.scientific(value, precision - 1)
        } else {
            self.fixed(value, (precision as i64 - 1 - i64::from(exponent)) as usize)
        };
        if self.point {
            return text;
        }
        let (digits, power) = text.split_at(text.find('e').unwrap_or(text.len()));
        let digits =
            if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
        format!("{digits}{power}")
    }

    fn pad(&self, negative: bool, body: &str, zeros: bool) -> String {
        let sign = match (negative, self.plus, self.space) {
            (true, _, _) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let missing = self.width.saturating_sub(sign.len() + body.len());
        let mut text = String::with_capacity(sign.len() + body.len() + missing);
        let (before, inside, after) = match (self.left, zeros) {
            (true, _) => (0, 0, missing),
            (_, true) => (0, missing, 0),
            _ => (missing, 0, 0),
        };
        let written = write!(text, "{:before$}{sign}{:0>inside$}{body}{:after$}", "", "", "");
        debug_assert!(written.is_ok(), "writing to a string never fails");
        text
    }
}

/// At most six significant digits, as Abseil's `StrCat` and C++ streams print floating-point numbers (`%g`).
pub fn shortest6(value: f64) -> String {
    Style::default().float(value, Notation::General)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_printf() {
        use Notation::{Fixed, General, Scientific};
        let plain = Style::default();
        let check = |style: Style, notation: Notation, value: f64, want: &str| {
            assert_eq!(style.float(value, notation), want, "{style:?} {notation:?} {value:e}");
        };
        check(plain, Fixed, 1.5, "1.500000");
        check(plain, Fixed, -1e-9, "-0.000000");
        check(plain, Scientific, 12345.678, "1.234568e+04");
        check(plain, Scientific, 0.0, "0.000000e+00");
        check(plain, Scientific, 1e-300, "1.000000e-300");
        check(plain, General, 1_234_567.0, "1.23457e+06");
        check(plain, General, 999_999.5, "1e+06");
        check(plain, General, 0.0001, "0.0001");
        check(plain, General, 0.00001, "1e-05");
        check(plain, General, 100.0, "100");
        check(plain, General, -0.0, "-0");
        check(plain, General, f64::NAN, "nan");
        check(plain, General, f64::NEG_INFINITY, "-inf");
        let precise = |precision| Style { precision: Some(precision), ..plain };
        check(precise(0), Fixed, 2.5, "2");
        check(precise(0), Fixed, 3.5, "4");
        check(precise(1), Fixed, 0.25, "0.2");
        check(precise(2), Scientific, 1.125, "1.12e+00");
        check(precise(0), General, 15.0, "2e+01");
        check(precise(3), General, 0.1, "0.1");
        check(Style { point: true, ..precise(3) }, General, 0.1, "0.100");
        check(Style { point: true, ..precise(0) }, Scientific, 1.0, "1.e+00");
        check(Style { width: 8, ..precise(1) }, Fixed, -1.5, "    -1.5");
        check(Style { width: 8, left: true, ..precise(1) }, Fixed, -1.5, "-1.5    ");
        check(Style { width: 8, zeros: true, ..precise(1) }, Fixed, -1.5, "-00001.5");
        check(Style { width: 6, zeros: true, ..plain }, Fixed, f64::INFINITY, "   inf");
        check(Style { plus: true, ..precise(1) }, Fixed, 1.5, "+1.5");
        check(Style { space: true, ..precise(1) }, Fixed, 1.5, " 1.5");
    }

    #[test]
    fn integers_and_strings() {
        let style = Style { width: 5, ..Style::default() };
        assert_eq!(style.integer(-12), "  -12");
        assert_eq!(Style { zeros: true, ..style }.integer(-12), "-0012");
        assert_eq!(Style { zeros: true, precision: Some(3), ..style }.integer(-12), " -012");
        assert_eq!(style.string("true"), " true");
        assert_eq!(Style { left: true, ..style }.string("true"), "true ");
        assert_eq!(style.integer(u64::MAX.into()), "18446744073709551615");
    }
}
