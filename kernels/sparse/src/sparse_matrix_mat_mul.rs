//! See [`OP`].

use std::borrow::Cow;

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result, Shape, Tensor};

use crate::csr_sparse_matrix::{CsrSparseMatrix, only_one};
use crate::number::Number;

/// A sparse matrix times a dense one, or batches of both; each, and the product, may be transposed or conjugated.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseMatrixMatMul>
pub const OP: Op = Op {
    name: "SparseMatrixMatMul",
    inputs: &["a: variant", "b: T"],
    outputs: &["output: T"],
    attrs: &[
        "T: type",
        "transpose_a: bool = false",
        "transpose_b: bool = false",
        "adjoint_a: bool = false",
        "adjoint_b: bool = false",
        "transpose_output: bool = false",
        "conjugate_output: bool = false",
    ],
    effect: Effect::Pure,
    shape: |ctx: &ShapeContext<'_>| {
        Ok(vec![ctx.input(1).rank().map_or_else(PartialShape::unknown, PartialShape::of_rank)])
    },
    kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
};

/// How operands and product are turned.
#[derive(Clone, Copy)]
struct Turns {
    transpose_a: bool,
    transpose_b: bool,
    conjugate_a: bool,
    conjugate_b: bool,
    transpose_output: bool,
    conjugate_output: bool,
}

fn build<T: Number<Sum = T>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let flag = |name: &str| node.attr::<bool>(name);
    let turns = Turns {
        transpose_a: flag("transpose_a")? || flag("adjoint_a")?,
        transpose_b: flag("transpose_b")? || flag("adjoint_b")?,
        conjugate_a: flag("adjoint_a")?,
        conjugate_b: flag("adjoint_b")?,
        transpose_output: flag("transpose_output")?,
        conjugate_output: flag("conjugate_output")?,
    };
    only_one("a", turns.conjugate_a, flag("transpose_a")?)?;
    only_one("b", turns.conjugate_b, flag("transpose_b")?)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (a, b) = (CsrSparseMatrix::of(ctx, 0, Some(T::DTYPE))?, ctx.input(1));
        let size = Size::of(a, b, turns)?;
        let outer = if turns.transpose_output { [size.n, size.m] } else { [size.m, size.n] };
        let shape: Shape = a.shape[..a.shape.rank() - 2].iter().copied().chain(outer).collect();
        let mut output = ctx.allocate(T::DTYPE, shape)?;
        let (values, dense) = (a.values.as_slice::<T>()?, b.as_slice::<T>()?);
        let out = output.as_mut_slice::<T>()?;
        for batch in 0..a.batches() {
            let (k, m, n) = (size.k, size.m, size.n);
            let factor = &dense[batch * k * n..(batch + 1) * k * n];
            let turned = match turns.transpose_b {
                true => Cow::Owned(turn(factor, (n, k), turns.conjugate_b)),
                false => Cow::Borrowed(factor),
            };
            let mut product = vec![T::default(); m * n];
            multiply((a, values, batch), &turned, n, turns, &mut product);
            let place = &mut out[batch * m * n..(batch + 1) * m * n];
            match turns.transpose_output {
                true => place.copy_from_slice(&turn(&product, (m, n), turns.conjugate_output)),
                false => place.iter_mut().zip(product).for_each(|(place, value)| {
                    *place = if turns.conjugate_output { value.conjugate() } else { value };
                }),
            }
        }
        ctx.set(0, output);
        Ok(())
    }))
}

/// The sizes of `[m, k]` times `[k, n]`.
struct Size {
    m: usize,
    k: usize,
    n: usize,
}

impl Size {
    fn of(a: &CsrSparseMatrix, b: &Tensor, turns: Turns) -> Result<Size> {
        let refuse = |text: String| Err(Error::invalid_argument(text));
        let (rank, other) = (a.shape.rank(), b.rank());
        if rank != other {
            return refuse(format!("Ranks of a and b must match, saw: {rank} vs. {other}."));
        }
        if rank == 3 && a.shape[0] != b.shape()[0] {
            return refuse(format!(
                "Batch sizes of a and b must match, saw: {} vs. {}.",
                a.shape[0],
                b.shape()[0]
            ));
        }
        let order = |x: usize, y: usize, transpose: bool| if transpose { (y, x) } else { (x, y) };
        let (m, k) = order(a.rows(), a.columns(), turns.transpose_a);
        let (inner, n) = order(b.shape()[rank - 2], b.shape()[rank - 1], turns.transpose_b);
        if k != inner {
            return refuse(format!(
                "Inner product dimensions of A and B do not agree. Shapes are: {} vs. {}",
                a.shape,
                b.shape()
            ));
        }
        m.checked_mul(n).ok_or_else(|| Error::invalid_argument("the product is too large"))?;
        Ok(Size { m, k, n })
    }
}

