//! The way back: what outputs of pooling give to the cells under their windows. Channels are innermost.

use std::ops::{Add, Mul};

use savedmodel_math::par;

use crate::layout::Images;
use crate::numbers::Round;
use crate::pool::each_cell;
use crate::window::Dim;

/// A number of a share, and how it is rounded.
pub trait Share: Copy + Default + Send + Sync + Add<Output = Self> + Mul<Output = Self> {
    /// One of `count` equal parts of one.
    fn part(count: usize, round: Round) -> Self;
    /// The number, rounded.
    fn rounded(self, round: Round) -> Self;
}

impl Share for f64 {
    fn part(count: usize, round: Round) -> f64 {
        round(1.0 / count as f64)
    }
    fn rounded(self, round: Round) -> f64 {
        round(self)
    }
}

/// Each operation rounds by itself.
impl Share for f32 {
    fn part(count: usize, _: Round) -> f32 {
        1.0 / count as f32
    }
    #[inline(always)]
    fn rounded(self, _: Round) -> f32 {
        self
    }
}

/// Gives every cell its share of the gradients of the means that it is a part of, and rounds every step.
///
/// Gradients may be of more or fewer windows than fit.
pub fn means<N: Share>(
    input: &Images,
    dims: &[Dim; 3],
    gradient: (&[N], &Images),
    round: Round,
    out: &mut [N],
) {
    each_window(input, dims, gradient, out, |at, gradient, out| {
        let channels = gradient.len();
        let count: usize = (0..3).map(|axis| dims[axis].covered(at[axis]).len()).product();
        let part = N::part(count, round);
        each_cell(dims, at, |cell| {
            let out = &mut out[cell * channels..][..channels];
            out.iter_mut()
                .zip(gradient)
                .for_each(|(out, &gradient)| *out = (*out + (gradient * part).rounded(round)).rounded(round));
        });
    });
}

/// Calls `give(window, gradient, image)` for the gradient of each window, image by image.
fn each_window<N: Share>(
    input: &Images,
    dims: &[Dim; 3],
    (gradient, windows): (&[N], &Images),
    out: &mut [N],
    give: impl Fn([usize; 3], &[N], &mut [N]) + Sync,
) {
    let (channels, image) = (input.channels, input.pixels() * input.channels);
    out.fill(N::default());
    if image == 0 || gradient.is_empty() {
        return;
    }
    let [_, height, width] = windows.space;
    let grain = par::grain((dims.iter().map(|dim| dim.window).product::<usize>() * windows.pixels()) as f64);
    par::for_rows_mut(out, image, grain.max(1), |first, out| {
        for (index, out) in (first..).zip(out.chunks_exact_mut(image)) {
            let gradient = &gradient[index * windows.pixels() * channels..][..windows.pixels() * channels];
            for (at, gradient) in gradient.chunks_exact(channels).enumerate() {
                give([at / width / height, at / width % height, at % width], gradient, out);
            }
        }
    });
}
