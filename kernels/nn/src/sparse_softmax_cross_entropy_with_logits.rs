//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, bf16, f16};

use crate::cross_entropy::{Entropy, rows};

/// The cross entropy of the softmax of each row of logits against one class, and its gradient.
///
/// 16-bit floats are computed in single precision and rounded once.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseSoftmaxCrossEntropyWithLogits>
pub const OP: Op = Op {
    name: "SparseSoftmaxCrossEntropyWithLogits",
    inputs: &["features: T", "labels: Tlabels"],
    outputs: &["loss: T", "backprop: T"],
    attrs: &["T: {half, bfloat16, float, double}", "Tlabels: {int32, int64} = DT_INT64"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let logits = ctx.input(0);
    match logits.dims() {
        Some(&[batch, _]) => Ok(vec![PartialShape::new([batch.or_else(|| ctx.input(1).dim(0))]), logits]),
        Some(_) => Err(Error::invalid_argument(format!("logits must be 2-D, but got shape {logits}"))),
        None => Ok(vec![PartialShape::of_rank(1), PartialShape::of_rank(2)]),
    }
}

fn build<T: Entropy>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let logits = ctx.input(0);
        let classes = classes(logits, ctx.input(1))?;
        let columns = logits.shape()[1];
        let mut loss = ctx.allocate(T::DTYPE, [classes.len()])?;
        let mut backprop = ctx.allocate(T::DTYPE, logits.shape())?;
        let logits = logits.as_slice::<T>()?;
        let logits = |row: usize| logits[row * columns..(row + 1) * columns].iter().copied();
        rows(columns, loss.as_mut_slice()?, backprop.as_mut_slice()?, logits, |row, numbers, backprop| {
            for (to, &exp) in backprop.iter_mut().zip(&numbers.exps) {
                *to = T::of(exp / numbers.sum);
            }
            let class = classes[row];
            backprop[class] = T::of(numbers.exps[class] / numbers.sum - num_traits::One::one());
            num_traits::Float::ln(numbers.sum) - numbers.shifted[class]
        });
        ctx.set(0, loss);
        ctx.set(1, backprop);
        Ok(())
    }))
}

/// The class of each row, all within the logits.
fn classes(logits: &Tensor, labels: &Tensor) -> Result<Vec<usize>> {
    let (shape, labels_shape) = (logits.shape(), labels.shape());
    if shape.rank() != 2 {
        return Err(Error::invalid_argument(format!("logits must be 2-D, but got shape {shape}")));
    }
    if labels_shape.rank() != 1 {
        return Err(Error::invalid_argument(format!("labels must be 1-D, but got shape {labels_shape}")));
    }
    if shape[0] != labels_shape[0] {
        return Err(Error::invalid_argument(format!(
            "logits and labels must have the same first dimension, got logits shape {shape} and labels shape \
             {labels_shape}"
        )));
    }
    if shape[1] == 0 {
        return Err(Error::invalid_argument(format!(
            "Must have at least one class, but got logits shape {shape}"
        )));
    }
    let values = labels.to_i64s()?;
    let class = |&label: &i64| usize::try_from(label).ok().filter(|&label| label < shape[1]);
    if let Some(outside) = values.iter().find(|label| class(label).is_none()) {
        let all: Vec<String> = values.iter().map(i64::to_string).collect();
        return Err(Error::invalid_argument(format!(
            "Received a label value of {outside} which is outside the valid range of [0, {}).  Label values: {}",
            shape[1],
            all.join(" ")
        )));
    }
    Ok(values.iter().filter_map(class).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "SparseSoftmaxCrossEntropyWithLogits";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "",
                    "float[2,2] 0 0 0 1.0986123; int64[2] 1 0",
                    "float[2] 0.6931472 1.3862944; float[2,2] 0.5 -0.5 -0.75 0.75",
                ),
                (op, "", "half[1,2] 0 0; int32[1] 0", "half[1] 0.6934; half[1,2] -0.5 0.5"),
                (op, "", "float[0,3]; int32[0]", "float[0]; float[0,3]"),
                (
                    op,
                    "",
                    "float[2,3] 1 1 1 1 1 1; int64[2] 0 3",
                    "INVALID_ARGUMENT: Received a label value of 3 which is outside the valid range of [0, 3).  Label \
                     values: 0 3",
                ),
                (
                    op,
                    "",
                    "float[2,1] 1 1; int64[1] 0",
                    "INVALID_ARGUMENT: logits and labels must have the same first dimension, got logits shape [2,1] \
                     and labels shape [1]",
                ),
                (op, "", "float[1] 1; int64[1] 0", "INVALID_ARGUMENT: logits must be 2-D, but got shape [1]"),
                (
                    op,
                    "",
                    "float[1,1] 1; int64[1,1] 0",
                    "INVALID_ARGUMENT: labels must be 1-D, but got shape [1,1]",
                ),
                (op, "", "float[1,0]; int64[1] 0", "INVALID_ARGUMENT: Must have at least one class"),
            ],
        );
    }
}