/// A dense matrix, transposed and perhaps conjugated.
fn turn<T: Number>(matrix: &[T], (rows, columns): (usize, usize), conjugate: bool) -> Vec<T> {
    let mut turned = vec![T::default(); matrix.len()];
    for row in 0..rows {
        for column in 0..columns {
            let value = matrix[row * columns + column];
            turned[column * rows + row] = if conjugate { value.conjugate() } else { value };
        }
    }
    turned
}

/// Adds to each row of the product the rows of the dense matrix, times the values of the sparse one, in order.
fn multiply<T: Number<Sum = T>>(
    (a, values, batch): (&CsrSparseMatrix, &[T], usize),
    dense: &[T],
    n: usize,
    turns: Turns,
    product: &mut [T],
) {
    for row in 0..a.rows() {
        for i in a.row(batch, row) {
            let value = if turns.conjugate_a { values[i].conjugate() } else { values[i] };
            let (to, from) = if turns.transpose_a { (a.cols[i], row) } else { (row, a.cols[i]) };
            let pairs = product[to * n..(to + 1) * n].iter_mut().zip(&dense[from * n..(from + 1) * n]);
            pairs.for_each(|(sum, &factor)| *sum = value.add_product(factor, *sum));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::csr_sparse_matrix::cases::{call, matrix};
    use savedmodel_op::testing::parse_tensor;

    #[test]
    fn table() {
        let check = |a: &str, b: &str, flags: &str, want: &str| {
            let attrs: Vec<(&str, _)> = flags.split_whitespace().map(|flag| (flag, true.into())).collect();
            let got = call(&OP, &attrs, vec![matrix(a), parse_tensor(b)]);
            assert!(got == want || want.contains(": ") && got.starts_with(want), "{flags}: {got}\n{want}");
        };
        let a = "int64[3,2] 0 1 0 3 2 0; float[3] 1 2 3; int64[2] 3 4";
        let b = "float[4,2] 0 1 2 3 4 5 6 7";
        check(a, b, "", "float[3,2] 14 17 0 0 0 3");
        check(a, "float[2,4] 0 2 4 6 1 3 5 7", "transpose_b", "float[3,2] 14 17 0 0 0 3");
        check(a, "float[3,2] 0 1 2 3 4 5", "transpose_a", "float[4,2] 12 15 0 1 0 0 0 2");
        check(a, b, "transpose_output conjugate_output", "float[2,3] 14 0 0 17 0 3");
        let batch = "int64[3,3] 0 0 1 1 0 0 1 1 1; float[3] 1 2 3; int64[3] 2 2 2";
        check(batch, "float[2,2,2] 0 1 2 3 4 5 6 7", "", "float[2,2,2] 2 3 0 0 8 10 18 21");
        let complex = "int64[1,2] 0 1; complex64[1] 1+2i; int64[2] 2 2";
        let pair = "complex64[2,1] 1+1i 0+1i";
        check(complex, pair, "", "complex64[2,1] -2+1i 0+0i");
        check(complex, pair, "adjoint_a", "complex64[2,1] 0+0i 3-1i");
        check(complex, "complex64[1,2] 1+1i 0+1i", "adjoint_b conjugate_output", "complex64[2,1] 2+1i 0+-0i");
        check(
            a,
            b,
            "adjoint_a transpose_a",
            "INVALID_ARGUMENT: Only one of adjoint_a and transpose_a may be true.",
        );
        check(
            a,
            "float[3,2] 1 1 1 1 1 1",
            "",
            "INVALID_ARGUMENT: Inner product dimensions of A and B do not agree.",
        );
        check(a, "float[4] 1 1 1 1", "", "INVALID_ARGUMENT: Ranks of a and b must match, saw: 2 vs. 1.");
        check(
            batch,
            "float[1,2,2] 1 1 1 1",
            "",
            "INVALID_ARGUMENT: Batch sizes of a and b must match, saw: 2 vs. 1.",
        );
    }
}
