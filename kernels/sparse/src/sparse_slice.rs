//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::coo::{Coo, matrix, pick, vector};
use crate::shapes;

/// Cuts a box out of a sparse tensor.
///
/// The box may reach beyond the tensor's shape, and may start before it.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseSlice>
pub const OP: Op = Op {
    name: "SparseSlice",
    inputs: &["indices: int64", "values: T", "shape: int64", "start: int64", "size: int64"],
    outputs: &["output_indices: int64", "output_values: T", "output_shape: int64"],
    attrs: &["T: type"],
    effect: Effect::Pure,
    shape: shapes::sparse_of_rank,
    kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let coo = Coo::of(ctx, 0)?;
        let starts = corner("start", ctx.input(3), coo.rank())?;
        let sizes = corner("size", ctx.input(4), coo.rank())?;
        coo.shape()?;
        let shape = vector(cut(coo.sizes, starts, sizes)?)?;
        // As TensorFlow's, ends too far away wrap.
        let ends: Vec<i64> =
            starts.iter().zip(sizes).map(|(&start, &size)| start.wrapping_add(size)).collect();
        let within = |&i: &usize| {
            let bounds = starts.iter().zip(&ends);
            coo.index(i).iter().zip(bounds).all(|(index, (start, end))| (start..end).contains(&index))
        };
        let kept: Vec<usize> = (0..coo.len()).filter(within).collect();
        let moved = kept
            .iter()
            .flat_map(|&i| coo.index(i).iter().zip(starts).map(|(&index, &start)| index.wrapping_sub(start)));
        let indices = matrix(kept.len(), coo.rank(), moved.collect())?;
        let values = pick(coo.values, &kept, &ctx.run())?;
        ctx.set(0, indices);
        ctx.set(1, values);
        ctx.set(2, shape);
        Ok(())
    }))
}

/// The sizes of the box, which are set one after the other.
fn cut(all: &[i64], starts: &[i64], sizes: &[i64]) -> Result<Vec<i64>> {
    let mut cut = all.to_vec();
    for i in 0..all.len() {
        let (all, start, size) = (all[i], starts[i], sizes[i]);
        cut[i] = match start {
            _ if start < all.wrapping_sub(size) => size,
            _ if start < all => all.wrapping_sub(start),
            _ => 0,
        };
        if cut[i] < 0 {
            return Err(Error::invalid_argument(format!("Expected a non-negative size, got {}", cut[i])));
        }
        cut.iter().try_fold(1_i64, |count, &size| count.checked_mul(size)).ok_or_else(|| {
            Error::invalid_argument(format!("Encountered overflow when multiplying the sizes {cut:?}"))
        })?;
    }
    Ok(cut)
}

fn corner<'a>(name: &str, tensor: &'a Tensor, rank: usize) -> Result<&'a [i64]> {
    if tensor.rank() != 1 {
        return Err(Error::invalid_argument(format!(
            "Expected {name} to be a vector but got shape {}",
            tensor.shape()
        )));
    }
    if tensor.elements() != rank {
        return Err(Error::invalid_argument(format!(
            "Expected {name} to be a vector of length {rank} but got length {}",
            tensor.elements()
        )));
    }
    tensor.as_slice()
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "SparseSlice";
        let cut = |start: &str, size: &str| -> &'static str {
            let three = "int64[3,2] 0 1 0 3 2 0; float[3] 1 2 3; int64[2] 3 4";
            format!("{three}; {start}; {size}").leak()
        };
        check_rows(
            OPS,
            &[
                (op, "", cut("int64[2] 0 1", "int64[2] 2 2"), "int64[1,2] 0 0; float[1] 1; int64[2] 2 2"),
                (op, "", cut("int64[2] 1 0", "int64[2] 9 9"), "int64[1,2] 1 0; float[1] 3; int64[2] 2 4"),
                (op, "", cut("int64[2] 5 0", "int64[2] 9 9"), "int64[0,2]; float[0]; int64[2] 0 4"),
                (
                    op,
                    "",
                    cut("int64[2] -1 0", "int64[2] 9 9"),
                    "int64[3,2] 1 1 1 3 3 0; float[3] 1 2 3; int64[2] 4 4",
                ),
                (
                    op,
                    "",
                    cut("int64[2] 9223372036854775807 0", "int64[2] 9223372036854775807 9"),
                    "int64[0,2]; float[0]; int64[2] 0 4",
                ),
                (
                    op,
                    "",
                    cut("int64[2] 0 0", "int64[2] -9223372036854775808 1"),
                    "int64[0,2]; float[0]; int64[2] 3 1",
                ),
                (
                    op,
                    "",
                    cut("int64[2] -1 0", "int64[2] -9223372036854775808 2"),
                    "int64[2,2] 1 1 3 0; float[2] 1 3; int64[2] 4 2",
                ),
                (
                    op,
                    "",
                    cut("int64[2] 1 0", "int64[2] 9223372036854775807 4"),
                    "int64[0,2]; float[0]; int64[2] 2 4",
                ),
                (
                    op,
                    "",
                    cut("int64[2] -9223372036854775808 0", "int64[2] 9223372036854775807 1"),
                    "INVALID_ARGUMENT: Encountered overflow when multiplying",
                ),
                (
                    op,
                    "",
                    "int64[2,1] 2 0; string[2] 'a' 'b'; int64[1] 3; int64[1] 0; int64[1] 3",
                    "int64[2,1] 2 0; string[2] 'a' 'b'; int64[1] 3",
                ),
                (
                    op,
                    "",
                    cut("int64[2] 0 0", "int64[2] -1 9"),
                    "INVALID_ARGUMENT: Expected a non-negative size, got -1",
                ),
                (
                    op,
                    "",
                    cut("int64[1] 0", "int64[1] 1"),
                    "INVALID_ARGUMENT: Expected start to be a vector of length 2 but got length 1",
                ),
            ],
        );
    }
}
