//! Convolutions with 3 x 3 filters by Winograd's algorithm F(4 x 4, 3 x 3).
//!
//! A tile of 4 x 4 outputs needs 36 products for each pair of channels, not 144: tiles of 6 x 6 cells and the filter are
//! transformed, multiplied position by position as matrices over channels, and transformed back. Errors are a few times
//! those of sums in order. See Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015).

mod transform;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::gemm::{Axis, Epilogue, Finish, Gemm, PackedB, Panel, View, has_matrix_unit};
use crate::{par, simd};
use transform::{Input, Output, Transforms};

/// Cells of a line of a tile of the output.
const OUTPUT: usize = 4;
/// Cells of a line of a tile of the input.
const INPUT: usize = OUTPUT + TAPS - 1;
/// Taps of a line of the filter.
const TAPS: usize = 3;
/// Matrices over channels.
const POSITIONS: usize = INPUT * INPUT;
/// Fewest channels on either side: those of the widest register of any instruction set.
const LANES: usize = 16;
/// Fewest tiles of all images: transformed filters are four times as large, and each part of one is read for all tiles.
const TILES: usize = 12;
/// Fewest tiles of one image: what sees smaller ones has large filters, which would take four times the memory. More with a matrix unit, which
/// makes products cheaper.
const TILES_OF_IMAGE: [usize; 2] = [9, 36];
/// Elements of transformed tiles that stay in the second-level cache; more at a time where the filter, which is read for each block, is
/// larger than that.
const CACHED: usize = 1 << 18;
/// Most elements of transformed tiles.
const MOST: usize = 1 << 21;
/// Elements between neighbours that would else share their cache sets.
const GAP: usize = 16;
/// Blocks from which each is one task.
const MANY_BLOCKS: usize = 8;

/// A filter, transformed.
#[derive(Debug)]
pub struct Filter {
    matrices: Vec<PackedB<f32>>,
    channels: usize,
    outputs: usize,
}

impl Filter {
    /// Transforms a filter of `[3, 3, channels, outputs]`.
    ///
    /// # Panics
    /// When the slice has another length.
    pub fn new(filter: &[f32], channels: usize, outputs: usize) -> Filter {
        assert_eq!(filter.len(), TAPS * TAPS * channels * outputs);
        let points = std::array::from_fn(transform::powers);
        let matrices = PackedB::filled([channels, outputs], |panel, panels| {
            simd::dispatch(Weigh { filter, sizes: [channels, outputs], points: &points, panel, panels });
        });
        Filter { matrices, channels, outputs }
    }

    /// Tiles whose transforms have as many numbers as the filter.
    fn tiles(&self) -> usize {
        self.channels * self.outputs / (self.channels + self.outputs)
    }
}

/// All positions of a panel of pairs of channels: sums of their taps times factors.
struct Weigh<'a> {
    filter: &'a [f32],
    /// Channels and outputs.
    sizes: [usize; 2],
    /// What three taps of a line are multiplied by at each point.
    points: &'a [[f64; TAPS]; INPUT],
    panel: Panel,
    panels: [&'a mut [f32]; POSITIONS],
}

/// Pairs of channels that are transformed at the same time.
const PAIRS: usize = 8;

impl Weigh<'_> {
    #[inline(always)]
    fn pairs<const COUNT: usize>(&mut self, from: usize, to: usize) {
        let size = self.sizes[0] * self.sizes[1];
        let mut taps = [[0.0; COUNT]; TAPS * TAPS];
        for (tap, lanes) in taps.iter_mut().enumerate() {
            let pairs = &self.filter[tap * size + from..][..COUNT];
            for (lane, &x) in lanes.iter_mut().zip(pairs) {
                *lane = f64::from(x);
            }
        }
        for (row, factors) in self.points.iter().enumerate() {
            let mut line = [[0.0; COUNT]; TAPS];
            for (column, line) in line.iter_mut().enumerate() {
                for (i, lane) in line.iter_mut().enumerate() {
                    let products = [0, 1, 2].map(|tap| taps[tap * TAPS + column][i] * factors[tap]);
                    *lane = products[0] + products[1] + products[2];
                }
            }
            for (column, factors) in self.points.iter().enumerate() {
                let out = &mut self.panels[row * INPUT + column][to..][..COUNT];
                for (i, out) in out.iter_mut().enumerate() {
                    let sum = line[0][i] * factors[0] + line[1][i] * factors[1] + line[2][i] * factors[2];
                    *out = sum as f32;
                }
            }
        }
    }
}

