//! See [`OP`].

use savedmodel_math::norm::{Affine, layer_norm_rows};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

/// Normalises to mean 0 and variance 1 over the innermost dimension, multiplies with `gamma` and adds `beta`.
///
/// This project's optimiser makes it. Of `gamma` and `beta` all dimensions but the innermost are 1; they broadcast.
pub const OP: Op = Op {
    name: "_FusedLayerNorm",
    inputs: &["x: T", "gamma: T", "beta: T"],
    outputs: &["y: T"],
    attrs: &["T: {float}", "epsilon: float = 0.001"],
    effect: Effect::Pure,
    shape: shapes,
    kernels: Kernels::All(&[("T", &[DType::Float])], build),
};

fn shapes(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let scaled = shape::broadcast_shapes(&ctx.input(0), &ctx.input(1))?;
    Ok(vec![shape::broadcast_shapes(&scaled, &ctx.input(2))?])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let epsilon: f32 = node.attr("epsilon")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let [x, gamma, beta] = [0, 1, 2].map(|i| ctx.input(i));
        let scaled = shape::broadcast_known(x.shape(), gamma.shape())?;
        let shape = shape::broadcast_known(&scaled, beta.shape())?;
        let (Some(&len), Some(&width)) = (x.shape().last(), shape.last()) else {
            return Err(Error::invalid_argument("a scalar has no dimension to normalise over"));
        };
        let (gamma, beta) = (row(gamma, width)?, row(beta, width)?);
        let mut out = ctx.allocate(DType::Float, shape)?;
        let (from, to) = (x.as_slice::<f32>()?, out.as_mut_slice::<f32>()?);
        if len == width && from.len() == to.len() && len > 0 {
            layer_norm_rows(from, to, len, Affine { epsilon, gamma: &gamma, beta: &beta });
        } else if len == 1 && from.len() * width == to.len() {
            // Each number is its own mean; what is no finite number leaves NaN.
            for (&x, row) in from.iter().zip(to.chunks_exact_mut(width.max(1))) {
                let zero = x * 0.0 / epsilon.sqrt();
                row.iter_mut()
                    .zip(gamma.iter().zip(&beta))
                    .for_each(|(y, (gamma, beta))| *y = zero * gamma + beta);
            }
        } else if !to.is_empty() {
            return Err(Error::invalid_argument(format!("rows of {len} can't be scaled to rows of {width}")));
        }
        ctx.set(0, out);
        Ok(())
    }))
}

/// The values of `gamma` or `beta` for each column.
fn row(values: &Tensor, width: usize) -> Result<Vec<f32>> {
    match values.as_slice::<f32>()? {
        &[value] => Ok(vec![value; width]),
        row if row.len() == width => Ok(row.to_vec()),
        row => Err(Error::invalid_argument(format!("{} scales for rows of {width}", row.len()))),
    }
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn rows_of_mean_zero() {
        let name = "_FusedLayerNorm";
        check_rows(
            &[&[super::OP]],
            &[
                (
                    name,
                    "epsilon=0",
                    "float[2,2] 1 3 -2 2; float[2] 1 10; float[1] 0.5",
                    "float[2,2] -0.5 10.5 -0.5 10.5",
                ),
                (name, "epsilon=3", "float[2] 0 2; float[1] 1; float[1,2] 0 1", "float[1,2] -0.5 1.5"),
                (name, "", "float[2,1] 7 8; float[1,2] 1 2; float[2] 3 4", "float[2,2] 3 4 3 4"),
                (name, "", "float[0,2]; float[2] 1 1; float[2] 0 0", "float[0,2]"),
                (name, "", "float[1,3] 1 2 3; float[2] 1 1; float[2] 0 0", "INVALID_ARGUMENT"),
                (name, "", "float[] 1; float[] 1; float[] 0", "INVALID_ARGUMENT"),
            ],
        );
    }
}
