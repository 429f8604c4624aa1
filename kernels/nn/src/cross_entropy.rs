//! Rows of logits against labels, for the operators of cross entropy.

use std::ops::Sub;

use num_traits::Float;
use savedmodel_math::{par, unary};
use savedmodel_tensor::{Element, bf16, f16};

/// An element type whose rows are computed in `Wide`.
pub trait Entropy: Element {
    /// What is computed with: single precision for 16-bit floats.
    type Wide: Element + Float + unary::Apply<unary::functions::Exp>;

    /// The same number.
    fn widen(self) -> Self::Wide;

    /// The nearest number.
    fn of(wide: Self::Wide) -> Self;
}

macro_rules! entropy {
    ($($t:ty: $wide:ty, |$x:ident| $widen:expr, |$y:ident| $narrow:expr;)*) => {$(
        impl Entropy for $t {
            type Wide = $wide;
            fn widen(self) -> $wide {
                let $x = self;
                $widen
            }
            fn of($y: $wide) -> $t {
                $narrow
            }
        }
    )*};
}

entropy! {
    f32: f32, |x| x, |y| y;
    f64: f64, |x| x, |y| y;
    f16: f32, |x| x.to_f32(), |y| f16::from_f32(y);
    bf16: f32, |x| x.to_f32(), |y| bf16::from_f32(y);
}

/// A row of logits, less its maximum.
pub struct Row<W> {
    /// Logits less the largest.
    pub shifted: Vec<W>,
    /// Their exponentials.
    pub exps: Vec<W>,
    /// The sum of those.
    pub sum: W,
}

impl<W: Element + Float + unary::Apply<unary::functions::Exp>> Row<W> {
    fn new(columns: usize) -> Row<W> {
        Row { shifted: vec![W::zero(); columns], exps: vec![W::zero(); columns], sum: W::zero() }
    }

    fn fill<T: Entropy<Wide = W>>(&mut self, logits: impl Iterator<Item = T>) {
        self.shifted.iter_mut().zip(logits).for_each(|(to, x)| *to = x.widen());
        let largest = self.shifted.iter().copied().fold(W::neg_infinity(), W::max);
        self.shifted.iter_mut().for_each(|x| *x = Sub::sub(*x, largest));
        unary::exp(&self.shifted, &mut self.exps);
        self.sum = self.exps.iter().fold(W::zero(), |sum, &x| sum + x);
    }
}

/// Fills `loss` (one element for each row) and `backprop`: `each(row, numbers, backprop)` gives the loss of one row.
///
/// `logits(row)` are the `columns` logits of one row.
pub fn rows<T: Entropy, I: Iterator<Item = T>>(
    columns: usize,
    loss: &mut [T],
    backprop: &mut [T],
    logits: impl Fn(usize) -> I + Sync,
    each: impl Fn(usize, &Row<T::Wide>, &mut [T]) -> T::Wide + Sync,
) {
    let count = loss.len();
    let grain = (par::grain(2.0) / columns.max(1)).max(1);
    let losses = par::map_chunks(count, grain, |rows| {
        let mut row = Row::new(columns);
        let mut part = vec![T::default(); rows.len() * columns];
        let mut losses = Vec::with_capacity(rows.len());
        for (i, index) in rows.enumerate() {
            row.fill(logits(index));
            losses.push(T::of(each(index, &row, &mut part[i * columns..(i + 1) * columns])));
        }
        (losses, part)
    });
    let (mut loss, mut backprop) = (loss, backprop);
    for (losses, part) in losses {
        let (to, rest) = loss.split_at_mut(losses.len());
        to.copy_from_slice(&losses);
        loss = rest;
        let (to, rest) = backprop.split_at_mut(part.len());
        to.copy_from_slice(&part);
        backprop = rest;
    }
}
