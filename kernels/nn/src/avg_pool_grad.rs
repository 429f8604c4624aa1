//! See [`OPS`].

use savedmodel_op::{Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

use crate::avg_pool::attributes_2d;
use crate::layout::{Images, transpose};
use crate::max_pool::attributes_3d;
use crate::numbers::{Numbers, rounding};
use crate::pool::attributes::Attributes;
use crate::pool::spread::means;

/// The gradients of means of windows: each cell takes an equal share of the gradients of its windows.
///
/// The first input is the shape of what was pooled. In two dimensions gradients of fewer windows than fit are taken; those
/// of windows that lie outside are dropped. Half and bfloat16 round every partial sum. Both data formats are taken.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AvgPoolGrad>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AvgPool3DGrad>
pub const OPS: &[Op] = &[
    Op {
        name: "AvgPoolGrad",
        inputs: &["orig_input_shape: int32", "grad: T"],
        outputs: &["output: T"],
        attrs: &[
            "ksize: list(int) >= 4",
            "strides: list(int) >= 4",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
            "T: {half, bfloat16, float, double}",
        ],
        effect: Effect::Pure,
        shape: |ctx| shape(ctx, 4),
        kernels: Kernels::All(&[("T", dtypes::FLOATS)], |node| kernel(attributes_2d(node)?)),
    },
    Op {
        name: "AvgPool3DGrad",
        inputs: &["orig_input_shape: int32", "grad: T"],
        outputs: &["output: T"],
        attrs: &[
            "ksize: list(int) >= 5",
            "strides: list(int) >= 5",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'",
            "T: {half, bfloat16, float, double}",
        ],
        effect: Effect::Pure,
        shape: |ctx| shape(ctx, 5),
        kernels: Kernels::All(&[("T", &[DType::Float, DType::Bfloat16])], |node| {
            kernel(attributes_3d(node)?)
        }),
    },
];

fn shape(ctx: &ShapeContext<'_>, rank: usize) -> Result<Vec<PartialShape>> {
    let sizes = ctx.integers(0).filter(|sizes| sizes.len() == rank);
    Ok(vec![match sizes {
        Some(sizes) => PartialShape::new(sizes.iter().map(|&size| usize::try_from(size).ok())),
        None => PartialShape::of_rank(rank),
    }])
}

fn kernel(attributes: Attributes) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let gradient = ctx.input(1);
        let shape = check(&attributes, ctx.input(0), gradient.shape())?;
        let mut out = ctx.allocate(gradient.dtype(), shape)?;
        let first = attributes.channels_first;
        let [input, windows] = [out.shape(), gradient.shape()].map(|shape| Images::of(shape, first));
        let dims = attributes.dims(input.space)?;
        let round = rounding(gradient.dtype());
        if gradient.dtype() == DType::Float && !first {
            means(&input, &dims, (gradient.as_slice::<f32>()?, &windows), round, out.as_mut_slice()?);
            ctx.set(0, out);
            return Ok(());
        }
        let Numbers::Real(gradients) = Numbers::of(gradient)? else { return Ok(()) };
        let gradients = moved(gradients, &windows, first, false);
        let mut sums = vec![0.0; out.elements()];
        means(&input, &dims, (&gradients[..], &windows), round, &mut sums);
        Numbers::Real(moved(sums, &input, first, true)).write(&mut out)?;
        ctx.set(0, out);
        Ok(())
    }))
}

/// Numbers with channels innermost, where they come first, or `back` again.
fn moved(numbers: Vec<f64>, images: &Images, channels_first: bool, back: bool) -> Vec<f64> {
    if !channels_first {
        return numbers;
    }
    let sides = [images.channels, images.pixels()];
    let mut moved = vec![0.0; numbers.len()];
    transpose(&numbers, &mut moved, if back { [sides[1], sides[0]] } else { sides });
    moved
}

/// The shape of the result.
fn check(attributes: &Attributes, sizes: &Tensor, gradient: &Shape) -> Result<Shape> {
    let rank = attributes.spatial + 2;
    let refuse = |text: String| Err(Error::invalid_argument(text));
    if sizes.rank() != 1 || sizes.elements() != rank {
        return refuse(format!("orig_input_shape must be 1-dimensional and {rank} elements"));
    }
    if gradient.rank() != rank {
        return refuse(format!("out_backprop must be {rank}-dimensional"));
    }
    let shape = Shape::from_i64(&sizes.to_i64s()?)?;
    let [input, windows] = [&shape, gradient].map(|shape| Images::of(shape, attributes.channels_first));
    if [input.batch, input.channels] != [windows.batch, windows.channels] {
        return refuse(format!("gradients of shape {gradient} are none of means over {shape}"));
    }
    let dims = attributes.dims(input.space)?;
    if dims
        .iter()
        .zip(windows.space)
        .any(|(dim, windows)| windows.saturating_sub(1).saturating_mul(dim.stride) > dim.input)
    {
        return refuse("index * stride must be less than or equal to input size".to_owned());
    }
    if rank == 5 && dims.map(|dim| dim.output) != windows.space {
        return refuse(format!("gradients of shape {gradient} are none of means over {shape}"));
    }
    Ok(shape)
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "AvgPoolGrad",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=VALID",
                    "int32[4] 1 3 3 1; float[1,2,2,1] 4 8 12 16",
                    "float[1,3,3,1] 1 3 2 4 10 6 3 7 4",
                ),
                (
                    "AvgPoolGrad",
                    "ksize=[1,2,2,1] strides=[1,2,2,1] padding=SAME",
                    "int32[4] 1 3 3 1; double[1,2,2,1] 4 8 12 16",
                    "double[1,3,3,1] 1 1 4 1 1 4 6 6 16",
                ),
                (
                    "AvgPoolGrad",
                    "ksize=[1,1,3,1] strides=[1,1,1,1] padding=VALID",
                    "int32[4] 1 1 3 1; half[1,1,1,1] 1",
                    "half[1,1,3,1] 0.33325195 0.33325195 0.33325195",
                ),
                (
                    "AvgPoolGrad",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=VALID",
                    "int32[4] 1 3 3 1; float[1,3,2,1] 1 1 1 1 1 1",
                    "float[1,3,3,1] 0.25 0.5 0.25 0.5 1 0.5 0.75 1.5 0.75",
                ),
                (
                    "AvgPoolGrad",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=VALID",
                    "int32[3] 1 3 3; float[1,2,2,1] 1 1 1 1",
                    "INVALID_ARGUMENT: orig_input_shape must be 1-dimensional and 4 elements",
                ),
                (
                    "AvgPoolGrad",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=VALID",
                    "int32[4] 1 3 3 1; float[1,2,2,2] 1 1 1 1 1 1 1 1",
                    "INVALID_ARGUMENT: gradients of shape [1,2,2,2] are none of means over [1,3,3,1]",
                ),
                (
                    "AvgPool3DGrad",
                    "ksize=[1,1,1,2,1] strides=[1,1,1,1,1] padding=SAME",
                    "int32[5] 1 1 1 3 1; bfloat16[1,1,1,3,1] 2 4 6",
                    "bfloat16[1,1,1,3,1] 1 3 8",
                ),
            ],
        );
    }
}
