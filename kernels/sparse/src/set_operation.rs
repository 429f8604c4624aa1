//! `DenseToDenseSetOperation`, `DenseToSparseSetOperation` and `SparseToSparseSetOperation`.

use std::cmp::Ordering;
use std::ops::Range;

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, Run, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape};

use crate::coo::{Coo, matrix, vector, zeros};
use crate::sets::{Member, check_group, group_shape, groups, member_kernels, sparse, to_set};

/// Each gives the union, intersection or difference of the sets in the rows of two tensors, as a sparse tensor.
///
/// The elements of each set are in order, strings by their bytes.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DenseToDenseSetOperation>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DenseToSparseSetOperation>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseToSparseSetOperation>
pub const OPS: &[Op] = &[
    operation("DenseToDenseSetOperation", &["set1: T", "set2: T"]),
    operation(
        "DenseToSparseSetOperation",
        &["set1: T", "set2_indices: int64", "set2_values: T", "set2_shape: int64"],
    ),
    operation(
        "SparseToSparseSetOperation",
        &[
            "set1_indices: int64",
            "set1_values: T",
            "set1_shape: int64",
            "set2_indices: int64",
            "set2_values: T",
            "set2_shape: int64",
        ],
    ),
];

const fn operation(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["result_indices: int64", "result_values: T", "result_shape: int64"],
        attrs: &[
            "set_operation: string",
            "validate_indices: bool = true",
            "T: {int8, int16, int32, int64, uint8, uint16, string}",
        ],
        effect: Effect::Pure,
        shape,
        kernels: member_kernels!(build),
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let first = || ctx.input(0).rank();
    let rank = match ctx.inputs.len() {
        2 => first().or_else(|| ctx.input(1).rank()),
        4 => first().or_else(|| ctx.input(3).dim(0)),
        _ => ctx.input(2).dim(0).or_else(|| ctx.input(5).dim(0)),
    };
    Ok(crate::shapes::sparse(None, rank).to_vec())
}

/// The rows of both tensors that belong together.
struct Pairs {
    /// The shape without the last dimension.
    shape: Shape,
    /// The index of each row, one after the other.
    rows: Vec<i64>,
    /// The values in both rows.
    values: Vec<(Range<usize>, Range<usize>)>,
}

fn build<T: Member>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let name: String = node.attr("set_operation")?;
    let operation: fn(Vec<T>, Vec<T>) -> Vec<T> = match name.to_ascii_lowercase().as_str() {
        "a-b" => without,
        "b-a" => |a, b| without(b, a),
        "intersection" => common,
        "union" => union,
        other => return Err(Error::invalid_argument(format!("Invalid set_operation {other}."))),
    };
    let validate: bool = node.attr("validate_indices")?;
    let (pairs, values): (fn(&Context<'_>, bool) -> Result<Pairs>, _) = match node.inputs.len() {
        2 => (dense_to_dense, (0, 1)),
        4 => (dense_to_sparse, (0, 2)),
        _ => (sparse_to_sparse, (1, 4)),
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let pairs = pairs(ctx, validate)?;
        let (a, b) = (T::all(ctx.input(values.0))?, T::all(ctx.input(values.1))?);
        let (mut results, mut lens) = (Vec::new(), Vec::with_capacity(pairs.values.len()));
        for (own, other) in &pairs.values {
            let set = operation(to_set(&a[own.clone()]), to_set(&b[other.clone()]));
            lens.push(set.len());
            results.extend(set);
        }
        set(ctx, &pairs, &lens)?;
        ctx.set(1, T::vector(results, ctx.input(values.0).dtype())?);
        Ok(())
    }))
}

fn without<T: Member>(mut a: Vec<T>, b: Vec<T>) -> Vec<T> {
    a.retain(|value| b.binary_search(value).is_err());
    a
}

fn common<T: Member>(mut a: Vec<T>, b: Vec<T>) -> Vec<T> {
    a.retain(|value| b.binary_search(value).is_ok());
    a
}

fn union<T: Member>(mut a: Vec<T>, b: Vec<T>) -> Vec<T> {
    a.extend(b);
    to_set(&a)
}

