//! `SparseSparseMaximum` and `SparseSparseMinimum`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{PartialShape, Result, Tensor, bf16, f16};

use crate::coo::{Coo, matrix};
use crate::merge::{Meeting, check_same_shape, index_of, meetings};
use crate::number::Real;
use crate::shapes;

/// The larger or smaller of two sparse tensors of one shape, at each place where one has a value; the other has zero
/// there if it has none.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseSparseMaximum>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseSparseMinimum>
pub const OPS: &[Op] = &[
    extreme("SparseSparseMaximum", &["T: realnumbertype"]),
    extreme("SparseSparseMinimum", &["T: numbertype"]),
];

const fn extreme(name: &'static str, attrs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs: &[
            "a_indices: int64",
            "a_values: T",
            "a_shape: int64",
            "b_indices: int64",
            "b_values: T",
            "b_shape: int64",
        ],
        outputs: &["output_indices: int64", "output_values: T"],
        attrs,
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let [indices, values, _] = shapes::sparse(None, shapes::rank(ctx, 0));
    Ok(vec![indices, values])
}

fn build<T: Real>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let choose: fn(T, T) -> T = if node.op == "SparseSparseMaximum" { T::larger } else { T::smaller };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (a, b) = (Coo::of(ctx, 0)?, Coo::of(ctx, 3)?);
        check_same_shape(&a, &b)?;
        a.check_bounds()?;
        b.check_bounds()?;
        let (x, y) = (a.values.as_slice::<T>()?, b.values.as_slice::<T>()?);
        let (mut indices, mut values) = (Vec::new(), Vec::new());
        for meeting in meetings(&a, &b) {
            indices.extend_from_slice(index_of(&a, &b, meeting));
            values.push(match meeting {
                Meeting::Left(i) => choose(x[i], T::default()),
                Meeting::Right(j) => choose(T::default(), y[j]),
                Meeting::Both(i, j) => choose(x[i], y[j]),
            });
        }
        let indices = matrix(values.len(), a.rank(), indices)?;
        ctx.set(0, indices);
        ctx.set(1, Tensor::from_vec([values.len()], values)?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let a = "int64[3,2] 0 1 0 3 2 0; float[3] 1 2 3; int64[2] 3 4";
        let with = |b: &str| -> &'static str { format!("{a}; {b}").leak() };
        let b = with("int64[3,2] 0 1 0 3 2 0; float[3] -5 7 1; int64[2] 3 4");
        let other = with("int64[2,2] 0 0 2 1; float[2] 5 -6; int64[2] 3 4");
        check_rows(
            OPS,
            &[
                ("SparseSparseMaximum", "", b, "int64[3,2] 0 1 0 3 2 0; float[3] 1 7 3"),
                ("SparseSparseMinimum", "", b, "int64[3,2] 0 1 0 3 2 0; float[3] -5 2 1"),
                ("SparseSparseMaximum", "", other, "int64[5,2] 0 0 0 1 0 3 2 0 2 1; float[5] 5 1 2 3 0"),
                ("SparseSparseMinimum", "", other, "int64[5,2] 0 0 0 1 0 3 2 0 2 1; float[5] 0 0 0 0 -6"),
                (
                    "SparseSparseMaximum",
                    "",
                    "int64[1,1] 0; float[1] NaN; int64[1] 1; int64[1,1] 0; float[1] 1; int64[1] 1",
                    "int64[1,1] 0; float[1] NaN",
                ),
                (
                    "SparseSparseMaximum",
                    "",
                    with("int64[0,2]; float[0]; int64[2] 3 5"),
                    "INVALID_ARGUMENT: Operands' shapes do not match: got 4 and 5 for dimension 1",
                ),
                (
                    "SparseSparseMaximum",
                    "",
                    with("int64[1,2] 9 0; float[1] 1; int64[2] 3 4"),
                    "INVALID_ARGUMENT: Sparse index tuple indices[0, :] = [9, 0] is out of bounds",
                ),
            ],
        );
    }
}
