//! Products of patches with filter matrices, by element type.

use std::borrow::Cow;
use std::convert::Infallible;
use std::ops::{Add, Mul};

use savedmodel_math::depthwise::{self, Taps};
use savedmodel_math::gemm::{self, Activation, Epilogue, Gemm, Lhs, PackedB, View, Windows};
use savedmodel_math::narrow::Narrow;
use savedmodel_math::winograd::{self, Images};
use savedmodel_math::{map, par, unary};
use savedmodel_tensor::{Element, bf16, f16};

use super::patches::{Axis, Patches};

/// An element type of convolutions.
pub trait Convolve: Element {
    /// The type that they compute in.
    type Wide: Multiply;

    /// The elements to compute with.
    fn widen(values: &[Self]) -> Cow<'_, [Self::Wide]>;

    /// Lets `compute` write the result, and rounds it.
    fn round(out: &mut [Self], compute: impl FnOnce(&mut [Self::Wide]));
}

/// A type that convolutions compute in; integers have no epilogues.
pub trait Multiply: Element + Add<Output = Self> + Mul<Output = Self> {
    /// A filter matrix made ready.
    type Packed: Send + Sync;

    /// A filter made ready for convolution by tiles.
    type Tiled: Send + Sync;

    /// Makes a filter of `[3, 3, channels, outputs]` ready for convolution by tiles, if there is one.
    fn tile(filter: &[Self], channels: usize, outputs: usize) -> Option<Self::Tiled>;

    /// Convolves by tiles; see [`winograd::run`].
    fn convolve_tiles(
        images: (&[Self], [gemm::Axis; 2]),
        filter: &Self::Tiled,
        epilogue: &Epilogue<'_, Self>,
        out: &mut [Self],
    ) -> bool;

    /// Makes a filter matrix of `k` rows and `n` columns ready, with each column multiplied by its factor if there are factors.
    fn pack(k: usize, n: usize, matrix: View<Self>, factors: &[Self]) -> Self::Packed;

    /// [`Multiply::pack`], rounded to bfloat16 where the processor multiplies that faster.
    fn pack_rounded(k: usize, n: usize, matrix: View<Self>) -> Self::Packed {
        Self::pack(k, n, matrix, &[])
    }

    /// Writes the product of windows, to rows of `out` that lie `stride` apart.
    fn multiply_windows(
        windows: &Windows<'_, Self>,
        matrix: &Self::Packed,
        out: (&mut [Self], usize),
        epilogue: Epilogue<'_, Self>,
    );

    /// Writes the product of the first `sizes[0]` rows of patches, to rows of `out` that lie `stride` apart.
    fn multiply(
        sizes: [usize; 3],
        patches: &Patches<'_, Self>,
        matrix: &Self::Packed,
        out: (&mut [Self], usize),
        epilogue: Epilogue<'_, Self>,
    );

    /// [`Multiply::multiply`] with a dense matrix for patches.
    fn multiply_dense(
        sizes: [usize; 3],
        rows: &[Self],
        matrix: &Self::Packed,
        out: &mut [Self],
        epilogue: Epilogue<'_, Self>,
    );

    /// Bounds that change nothing.
    const UNBOUNDED: [Self; 2];

    /// The bounds that are the whole activation, if it has that form.
    fn bounds(activation: Activation) -> Option<[Self; 2]>;

    /// Writes the sums of products of cells and taps for one line of outputs; see [`depthwise::line`].
    fn depthwise(taps: &Taps<'_, Self>, bias: &[Self], bounds: [Self; 2], out: &mut [Self]);

    /// Adds a bias (one per channel, or none) and a residual (one per element, or none), and applies an activation.
    fn finish(out: &mut [Self], epilogue: &Epilogue<'_, Self>);
}

macro_rules! plain {
    ($($t:ty)*) => {$(
        impl Convolve for $t {
            type Wide = $t;
            fn widen(values: &[$t]) -> Cow<'_, [$t]> {
                values.into()
            }
            fn round(out: &mut [$t], compute: impl FnOnce(&mut [$t])) {
                compute(out);
            }
        }
    )*};
}

plain! { f32 f64 i32 }

macro_rules! narrow {
    ($($t:ty)*) => {$(
        impl Convolve for $t {
            type Wide = f32;
            fn widen(values: &[$t]) -> Cow<'_, [f32]> {
                let mut wide = vec![0.0; values.len()];
                par::for_zip(&mut wide, values, CONVERTED, |wide, values| Narrow::widen(values, wide));
                wide.into()
            }
            fn round(out: &mut [$t], compute: impl FnOnce(&mut [f32])) {
                let mut wide = vec![0.0; out.len()];
                compute(&mut wide);
                par::for_zip(out, &wide, CONVERTED, |out, wide| Narrow::narrow(wide, out));
            }
        }
    )*};
}