/// Sets indices and shape of the output, whose rows have so many values.
fn set(ctx: &mut Context<'_>, pairs: &Pairs, lens: &[usize]) -> Result<()> {
    let outer = pairs.shape.rank();
    let mut indices = Vec::new();
    for (row, &len) in pairs.rows.chunks_exact(outer).zip(lens) {
        for i in 0..len as i64 {
            indices.extend_from_slice(row);
            indices.push(i);
        }
    }
    let mut sizes = pairs.shape.to_i64();
    sizes.push(lens.iter().max().copied().unwrap_or(0) as i64);
    ctx.set(0, matrix(lens.iter().sum(), outer + 1, indices)?);
    ctx.set(2, vector(sizes)?);
    Ok(())
}

/// The indices of all rows, one after the other.
fn all_rows(shape: &Shape, run: &Run<'_>) -> Result<Vec<i64>> {
    let len = shape.checked_elements()?.saturating_mul(shape.rank());
    let mut rows: Vec<i64> = zeros(len, run)?.into_iter().map(|zero| zero as i64).collect();
    for (flat, row) in rows.chunks_exact_mut(shape.rank()).enumerate() {
        let mut rest = flat;
        for (place, &size) in row.iter_mut().zip(shape.iter()).rev() {
            *place = (rest % size) as i64;
            rest /= size;
        }
    }
    Ok(rows)
}

fn dense_to_dense(ctx: &Context<'_>, _: bool) -> Result<Pairs> {
    let (a, b) = (ctx.input(0).shape(), ctx.input(1).shape());
    let shape = group_shape(&a.to_i64(), &b.to_i64())?;
    let rows = all_rows(&shape, &ctx.run())?;
    let (a, b) = (a[a.rank() - 1], b[b.rank() - 1]);
    let values = (0..shape.elements()).map(|row| (row * a..(row + 1) * a, row * b..(row + 1) * b));
    Ok(Pairs { values: values.collect(), rows, shape })
}

/// Rows of the sparse tensor that are out of order are left out, with all that follow.
fn dense_to_sparse(ctx: &Context<'_>, validate: bool) -> Result<Pairs> {
    let (a, b) = (ctx.input(0).shape(), sparse(ctx, 1, validate)?);
    let shape = group_shape(&a.to_i64(), b.sizes)?;
    let rows = all_rows(&shape, &ctx.run())?;
    let width = a[a.rank() - 1];
    let mut groups = groups(&b).into_iter().peekable();
    let mut values = Vec::with_capacity(shape.elements());
    for (i, row) in rows.chunks_exact(shape.rank()).enumerate() {
        let group = groups.next_if(|group| b.index(group.start)[..row.len()] == *row);
        if let Some(group) = &group {
            check_group(&b, group)?;
        }
        values.push((i * width..(i + 1) * width, group.unwrap_or(0..0)));
    }
    Ok(Pairs { shape, rows, values })
}

