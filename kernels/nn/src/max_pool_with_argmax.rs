//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{DType, Element, Error, Result, Tensor, bf16, f16};

use crate::layout::Images;
use crate::pool::attributes::{Attributes, shape};
use crate::pool::each_cell;
use crate::window::Dim;

/// The maximum of each window, and where it lies.
///
/// Positions count the elements of one image, or of all with `include_batch_in_index`. The first of equal cells is
/// taken; NaN is taken if it is the first cell, else skipped. A window over channels counts as one channel.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MaxPoolWithArgmax>
pub const OP: Op = Op {
    name: "MaxPoolWithArgmax",
    inputs: &["input: T"],
    outputs: &["output: T", "argmax: Targmax"],
    attrs: &[
        "ksize: list(int) >= 4",
        "strides: list(int) >= 4",
        "Targmax: {int32, int64} = DT_INT64",
        "padding: {'SAME', 'VALID'}",
        "include_batch_in_index: bool = false",
        "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}",
    ],
    effect: Effect::Pure,
    shape: |ctx| {
        let mut shapes = shape(ctx, 2)?;
        if let Some(channels) = ctx.input(0).dims().map(|dims| dims[3]) {
            for shape in &mut shapes {
                let dims = shape.dims().unwrap_or_default();
                let dims: Vec<_> = dims[..dims.len() - 1].iter().copied().chain([channels]).collect();
                *shape = savedmodel_tensor::PartialShape::new(dims);
            }
        }
        Ok(shapes)
    },
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
};

fn build<T: Element + PartialOrd>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let attributes = Attributes::of(node, 2, |ksize| {
        let bad = ksize.iter().find(|&&v| v <= 0).copied().unwrap_or_default();
        format!("ksize must be a positive int32 value, got:{bad}")
    })?;
    let all = node.attr::<bool>("include_batch_in_index")?;
    let argmax: DType = node.attr("Targmax")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        if input.rank() != 4 {
            return Err(Error::invalid_argument("tensor_in must be 4-dimensional (2)"));
        }
        if input.elements() == 0 {
            return Err(Error::invalid_argument("tensor_in must not be empty (2)"));
        }
        let images = Images::of(input.shape(), false);
        // Windows over channels that TensorFlow takes do nothing here.
        if attributes.depth_window != 1 {
            attributes.check_depth(images.channels)?;
        }
        let dims = attributes.dims(images.space)?;
        let output = Images { space: dims.map(|dim| dim.output), ..images };
        let shape = output.shape(2, false);
        let mut out = ctx.allocate(T::DTYPE, shape.clone())?;
        let mut places = ctx.allocate(DType::Int64, shape)?;
        let windows = Windows { images, dims, all };
        windows.pool(input.as_slice::<T>()?, out.as_mut_slice()?, places.as_mut_slice()?);
        if argmax == DType::Int32 {
            let narrow = places.as_slice::<i64>()?.iter().map(|&place| place as i32).collect();
            places = Tensor::from_vec(places.shape(), narrow)?;
        }
        ctx.set(0, out);
        ctx.set(1, places);
        Ok(())
    }))
}

/// All windows of one call.
struct Windows {
    images: Images,
    dims: [Dim; 3],
    all: bool,
}

impl Windows {
    fn pool<T: Element + PartialOrd>(&self, data: &[T], out: &mut [T], places: &mut [i64]) {
        let channels = self.images.channels;
        let [_, height, width] = self.dims.map(|dim| dim.output);
        let image = self.images.pixels() * channels;
        let grain = (par::grain(1.0) / channels.max(1)).max(1) * channels;
        par::for_chunks_mut2(out, places, grain, |start, out, places| {
            let outputs = out.chunks_exact_mut(channels).zip(places.chunks_exact_mut(channels));
            for (index, (out, places)) in (start / channels..).zip(outputs) {
                let at = [0, index / width % height, index % width];
                let first = index / width / height * image;
                let base = if self.all { first } else { 0 };
                let mut is_first = true;
                each_cell(&self.dims, at, |cell| {
                    let cells = &data[first + cell * channels..first + (cell + 1) * channels];
                    for (c, &x) in cells.iter().enumerate() {
                        if is_first || x > out[c] {
                            out[c] = x;
                            places[c] = (base + cell * channels + c) as i64;
                        }
                    }
                    is_first = false;
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "MaxPoolWithArgmax",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,3,3,1] 1 8 4 0 7 3 10 6 2",
                    "float[1,2,2,1] 8 8 10 7; int64[1,2,2,1] 1 1 6 4",
                ),
                (
                    "MaxPoolWithArgmax",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=SAME Targmax=int32",
                    "uint8[2,1,2,2] 1 2 4 3 5 8 7 6",
                    "uint8[2,1,2,2] 4 3 4 3 7 8 7 6; int32[2,1,2,2] 2 3 2 3 2 1 2 3",
                ),
                (
                    "MaxPoolWithArgmax",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=SAME include_batch_in_index=true",
                    "int16[2,1,2,2] 1 2 4 3 5 8 7 6",
                    "int16[2,1,2,2] 4 3 4 3 7 8 7 6; int64[2,1,2,2] 2 3 2 3 6 5 6 7",
                ),
                (
                    "MaxPoolWithArgmax",
                    "ksize=[1,1,2,1] strides=[1,1,1,1] padding=VALID",
                    "half[1,1,4,1] NaN 1 1 NaN",
                    "half[1,1,3,1] NaN 1 1; int64[1,1,3,1] 0 1 2",
                ),
                (
                    "MaxPoolWithArgmax",
                    "ksize=[1,1,1,2] strides=[1,1,1,2] padding=VALID",
                    "float[1,1,1,2] 1 2",
                    "float[1,1,1,2] 1 2; int64[1,1,1,2] 0 1",
                ),
                (
                    "MaxPoolWithArgmax",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,0,1,2]",
                    "INVALID_ARGUMENT: tensor_in must not be empty (2)",
                ),
                (
                    "MaxPoolWithArgmax",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,1,2] 1 2",
                    "INVALID_ARGUMENT: tensor_in must be 4-dimensional (2)",
                ),
            ],
        );
    }
}
