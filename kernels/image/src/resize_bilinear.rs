//! See [`OP`].

use savedmodel_math::simd::{self, Isa};
use savedmodel_op::{Construction, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Result, bf16, f16};

use crate::pixel::{Pixel, Rows};
use crate::resize::{Centers, Sizes, for_rows, kernel, shape};

/// Resizes images by linear interpolation, across and then down; the result is of single precision.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResizeBilinear>
pub const OP: Op = Op {
    name: "ResizeBilinear",
    inputs: &["images: T", "size: int32"],
    outputs: &["resized_images: float"],
    attrs: &[
        "T: {int8, uint8, int16, uint16, int32, int64, bfloat16, half, float, double, bfloat16}",
        "align_corners: bool = false",
        "half_pixel_centers: bool = false",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: i8 u8 i16 u16 i32 i64 bf16 f16 f32 f64),
};

fn build<T: Pixel>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(kernel::<T>(Centers::of(node)?, resize))
}

/// The two neighbours of a pixel of the result along one axis, and how near the upper one is.
#[derive(Clone, Copy)]
pub struct Neighbours {
    pub lower: usize,
    pub upper: usize,
    pub weight: f32,
}

/// The neighbours of all pixels of the result along an axis.
pub fn neighbours(centers: Centers, sizes: &Sizes, axis: usize) -> Vec<Neighbours> {
    let last = sizes.from[axis] - 1;
    let of = |at: usize| {
        let place = centers.place(at, sizes.scale[axis]);
        let lower = (place.floor() as usize).min(last);
        let upper = (place.ceil() as usize).min(last);
        Neighbours { lower, upper, weight: place - place.floor() }
    };
    (0..sizes.to[axis]).map(of).collect()
}

fn resize(images: &dyn Rows, out: &mut [f32], sizes: &Sizes, centers: Centers) {
    let (from, to) = (sizes.row_from(), sizes.row_to());
    if sizes.from == sizes.to {
        return for_rows(out, sizes, 0.25, Vec::new, |room, image, y, row| {
            row.copy_from_slice(images.part(image * sizes.from[0] + y, 0..from, room));
        });
    }
    let [ys, xs] = [0, 1].map(|axis| neighbours(centers, sizes, axis));
    let room = || (Vec::new(), Held { sources: [usize::MAX; 2], rows: [vec![0.0; to], vec![0.0; to]] });
    for_rows(out, sizes, 1.5, room, |(room, held), image, y, out| {
        let above = image * sizes.from[0];
        let Neighbours { lower, upper, weight } = ys[y];
        let [top, bottom] = held.rows([above + lower, above + upper], |source, row| {
            let src = images.part(source, 0..from, room);
            simd::dispatch(Across { src, xs: &xs, channels: sizes.channels, out: row });
        });
        simd::dispatch(Down { top, bottom, weight, out });
    });
}

/// The last two rows of images that were resized across; neighbouring rows of a larger result share them.
struct Held {
    sources: [usize; 2],
    rows: [Vec<f32>; 2],
}

impl Held {
    /// The two wanted rows; those that are not held are made.
    fn rows(&mut self, wanted: [usize; 2], mut make: impl FnMut(usize, &mut [f32])) -> [&[f32]; 2] {
        if self.sources[1] == wanted[0] {
            self.sources.swap(0, 1);
            self.rows.swap(0, 1);
        }
        let distinct = if wanted[0] == wanted[1] { 1 } else { 2 };
        for ((held, row), &source) in self.sources.iter_mut().zip(&mut self.rows).zip(&wanted[..distinct]) {
            if *held != source {
                make(source, row);
                *held = source;
            }
        }
        [&self.rows[0], &self.rows[distinct - 1]]
    }
}

/// A row, resized across.
struct Across<'a> {
    src: &'a [f32],
    xs: &'a [Neighbours],
    channels: usize,
    out: &'a mut [f32],
}

