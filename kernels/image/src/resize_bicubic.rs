//! See [`OP`].

use savedmodel_math::simd::{self, Isa};
use savedmodel_op::{Construction, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Result, bf16, f16};

use crate::pixel::{Pixel, Rows};
use crate::resize::{Centers, Sizes, for_rows, kernel, shape};

/// Resizes images by cubic convolution, down and then across; the result is of single precision.
///
/// Weights are those of the nearest 1024th of a pixel. With `half_pixel_centers` the curve is that of Keys (a = -0.5)
/// and pixels outside of the image have no weight; else a is -0.75 and the image goes on as it ends.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResizeBicubic>
pub const OP: Op = Op {
    name: "ResizeBicubic",
    inputs: &["images: T", "size: int32"],
    outputs: &["resized_images: float"],
    attrs: &[
        "T: {int8, uint8, int16, uint16, int32, int64, half, float, double, bfloat16}",
        "align_corners: bool = false",
        "half_pixel_centers: bool = false",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: i8 u8 i16 u16 i32 i64 f16 f32 f64 bf16),
};

fn build<T: Pixel>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(kernel::<T>(Centers::of(node)?, resize))
}

/// Steps between two pixels.
const STEPS: i64 = 1024;

/// The four pixels around a place along one axis.
#[derive(Clone, Copy)]
pub struct Taps {
    pub at: [usize; 4],
    pub weights: [f32; 4],
}

impl Taps {
    /// Those of pixel `at` of the result.
    pub fn of(at: usize, centers: Centers, scale: f32, side: usize) -> Taps {
        let place = centers.place(at, scale);
        let below = place.floor() as i64;
        let step = ((place - below as f32) * STEPS as f32).round_ties_even() as i64;
        let a = if centers.half_pixel { -0.5 } else { -0.75 };
        let places = [below - 1, below, below + 1, below + 2];
        let bounded = places.map(|at| at.clamp(0, side as i64 - 1));
        let mut weights = [far(a, step), near(a, step), near(a, STEPS - step), far(a, STEPS - step)];
        if centers.half_pixel {
            for i in 0..4 {
                if places[i] != bounded[i] {
                    weights[i] = 0.0;
                }
            }
            let sum = weights[0] + weights[1] + weights[2] + weights[3];
            if sum.abs() >= 1000.0 * f32::MIN_POSITIVE {
                weights = weights.map(|weight| weight * (1.0 / sum));
            }
        }
        Taps { at: bounded.map(|at| at as usize), weights }
    }
}

/// The weight of a pixel less than one pixel away.
fn near(a: f64, step: i64) -> f32 {
    let x = step as f64 / STEPS as f64;
    (((a + 2.0) * x - (a + 3.0)) * x * x + 1.0) as f32
}

/// The weight of a pixel one pixel further away.
fn far(a: f64, step: i64) -> f32 {
    let x = step as f64 / STEPS as f64 + 1.0;
    (((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a) as f32
}

fn resize(images: &dyn Rows, out: &mut [f32], sizes: &Sizes, centers: Centers) {
    let [ys, xs] = [0, 1].map(|axis| -> Vec<Taps> {
        (0..sizes.to[axis]).map(|at| Taps::of(at, centers, sizes.scale[axis], sizes.from[axis])).collect()
    });
    let from = sizes.row_from();
    let room = || ([const { Vec::new() }; 4], vec![0.0; from]);
    for_rows(out, sizes, 3.0, room, |(room, blended), image, y, out| {
        let mut at = ys[y].at.iter();
        let rows = room.each_mut().map(|room| {
            let source = image * sizes.from[0] + at.next().copied().unwrap_or_default();
            images.part(source, 0..from, room)
        });
        simd::dispatch(Down { rows, weights: ys[y].weights, out: blended });
        simd::dispatch(Across { src: blended, xs: &xs, channels: sizes.channels, out });
    });
}

/// Four rows, weighted.
struct Down<'a> {
    rows: [&'a [f32]; 4],
    weights: [f32; 4],
    out: &'a mut [f32],
}

impl simd::Kernel for Down<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        blend(self.rows, self.weights, self.out);
    }
}

/// A row, resized across.
struct Across<'a> {
    src: &'a [f32],
    xs: &'a [Taps],
    channels: usize,
    out: &'a mut [f32],
}

impl simd::Kernel for Across<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (out, x) in self.out.chunks_exact_mut(self.channels).zip(self.xs) {
            blend(x.at.map(|at| &self.src[at * self.channels..][..self.channels]), x.weights, out);
        }
    }
}

/// The weighted sum of four slices, from the first to the last.
#[inline(always)]
fn blend(values: [&[f32]; 4], weights: [f32; 4], out: &mut [f32]) {
    let [a, b, c, d] = values;
    for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *out = a * weights[0] + b * weights[1] + c * weights[2] + d * weights[3];
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("ResizeBicubic", "", "float[1,1,2,1] 1 2; int32[2] 1 4", "float[1,1,4,1] 1 1.5 2 2.09375"),
                (
                    "ResizeBicubic",
                    "half_pixel_centers=true",
                    "uint8[1,2,1,1] 0 100; int32[2] 4 1",
                    "float[1,4,1,1] -8.823529 20.714287 79.28572 108.82354",
                ),
                (
                    "ResizeBicubic",
                    "align_corners=true",
                    "half[1,2,2,2] 1 2 3 4 5 6 7 8; int32[2] 1 3",
                    "float[1,1,3,2] 1 2 2 3 3 4",
                ),
                (
                    "ResizeBicubic",
                    "half_pixel_centers=true",
                    "int32[1,1,5,1] 5 -3 7 1 0; int32[2] 1 2",
                    "float[1,1,2,1] -1.9160305 0.36641222",
                ),
                (
                    "ResizeBicubic",
                    "",
                    "bfloat16[1,3,2,3] 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; int32[2] 2 2",
                    "float[1,2,2,3] 1 2 3 4 5 6 10.5625 11.5625 12.5625 13.5625 14.5625 15.5625",
                ),
                ("ResizeBicubic", "", "double[0,1,2,1]; int32[2] 1 3", "float[0,1,3,1]"),
                (
                    "ResizeBicubic",
                    "align_corners=true half_pixel_centers=true",
                    "float[1,1,2,1] 1 2; int32[2] 1 3",
                    "INVALID_ARGUMENT: If half_pixel_centers is True, align_corners must be False.",
                ),
                (
                    "ResizeBicubic",
                    "",
                    "float[1,1,0,1]; int32[2] 1 3",
                    "INVALID_ARGUMENT: input image must be of non-zero size",
                ),
            ],
        );
    }
}
