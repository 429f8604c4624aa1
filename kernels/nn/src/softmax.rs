//! See [`OPS`].

use savedmodel_math::softmax::{Softmax, log_softmax_rows, softmax_rows};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, bf16, f16};

/// Normalises the last dimension: `exp(x) / sum(exp(x))`, or the logarithm of that.
///
/// A row with NaN or positive infinity, or of negative infinities alone, is NaN throughout.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Softmax>
pub const OPS: &[Op] = &[
    Op {
        name: "Softmax",
        outputs: &["softmax: T"],
        kernels: by_dtype!("T"; softmax: f32 f64 f16 bf16),
        ..COMMON
    },
    Op {
        name: "LogSoftmax",
        outputs: &["logsoftmax: T"],
        kernels: by_dtype!("T"; log_softmax: f32 f64 f16 bf16),
        ..COMMON
    },
];

const COMMON: Op = Op {
    name: "",
    inputs: &["logits: T"],
    outputs: &[],
    attrs: &["T: {half, bfloat16, float, double}"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; softmax: f32),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let logits = ctx.input(0);
    check_rank(logits.rank().unwrap_or(1))?;
    Ok(vec![logits])
}

fn check_rank(rank: usize) -> Result<()> {
    if rank == 0 {
        return Err(Error::invalid_argument("logits must have >= 1 dimension, got []"));
    }
    Ok(())
}

fn softmax<T: Element + Softmax>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(softmax_rows)
}

fn log_softmax<T: Element + Softmax>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(log_softmax_rows)
}

fn kernel<T: Element>(rows: fn(&[T], &mut [T], usize)) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let logits = ctx.input(0);
        check_rank(logits.rank())?;
        let mut out = ctx.allocate(T::DTYPE, logits.shape())?;
        let columns = logits.shape()[logits.rank() - 1];
        rows(logits.as_slice()?, out.as_mut_slice()?, columns);
        ctx.set(0, out);
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
                ("Softmax", "", "float[2,2] 0 0 1 1", "float[2,2] 0.5 0.5 0.5 0.5"),
                ("Softmax", "", "float[3] 1000 0 -inf", "float[3] 1 0 0"),
                ("Softmax", "", "double[1,1,2] 0 1.0986122886681098", "double[1,1,2] 0.25 0.75"),
                ("Softmax", "", "half[2] -inf -inf", "half[2] NaN NaN"),
                ("Softmax", "", "bfloat16[0,3]", "bfloat16[0,3]"),
                ("Softmax", "", "float[2,0]", "float[2,0]"),
                ("LogSoftmax", "", "float[2] 0 0", "float[2] -0.6931472 -0.6931472"),
                ("LogSoftmax", "", "double[2] 0 1000", "double[2] -1000 0"),
                ("LogSoftmax", "", "float[]  1", "INVALID_ARGUMENT: logits must have >= 1 dimension, got []"),
            ],
        );
    }
}
