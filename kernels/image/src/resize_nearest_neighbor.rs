//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{DType, Error, Result, Tensor, Unit, by_width};

use crate::resize::{Centers, Sizes, shape};

/// Resizes images by taking the pixel that lies nearest.
///
/// Without an attribute "nearest" means the one above and to the left; with `align_corners` halves go up.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResizeNearestNeighbor>
pub const OP: Op = Op {
    name: "ResizeNearestNeighbor",
    inputs: &["images: T", "size: int32"],
    outputs: &["resized_images: T"],
    attrs: &[
        "T: {int8, uint8, int16, uint16, int32, int64, half, float, double, bfloat16}",
        "align_corners: bool = false",
        "half_pixel_centers: bool = false",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", DTYPES)], build),
};

const DTYPES: &[DType] = &[
    DType::Int8,
    DType::Uint8,
    DType::Int16,
    DType::Uint16,
    DType::Int32,
    DType::Int64,
    DType::Half,
    DType::Float,
    DType::Double,
    DType::Bfloat16,
];

/// Above this, single precision does not tell pixels apart.
const LONGEST: usize = 1 << 24;

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let centers = Centers::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let sizes = Sizes::of(ctx, centers)?;
        if sizes.from.iter().any(|&side| side >= LONGEST) {
            return Err(Error::invalid_argument("nearest neighbor requires max height & width of 2^24"));
        }
        let mut output = ctx.allocate(ctx.input(0).dtype(), sizes.shape())?;
        let places = [0, 1].map(|axis| nearest(centers, &sizes, axis));
        by_width!(output.dtype(), U => resize::<U>(ctx.input(0), &mut output, &sizes, &places))?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The pixel of the image for each pixel of the result, along one axis.
pub fn nearest(centers: Centers, sizes: &Sizes, axis: usize) -> Vec<usize> {
    let scale = sizes.scale[axis];
    let place = |at: usize| match (centers.half_pixel, centers.align_corners) {
        // The half that the centre lies above the pixel's edge is what rounding down takes off.
        (true, _) => ((at as f32 + 0.5) * scale).floor(),
        (false, true) => (at as f32 * scale).round(),
        (false, false) => (at as f32 * scale).floor(),
    };
    (0..sizes.to[axis]).map(|at| (place(at) as usize).min(sizes.from[axis] - 1)).collect()
}

fn resize<U: Unit>(
    images: &Tensor,
    output: &mut Tensor,
    sizes: &Sizes,
    [ys, xs]: &[Vec<usize>; 2],
) -> Result<()> {
    let images = images.units::<U>()?;
    let (from, to) = (sizes.row_from(), sizes.row_to());
    let grain = par::grain(to as f64 * 0.5);
    par::for_rows_mut(output.units_mut::<U>()?, to, grain, |first, rows| {
        let mut above = None;
        for i in 0..rows.len() / to {
            let (image, y) = ((first + i) / sizes.to[0], (first + i) % sizes.to[0]);
            let source = image * sizes.from[0] + ys[y];
            let (done, rest) = rows.split_at_mut(i * to);
            let row = &mut rest[..to];
            if above == Some(source) {
                row.clone_from_slice(&done[(i - 1) * to..]);
            } else {
                copy_row(&images[source * from..][..from], row, xs, sizes.channels);
            }
            above = Some(source);
        }
    });
    Ok(())
}

fn copy_row<U: Unit>(src: &[U], dst: &mut [U], xs: &[usize], channels: usize) {
    match channels {
        1 => dst.iter_mut().zip(xs).for_each(|(pixel, &x)| *pixel = src[x].clone()),
        3 => copy_pixels::<U, 3>(src, dst, xs),
        4 => copy_pixels::<U, 4>(src, dst, xs),
        _ => dst
            .chunks_exact_mut(channels)
            .zip(xs)
            .for_each(|(pixel, &x)| pixel.clone_from_slice(&src[x * channels..][..channels])),
    }
}

/// Copies pixels of a known number of channels, without a call for each.
fn copy_pixels<U: Unit, const N: usize>(src: &[U], dst: &mut [U], xs: &[usize]) {
    let (src, _) = src.as_chunks::<N>();
    let (dst, _) = dst.as_chunks_mut::<N>();
    dst.iter_mut().zip(xs).for_each(|(pixel, &x)| pixel.clone_from(&src[x]));
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("ResizeNearestNeighbor", "", "uint8[1,1,2,1] 1 2; int32[2] 1 3", "uint8[1,1,3,1] 1 1 2"),
                (
                    "ResizeNearestNeighbor",
                    "half_pixel_centers=true",
                    "half[1,1,2,1] 1 2; int32[2] 1 3",
                    "half[1,1,3,1] 1 2 2",
                ),
                (
                    "ResizeNearestNeighbor",
                    "align_corners=true",
                    "int64[1,1,2,1] 1 2; int32[2] 1 3",
                    "int64[1,1,3,1] 1 2 2",
                ),
                (
                    "ResizeNearestNeighbor",
                    "",
                    "float[2,1,2,3] 1 2 3 4 5 6 7 8 9 10 11 12; int32[2] 2 1",
                    "float[2,2,1,3] 1 2 3 1 2 3 7 8 9 7 8 9",
                ),
                (
                    "ResizeNearestNeighbor",
                    "",
                    "double[1,1,2,2] 1 2 3 4; int32[2] 1 4",
                    "double[1,1,4,2] 1 2 1 2 3 4 3 4",
                ),
                ("ResizeNearestNeighbor", "", "int8[0,1,2,1]; int32[2] 1 3", "int8[0,1,3,1]"),
                (
                    "ResizeNearestNeighbor",
                    "",
                    "int8[1,1,2,0]; int32[2] 1 3",
                    "INVALID_ARGUMENT: image must have at least one channel",
                ),
                (
                    "ResizeNearestNeighbor",
                    "",
                    "int8[1,1,2,1] 1 2; int32[2] 1 -3",
                    "INVALID_ARGUMENT: output dimensions must be positive",
                ),
                (
                    "ResizeNearestNeighbor",
                    "",
                    "int8[1,1,1,1] 1; int32[2] 2147483647 2147483647",
                    "RESOURCE_EXHAUSTED: OOM",
                ),
            ],
        );
    }
}
