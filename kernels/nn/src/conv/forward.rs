//! Convolution proper.

use std::borrow::Cow;

use savedmodel_math::depthwise::Taps;
use savedmodel_math::gemm::{self, Activation, Epilogue, View, Windows, has_matrix_unit, is_worth_rounding};
use savedmodel_math::{par, winograd};

use super::all_taps;
use super::element::Multiply;
use crate::layout::Images;
use crate::window::{Dim, UNIT};

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// The input.
    pub input: Images,
    /// The output.
    pub output: Images,
    /// Depth, height and width.
    pub dims: [Dim; 3],
    /// Groups that the channels fall into: an output sees the inputs of its group.
    pub groups: usize,
}

/// A filter made ready.
pub enum Filter<W: Multiply> {
    /// A matrix for each group.
    Groups(Vec<W::Packed>),
    /// One rounded matrix with so many rows of zeros behind those of each line of taps: see [`gemm::padding`].
    Padded(W::Packed, usize),
    /// One tap after another, for groups of one input channel.
    Depthwise(Vec<W>),
    /// The matrix of the mirrored filter: see [`all_taps::suits_mirrored`].
    Mirrored(W::Packed),
}

impl<W: Multiply> Filter<W> {
    /// Makes a filter ready: taps, then `[channels of a group, outputs]`.
    pub fn new(filter: &[W], sizes: [usize; 3], groups: usize) -> Filter<W> {
        Filter::scaled(filter, sizes, groups, &[])
    }

    /// [`Filter::new`], with what belongs to an output multiplied by its factor if there are factors.
    pub fn scaled(filter: &[W], sizes: [usize; 3], groups: usize, factors: &[W]) -> Filter<W> {
        if sizes[1] == 1 && groups > 1 {
            return Filter::Depthwise(scaled(filter.into(), factors).into_owned());
        }
        let part = sizes[2] / groups;
        let pack = |group: usize, [k, n]: [usize; 2], matrix: View<W>| {
            let factors = factors.get(group * part..(group + 1) * part).unwrap_or_default();
            W::pack(k, n, matrix, factors)
        };
        Filter::packed_by(pack, filter, sizes, groups)
    }

    /// [`Filter::new`], rounded to bfloat16 where the processor multiplies that faster: pairs of channels at a time. Without a matrix
    /// unit, an odd channel of several taps gets a partner that is 0, where there is but one group.
    pub fn rounded(filter: &[W], sizes: [usize; 3], groups: usize) -> Filter<W> {
        let [taps, channels, outputs] = sizes;
        // Of three channels, rounding costs more than it saves, where lines of taps are not padded.
        let is_small = channels <= 3 && taps > 1;
        let is_depthwise = channels == 1 && groups > 1;
        if is_depthwise || is_small || !is_worth_rounding(taps * channels, outputs / groups.max(1)) {
            return Filter::new(filter, sizes, groups);
        }
        if channels.is_multiple_of(2) || taps == 1 && groups == 1 || has_matrix_unit() {
            return Filter::packed_by(
                |_, [k, n], matrix| W::pack_rounded(k, n, matrix),
                filter,
                sizes,
                groups,
            );
        }
        if groups > 1 {
            return Filter::new(filter, sizes, groups);
        }
        let mut even = Vec::with_capacity(taps * (channels + 1) * outputs);
        for tap in filter.chunks_exact(channels * outputs) {
            even.extend_from_slice(tap);
            even.extend(std::iter::repeat_n(W::default(), outputs));
        }
        let sizes = [taps, channels + 1, outputs];
        Filter::packed_by(|_, [k, n], matrix| W::pack_rounded(k, n, matrix), &even, sizes, groups)
    }

    /// [`Filter::rounded`], with zeros behind each line of taps.
    pub fn padded(filter: &[W], line: usize, outputs: usize, padding: usize) -> Filter<W> {
        let k = filter.len() / (line * outputs) * (line + padding);
        let mut rows = Vec::with_capacity(k * outputs);
        for taps in filter.chunks_exact(line * outputs) {
            rows.extend_from_slice(taps);
            rows.extend(std::iter::repeat_n(W::default(), padding * outputs));
        }
        Filter::Padded(W::pack_rounded(k, outputs, View::new(&rows, outputs)), padding)
    }

