//! See [`OP`].

use savedmodel_math::simd::{self, Isa};
use savedmodel_op::{Construction, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Result, bf16, f16};

use crate::pixel::{Pixel, Rows};
use crate::resize::{Centers, Sizes, for_rows, kernel, shape};

/// Resizes images by taking the mean of the area that a pixel of the result covers.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResizeArea>
pub const OP: Op = Op {
    name: "ResizeArea",
    inputs: &["images: T", "size: int32"],
    outputs: &["resized_images: float"],
    attrs: &[
        "T: {int8, uint8, int16, uint16, int32, int64, half, float, double, bfloat16}",
        "align_corners: bool = false",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: i8 u8 i16 u16 i32 i64 f16 f32 f64 bf16),
};

fn build<T: Pixel>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let centers = Centers { align_corners: node.attr("align_corners")?, half_pixel: false };
    Ok(kernel::<T>(centers, resize))
}

/// The pixels of the image that a pixel of the result covers along one axis, of which the outer two count partly.
struct Cover {
    start: i64,
    end: i64,
    first: f32,
    last: f32,
}

impl Cover {
    fn of(at: usize, scale: f32) -> Cover {
        let (from, to) = (at as f32 * scale, (at + 1) as f32 * scale);
        let (start, end) = (from.floor() as i64, to.ceil() as i64);
        Cover { start, end, first: share(start, from, to, scale), last: share(end - 1, from, to, scale) }
    }

    /// The pixels by their places, with their shares.
    fn shares(&self) -> impl Iterator<Item = (i64, f32)> {
        let inner = (self.start + 1..self.end - 1).map(|at| (at, 1.0));
        let last = (self.start + 1 != self.end).then_some((self.end - 1, self.last));
        std::iter::once((self.start, self.first)).chain(inner).chain(last)
    }
}

/// How much of pixel `at` lies between `from` and `to`, which are `scale` apart.
fn share(at: i64, from: f32, to: f32, scale: f32) -> f32 {
    let (at, next) = (at as f32, (at + 1) as f32);
    match (at < from, next > to) {
        (true, true) => scale,
        (true, false) => next - from,
        (false, true) => to - at,
        (false, false) => 1.0,
    }
}

fn bound(at: i64, side: usize) -> usize {
    at.clamp(0, side as i64 - 1) as usize
}

fn resize(images: &dyn Rows, out: &mut [f32], sizes: &Sizes, _: Centers) {
    let [height, width] = sizes.from;
    let columns: Vec<Vec<(usize, f32)>> = (0..sizes.to[1])
        .map(|x| Cover::of(x, sizes.scale[1]).shares().map(|(at, share)| (bound(at, width), share)).collect())
        .collect();
    let scale = (1.0 / f64::from(sizes.scale[0] * sizes.scale[1])) as f32;
    let work = 0.5 * f64::from(sizes.scale[0].max(1.0) * sizes.scale[1].max(1.0)) + 1.0;
    let room = || (Vec::new(), vec![0.0; sizes.row_to()]);
    for_rows(out, sizes, work, room, |(room, sums), image, y, out| {
        let cover = Cover::of(y, sizes.scale[0]);
        out.fill(0.0);
        for at in cover.start..cover.end {
            let source = image * height + bound(at, height);
            let src = images.part(source, 0..sizes.row_from(), room);
            across(src, &columns, sizes.channels, sums);
            let share = if at == cover.start {
                cover.first
            } else if at == cover.end - 1 {
                cover.last
            } else {
                1.0
            };
            simd::dispatch(Add { sums, share, out });
        }
        out.iter_mut().for_each(|x| *x *= scale);
    });
}

/// The sums of a row's pixels by columns of the result.
fn across(src: &[f32], columns: &[Vec<(usize, f32)>], channels: usize, sums: &mut [f32]) {
    for (sums, column) in sums.chunks_exact_mut(channels).zip(columns) {
        let mut shares = column.iter();
        if let Some(&(at, share)) = shares.next() {
            sums.iter_mut().zip(&src[at * channels..]).for_each(|(sum, x)| *sum = x * share);
        }
        for &(at, share) in shares {
            sums.iter_mut().zip(&src[at * channels..]).for_each(|(sum, x)| *sum += x * share);
        }
    }
}

/// `out += sums * share`, rounded twice.
struct Add<'a> {
    sums: &'a [f32],
    share: f32,
    out: &'a mut [f32],
}

impl simd::Kernel for Add<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        self.out.iter_mut().zip(self.sums).for_each(|(out, sum)| *out += sum * self.share);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("ResizeArea", "", "float[1,1,4,1] 1 2 3 4; int32[2] 1 3", "float[1,1,3,1] 1.25 2.5 3.75"),
                (
                    "ResizeArea",
                    "",
                    "uint8[1,3,2,1] 0 100 200 30 50 255; int32[2] 2 1",
                    "float[1,2,1,1] 71.66667 140",
                ),
                (
                    "ResizeArea",
                    "align_corners=true",
                    "int16[1,1,4,3] 1 2 3 4 5 6 7 8 9 10 11 12; int32[2] 1 2",
                    "float[1,1,2,3] 4 5 6 10 11 12",
                ),
                ("ResizeArea", "align_corners=true", "half[1,1,1,1] 3; int32[2] 1 2", "float[1,1,2,1] 3 3"),
                (
                    "ResizeArea",
                    "",
                    "double[1,2,2,1] 1 2 3 4; int32[2] 4 4",
                    "float[1,4,4,1] 1 1 2 2 1 1 2 2 3 3 4 4 3 3 4 4",
                ),
                ("ResizeArea", "", "int64[0,2,2,1]; int32[2] 4 4", "float[0,4,4,1]"),
                (
                    "ResizeArea",
                    "",
                    "float[1,2,2,0]; int32[2] 4 4",
                    "INVALID_ARGUMENT: image must have at least one channel",
                ),
                (
                    "ResizeArea",
                    "",
                    "float[1,2,2,1] 1 2 3 4; int32[1] 4",
                    "INVALID_ARGUMENT: shape_t must have two elements[1]",
                ),
            ],
        );
    }
}
