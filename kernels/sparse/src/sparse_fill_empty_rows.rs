//! `SparseFillEmptyRows` and `RaggedFillEmptyRows`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, Unit, by_unit};

use crate::coo::{matrix, vector, zeros};

/// Gives a default value to each row that has none, at its first column.
///
/// Values are put into the order of their rows; within a row they stay in order. Also tells which rows were empty, and
/// where each value went.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseFillEmptyRows>
pub const OPS: &[Op] = &[
    Op {
        name: "SparseFillEmptyRows",
        inputs: &["indices: int64", "values: T", "dense_shape: int64", "default_value: T"],
        outputs: &[
            "output_indices: int64",
            "output_values: T",
            "empty_row_indicator: bool",
            "reverse_index_map: int64",
        ],
        attrs: &["T: type"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build_sparse),
    },
    Op {
        name: "RaggedFillEmptyRows",
        inputs: &["value_rowids: int64", "values: T", "nrows: int64", "default_value: T"],
        outputs: &[
            "output_value_rowids: int64",
            "output_values: T",
            "empty_row_indicator: bool",
            "reverse_index_map: int64",
        ],
        attrs: &["T: type"],
        effect: Effect::Pure,
        shape: shape_ragged,
        kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build_ragged),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rank = ctx.input(0).dim(1).or_else(|| ctx.input(2).dim(0));
    let rows = ctx.integers(2).and_then(|sizes| usize::try_from(*sizes.first()?).ok());
    let count = crate::shapes::len(ctx, 0);
    Ok(vec![
        PartialShape::new([None, rank]),
        PartialShape::of_rank(1),
        PartialShape::new([rows]),
        PartialShape::new([count]),
    ])
}

fn shape_ragged(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rows = ctx.integers(2).and_then(|sizes| usize::try_from(*sizes.first()?).ok());
    let count = crate::shapes::len(ctx, 0);
    let any = PartialShape::of_rank(1);
    Ok(vec![any.clone(), any, PartialShape::new([rows]), PartialShape::new([count])])
}

fn build_sparse(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let refuse = |what: String| Err(Error::invalid_argument(what));
        let (indices, sizes) = (ctx.input(0), ctx.input(2));
        if sizes.rank() != 1 {
            return refuse(format!("dense_shape must be a vector, saw: {}", sizes.shape()));
        }
        let &[count, rank] = &indices.shape()[..] else {
            return refuse(format!("indices must be a matrix, saw: {}", indices.shape()));
        };
        if sizes.elements() != rank || rank == 0 {
            return refuse(format!(
                "The length of `dense_shape` ({}) must match the second dimension of `indices` ({rank}).",
                sizes.elements()
            ));
        }
        let rows = rows(sizes.as_slice::<i64>()?[0], count)?;
        let ids: Vec<i64> = indices.as_slice::<i64>()?.iter().copied().step_by(rank).collect();
        fill(ctx, &ids, rows, rank)
    }))
}

fn build_ragged(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let refuse = |what: String| Err(Error::invalid_argument(what));
        let (ids, rows_of) = (ctx.input(0), ctx.input(2));
        if rows_of.rank() != 0 {
            return refuse(format!("nrows must be a scalar, saw: {}", rows_of.shape()));
        }
        if ids.rank() != 1 {
            return refuse(format!("value_rowids must be a vector, saw: {}", ids.shape()));
        }
        let rows = rows(rows_of.to_scalar()?, ids.elements())?;
        let ids = ids.as_slice::<i64>()?.to_vec();
        fill(ctx, &ids, rows, 1)
    }))
}

fn rows(rows: i64, count: usize) -> Result<usize> {
    let rows = usize::try_from(rows).map_err(|_| {
        Error::invalid_argument(format!("Expected shape dimensions to be non-negative, got {rows}"))
    })?;
    if rows == 0 && count != 0 {
        return Err(Error::invalid_argument(format!(
            "Received SparseTensor with dense_shape[0] = 0 but indices.shape[0] = {count}"
        )));
    }
    Ok(rows)
}

/// Sets all outputs; `ids` tell the row of each value, and indices have `rank` columns.
fn fill(ctx: &mut Context<'_>, ids: &[i64], rows: usize, rank: usize) -> Result<()> {
    let (values, default) = (ctx.input(1), ctx.input(3));
    let refuse = |what: String| Err(Error::invalid_argument(what));
    if values.rank() != 1 {
        return refuse(format!("values must be a vector, saw: {}", values.shape()));
    }
    if values.elements() != ids.len() {
        return refuse(format!(
            "The length of `values` ({}) must match the first dimension of `indices` ({}).",
            values.elements(),
            ids.len()
        ));
    }
    if default.rank() != 0 {
        return refuse(format!("default_value must be a scalar, saw: {}", default.shape()));
    }
    let mut empty = ctx.allocate(savedmodel_tensor::DType::Bool, [rows])?;
    let plan = Plan::new(ids, empty.as_mut_slice()?, zeros(rows, &ctx.run())?)?;
    let columns = plan.indices(ctx.input(0).as_slice()?, rank);
    let indices = match ctx.input(0).rank() {
        // Without rows there is a column all the same.
        1 if rows > 0 => vector(columns)?,
        _ => matrix(plan.sources.len(), rank, columns)?,
    };
    let mut filled = ctx.allocate(values.dtype(), [plan.sources.len()])?;
    by_unit!(values.dtype(), U => plan.copy::<U>(&mut filled, values, default))?;
    let places = vector(plan.places)?;
    ctx.set(0, indices);
    ctx.set(1, filled);
    ctx.set(2, empty);
    ctx.set(3, places);
    Ok(())
}

