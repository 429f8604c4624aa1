//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::DType::{self, *};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, Unit, by_unit};

use crate::{index, strided};

/// Makes a tensor of one value.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Fill>
pub const OP: Op = Op {
    name: "Fill",
    inputs: &["dims: index_type", "value: T"],
    outputs: &["output: T"],
    attrs: &["T: type", "index_type: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", DTYPES), ("index_type", INDICES)], build),
};

const DTYPES: &[DType] = &[
    Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, Complex64,
    Complex128, String, Resource, Variant, Qint8, Quint8, Qint16, Quint16, Qint32, Int4, Uint4,
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    index::of_rank(ctx, 0, 1)?;
    index::of_rank(ctx, 1, 0)?;
    Ok(vec![index::shape_of_value(ctx, 0)?])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (dims, value) = (ctx.input(0), ctx.input(1));
        if dims.rank() > 1 {
            let text = format!("dims must represent a vector, got shape {}", dims.shape());
            return Err(Error::invalid_argument(text));
        }
        if value.rank() != 0 && value.shape().dims() != [1] {
            let text = format!("value must represent a scalar, got shape {}", value.shape());
            return Err(Error::invalid_argument(text));
        }
        let shape = index::shape(&dims.to_i64s()?)?;
        let mut output = ctx.allocate(value.dtype(), shape)?;
        by_unit!(value.dtype(), U => fill::<U>(&mut output, value))?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// Sets all elements of `output` to the first of `value`.
pub(crate) fn fill<U: Unit>(output: &mut Tensor, value: &Tensor) -> Result<()> {
    let value = value.units::<U>()?.first().ok_or_else(|| Error::internal("a scalar without a value"))?;
    par::for_chunks_mut(output.units_mut()?, strided::grain::<U>() * 2, |_, chunk| chunk.fill(value.clone()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Fill", "", "int32[2] 2 3; float[] 1.5", "float[2,3] 1.5 1.5 1.5 1.5 1.5 1.5"),
                ("Fill", "", "int64[0]; string[] 'a'", "string[] 'a'"),
                ("Fill", "", "int32[2] 2 0; bool[] true", "bool[2,0]"),
                ("Fill", "", "int32[1] 3; qint16[] -7", "qint16[3] -7 -7 -7"),
                ("Fill", "", "int32[1] -3; float[] 2", "INVALID_ARGUMENT: Dimension -3 must be >= 0"),
                (
                    "Fill",
                    "",
                    "int32[1] 3; float[2] 2 3",
                    "INVALID_ARGUMENT: value must represent a scalar, got shape [2]",
                ),
                (
                    "Fill",
                    "",
                    "int32[1,1] 3; float[] 2",
                    "INVALID_ARGUMENT: dims must represent a vector, got shape [1,1]",
                ),
                (
                    "Fill",
                    "",
                    "int64[2] 4294967296 4294967296; float[] 2",
                    "INVALID_ARGUMENT: Shape [4294967296,4294967296] would have more than 2**63 - 1 elements",
                ),
            ],
        );
    }
}
