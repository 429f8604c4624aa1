//! Numbers to text, as C's `printf` does.

/// No number has more digits after the point than this.
const EXACT: usize = 1100;

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
            let mut digits = String::new();
            zeros(&mut digits, precision.saturating_sub(body.len()));
            body = if precision == 0 && value == 0 { String::new() } else { digits + &body };
        }
        // An explicit precision turns the zero flag off.
        self.pad(value < 0, &body, self.zeros && self.precision.is_none())
    }

    fn fixed(&self, value: f64, precision: usize) -> String {
        let exact = precision.min(EXACT);
        let mut text = format!("{value:.exact$}");
        if precision == 0 && self.point {
            text.push('.');
        }
        zeros(&mut text, precision - exact);
        text
    }

    fn scientific(&self, value: f64, precision: usize) -> String {
        let exact = precision.min(EXACT);
        let text = format!("{value:.exact$e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let mut text = digits.to_owned();
        zeros(&mut text, precision - exact);
        text.push_str(if precision == 0 && self.point { ".e" } else { "e" });
        text.push(if exponent < 0 { '-' } else { '+' });
        text + &format!("{:02}", exponent.abs())
    }

    fn general(&self, value: f64, precision: usize) -> String {
        let text = format!("{value:.*e}", (precision - 1).min(EXACT));
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
        let fill = |text: &mut String, c: char, wanted: bool| {
            text.extend(std::iter::repeat_n(c, if wanted { missing } else { 0 }));
        };
        fill(&mut text, ' ', !self.left && !zeros);
        text.push_str(sign);
        fill(&mut text, '0', !self.left && zeros);
        text.push_str(body);
        fill(&mut text, ' ', self.left);
        text
    }
}

fn zeros(text: &mut String, n: usize) {
    text.extend(std::iter::repeat_n('0', n));
}

/// At most six significant digits, as Abseil's `StrCat` and C++ streams print floating-point numbers (`%g`).
pub fn shortest6(value: f64) -> String {
    Style::default().float(value, Notation::General)
}

/// Enough significant digits to read the same `f32` again: six if they do, else nine (TensorFlow's `FloatToBuffer`).
pub fn exact_f32(value: f32) -> String {
    round_trip(value.into(), [6, 9], |text| text.parse() == Ok(value))
}

/// Enough significant digits to read the same `f64` again: 15 if they do, else 17 (TensorFlow's `DoubleToBuffer`).
pub fn exact_f64(value: f64) -> String {
    round_trip(value, [15, 17], |text| text.parse() == Ok(value))
}

fn round_trip(value: f64, digits: [usize; 2], same: impl Fn(&str) -> bool) -> String {
    let print =
        |digits| Style { precision: Some(digits), ..Style::default() }.float(value, Notation::General);
    let short = print(digits[0]);
    if !value.is_finite() || same(&short) { short } else { print(digits[1]) }
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
    fn integers() {
        let style = Style { width: 5, ..Style::default() };
        assert_eq!(style.integer(-12), "  -12");
        assert_eq!(Style { zeros: true, ..style }.integer(-12), "-0012");
        assert_eq!(Style { zeros: true, precision: Some(3), ..style }.integer(-12), " -012");
        assert_eq!(style.integer(u64::MAX.into()), "18446744073709551615");
    }

    #[test]
    fn more_digits_than_there_are() {
        let style = Style { precision: Some(70_000), width: 80_000, ..Style::default() };
        for notation in [Notation::Fixed, Notation::Scientific] {
            let text = style.float(0.1, notation);
            assert_eq!((text.len(), text.contains("000000000000000055511151231257827")), (80_000, true));
        }
        assert_eq!(style.float(0.5, Notation::General).trim_start(), "0.5");
    }

    #[test]
    fn exact() {
        let check = |got: String, want: &str| assert_eq!(got, want);
        check(exact_f32(0.3), "0.3");
        check(exact_f32(1.0 / 3.0), "0.333333343");
        check(exact_f32(123_456_792.0), "123456792");
        check(exact_f32(1e6), "1e+06");
        check(exact_f32(f32::NEG_INFINITY), "-inf");
        check(exact_f64(0.1 + 0.2), "0.30000000000000004");
        check(exact_f64(1.0 / 3.0), "0.33333333333333331");
        check(exact_f64(123_456_789.0), "123456789");
    }
}
