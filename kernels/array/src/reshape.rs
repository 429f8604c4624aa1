//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape};

use crate::index;

/// Gives the same elements in another shape.
///
/// One dimension may be -1 and follows from the others, also for an empty tensor: `[0, 3]` taken as `[-1, 0]` is
/// `[3, 0]`.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Reshape>
pub const OP: Op = Op {
    name: "Reshape",
    inputs: &["tensor: T", "shape: Tshape"],
    outputs: &["output: T"],
    attrs: &["T: type", "Tshape: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("Tshape", INDICES)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    index::of_rank(ctx, 1, 1)?;
    let input = ctx.input(0);
    let Some(sizes) = ctx.integers(1) else {
        let rank = ctx.input(1).dim(0).filter(|&rank| rank <= Shape::MAX_RANK);
        return Ok(vec![rank.map_or_else(PartialShape::unknown, PartialShape::of_rank)]);
    };
    Ok(vec![match input.known() {
        Some(input) => (&reshaped(&input, &sizes)?).into(),
        None => PartialShape::from_i64(&sizes)?,
    }])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let sizes = ctx.input(1);
        if sizes.rank() > 1 {
            return Err(Error::invalid_argument(format!("sizes input must be 1-D, not {}", sizes.shape())));
        }
        let shape = reshaped(ctx.input(0).shape(), &sizes.to_i64s()?)?;
        let output = ctx.take(0).reshape(shape)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The shape that `sizes` means for a tensor of shape `input`.
fn reshaped(input: &Shape, sizes: &[i64]) -> Result<Shape> {
    let mut free = None;
    for (i, &size) in sizes.iter().enumerate() {
        match (size, free) {
            (-1, Some(first)) => {
                let text = format!("Only one input size may be -1, not both {first} and {i}");
                return Err(Error::invalid_argument(text));
            }
            (-1, None) => free = Some(i),
            (..-1, _) => {
                return Err(Error::invalid_argument(format!("Size {i} must be non-negative, not {size}")));
            }
            _ => {}
        }
    }
    let mut shape: Shape = sizes.iter().map(|&size| if size == -1 { 1 } else { size as usize }).collect();
    let elements = input.elements();
    if let Some(free) = free {
        shape.dims_mut()[free] = missing(input, &shape)?;
    }
    if shape.checked_elements().map_err(|_| too_many(sizes))? != elements {
        return Err(Error::invalid_argument(format!(
            "Input to reshape is a tensor with {elements} values, but the requested shape has {}",
            shape.elements()
        )));
    }
    Ok(shape)
}

fn too_many(sizes: &[i64]) -> Error {
    Error::invalid_argument(format!("Shape {sizes:?} has too many elements"))
}

/// What -1 means, `sizes` being the other dimensions: zeros are left out on both sides, so that an empty tensor
/// may still tell its dimension.
fn missing(input: &Shape, sizes: &Shape) -> Result<usize> {
    let wants_zero = sizes.contains(&0);
    let nonzero = |shape: &Shape| shape.iter().copied().filter(|&dim| dim > 0).collect::<Shape>();
    let product = nonzero(sizes).checked_elements().map_err(|_| too_many(&sizes.to_i64()))?;
    let elements = if wants_zero { nonzero(input).checked_elements()? } else { input.elements() };
    let skipped = wants_zero && input.contains(&0);
    if !skipped && !elements.is_multiple_of(product) {
        return Err(Error::invalid_argument(format!(
            "Input to reshape is a tensor with {elements} values, but the requested shape requires a multiple of \
             {product}"
        )));
    }
    Ok(elements / product)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Reshape", "", "float[2,3] 1 2 3 4 5 6; int32[2] 3 -1", "float[3,2] 1 2 3 4 5 6"),
                ("Reshape", "", "string[2] 'a' 'b'; int64[3] 1 2 1", "string[1,2,1] 'a' 'b'"),
                ("Reshape", "", "float[1] 1; int32[0]", "float[] 1"),
                ("Reshape", "", "float[0,3]; int32[2] -1 0", "float[3,0]"),
                ("Reshape", "", "float[0,3]; int32[2] -1 2", "float[0,2]"),
                ("Reshape", "", "float[0]; int32[2] 5 0", "float[5,0]"),
                (
                    "Reshape",
                    "",
                    "float[6] 1 2 3 4 5 6; int32[2] 4 -1",
                    "INVALID_ARGUMENT: Input to reshape is a tensor with 6 values, but the requested shape requires a multiple of 4",
                ),
                (
                    "Reshape",
                    "",
                    "float[6] 1 2 3 4 5 6; int32[2] 4 2",
                    "INVALID_ARGUMENT: Input to reshape is a tensor with 6 values, but the requested shape has 8",
                ),
                (
                    "Reshape",
                    "",
                    "float[6] 1 2 3 4 5 6; int32[2] -1 -1",
                    "INVALID_ARGUMENT: Only one input size may be -1, not both 0 and 1",
                ),
                (
                    "Reshape",
                    "",
                    "float[6] 1 2 3 4 5 6; int32[2] -2 3",
                    "INVALID_ARGUMENT: Size 0 must be non-negative, not -2",
                ),
                (
                    "Reshape",
                    "",
                    "float[6] 1 2 3 4 5 6; int32[1,1] 6",
                    "INVALID_ARGUMENT: sizes input must be 1-D, not [1,1]",
                ),
                (
                    "Reshape",
                    "",
                    "float[1] 1; int64[3] 4294967296 4294967296 4294967296",
                    "INVALID_ARGUMENT: Shape [4294967296, 4294967296, 4294967296] has too many elements",
                ),
            ],
        );
    }
}
