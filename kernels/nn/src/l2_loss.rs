//! See [`OP`].

use savedmodel_math::map;
use savedmodel_math::reduce::{self, Reduce, Sum};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{Element, Result, Tensor, bf16, f16};

/// Half of the sum of squares.
///
/// Half and bfloat16 round each square; they are then summed in single precision.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/L2Loss>
pub const OP: Op = Op {
    name: "L2Loss",
    inputs: &["t: T"],
    outputs: &["output: T"],
    attrs: &["T: {half, bfloat16, float, double}"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16),
};

/// A type whose squares are summed.
trait Square: Element + Reduce<Sum> {
    fn half_squares(t: &[Self], out: &mut [Self]);
}

impl Square for f32 {
    fn half_squares(t: &[f32], out: &mut [f32]) {
        map::map(t, out, map::CHEAP, |x| x * x * 0.5);
    }
}

impl Square for f64 {
    fn half_squares(t: &[f64], out: &mut [f64]) {
        map::map(t, out, map::CHEAP, |x| x * x * 0.5);
    }
}

macro_rules! narrow {
    ($($t:ty)*) => {$(
        impl Square for $t {
            fn half_squares(t: &[$t], out: &mut [$t]) {
                map::map_narrow(t, out, map::CHEAP, |x| x * x);
                let squares = out.to_vec();
                map::map_narrow(&squares, out, map::CHEAP, |x| x * 0.5);
            }
        }
    )*};
}

narrow! { f16 bf16 }

fn build<T: Square>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let t = ctx.input(0).as_slice::<T>()?;
        let mut squares = vec![T::default(); t.len()];
        T::half_squares(t, &mut squares);
        let mut sum = [T::default()];
        reduce::sum(&squares, [1, t.len(), 1], &mut sum);
        ctx.set(0, Tensor::scalar(sum[0]));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("L2Loss", "", "float[2,2] 1 2 3 4", "float[] 15"),
                ("L2Loss", "", "half[2] 300 300", "half[] inf"),
                ("L2Loss", "", "double[0]", "double[] 0"),
                ("L2Loss", "", "bfloat16[3] 16 1 1", "bfloat16[] 128"),
            ],
        );
    }
}
