//! `DenseCountSparseOutput`, `SparseCountSparseOutput` and `RaggedCountSparseOutput`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor};

use crate::coo::{matrix, vector};
use crate::number::Number;

/// Each counts how often each number occurs in each row, or adds up the weights of its occurrences, as a sparse tensor.
///
/// Numbers from `maxlength` on are left out. A dense vector, or a sparse one, is a single row that the output has no
/// dimension for.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DenseCountSparseOutput>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseCountSparseOutput>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RaggedCountSparseOutput>
pub const OPS: &[Op] = &[
    count("DenseCountSparseOutput", &["values: T", "weights: output_type"]),
    count(
        "SparseCountSparseOutput",
        &["indices: int64", "values: T", "dense_shape: int64", "weights: output_type"],
    ),
    count("RaggedCountSparseOutput", &["splits: int64", "values: T", "weights: output_type"]),
];

const fn count(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["output_indices: int64", "output_values: output_type", "output_dense_shape: int64"],
        attrs: &[
            "T: {int32, int64}",
            "minlength: int >= -1 = -1",
            "maxlength: int >= -1 = -1",
            "binary_output: bool",
            "output_type: {int32, int64, float, double}",
        ],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("output_type"; build: i32 i64 f32 f64),
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rank = match ctx.inputs.len() {
        2 => ctx.input(0).rank(),
        3 => Some(2),
        _ => ctx.input(2).dim(0).map(|rank| if rank == 1 { 1 } else { 2 }),
    };
    Ok(crate::shapes::sparse(None, rank).to_vec())
}

/// What the three operators have in common.
struct Rows {
    /// The number of rows; `None` if the output has no dimension for them.
    count: Option<usize>,
    /// The row of each value.
    rows: Vec<usize>,
}

fn build<T: Number + From<u8>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (least, most): (i64, i64) = (node.attr("minlength")?, node.attr("maxlength")?);
    let binary: bool = node.attr("binary_output")?;
    let rows: fn(&Context<'_>) -> Result<Rows> = match node.inputs.len() {
        2 => dense_rows,
        3 => ragged_rows,
        _ => sparse_rows,
    };
    let values_at = usize::from(node.inputs.len() > 2);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let rows = rows(ctx)?;
        let values = ctx.input(values_at).to_i64s()?;
        if values.iter().any(|&value| value < 0) {
            return Err(Error::invalid_argument("Input values must all be non-negative"));
        }
        let weights = weights::<T>(ctx, values_at)?;
        let weight = |i: usize| match (binary, weights) {
            // Counts begin at zero, so that subnormal weights are flushed as in every sum.
            (false, Some(weights)) => T::default().plus(weights[i]),
            _ => T::from(1),
        };
        let fits = |&(_, value): &(usize, i64)| most < 0 || value < most;
        let kept = values.iter().copied().enumerate().filter(fits);
        let mut entries: Vec<(usize, i64, T)> =
            kept.map(|(i, value)| (rows.rows[i], value, weight(i))).collect();
        let largest = entries.iter().map(|entry| entry.1).max().unwrap_or(0);
        let width = if most >= 0 { most } else { largest.wrapping_add(1).max(least) };
        entries.sort_by_key(|&(row, value, _)| (row, value));
        entries.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            if same && !binary {
                kept.2 = kept.2.plus(next.2);
            }
            same
        });
        set(ctx, &entries, rows.count, width)
    }))
}

/// The weights; none if there are no elements.
fn weights<'a, T: Number>(ctx: &'a Context<'_>, values: usize) -> Result<Option<&'a [T]>> {
    let (values, weights) = (ctx.input(values), ctx.input(ctx.input_len() - 1));
    if weights.elements() == 0 {
        return Ok(None);
    }
    if weights.shape() != values.shape() {
        let what = if ctx.input_len() == 2 { "data" } else { "values" };
        return Err(Error::invalid_argument(format!(
            "Weights and {what} must have the same shape. Weight shape: {}; {what} shape: {}",
            weights.shape(),
            values.shape()
        )));
    }
    weights.as_slice().map(Some)
}

fn set<T: Number>(
    ctx: &mut Context<'_>,
    entries: &[(usize, i64, T)],
    rows: Option<usize>,
    width: i64,
) -> Result<()> {
    let (indices, shape) = match rows {
        None => (entries.iter().map(|entry| entry.1).collect(), vec![width]),
        Some(rows) => {
            (entries.iter().flat_map(|entry| [entry.0 as i64, entry.1]).collect(), vec![rows as i64, width])
        }
    };
    let values = entries.iter().map(|entry| entry.2).collect();
    ctx.set(0, matrix(entries.len(), shape.len(), indices)?);
    ctx.set(1, Tensor::from_vec([entries.len()], values)?);
    ctx.set(2, vector(shape)?);
    Ok(())
}

