//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Code, DType, Error, Result, Tensor};

/// Calls a function with its inputs as they are.
///
/// TensorFlow collects the inputs of several calls, pads them to an allowed size, and cuts the results; what a function
/// of rows gives is the same. The limits that TensorFlow checks are checked here, too.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BatchFunction>
pub const OP: Op = Op {
    name: "BatchFunction",
    inputs: &["in_tensors: Tin", "captured_tensors: Tcaptured"],
    outputs: &["out_tensors: Tout"],
    attrs: &[
        "f: func",
        "num_batch_threads: int",
        "max_batch_size: int",
        "batch_timeout_micros: int",
        "max_enqueued_batches: int = 10",
        "allowed_batch_sizes: list(int) = []",
        "container: string = ''",
        "shared_name: string = ''",
        "batching_queue: string = ''",
        "low_priority_max_batch_size: int = 0",
        "low_priority_batch_timeout_micros: int = 0",
        "low_priority_allowed_batch_sizes: list(int) = []",
        "low_priority_max_enqueued_batches: int = 0",
        "mixed_priority_policy: {'low_priority_padding_with_max_batch_size', \
         'low_priority_padding_with_next_allowed_batch_size', 'priority_isolation', 'priority_merge'} = \
         'low_priority_padding_with_max_batch_size'",
        "batch_padding_policy: {'PAD_UP', 'BATCH_DOWN', 'MINIMIZE_TPU_COST_PER_REQUEST'} = 'PAD_UP'",
        "Tin: list(type) >= 1",
        "Tcaptured: list(type) >= 0",
        "Tout: list(type) >= 1",
        "enable_large_batch_splitting: bool = false",
    ],
    effect: Effect::External,
    shape: shape::unknown,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let function = node.function("f")?;
    let batched = node.attr::<Vec<DType>>("Tin")?.len();
    let most: i64 = node.attr("max_batch_size")?;
    let may_split: bool = node.attr("enable_large_batch_splitting")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let rows = rows(ctx.inputs(0).take(batched))?;
        if rows as i64 > most && !may_split {
            return Err(Error::invalid_argument(format!(
                "Task size {rows} is larger than maximum input batch size {most}"
            )));
        }
        let arguments = (0..ctx.input_len()).map(|i| ctx.take(i)).collect();
        let results = function.call(&ctx.run(), arguments)?;
        for (i, tensor) in results.into_iter().enumerate() {
            if tensor.shape().first() != Some(&rows) {
                return Err(Error::new(
                    Code::FailedPrecondition,
                    format!(
                        "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the \
                         input tensors: {} for {rows} rows",
                        tensor.shape()
                    ),
                ));
            }
            ctx.set(i, tensor);
        }
        Ok(())
    }))
}

/// The number of rows that all inputs have.
fn rows<'a>(inputs: impl Iterator<Item = &'a Tensor>) -> Result<usize> {
    let mut rows = None;
    for tensor in inputs {
        let Some(&own) = tensor.shape().first() else {
            return Err(Error::invalid_argument("Batching input tensors must have at least one dimension"));
        };
        if *rows.get_or_insert(own) != own {
            return Err(Error::invalid_argument(
                "Batching input tensors supplied in a given op invocation must have equal 0th-dimension size",
            ));
        }
    }
    Ok(rows.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::parse_tensor;

    #[test]
    fn equal_numbers_of_rows() {
        let check = |inputs: &[&str], want: Result<usize, &str>| {
            let tensors: Vec<Tensor> = inputs.iter().map(|text| parse_tensor(text)).collect();
            let got = rows(tensors.iter()).map_err(|e| e.message().to_owned());
            assert_eq!(got, want.map_err(str::to_owned));
        };
        check(&["float[2,1] 1 2", "int8[2] 1 2"], Ok(2));
        check(&["float[] 1"], Err("Batching input tensors must have at least one dimension"));
        let uneven =
            "Batching input tensors supplied in a given op invocation must have equal 0th-dimension size";
        check(&["float[2] 1 2", "float[1] 1"], Err(uneven));
    }
}
