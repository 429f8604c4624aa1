//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor, Unit, Variant, by_unit};

use crate::ragged::{VALUES, to_splits};
use crate::ragged_tensor_variant::RaggedTensorVariant;

/// Puts the gradients of the rows of a ragged tensor together; an empty variant stands for a row of zeros.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RaggedTensorToVariantGradient>
pub const OP: Op = Op {
    name: "RaggedTensorToVariantGradient",
    inputs: &["encoded_ragged_grad: variant", "row_splits: Tsplits", "dense_values_shape: int32"],
    outputs: &["dense_values_grad: Tvalues"],
    attrs: &["Tvalues: type", "Tsplits: {int32, int64} = DT_INT64"],
    effect: Effect::Pure,
    shape: |ctx: &ShapeContext<'_>| Ok(vec![crate::shapes::value(ctx, 2)]),
    kernels: Kernels::All(&[("Tvalues", VALUES), ("Tsplits", dtypes::INDICES)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("Tvalues")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (rows, sizes) = (ctx.input(0), ctx.input(2));
        let splits = to_splits(ctx.input(1), None)?;
        let shape = Shape::from_i64(&sizes.to_i64s()?)?;
        if sizes.rank() != 1 || shape.rank() == 0 || rows.elements() + 1 != splits.len() {
            return Err(Error::invalid_argument(format!(
                "{} gradients of {} rows of values of shape {shape}",
                rows.elements(),
                splits.len() - 1
            )));
        }
        let mut output = ctx.allocate(dtype, shape)?;
        by_unit!(dtype, U => join::<U>(&mut output, rows.variants()?, &splits))?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn join<U: Unit>(output: &mut Tensor, rows: &[Variant], splits: &[i64]) -> Result<()> {
    let (dtype, size) = (output.dtype(), output.shape()[1..].iter().product::<usize>());
    let uneven = || Error::invalid_argument("the gradients of the rows do not make up the values");
    let mut rest = output.units_mut::<U>()?;
    for (i, (variant, pair)) in rows.iter().zip(splits.windows(2)).enumerate() {
        let len = ((pair[1] - pair[0]) as usize).checked_mul(size).ok_or_else(uneven)?;
        let (place, after) = rest.split_at_mut_checked(len).ok_or_else(uneven)?;
        if variant.is_empty() {
            place.fill(U::default());
        } else {
            let values = &RaggedTensorVariant::of(variant, i)?.values;
            if values.elements() != len || values.dtype() != dtype {
                return Err(uneven());
            }
            place.clone_from_slice(values.units()?);
        }
        rest = after;
    }
    if rest.is_empty() { Ok(()) } else { Err(uneven()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, parse_tensor, show};

    #[test]
    fn table() {
        let check = |splits: &str, shape: &str, want: &str| {
            let variant = |text: &str| {
                Variant::new(RaggedTensorVariant { splits: Vec::new(), values: parse_tensor(text) })
            };
            let rows = vec![variant("float[2] 1 2"), Variant::default(), variant("float[1] 3")];
            let test = OpTest::new(&OP).input(Tensor::from_variants([3], rows).unwrap());
            let test = test.input(parse_tensor(splits)).input(parse_tensor(shape));
            let got = show(&test.attr("Tvalues", DType::Float).run());
            assert!(got.starts_with(want), "{got}");
        };
        check("int64[4] 0 2 4 5", "int32[1] 5", "float[5] 1 2 0 0 3");
        check("int64[4] 0 1 2 3", "int32[2] 3 1", "INVALID_ARGUMENT: the gradients of the rows");
        check("int64[4] 0 2 4 5", "int32[1] 6", "INVALID_ARGUMENT: the gradients of the rows");
        check("int64[3] 0 2 4", "int32[1] 4", "INVALID_ARGUMENT: 3 gradients of 2 rows");
        check("int64[0]", "int32[1] 4", "INVALID_ARGUMENT: Invalid ragged splits: ragged splits must have");
    }
}
