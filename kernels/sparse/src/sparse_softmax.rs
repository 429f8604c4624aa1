//! See [`OP`].

use num_traits::Float;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, f16};

use crate::coo::Coo;

/// The softmax of the values of each row, taken along the last dimension; places without a value take no part.
///
/// The results stand in the order of the indices, even if the values do not.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseSoftmax>
pub const OP: Op = Op {
    name: "SparseSoftmax",
    inputs: &["sp_indices: int64", "sp_values: T", "sp_shape: int64"],
    outputs: &["output: T"],
    attrs: &["T: {half, float, double}"],
    effect: Effect::Pure,
    shape: |ctx: &ShapeContext<'_>| Ok(vec![PartialShape::new([crate::shapes::len(ctx, 0)])]),
    kernels: by_dtype!("T"; build: f16 f32 f64),
};

fn build<T: Element + Float>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let coo = Coo::of(ctx, 0)?;
        let rank = coo.rank();
        if rank < 2 {
            let shape = coo.sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            return Err(Error::invalid_argument(format!(
                "Input should have rank >= 2, but received shape: {shape}"
            )));
        }
        coo.shape()?;
        let order = coo.order();
        let values = coo.values.as_slice::<T>()?;
        let mut output = ctx.allocate(T::DTYPE, [order.len()])?;
        let out = output.as_mut_slice::<T>()?;
        out.iter_mut().zip(&order).for_each(|(out, &i)| *out = values[i]);
        let mut start = 0;
        for row in order.chunk_by(|&a, &b| coo.index(a)[..rank - 1] == coo.index(b)[..rank - 1]) {
            softmax(&mut out[start..start + row.len()]);
            start += row.len();
        }
        ctx.set(0, output);
        Ok(())
    }))
}

fn softmax<T: Float>(row: &mut [T]) {
    let most = row.iter().fold(T::neg_infinity(), |most, &x| if most < x { x } else { most });
    row.iter_mut().for_each(|x| *x = (*x - most).exp());
    let sum = row.iter().fold(T::zero(), |sum, &x| sum + x);
    row.iter_mut().for_each(|x| *x = *x / sum);
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "SparseSoftmax";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "",
                    "int64[3,2] 0 1 0 3 2 0; float[3] 1 2 3; int64[2] 3 4",
                    "float[3] 0.2689414322376251 0.7310585975646973 1",
                ),
                (
                    op,
                    "",
                    "int64[3,2] 0 0 1 0 0 1; float[3] 1 2 3; int64[2] 3 4",
                    "float[3] 0.11920291185379028 0.8807970285415649 1",
                ),
                (op, "", "int64[1,3] 0 0 0; double[1] inf; int64[3] 1 1 1", "double[1] NaN"),
                (op, "", "int64[0,2]; half[0]; int64[2] 3 4", "half[0]"),
                (
                    op,
                    "",
                    "int64[1,1] 0; float[1] 1; int64[1] 3",
                    "INVALID_ARGUMENT: Input should have rank >= 2, but received shape: 3",
                ),
            ],
        );
    }
}
