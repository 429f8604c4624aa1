//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, ShapeContext, dtypes};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::ragged::{VALUES, even, to_tensor};
use crate::ragged_tensor_variant::RaggedTensorVariant;

/// The ragged tensor that a variant holds, or the one whose rows are the ragged tensors that variants hold.
///
/// Each dimension of the variants becomes a ragged one. Without a single variant the values are an empty vector.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RaggedTensorFromVariant>
pub const OP: Op = Op {
    name: "RaggedTensorFromVariant",
    inputs: &["encoded_ragged: variant"],
    outputs: &["output_nested_splits: output_ragged_rank * Tsplits", "output_dense_values: Tvalues"],
    attrs: &[
        "input_ragged_rank: int >= -1",
        "output_ragged_rank: int >= 0",
        "Tvalues: type",
        "Tsplits: {int32, int64} = DT_INT64",
    ],
    effect: Effect::Pure,
    shape: |ctx: &ShapeContext<'_>| {
        let mut shapes = vec![PartialShape::of_rank(1); ctx.outputs - 1];
        shapes.push(PartialShape::unknown());
        Ok(shapes)
    },
    kernels: Kernels::All(&[("Tvalues", VALUES), ("Tsplits", dtypes::INDICES)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (given, depth): (i64, i64) = (node.attr("input_ragged_rank")?, node.attr("output_ragged_rank")?);
    let (dtype, splits): (DType, DType) = (node.attr("Tvalues")?, node.attr("Tsplits")?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let encoded = ctx.input(0);
        let inner = inner_depth(given, depth, encoded.rank() as i64)?;
        let parts = parts(encoded, inner, dtype, splits)?;
        let (outputs, values) = match (encoded.rank(), parts[..].first()) {
            (0, Some(part)) => (part.splits.clone(), part.values.clone()),
            _ => {
                let all = stacked_splits(encoded.shape(), &parts, inner, &ctx.run())?;
                let all = all.iter().map(|own| to_tensor(own, splits)).collect::<Result<_>>()?;
                (all, joined_values(ctx, &parts, dtype)?)
            }
        };
        let last = outputs.len();
        outputs.into_iter().enumerate().for_each(|(i, splits)| ctx.set(i, splits));
        ctx.set(last, values);
        Ok(())
    }))
}

/// The number of ragged dimensions that each variant has.
fn inner_depth(given: i64, depth: i64, rank: i64) -> Result<usize> {
    let inner = if given == -1 { depth - rank } else { given };
    if inner < 0 {
        return Err(Error::invalid_argument(format!(
            "Inferred input_ragged_rank (output_ragged_rank - encoded_variant.dims()) must be >= 0, found \
             output_ragged_rank: {depth}, encoded_variant.dims(): {rank}, inferred input_ragged_rank: {inner}"
        )));
    }
    if depth - rank != inner {
        return Err(Error::invalid_argument(format!(
            "output_ragged_rank must be equal to input_ragged_rank + encoded_ragged.dims(); output_ragged_rank: \
             {depth}, input_ragged_rank: {inner}, encoded_variant.dims(): {rank}."
        )));
    }
    Ok(inner as usize)
}

fn parts(encoded: &Tensor, depth: usize, dtype: DType, splits: DType) -> Result<Vec<&RaggedTensorVariant>> {
    let refuse = |text: String| Err(Error::invalid_argument(text));
    let mut parts = Vec::with_capacity(encoded.elements());
    for (i, variant) in encoded.variants()?.iter().enumerate() {
        let part = RaggedTensorVariant::of(variant, i)?;
        let found = part.splits.len();
        if found != depth {
            return refuse(format!(
                "Encoded input RaggedTensorVariant has ragged_rank={found}.  Expected ragged_rank={depth}."
            ));
        }
        let found = part.values.dtype();
        if found != dtype {
            return refuse(format!("Expected values Tensor dtype: {dtype}, found: {found}"));
        }
        if part.values.rank() == 0 && encoded.rank() > 0 {
            return refuse(format!(
                "Ragged values must have rank >= 1; encoded scalar element at index {i} has values Tensor: {:?}",
                part.values
            ));
        }
        if let Some(wrong) = part.splits.iter().find(|own| own.dtype() != splits) {
            return refuse(format!("Expected row_splits Tensor dtype: {splits}, found: {}", wrong.dtype()));
        }
        parts.push(part);
    }
    Ok(parts)
}

/// The row splits of all dimensions: those of the variants' shape, of the variants, and within the variants.
fn stacked_splits(
    shape: &Shape,
    parts: &[&RaggedTensorVariant],
    depth: usize,
    run: &Run<'_>,
) -> Result<Vec<Vec<i64>>> {
    let mut all = Vec::with_capacity(shape.rank() + depth);
    for (&size, &next) in shape.iter().zip(shape.iter().skip(1)) {
        all.push(even(size, next, run)?);
    }
    let join = |own: &mut dyn Iterator<Item = Vec<i64>>| {
        let mut splits = vec![0_i64];
        for part in own {
            let last = splits[splits.len() - 1];
            splits.extend(part.iter().map(|split| split + last));
        }
        splits
    };
    let len = |part: &&RaggedTensorVariant| match part.splits.first() {
        Some(splits) => splits.elements().saturating_sub(1),
        None => part.values.shape()[0],
    };
    all.push(join(&mut parts.iter().map(|part| vec![len(part) as i64])));
    for i in 0..depth {
        let inner = parts.iter().map(|part| part.splits[i].to_i64s()).collect::<Result<Vec<_>>>()?;
        all.push(join(&mut inner.into_iter().map(|splits| splits.get(1..).unwrap_or_default().to_vec())));
    }
    Ok(all)
}

