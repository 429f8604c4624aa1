//! `Batch` and `Unbatch`.

use std::sync::atomic::{AtomicI64, Ordering};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, shape};
use savedmodel_tensor::{Code, Error, Result, Shape, Tensor};

use crate::walk;

/// Rows of one call as a batch of their own, filled up to an allowed size with the first row; and the rows of a call cut out of what was made of a batch.
///
/// TensorFlow joins the rows of several calls, and has each call wait for its own; here no call waits for others. A row of `batch_index` is the `id` of a
/// call and the range of its rows. What belongs to no call that asks is an error at once, for which TensorFlow waits until its time is over.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Batch>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Unbatch>
pub const OPS: &[Op] = &[
    Op {
        name: "Batch",
        inputs: &["in_tensors: T"],
        outputs: &["batched_tensors: T", "batch_index: int64", "id: int64"],
        attrs: &[
            "num_batch_threads: int",
            "max_batch_size: int",
            "max_enqueued_batches: int = 10",
            "batch_timeout_micros: int",
            "allowed_batch_sizes: list(int) = []",
            "grad_timeout_micros: int",
            "container: string = ''",
            "shared_name: string = ''",
            "batching_queue: string = ''",
            "T: list(type) >= 1",
        ],
        effect: Effect::External,
        shape: shape::unknown,
        kernels: Kernels::one(build),
    },
    Op {
        name: "Unbatch",
        inputs: &["batched_tensor: T", "batch_index: int64", "id: int64"],
        outputs: &["unbatched_tensor: T"],
        attrs: &["timeout_micros: int", "container: string = ''", "shared_name: string = ''", "T: type"],
        effect: Effect::Pure,
        shape: shape::unknown,
        kernels: Kernels::one(|_| {
            Ok(Box::new(|ctx: &mut Context<'_>| {
                let rows = unbatch(ctx.input(0), ctx.input(1), ctx.input(2))?;
                ctx.set(0, rows);
                Ok(())
            }))
        }),
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let most: i64 = node.attr("max_batch_size")?;
    let allowed: Vec<i64> = node.attr("allowed_batch_sizes")?;
    if most < 1 {
        return Err(Error::invalid_argument(format!("input_batch_size_limit must be positive; was {most}")));
    }
    if !allowed.is_sorted_by(|a, b| a < b) {
        return Err(Error::invalid_argument("allowed_batch_sizes entries must be monotonically increasing"));
    }
    if allowed.last().is_some_and(|&last| last != most) {
        return Err(Error::invalid_argument("final entry in allowed_batch_sizes must equal max_batch_size"));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        static CALLS: AtomicI64 = AtomicI64::new(1);
        let tensors: Vec<Tensor> = (0..ctx.input_len()).map(|i| ctx.take(i)).collect();
        let rows = common_rows(&tensors)?;
        if rows as i64 > most {
            return Err(Error::invalid_argument(format!(
                "Task size {rows} is larger than maximum input batch size {most}"
            )));
        }
        let size = allowed.iter().find(|&&size| size >= rows as i64).map_or(rows, |&size| size as usize);
        let run = ctx.run();
        let count = tensors.len();
        for (i, tensor) in tensors.into_iter().enumerate() {
            ctx.set(i, filled(&run, tensor, size)?);
        }
        let id = CALLS.fetch_add(1, Ordering::Relaxed);
        ctx.set(count, Tensor::from_vec([1, 3], vec![id, 0, rows as i64])?);
        ctx.set(count + 1, Tensor::scalar(id));
        Ok(())
    }))
}

/// The number of rows that all tensors have.
fn common_rows(tensors: &[Tensor]) -> Result<usize> {
    let refuse = |text: &str| Err(Error::invalid_argument(format!("Batching input tensors {text}")));
    let mut counts = tensors.iter().map(|tensor| tensor.shape().first().copied());
    match counts.next().flatten() {
        _ if tensors.iter().any(|tensor| tensor.rank() == 0) => refuse("must have at least one dimension."),
        Some(rows) if counts.any(|other| other != Some(rows)) => {
            refuse("supplied in a given op invocation must have equal 0th-dimension size.")
        }
        Some(rows) if rows > 0 => Ok(rows),
        _ => refuse("must have rows."),
    }
}

