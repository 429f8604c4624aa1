//! `CheckNumerics` and `CheckNumericsV2`.

use num_traits::Float;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{Element, Error, Result, bf16, f16};

/// The operators of this file: they pass a tensor on and refuse one that is not finite.
///
/// The second one tells infinities of both signs apart.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/CheckNumericsV2`.
pub const OPS: &[Op] = &[
    Op {
        name: "CheckNumerics",
        inputs: &["tensor: T"],
        outputs: &["output: T"],
        attrs: &["T: {bfloat16, half, float, double}", "message: string"],
        effect: Effect::External,
        shape: shape::unchanged,
        kernels: by_dtype!("T"; first: f32 f64 f16 bf16),
    },
    Op {
        name: "CheckNumericsV2",
        inputs: &["tensor: T"],
        outputs: &["output: T"],
        attrs: &["T: {bfloat16, half, float, double}", "message: string"],
        effect: Effect::External,
        shape: shape::unchanged,
        kernels: by_dtype!("T"; second: f32 f64 f16 bf16),
    },
];

fn first<T: Element + Float>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, |found| match found {
        Found { nan: true, negative: false, positive: false } => "NaN",
        Found { nan: true, .. } => "Inf and NaN",
        _ => "Inf",
    })
}

fn second<T: Element + Float>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, |found| match (found.negative, found.positive, found.nan) {
        (true, true, true) => "-Inf, +Inf, and NaN",
        (true, true, false) => "-Inf and +Inf",
        (true, false, true) => "-Inf and NaN",
        (false, true, true) => "+Inf and NaN",
        (true, false, false) => "-Inf",
        (false, true, false) => "+Inf",
        (false, false, _) => "NaN",
    })
}

/// What stands among the elements.
#[derive(Default)]
struct Found {
    negative: bool,
    positive: bool,
    nan: bool,
}

fn build<T: Element + Float>(
    node: &Construction<'_>,
    name: fn(&Found) -> &'static str,
) -> Result<Box<dyn Kernel>> {
    let message: String = node.attr("message")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let tensor = ctx.take(0);
        let values = tensor.as_slice::<T>()?;
        // Looking at all of them takes no branch.
        if !values.iter().fold(true, |finite, x| finite & x.is_finite()) {
            let mut found = Found::default();
            for x in values {
                found.nan |= x.is_nan();
                found.negative |= *x == T::neg_infinity();
                found.positive |= *x == T::infinity();
            }
            return Err(Error::invalid_argument(format!("{message} : Tensor had {} values", name(&found))));
        }
        ctx.set(0, tensor);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    #[test]
    fn values() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let rows: [(&[f32], &str, &str); 5] = [
            (&[1.0, nan, inf, -inf], "Inf and NaN", "-Inf, +Inf, and NaN"),
            (&[nan], "NaN", "NaN"),
            (&[inf], "Inf", "+Inf"),
            (&[nan, -inf], "Inf and NaN", "-Inf and NaN"),
            (&[inf, -inf], "Inf", "-Inf and +Inf"),
        ];
        for (values, first, second) in rows {
            let tensor = || Tensor::from_slice([values.len()], values).unwrap();
            for (name, text) in [("CheckNumerics", first), ("CheckNumericsV2", second)] {
                let text = format!("msg : Tensor had {text} values");
                error(op(OPS, name).attr("message", "msg"), [tensor()], &text);
            }
        }
        let fine = || Tensor::from_slice([2], &[1.0, f64::MAX]).unwrap();
        check(op(OPS, "CheckNumerics").attr("message", ""), [fine()], fine());
    }
}
