//! Segments: rows that are folded into one by their number.

use std::ops::{Add, Mul};

use num_traits::{WrappingAdd, WrappingMul};

use crate::elementwise::loops;

pub mod sorted;
pub mod unsorted;

/// Folds a row into a row of equal length.
type Accumulate<T> = fn(&mut [T], &[T]);

fn add<T: Copy + Add<Output = T>>(out: &mut [T], x: &[T]) {
    loops::fold(out, x, |a, b| a + b);
}

fn wrapping_add<T: Copy + WrappingAdd>(out: &mut [T], x: &[T]) {
    loops::fold(out, x, |a, b| a.wrapping_add(&b));
}

fn multiply<T: Copy + Mul<Output = T>>(out: &mut [T], x: &[T]) {
    loops::fold(out, x, |a, b| a * b);
}

fn wrapping_multiply<T: Copy + WrappingMul>(out: &mut [T], x: &[T]) {
    loops::fold(out, x, |a, b| a.wrapping_mul(&b));
}

/// The greater one, or the new one if neither is greater, as with NaN.
fn maximum<T: Copy + PartialOrd>(out: &mut [T], x: &[T]) {
    loops::fold(out, x, |a, b| if a > b { a } else { b });
}

/// The lesser one, or the new one if neither is less, as with NaN.
fn minimum<T: Copy + PartialOrd>(out: &mut [T], x: &[T]) {
    loops::fold(out, x, |a, b| if a < b { a } else { b });
}
