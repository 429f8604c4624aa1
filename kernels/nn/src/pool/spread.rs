//! The way back: what outputs of pooling give to the cells under their windows. Channels are innermost.

use savedmodel_math::par;

use crate::layout::Images;
use crate::numbers::Round;
use crate::pool::each_cell;
use crate::window::Dim;

/// Gives every cell its share of the gradients of the means that it is a part of, and rounds every step.
///
/// Gradients may be of more or fewer windows than fit.
pub fn means(input: &Images, dims: &[Dim; 3], gradient: (&[f64], &Images), round: Round, out: &mut [f64]) {
    each_window(input, dims, gradient, out, |at, gradient, out| {
        let channels = gradient.len();
        let count: usize = (0..3).map(|axis| dims[axis].covered(at[axis]).len()).product();
        let part = round(1.0 / count as f64);
        each_cell(dims, at, |cell| {
            let out = &mut out[cell * channels..][..channels];
            out.iter_mut()
                .zip(gradient)
                .for_each(|(out, &gradient)| *out = round(*out + round(gradient * part)));
        });
    });
}

/// Calls `give(window, gradient, image)` for the gradient of each window, image by image.
fn each_window(
    input: &Images,
    dims: &[Dim; 3],
    (gradient, windows): (&[f64], &Images),
    out: &mut [f64],
    give: impl Fn([usize; 3], &[f64], &mut [f64]) + Sync,
) {
    let (channels, image) = (input.channels, input.pixels() * input.channels);
    out.fill(0.0);
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