    fn packed_by(
        pack: impl Fn(usize, [usize; 2], View<W>) -> W::Packed,
        filter: &[W],
        [taps, channels, outputs]: [usize; 3],
        groups: usize,
    ) -> Filter<W> {
        let part = outputs / groups;
        let group = |group: usize| {
            let data = filter.get(group * part..).unwrap_or_default();
            let matrix = View { data, row_stride: outputs, column_stride: 1 };
            pack(group, [taps * channels, part], matrix)
        };
        Filter::Groups((0..groups).map(group).collect())
    }
}

/// The elements of a filter, each times the factor of its output channel if there are factors.
pub fn scaled<'a, W: Multiply>(mut filter: Cow<'a, [W]>, factors: &[W]) -> Cow<'a, [W]> {
    if !factors.is_empty() {
        for row in filter.to_mut().chunks_mut(factors.len()) {
            row.iter_mut().zip(factors).for_each(|(x, &factor)| *x = *x * factor);
        }
    }
    filter
}

/// Whether a convolution with a filter that never changes gains by tiles.
pub fn suits_tiles(sizes: &Sizes) -> bool {
    let axes = sizes.dims.map(|dim| axis(&dim));
    sizes.groups == 1
        && winograd::suits(sizes.input.batch, &axes, sizes.input.channels, sizes.output.channels)
}

/// Convolves by tiles; the slices have the sizes told, none of them empty, and the sizes suit. `false` if the input does not: see
/// [`winograd::run`].
pub fn convolve_tiles<W: Multiply>(
    sizes: &Sizes,
    input: &[W],
    filter: &W::Tiled,
    epilogue: Epilogue<'_, W>,
    out: &mut [W],
) -> bool {
    let [_, height, width] = sizes.dims.map(|dim| axis(&dim));
    W::convolve_tiles((input, [height, width]), filter, &epilogue, out)
}

/// Whether all weights are finite.
pub fn is_finite<W: Multiply>(weights: &[W]) -> bool {
    let finite = |all: bool, &weight: &W| all & (weight * W::default() == W::default());
    weights.chunks(4096).all(|part| part.iter().fold(true, finite))
}

/// Puts zeros around an input where windows overhang it, and tells the sizes for that; not where that would make it out of
/// proportion.
pub fn pad<W: Multiply>(sizes: &Sizes, input: &mut Cow<'_, [W]>) -> Sizes {
    const LEAST: usize = 1 << 20;
    const MOST_TIMES: usize = 16;
    let dims = sizes.dims.map(|dim| {
        let reach = (dim.output - 1) * dim.stride + (dim.window - 1) * dim.dilation + 1;
        Dim { input: reach.max(dim.before + dim.input), before: 0, ..dim }
    });
    let space = dims.map(|dim| dim.input);
    let images = Images { space, ..sizes.input };
    let all = [images.batch, images.channels].into_iter().chain(space).try_fold(1, usize::checked_mul);
    let most = input.len().max(LEAST).saturating_mul(MOST_TIMES);
    let Some(all) = all.filter(|&all| space != sizes.input.space && all <= most) else { return *sizes };
    let mut padded = vec![W::default(); all];
    let [_, height, width] = space;
    let row = (sizes.input.space[2] * images.channels).max(1);
    for (index, line) in input.chunks_exact(row).enumerate() {
        let (y, rest) = (index % sizes.input.space[1], index / sizes.input.space[1]);
        let (z, image) = (rest % sizes.input.space[0], rest / sizes.input.space[0]);
        let [dz, dy, dx] = sizes.dims.map(|dim| dim.before);
        let start = ((image * space[0] + z + dz) * height + y + dy) * width + dx;
        padded[start * images.channels..][..row].copy_from_slice(line);
    }
    *input = Cow::Owned(padded);
    Sizes { input: images, dims, ..*sizes }
}

/// The same convolution, with cells that every window holds in one piece as channels: the words of a text by their embeddings, which windows
/// of whole rows pass, and images under windows of their size.
pub fn merged(sizes: &Sizes) -> Sizes {
    let mut sizes = *sizes;
    for at in (0..3).rev() {
        let dim = sizes.dims[at];
        let is_whole = dim.output == 1 && dim.before == 0 && dim.window == dim.input && dim.dilation == 1;
        if sizes.groups > 1 || !is_whole {
            break;
        }
        sizes.input.channels *= dim.input;
        sizes.input.space[at] = 1;
        sizes.dims[at] = UNIT;
    }
    sizes
}

