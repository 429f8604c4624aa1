//! The value that all `SparseMatrix*` and `CSRSparseMatrix*` operators pass around.

use std::ops::Range;

use savedmodel_op::{Context, Run};
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor, Variant, VariantValue};

use crate::coo::zeros;

/// A sparse matrix, or a batch of them, in compressed rows.
///
/// It travels as the only element of a scalar `variant` tensor.
#[derive(Clone, Debug)]
pub struct CsrSparseMatrix {
    /// Rows and columns, perhaps after the number of matrices.
    pub shape: Shape,
    /// Where the values of each matrix begin, and where the last one's end.
    pub batch_ptrs: Vec<usize>,
    /// For each matrix, where the values of each row begin and where the last one's end, from the matrix' own first on.
    pub row_ptrs: Vec<usize>,
    /// The column of each value.
    pub cols: Vec<usize>,
    /// The values.
    pub values: Tensor,
}

impl VariantValue for CsrSparseMatrix {
    fn type_name(&self) -> &'static str {
        "tensorflow::CSRSparseMatrix"
    }
}

impl CsrSparseMatrix {
    /// A matrix from the indices of its values, which lie within its shape.
    ///
    /// Values stay in order; the rows of indices are only counted, as TensorFlow does.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there are too many rows for 32 bits.
    pub fn new(shape: Shape, indices: &[i64], values: Tensor, run: &Run<'_>) -> Result<CsrSparseMatrix> {
        let rank = shape.rank();
        let (batches, rows) = (if rank == 3 { shape[0] } else { 1 }, shape[rank - 2]);
        let len = (rows as u128 + 1) * batches as u128;
        if len > i32::MAX as u128 {
            return Err(Error::invalid_argument(format!(
                "The csr row index size, computed based on the dense_shape, must be <= Int32Max, but is too large. \
                 Current value is {len}"
            )));
        }
        let (mut batch_ptrs, mut row_ptrs) = (zeros(batches + 1, run)?, zeros(len as usize, run)?);
        let mut cols = Vec::with_capacity(values.elements());
        for index in indices.chunks_exact(rank) {
            let (batch, row) = (if rank == 3 { index[0] as usize } else { 0 }, index[rank - 2] as usize);
            batch_ptrs[batch + 1] += 1;
            row_ptrs[batch * (rows + 1) + row + 1] += 1;
            cols.push(index[rank - 1] as usize);
        }
        accumulate(&mut batch_ptrs);
        row_ptrs.chunks_exact_mut(rows + 1).for_each(accumulate);
        Ok(CsrSparseMatrix { shape, batch_ptrs, row_ptrs, cols, values })
    }

    /// The number of matrices.
    pub fn batches(&self) -> usize {
        self.batch_ptrs.len() - 1
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.shape[self.shape.rank() - 2]
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.shape[self.shape.rank() - 1]
    }

    /// The values of a row of a matrix.
    pub fn row(&self, batch: usize, row: usize) -> Range<usize> {
        let (start, own) = (self.batch_ptrs[batch], batch * (self.rows() + 1) + row);
        start + self.row_ptrs[own]..start + self.row_ptrs[own + 1]
    }

    /// The matrix in a scalar `variant` tensor.
    ///
    /// # Errors
    /// None in practice.
    pub fn into_tensor(self) -> Result<Tensor> {
        Tensor::from_variants(Shape::scalar(), vec![Variant::new(self)])
    }

    /// The matrix that input `i` holds; of this dtype, if one is told.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the input is no scalar, holds something else, or is of another dtype.
    pub fn of<'a>(ctx: &'a Context<'_>, i: usize, dtype: Option<DType>) -> Result<&'a CsrSparseMatrix> {
        let handle = ctx.input(i);
        let refuse = |text: String| Err(Error::invalid_argument(text));
        if handle.rank() != 0 {
            return refuse(format!(
                "Invalid input matrix: Shape must be rank 0 but is rank {}",
                handle.rank()
            ));
        }
        let Some(matrix) = handle.variants()?[0].get::<CsrSparseMatrix>() else {
            return refuse(format!("Could not retrieve Variant input {i}"));
        };
        if matrix.batches() == 0 {
            return refuse(format!("Variant input {i} is not valid."));
        }
        match dtype {
            Some(dtype) if matrix.values.dtype() != dtype => refuse(format!(
                "Asked for a CSRSparseMatrix of type {dtype} but saw dtype: {}",
                matrix.values.dtype()
            )),
            _ => Ok(matrix),
        }
    }
}

fn accumulate(counts: &mut [usize]) {
    let mut sum = 0;
    for count in counts {
        sum += *count;
        *count = sum;
    }
}

/// Checks that at most one of two ways to turn an operand is asked for.
///
/// # Errors
/// `INVALID_ARGUMENT` when both are.
pub(crate) fn only_one(operand: &str, adjoint: bool, transpose: bool) -> Result<()> {
    match adjoint && transpose {
        true => Err(Error::invalid_argument(format!(
            "Only one of adjoint_{operand} and transpose_{operand} may be true."
        ))),
        false => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod cases {
    use super::*;
    use savedmodel_op::Op;
    use savedmodel_op::testing::{OpTest, TestAttr, parse_tensor, show};

    /// A matrix from indices, values and shape written as text.
    pub(crate) fn matrix(text: &str) -> Tensor {
        let test = OpTest::new(&crate::sparse_tensor_to_csr_sparse_matrix::OP);
        text.split(';')
            .fold(test, |test, part| test.input(parse_tensor(part.trim())))
            .run()
            .unwrap()
            .remove(0)
    }

    /// The indices, values and shape of a matrix as text.
    pub(crate) fn text(matrix: &Tensor) -> String {
        let dtype = matrix.variants().unwrap()[0].get::<CsrSparseMatrix>().unwrap().values.dtype();
        call(&crate::csr_sparse_matrix_to_sparse_tensor::OP, &[("type", dtype.into())], vec![matrix.clone()])
    }

    /// What an operator answers; a matrix as by [`text`].
    pub(crate) fn call(op: &'static Op, attrs: &[(&str, TestAttr)], inputs: Vec<Tensor>) -> String {
        let test = inputs.into_iter().fold(OpTest::new(op), OpTest::input);
        let test = attrs.iter().fold(test, |test, (name, value)| test.attr(name, value.clone()));
        match test.run() {
            Ok(outputs) if outputs[0].dtype() == DType::Variant => text(&outputs[0]),
            result => show(&result),
        }
    }
}
