//! `LinSpace`.

use num_traits::{Float, NumCast};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, Tensor};

/// `num` numbers at equal distances, from `start` to `stop`, both of which are among them.
///
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/LinSpace`.
pub const OP: Op = Op {
    name: "LinSpace",
    inputs: &["start: T", "stop: T", "num: Tidx"],
    outputs: &["output: T"],
    attrs: &["T: {bfloat16, half, float, double}", "Tidx: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64),
};

fn build<T: Element + Float>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        for (i, name) in ["start", "stop", "num"].into_iter().enumerate() {
            if ctx.input(i).rank() != 0 {
                let text = format!("{name} must be a scalar, not shape {}", ctx.input(i).shape());
                return Err(Error::invalid_argument(text));
            }
        }
        let (start, stop): (T, T) = (ctx.input(0).to_scalar()?, ctx.input(1).to_scalar()?);
        let num = number(ctx.input(2))?;
        let mut out = ctx.allocate(T::DTYPE, [num])?;
        let out_slice = out.as_mut_slice::<T>()?;
        let number = |i: usize| <T as NumCast>::from(i).unwrap_or_else(T::nan);
        let delta = (stop - start) / number(num - 1);
        for (i, out) in out_slice.iter_mut().enumerate() {
            *out = start + delta * number(i);
        }
        out_slice[num - 1] = stop;
        out_slice[0] = start;
        ctx.set(0, out);
        Ok(())
    }))
}

fn number(num: &Tensor) -> Result<usize> {
    let num = num.to_i64s()?[0];
    if num <= 0 {
        return Err(Error::invalid_argument(format!("Requires num > 0: {num}")));
    }
    Ok(num as usize)
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let num = ctx.value(2).filter(|num| num.rank() == 0 && num.to_i64s().is_ok()).map(number);
    Ok(vec![PartialShape::new([num.transpose()?])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};

    fn run(start: f32, stop: f32, num: i32) -> [Tensor; 3] {
        [Tensor::scalar(start), Tensor::scalar(stop), Tensor::scalar(num)]
    }

    #[test]
    fn values() {
        let vector = |v: &[f32]| Tensor::from_slice([v.len()], v).unwrap();
        let space = || op(&[OP], "LinSpace");
        let inf = f32::INFINITY;
        check(space(), run(0.0, 1.0, 5), vector(&[0.0, 0.25, 0.5, 0.75, 1.0]));
        check(space(), run(3.0, 1.0, 1), vector(&[3.0]));
        check(space(), run(3.0, 1.0, 2), vector(&[3.0, 1.0]));
        check(space(), run(-inf, 1.0, 3), vector(&[-inf, f32::NAN, 1.0]));
        error(space(), run(0.0, 1.0, 0), "Requires num > 0: 0");
        let list = [vector(&[0.0]), Tensor::scalar(1.0_f32), Tensor::scalar(3_i64)];
        error(space(), list, "start must be a scalar, not shape [1]");
    }
}