/// Convolves; the slices have the sizes told, none of them empty.
pub fn convolve<W: Multiply>(
    sizes: &Sizes,
    input: &[W],
    filter: &Filter<W>,
    epilogue: Epilogue<'_, W>,
    out: &mut [W],
) {
    let adds = epilogue.accumulate && !matches!(filter, Filter::Groups(_) | Filter::Padded(..));
    assert!(!adds, "only products add to what their output holds");
    let (matrices, padding) = match filter {
        Filter::Groups(matrices) => (&matrices[..], 0),
        Filter::Padded(matrix, padding) => (std::slice::from_ref(matrix), *padding),
        Filter::Depthwise(taps) => return depthwise(sizes, input, taps, &epilogue, out),
        Filter::Mirrored(matrix) => {
            all_taps::convolve_mirrored(sizes, input, matrix, out);
            return W::finish(out, &epilogue);
        }
    };
    let rows = sizes.output.batch * sizes.output.pixels();
    if let [matrix] = matrices
        && sizes.dims.iter().all(is_pointwise)
    {
        let sizes = [rows, sizes.input.channels, sizes.output.channels];
        return W::multiply_dense(sizes, input, matrix, out, epilogue);
    }
    let axes = sizes.dims.map(|dim| axis(&dim));
    let (grids, channels) = (sizes.input.batch, sizes.input.channels);
    let (step, part) = (sizes.input.channels / sizes.groups, sizes.output.channels / sizes.groups);
    for (group, matrix) in matrices.iter().enumerate() {
        let part_of_input = group * step..(group + 1) * step;
        let windows = Windows { data: input, grids, axes, channels, part: part_of_input, padding };
        let bias = epilogue.bias.get(group * part..(group + 1) * part).unwrap_or_default();
        let residual = epilogue.residual.get(group * part..).unwrap_or_default();
        let epilogue = Epilogue { bias, residual, ..epilogue };
        let target = (&mut out[group * part..], sizes.output.channels);
        W::multiply_windows(&windows, matrix, target, epilogue);
    }
}

/// Whether windows are single cells, one for each.
fn is_pointwise(dim: &Dim) -> bool {
    dim.window == 1 && dim.stride == 1 && dim.before == 0 && dim.input == dim.output
}

/// The same for products.
pub fn axis(dim: &Dim) -> gemm::Axis {
    let &Dim { input: cells, window: taps, stride, dilation, before, output: windows } = dim;
    gemm::Axis { cells, windows, taps, stride, dilation, before }
}

/// Nanoseconds that a product takes.
const PRODUCT_NS: f64 = 0.15;

fn depthwise<W: Multiply>(
    sizes: &Sizes,
    input: &[W],
    filter: &[W],
    epilogue: &Epilogue<'_, W>,
    out: &mut [W],
) {
    let channels = sizes.output.channels;
    let multiplier = channels / sizes.input.channels;
    let repeated: Vec<W>;
    let input = if multiplier == 1 {
        input
    } else {
        repeated = input.iter().flat_map(|&x| std::iter::repeat_n(x, multiplier)).collect();
        &repeated
    };
    let axes = sizes.dims.map(|dim| axis(&dim));
    let (bounds, activation) = match W::bounds(epilogue.activation) {
        Some(bounds) if epilogue.residual.is_empty() => (bounds, Activation::Identity),
        _ => (W::UNBOUNDED, epilogue.activation),
    };
    let image = sizes.input.pixels() * channels;
    let [depth, height, width] = sizes.output.space;
    let taps: usize = sizes.dims.iter().map(|dim| dim.window).product();
    let line = width * channels;
    let grain = par::grain(PRODUCT_NS * (taps * line) as f64);
    par::for_rows_mut(out, line, grain, |first, out| {
        for (row, out) in (first..).zip(out.chunks_exact_mut(line)) {
            let residual = epilogue.residual.get(row * line..(row + 1) * line).unwrap_or_default();
            let (index, at) = (row / (depth * height), [row / height % depth, row % height]);
            let image = &input[index * image..(index + 1) * image];
            let taps = Taps { image, held: axes[0].cells * axes[1].cells, filter, axes: &axes, at, channels };
            W::depthwise(&taps, epilogue.bias, bounds, out);
            W::finish(out, &Epilogue { residual, activation, ..Epilogue::default() });
        }
    });
}
