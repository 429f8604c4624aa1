//! See [`OP`].

mod directions;

use num_traits::AsPrimitive;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, Shape};

use directions::{DIMENSIONS, directions};

/// Points of a Sobol sequence, from the one after the first `skip`; the origin, with which it begins, doesn't count.
///
/// TensorFlow's points are negative from number 2^30 - 1 on, for lack of a bit; these are not.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SobolSample>
pub const OP: Op = Op {
    name: "SobolSample",
    inputs: &["dim: int32", "num_results: int32", "skip: int32"],
    outputs: &["samples: dtype"],
    attrs: &["dtype: {float, double} = DT_FLOAT"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("dtype"; build: f32 f64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let size = |i: usize| usize::try_from(*ctx.integers(i)?.first()?).ok();
    Ok(vec![PartialShape::new(vec![size(1), size(0)])])
}

fn build<T: Element + AsPrimitive<f64>>(_: &Construction<'_>) -> Result<Box<dyn Kernel>>
where
    u32: AsPrimitive<T>,
    f64: AsPrimitive<T>,
{
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let [dimensions, count, skip] = arguments(ctx)?;
        let mut out = ctx.allocate(T::DTYPE, Shape::from([count, dimensions]))?;
        let digits = (usize::BITS - (skip + count + 1).leading_zeros()) as usize;
        let directions = directions(dimensions, digits);
        let directions_of = |bit: usize| directions.iter().skip(bit).step_by(digits);
        let scale = (1_u64 << digits) as f64;
        // Each point differs from the one before by the numbers of one digit, that of the Gray code.
        let mut point = vec![0; dimensions];
        let gray = (skip + 1) ^ (skip + 1) >> 1;
        for bit in (0..digits).filter(|bit| gray >> bit & 1 == 1) {
            point.iter_mut().zip(directions_of(bit)).for_each(|(x, direction)| *x ^= direction);
        }
        for (i, row) in out.as_mut_slice::<T>()?.chunks_exact_mut(dimensions).enumerate() {
            if i > 0 {
                let bit = (skip + i).trailing_ones() as usize;
                point.iter_mut().zip(directions_of(bit)).for_each(|(x, direction)| *x ^= direction);
            }
            for (out, &x) in row.iter_mut().zip(&point) {
                let rounded: T = x.as_();
                *out = (rounded.as_() / scale).as_();
            }
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn arguments(ctx: &Context<'_>) -> Result<[usize; 3]> {
    let mut arguments = [0; 3];
    for (i, (argument, name)) in arguments.iter_mut().zip(["dim", "num_results", "skip"]).enumerate() {
        if ctx.input(i).rank() != 0 {
            return Err(Error::invalid_argument(format!("{name} must be a scalar")));
        }
        let least = i32::from(i < 2);
        let value = ctx.input(i).to_scalar::<i32>()?;
        *argument = usize::try_from(value).ok().filter(|_| value >= least).ok_or_else(|| {
            let least = ["at least one", "at least one", "non-negative"][i];
            Error::invalid_argument(format!("{name} must be {least}"))
        })?;
    }
    let [dimensions, count, skip] = arguments;
    if dimensions > DIMENSIONS {
        return Err(Error::invalid_argument(format!("dim must be at most {DIMENSIONS}")));
    }
    if count + skip >= i32::MAX as usize {
        return Err(Error::invalid_argument(format!("num_results+skip must be less than {}", i32::MAX)));
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "SobolSample";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "",
                    "int32[] 3; int32[] 4; int32[] 0",
                    "float[4,3] 0.5 0.5 0.5 0.75 0.25 0.25 0.25 0.75 0.75 0.375 0.375 0.625",
                ),
                (
                    op,
                    "dtype=double",
                    "int32[] 3; int32[] 4; int32[] 5",
                    "double[4,3] 0.625 0.125 0.875 0.125 0.625 0.375 0.1875 0.3125 0.9375 0.6875 0.8125 0.4375",
                ),
                (
                    op,
                    "",
                    "int32[] 1; int32[] 9; int32[] 0",
                    "float[9,1] 0.5 0.75 0.25 0.375 0.875 0.625 0.125 0.1875 0.6875",
                ),
                (op, "", "int32[1] 3; int32[] 4; int32[] 0", "INVALID_ARGUMENT: dim must be a scalar"),
                (op, "", "int32[] 3; int32[] 4; int32[1] 0", "INVALID_ARGUMENT: skip must be a scalar"),
                (op, "", "int32[] 0; int32[] 4; int32[] 0", "INVALID_ARGUMENT: dim must be at least one"),
                (
                    op,
                    "",
                    "int32[] 1; int32[] 0; int32[] 0",
                    "INVALID_ARGUMENT: num_results must be at least one",
                ),
                (op, "", "int32[] 1; int32[] 1; int32[] -1", "INVALID_ARGUMENT: skip must be non-negative"),
                (
                    op,
                    "",
                    "int32[] 21201; int32[] 1; int32[] 0",
                    "INVALID_ARGUMENT: dim must be at most 21200",
                ),
                (
                    op,
                    "",
                    "int32[] 1; int32[] 1; int32[] 2147483646",
                    "INVALID_ARGUMENT: num_results+skip must be less than 2147483647",
                ),
            ],
        );
    }
}
