//! `Atan2`.

use std::f32::consts::FRAC_PI_2;

use half::{bf16, f16};
use savedmodel_math::binary;
use savedmodel_math::packet::Float;
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
    kernels: zip_kernels!("T", 2.0; slices [f64 f16 bf16] binary::atan2, slices [f32] atan2),
};

/// The angles, of which the rest of a tensor, that fills no packet, does not flush denormals.
fn atan2(y: &[f32], x: &[f32], out: &mut [f32]) {
    binary::atan2(y, x, out);
    let whole = y.len() / f32::PACKET * f32::PACKET;
    for ((&y, &x), out) in y.iter().zip(x).zip(out).skip(whole) {
        if y.is_denormal() && x >= 0.0 && !x.is_denormal() {
            *out = beside_axis(y, x);
        }
    }
}

/// The angle where `y` is denormal and `x` is not negative.
fn beside_axis(y: f32, x: f32) -> f32 {
    if x == 0.0 {
        return FRAC_PI_2.copysign(y);
    }
    const UNIT: f64 = 1.401_298_464_324_817e-45;
    let units = f64::from(y.to_bits() & 0x007f_ffff) / f64::from(x);
    let angle =
        if units < 8_388_608.0 { f32::from_bits(units.round() as u32) } else { (units * UNIT).atan() as f32 };
    angle.copysign(y)
}

#[cfg(test)]
mod tests {
    use std::f32::consts::PI;

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
