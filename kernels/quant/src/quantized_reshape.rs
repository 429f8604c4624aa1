//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

use crate::range::{Range, check_scalars, give, with_range};

/// The same codes in another shape, of which one dimension may be -1; the range stays.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedReshape>
pub const OP: Op = Op {
    name: "QuantizedReshape",
    inputs: &["tensor: T", "shape: Tshape", "input_min: float", "input_max: float"],
    outputs: &["output: T", "output_min: float", "output_max: float"],
    attrs: &["T: type", "Tshape: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", &[DType::Quint8, DType::Qint32])], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    check_scalars(ctx, 2)?;
    let dims = ctx.integers(1);
    let known = dims.and_then(|dims| PartialShape::from_i64(&dims).ok());
    let ranked = || ctx.input(1).dim(0).filter(|&rank| rank <= 254).map(PartialShape::of_rank);
    Ok(with_range(known.or_else(ranked).unwrap_or_default()))
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let shape = wanted(ctx.input(0), ctx.input(1))?;
        let range = Range::single(ctx, 2, ["input_min", "input_max"])?;
        let out = ctx.take(0).reshape(shape)?;
        give(ctx, out, range);
        Ok(())
    }))
}

fn wanted(tensor: &Tensor, sizes: &Tensor) -> Result<Shape> {
    if sizes.rank() != 1 {
        return Err(Error::invalid_argument(format!("sizes input must be 1-D, not {}", sizes.shape())));
    }
    let mut sizes = sizes.to_i64s()?;
    let free: Vec<usize> = (0..sizes.len()).filter(|&i| sizes[i] == -1).collect();
    if let [first, second, ..] = free[..] {
        return Err(Error::invalid_argument(format!(
            "Only one input size may be -1, not both {first} and {second}"
        )));
    }
    if let Some(i) = sizes.iter().position(|&size| size < -1) {
        return Err(Error::invalid_argument(format!("Size {i} must be non-negative, not {}", sizes[i])));
    }
    if let [free] = free[..] {
        sizes[free] = 1;
        let rest = Shape::from_i64(&sizes)?.elements();
        if rest == 0 {
            return Err(Error::invalid_argument(
                "reshape cannot infer the missing input size for an empty tensor unless all specified input sizes are \
                 non-zero",
            ));
        }
        if !tensor.elements().is_multiple_of(rest) {
            return Err(Error::invalid_argument(format!(
                "Input to reshape is a tensor with {} values, but the requested shape requires a multiple of {rest}",
                tensor.elements()
            )));
        }
        sizes[free] = (tensor.elements() / rest) as i64;
    }
    let shape = Shape::from_i64(&sizes)?;
    if shape.elements() != tensor.elements() {
        return Err(Error::invalid_argument(format!(
            "Input to reshape is a tensor with {} values, but the requested shape has {}",
            tensor.elements(),
            shape.elements()
        )));
    }
    Ok(shape)
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "QuantizedReshape";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "",
                    "quint8[2,3] 1 2 3 4 5 6; int32[2] 3 2; float[] 0; float[] 1",
                    "quint8[3,2] 1 2 3 4 5 6; float[] 0; float[] 1",
                ),
                (
                    op,
                    "",
                    "qint32[4] 1 2 3 4; int64[2] -1 2; float[] 0; float[] 1",
                    "qint32[2,2] 1 2 3 4; float[] 0; float[] 1",
                ),
                (
                    op,
                    "",
                    "qint32[1] 1; int32[1] 1; float[0]; float[] 1",
                    "INVALID_ARGUMENT: input_min must have 1 element",
                ),
                (
                    op,
                    "",
                    "qint32[3] 1 2 3; int32[2] 2 2; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: Input to reshape is a tensor with 3 values, but the requested shape has 4",
                ),
                (
                    op,
                    "",
                    "qint32[3] 1 2 3; int32[2] -1 -1; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: Only one input size may be -1, not both 0 and 1",
                ),
            ],
        );
    }
}
