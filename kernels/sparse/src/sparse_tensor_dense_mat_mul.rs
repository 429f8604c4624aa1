//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result, Tensor, bf16, f16};

use crate::number::Number;

/// Multiplies a sparse matrix and a dense one, either of which may be taken as its adjoint.
///
/// Values need not be in order; those at the same place add up. 16-bit floats add up in single precision.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseTensorDenseMatMul>
pub const OP: Op = Op {
    name: "SparseTensorDenseMatMul",
    inputs: &["a_indices: Tindices", "a_values: T", "a_shape: int64", "b: T"],
    outputs: &["product: T"],
    attrs: &[
        "T: type",
        "Tindices: {int32, int64} = DT_INT64",
        "adjoint_a: bool = false",
        "adjoint_b: bool = false",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i32 Complex32 Complex64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let adjoint = |name: &str| usize::from(ctx.attr(name).unwrap_or(false));
    let sizes = ctx.integers(2).and_then(|sizes| usize::try_from(*sizes.get(adjoint("adjoint_a"))?).ok());
    Ok(vec![PartialShape::new([sizes, ctx.input(3).dim(1 - adjoint("adjoint_b"))])])
}

fn build<T: Number>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (adjoint_a, adjoint_b): (bool, bool) = (node.attr("adjoint_a")?, node.attr("adjoint_b")?);
    if !INDICES.contains(&node.attr("Tindices")?) {
        return Err(node.no_kernel("Tindices"));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let [rows, inner, columns] = sizes(ctx, adjoint_a, adjoint_b)?;
        let places = places(ctx.input(0), adjoint_a, rows, inner)?;
        let values = ctx.input(1).as_slice::<T>()?;
        let dense = ctx.input(3).as_slice::<T>()?;
        let transposed: Vec<T>;
        let dense = match adjoint_b {
            true => {
                transposed = adjoint(dense, inner, columns);
                &transposed
            }
            false => dense,
        };
        let mut output = ctx.allocate(T::DTYPE, [rows, columns])?;
        let out = output.as_mut_slice::<T>()?;
        let mut sums = vec![T::Sum::default(); out.len()];
        for (&(row, k), &value) in places.iter().zip(values) {
            let value = if adjoint_a { value.conjugate() } else { value };
            let factors = &dense[k * columns..][..columns];
            let sums = &mut sums[row * columns..][..columns];
            sums.iter_mut().zip(factors).for_each(|(sum, &factor)| *sum = value.add_product(factor, *sum));
        }
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = T::from_sum(sum));
        ctx.set(0, output);
        Ok(())
    }))
}

/// Rows of the product, length of the dimension that is summed over, columns of the product.
fn sizes(ctx: &Context<'_>, adjoint_a: bool, adjoint_b: bool) -> Result<[usize; 3]> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    let (indices, values, sizes, dense) = (ctx.input(0), ctx.input(1), ctx.input(2), ctx.input(3));
    let &[b0, b1] = &dense.shape()[..] else {
        return refuse("Tensor 'b' is not a matrix".to_owned());
    };
    if sizes.rank() != 1 {
        return refuse("Tensor 'a_shape' is not a vector".to_owned());
    }
    let &[a0, a1] = sizes.as_slice::<i64>()? else {
        return refuse("Tensor 'a_shape' must have 2 elements".to_owned());
    };
    if values.rank() != 1 {
        return refuse("Tensor 'a_values' is not a vector".to_owned());
    }
    let &[count, columns] = &indices.shape()[..] else {
        return refuse("Tensor 'a_indices' is not a matrix".to_owned());
    };
    if count != values.elements() {
        return refuse("Number of rows of a_indices does not match number of entries in a_values".to_owned());
    }
    if columns != 2 {
        return refuse(
            "Number of columns of a_indices does not match number of entries in a_shape".to_owned(),
        );
    }
    let (outer, inner) = if adjoint_a { (a1, a0) } else { (a0, a1) };
    let (b_inner, b_outer) = if adjoint_b { (b1, b0) } else { (b0, b1) };
    if inner != b_inner as i64 {
        return refuse(format!(
            "Cannot multiply A and B because inner dimension does not match: {inner} vs. {b_inner}.  Did you forget a \
             transpose?  Dimensions of A: [{a0}, {a1}).  Dimensions of B: {}",
            dense.shape()
        ));
    }
    let Ok(outer) = usize::try_from(outer) else {
        return refuse(format!("Dimension {outer} of 'a_shape' must be >= 0"));
    };
    Ok([outer, b_inner, b_outer])
}

/// The row of the product and the row of the dense matrix that each value belongs to.
fn places(indices: &Tensor, adjoint: bool, rows: usize, inner: usize) -> Result<Vec<(usize, usize)>> {
    let indices = indices.to_i64s()?;
    let (m, k) = if adjoint { (1, 0) } else { (0, 1) };
    let within = |i: usize, name: &str, column: usize, size: usize| {
        let index = indices[2 * i + column];
        usize::try_from(index).ok().filter(|&index| index < size).ok_or_else(|| {
            Error::invalid_argument(format!(
                "{name} ({index}) from index[{i},{column}] out of bounds (>={size})"
            ))
        })
    };
    (0..indices.len() / 2)
        .map(|i| {
            let k = within(i, "k", k, inner)?;
            Ok((within(i, "m", m, rows)?, k))
        })
        .collect()
}

/// The adjoint of a matrix of `columns` rows.
fn adjoint<T: Number>(matrix: &[T], inner: usize, columns: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(matrix.len());
    for k in 0..inner {
        out.extend((0..columns).map(|column| matrix[column * inner + k].conjugate()));
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "SparseTensorDenseMatMul";
        let a = "int64[3,2] 0 1 0 3 2 0; float[3] 1 2 3; int64[2] 3 4";
        let times = |b: &str| -> &'static str { format!("{a}; {b}").leak() };
        check_rows(
            OPS,
            &[
                (op, "", times("float[4,2] 0 1 2 3 4 5 6 7"), "float[3,2] 14 17 0 0 0 3"),
                (op, "adjoint_a=true", times("float[3,2] 0 1 2 3 4 5"), "float[4,2] 12 15 0 1 0 0 0 2"),
                (op, "adjoint_b=true", times("float[2,4] 0 1 2 3 4 5 6 7"), "float[3,2] 7 19 0 0 0 12"),
                (
                    op,
                    "adjoint_b=true",
                    "int64[1,2] 0 1; complex64[1] 1+2i; int64[2] 1 2; complex64[1,2] 1+1i 1+1i",
                    "complex64[1,1] 3+1i",
                ),
                (op, "", "int32[2,2] 0 0 0 0; int32[2] 2 3; int64[2] 1 1; int32[1,1] 4", "int32[1,1] 20"),
                (op, "", "int64[0,2]; half[0]; int64[2] 2 1; half[1,2] 1 2", "half[2,2] 0 0 0 0"),
                (
                    op,
                    "",
                    times("float[3,1] 1 1 1"),
                    "INVALID_ARGUMENT: Cannot multiply A and B because inner dimension does not match: 4 vs. 3.",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 0 5; float[1] 1; int64[2] 3 4; float[4,1] 1 1 1 1",
                    "INVALID_ARGUMENT: k (5) from index[0,1] out of bounds (>=4)",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 3 0; float[1] 1; int64[2] 3 4; float[4,1] 1 1 1 1",
                    "INVALID_ARGUMENT: m (3) from index[0,0] out of bounds (>=3)",
                ),
                (op, "", times("float[4] 1 1 1 1"), "INVALID_ARGUMENT: Tensor 'b' is not a matrix"),
            ],
        );
    }
}