/// Elements converted per task.
const CONVERTED: usize = 1 << 16;

narrow! { f16 bf16 }

/// Types that are never convolved by tiles.
macro_rules! untiled {
    () => {
        type Tiled = Infallible;
        fn tile(_: &[Self], _: usize, _: usize) -> Option<Infallible> {
            None
        }
        fn convolve_tiles(
            _: (&[Self], [gemm::Axis; 2]),
            filter: &Infallible,
            _: &Epilogue<'_, Self>,
            _: &mut [Self],
        ) -> bool {
            match *filter {}
        }
    };
}

/// Single precision is convolved by tiles.
macro_rules! tiled {
    () => {
        type Tiled = winograd::Filter;
        fn tile(filter: &[f32], channels: usize, outputs: usize) -> Option<winograd::Filter> {
            Some(winograd::Filter::new(filter, channels, outputs))
        }
        fn convolve_tiles(
            (data, axes): (&[f32], [gemm::Axis; 2]),
            filter: &winograd::Filter,
            epilogue: &Epilogue<'_, f32>,
            out: &mut [f32],
        ) -> bool {
            winograd::run(&Images { data, axes }, filter, epilogue, out)
        }
    };
}

macro_rules! floats {
    ($($t:ty, $tiles:ident;)*) => {$(
        impl Multiply for $t {
            $tiles!();
            type Packed = PackedB<$t>;
            fn pack(k: usize, n: usize, matrix: View<$t>, factors: &[$t]) -> PackedB<$t> {
                PackedB::scaled(k, n, matrix, factors)
            }
            fn pack_rounded(k: usize, n: usize, matrix: View<$t>) -> PackedB<$t> {
                PackedB::perhaps_rounded(true, [k, n], matrix)
            }
            const UNBOUNDED: [$t; 2] = [<$t>::NEG_INFINITY, <$t>::INFINITY];
            fn bounds(activation: Activation) -> Option<[$t; 2]> {
                activation.bounds().map(|(lo, hi)| [lo.into(), hi.into()])
            }
            fn multiply_windows(
                windows: &Windows<'_, $t>,
                matrix: &PackedB<$t>,
                (out, stride): (&mut [$t], usize),
                epilogue: Epilogue<'_, $t>,
            ) {
                let gemm = Gemm { epilogue, c_stride: Some(stride) };
                gemm.run_windows(windows, matrix, out);
            }
            fn multiply(
                sizes: [usize; 3],
                patches: &Patches<'_, $t>,
                matrix: &PackedB<$t>,
                (out, stride): (&mut [$t], usize),
                epilogue: Epilogue<'_, $t>,
            ) {
                let gemm = Gemm { epilogue, c_stride: Some(stride) };
                gemm.run_lhs(sizes, patches, matrix, out);
            }
            fn multiply_dense(
                sizes: [usize; 3],
                rows: &[$t],
                matrix: &PackedB<$t>,
                out: &mut [$t],
                epilogue: Epilogue<'_, $t>,
            ) {
                let gemm = Gemm { epilogue, ..Gemm::default() };
                gemm.run(sizes, View::new(rows, sizes[1]), matrix, out);
            }
            fn depthwise(taps: &Taps<'_, $t>, bias: &[$t], bounds: [$t; 2], out: &mut [$t]) {
                depthwise::line(taps, bias, bounds, out);
            }
            fn finish(out: &mut [$t], epilogue: &Epilogue<'_, $t>) {
                if !epilogue.bias.is_empty() {
                    for row in out.chunks_exact_mut(epilogue.bias.len()) {
                        map::zip_in_place(row, epilogue.bias, map::CHEAP, |x, bias| x + bias);
                    }
                }
                if !epilogue.residual.is_empty() {
                    map::zip_in_place(out, epilogue.residual, map::CHEAP, |x, residual| x + residual);
                }
                match epilogue.activation {
                    Activation::Identity => {}
                    Activation::Relu => map::map_in_place(out, map::CHEAP, |x| if x < 0.0 { 0.0 } else { x }),
                    Activation::Relu6 => clip(out, 0.0, 6.0),
                    Activation::Clip(lo, hi) => clip(out, lo.into(), hi.into()),
                    Activation::LeakyRelu(slope) => {
                        let slope = <$t>::from(slope);
                        map::map_in_place(out, map::CHEAP, move |x| if x < 0.0 { x * slope } else { x });
                    }
                    Activation::Elu => unary::in_place::elu(out),
                    Activation::Selu => unary::in_place::selu(out),
                    Activation::Tanh => unary::in_place::tanh(out),
                    Activation::Sigmoid => unary::in_place::sigmoid(out),
                    Activation::Silu => unary::in_place::silu(out),
                    Activation::HardSwish => unary::in_place::hard_swish(out),
                    Activation::Softplus => unary::in_place::softplus(out),
                    Activation::Gelu => unary::in_place::gelu(out),
                    Activation::GeluTanh => unary::in_place::gelu_tanh(out),
                    _ => unreachable!("every activation is named"),
                }
            }
        }
    )*};
}

