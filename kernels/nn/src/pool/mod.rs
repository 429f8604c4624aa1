//! Pooling: one number for each window and channel.
//!
//! `attributes` reads and checks what the operators share; [`pool`] runs a [`fold::Fold`] over all windows, channels
//! innermost; `NCHW` is transposed on the way in and out.

pub mod attributes;
pub mod fold;
pub mod places;
pub mod spread;

use std::marker::PhantomData;
use std::ops::Range;

use savedmodel_math::simd::{self, Isa, Kernel};
use savedmodel_math::{map, par};
use savedmodel_op::{Context, Run};
use savedmodel_tensor::{DType, Element, Result, Tensor, bf16};

use crate::layout::{Images, inner_channels, with_layout};
use crate::window::Dim;
use attributes::Attributes;
use fold::{Fold, Greatest};

/// Pools input 0 into output 0.
///
/// # Errors
/// `INVALID_ARGUMENT` when a window does not fit.
pub fn pool<T: Element, F: Fold<T>>(ctx: &mut Context<'_>, attributes: &Attributes) -> Result<()> {
    let input = ctx.input(0);
    let images = Images::of(input.shape(), attributes.channels_first);
    let dims = attributes.dims(images.space)?;
    let output = Images { space: dims.map(|dim| dim.output), ..images };
    let mut out = ctx.allocate(T::DTYPE, output.shape(attributes.spatial, attributes.channels_first))?;
    run::<T, F>(input, &dims, attributes.channels_first, &mut out)?;
    ctx.set(0, out);
    Ok(())
}

/// The greatest number under each window over images with channels last: -inf where there is none; NaN is skipped.
///
/// `None` for dtypes that have no kernel of their own.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` above the session's limit.
pub fn greatest(context: &Run<'_>, input: &Tensor, dims: &[Dim; 3]) -> Result<Option<Tensor>> {
    let images = Images::of(input.shape(), false);
    let output = Images { space: dims.map(|dim| dim.output), ..images };
    let pool = match input.dtype() {
        DType::Float => run::<f32, Greatest>,
        DType::Bfloat16 => run::<bf16, Greatest>,
        _ => return Ok(None),
    };
    let mut out = context.allocate(input.dtype(), output.shape(input.rank() - 2, false))?;
    pool(input, dims, false, &mut out)?;
    Ok(Some(out))
}

/// Pools images into `out`, which has the sizes that `dims` tell.
///
/// # Errors
/// `INTERNAL` when a dtype is another.
pub fn run<T: Element, F: Fold<T>>(
    input: &Tensor,
    dims: &[Dim; 3],
    channels_first: bool,
    out: &mut Tensor,
) -> Result<()> {
    if out.elements() == 0 {
        return Ok(());
    }
    let images = Images::of(input.shape(), channels_first);
    let output = Images { space: dims.map(|dim| dim.output), ..images };
    let data = inner_channels::<T>(input, &images, channels_first)?;
    let image = images.pixels() * images.channels;
    with_layout(out, &output, channels_first, |out: &mut [T]| {
        for_lines(&output, dims, out, |index, at, out| {
            let image = &data[index * image..(index + 1) * image];
            simd::dispatch_narrow(Line {
                image,
                dims,
                at,
                channels: images.channels,
                out,
                fold: PhantomData::<F>,
            });
        });
    })
}

/// Calls `f(image, [depth, height], line)` for every line of an output that is not empty, in parallel.
pub fn for_lines<T: Send>(
    output: &Images,
    dims: &[Dim; 3],
    out: &mut [T],
    f: impl Fn(usize, [usize; 2], &mut [T]) + Sync,
) {
    let [depth, height, width] = output.space;
    let line = width * output.channels;
    let taps: usize = dims.iter().map(|dim| dim.window.min(dim.input.max(1))).product();
    par::for_rows_mut(out, line, par::grain(map::CHEAP * (taps * line) as f64), |first, out| {
        for (row, out) in (first..).zip(out.chunks_exact_mut(line)) {
            f(row / (depth * height), [row / height % depth, row % height], out);
        }
    });
}

/// Channels that are folded in registers: a cache line of floats.
const BLOCK: usize = 16;

/// One line of outputs.
struct Line<'a, T, F> {
    image: &'a [T],
    dims: &'a [Dim; 3],
    at: [usize; 2],
    channels: usize,
    out: &'a mut [T],
    fold: PhantomData<F>,
}

