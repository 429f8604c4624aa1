//! `ClipByValue`.

use half::{bf16, f16};
use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{Complex32, Complex64, Element, Error, Result};

use crate::elementwise::{CHEAP, loops, tasks};

/// Brings elements between `clip_value_min` and `clip_value_max`, which are scalars or have the shape of `t`.
///
/// Where the bounds cross, the lower one wins. NaN stays, and a bound that is NaN does not bound. Parts of complex
/// numbers are brought between the parts of their bounds.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/ClipByValue`.
pub const OP: Op = Op {
    name: "ClipByValue",
    inputs: &["t: T", "clip_value_min: T", "clip_value_max: T"],
    outputs: &["output: T"],
    attrs: &[
        "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, qint16, \
         quint16, uint16, complex128, half, uint32, uint64}",
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 Complex32 Complex64),
};

/// A number that can be brought between two others.
trait Clip: Element {
    fn clip(self, low: Self, high: Self) -> Self;
}

macro_rules! ordered {
    ($($t:ty)+) => {
        $(impl Clip for $t {
            #[inline(always)]
            fn clip(self, low: $t, high: $t) -> $t {
                let x = if self > high { high } else { self };
                if x < low { low } else { x }
            }
        })+
    };
}

ordered! { f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 }

macro_rules! complex {
    ($($t:ty)+) => {
        $(impl Clip for $t {
            fn clip(self, low: $t, high: $t) -> $t {
                <$t>::new(self.re.clip(low.re, high.re), self.im.clip(low.im, high.im))
            }
        })+
    };
}

complex! { Complex32 Complex64 }

fn build<T: Clip>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let shape = ctx.input(0).shape().clone();
        let fits = |i: usize| ctx.input(i).rank() == 0 || *ctx.input(i).shape() == shape;
        if !fits(1) || !fits(2) {
            return Err(Error::invalid_argument(format!(
                "clip_value_min and clip_value_max must be either of the same shape as input, or a scalar. \
                 input shape: {shape}clip_value_min shape: {}clip_value_max shape: {}",
                ctx.input(1).shape(),
                ctx.input(2).shape()
            )));
        }
        let mut out = match ctx.forward(0, T::DTYPE, &shape) {
            Some(out) => out,
            None => {
                let mut out = ctx.allocate(T::DTYPE, &shape)?;
                out.as_mut_slice::<T>()?.copy_from_slice(ctx.input(0).as_slice()?);
                out
            }
        };
        let (low, high) = (ctx.input(1).as_slice::<T>()?, ctx.input(2).as_slice::<T>()?);
        tasks::for_chunks(out.as_mut_slice::<T>()?, par::grain(CHEAP), &|start, out| {
            clip(out, start, low, high)
        });
        ctx.set(0, out);
        Ok(())
    }))
}

/// Clips elements that stand at `start` and after it; a bound of one element stands for all.
fn clip<T: Clip>(out: &mut [T], start: usize, low: &[T], high: &[T]) {
    if let ([low], [high]) = (low, high) {
        let (low, high) = (*low, *high);
        return loops::update_hot(out, |x| x.clip(low, high));
    }
    let at = |bound: &[T], i: usize| if bound.len() == 1 { bound[0] } else { bound[start + i] };
    for (i, x) in out.iter_mut().enumerate() {
        *x = x.clip(at(low, i), at(high, i));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    fn vector<T: Element>(v: &[T]) -> Tensor {
        Tensor::from_slice([v.len()], v).unwrap()
    }

    #[test]
    fn values() {
        let nan = f32::NAN;
        let clip = || op(&[OP], "ClipByValue");
        let t = [1.0, 2.0, 5.0, nan, 3.0, 3.0];
        let (low, high) = ([4.0, 0.0, 4.0, 0.0, nan, 2.0], [3.0, 9.0, 3.0, 9.0, 9.0, nan]);
        check(clip(), [vector(&t), vector(&low), vector(&high)], vector(&[4.0, 2.0, 4.0, nan, 3.0, 3.0]));
        let (two, three) = (Tensor::scalar(2.0_f32), Tensor::scalar(3.0_f32));
        check(clip(), [vector(&t), vector(&low), three.clone()], vector(&[4.0, 2.0, 4.0, nan, 3.0, 3.0]));
        check(clip(), [vector(&t), two, three], vector(&[2.0, 2.0, 3.0, nan, 3.0, 3.0]));
        check(clip(), [vector(&[1_u8, 9]), Tensor::scalar(2_u8), Tensor::scalar(5_u8)], vector(&[2_u8, 5]));
        let c = Complex32::new;
        let bounds = [Tensor::scalar(c(0.0, 2.0)), Tensor::scalar(c(3.0, 1.0))];
        let [low, high] = bounds;
        check(clip(), [vector(&[c(1.0, 1.0), c(-1.0, 2.0)]), low, high], vector(&[c(1.0, 2.0), c(0.0, 2.0)]));
    }

    #[test]
    fn shapes_that_do_not_fit() {
        let (t, one) = (vector(&[1.0_f32, 2.0]), Tensor::scalar(1.0_f32));
        let clip = || op(&[OP], "ClipByValue");
        error(
            clip(),
            [t.clone(), vector(&[1.0_f32]), one.clone()],
            "input shape: [2]clip_value_min shape: [1]",
        );
        error(clip(), [t, one, vector(&[1.0_f32; 3])], "clip_value_max shape: [3]");
    }
}
