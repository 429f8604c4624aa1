//! Special functions, in double precision; single and half precision are rounded from it.
//!
//! Each is computed by a series, a continued fraction or an asymptotic expansion, whichever converges fast at its
//! argument, to about fifteen digits.

pub mod bessel;
pub mod beta;
pub mod functions;
pub mod gamma;
pub mod incomplete_gamma;
pub mod integrals;
pub mod inverse_error;
pub mod pairs;
pub mod zeta;

/// Sums a series until a term no longer matters; `next` gives the terms.
fn series(mut next: impl FnMut(u32) -> f64) -> f64 {
    const MOST: u32 = 1000;
    let mut sum = 0.0;
    for k in 0..MOST {
        let term = next(k);
        sum += term;
        if k > 0 && term.abs() <= f64::EPSILON / 4.0 * sum.abs() {
            break;
        }
    }
    sum
}