impl<T: Element, F: Fold<T>> Kernel for Line<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Line { image, dims, at, channels, out, .. } = self;
        for (x, out) in out.chunks_exact_mut(channels).enumerate() {
            let at = [at[0], at[1], x];
            if F::PADDING.is_some() && is_padded(dims, at) {
                out.fill(F::START);
                each_place::<T, F>(image, dims, at, out);
                continue;
            }
            let under = Under::of(dims, at);
            // Where channels fill no block, what follows them is folded as well and thrown away.
            if channels >= BLOCK || under.end(dims) * channels + BLOCK - channels <= image.len() {
                let mut start = 0;
                while start < channels {
                    // The last block overlaps the one before, where the channels are no multiple of it.
                    let first = start.min(channels.saturating_sub(BLOCK));
                    under.fold::<T, F>(image, dims, (channels, first), out);
                    start = first + BLOCK;
                }
                continue;
            }
            out.fill(F::START);
            each_cell(dims, at, |cell| {
                let cells = &image[cell * channels..(cell + 1) * channels];
                for (out, &cell) in out.iter_mut().zip(cells) {
                    *out = F::step(*out, cell);
                }
            });
            out.iter_mut().for_each(|out| *out = F::finish(*out, under.count));
        }
    }
}

/// The cells of the input that the window of an output covers.
struct Under {
    planes: Range<usize>,
    lines: Range<usize>,
    cells: Range<usize>,
    /// How many they are.
    count: usize,
}

impl Under {
    #[inline(always)]
    fn of([depth, height, width]: &[Dim; 3], [z, y, x]: [usize; 3]) -> Under {
        let (planes, lines, cells) = (depth.covered(z), height.covered(y), width.covered(x));
        let count = planes.len() * lines.len() * cells.len();
        Under { planes, lines, cells, count }
    }

    /// The number of the cell behind the last.
    #[inline(always)]
    fn end(&self, [_, height, width]: &[Dim; 3]) -> usize {
        if self.count == 0 {
            return 0;
        }
        ((self.planes.end - 1) * height.input + self.lines.end - 1) * width.input + self.cells.end
    }

    /// Folds a block of the channels, of which there may be fewer.
    #[inline(always)]
    fn fold<T: Element, F: Fold<T>>(
        &self,
        image: &[T],
        [_, height, width]: &[Dim; 3],
        (channels, first): (usize, usize),
        out: &mut [T],
    ) {
        let mut so_far = [F::START; BLOCK];
        for plane in self.planes.clone() {
            for line in self.lines.clone() {
                let line = (plane * height.input + line) * width.input;
                for cell in self.cells.clone() {
                    let cells = &image[(line + cell) * channels + first..][..BLOCK];
                    for (so_far, &cell) in so_far.iter_mut().zip(cells) {
                        *so_far = F::step(*so_far, cell);
                    }
                }
            }
        }
        let results = so_far.map(|so_far| F::finish(so_far, self.count));
        let out = &mut out[first..];
        match out.first_chunk_mut() {
            Some(out) => *out = results,
            None => out.copy_from_slice(&results[..out.len()]),
        }
    }
}

/// Whether a window overhangs the input.
fn is_padded(dims: &[Dim; 3], at: [usize; 3]) -> bool {
    dims.iter().zip(at).any(|(dim, at)| dim.covered(at).len() < dim.window)
}

/// Folds a window that overhangs, with the value of padding where it does.
#[inline(never)]
fn each_place<T: Element, F: Fold<T>>(image: &[T], dims: &[Dim; 3], at: [usize; 3], out: &mut [T]) {
    let channels = out.len();
    let [depth, height, width] = dims.map(|dim| dim.window);
    for place in 0..depth * height * width {
        let place = [place / (height * width), place / width % height, place % width];
        let cell = (0..3).try_fold(0, |index, i| {
            let cell = (at[i] * dims[i].stride + place[i]).checked_sub(dims[i].before)?;
            (cell < dims[i].input).then(|| index * dims[i].input + cell)
        });
        for (channel, out) in out.iter_mut().enumerate() {
            let x = cell.map(|cell| image[cell * channels + channel]);
            *out = F::step(*out, x.or(F::PADDING).unwrap_or(F::START));
        }
    }
}

/// Calls `f` with the index of each cell of the input that the window of an output covers, and counts them.
#[inline(always)]
pub fn each_cell(dims: &[Dim; 3], [z, y, x]: [usize; 3], mut f: impl FnMut(usize)) -> usize {
    let [depth, height, width] = dims;
    let (planes, lines, cells) = (depth.covered(z), height.covered(y), width.covered(x));
    let count = planes.len() * lines.len() * cells.len();
    for plane in planes {
        for line in lines.clone() {
            let line = (plane * height.input + line) * width.input;
            for cell in cells.clone() {
                f(line + cell);
            }
        }
    }
    count
}
