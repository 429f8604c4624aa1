//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor, Variant};

use crate::ragged::{VALUES, to_splits, to_tensor};
use crate::ragged_tensor_variant::RaggedTensorVariant;

/// Puts a ragged tensor into a variant, or each of its rows into one.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RaggedTensorToVariant>
pub const OP: Op = Op {
    name: "RaggedTensorToVariant",
    inputs: &["rt_nested_splits: RAGGED_RANK * Tsplits", "rt_dense_values: Tvalues"],
    outputs: &["encoded_ragged: variant"],
    attrs: &[
        "RAGGED_RANK: int >= 0",
        "Tvalues: type",
        "Tsplits: {int32, int64} = DT_INT64",
        "batched_input: bool",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("Tvalues", VALUES), ("Tsplits", dtypes::INDICES)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let depth = ctx.inputs.len() - 1;
    let first = ctx.input(0).dim(0);
    Ok(vec![match ctx.attr("batched_input") {
        Some(false) => PartialShape::of_rank(0),
        _ if depth == 0 => PartialShape::new([first]),
        _ => PartialShape::new([first.and_then(|splits| splits.checked_sub(1))]),
    }])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (batched, dtype): (bool, DType) = (node.attr("batched_input")?, node.attr("Tsplits")?);
    let depth = node.inputs.len() - 1;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let splits = splits(ctx, depth)?;
        let output = if batched {
            let rows = match depth {
                0 => dense_rows(ctx.input(0))?,
                _ => rows(&splits, ctx.input(depth), dtype)?,
            };
            Tensor::from_variants([rows.len()], rows)?
        } else {
            let splits = ctx.inputs(0).take(depth).cloned().collect();
            let values = ctx.take(depth);
            Tensor::from_variants(
                Shape::scalar(),
                vec![Variant::new(RaggedTensorVariant { splits, values })],
            )?
        };
        ctx.set(0, output);
        Ok(())
    }))
}

/// The row splits, of which each must cut what is below it into rows.
fn splits(ctx: &Context<'_>, depth: usize) -> Result<Vec<Vec<i64>>> {
    let values = ctx.input(depth);
    if depth > 0 && values.rank() == 0 {
        let text = "Requires flat_values to have rank>=1 when nested_row_splits is not empty, but is 0.";
        return Err(Error::invalid_argument(text));
    }
    let mut all: Vec<Vec<i64>> = Vec::with_capacity(depth);
    let mut below = values.shape().first().copied().unwrap_or(0);
    for i in (0..depth).rev() {
        let splits = to_splits(ctx.input(i), Some(below))?;
        below = splits.len() - 1;
        all.push(splits);
    }
    all.reverse();
    Ok(all)
}

/// A variant for each row of a tensor.
fn dense_rows(values: &Tensor) -> Result<Vec<Variant>> {
    let Some((&rows, inner)) = values.shape().split_first() else {
        return Err(Error::invalid_argument("Batched input must have rank>=1, but has rank 0."));
    };
    let row = |i: usize| {
        let values = values.rows(i, i + 1)?.reshape(inner)?;
        Ok(Variant::new(RaggedTensorVariant { splits: Vec::new(), values }))
    };
    (0..rows).map(row).collect()
}

/// A variant for each row of the outermost dimension.
fn rows(splits: &[Vec<i64>], values: &Tensor, dtype: DType) -> Result<Vec<Variant>> {
    let mut rows = Vec::with_capacity(splits[0].len() - 1);
    for row in splits[0].windows(2) {
        let (mut start, mut limit) = (row[0] as usize, row[1] as usize);
        let mut inner = Vec::with_capacity(splits.len() - 1);
        for splits in &splits[1..] {
            let own: Vec<i64> = splits[start..=limit].iter().map(|split| split - splits[start]).collect();
            inner.push(to_tensor(&own, dtype)?);
            (start, limit) = (splits[start] as usize, splits[limit] as usize);
        }
        rows.push(Variant::new(RaggedTensorVariant { splits: inner, values: values.rows(start, limit)? }));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, parse_tensor};

    #[test]
    fn table() {
        let check = |batched: bool, inputs: &str, want: &str| {
            let test =
                inputs.split(';').fold(OpTest::new(&OP).attr("batched_input", batched), |test, text| {
                    test.input(parse_tensor(text.trim()))
                });
            let show = |variant: &Variant| {
                let ragged = RaggedTensorVariant::of(variant, 0).unwrap();
                format!("{:?} {:?}", ragged.splits, ragged.values).replace("Ok", "")
            };
            let got = match test.run() {
                Ok(outputs) => outputs[0].variants().unwrap().iter().map(show).collect::<Vec<_>>().join("; "),
                Err(e) => e.to_string(),
            };
            assert!(got.starts_with(want) && (got.contains(':') || got == want), "{got}\n{want}");
        };
        check(
            true,
            "int64[3] 0 2 3; int64[4] 0 1 1 3; int32[3] 1 2 3",
            "[int64[3] ([0, 1, 1])] int32[1] ([1]); [int64[2] ([0, 2])] int32[2] ([2, 3])",
        );
        check(true, "int32[2] 0 2; int32[2,1] 1 2", "[] int32[2,1] ([1, 2])");
        check(false, "int64[3] 0 2 3; int32[3] 1 2 3", "[int64[3] ([0, 2, 3])] int32[3] ([1, 2, 3])");
        check(false, "int32[2] 1 2", "[] int32[2] ([1, 2])");
        check(true, "int32[2] 1 2", "[] int32[] ([1]); [] int32[] ([2])");
        check(false, "int32[] 1", "[] int32[] ([1])");
        check(true, "int32[] 1", "INVALID_ARGUMENT: Batched input must have rank>=1");
        check(true, "int64[2] 0 1; int32[] 1", "INVALID_ARGUMENT: Requires flat_values to have rank>=1");
        check(false, "int64[2] 0 3; int32[2] 1 2", "INVALID_ARGUMENT: Invalid ragged splits: last element");
        check(
            true,
            "int64[0]; int32[0]",
            "INVALID_ARGUMENT: Invalid ragged splits: ragged splits must have at",
        );
        check(true, "int64[2] 1 2; int32[2] 1 2", "INVALID_ARGUMENT: Invalid ragged splits: first element");
        check(true, "int64[2] 0 3; int32[2] 1 2", "INVALID_ARGUMENT: Invalid ragged splits: last element");
        check(
            true,
            "int64[4] 0 2 1 2; int32[2] 1 2",
            "INVALID_ARGUMENT: Invalid ragged splits: ragged splits",
        );
        check(
            true,
            "int64[2] 0 2; int64[2] 0 2; int32[2] 1 2",
            "INVALID_ARGUMENT: Invalid ragged splits: last",
        );
        check(
            false,
            "int64[] 0; int32[0]",
            "INVALID_ARGUMENT: Invalid ragged splits: ragged splits must be rank 1 but is rank 0",
        );
    }
}
