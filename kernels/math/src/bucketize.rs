//! `Bucketize`.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{DType, Element, Error, Result};

use crate::elementwise::{loops, tasks};

/// The number of `boundaries` that are not greater than each element; all of them for NaN.
///
/// Integers are compared as floats. See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Bucketize`.
pub const OP: Op = Op {
    name: "Bucketize",
    inputs: &["input: T"],
    outputs: &["output: int32"],
    attrs: &["T: {int32, int64, float, double}", "boundaries: list(float)"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: by_dtype!("T"; build: f32 f64 i32 i64),
};

/// A number that is compared with boundaries.
trait Number: Element {
    fn below(self, boundary: f32) -> bool;
}

macro_rules! number {
    ($($t:ty: |$x:ident, $boundary:ident| $below:expr;)+) => {
        $(impl Number for $t {
            #[inline(always)]
            fn below(self, $boundary: f32) -> bool {
                let $x = self;
                $below
            }
        })+
    };
}

number! {
    f32: |x, boundary| x < boundary;
    f64: |x, boundary| x < f64::from(boundary);
    i32: |x, boundary| (x as f32) < boundary;
    i64: |x, boundary| (x as f32) < boundary;
}

fn build<T: Number>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let boundaries: Vec<f32> = node.attr("boundaries")?;
    if boundaries.windows(2).any(|pair| pair[1] < pair[0]) {
        return Err(Error::invalid_argument("Expected sorted boundaries"));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let x = ctx.input(0);
        let mut output = ctx.allocate(DType::Int32, x.shape())?;
        let x = x.as_slice::<T>()?;
        tasks::for_chunks(output.as_mut_slice::<i32>()?, par::grain(10.0), &|start, out| {
            loops::map(&x[start..start + out.len()], out, |x| {
                boundaries.partition_point(|&boundary| !x.below(boundary)) as i32
            });
        });
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    fn row<T: Element>(x: &[T], boundaries: Vec<f32>, want: &[i32]) {
        let test = op(&[OP], "Bucketize").attr("boundaries", boundaries);
        check(
            test,
            [Tensor::from_slice([x.len()], x).unwrap()],
            Tensor::from_slice([want.len()], want).unwrap(),
        );
    }

    #[test]
    fn values() {
        row(&[-5.0_f32, 0.0, 1.0, 2.5, f32::NAN, 10.0], vec![0.0, 1.0, 2.5], &[0, 1, 2, 3, 3, 3]);
        row(&[1, 3], vec![0.5, 2.5, 3.0], &[1, 3]);
        row(&[0.1_f64, 0.100_000_001_5], vec![0.1], &[0, 1]);
        row(&[(1_i64 << 24) + 1], vec![16_777_217.0], &[1]);
        row(&[1.0_f32], vec![1.0, 1.0, 2.0], &[2]);
        row(&[1.0_f32], vec![], &[0]);
        let unsorted = op(&[OP], "Bucketize").attr("boundaries", vec![3.0, 1.0]);
        error(unsorted, [Tensor::scalar(1.0_f32)], "Expected sorted boundaries");
    }
}
