//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Error, Result};

use crate::ctc::{Inputs, Real, give, shapes};

/// The labels of the most probable class of each step, without blanks.
///
/// With `merge_repeated` a label counts once as long as it lasts. A negative `blank_index` counts from the end.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CTCGreedyDecoder>
pub const OP: Op = Op {
    name: "CTCGreedyDecoder",
    inputs: &["inputs: T", "sequence_length: int32"],
    outputs: &[
        "decoded_indices: int64",
        "decoded_values: int64",
        "decoded_shape: int64",
        "log_probability: T",
    ],
    attrs: &["merge_repeated: bool = false", "blank_index: int = -1", "T: {float, double} = DT_FLOAT"],
    effect: Effect::Pure,
    shape: |ctx| shapes(ctx, 1),
    kernels: by_dtype!("T"; build: f32 f64),
};

fn build<T: Real>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let merge_repeated: bool = node.attr("merge_repeated")?;
    let blank = node.int32("blank_index")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let inputs = Inputs::of(ctx)?;
        let classes = inputs.classes as i64;
        let index = if blank < 0 { classes.saturating_add(blank) } else { blank };
        let Some(index) = usize::try_from(index).ok().filter(|&index| index < inputs.classes) else {
            return Err(Error::invalid_argument(format!(
                "blank_index expected to be between -{classes} and {} but was {blank}",
                classes - 1
            )));
        };
        let logits = ctx.input(0).as_slice::<T>()?;
        let mut logs = ctx.allocate(T::DTYPE, [inputs.batch, 1])?;
        let mut paths = Vec::with_capacity(inputs.batch);
        for (sequence, log) in logs.as_mut_slice::<T>()?.iter_mut().enumerate() {
            let (mut labels, mut last) = (Vec::new(), None);
            *log = T::zero();
            for step in 0..inputs.lengths[sequence] {
                let row = &logits[inputs.at(step, sequence)];
                let class = (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
                *log = *log - row[class];
                if class != index && !(merge_repeated && last == Some(class)) {
                    labels.push(class as i64);
                }
                last = Some(class);
            }
            paths.push(vec![labels]);
        }
        give(ctx, &paths, 1, logs)
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "CTCGreedyDecoder";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "",
                    "float[3,1,3] 1 0 0 1 0 0 0 2 0; int32[1] 3",
                    "int64[3,2] 0 0 0 1 0 2; int64[3] 0 0 1; int64[2] 1 3; float[1,1] -4",
                ),
                (
                    op,
                    "merge_repeated=true",
                    "double[4,1,2] 1 0 1 0 0 1 1 0; int32[1] 4",
                    "int64[2,2] 0 0 0 1; int64[2] 0 0; int64[2] 1 2; double[1,1] -4",
                ),
                (
                    op,
                    "blank_index=0",
                    "float[2,2,2] 1 0 0 1 0 1 0 1; int32[2] 1 -1",
                    "int64[0,2]; int64[0]; int64[2] 2 0; float[2,1] -1 0",
                ),
                (
                    op,
                    "blank_index=3",
                    "float[1,1,3] 1 0 0; int32[1] 1",
                    "INVALID_ARGUMENT: blank_index expected to be between -3 and 2 but was 3",
                ),
                (op, "", "float[1,1,3] 1 0 0; int32[1] 2", "FAILED_PRECONDITION: sequence_length(0) <= 1"),
                (
                    op,
                    "",
                    "float[1,1,3] 1 0 0; int32[2] 1 1",
                    "FAILED_PRECONDITION: len(sequence_length) != batch_size.  len(sequence_length):  2 batch_size: 1",
                ),
                (op, "", "float[1,1,0]; int32[1] 1", "INVALID_ARGUMENT: inputs must not be empty"),
                (op, "", "float[1,1] 1; int32[1] 1", "INVALID_ARGUMENT: inputs is not a 3-Tensor"),
                (op, "", "float[1,1,1] 1; int32[] 1", "INVALID_ARGUMENT: sequence_length is not a vector"),
            ],
        );
    }
}