/// The rows, and as many of the first one after them as are missing.
fn filled(run: &Run<'_>, tensor: Tensor, size: usize) -> Result<Tensor> {
    let mut shape = tensor.shape().clone();
    let rows = std::mem::replace(&mut shape.dims_mut()[0], size);
    if rows == size {
        return Ok(tensor);
    }
    let row: usize = shape[1..].iter().product();
    let mut starts: Vec<usize> = Vec::new();
    if size > run.limits.tensor_bytes / size_of::<usize>() || starts.try_reserve_exact(size).is_err() {
        return Err(Error::resource_exhausted(format!("OOM when filling a batch up to {size} rows")));
    }
    starts.extend((0..size).map(|i| if i < rows { i * row } else { 0 }));
    walk::read(run, &tensor, &starts, &[(row, 1)])?.reshape(shape)
}

fn unbatch(batched: &Tensor, index: &Tensor, id: &Tensor) -> Result<Tensor> {
    let refuse = |text: String| Err(Error::invalid_argument(text));
    let (rows, shape) = (batched.shape().first().copied().unwrap_or(0), index.shape());
    let wrong = |what: &str| refuse(format!("Wrong shape for index tensor. Expected {what}; Got: {shape}."));
    match *shape.dims() {
        [calls, _] if calls > rows => {
            return wrong("0th dimension size to be no greater than that of the batch");
        }
        [_, 3] => {}
        _ => return wrong("1st dimension size to be 3"),
    }
    if id.shape() != &Shape::scalar() {
        return refuse(format!("Input id should be scalar; Got: {}.", id.shape()));
    }
    let (id, mut start, mut found) = (id.as_slice::<i64>()?[0], 0, None);
    for call in index.as_slice::<i64>()?.chunks_exact(3) {
        let size = call[2].checked_sub(call[1]).and_then(|size| usize::try_from(size).ok());
        let end = size.and_then(|size| size.checked_add(start)).filter(|&end| end <= rows);
        let Some(end) = end else {
            return refuse("Sum of split sizes must not exceed dim0-size of input tensor".to_owned());
        };
        if call[0] == id && found.is_none() {
            found = Some(batched.rows(start, end)?);
        }
        start = end;
    }
    found.ok_or_else(|| {
        Error::new(Code::DeadlineExceeded, "Batched data did not arrive within timeout window.".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let rows = "float[3,1] 1 2 3; int64[2,3] 5 0 1 7 1 3";
        let leak = |text: String| -> &'static str { text.leak() };
        let attrs = "num_batch_threads=1 max_batch_size=4 batch_timeout_micros=0 grad_timeout_micros=0";
        check_rows(
            crate::OPS,
            &[
                ("Unbatch", "timeout_micros=1", leak(format!("{rows}; int64[] 7")), "float[2,1] 2 3"),
                (
                    "Unbatch",
                    "timeout_micros=1",
                    leak(format!("{rows}; int64[] 8")),
                    "DEADLINE_EXCEEDED: Batched",
                ),
                (
                    "Unbatch",
                    "timeout_micros=1",
                    "float[1] 1; int64[1,3] 5 0 2; int64[] 5",
                    "INVALID_ARGUMENT: Sum of split sizes",
                ),
                (
                    "Batch",
                    attrs,
                    "float[2] 1 2; int32[1] 1",
                    "INVALID_ARGUMENT: Batching input tensors supplied",
                ),
                ("Batch", attrs, "float[5] 1 2 3 4 5", "INVALID_ARGUMENT: Task size 5 is larger"),
                (
                    "Batch",
                    leak(format!("{attrs} allowed_batch_sizes=[2]")),
                    "float[1] 1",
                    "INVALID_ARGUMENT: final entry in allowed_batch_sizes must equal",
                ),
                (
                    "Batch",
                    "num_batch_threads=1 max_batch_size=1152921504606846976 allowed_batch_sizes=[1152921504606846976] \
                     batch_timeout_micros=0 grad_timeout_micros=0",
                    "float[2] 1 2",
                    "RESOURCE_EXHAUSTED: OOM when filling a batch up to 1152921504606846976 rows",
                ),
            ],
        );
    }
}