fn dense_rows(ctx: &Context<'_>) -> Result<Rows> {
    let shape = ctx.input(0).shape();
    match shape[..] {
        [columns] => Ok(Rows { count: None, rows: vec![0; columns] }),
        [0, _] => Err(Error::invalid_argument("Invalid input: Shapes dimension cannot be 0.")),
        [rows, columns] => {
            let ids = (0..rows).flat_map(|row| std::iter::repeat_n(row, columns));
            Ok(Rows { count: Some(rows), rows: ids.collect() })
        }
        _ => Err(Error::invalid_argument(format!("Input must be a 1 or 2-dimensional tensor. Got: {shape}"))),
    }
}

fn sparse_rows(ctx: &Context<'_>) -> Result<Rows> {
    let (indices, values, sizes) = (ctx.input(0), ctx.input(1), ctx.input(2));
    let refuse = |text: String| Err(Error::invalid_argument(text));
    if indices.rank() != 2 {
        return refuse(format!("Input indices must be a 2-dimensional tensor. Got: {}", indices.shape()));
    }
    for (name, tensor) in [("values", values), ("shape", sizes)] {
        if tensor.rank() != 1 {
            return refuse(format!("Input {name} must be a vector. Got: {}", tensor.shape()));
        }
    }
    let shape = indices.shape();
    let (n, m) = (values.elements(), sizes.elements());
    if n != shape[0] {
        let text = "Number of values must match first dimension of indices.";
        return refuse(format!("{text}Got {n} values, indices shape: {shape}"));
    }
    if m != shape[1] {
        let text = "Number of dimensions must match second dimension of indices.";
        return refuse(format!("{text}Got {m} dimensions, indices shape: {shape}"));
    }
    let (indices, sizes) = (indices.as_slice::<i64>()?, sizes.as_slice::<i64>()?);
    let Some(&first) = sizes.first() else {
        return refuse("The shape argument requires at least one element.".to_owned());
    };
    for (i, index) in indices.chunks_exact(m).enumerate() {
        if let Some(j) = (0..m).find(|&j| !(0..sizes[j]).contains(&index[j])) {
            return refuse(format!(
                "Invalid index value at {i}: dimension {j} has value {} which is not in [0, {}) (as given by dense \
                 shape {sizes:?}",
                index[j], sizes[j]
            ));
        }
    }
    if m == 1 {
        return Ok(Rows { count: None, rows: vec![0; n] });
    }
    if !(1..i64::from(i32::MAX)).contains(&first) {
        return refuse(format!("Cannot allocate {first} batches, is the dense shape too wide?"));
    }
    let rows = indices.iter().step_by(m).map(|&row| row as usize).collect();
    Ok(Rows { count: Some(first as usize), rows })
}

