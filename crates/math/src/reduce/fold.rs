//! The loops of reductions over rows: by lanes, then as a tree.

use super::columns::columns;
use super::element::{Element, Fold};
use crate::par;
use crate::simd::{self, Isa, Kernel};
use std::marker::PhantomData;

/// Independent accumulators of a row, enough to hide the latency of additions in any instruction set.
const LANES: usize = 64;
/// Elements folded by lanes before the tree takes over.
const BLOCK: usize = 2048;
/// Rough cost of one element in nanoseconds.
pub const NS: f64 = 0.15;

/// What an accumulator must be.
pub trait Value: Copy + Send + Sync {}

impl<W: Copy + Send + Sync> Value for W {}

/// Reduces the middle of `[outer, middle, inner]`; `finish` makes elements of accumulators.
pub fn reduce<F: Fold<W>, T: Element<W>, W: Value, G: Fn(W) -> T + Copy + Sync>(
    _: F,
    src: &[T],
    [outer, middle, inner]: [usize; 3],
    dst: &mut [T],
    finish: G,
) {
    assert_eq!(Some(src.len()), outer.checked_mul(middle).and_then(|n| n.checked_mul(inner)));
    assert_eq!(Some(dst.len()), outer.checked_mul(inner));
    if src.is_empty() {
        return dst.fill(finish(F::IDENTITY));
    }
    if inner == 1 {
        rows::<F, T, W, G>(src, middle, dst, finish);
    } else {
        columns::<F, T, W, G>(src, [middle, inner], dst, finish);
    }
}

fn rows<F: Fold<W>, T: Element<W>, W: Value, G: Fn(W) -> T + Copy + Sync>(
    src: &[T],
    row_len: usize,
    dst: &mut [T],
    finish: G,
) {
    let grain = par::grain(NS);
    if row_len >= 2 * grain {
        for (dst, row) in dst.iter_mut().zip(src.chunks_exact(row_len)) {
            let parts = par::map_chunks(row_len, grain, |range| tree::<F, T, W>(&row[range]));
            *dst = finish(join::<F, W>(&parts));
        }
        return;
    }
    par::for_chunks_mut(dst, grain.div_ceil(row_len), |first, dst| {
        let src = &src[first * row_len..][..dst.len() * row_len];
        if row_len <= BLOCK && !T::CONVERTS {
            return simd::dispatch_narrow(ShortRows(src, row_len, dst, finish, PhantomData::<(F, W)>));
        }
        for (dst, row) in dst.iter_mut().zip(src.chunks_exact(row_len)) {
            *dst = finish(tree::<F, T, W>(row));
        }
    });
}

/// Folds values pairwise.
pub fn join<F: Fold<W>, W: Value>(parts: &[W]) -> W {
    match parts {
        [] => F::IDENTITY,
        [one] => *one,
        _ => {
            let (a, b) = parts.split_at(parts.len() / 2);
            F::fold(join::<F, W>(a), join::<F, W>(b))
        }
    }
}

/// Folds a row, block by block, pairwise.
fn tree<F: Fold<W>, T: Element<W>, W: Value>(row: &[T]) -> W {
    if row.len() <= BLOCK {
        let mut buffer = [T::FILL; BLOCK];
        return simd::dispatch_narrow(Block::<F, W>(T::load(row, &mut buffer), PhantomData));
    }
    let half = (row.len() / 2).next_multiple_of(BLOCK);
    let (a, b) = row.split_at(half);
    F::fold(tree::<F, T, W>(a), tree::<F, T, W>(b))
}

struct Block<'a, F, W>(&'a [W], PhantomData<F>);

impl<F: Fold<W>, W: Copy> Kernel for Block<'_, F, W> {
    type Output = W;
    #[inline(always)]
    fn run<I: Isa>(self) -> W {
        block::<F, W>(self.0)
    }
}

struct ShortRows<'a, F, T, G>(&'a [T], usize, &'a mut [T], G, PhantomData<F>);

impl<F: Fold<W>, T: Element<W>, W: Value, G: Fn(W) -> T> Kernel for ShortRows<'_, (F, W), T, G> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (dst, row) in self.2.iter_mut().zip(self.0.chunks_exact(self.1)) {
            *dst = (self.3)(block::<F, W>(T::load(row, &mut [])));
        }
    }
}

/// Folds a block by lanes, then the lanes pairwise.
#[inline(always)]
fn block<F: Fold<W>, W: Copy>(row: &[W]) -> W {
    if row.len() < LANES {
        return short::<F, W>(row);
    }
    let mut lanes = [F::IDENTITY; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = F::fold(lanes[lane], chunk[lane]);
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = F::fold(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    if rest.is_empty() { lanes[0] } else { F::fold(lanes[0], short::<F, W>(rest)) }
}

/// Folds fewer elements than there are lanes.
#[inline(always)]
fn short<F: Fold<W>, W: Copy>(row: &[W]) -> W {
    const FEW: usize = 8;
    let mut lanes = [F::IDENTITY; FEW];
    let (chunks, rest) = row.as_chunks::<FEW>();
    for chunk in chunks {
        for lane in 0..FEW {
            lanes[lane] = F::fold(lanes[lane], chunk[lane]);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = F::fold(*lane, x);
    }
    for lane in 0..4 {
        lanes[lane] = F::fold(lanes[lane], lanes[lane + 4]);
    }
    F::fold(F::fold(lanes[0], lanes[2]), F::fold(lanes[1], lanes[3]))
}
