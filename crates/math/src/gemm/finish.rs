//! What follows the tiles of a product, where they don't do it themselves.

use super::driver::Scalar;
use super::epilogue::Activation;
use crate::simd::{Isa, Kernel};

/// Adds the residual to rows of C and applies the activation.
pub struct Finish<'a, T> {
    /// The rows.
    pub row: &'a mut [T],
    /// As long as the row, or empty.
    pub residual: &'a [T],
    /// Applied last.
    pub activation: Activation,
}

impl<T: Scalar> Kernel for Finish<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        T::add::<I>(self.row, self.residual);
        T::activate::<I>(self.row, self.activation);
    }
}

/// [`Finish`] for all rows of a tile.
pub(super) struct FinishTile<'a, T> {
    pub c: *mut T,
    /// From the first element of the tile on, or empty.
    pub residual: &'a [T],
    /// Distance between rows.
    pub stride: usize,
    pub rows: usize,
    pub columns: usize,
    pub activation: Activation,
}

impl<T: Scalar> Kernel for FinishTile<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        // Adjacent rows are one.
        let (rows, columns) = match self.stride == self.columns {
            true => (1, self.rows * self.columns),
            false => (self.rows, self.columns),
        };
        for row in 0..rows {
            let start = row * self.stride;
            // SAFETY: this row of the tile belongs to one task alone, and lies in C.
            let row = unsafe { std::slice::from_raw_parts_mut(self.c.add(start), columns) };
            let residual = match self.residual {
                [] => &[],
                residual => &residual[start..][..columns],
            };
            Finish { row, residual, activation: self.activation }.run::<I>();
        }
    }
}