impl simd::Kernel for Weigh<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: simd::Isa>(mut self) {
        let Panel { first, columns, width } = self.panel.clone();
        for row in 0..self.panels[0].len() / width {
            let from = (first + row) * self.sizes[1] + columns.start;
            let mut x = 0;
            while x + PAIRS <= columns.len() {
                self.pairs::<PAIRS>(from + x, row * width + x);
                x += PAIRS;
            }
            for x in x..columns.len() {
                self.pairs::<1>(from + x, row * width + x);
            }
        }
    }
}

/// Whether a convolution of so many images over these dimensions (depth, height, width) can be done here, and gains by it.
pub fn suits(images: usize, [depth, height, width]: &[Axis; 3], channels: usize, outputs: usize) -> bool {
    let slides = |axis: &Axis| axis.taps == TAPS && axis.stride == 1 && axis.dilation == 1;
    let tiles = height.windows.div_ceil(OUTPUT) * width.windows.div_ceil(OUTPUT);
    depth.taps == 1
        && depth.cells == 1
        && depth.windows == 1
        && slides(height)
        && slides(width)
        && channels.min(outputs) >= LANES
        && tiles >= TILES_OF_IMAGE[usize::from(has_matrix_unit())]
        && tiles.saturating_mul(images) >= TILES
        // Of tiles that reach over the edges, most must lie inside.
        && tiles * OUTPUT * OUTPUT * 3 <= height.windows * width.windows * 4
}

/// Images whose channels are innermost, and the windows over them.
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    /// The cells.
    pub data: &'a [f32],
    /// Height and width, with three taps each and steps of one.
    pub axes: [Axis; 2],
}

