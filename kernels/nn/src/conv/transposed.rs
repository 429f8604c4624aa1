//! The gradient of a convolution with respect to its input, which is also the transposed convolution.
//!
//! An input cell takes from the outputs whose windows cover it. With stride `s` the taps fall into `s` classes by
//! remainder, and the input cells too: those of one class form a grid on which the gradient is a plain convolution of
//! stride 1 with the taps of that class. No product is computed twice or for nothing.

use savedmodel_math::gemm::{Epilogue, View};
use savedmodel_math::par;

use super::all_taps;
use super::element::Multiply;
use super::forward::{Sizes, is_finite};
use super::patches::{Axis, Patches};
use crate::window::Dim;

/// A filter made ready: for every class (depth, height, width) a matrix for each group.
pub struct Filter<W: Multiply> {
    classes: Vec<Vec<W::Packed>>,
    /// The matrix for all taps, where that suits.
    all_taps: Option<W::Packed>,
    /// The filter as it is, if a weight is not finite: products with zeros around the gradient would be no numbers.
    raw: Option<Vec<W>>,
}

/// Taps of remainder `class`, last first.
fn taps(
    window: usize,
    [stride, dilation]: [usize; 2],
    class: usize,
) -> impl DoubleEndedIterator<Item = usize> {
    (0..window).rev().filter(move |tap| tap * dilation % stride == class)
}

impl<W: Multiply> Filter<W> {
    /// Makes a filter ready: `[window, stride, dilation]` for depth, height and width, then
    /// `[channels of a group, outputs]`; rounded to bfloat16 if that is wanted and worth it.
    pub fn new(
        filter: &[W],
        dims: [[usize; 3]; 3],
        [channels, outputs]: [usize; 2],
        groups: usize,
        rounds: bool,
    ) -> Filter<W> {
        let mut this = Filter { classes: vec![], all_taps: None, raw: None };
        if !is_finite(filter) {
            this.raw = Some(filter.to_vec());
            return this;
        }
        let pack = |[k, n]: [usize; 2], matrix: View<W>| match rounds {
            true => W::pack_rounded(k, n, matrix),
            false => W::pack(k, n, matrix, &[]),
        };
        if all_taps::suits(dims, channels, groups) {
            this.all_taps = Some(all_taps::matrix(filter, outputs, pack));
            return this;
        }
        let part = outputs / groups;
        let [depth, height, width] = dims;
        let list = |[window, stride, dilation]: [usize; 3], class| {
            taps(window, [stride, dilation], class).collect::<Vec<_>>()
        };
        for class in 0..depth[1] * height[1] * width[1] {
            let [z, y, x] = place(class, [depth[1], height[1], width[1]]);
            let (z, y, x) = (list(depth, z), list(height, y), list(width, x));
            let all = z.iter().flat_map(|z| y.iter().map(move |y| z * height[0] + y));
            let all: Vec<usize> = all.flat_map(|line| x.iter().map(move |x| line * width[0] + x)).collect();
            let group = |group: usize| {
                let tap = |tap: &usize| {
                    let tap = &filter[tap * channels * outputs..(tap + 1) * channels * outputs];
                    let output = move |output: usize| (0..channels).map(move |c| tap[c * outputs + output]);
                    (group * part..(group + 1) * part).flat_map(output)
                };
                let rows: Vec<W> = all.iter().flat_map(tap).collect();
                pack([all.len() * part, channels], View::new(&rows, channels))
            };
            this.classes.push((0..groups).map(group).collect());
        }
        this
    }
}

/// Coordinates of an index, outermost first.
fn place(index: usize, [_, height, width]: [usize; 3]) -> [usize; 3] {
    [index / (height * width), index / width % height, index % width]
}

/// The cells of one class along one dimension.
struct Grid {
    /// The first cell of the input.
    first: usize,
    axis: Axis,
}

impl Grid {
    fn new(dim: &Dim, class: usize) -> Grid {
        // The cell `i` belongs to the class of the remainder of `i + before`.
        let first = (class + dim.stride - dim.before % dim.stride) % dim.stride;
        let offset = |tap: usize| {
            let distance = (first + dim.before) as isize - (tap * dim.dilation) as isize;
            distance.div_euclid(dim.stride as isize)
        };
        let offsets = taps(dim.window, [dim.stride, dim.dilation], class).map(offset).collect();
        let output = dim.input.saturating_sub(first).div_ceil(dim.stride);
        Grid { first, axis: Axis { input: dim.output, output, stride: 1, offsets } }
    }
}

