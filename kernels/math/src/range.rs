//! `Range`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, bf16, f16};

/// Numbers from `start` on, `delta` apart, before `limit`.
///
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Range`.
pub const OP: Op = Op {
    name: "Range",
    inputs: &["start: Tidx", "limit: Tidx", "delta: Tidx"],
    outputs: &["output: Tidx"],
    attrs: &[
        "Tidx: {bfloat16, half, float, double, int8, int16, int32, int64, uint16, uint32, uint64} = DT_INT32",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("Tidx"; build: f32 f64 f16 bf16 i32 i64),
};

/// A number that ranges are made of.
trait Number: Element + PartialOrd + std::fmt::Display {
    /// How many numbers there are; `None` if too many to count.
    fn count(start: Self, limit: Self, delta: Self) -> Option<usize>;
    /// The number at a position, rounded as the type rounds.
    fn at(start: Self, delta: Self, i: usize) -> Self;
}

macro_rules! integers {
    ($($t:ty)+) => {$(
        impl Number for $t {
            fn count(start: $t, limit: $t, delta: $t) -> Option<usize> {
                let count = limit.abs_diff(start).div_ceil(delta.unsigned_abs());
                i64::try_from(count).ok().map(|count| count as usize)
            }
            fn at(start: $t, delta: $t, i: usize) -> $t {
                start.wrapping_add(delta.wrapping_mul(i as $t))
            }
        }
    )+};
}

macro_rules! floats {
    ($($t:ty: $from:expr, $wide:ty;)+) => {$(
        impl Number for $t {
            fn count(start: $t, limit: $t, delta: $t) -> Option<usize> {
                let count = f64::from((limit - start) / delta).abs().ceil();
                (count < 9_223_372_036_854_775_808.0).then_some(count as usize)
            }
            fn at(start: $t, delta: $t, i: usize) -> $t {
                start + $from(i as $wide) * delta
            }
        }
    )+};
}

integers! { i32 i64 }

floats! {
    f32: std::convert::identity, f32;
    f64: std::convert::identity, f64;
    f16: f16::from_f32, f32;
    bf16: bf16::from_f32, f32;
}

fn build<T: Number>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let [start, limit, delta] = scalars::<T>(ctx)?;
        let count = count(start, limit, delta)?;
        let mut out = ctx.allocate(T::DTYPE, [count])?;
        for (i, out) in out.as_mut_slice::<T>()?.iter_mut().enumerate() {
            *out = T::at(start, delta, i);
        }
        ctx.set(0, out);
        Ok(())
    }))
}

/// The inputs, of which each is a scalar or, as older graphs have it, a vector of one.
fn scalars<T: Number>(ctx: &Context<'_>) -> Result<[T; 3]> {
    let mut values = [T::default(); 3];
    for (i, (value, name)) in values.iter_mut().zip(["start", "limit", "delta"]).enumerate() {
        let input = ctx.input(i);
        if input.rank() > 1 || input.elements() != 1 {
            let text = format!("{name} must be a scalar, not shape {}", input.shape());
            return Err(Error::invalid_argument(text));
        }
        *value = input.to_scalar()?;
    }
    Ok(values)
}

fn count<T: Number>(start: T, limit: T, delta: T) -> Result<usize> {
    let zero = T::default();
    let ordered = |text: &str| Err(Error::invalid_argument(format!("Requires {text}: {start}/{limit}")));
    if delta == zero {
        return Err(Error::invalid_argument(format!("Requires delta != 0: {delta}")));
    }
    match (delta > zero, start.partial_cmp(&limit)) {
        (true, None | Some(std::cmp::Ordering::Greater)) => return ordered("start <= limit when delta > 0"),
        (false, None | Some(std::cmp::Ordering::Less)) => return ordered("start >= limit when delta < 0"),
        _ => {}
    }
    T::count(start, limit, delta)
        .ok_or_else(|| Error::invalid_argument(format!("Requires ((limit - start) / delta) <= {}", i64::MAX)))
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    for i in 0..3 {
        if ctx.input(i).rank().is_some_and(|rank| rank != 0) {
            return Err(Error::invalid_argument(format!("Shape must be rank 0 but is {}", ctx.input(i))));
        }
    }
    let known = |i| ctx.integers(i).and_then(|v| v.first().copied());
    let integer = ctx.value(0).is_some_and(|v| v.dtype().is_integer());
    match (known(0), known(1), known(2)) {
        (Some(start), Some(limit), Some(delta)) if integer => {
            Ok(vec![PartialShape::new([Some(count(start, limit, delta)?)])])
        }
        _ => Ok(vec![PartialShape::of_rank(1)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    fn row<T: Element>([start, limit, delta]: [T; 3], want: &[T]) {
        let inputs = [start, limit, delta].map(Tensor::scalar);
        check(op(&[OP], "Range"), inputs, Tensor::from_slice([want.len()], want).unwrap());
    }

    fn fails<T: Element>([start, limit, delta]: [T; 3], part: &str) {
        error(op(&[OP], "Range"), [start, limit, delta].map(Tensor::scalar), part);
    }

    #[test]
    fn values() {
        row([0, 10, 3], &[0, 3, 6, 9]);
        row([10, 0, -3], &[10, 7, 4, 1]);
        row([5, 5, 1], &[]);
        row([i64::MIN, i64::MAX, 1 << 62], &[i64::MIN, -(1 << 62), 0, 1 << 62]);
        row([0.0_f32, 1.0, 0.1], &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
        row([1.0_f64, 0.0, -0.25], &[1.0, 0.75, 0.5, 0.25]);
        let brain = bf16::from_f32;
        row([brain(0.0), brain(1.0), brain(0.3)], &[0.0, 0.300_781_25, 0.601_562_5, 0.902_343_75].map(brain));
        let list = Tensor::from_slice([1], &[1]).unwrap();
        check(op(&[OP], "Range"), [list.clone(), Tensor::scalar(2), Tensor::scalar(1)], list);
    }

    #[test]
    fn errors() {
        fails([0, 10, -1], "Requires start >= limit when delta < 0: 0/10");
        fails([0, 10, 0], "Requires delta != 0: 0");
        fails([f32::NAN, 1.0, 1.0], "Requires start <= limit when delta > 0");
        fails([0.0, f32::INFINITY, 1.0], "Requires ((limit - start) / delta) <= 9223372036854775807");
        fails([0, i64::MAX / 2, 1], "OOM");
        let list = Tensor::from_slice([2], &[0, 1]).unwrap();
        let inputs = [list, Tensor::scalar(2), Tensor::scalar(1)];
        error(op(&[OP], "Range"), inputs, "start must be a scalar, not shape [2]");
    }
}
