//! Normal distributions between bounds.

use num_traits::Float;
use savedmodel_tensor::{Error, Result};

use crate::distribution::Real;
use crate::philox::Philox;

/// How many candidates may be rejected in a row.
pub(crate) const MOST_ITERATIONS: usize = 1000;

/// A normal distribution between bounds, brought to mean 0 and deviation 1.
///
/// If it can be, the one finite bound is made the lower one, or both are made positive: `deviation` is negative then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truncation<T> {
    mean: T,
    deviation: T,
    low: T,
    high: T,
}

/// Numbers, and whether they are accepted.
type Candidates<T> = [Option<(T, bool)>; 4];

impl<T: Real + Float> Truncation<T> {
    /// The distribution.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the deviation is not positive, or the bounds are not in order, or neither is finite.
    pub fn new(mean: T, mut deviation: T, mut low: T, mut high: T) -> Result<Truncation<T>> {
        let valid = deviation > T::zero() && low < high && (low.is_finite() || high.is_finite());
        if !valid {
            return Err(Error::invalid_argument("Invalid parameters"));
        }
        if low == T::neg_infinity() || high < mean {
            std::mem::swap(&mut low, &mut high);
            deviation = -deviation;
        }
        Ok(Truncation { mean, deviation, low: (low - mean) / deviation, high: (high - mean) / deviation })
    }

    /// Draws a number for each place, by the method that rejects least.
    ///
    /// # Errors
    /// `INTERNAL` when too many candidates are rejected in a row.
    pub fn fill<'a>(&self, mut places: impl Iterator<Item = &'a mut T>, stream: &mut Philox) -> Result<()> {
        let Truncation { low, high, .. } = *self;
        let (zero, two, four) = (T::zero(), number::<T>(2.0), number::<T>(4.0));
        let near = number::<T>(1.3);
        let root = (low * low + four).sqrt();
        let cutoff = two * (number::<T>(0.5) + low * (low - root) / four).exp() / (low + root);
        let mut place = places.next();
        if low < -near && high >= zero || high > near && low <= zero {
            self.run(stream, &mut place, &mut places, Self::draw_normal)
        } else if high - low < cutoff {
            self.run(stream, &mut place, &mut places, Self::draw_uniform)
        } else {
            self.run(stream, &mut place, &mut places, Self::draw_exponential)
        }
    }

    /// Fills the places with the candidates that are accepted; each block begins where the last left off.
    fn run<'a>(
        &self,
        stream: &mut Philox,
        place: &mut Option<&'a mut T>,
        places: &mut impl Iterator<Item = &'a mut T>,
        candidates: fn(&Self, &mut Philox) -> Candidates<T>,
    ) -> Result<()> {
        let mut rejected = 0;
        while place.is_some() {
            for (x, accepted) in candidates(self, stream).into_iter().flatten() {
                let Some(to) = place.as_mut().filter(|_| accepted) else {
                    rejected += 1;
                    continue;
                };
                **to = x * self.deviation + self.mean;
                rejected = 0;
                *place = places.next();
                if place.is_none() {
                    break;
                }
            }
            if rejected > MOST_ITERATIONS {
                return Err(Error::internal("TruncatedNormal rejection sampler failed to accept a sample."));
            }
        }
        Ok(())
    }

    /// Normal numbers of which those outside of the bounds are rejected.
    fn draw_normal(&self, stream: &mut Philox) -> Candidates<T> {
        let numbers = T::normal(stream.block());
        std::array::from_fn(|i| {
            (i < T::PER_BLOCK).then(|| (numbers[i], numbers[i] >= self.low && numbers[i] <= self.high))
        })
    }

    /// Uniform numbers between the bounds, rejected where the normal distribution is thin.
    fn draw_uniform(&self, stream: &mut Philox) -> Candidates<T> {
        let nearest = if self.low < T::zero() { T::zero() } else { self.low * self.low };
        let (a, b) = (T::uniform(stream.block()), T::uniform(stream.block()));
        std::array::from_fn(|i| {
            let z = a[i] * (self.high - self.low) + self.low;
            let accepted = b[i] <= ((nearest - z * z) / number(2.0)).exp();
            (i < T::PER_BLOCK).then_some((z, accepted))
        })
    }

    /// Exponential numbers from the lower bound on, for bounds far from the mean.
    fn draw_exponential(&self, stream: &mut Philox) -> Candidates<T> {
        let two = number::<T>(2.0);
        let alpha = (self.low + (self.low * self.low + number(4.0)).sqrt()) / two;
        let numbers = T::uniform(stream.block());
        std::array::from_fn(|i| {
            let at = 2 * i;
            if at >= T::PER_BLOCK {
                return None;
            }
            let z = -numbers[at].ln() / alpha + self.low;
            let x = if self.low < alpha { alpha - z } else { self.low - alpha };
            let accepted = numbers[at + 1] <= (-x * x / two).exp() && z < self.high;
            Some((z, accepted))
        })
    }
}

fn number<T: Float>(x: f64) -> T {
    T::from(x).unwrap_or_else(T::nan)
}