/// Writes the gradient `out` of the input from that of the output; the slices have the sizes told, `out` is not empty.
pub fn convolve<W: Multiply>(sizes: &Sizes, gradient: &[W], filter: &Filter<W>, out: &mut [W]) {
    if let Some(filter) = &filter.raw {
        return scatter(sizes, gradient, filter, out);
    }
    if let Some(matrix) = &filter.all_taps {
        return all_taps::convolve(sizes, gradient, matrix, out);
    }
    let strides = sizes.dims.map(|dim| dim.stride);
    let channels = sizes.input.channels;
    let mut parts = Vec::new();
    for (class, matrices) in filter.classes.iter().enumerate() {
        let classes = place(class, strides);
        let grids = [0, 1, 2].map(|i| Grid::new(&sizes.dims[i], classes[i]));
        let first = [0, 1, 2].map(|i| grids[i].first);
        let axes = grids.map(|grid| grid.axis);
        let cells = axes.each_ref().map(|axis| axis.output);
        if strides == [1; 3] {
            return product(sizes, &axes, gradient, matrices, out);
        }
        let mut part = vec![W::default(); sizes.input.batch * cells.iter().product::<usize>() * channels];
        product(sizes, &axes, gradient, matrices, &mut part);
        parts.push(Part { first, cells, data: part });
    }
    weave(sizes, &parts, out);
}

/// Adds the products of each window to the cells that it covers, and no others.
pub(super) fn scatter<W: Multiply>(sizes: &Sizes, gradient: &[W], filter: &[W], out: &mut [W]) {
    let (channels, outputs) = (sizes.input.channels, sizes.output.channels);
    let (step, part) = (channels / sizes.groups, outputs / sizes.groups);
    let [windows, cells] = [sizes.output.pixels(), sizes.input.pixels()];
    out.fill(W::default());
    for (index, gradient) in gradient.chunks_exact(outputs).enumerate() {
        let (image, window) = (index / windows, place(index % windows, sizes.output.space));
        for (tap, weights) in filter.chunks_exact((step * outputs).max(1)).enumerate() {
            let tap = place(tap, sizes.dims.map(|dim| dim.window));
            let cell = |axis: usize| {
                let dim = &sizes.dims[axis];
                let cell = (window[axis] * dim.stride + tap[axis] * dim.dilation).checked_sub(dim.before)?;
                (cell < dim.input).then_some(cell)
            };
            let (Some(z), Some(y), Some(x)) = (cell(0), cell(1), cell(2)) else { continue };
            let at = image * cells + (z * sizes.input.space[1] + y) * sizes.input.space[2] + x;
            let out = &mut out[at * channels..][..channels];
            for (i, &weight) in weights.iter().enumerate() {
                let (channel, output) = (i / outputs, i % outputs);
                let to = &mut out[output / part * step + channel];
                *to = *to + gradient[output] * weight;
            }
        }
    }
}

/// The gradient on one grid.
struct Part<W> {
    first: [usize; 3],
    cells: [usize; 3],
    data: Vec<W>,
}

fn product<W: Multiply>(
    sizes: &Sizes,
    axes: &[Axis; 3],
    gradient: &[W],
    matrices: &[W::Packed],
    out: &mut [W],
) {
    let rows = sizes.input.batch * axes.iter().map(|axis| axis.output).product::<usize>();
    let (channels, outputs) = (sizes.input.channels, sizes.output.channels);
    let (step, part) = (channels / sizes.groups, outputs / sizes.groups);
    if rows == 0 || step == 0 {
        return;
    }
    for (group, matrix) in matrices.iter().enumerate() {
        let patches = Patches::new(gradient, axes, outputs, group * part..(group + 1) * part);
        if patches.columns() == 0 {
            out.fill(W::default());
            continue;
        }
        let target = (&mut out[group * step..], channels);
        W::multiply([rows, patches.columns(), step], &patches, matrix, target, Epilogue::default());
    }
}

/// Puts the cells of all grids where they belong.
fn weave<W: Multiply>(sizes: &Sizes, parts: &[Part<W>], out: &mut [W]) {
    let strides = sizes.dims.map(|dim| dim.stride);
    let channels = sizes.input.channels;
    let [depth, height, width] = sizes.input.space;
    par::for_rows_mut(out, width * channels, (1 << 16) / (width * channels).max(1) + 1, |first, out| {
        for (line, out) in (first..).zip(out.chunks_exact_mut((width * channels).max(1))) {
            let at = [line / height % depth, line % height];
            let image = line / height / depth;
            for part in parts.iter().filter(|part| (0..2).all(|i| at[i] % strides[i] == part.first[i])) {
                let (z, y) = (at[0] / strides[0], at[1] / strides[1]);
                let line = (image * part.cells[0] + z) * part.cells[1] + y;
                let from = &part.data[line * part.cells[2] * channels..][..part.cells[2] * channels];
                let to = out.chunks_exact_mut(channels).skip(part.first[2]).step_by(strides[2]);
                for (to, from) in to.zip(from.chunks_exact(channels)) {
                    to.copy_from_slice(from);
                }
            }
        }
    });
}
