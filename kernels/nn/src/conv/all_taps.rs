//! Transposed convolutions as one product with all taps, whose results are put where they belong.
//!
//! Where windows lie side by side, every cell is in one of them. Where they overlap, results are added up, which pays where cells have
//! so few channels that a product for each class of taps would have few columns.

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
/// Most channels of overlapping windows.
const FEW: usize = 8;
/// Most outputs, and fewest channels, of a convolution that gains by being transposed.
const OUTPUTS: usize = 4;
const CHANNELS: usize = 16;

/// Whether this suits windows of `[window, stride, dilation]` for depth, height and width.
pub fn suits([depth, height, width]: [[usize; 3]; 3], channels: usize, groups: usize) -> bool {
    let is_apart = |[window, stride, dilation]: [usize; 3]| window == stride && dilation == 1;
    let is_flat = groups == 1 && depth[..2] == [1, 1] && height[0] * width[0] > 1;
    is_flat && (is_apart(height) && is_apart(width) || channels <= FEW)
}

/// Whether a convolution of images is better computed as the transposed one of the mirrored filter: as a product of windows it would have
/// few columns. It takes products of all cells, too, which are many more where few windows fit.
pub fn suits_mirrored(sizes: &Sizes) -> bool {
    let [depth, height, width] = &sizes.dims;
    let is_flat = depth.window == 1 && depth.input == depth.output && height.window * width.window > 1;
    let slides = |dim: &Dim| dim.stride == 1 && dim.before <= (dim.window - 1) * dim.dilation;
    let are_few = sizes.output.channels <= OUTPUTS && sizes.input.channels >= CHANNELS && sizes.groups == 1;
    is_flat && are_few && sizes.dims.iter().all(slides) && sizes.input.pixels() <= 2 * sizes.output.pixels()
}

/// The matrix of channels by mirrored taps and outputs.
pub fn mirrored_matrix<W: Multiply>(
    filter: &[W],
    [taps, channels, outputs]: [usize; 3],
    pack: impl Fn([usize; 2], View<W>) -> W::Packed,
) -> W::Packed {
    let number = |channel: usize, column: usize| {
        let tap = taps - 1 - column / outputs;
        filter[(tap * channels + channel) * outputs + column % outputs]
    };
    let columns = taps * outputs;
    let row = |channel: usize| (0..columns).map(move |column| number(channel, column));
    let numbers: Vec<W> = (0..channels).flat_map(row).collect();
    pack([channels, columns], View::new(&numbers, columns))
}

/// Writes the result of a convolution; the slices have the sizes told, none of them empty.
pub fn convolve_mirrored<W: Multiply>(sizes: &Sizes, input: &[W], matrix: &W::Packed, out: &mut [W]) {
    let dims = sizes.dims.map(|dim| {
        let before = (dim.window - 1) * dim.dilation - dim.before;
        Dim { input: dim.output, output: dim.input, before, ..dim }
    });
    convolve(&Sizes { input: sizes.output, output: sizes.input, dims, ..*sizes }, input, matrix, out);
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
    let line = width.input * channels;
    // Whole lines of windows, or a part of one.
    let span = (BLOCK / columns).clamp(1, width.output);
    let most = (BLOCK / (span * columns)).clamp(1, if span == width.output { height.output } else { 1 });
    let is_apart = [height, width].iter().all(|dim| dim.window == dim.stride && dim.dilation == 1);
    let mut products = vec![W::default(); most * span * columns];
    let gradients = gradient.chunks_exact(height.output * width.output * outputs);
    for (gradient, out) in gradients.zip(out.chunks_exact_mut(height.input * line)) {
        if !is_apart {
            out.fill(W::default());
        }
        let parts = (0..height.output).step_by(most).flat_map(|y| {
            (0..width.output)
                .step_by(span)
                .map(move |x| (y..height.output.min(y + most), x..width.output.min(x + span)))
        });
        for (windows, across) in parts {
            let (row, rows) = (across.len() * columns, windows.len() * across.len());
            let gradient =
                &gradient[(windows.start * width.output + across.start) * outputs..][..rows * outputs];
            let products = &mut products[..rows * columns];
            W::multiply_dense([rows, outputs, columns], gradient, matrix, products, Epilogue::default());
            let lines = cells(height, &windows);
            let out = &mut out[lines.start * line..lines.end * line];
            par::for_rows_mut(out, line, (COPIED / line).max(1), |at, out| {
                for (y, out) in (lines.start + at..).zip(out.chunks_exact_mut(line)) {
                    let mut is_there = false;
                    for tap in 0..height.window {
                        let place = (y + height.before).checked_sub(tap * height.dilation);
                        let place = place.filter(|place| place % height.stride == 0);
                        let Some(window) = place.map(|place| place / height.stride) else { continue };
                        if windows.contains(&window) {
                            let products = &products[(window - windows.start) * row..][..row];
                            put((width, &across), products, tap, out, !is_apart);
                            is_there = true;
                        }
                    }
                    if is_apart && !is_there {
                        out.fill(W::default());
                    }
                }
            });
        }
    }
}

