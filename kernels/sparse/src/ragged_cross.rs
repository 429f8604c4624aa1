//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::crossing::{Column, counts, hash, join};
use crate::ragged::{to_splits, to_tensor};

/// All combinations of one feature of each input, row by row, as joined strings or as hashes.
///
/// `input_order` tells which kind of input is next: `R`agged, `S`parse or `D`ense.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RaggedCross>
pub const OP: Op = Op {
    name: "RaggedCross",
    inputs: &[
        "ragged_values: ragged_values_types",
        "ragged_row_splits: ragged_splits_types",
        "sparse_indices: Nsparse * int64",
        "sparse_values: sparse_values_types",
        "sparse_shape: Nsparse * int64",
        "dense_inputs: dense_types",
    ],
    outputs: &["output_values: out_values_type", "output_row_splits: out_row_splits_type"],
    attrs: &[
        "Nsparse: int >= 0",
        "input_order: string",
        "hashed_output: bool",
        "num_buckets: int >= 0",
        "hash_key: int",
        "ragged_values_types: list({int64, string}) >= 0",
        "ragged_splits_types: list({int32, int64}) >= 0",
        "sparse_values_types: list({int64, string}) >= 0",
        "dense_types: list({int64, string}) >= 0",
        "out_values_type: {int64, string}",
        "out_row_splits_type: {int32, int64}",
    ],
    effect: Effect::Pure,
    shape: |_: &ShapeContext<'_>| Ok(vec![PartialShape::of_rank(1); 2]),
    kernels: Kernels::All(&[("out_row_splits_type", dtypes::INDICES)], build),
};

/// How many inputs there are of each kind.
struct Counts {
    ragged: usize,
    sparse: usize,
    dense: usize,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let len = |attr: &str| node.attr::<Vec<DType>>(attr).map(|types| types.len());
    let kinds = Counts {
        ragged: len("ragged_values_types")?,
        sparse: len("sparse_values_types")?,
        dense: len("dense_types")?,
    };
    let order: String = node.attr("input_order")?;
    let count = |kind: char| order.chars().filter(|&own| own == kind).count();
    let fault = if kinds.ragged != len("ragged_splits_types")? {
        "ragged values and splits must have the same length"
    } else if kinds.sparse != node.attr::<usize>("Nsparse")? {
        "sparse indices and values must have the same length"
    } else if kinds.ragged + kinds.sparse + kinds.dense != order.len() {
        "Invalid length for input_order"
    } else if order.chars().any(|kind| !"RSD".contains(kind)) {
        "Unexpected input_order value."
    } else if (count('R'), count('S'), count('D')) != (kinds.ragged, kinds.sparse, kinds.dense) {
        "input_order specifies reading more inputs of a kind than there are"
    } else {
        ""
    };
    if !fault.is_empty() {
        return Err(Error::invalid_argument(fault));
    }
    let (buckets, key): (i64, i64) = (node.attr("num_buckets")?, node.attr("hash_key")?);
    let (values, splits): (DType, DType) = (node.attr("out_values_type")?, node.attr("out_row_splits_type")?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (columns, rows) = columns(ctx, &kinds, &order)?;
        let counts = counts(&columns, rows, &ctx.run())?;
        let crossed = if values == DType::String {
            join(&columns, &counts, b"_X_")?
        } else {
            let hashes: Vec<Vec<u64>> = columns.iter().map(Column::fingerprints).collect();
            hash(&columns, &counts, &hashes, Some(key as u64), buckets)?
        };
        let mut ends = vec![0_i64];
        ends.extend(counts.iter().scan(0, |sum, &count| {
            *sum += count as i64;
            Some(*sum)
        }));
        ctx.set(0, crossed);
        ctx.set(1, to_tensor(&ends, splits)?);
        Ok(())
    }))
}