thread_local! {
    /// Transformed tiles of the last block, for the next.
    static SCRATCH: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// Convolves images into `out`, of as many images. `false`, with anything in `out`, unless all cells are tame: one that is no number, or so
/// large that it drowns what stands around it, would reach outputs of its tile whose windows don't hold it.
///
/// ```
/// use savedmodel_math::gemm::{Axis, Epilogue};
/// use savedmodel_math::winograd::{Filter, Images, run};
/// let axis = Axis { cells: 5, windows: 5, taps: 3, stride: 1, dilation: 1, before: 1 };
/// let filter = Filter::new(&[1.0; 9 * 16 * 16], 16, 16);
/// let images = Images { data: &[1.0; 5 * 5 * 16], axes: [axis; 2] };
/// let mut out = [0.0; 5 * 5 * 16];
/// assert!(run(&images, &filter, &Epilogue::default(), &mut out));
/// // Windows at the corner hold 4 cells of 16 channels, inner ones 9.
/// assert!((out[0] - 64.0).abs() < 1e-3 && (out[12 * 16] - 144.0).abs() < 1e-3);
/// ```
///
/// # Panics
/// When a slice does not fit the sizes, or there are fewer than 16 channels on either side.
pub fn run(images: &Images<'_>, filter: &Filter, epilogue: &Epilogue<'_, f32>, out: &mut [f32]) -> bool {
    let [height, width] = &images.axes;
    let line = width.windows * filter.outputs;
    let (image, cells) = (height.windows * line, height.cells * width.cells * filter.channels);
    assert!(filter.channels.min(filter.outputs) >= LANES, "too few channels");
    assert!(epilogue.bias.is_empty() || epilogue.bias.len() == filter.outputs);
    assert!(epilogue.residual.is_empty() || epilogue.residual.len() == out.len());
    assert!(!epilogue.accumulate, "results of tiles are written over");
    assert!(image > 0 && out.len().is_multiple_of(image) && images.data.len() == out.len() / image * cells);
    let rows = height.windows.div_ceil(OUTPUT);
    let row = width.windows.div_ceil(OUTPUT) * POSITIONS * (filter.channels + filter.outputs);
    let most = (filter.tiles() * POSITIONS * (filter.channels + filter.outputs)).clamp(CACHED, MOST) / row;
    // Some images at a time, or some rows of tiles of one.
    let (together, rows) = match most / rows {
        0 | 1 => {
            let blocks = rows.div_ceil(most.max(1)).max(rows.min(2));
            (1, rows.div_ceil(blocks))
        }
        together => (together, rows),
    };
    let lines = if together > 1 { height.windows } else { rows * OUTPUT };
    let images_of_out = out.len() / image;
    let count = images_of_out.div_ceil(together) * height.windows.div_ceil(lines);
    let parts = out.chunks_mut(together * image).enumerate().flat_map(|(index, out)| {
        let parts = out.chunks_mut(together * lines * line).enumerate();
        parts.map(move |(part, out)| (index * together, part * lines, out))
    });
    let is_wild = AtomicBool::new(false);
    let convolve = |(index, top, out): (usize, usize, &mut [f32]), spread: bool| {
        if is_wild.load(Ordering::Relaxed) {
            return;
        }
        let residual = epilogue.residual.get(index * image + top * line..).unwrap_or_default();
        let residual = residual.get(..out.len()).unwrap_or_default();
        let block = Block {
            images: &images.data[index * cells..],
            axes: &images.axes,
            filter,
            epilogue: &Epilogue { residual, ..*epilogue },
            top,
            lines: lines.min(height.windows - top),
            spread,
            is_wild: &is_wild,
        };
        block.run(out);
    };
    if count >= MANY_BLOCKS {
        par::for_items(count, parts, |part| convolve(part, false));
    } else {
        parts.for_each(|part| convolve(part, true));
    }
    !is_wild.into_inner()
}

/// Some rows of tiles of one image, or some images.
struct Block<'a> {
    /// The images, and perhaps more.
    images: &'a [f32],
    axes: &'a [Axis; 2],
    filter: &'a Filter,
    epilogue: &'a Epilogue<'a, f32>,
    /// The first line of the output.
    top: usize,
    /// Lines of the output of one image.
    lines: usize,
    /// Whether its loops are worth the pool.
    spread: bool,
    /// Whether a cell was seen that is not tame.
    is_wild: &'a AtomicBool,
}

