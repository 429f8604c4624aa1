//! Transposed convolutions whose windows lie side by side: every cell is in one window, so that one product has all of them.

use std::ops::Range;

use savedmodel_math::gemm::{Epilogue, View};
use savedmodel_math::par;

use super::element::Multiply;
use super::forward::Sizes;
use crate::window::Dim;

/// Elements of the products that are computed at a time, which stay in the second-level cache.
const BLOCK: usize = 1 << 18;
/// Elements that are worth a task of copying.
const COPIED: usize = 1 << 15;

/// Whether windows lie so, for `[window, stride, dilation]` of depth, height and width.
pub fn suits([depth, height, width]: [[usize; 3]; 3], groups: usize) -> bool {
    let is_apart = |[window, stride, dilation]: [usize; 3]| window == stride && dilation == 1;
    groups == 1 && depth[..2] == [1, 1] && is_apart(height) && is_apart(width) && height[0] * width[0] > 1
}

/// The matrix of outputs by taps and channels.
pub fn matrix<W: Multiply>(
    filter: &[W],
    outputs: usize,
    pack: impl Fn([usize; 2], View<W>) -> W::Packed,
) -> W::Packed {
    pack([outputs, filter.len() / outputs.max(1)], View::new(filter, outputs).t())
}

/// Writes the gradient `out` of the input from that of the output; the slices have the sizes told, none of them empty.
pub fn convolve<W: Multiply>(sizes: &Sizes, gradient: &[W], matrix: &W::Packed, out: &mut [W]) {
    let [_, height, width] = &sizes.dims;
    let (channels, outputs) = (sizes.input.channels, sizes.output.channels);
    let columns = height.window * width.window * channels;
    let (row, line) = (width.output * columns, width.input * channels);
    let most = (BLOCK / row).clamp(1, height.output);
    let mut products = vec![W::default(); most * row];
    let gradients = gradient.chunks_exact(height.output * width.output * outputs);
    for (gradient, out) in gradients.zip(out.chunks_exact_mut(height.input * line)) {
        for first in (0..height.output).step_by(most) {
            let windows = first..height.output.min(first + most);
            let rows = windows.len() * width.output;
            let gradient = &gradient[first * width.output * outputs..][..rows * outputs];
            let products = &mut products[..rows * columns];
            W::multiply_dense([rows, outputs, columns], gradient, matrix, products, Epilogue::default());
            let lines = cells(height, &windows);
            let out = &mut out[lines.start * line..lines.end * line];
            par::for_rows_mut(out, line, (COPIED / line).max(1), |at, out| {
                for (y, out) in (lines.start + at..).zip(out.chunks_exact_mut(line)) {
                    let (window, tap) =
                        ((y + height.before) / height.stride, (y + height.before) % height.stride);
                    match windows.contains(&window) {
                        true => weave(width, &products[(window - first) * row..][..row], tap, out),
                        false => out.fill(W::default()),
                    }
                }
            });
        }
    }
}

/// The cells of some windows, and those behind the last.
fn cells(dim: &Dim, windows: &Range<usize>) -> Range<usize> {
    let cell = |window: usize| (window * dim.stride).saturating_sub(dim.before).min(dim.input);
    cell(windows.start)..if windows.end == dim.output { dim.input } else { cell(windows.end) }
}

/// Puts the products of a line of windows where they belong in one line of cells.
fn weave<W: Multiply>(width: &Dim, products: &[W], tap: usize, out: &mut [W]) {
    let channels = out.len() / width.input;
    for (window, products) in products.chunks_exact(products.len() / width.output).enumerate() {
        let start = (window * width.stride).max(width.before);
        let count = ((window + 1) * width.stride).min(width.input + width.before).saturating_sub(start);
        let from = (tap * width.window + start - window * width.stride) * channels;
        if count > 0 {
            let to = &mut out[(start - width.before) * channels..][..count * channels];
            to.copy_from_slice(&products[from..][..count * channels]);
        }
    }
    let end = (width.output * width.stride).saturating_sub(width.before).min(width.input);
    out[end * channels..].fill(W::default());
}