impl simd::Kernel for Across<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        match self.channels {
            1 => self.known::<1>(),
            2 => self.known::<2>(),
            3 => self.known::<3>(),
            4 => self.known::<4>(),
            channels => {
                for (out, x) in self.out.chunks_exact_mut(channels).zip(self.xs) {
                    let [left, right] = [x.lower, x.upper].map(|at| &self.src[at * channels..][..channels]);
                    blend(left, right, x.weight, out);
                }
            }
        }
    }
}

impl Across<'_> {
    /// The loop for pixels of `N` channels.
    #[inline(always)]
    fn known<const N: usize>(self) {
        let (src, _) = self.src.as_chunks::<N>();
        let (out, _) = self.out.as_chunks_mut::<N>();
        for (out, x) in out.iter_mut().zip(self.xs) {
            blend(&src[x.lower], &src[x.upper], x.weight, out);
        }
    }
}

/// What lies between two rows.
struct Down<'a> {
    top: &'a [f32],
    bottom: &'a [f32],
    weight: f32,
    out: &'a mut [f32],
}

impl simd::Kernel for Down<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        blend(self.top, self.bottom, self.weight, self.out);
    }
}

/// `out = a + (b - a) * weight`, rounded as often as TensorFlow does.
#[inline(always)]
fn blend(a: &[f32], b: &[f32], weight: f32, out: &mut [f32]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = a + (b - a) * weight;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("ResizeBilinear", "", "float[1,1,2,1] 1 2; int32[2] 1 3", "float[1,1,3,1] 1 1.6666666 2"),
                (
                    "ResizeBilinear",
                    "half_pixel_centers=true",
                    "uint8[1,2,1,1] 0 100; int32[2] 4 1",
                    "float[1,4,1,1] 0 25 75 100",
                ),
                (
                    "ResizeBilinear",
                    "align_corners=true",
                    "half[1,2,2,2] 1 2 3 4 5 6 7 8; int32[2] 1 3",
                    "float[1,1,3,2] 1 2 2 3 3 4",
                ),
                (
                    "ResizeBilinear",
                    "",
                    "bfloat16[2,1,2,3] 1 2 3 4 5 6 7 8 9 10 11 12; int32[2] 1 1",
                    "float[2,1,1,3] 1 2 3 7 8 9",
                ),
                (
                    "ResizeBilinear",
                    "",
                    "int64[1,1,2,1] 16777217 -3; int32[2] 1 2",
                    "float[1,1,2,1] 16777216 -3",
                ),
                (
                    "ResizeBilinear",
                    "",
                    "int16[1,1,2,5] 0 1 2 3 4 10 11 12 13 14; int32[2] 1 4",
                    "float[1,1,4,5] 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 10 11 12 13 14",
                ),
                ("ResizeBilinear", "", "float[1,1,2,1] inf 1; int32[2] 1 1", "float[1,1,1,1] nan"),
                ("ResizeBilinear", "", "double[0,1,2,1]; int32[2] 1 3", "float[0,1,3,1]"),
                (
                    "ResizeBilinear",
                    "align_corners=true half_pixel_centers=true",
                    "float[1,1,2,1] 1 2; int32[2] 1 3",
                    "INVALID_ARGUMENT: If half_pixel_centers is True, align_corners must be False.",
                ),
                (
                    "ResizeBilinear",
                    "",
                    "float[1,2,1] 1 2; int32[2] 1 3",
                    "INVALID_ARGUMENT: input must be 4-dimensional[1,2,1]",
                ),
                (
                    "ResizeBilinear",
                    "",
                    "float[1,0,2,1]; int32[2] 1 3",
                    "INVALID_ARGUMENT: input image must be of non-zero size",
                ),
                (
                    "ResizeBilinear",
                    "",
                    "float[1,1,2,1] 1 2; int32[1,2] 1 3",
                    "INVALID_ARGUMENT: shape_t must be 1-dimensional[1,2]",
                ),
                (
                    "ResizeBilinear",
                    "",
                    "float[1,1,2,1] 1 2; int32[2] 0 3",
                    "INVALID_ARGUMENT: output dimensions must be positive",
                ),
            ],
        );
    }
}