fn joined_values(ctx: &Context<'_>, parts: &[&RaggedTensorVariant], dtype: DType) -> Result<Tensor> {
    fn copy<U: Unit>(to: &mut Tensor, parts: &[&RaggedTensorVariant]) -> Result<()> {
        let mut to = to.units_mut::<U>()?;
        for part in parts {
            let (own, rest) = to.split_at_mut(part.values.elements());
            own.clone_from_slice(part.values.units()?);
            to = rest;
        }
        Ok(())
    }
    let Some(first) = parts.first().map(|part| part.values.shape()) else {
        return ctx.allocate(dtype, [0]);
    };
    for (i, shape) in parts.iter().map(|part| part.values.shape()).enumerate() {
        if shape.rank() != first.rank() {
            return Err(Error::invalid_argument(format!(
                "Rank of values must match for all components; values shape at index 0: {first}, values shape at index \
                 {i}: {shape}"
            )));
        }
        if shape[1..] != first[1..] {
            return Err(Error::invalid_argument(format!(
                "All flat_values must have compatible shapes.  Shape at index 0: {}.  Shape at index {i}: {}.",
                Shape::from(&first[1..]),
                Shape::from(&shape[1..])
            )));
        }
    }
    let mut shape = first.clone();
    shape.dims_mut()[0] = parts.iter().map(|part| part.values.shape()[0]).sum();
    let mut joined = ctx.allocate(dtype, shape)?;
    by_unit!(dtype, U => copy::<U>(&mut joined, parts))?;
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, parse_tensor, show};
    use savedmodel_tensor::Variant;

    /// Each part is row splits and values: `int64[2] 0 1; float[1] 5`.
    fn check(shape: &[usize], parts: &[&str], ranks: (i64, i64), want: &str) {
        let variant = |text: &&str| {
            let mut splits: Vec<Tensor> = text.split(';').map(|t| parse_tensor(t.trim())).collect();
            let values = splits.pop().unwrap();
            Variant::new(RaggedTensorVariant { splits, values })
        };
        let encoded = Tensor::from_variants(shape, parts.iter().map(variant).collect()).unwrap();
        let test = OpTest::new(&OP).attr("Tvalues", DType::Float).input(encoded);
        let got = show(&test.attr("input_ragged_rank", ranks.0).attr("output_ragged_rank", ranks.1).run());
        assert!(got == want || got.starts_with(want) && got.starts_with("INVALID"), "{got}\n{want}");
    }

    #[test]
    fn table() {
        check(&[], &["int64[2] 0 2; float[2] 1 2"], (1, 1), "int64[2] 0 2; float[2] 1 2");
        check(&[], &["float[] 1"], (0, 0), "float[] 1");
        check(&[2], &["float[1,1] 1", "float[2,1] 2 3"], (-1, 1), "int64[3] 0 1 3; float[3,1] 1 2 3");
        check(
            &[2, 1],
            &["int64[3] 0 0 1; float[1] 1", "int64[2] 0 2; float[2] 2 3"],
            (1, 3),
            "int64[3] 0 1 2; int64[3] 0 2 3; int64[4] 0 0 1 3; float[3] 1 2 3",
        );
        check(&[0], &[], (1, 2), "int64[1] 0; int64[1] 0; float[0]");
        check(&[2, 0], &[], (0, 2), "int64[3] 0 0 0; int64[1] 0; float[0]");
        let rank =
            "INVALID_ARGUMENT: Encoded input RaggedTensorVariant has ragged_rank=0.  Expected ragged_rank=1.";
        check(&[], &["float[2] 1 2"], (1, 1), rank);
        check(&[1], &["float[2] 1 2"], (1, 1), "INVALID_ARGUMENT: output_ragged_rank must be equal to");
        check(&[1], &["float[2] 1 2"], (-1, 0), "INVALID_ARGUMENT: Inferred input_ragged_rank");
        check(&[1], &["float[] 1"], (0, 1), "INVALID_ARGUMENT: Ragged values must have rank >= 1");
        check(
            &[1],
            &["int8[1] 1"],
            (0, 1),
            "INVALID_ARGUMENT: Expected values Tensor dtype: float, found: int8",
        );
        check(
            &[],
            &["int32[1] 0; float[0]"],
            (1, 1),
            "INVALID_ARGUMENT: Expected row_splits Tensor dtype: int64",
        );
        check(&[2], &["float[1] 1", "float[1,1] 1"], (0, 1), "INVALID_ARGUMENT: Rank of values must match");
        check(
            &[2],
            &["float[1,1] 1", "float[1,2] 1 2"],
            (0, 1),
            "INVALID_ARGUMENT: All flat_values must have compatible shapes.  Shape at index 0: [1].  Shape at index 1: [2].",
        );
        let empty = Tensor::from_variants([1], vec![Variant::default()]).unwrap();
        let test = OpTest::new(&OP).attr("Tvalues", DType::Float).input(empty);
        let run = test.attr("input_ragged_rank", 0).attr("output_ragged_rank", 1).run();
        assert!(show(&run).contains("element at index 0 doesn't hold a RaggedTensorVariant"));
    }
}
