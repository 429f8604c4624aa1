//! How close is close enough.

use std::fmt;
use std::str::FromStr;

use savedmodel_tensor::{Error, Result};

/// When a floating-point (or complex) number passes; everything else must be equal.
///
/// Two NaNs and two equal infinities always pass. Complex numbers are judged by the absolute value of the
/// difference, in [`Tolerance::Exact`] and [`Tolerance::Ulp`] part by part.
///
/// ```
/// use savedmodel_verify::Tolerance;
/// assert_eq!("ulp 2".parse(), Ok(Tolerance::Ulp(2)));
/// assert_eq!("close 1e-5 0".parse(), Ok(Tolerance::Close { rtol: 1e-5, atol: 0.0 }));
/// assert_eq!(Tolerance::default().to_string(), "scale 0.0001");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// `exact`: the bits are the same.
    Exact,
    /// `ulp N`: at most N units in the last place of the dtype away; zeros of either sign are equal.
    Ulp(u64),
    /// `eps N`: at most `N * epsilon(dtype) * max(1, scale)` away. The scale of a tensor is the largest finite
    /// magnitude that is expected in it.
    Eps(f64),
    /// `close R A`: at most `A + R * |expected|` away.
    Close {
        /// Relative to each expected number.
        rtol: f64,
        /// Whatever the number.
        atol: f64,
    },
    /// `scale S`: at most `S * scale` away, where the scale is that of [`Tolerance::Eps`], or 1 if all is zero, and S is
    /// at least four epsilons of the dtype.
    Scale(f64),
}

impl Default for Tolerance {
    /// What sums in another order, on other hardware, may come to in a deep `float` model.
    fn default() -> Tolerance {
        Tolerance::Scale(1e-4)
    }
}

impl FromStr for Tolerance {
    type Err = Error;

    fn from_str(text: &str) -> Result<Tolerance> {
        let bad = || Error::invalid_argument(format!("'{text}' is no tolerance"));
        let number =
            |word: &str| word.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0).ok_or_else(bad);
        match text.split_whitespace().collect::<Vec<_>>()[..] {
            ["exact"] => Ok(Tolerance::Exact),
            ["ulp", n] => n.parse().map(Tolerance::Ulp).map_err(|_| bad()),
            ["eps", n] => Ok(Tolerance::Eps(number(n)?)),
            ["close", r, a] => Ok(Tolerance::Close { rtol: number(r)?, atol: number(a)? }),
            ["scale", s] => Ok(Tolerance::Scale(number(s)?)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tolerance::Exact => f.write_str("exact"),
            Tolerance::Ulp(n) => write!(f, "ulp {n}"),
            Tolerance::Eps(n) => write!(f, "eps {n}"),
            Tolerance::Close { rtol, atol } => write!(f, "close {rtol} {atol}"),
            Tolerance::Scale(s) => write!(f, "scale {s}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_both_ways() {
        for text in ["exact", "ulp 4", "eps 8", "close 0.001 0", "scale 0.5"] {
            assert_eq!(text.parse::<Tolerance>().unwrap().to_string(), text);
        }
        for text in ["", "ulp", "ulp -1", "eps x", "close 1", "scale NaN", "scale -1", "exact 1"] {
            assert!(text.parse::<Tolerance>().is_err(), "{text}");
        }
    }
}