/// Where everything goes.
struct Plan {
    /// For each place of the output the value that goes there, or the row that was empty.
    sources: Vec<std::result::Result<usize, usize>>,
    /// For each value its place.
    places: Vec<i64>,
}

impl Plan {
    /// Both `empty` and `starts`, which is zero, have an element for each row.
    fn new(ids: &[i64], empty: &mut [bool], mut starts: Vec<usize>) -> Result<Plan> {
        for (i, &id) in ids.iter().enumerate() {
            let start = usize::try_from(id).ok().and_then(|row| starts.get_mut(row)).ok_or_else(|| {
                Error::invalid_argument(format!("indices({i}, 0) is invalid: {id} >= {}", empty.len()))
            })?;
            *start += 1;
        }
        let mut sources = Vec::with_capacity(ids.len());
        for (row, (start, empty)) in starts.iter_mut().zip(empty).enumerate() {
            let count = std::mem::replace(start, sources.len());
            *empty = count == 0;
            sources.resize(sources.len() + count.max(1), Err(row));
        }
        let mut places = Vec::with_capacity(ids.len());
        for (i, &id) in ids.iter().enumerate() {
            let place = starts[id as usize];
            starts[id as usize] += 1;
            sources[place] = Ok(i);
            places.push(place as i64);
        }
        Ok(Plan { sources, places })
    }

    fn indices(&self, indices: &[i64], rank: usize) -> Vec<i64> {
        let mut filled = vec![0; self.sources.len() * rank];
        for (to, source) in filled.chunks_exact_mut(rank).zip(&self.sources) {
            match *source {
                Ok(i) => to.copy_from_slice(&indices[i * rank..(i + 1) * rank]),
                Err(row) => to[0] = row as i64,
            }
        }
        filled
    }

    fn copy<U: Unit>(&self, output: &mut Tensor, values: &Tensor, default: &Tensor) -> Result<()> {
        let (values, default) = (values.units::<U>()?, &default.units::<U>()?[0]);
        for (to, source) in output.units_mut::<U>()?.iter_mut().zip(&self.sources) {
            to.clone_from(source.map_or(default, |i| &values[i]));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn sparse() {
        let op = "SparseFillEmptyRows";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "",
                    "int64[3,2] 2 0 0 3 0 1; float[3] 1 2 3; int64[2] 3 4; float[] 9",
                    "int64[4,2] 0 3 0 1 1 0 2 0; float[4] 2 3 9 1; bool[3] false true false; int64[3] 3 0 1",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 0 9; string[1] 'a'; int64[2] 1 4; string[] 'z'",
                    "int64[1,2] 0 9; string[1] 'a'; bool[1] false; int64[1] 0",
                ),
                (
                    op,
                    "",
                    "int64[0,2]; int8[0]; int64[2] 2 4; int8[] 9",
                    "int64[2,2] 0 0 1 0; int8[2] 9 9; bool[2] true true; int64[0]",
                ),
                (
                    op,
                    "",
                    "int64[0,2]; int8[0]; int64[2] 0 4; int8[] 9",
                    "int64[0,2]; int8[0]; bool[0]; int64[0]",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 0 1; int8[1] 1; int64[2] 0 4; int8[] 9",
                    "INVALID_ARGUMENT: Received SparseTensor with dense_shape[0] = 0 but indices.shape[0] = 1",
                ),
                (
                    op,
                    "",
                    "int64[1,2] -1 1; int8[1] 1; int64[2] 2 4; int8[] 9",
                    "INVALID_ARGUMENT: indices(0, 0) is invalid: -1 >= 2",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 0 1; int8[2] 1 2; int64[2] 2 4; int8[] 9",
                    "INVALID_ARGUMENT: The length of `values` (2) must match the first dimension of `indices` (1).",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 0 1; int8[1] 1; int64[2] 2 4; int8[1] 9",
                    "INVALID_ARGUMENT: default_value must be a scalar, saw: [1]",
                ),
            ],
        );
    }

    #[test]
    fn ragged() {
        let op = "RaggedFillEmptyRows";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "",
                    "int64[3] 0 2 2; float[3] 1 2 3; int64[] 4; float[] 9",
                    "int64[5] 0 1 2 2 3; float[5] 1 9 2 3 9; bool[4] false true false true; int64[3] 0 2 3",
                ),
                (
                    op,
                    "",
                    "int64[1] 4; float[1] 1; int64[] 4; float[] 9",
                    "INVALID_ARGUMENT: indices(0, 0) is invalid",
                ),
            ],
        );
    }
}
