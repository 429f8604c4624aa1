//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result, Shape};

use crate::ctc::{Alignments, Real};

/// The negative log probability of label sequences, and its gradient by the inputs.
///
/// `inputs` are logits `[time, batch, classes]`, of which the last class is the blank; labels are a sparse matrix with a row
/// for each sequence, whose classes from the blank on end it. Gives `loss`, `[batch]`, and `gradient` as the inputs; both
/// are zero for a sequence without steps, and with `ignore_longer_outputs_than_inputs` for one of more labels than steps.
///
/// `INVALID_ARGUMENT` for other ranks and sizes, label indices that are out of order, repeated or outside of the batch,
/// empty label rows, labels after one that ends them, negative labels, lengths beyond `time`, and too few steps.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CTCLoss>
pub const OP: Op = Op {
    name: "CTCLoss",
    inputs: &["inputs: T", "labels_indices: int64", "labels_values: int32", "sequence_length: int32"],
    outputs: &["loss: T", "gradient: T"],
    attrs: &[
        "preprocess_collapse_repeated: bool = false",
        "ctc_merge_repeated: bool = true",
        "ignore_longer_outputs_than_inputs: bool = false",
        "T: {float, double} = DT_FLOAT",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let inputs = ctx.input(0).merge(&PartialShape::of_rank(3)).unwrap_or_else(PartialShape::unknown);
    let batch = inputs.dim(1).or_else(|| ctx.input(3).dim(0));
    Ok(vec![PartialShape::new([batch]), inputs])
}

/// The attributes.
#[derive(Clone, Copy)]
struct Rules {
    collapse: bool,
    merge: bool,
    ignore_longer: bool,
}

fn build<T: Real>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let rules = Rules {
        collapse: node.attr("preprocess_collapse_repeated")?,
        merge: node.attr("ctc_merge_repeated")?,
        ignore_longer: node.attr("ignore_longer_outputs_than_inputs")?,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let Checked { dims, labels: given } = Checked::of(ctx)?;
        let [time, batch, classes] = dims;
        let lengths = lengths(ctx.input(3).as_slice()?, time)?;
        let mut labels = Vec::with_capacity(batch);
        for (b, (given, &steps)) in given.iter().zip(&lengths).enumerate() {
            labels.push(targets(given, (b, classes), rules)?);
            if !rules.ignore_longer && given.len() > steps {
                return Err(Error::invalid_argument(format!(
                    "Not enough time for target transition sequence (required: {}, available: {steps}) in sequence {b}",
                    given.len()
                )));
            }
        }
        let mut loss = ctx.run().allocate(T::DTYPE, [batch])?;
        let mut gradient = ctx.run().allocate(T::DTYPE, Shape::from(dims))?;
        let logits = ctx.input(0).as_slice::<T>()?;
        let slope = gradient.as_mut_slice::<T>()?;
        for (b, loss) in loss.as_mut_slice::<T>()?.iter_mut().enumerate() {
            let steps = lengths[b];
            if steps == 0 || rules.ignore_longer && given[b].len() > steps {
                continue;
            }
            let row = |t: usize| (t * batch + b) * classes..(t * batch + b + 1) * classes;
            let rows = (0..steps).map(|t| &logits[row(t)]);
            let cells = (2 * labels[b].len() + 1).checked_mul(steps);
            if cells.is_none_or(|cells| cells > ctx.run().limits.tensor_bytes / size_of::<T>()) {
                return Err(Error::resource_exhausted("too many labels for so many steps"));
            }
            let alignments = Alignments::new(rows, &labels[b], rules.merge);
            *loss = -alignments.log_probability();
            for t in 0..steps {
                alignments.gradient(t, &mut slope[row(t)]);
            }
        }
        ctx.set(0, loss);
        ctx.set(1, gradient);
        Ok(())
    }))
}

/// Time, batch and classes, and the labels of each sequence.
struct Checked {
    dims: [usize; 3],
    labels: Vec<Vec<i32>>,
}

impl Checked {
    fn of(ctx: &Context<'_>) -> Result<Checked> {
        let refuse = |what: String| Err(Error::invalid_argument(what));
        let [indices, values, lengths] = [1, 2, 3].map(|i| ctx.input(i).shape());
        let &[time, batch, classes] = ctx.input(0).shape().dims() else {
            return refuse("inputs is not a 3-Tensor".to_owned());
        };
        if time == 0 {
            return refuse("Max time or first dimension of input cannot be 0.".to_owned());
        }
        if lengths.rank() != 1 {
            return refuse("sequence_length is not a vector".to_owned());
        }
        let &[_, columns] = indices.dims() else {
            return refuse("labels_indices is not a matrix".to_owned());
        };
        if columns != 2 {
            return refuse(format!("labels_indices must have two columns. Received {columns}"));
        }
        if values.rank() != 1 {
            return refuse("labels_values is not a vector".to_owned());
        }
        if lengths.elements() != batch {
            let count = lengths.elements();
            return refuse(format!(
                "len(sequence_length) != batch_size.  len(sequence_length):  {count} batch_size: {batch}"
            ));
        }
        if indices[0] != values[0] {
            return refuse(format!(
                "labels_indices and labels_values must contain the same number of rows, but saw shapes: {indices} vs. \
                 {values}"
            ));
        }
        if batch == 0 {
            return refuse("batch_size must not be 0".to_owned());
        }
        if classes == 0 {
            return refuse("num_classes must not be 0".to_owned());
        }
        let labels = rows(ctx.input(1).as_slice()?, ctx.input(2).as_slice()?, batch)?;
        Ok(Checked { dims: [time, batch, classes], labels })
    }
}

