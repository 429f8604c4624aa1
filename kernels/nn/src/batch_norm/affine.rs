//! `(x - mean) * factor + offset` for each channel.

use savedmodel_math::simd::{self, Isa, Kernel};
use savedmodel_math::{map, par};

/// Three numbers for each channel.
pub struct Affine {
    /// Taken off first.
    pub mean: Vec<f32>,
    /// Multiplied with then.
    pub factor: Vec<f32>,
    /// Added last.
    pub offset: Vec<f32>,
}

/// Elements worth a call.
const PIECE: usize = 2048;

impl Affine {
    /// Applies it to `x` into `out`, where `inner` elements lie between two channels, then adds `side` (or nothing, when
    /// empty) and cuts off what is below zero if `relu`.
    pub fn apply(&self, x: &[f32], out: &mut [f32], inner: usize, side: &[f32], relu: bool) {
        let channels = self.mean.len();
        let wide = Affine {
            mean: repeat(&self.mean, inner),
            factor: repeat(&self.factor, inner),
            offset: repeat(&self.offset, inner),
        };
        let piece = if inner == 1 { wide.mean.len() } else { inner }.max(1);
        let grain = piece * (par::grain(map::CHEAP) / piece).max(1);
        par::for_chunks_mut(out, grain, |offset, out| {
            for (i, out) in out.chunks_mut(piece).enumerate() {
                let start = offset + i * piece;
                let x = &x[start..start + out.len()];
                if inner == 1 {
                    simd::dispatch(Row { affine: &wide, x, out });
                } else {
                    let channel = start / inner % channels;
                    simd::dispatch(Plane { affine: self, channel, x, out });
                }
                if !side.is_empty() {
                    map::zip_in_place(out, &side[start..start + out.len()], map::CHEAP, |y, side| y + side);
                }
                if relu {
                    map::map_in_place(out, map::CHEAP, |y| if y < 0.0 { 0.0 } else { y });
                }
            }
        });
    }
}

fn repeat(values: &[f32], inner: usize) -> Vec<f32> {
    if inner == 1 && !values.is_empty() { values.repeat(PIECE.div_ceil(values.len())) } else { Vec::new() }
}

/// Elements with numbers of their own.
struct Row<'a> {
    affine: &'a Affine,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Affine { mean, factor, offset } = self.affine;
        let numbers = mean.iter().zip(factor).zip(offset);
        for ((out, x), ((mean, factor), offset)) in self.out.iter_mut().zip(self.x).zip(numbers) {
            *out = (x - mean) * factor + offset;
        }
    }
}

/// Elements of one channel.
struct Plane<'a> {
    affine: &'a Affine,
    channel: usize,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Plane<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Affine { mean, factor, offset } = self.affine;
        let (mean, factor, offset) = (mean[self.channel], factor[self.channel], offset[self.channel]);
        for (out, x) in self.out.iter_mut().zip(self.x) {
            *out = (x - mean) * factor + offset;
        }
    }
}
