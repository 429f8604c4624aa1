//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype, shape};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, bf16, f16};

use crate::cross_entropy::{Entropy, rows};

/// The cross entropy of the softmax of each row of logits against a distribution, and its gradient.
///
/// Logits and labels broadcast to one matrix. 16-bit floats are computed in single precision and rounded once.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SoftmaxCrossEntropyWithLogits>
pub const OP: Op = Op {
    name: "SoftmaxCrossEntropyWithLogits",
    inputs: &["features: T", "labels: T"],
    outputs: &["loss: T", "backprop: T"],
    attrs: &["T: {half, bfloat16, float, double}"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let Ok(matrix) = shape::broadcast_shapes(&ctx.input(0), &ctx.input(1)) else {
        return Err(not_broadcastable(&ctx.input(0), &ctx.input(1)));
    };
    match matrix.dims() {
        Some(&[batch, _]) => Ok(vec![PartialShape::new([batch]), matrix]),
        Some(_) => Err(not_matrices()),
        None => Ok(vec![PartialShape::of_rank(1), PartialShape::of_rank(2)]),
    }
}

fn not_matrices() -> Error {
    Error::invalid_argument(
        "logits and labels must be either 2-dimensional, or broadcasted to be 2-dimensional",
    )
}

fn not_broadcastable(logits: &dyn std::fmt::Display, labels: &dyn std::fmt::Display) -> Error {
    Error::invalid_argument(format!(
        "logits and labels must be broadcastable: logits_size={logits} labels_size={labels}"
    ))
}

/// Distances between rows and between columns of an operand that is broadcast to a matrix.
fn strides(shape: &Shape) -> [usize; 2] {
    let columns = shape.last().copied().unwrap_or(1);
    let rows = if shape.rank() > 1 { shape[0] } else { 1 };
    [if rows == 1 { 0 } else { columns }, usize::from(columns != 1)]
}

fn build<T: Entropy>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (logits, labels) = (ctx.input(0), ctx.input(1));
        let Some(matrix) = Shape::broadcast(logits.shape(), labels.shape()) else {
            return Err(not_broadcastable(logits.shape(), labels.shape()));
        };
        let &[batch, columns] = matrix.dims() else { return Err(not_matrices()) };
        let mut loss = ctx.allocate(T::DTYPE, [batch])?;
        let mut backprop = ctx.allocate(T::DTYPE, matrix)?;
        let [x, y] = [strides(logits.shape()), strides(labels.shape())];
        let (logits, labels) = (logits.as_slice::<T>()?, labels.as_slice::<T>()?);
        let logits = |row: usize| (0..columns).map(move |j| logits[row * x[0] + j * x[1]]);
        rows(columns, loss.as_mut_slice()?, backprop.as_mut_slice()?, logits, |row, numbers, backprop| {
            let log = num_traits::Float::ln(numbers.sum);
            let mut total = T::Wide::default();
            for (j, to) in backprop.iter_mut().enumerate() {
                let label = labels[row * y[0] + j * y[1]].widen();
                total = total + label * (log - numbers.shifted[j]);
                *to = T::of(numbers.exps[j] / numbers.sum - label);
            }
            total
        });
        ctx.set(0, loss);
        ctx.set(1, backprop);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "SoftmaxCrossEntropyWithLogits";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (op, "", "float[1,2] 0 0; float[1,2] 1 0", "float[1] 0.6931472; float[1,2] -0.5 0.5"),
                (
                    op,
                    "",
                    "double[2,2] 0 0 1 1; double[1,2] 1 0",
                    "double[2] 0.6931471805599453 0.6931471805599453; double[2,2] -0.5 0.5 -0.5 0.5",
                ),
                (op, "", "half[1,2] 0 0; half[1,1] 1", "half[1] 1.3863; half[1,2] -0.5 -0.5"),
                (
                    op,
                    "",
                    "float[1,3] 1 -inf 0; float[1,3] 1 0 0",
                    "float[1] NaN; float[1,3] -0.2689414 0 0.2689414",
                ),
                (op, "", "bfloat16[1,2] 1 inf; bfloat16[1,2] 1 0", "bfloat16[1] NaN; bfloat16[1,2] NaN NaN"),
                (op, "", "float[0,3]; float[0,3]", "float[0]; float[0,3]"),
                (op, "", "float[2,0]; float[2,0]", "float[2] 0 0; float[2,0]"),
                (op, "", "float[2] 0 0; float[2] 0 0", "INVALID_ARGUMENT: logits and labels must be either"),
                (
                    op,
                    "",
                    "float[1,3] 1 2 3; float[1,2] 1 2",
                    "INVALID_ARGUMENT: logits and labels must be broadcastable: logits_size=[1,3] labels_size=[1,2]",
                ),
            ],
        );
    }
}