impl Block<'_> {
    fn run(&self, out: &mut [f32]) {
        let (k, n) = (self.filter.channels, self.filter.outputs);
        let [height, width] = self.axes;
        let (line, columns) = (width.windows * n, width.windows.div_ceil(OUTPUT));
        let (rows, images) = (self.lines.div_ceil(OUTPUT), out.len() / (self.lines * line));
        let tiles = images * rows * columns;
        let [mut inputs, mut products] = SCRATCH.take();
        let (tile, position) = (POSITIONS * k + GAP, tiles * n + GAP);
        fit(&mut inputs, tiles * tile);
        fit(&mut products, POSITIONS * position);
        let (zeros, cells) = (vec![0.0; k], height.cells * width.cells * k);
        self.each(tiles, inputs[..tiles * tile].chunks_mut(tile), |index, to| {
            let (row, column) = (index / columns, index % columns);
            let image = &self.images[row / rows * cells..][..cells];
            if !self.input((image, row % rows, column), &zeros, to) {
                self.is_wild.store(true, Ordering::Relaxed);
            }
        });
        self.each(POSITIONS, products[..POSITIONS * position].chunks_mut(position), |index, to| {
            let a = View { data: &inputs[index * k..], row_stride: tile, column_stride: 1 };
            Gemm::default().run([tiles, k, n], a, &self.filter.matrices[index], &mut to[..tiles * n]);
        });
        let lines = out.chunks_mut(self.lines * line).flat_map(|image| image.chunks_mut(OUTPUT * line));
        self.each(images * rows, lines, |row, out| {
            self.output(&products[row * columns * n..], position, out);
        });
        SCRATCH.set([inputs, products]);
        if self.bounds().is_none() {
            let &Epilogue { residual, activation, .. } = self.epilogue;
            simd::dispatch(Finish { row: out, residual, activation });
        }
    }

    /// Calls `f(index, chunk)` on so many chunks.
    fn each<'c>(
        &self,
        count: usize,
        chunks: impl Iterator<Item = &'c mut [f32]> + Send,
        f: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let chunks = chunks.enumerate();
        if self.spread {
            par::for_items(count, chunks, |(index, chunk)| f(index, chunk));
        } else {
            chunks.for_each(|(index, chunk)| f(index, chunk));
        }
    }

    /// The bounds that are all that follows the sum with the bias.
    fn bounds(&self) -> Option<[f32; 2]> {
        let bounds = self.epilogue.activation.bounds().filter(|_| self.epilogue.residual.is_empty());
        bounds.map(|(lo, hi)| [lo, hi])
    }

    /// Transforms the tile of an image that lies in this row and column.
    fn input(&self, (image, row, column): (&[f32], usize, usize), zeros: &[f32], to: &mut [f32]) -> bool {
        let ([height, width], channels) = (self.axes, self.filter.channels);
        let mut cells = [zeros.as_ptr(); POSITIONS];
        for (i, cells) in cells.chunks_exact_mut(INPUT).enumerate() {
            let y = (self.top + row * OUTPUT + i).checked_sub(height.before).filter(|&y| y < height.cells);
            let Some(y) = y else { continue };
            for (j, cell) in cells.iter_mut().enumerate() {
                let x = (column * OUTPUT + j).checked_sub(width.before).filter(|&x| x < width.cells);
                if let Some(x) = x {
                    *cell = image[(y * width.cells + x) * channels..][..channels].as_ptr();
                }
            }
        }
        assert!(to.len() >= POSITIONS * channels && zeros.len() == channels);
        let transforms = Transforms::of(simd::level());
        assert!(channels >= transforms.lanes);
        // SAFETY: the level is this processor's; each cell was sliced from the image or is the zeros, and positions lie in
        // `to`.
        unsafe { (transforms.input)(&Input { cells, channels, to: to.as_mut_ptr(), step: channels }) }
    }

    /// Writes one row of tiles, perhaps cut off below.
    fn output(&self, products: &[f32], position: usize, out: &mut [f32]) {
        let ([_, width], n) = (self.axes, self.filter.outputs);
        let (lines, columns) = (out.len() / (width.windows * n), width.windows.div_ceil(OUTPUT));
        // Cells that lie outside.
        let mut outside = vec![0.0; n];
        let zeros: Vec<f32>;
        let bias = if self.epilogue.bias.is_empty() {
            zeros = vec![0.0; n];
            &zeros
        } else {
            self.epilogue.bias
        };
        let transforms = Transforms::of(simd::level());
        assert!(products.len() >= (POSITIONS - 1) * position + columns * n && bias.len() == n);
        assert!(n >= transforms.lanes);
        for column in 0..columns {
            let mut cells = [outside.as_mut_ptr(); OUTPUT * OUTPUT];
            for (i, cells) in cells.chunks_exact_mut(OUTPUT).enumerate().take(lines) {
                for (j, cell) in cells.iter_mut().enumerate() {
                    let x = column * OUTPUT + j;
                    if x < width.windows {
                        *cell = out[(i * width.windows + x) * n..][..n].as_mut_ptr();
                    }
                }
            }
            let tile = Output {
                from: products[column * n..].as_ptr(),
                step: position,
                channels: n,
                bias: bias.as_ptr(),
                bounds: self.bounds().unwrap_or([f32::NEG_INFINITY, f32::INFINITY]),
                cells,
            };
            // SAFETY: the level is this processor's; positions were bounded above, each cell was sliced from `out`, which
            // is not touched meanwhile, or is `outside`, and the bias has all channels.
            unsafe { (transforms.output)(&tile) };
        }
    }
}

