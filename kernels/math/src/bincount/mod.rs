//! Counts of integers, or sums of weights by integer, in all forms of tensors.

use std::ops::AddAssign;

use num_traits::One;
use savedmodel_tensor::{Element, Error, Result, Tensor};

pub mod dense;
pub mod flat;
pub mod ragged;
pub mod sparse;

const T: &str = "T: {int32, int64, float, double}";

/// A number that counts.
trait Number: Element + One + AddAssign {}

impl<T: Element + One + AddAssign> Number for T {}

/// What is counted into a row of bins.
struct Count<'a, T> {
    /// What each value counts; one if there are none.
    weights: &'a [T],
    /// Whether a value counts one, however often it occurs.
    binary: bool,
}

impl<T: Number> Count<'_, T> {
    /// Counts value number `i`; one that has no bin is left out.
    fn add(&self, bins: &mut [T], value: i64, i: usize) {
        let Some(bin) = usize::try_from(value).ok().and_then(|value| bins.get_mut(value)) else { return };
        if self.binary {
            *bin = T::one();
        } else if self.weights.is_empty() {
            *bin += T::one();
        } else {
            *bin += self.weights[i];
        }
    }
}

/// The number of bins.
fn size(size: &Tensor) -> Result<usize> {
    if size.elements() != 1 || size.rank() > 0 {
        return Err(Error::invalid_argument(format!("Shape must be rank 0 but is rank {}", size.rank())));
    }
    let size = size.to_i64s()?[0];
    usize::try_from(size).map_err(|_| Error::invalid_argument(format!("size ({size}) must be non-negative")))
}

/// Refuses weights that are neither empty nor one for each of `values`.
fn check_weights(values: &Tensor, weights: &Tensor) -> Result<()> {
    if weights.elements() == 0 || weights.shape() == values.shape() {
        return Ok(());
    }
    Err(Error::invalid_argument(format!(
        "`weights` must be the same shape as `arr` or a length-0 `Tensor`, in which case it acts as all weights equal to 1. \
         Received {}",
        weights.shape()
    )))
}

fn check_not_negative(values: &[i64], text: &str) -> Result<()> {
    if values.iter().any(|&value| value < 0) { Err(Error::invalid_argument(text)) } else { Ok(()) }
}
