//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

/// Takes the bytes of a tensor as another dtype.
///
/// Smaller elements get an innermost dimension, larger ones use it up. Bytes are in little-endian order.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Bitcast>
pub const OP: Op = Op {
    name: "Bitcast",
    inputs: &["input: T"],
    outputs: &["output: type"],
    attrs: &["T: {numbertype, qint16, quint16}", "type: {numbertype, qint16, quint16}"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let sizes =
        ctx.attr::<DType>("T").and_then(DType::size).zip(ctx.attr::<DType>("type").and_then(DType::size));
    let (Some((from, to)), Some(dims)) = (sizes, input.dims()) else {
        return Ok(vec![PartialShape::unknown()]);
    };
    let mut dims = dims.to_vec();
    if from > to {
        dims.push(Some(from / to));
    } else if from < to {
        dims.pop();
    }
    Ok(vec![PartialShape::new(dims)])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let output = bitcast(ctx.take(0), dtype)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn bitcast(input: Tensor, dtype: DType) -> Result<Tensor> {
    let (Some(from), Some(to), Some(buffer)) = (input.dtype().size(), dtype.size(), input.buffer()) else {
        return Err(refused(&input, dtype));
    };
    let mut shape: Shape = input.shape().clone();
    if from > to {
        shape.push(from / to);
    } else if from < to {
        match shape.last() {
            Some(&last) if last == to / from => shape.remove(shape.rank() - 1),
            _ => return Err(refused(&input, dtype)),
        };
    }
    Tensor::from_buffer(dtype, shape, buffer.clone())
}

fn refused(input: &Tensor, dtype: DType) -> Error {
    Error::invalid_argument(format!("Cannot bitcast from {} to {}", input.dtype().number(), dtype.number()))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Bitcast", "type=int32", "float[2] 1 2", "int32[2] 1065353216 1073741824"),
                ("Bitcast", "type=uint8", "float[2] 1 2", "uint8[2,4] 0 0 128 63 0 0 0 64"),
                ("Bitcast", "type=float", "uint8[2,4] 0 0 128 63 0 0 0 64", "float[2] 1 2"),
                ("Bitcast", "type=uint16", "half[1] 1", "uint16[1] 15360"),
                ("Bitcast", "type=qint8", "int32[1] 258", "qint8[1,4] 2 1 0 0"),
                ("Bitcast", "type=complex64", "float[2] 1 2", "complex64[] 1+2i"),
                ("Bitcast", "type=uint8", "float[0]", "uint8[0,4]"),
                (
                    "Bitcast",
                    "type=float",
                    "uint8[2,3] 0 0 128 63 0 0",
                    "INVALID_ARGUMENT: Cannot bitcast from 4 to 1",
                ),
                ("Bitcast", "type=float", "uint8[] 0", "INVALID_ARGUMENT: Cannot bitcast from 4 to 1"),
                ("Bitcast", "type=double", "float[2,1] 1 2", "INVALID_ARGUMENT: Cannot bitcast from 1 to 2"),
            ],
        );
    }
}