fn ragged_rows(ctx: &Context<'_>) -> Result<Rows> {
    let (splits, count) = (ctx.input(0).as_slice::<i64>()?, ctx.input(1).elements());
    let refuse = |text: String| Err(Error::invalid_argument(text));
    let (&[first, .., last], rows) = (splits, splits.len().saturating_sub(1)) else {
        return refuse("Must provide at least 2 elements for the splits argument".to_owned());
    };
    if first != 0 {
        return refuse(format!("Splits must start with 0, not with {first}"));
    }
    if last != count as i64 {
        return refuse(format!("Splits must end with the number of values, got {last} instead of {count}"));
    }
    // Splits need not be in order: a row ends at the first split beyond it.
    let mut row = 0;
    let ids = (0..count as i64).map(|i| {
        row += splits[row..].iter().take_while(|&&split| split <= i).count();
        row - 1
    });
    Ok(Rows { rows: ids.collect(), count: Some(rows) })
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn dense() {
        let (op, counts) = ("DenseCountSparseOutput", "binary_output=false");
        check_rows(
            OPS,
            &[
                (
                    op,
                    "binary_output=false minlength=5",
                    "int32[2,3] 3 1 1 0 0 0; float[0]",
                    "int64[3,2] 0 1 0 3 1 0; float[3] 2 1 3; int64[2] 2 5",
                ),
                (op, counts, "int64[3] 3 1 1; int32[3] 5 6 7", "int64[2,1] 1 3; int32[2] 13 5; int64[1] 4"),
                (
                    op,
                    "binary_output=true",
                    "int64[3] 3 1 1; double[3] 5 6 7",
                    "int64[2,1] 1 3; double[2] 1 1; int64[1] 4",
                ),
                (
                    op,
                    "binary_output=false maxlength=2",
                    "int64[3] 3 1 1; int64[0]",
                    "int64[1,1] 1; int64[1] 2; int64[1] 2",
                ),
                (
                    op,
                    "binary_output=false maxlength=0",
                    "int64[1] 3; int64[0]",
                    "int64[0,1]; int64[0]; int64[1] 0",
                ),
                (op, counts, "int64[2,0]; int64[0]", "int64[0,2]; int64[0]; int64[2] 2 1"),
                (
                    op,
                    counts,
                    "int64[1] 4611686018427387904; int64[0]",
                    "int64[1,1] 4611686018427387904; int64[1] 1; int64[1] 4611686018427387905",
                ),
                (
                    op,
                    counts,
                    "int64[0,2]; float[0]",
                    "INVALID_ARGUMENT: Invalid input: Shapes dimension cannot be 0.",
                ),
                (
                    op,
                    counts,
                    "int64[1] -1; float[0]",
                    "INVALID_ARGUMENT: Input values must all be non-negative",
                ),
                (
                    op,
                    counts,
                    "int64[] 1; float[0]",
                    "INVALID_ARGUMENT: Input must be a 1 or 2-dimensional tensor.",
                ),
                (
                    op,
                    counts,
                    "int64[2] 1 1; float[1] 1",
                    "INVALID_ARGUMENT: Weights and data must have the same shape.",
                ),
            ],
        );
    }

    #[test]
    fn sparse() {
        let (op, counts) = ("SparseCountSparseOutput", "binary_output=false");
        check_rows(
            OPS,
            &[
                (
                    op,
                    counts,
                    "int64[3,2] 1 0 0 0 1 1; int32[3] 2 1 2; int64[2] 3 2; float[3] 1 2 4",
                    "int64[2,2] 0 1 1 2; float[2] 2 5; int64[2] 3 3",
                ),
                (
                    op,
                    counts,
                    "int64[2,1] 0 1; int32[2] 1 1; int64[1] 2; float[0]",
                    "int64[1,1] 1; float[1] 2; int64[1] 2",
                ),
                (
                    op,
                    counts,
                    "int64[1,2] 2 0; int32[1] 1; int64[2] 2 2; float[0]",
                    "INVALID_ARGUMENT: Invalid index value at 0: dimension 0 has value 2 which is not in [0, 2)",
                ),
                (
                    op,
                    counts,
                    "int64[0,2]; int32[0]; int64[2] 0 2; float[0]",
                    "INVALID_ARGUMENT: Cannot allocate 0 batches, is the dense shape too wide?",
                ),
                (
                    op,
                    counts,
                    "int64[0,2]; int32[0]; int64[2] 1099511627776 2; float[0]",
                    "INVALID_ARGUMENT: Cannot allocate",
                ),
                (
                    op,
                    counts,
                    "int64[0,0]; int32[0]; int64[0]; float[0]",
                    "INVALID_ARGUMENT: The shape argument requires at least one element.",
                ),
                (
                    op,
                    counts,
                    "int64[1] 0; int32[1] 1; int64[2] 2 2; float[0]",
                    "INVALID_ARGUMENT: Input indices must be a 2-dimensional tensor. Got: [1]",
                ),
                (
                    op,
                    counts,
                    "int64[1,2] 0 0; int32[2] 1 2; int64[2] 2 2; float[0]",
                    "INVALID_ARGUMENT: Number of values must match first dimension of indices.Got 2 values",
                ),
            ],
        );
    }

    #[test]
    fn ragged() {
        let (op, counts) = ("RaggedCountSparseOutput", "binary_output=false");
        check_rows(
            OPS,
            &[
                (
                    op,
                    counts,
                    "int64[4] 0 2 2 3; int32[3] 1 1 0; float[0]",
                    "int64[2,2] 0 1 2 0; float[2] 2 1; int64[2] 3 2",
                ),
                (
                    op,
                    counts,
                    "int64[3] 0 -1 2; int32[2] 1 2; float[0]",
                    "int64[2,2] 1 1 1 2; float[2] 1 1; int64[2] 2 3",
                ),
                (
                    op,
                    counts,
                    "int64[1] 0; int32[0]; float[0]",
                    "INVALID_ARGUMENT: Must provide at least 2 elements for the splits argument",
                ),
                (
                    op,
                    counts,
                    "int64[2] 1 2; int32[2] 1 1; float[0]",
                    "INVALID_ARGUMENT: Splits must start with 0, not with 1",
                ),
                (
                    op,
                    counts,
                    "int64[2] 0 3; int32[2] 1 1; float[0]",
                    "INVALID_ARGUMENT: Splits must end with the number of values, got 3 instead of 2",
                ),
            ],
        );
    }
}