/// Makes a buffer at least this long; what it holds is written before it is read.
fn fit(buffer: &mut Vec<f32>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::{Activation, Windows};
    use crate::simd::testing::at_each_level;

    fn numbers(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 7919 + seed * 31) % 97) as f32 / 48.0 - 1.0).collect()
    }

    #[test]
    fn tiles_are_windows() {
        let axis = |cells, windows, before| Axis { cells, windows, taps: 3, stride: 1, dilation: 1, before };
        let unit = Axis { cells: 1, windows: 1, taps: 1, stride: 1, dilation: 1, before: 0 };
        at_each_level(|level| {
            for (images, axes, channels, outputs, activation) in [
                (1, [axis(16, 16, 1), axis(16, 16, 1)], 16, 16, Activation::Identity),
                (3, [axis(14, 14, 1), axis(14, 14, 1)], 37, 45, Activation::Relu),
                (7, [axis(9, 9, 1), axis(10, 10, 1)], 96, 80, Activation::Tanh),
                (2, [axis(30, 28, 0), axis(19, 17, 0)], 64, 33, Activation::Tanh),
                (1, [axis(9, 13, 3), axis(50, 52, 2)], 70, 16, Activation::Relu6),
                (1, [axis(65, 65, 1), axis(65, 65, 1)], 48, 64, Activation::Identity),
            ] {
                let grid = [unit, axes[0], axes[1]];
                let size = images * axes[0].windows * axes[1].windows * outputs;
                let data = numbers(images * axes[0].cells * axes[1].cells * channels, 1);
                let filter = numbers(9 * channels * outputs, 2);
                let (bias, residual) = (numbers(outputs, 3), numbers(size, 4));
                for residual in [&[][..], &residual] {
                    let epilogue = Epilogue { bias: &bias, residual, activation, ..Epilogue::default() };
                    let windows = Windows {
                        data: &data,
                        grids: images,
                        axes: grid,
                        channels,
                        part: 0..channels,
                        padding: 0,
                    };
                    let (mut want, mut out) = (vec![f32::NAN; size], vec![f32::NAN; size]);
                    let packed = PackedB::new(9 * channels, outputs, View::new(&filter, outputs));
                    Gemm { epilogue, ..Gemm::default() }.run_windows(&windows, &packed, &mut want);
                    let transformed = Filter::new(&filter, channels, outputs);
                    assert!(run(&Images { data: &data, axes }, &transformed, &epilogue, &mut out));
                    // About the size of sums before the activation.
                    let scale = ((9 * channels) as f32).sqrt() / 3.0;
                    for (x, y) in out.iter().zip(&want) {
                        assert!((x - y).abs() <= 1e-5 * scale, "{level:?} {axes:?} {channels}: {x} {y}");
                    }
                }
            }
        });
    }

    #[test]
    fn what_suits() {
        let axis = Axis { cells: 32, windows: 32, taps: 3, stride: 1, dilation: 1, before: 1 };
        let unit = Axis { cells: 1, windows: 1, taps: 1, stride: 1, dilation: 1, before: 0 };
        let small = Axis { cells: 16, windows: 16, ..axis };
        for (images, axes, channels, expected) in [
            (1, [unit, small, small], 64, !has_matrix_unit()),
            (4, [unit, small, small], 64, !has_matrix_unit()),
            (
                16,
                [unit, Axis { cells: 7, windows: 7, ..axis }, Axis { cells: 7, windows: 7, ..axis }],
                64,
                false,
            ),
            (1, [unit, axis, axis], 16, true),
            (1, [unit, axis, axis], 15, false),
            (1, [axis, axis, axis], 64, false),
            (1, [unit, Axis { stride: 2, ..axis }, axis], 64, false),
            (1, [unit, axis, Axis { dilation: 2, ..axis }], 64, false),
            (1, [unit, axis, Axis { taps: 5, ..axis }], 64, false),
            (1, [unit, Axis { windows: 7, ..axis }, Axis { windows: 7, ..axis }], 64, false),
            (1, [unit, Axis { windows: 17, ..axis }, Axis { windows: 17, ..axis }], 64, false),
        ] {
            assert_eq!(suits(images, &axes, channels, 64), expected, "{axes:?} {channels}");
        }
    }
}
