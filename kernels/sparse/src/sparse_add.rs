//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, Result, Tensor};

use crate::coo::{Coo, matrix, vector};
use crate::merge::{Meeting, check_same_shape, index_of, meetings};
use crate::number::Number;
use crate::shapes;

/// Adds two sparse tensors of one shape; sums of two values whose magnitude is below a threshold are left out.
///
/// Both must be in order. NaN is below every threshold.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseAdd>
pub const OP: Op = Op {
    name: "SparseAdd",
    inputs: &[
        "a_indices: int64",
        "a_values: T",
        "a_shape: int64",
        "b_indices: int64",
        "b_values: T",
        "b_shape: int64",
        "thresh: Treal",
    ],
    outputs: &["sum_indices: int64", "sum_values: T", "sum_shape: int64"],
    attrs: &["T: numbertype", "Treal: realnumbertype"],
    effect: Effect::Pure,
    shape: shapes::sparse_of_rank,
    kernels: by_dtype!("T"; build: f32 f64 i8 i16 i32 i64 Complex32 Complex64),
};

/// Numbers that have a magnitude.
trait Magnitude: Number {
    /// The test of whether a number reaches a threshold.
    fn reaches(threshold: &Tensor) -> Result<Box<dyn Fn(Self) -> bool>>;
}

macro_rules! magnitudes {
    ($($type:ty, $real:ty: $x:ident => $magnitude:expr;)*) => {
        $(impl Magnitude for $type {
            fn reaches(threshold: &Tensor) -> Result<Box<dyn Fn($type) -> bool>> {
                let threshold = threshold.to_scalar::<$real>()?;
                Ok(Box::new(move |$x: $type| threshold <= $magnitude))
            }
        })*
    };
}

magnitudes! {
    f32, f32: x => x.abs();
    f64, f64: x => x.abs();
    i8, i8: x => x.wrapping_abs();
    i16, i16: x => x.wrapping_abs();
    i32, i32: x => x.wrapping_abs();
    i64, i64: x => x.wrapping_abs();
    Complex32, f32: x => x.norm();
    Complex64, f64: x => x.norm();
}

fn build<T: Magnitude>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (a, b) = (Coo::of(ctx, 0)?, Coo::of(ctx, 3)?);
        check_same_shape(&a, &b)?;
        let threshold = ctx.input(6);
        if threshold.rank() != 0 {
            return Err(Error::invalid_argument(format!(
                "The magnitude threshold must be a scalar: got shape {}",
                threshold.shape()
            )));
        }
        let reaches = T::reaches(threshold)?;
        let (x, y) = (a.values.as_slice::<T>()?, b.values.as_slice::<T>()?);
        let (mut indices, mut sums) = (Vec::new(), Vec::new());
        for meeting in meetings(&a, &b) {
            let (sum, kept) = match meeting {
                Meeting::Left(i) => (x[i], true),
                Meeting::Right(j) => (y[j], true),
                Meeting::Both(i, j) => {
                    let sum = x[i].plus(y[j]);
                    (sum, reaches(sum))
                }
            };
            if kept {
                indices.extend_from_slice(index_of(&a, &b, meeting));
                sums.push(sum);
            }
        }
        let indices = matrix(sums.len(), a.rank(), indices)?;
        let shape = vector(a.sizes.to_vec())?;
        ctx.set(0, indices);
        ctx.set(1, Tensor::from_vec([sums.len()], sums)?);
        ctx.set(2, shape);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "SparseAdd";
        let a = "int64[3,2] 0 1 0 3 2 0; float[3] 1 2 3; int64[2] 3 4";
        let add = |b: &str, threshold: &str| -> &'static str { format!("{a}; {b}; {threshold}").leak() };
        check_rows(
            OPS,
            &[
                (op, "", add(a, "float[] 0"), "int64[3,2] 0 1 0 3 2 0; float[3] 2 4 6; int64[2] 3 4"),
                (op, "", add(a, "float[] 3"), "int64[2,2] 0 3 2 0; float[2] 4 6; int64[2] 3 4"),
                (
                    op,
                    "",
                    add("int64[1,2] 0 0; float[1] 0.5; int64[2] 3 4", "float[] 9"),
                    "int64[4,2] 0 0 0 1 0 3 2 0; float[4] 0.5 1 2 3; int64[2] 3 4",
                ),
                (
                    op,
                    "",
                    add("int64[2,2] 0 0 2 1; float[2] 5 -6; int64[2] 3 4", "float[] 0"),
                    "int64[5,2] 0 0 0 1 0 3 2 0 2 1; float[5] 5 1 2 3 -6; int64[2] 3 4",
                ),
                (
                    op,
                    "",
                    add("int64[3,2] 0 1 0 3 2 0; float[3] NaN -2 0; int64[2] 3 4", "float[] 0.5"),
                    "int64[1,2] 2 0; float[1] 3; int64[2] 3 4",
                ),
                (
                    op,
                    "",
                    "int64[1,1] 0; complex64[1] 3+4i; int64[1] 2; int64[0,1]; complex64[0]; int64[1] 2; float[] 5",
                    "int64[1,1] 0; complex64[1] 3+4i; int64[1] 2",
                ),
                (
                    op,
                    "",
                    add("int64[0,2]; float[0]; int64[2] 4 4", "float[] 0"),
                    "INVALID_ARGUMENT: Operands' shapes do not match: got 3 and 4 for dimension 0",
                ),
                (
                    op,
                    "",
                    add("int64[0,1]; float[0]; int64[1] 4", "float[] 0"),
                    "INVALID_ARGUMENT: Operands do not have the same ranks; got shapes: 3 4 and 4",
                ),
                (
                    op,
                    "",
                    add(a, "float[1] 0"),
                    "INVALID_ARGUMENT: The magnitude threshold must be a scalar: got shape [1]",
                ),
            ],
        );
    }
}
