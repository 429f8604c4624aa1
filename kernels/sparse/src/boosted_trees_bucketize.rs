//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor};

/// For each feature, the buckets of its values between sorted boundaries.
///
/// A value goes to the first bucket whose boundary is not below it. TensorFlow 2.21 declares the operator but has no kernel of it any more,
/// hence no cases.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BoostedTreesBucketize>
pub const OP: Op = Op {
    name: "BoostedTreesBucketize",
    inputs: &["float_values: num_features * float", "bucket_boundaries: num_features * float"],
    outputs: &["buckets: num_features * int32"],
    attrs: &["num_features: int >= 0"],
    effect: Effect::Pure,
    shape: |ctx: &ShapeContext<'_>| {
        Ok((0..ctx.outputs).map(|i| PartialShape::new([ctx.input(i).dim(0)])).collect())
    },
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let features = ctx.output_len();
        for feature in 0..features {
            let (values, boundaries) = (ctx.input(feature), ctx.input(features + feature));
            for (name, tensor) in [("values", values), ("boundaries", boundaries)] {
                if tensor.rank() != 1 {
                    return Err(Error::invalid_argument(format!(
                        "The {name} of feature {feature} must be a vector, got shape {}",
                        tensor.shape()
                    )));
                }
            }
            let boundaries = boundaries.as_slice::<f32>()?;
            let bucket = |value: &f32| boundaries.partition_point(|boundary| boundary < value) as i32;
            let buckets = values.as_slice::<f32>()?.iter().map(bucket).collect();
            ctx.set(feature, Tensor::from_vec([values.elements()], buckets)?);
        }
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "BoostedTreesBucketize";
        check_rows(
            OPS,
            &[
                (op, "num_features=1", "float[5] -5 0 1 2.5 99; float[3] 0 2 3", "int32[5] 0 0 1 2 3"),
                (op, "num_features=2", "float[1] 3; float[0]; float[1] 3; float[0]", "int32[1] 0; int32[0]"),
                (
                    op,
                    "num_features=1",
                    "float[1,1] 3; float[1] 3",
                    "INVALID_ARGUMENT: The values of feature 0",
                ),
            ],
        );
    }
}