fn sparse_to_sparse(ctx: &Context<'_>, validate: bool) -> Result<Pairs> {
    let (a, b) = (sparse(ctx, 0, validate)?, sparse(ctx, 3, validate)?);
    let shape = group_shape(a.sizes, b.sizes)?;
    let outer = shape.rank();
    let take = |coo: &Coo<'_>, group: Option<Range<usize>>| match group {
        Some(group) => check_group(coo, &group).map(|()| group),
        None => Ok(0..0),
    };
    let (mut own, mut others) = (groups(&a).into_iter().peekable(), groups(&b).into_iter().peekable());
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    loop {
        let index_a = own.peek().map(|group| &a.index(group.start)[..outer]);
        let index_b = others.peek().map(|group| &b.index(group.start)[..outer]);
        let (order, row) = match (index_a, index_b) {
            (Some(x), Some(y)) => (x.cmp(y), x.min(y)),
            (Some(x), None) => (Ordering::Less, x),
            (None, Some(y)) => (Ordering::Greater, y),
            (None, None) => break,
        };
        rows.extend_from_slice(row);
        let first = if order.is_le() { own.next() } else { None };
        let second = if order.is_ge() { others.next() } else { None };
        values.push((take(&a, first)?, take(&b, second)?));
    }
    Ok(Pairs { shape, rows, values })
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    const UNION: &str = "set_operation=union";
    const A_B: &str = "set_operation=a-b";

    #[test]
    fn dense() {
        let op = "DenseToDenseSetOperation";
        check_rows(
            OPS,
            &[
                (
                    op,
                    UNION,
                    "int32[1,2] 1 2; int32[1,2] 2 3",
                    "int64[3,2] 0 0 0 1 0 2; int32[3] 1 2 3; int64[2] 1 3",
                ),
                (
                    op,
                    "set_operation=B-A",
                    "int8[2,1] 1 2; int8[2,2] -2 1 2 2",
                    "int64[1,2] 0 0; int8[1] -2; int64[2] 2 1",
                ),
                (
                    op,
                    A_B,
                    "string[1,2,2] 'b' 'a' 'c' 'c'; string[1,2,1] 'x' 'c'",
                    "int64[2,3] 0 0 0 0 0 1; string[2] 'a' 'b'; int64[3] 1 2 2",
                ),
                (op, UNION, "int32[0,2]; int32[0,3]", "int64[0,2]; int32[0]; int64[2] 0 0"),
                (op, A_B, "int32[2,0]; int32[2,1] 1 2", "int64[0,2]; int32[0]; int64[2] 2 0"),
                (
                    op,
                    "set_operation=xor",
                    "int32[1,2] 1 2; int32[1,2] 2 3",
                    "INVALID_ARGUMENT: Invalid set_operation xor.",
                ),
                (op, UNION, "int32[2] 1 2; int32[1,2] 2 3", "INVALID_ARGUMENT: Shape [2] has rank 1 < 2"),
                (
                    op,
                    UNION,
                    "int32[2,1] 1 2; int32[1,2] 2 3",
                    "INVALID_ARGUMENT: Mismatched shapes [2] vs [1]",
                ),
            ],
        );
    }

    #[test]
    fn sparse() {
        let (one, two) = ("DenseToSparseSetOperation", "SparseToSparseSetOperation");
        let loose = "validate_indices=false set_operation=union";
        check_rows(
            OPS,
            &[
                (
                    one,
                    A_B,
                    "int32[2,2] 1 2 3 4; int64[2,2] 0 0 1 1; int32[2] 2 4; int64[2] 2 2",
                    "int64[2,2] 0 0 1 0; int32[2] 1 3; int64[2] 2 1",
                ),
                (
                    one,
                    loose,
                    "int32[2,2] 1 2 3 4; int64[3,2] 1 0 0 0 1 1; int32[3] 2 4 3; int64[2] 2 2",
                    "int64[5,2] 0 0 0 1 1 0 1 1 1 2; int32[5] 1 2 2 3 4; int64[2] 2 3",
                ),
                (
                    one,
                    loose,
                    "int32[2,2] 1 2 3 4; int64[1,2] 1 5; int32[1] 2; int64[2] 2 2",
                    "INTERNAL: indices[0, 1] expected < 2, got 5.",
                ),
                (
                    one,
                    A_B,
                    "int32[2,2] 1 2 3 4; int64[1,2] 0 0; int32[1] 2; int64[2] 3 2",
                    "INVALID_ARGUMENT: Mismatched shapes [2] vs [3]",
                ),
                (
                    two,
                    UNION,
                    "int64[2,2] 0 0 2 1; int32[2] 1 2; int64[2] 3 2; int64[2,2] 0 1 1 0; int32[2] 1 5; int64[2] 3 9",
                    "int64[3,2] 0 0 1 0 2 0; int32[3] 1 5 2; int64[2] 3 1",
                ),
                (
                    two,
                    "set_operation=intersection",
                    "int64[2,2] 0 0 2 1; int32[2] 1 2; int64[2] 3 2; int64[2,2] 0 1 1 0; int32[2] 1 5; int64[2] 3 9",
                    "int64[1,2] 0 0; int32[1] 1; int64[2] 3 1",
                ),
                (
                    two,
                    loose,
                    "int64[2,2] 2 0 0 1; int32[2] 1 2; int64[2] 3 2; int64[2,2] 0 1 1 0; int32[2] 1 5; int64[2] 3 9",
                    "int64[4,2] 0 0 1 0 2 0 0 0; int32[4] 1 5 1 2; int64[2] 3 1",
                ),
                (
                    two,
                    UNION,
                    "int64[1,2] 5 0; int32[1] 1; int64[2] 3 2; int64[1,2] 0 1; int32[1] 1; int64[2] 3 9",
                    "INVALID_ARGUMENT: indices[0] = [5,0] is out of bounds: need 0 <= index < [3,2]",
                ),
            ],
        );
    }
}
