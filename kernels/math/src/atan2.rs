//! `Atan2`.

use half::{bf16, f16};
use savedmodel_math::binary;
use savedmodel_op::{Effect, Op, shape};

use crate::elementwise::zip_kernels;

/// The angle of the point (`x`, `y`), between -π and π; they broadcast.
///
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Atan2`.
pub const OP: Op = Op {
    name: "Atan2",
    inputs: &["y: T", "x: T"],
    outputs: &["z: T"],
    attrs: &["T: {bfloat16, half, float, double}"],
    effect: Effect::Pure,
    shape: shape::broadcast,
    kernels: zip_kernels!("T", 2.0; slices [f32 f64 f16 bf16] binary::atan2),
};

#[cfg(test)]
mod tests {
    use std::f32::consts::{FRAC_PI_2, PI};

    use super::*;
    use crate::testing::{check, op};
    use savedmodel_tensor::Tensor;

    #[test]
    fn values() {
        let vector = |v: [f32; 4]| Tensor::from_slice([4], &v).unwrap();
        let inputs = [vector([0.0, 1.0, -1.0, -0.0]), vector([-1.0, 0.0, -0.0, -1.0])];
        let want = vector([PI, FRAC_PI_2, -FRAC_PI_2, -PI]);
        check(op(&[OP], "Atan2"), inputs, want);
    }
}