/// The values of each row of a sparse matrix.
fn rows(indices: &[i64], values: &[i32], batch: usize) -> Result<Vec<Vec<i32>>> {
    let mut rows = vec![Vec::new(); batch];
    let mut last = [-1, -1];
    for (i, (place, &value)) in indices.chunks_exact(2).zip(values).enumerate() {
        let refuse = |what: &str| {
            let text = format!("label SparseTensor is not valid: indices[{i}] = {place:?} is {what}");
            Err(Error::invalid_argument(text))
        };
        let row = usize::try_from(place[0]).ok().and_then(|row| rows.get_mut(row));
        // One more than the largest column must be a size.
        let has_column = place[1] >= 0 && place[1] < i64::MAX;
        let Some(row) = row.filter(|_| has_column) else { return refuse("out of bounds") };
        match place.cmp(&last) {
            std::cmp::Ordering::Greater => row.push(value),
            std::cmp::Ordering::Equal => return refuse("repeated"),
            std::cmp::Ordering::Less => return refuse("out of order"),
        }
        last = [place[0], place[1]];
    }
    Ok(rows)
}

fn lengths(lengths: &[i32], time: usize) -> Result<Vec<usize>> {
    let one = |(b, &length): (usize, &i32)| match usize::try_from(length) {
        Ok(steps) if steps <= time => Ok(steps),
        Ok(_) => Err(Error::invalid_argument(format!("sequence_length({b}) <= {time}"))),
        Err(_) => Err(Error::invalid_argument(format!("seq_len({b}) < 0"))),
    };
    lengths.iter().enumerate().map(one).collect()
}

/// The labels of sequence `b` up to the one that ends them.
fn targets(labels: &[i32], (b, classes): (usize, usize), rules: Rules) -> Result<Vec<usize>> {
    let refuse = |what: &str| Err(Error::invalid_argument(format!("{what}, batch: {b} labels: {labels:?}")));
    if labels.is_empty() {
        return Err(Error::invalid_argument(format!("Labels length is zero in batch {b}")));
    }
    let blank = classes as i64 - 1;
    let mut targets = Vec::with_capacity(labels.len());
    let mut has_ended = false;
    for (i, &label) in labels.iter().enumerate() {
        if rules.collapse && i > 0 && label == labels[i - 1] {
            continue;
        }
        match i64::from(label) >= blank {
            true => has_ended = true,
            false if has_ended => return refuse("Saw a non-null label following a null label"),
            false => targets.push(label),
        }
    }
    match targets.iter().map(|&label| usize::try_from(label).ok()).collect() {
        Some(targets) => Ok(targets),
        None => refuse("All labels must be nonnegative integers"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "CTCLoss";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "",
                    "float[1,1,3] 0 0 0; int64[1,2] 0 0; int32[1] 3; int32[1] 0",
                    "INVALID_ARGUMENT: Not enough time",
                ),
                (
                    op,
                    "ignore_longer_outputs_than_inputs=true",
                    "float[1,2,2] 0 0 0 0; int64[2,2] 0 0 1 0; int32[2] 0 0; int32[2] 0 0",
                    "float[2] 0 0; float[1,2,2] 0 0 0 0",
                ),
                (
                    op,
                    "",
                    "float[2,1,2] 0 0 0 0; int64[0,2]; int32[0]; int32[1] 2",
                    "INVALID_ARGUMENT: Labels length is zero in batch 0",
                ),
                (
                    op,
                    "",
                    "float[2,1,2] 0 0 0 0; int64[1,2] 1 0; int32[1] 0; int32[1] 2",
                    "INVALID_ARGUMENT: label SparseTensor",
                ),
                (
                    op,
                    "",
                    "float[2,1,2] 0 0 0 0; int64[1,2] 0 0; int32[1] -1; int32[1] 2",
                    "INVALID_ARGUMENT: All labels",
                ),
                (
                    op,
                    "",
                    "float[2,1,2] 0 0 0 0; int64[2,2] 0 0 0 1; int32[2] 1 0; int32[1] 2",
                    "INVALID_ARGUMENT: Saw a non-null",
                ),
                (
                    op,
                    "",
                    "float[2,1,2] 0 0 0 0; int64[1,2] 0 0; int32[1] 0; int32[1] 3",
                    "INVALID_ARGUMENT: sequence_length(0) <= 2",
                ),
                (
                    op,
                    "",
                    "float[2,1,2] 0 0 0 0; int64[1,2] 0 0; int32[1] 0; int32[1] -1",
                    "INVALID_ARGUMENT: seq_len(0) < 0",
                ),
                (
                    op,
                    "",
                    "float[2,1,2] 0 0 0 0; int64[1,3] 0 0 0; int32[1] 0; int32[1] 2",
                    "INVALID_ARGUMENT: labels_indices must",
                ),
                (
                    op,
                    "",
                    "float[1,1,0]; int64[1,2] 0 0; int32[1] 0; int32[1] 1",
                    "INVALID_ARGUMENT: num_classes",
                ),
            ],
        );
    }
}