/// The columns in the order in which they are crossed, and the number of rows.
fn columns<'a>(ctx: &'a Context<'_>, kinds: &Counts, order: &str) -> Result<(Vec<Column<'a>>, usize)> {
    let rank = || Error::invalid_argument("tf.ragged.cross only supports inputs with rank=2.");
    let &Counts { ragged, sparse, dense } = kinds;
    let (first_sparse, first_dense) = (2 * ragged, 2 * ragged + 3 * sparse);
    let mut rows = Vec::with_capacity(order.len());
    let mut splits = Vec::with_capacity(ragged);
    for i in 0..ragged {
        if ctx.input(i).rank() != 1 || ctx.input(ragged + i).rank() != 1 {
            return Err(rank());
        }
        splits.push(to_splits(ctx.input(ragged + i), Some(ctx.input(i).elements()))?);
        rows.push(splits[i].len() - 1);
    }
    let triples: Vec<[&Tensor; 3]> =
        (0..sparse).map(|i| [0, 1, 2].map(|part| ctx.input(first_sparse + part * sparse + i))).collect();
    for i in 0..dense {
        let shape = ctx.input(first_dense + i).shape();
        rows.push(*shape.first().filter(|_| shape.rank() == 2).ok_or_else(rank)?);
    }
    for (i, [indices, values, sizes]) in triples.iter().enumerate() {
        let is_whole = (indices.rank(), values.rank(), sizes.rank()) == (2, 1, 1)
            && indices.shape()[0] == values.elements()
            && indices.shape()[1] > 0;
        if !is_whole {
            return Err(Error::invalid_argument(format!("Invalid SparseTensor {i}")));
        }
        let &[size, _] = sizes.as_slice::<i64>()? else { return Err(rank()) };
        let size = usize::try_from(size)
            .map_err(|_| Error::invalid_argument(format!("Invalid SparseTensor {i}: {size} rows")))?;
        rows.push(size);
    }
    let count = rows.first().copied().unwrap_or(0);
    if rows.iter().any(|&own| own != count) {
        return Err(Error::invalid_argument("inputs must all have the same batch dimension size."));
    }
    let (mut ragged, mut sparse, mut dense) = (0.., triples.iter(), first_dense..);
    let mut columns = Vec::with_capacity(order.len());
    for kind in order.chars() {
        let column = match kind {
            'R' => ragged.next().map(|i: usize| Column::ragged(ctx.input(i), &splits[i])),
            'D' => dense.next().map(|i| Column::dense(ctx.input(i))),
            _ => sparse.next().map(|&[indices, values, _]| {
                Column::sparse(indices, values, count, |index, row| index <= row, &ctx.run())
            }),
        };
        columns.extend(column.transpose()?);
    }
    Ok((columns, count))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let attrs = |order: &str, rest: &str| -> &'static str {
            format!("input_order={order} hash_key=956888297470 out_row_splits_type=int64 {rest}").leak()
        };
        let text = "hashed_output=false num_buckets=0 out_values_type=string";
        let ragged = "ragged_values_types=[string] ragged_splits_types=[int64] Nsparse=0 sparse_values_types=[] \
                      dense_types=[string]";
        let all = "ragged_values_types=[int64] ragged_splits_types=[int32] Nsparse=1 sparse_values_types=[string] \
                   dense_types=[int64]";
        let op = "RaggedCross";
        let two = attrs("RD", &format!("{text} {ragged}"));
        let three = attrs("DSR", &format!("{text} {all}"));
        check_rows(
            OPS,
            &[
                (
                    op,
                    two,
                    "string[3] 'a' 'b' 'c'; int64[3] 0 2 3; string[2,1] 'x' 'y'",
                    "string[3] 'a_X_x' 'b_X_x' 'c_X_y'; int64[3] 0 2 3",
                ),
                (
                    op,
                    three,
                    "int64[2] 1 2; int32[3] 0 1 2; int64[2,2] 1 0 1 1; string[2] 'p' 'q'; int64[2] 2 2; int64[2,1] 7 8",
                    "string[2] '8_X_p_X_2' '8_X_q_X_2'; int64[3] 0 0 2",
                ),
                (
                    op,
                    two,
                    "string[3] 'a' 'b' 'c'; int64[3] 0 2 3; string[1,1] 'x'",
                    "INVALID_ARGUMENT: inputs must all have the same batch dimension size.",
                ),
                (
                    op,
                    two,
                    "string[3] 'a' 'b' 'c'; int64[3] 0 4 3; string[2,1] 'x' 'y'",
                    "INVALID_ARGUMENT: Invalid ragged splits: ragged splits must be monotonically increasing",
                ),
                (
                    op,
                    two,
                    "string[3] 'a' 'b' 'c'; int64[3] 0 2 3; string[2] 'x' 'y'",
                    "INVALID_ARGUMENT: tf.ragged.cross only supports inputs with rank=2.",
                ),
                (
                    op,
                    three,
                    "int64[2] 1 2; int32[3] 0 1 2; int64[2,2] 1 0 1 1; string[1] 'p'; int64[2] 2 2; int64[2,1] 7 8",
                    "INVALID_ARGUMENT: Invalid SparseTensor 0",
                ),
                (
                    op,
                    attrs("RR", &format!("{text} {ragged}")),
                    "string[3] 'a' 'b' 'c'; int64[3] 0 2 3; string[2,1] 'x' 'y'",
                    "INVALID_ARGUMENT: input_order specifies reading more inputs",
                ),
                (
                    op,
                    attrs("RX", &format!("{text} {ragged}")),
                    "string[3] 'a' 'b' 'c'; int64[3] 0 2 3; string[2,1] 'x' 'y'",
                    "INVALID_ARGUMENT: Unexpected input_order value.",
                ),
            ],
        );
    }
}
