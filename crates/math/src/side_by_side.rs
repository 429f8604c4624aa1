//! Loops that compute several numbers at a time, see [`Few`](crate::lane::Few).

use std::marker::PhantomData;

use crate::simd::{self, Isa, Kernel, Level};
use crate::unary::Function;

/// Numbers that are computed side by side.
const SIDES: usize = 4;
/// Elements of the widest register.
const WIDE: usize = 16;
/// Elements of other registers, or of two.
const NARROW: usize = 8;

/// `dst[i] = F(src[i])` for as many elements as make whole blocks; the rest is returned.
#[inline(always)]
pub fn blocks<'s, 'd, I: Isa, F: Function<T>, T: Copy>(
    src: &'s [T],
    dst: &'d mut [T],
) -> (&'s [T], &'d mut [T]) {
    match I::LEVEL {
        Level::Avx512 => blocks_of::<I, F, T, WIDE, { SIDES * WIDE }>(src, dst),
        _ => blocks_of::<I, F, T, NARROW, { SIDES * NARROW }>(src, dst),
    }
}

#[inline(always)]
fn blocks_of<'s, 'd, I: Isa, F: Function<T>, T: Copy, const SPAN: usize, const LEN: usize>(
    src: &'s [T],
    dst: &'d mut [T],
) -> (&'s [T], &'d mut [T]) {
    let (src, rest) = src.as_chunks();
    let (dst, rest_of_dst) = dst.as_chunks_mut();
    for (dst, src) in dst.iter_mut().zip(src) {
        *dst = block::<I, F, T, SPAN, LEN>(src);
    }
    (rest, rest_of_dst)
}

/// `F` of [`SIDES`] times `SPAN` numbers.
#[inline(always)]
fn block<I: Isa, F: Function<T>, T: Copy, const SPAN: usize, const LEN: usize>(x: &[T; LEN]) -> [T; LEN] {
    let mut y = *x;
    for i in 0..SPAN {
        let values = F::each::<I, SIDES>([x[i], x[SPAN + i], x[2 * SPAN + i], x[3 * SPAN + i]]);
        for (side, value) in values.into_iter().enumerate() {
            y[side * SPAN + i] = value;
        }
    }
    y
}

/// [`row`], compiled once for each instruction set: its callers are many.
pub fn row_in_place<F: Function<f32>>(row: &mut [f32]) {
    simd::dispatch(Row::<F>(row, PhantomData));
}

struct Row<'a, F>(&'a mut [f32], PhantomData<F>);

impl<F: Function<f32>> Kernel for Row<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        row::<I, F>(self.0);
    }
}

/// `F` of each element of a row, which may be short: none falls to a loop of single elements.
#[inline(always)]
pub fn row<I: Isa, F: Function<f32>>(row: &mut [f32]) {
    match I::LEVEL {
        Level::Avx512 => row_of::<I, F, WIDE, { SIDES * WIDE }>(row),
        _ => row_of::<I, F, NARROW, { SIDES * NARROW }>(row),
    }
}

#[inline(always)]
fn row_of<I: Isa, F: Function<f32>, const SPAN: usize, const LEN: usize>(row: &mut [f32]) {
    let mut rest = row;
    if F::SIDE_BY_SIDE {
        let (blocks, others) = rest.as_chunks_mut();
        for x in blocks {
            *x = block::<I, F, f32, SPAN, LEN>(x);
        }
        rest = others;
    }
    let (registers, rest) = rest.as_chunks_mut::<SPAN>();
    for register in registers {
        each::<I, F>(register);
    }
    if !rest.is_empty() {
        let mut register = [0.0; SPAN];
        register[..rest.len()].copy_from_slice(rest);
        each::<I, F>(&mut register);
        rest.copy_from_slice(&register[..rest.len()]);
    }
}

#[inline(always)]
fn each<I: Isa, F: Function<f32>>(row: &mut [f32]) {
    for x in row {
        *x = F::at::<I>(*x);
    }
}
