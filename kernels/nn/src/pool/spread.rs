//! The way back: what outputs of pooling give to the cells under their windows. Channels are innermost.

use std::ops::{Add, Mul};

use savedmodel_math::par;
use savedmodel_tensor::{Element, bf16, f16};

use crate::layout::Images;
use crate::pool::each_cell;
use crate::window::Dim;

/// A type of numbers that gradients are shared out in; 16-bit floats round every step.
pub trait Share: Element + Add<Output = Self> + Mul<Output = Self> {
    /// One over a number of cells.
    fn part(count: usize) -> Self;
}

macro_rules! shares {
    ($($t:ty: $of:expr;)*) => {$(
        impl Share for $t {
            fn part(count: usize) -> $t {
                let of: fn(f64) -> $t = $of;
                of(1.0 / count as f64)
            }
        }
    )*};
}

shares! {
    f32: |part| part as f32;
    f64: |part| part;
    f16: |part| f16::from_f32(part as f32);
    bf16: |part| bf16::from_f32(part as f32);
}

/// Gives every cell its share of the gradients of the means that it is a part of.
///
/// Gradients may be of more or fewer windows than fit.
pub fn means<T: Share>(input: &Images, dims: &[Dim; 3], gradient: (&[T], &Images), out: &mut [T]) {
    each_window(input, dims, gradient, out, |at, gradient, out| {
        let channels = gradient.len();
        let count: usize = (0..3).map(|axis| dims[axis].covered(at[axis]).len()).product();
        let part = T::part(count);
        each_cell(dims, at, |cell| {
            let out = &mut out[cell * channels..][..channels];
            out.iter_mut().zip(gradient).for_each(|(out, &gradient)| *out = *out + gradient * part);
        });
    });
}

/// Calls `give(window, gradient, image)` for the gradient of each window, image by image.
fn each_window<T: Element>(
    input: &Images,
    dims: &[Dim; 3],
    (gradient, windows): (&[T], &Images),
    out: &mut [T],
    give: impl Fn([usize; 3], &[T], &mut [T]) + Sync,
) {
    let (channels, image) = (input.channels, input.pixels() * input.channels);
    out.fill(T::default());
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