floats! { f32, tiled; f64, untiled; }

fn clip<T: Element + PartialOrd>(out: &mut [T], lo: T, hi: T) {
    map::map_in_place(out, map::CHEAP, move |x| {
        let x = if x < lo { lo } else { x };
        if x > hi { hi } else { x }
    });
}

/// Rows of patches that are made at a time for integers.
const ROWS: usize = 64;

impl Multiply for i32 {
    untiled!();
    type Packed = Vec<i32>;

    fn pack(k: usize, n: usize, matrix: View<i32>, factors: &[i32]) -> Vec<i32> {
        let factor = |j: usize| factors.get(j).copied().unwrap_or(1);
        let number = |i: usize, j: usize| matrix.data[i * matrix.row_stride + j * matrix.column_stride];
        let row = |i: usize| (0..n).map(move |j| number(i, j).wrapping_mul(factor(j)));
        (0..k).flat_map(row).collect()
    }

    const UNBOUNDED: [i32; 2] = [i32::MIN, i32::MAX];

    fn bounds(_: Activation) -> Option<[i32; 2]> {
        Some(i32::UNBOUNDED)
    }

    fn multiply_windows(
        windows: &Windows<'_, i32>,
        matrix: &Vec<i32>,
        out: (&mut [i32], usize),
        epilogue: Epilogue<'_, i32>,
    ) {
        let axes = windows.axes.map(|axis| Axis::of(&axis));
        let patches = Patches::new(windows.data, &axes, windows.channels, windows.part.clone());
        let rows = windows.grids * axes.iter().map(|axis| axis.output).product::<usize>();
        let (k, n) = (patches.columns(), matrix.len() / patches.columns().max(1));
        i32::multiply([rows, k, n], &patches, matrix, out, epilogue);
    }

    fn multiply(
        [m, k, n]: [usize; 3],
        patches: &Patches<'_, i32>,
        matrix: &Vec<i32>,
        (out, stride): (&mut [i32], usize),
        _: Epilogue<'_, i32>,
    ) {
        let out = &mut out[..(m.max(1) - 1) * stride + n];
        par::for_chunks_mut(out, ROWS * stride, |offset, out| {
            let first = offset / stride;
            let count = out.len().div_ceil(stride);
            let (mut buffer, mut product) = (Vec::new(), vec![0; count * n]);
            let (rows, width) = patches.block(first..first + count, 0..k, &mut buffer);
            gemm::integer([count, k, n], View::new(rows, width), View::new(matrix, n), &mut product);
            for (out, product) in out.chunks_mut(stride).zip(product.chunks_exact(n)) {
                out[..n].copy_from_slice(product);
            }
        });
    }

    fn multiply_dense(
        sizes: [usize; 3],
        rows: &[i32],
        matrix: &Vec<i32>,
        out: &mut [i32],
        _: Epilogue<'_, i32>,
    ) {
        gemm::integer(sizes, View::new(rows, sizes[1]), View::new(matrix, sizes[2]), out);
    }

    fn depthwise(taps: &Taps<'_, i32>, _: &[i32], _: [i32; 2], out: &mut [i32]) {
        out.fill(0);
        taps.each(out, |out, cells, taps| {
            for ((out, cell), tap) in out.iter_mut().zip(cells).zip(taps) {
                *out = out.wrapping_add(cell.wrapping_mul(*tap));
            }
        });
    }

    fn finish(_: &mut [i32], _: &Epilogue<'_, i32>) {}
}