/// The cells of some windows, and those behind the last.
fn cells(dim: &Dim, windows: &Range<usize>) -> Range<usize> {
    let cell = |place: usize| place.saturating_sub(dim.before).min(dim.input);
    let end = (windows.end - 1) * dim.stride + (dim.window - 1) * dim.dilation + 1;
    cell(windows.start * dim.stride)..if windows.end == dim.output { dim.input } else { cell(end) }
}

/// Puts the products of some windows of a line with one row of taps where they belong in one line of cells, or adds them to what is there.
fn put<W: Multiply>(
    (width, windows): (&Dim, &Range<usize>),
    products: &[W],
    tap: usize,
    out: &mut [W],
    adds: bool,
) {
    let channels = out.len() / width.input;
    // Adjacent cells are one run.
    let (runs, cells) = if width.dilation == 1 { (1, width.window) } else { (width.window, 1) };
    for (window, products) in windows.clone().zip(products.chunks_exact(products.len() / windows.len())) {
        for run in 0..runs {
            let place = window * width.stride + run * width.dilation;
            let start = place.max(width.before);
            let count = (place + cells).min(width.input + width.before).saturating_sub(start);
            if count == 0 {
                continue;
            }
            let from = (tap * width.window + run + start - place) * channels;
            let from = &products[from..][..count * channels];
            let to = &mut out[(start - width.before) * channels..][..count * channels];
            match adds {
                true => to.iter_mut().zip(from).for_each(|(to, &from)| *to = *to + from),
                false => to.copy_from_slice(from),
            }
        }
    }
    if !adds && windows.end == width.output {
        let end = (width.output * width.stride).saturating_sub(width.before).min(width.input);
        out[end * channels..].fill(W::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::forward::{self, Filter};
    use crate::conv::transposed::scatter;
    use crate::layout::Images;
    use crate::window::UNIT;

    #[test]
    fn mirrored_filters_convolve() {
        let same = |input, window, dilation| Dim {
            input,
            window,
            stride: 1,
            dilation,
            before: (window - 1) * dilation / 2,
            output: input,
        };
        let dims = [UNIT, same(7, 4, 1), same(9, 3, 2)];
        let images = |channels| Images { batch: 2, space: dims.map(|dim| dim.input), channels };
        let (channels, outputs) = (16, 3);
        let sizes = Sizes { input: images(channels), output: images(outputs), dims, groups: 1 };
        let numbers = |len: usize| -> Vec<f64> { (0..len).map(|i| (i * 7 % 11) as f64 - 5.0).collect() };
        let (filter, input) = (numbers(12 * channels * outputs), numbers(2 * 63 * channels));
        let mut want = vec![f64::NAN; 2 * 63 * outputs];
        let mut got = want.clone();
        let whole = Filter::new(&filter, [12, channels, outputs], 1);
        forward::convolve(&sizes, &input, &whole, Epilogue::default(), &mut want);
        assert!(suits_mirrored(&sizes));
        let pack = |[k, n]: [usize; 2], matrix: View<f64>| f64::pack(k, n, matrix, &[]);
        convolve_mirrored(&sizes, &input, &mirrored_matrix(&filter, [12, channels, outputs], pack), &mut got);
        assert_eq!(got, want);
    }

    #[test]
    fn sums_are_those_of_each_window() {
        // Input, window, stride, dilation, cells before and output, of height and width; channels and outputs.
        for ([height, width], channels, outputs) in [
            ([[6, 2, 2, 1, 0, 3], [9, 3, 3, 1, 0, 3]], 5, 4),
            ([[5, 2, 2, 1, 1, 3], [8, 3, 3, 1, 2, 3]], 2, 3),
            ([[7, 2, 2, 1, 0, 3], [11, 3, 3, 1, 0, 3]], 1, 1),
            ([[9, 5, 2, 1, 1, 4], [7, 4, 1, 1, 2, 6]], 3, 7),
            ([[10, 3, 2, 2, 1, 4], [9, 2, 1, 3, 0, 6]], 8, 2),
            // Products of one window at a time.
            ([[302, 300, 2, 1, 0, 2], [304, 300, 2, 1, 0, 3]], 3, 1),
        ] {
            let dim = |[input, window, stride, dilation, before, output]: [usize; 6]| Dim {
                input,
                window,
                stride,
                dilation,
                before,
                output,
            };
            let dims = [UNIT, dim(height), dim(width)];
            assert!(suits(dims.map(|dim| [dim.window, dim.stride, dim.dilation]), channels, 1));
            let images = |space: [usize; 3], channels| Images { batch: 2, space, channels };
            let sizes = Sizes {
                input: images(dims.map(|dim| dim.input), channels),
                output: images(dims.map(|dim| dim.output), outputs),
                dims,
                groups: 1,
            };
            let numbers = |len: usize| -> Vec<f64> { (0..len).map(|i| (i * 7 % 11) as f64 - 5.0).collect() };
            let filter = numbers(height[1] * width[1] * channels * outputs);
            let gradient = numbers(2 * height[5] * width[5] * outputs);
            let mut want = vec![f64::NAN; 2 * height[0] * width[0] * channels];
            let mut got = want.clone();
            scatter(&sizes, &gradient, &filter, &mut want);
            let matrix = matrix(&filter, outputs, |[k, n], matrix| f64::pack(k, n, matrix, &[]));
            convolve(&sizes, &gradient, &matrix, &mut got);
            assert!(got == want, "{height:?} {width:?}");
        }
    }
}
