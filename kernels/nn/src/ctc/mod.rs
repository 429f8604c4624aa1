//! Connectionist temporal classification: what decoders take and give, and sums over alignments.

mod alignments;
mod beams;
mod leaves;

pub use alignments::Alignments;
pub use beams::{Beams, Real};

use savedmodel_op::{Context, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor};

/// The inputs of a decoder.
pub struct Inputs {
    /// Number of sequences.
    pub batch: usize,
    /// Number of classes.
    pub classes: usize,
    /// Steps of each sequence; none for a negative length.
    pub lengths: Vec<usize>,
}

impl Inputs {
    /// The checked inputs of a step.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for wrong shapes, `FAILED_PRECONDITION` for lengths that do not fit them.
    pub fn of(ctx: &Context<'_>) -> Result<Inputs> {
        let (inputs, lengths) = (ctx.input(0), ctx.input(1));
        let &[time, batch, classes] = inputs.shape().dims() else {
            return Err(Error::invalid_argument("inputs is not a 3-Tensor"));
        };
        if inputs.elements() == 0 {
            return Err(Error::invalid_argument("inputs must not be empty"));
        }
        if lengths.rank() != 1 {
            return Err(Error::invalid_argument("sequence_length is not a vector"));
        }
        let lengths = lengths.as_slice::<i32>()?;
        if lengths.len() != batch {
            return Err(Error::failed_precondition(format!(
                "len(sequence_length) != batch_size.  len(sequence_length):  {} batch_size: {batch}",
                lengths.len()
            )));
        }
        if let Some(long) = lengths.iter().position(|&length| i64::from(length) > time as i64) {
            return Err(Error::failed_precondition(format!("sequence_length({long}) <= {time}")));
        }
        let lengths = lengths.iter().map(|&length| usize::try_from(length).unwrap_or(0)).collect();
        Ok(Inputs { batch, classes, lengths })
    }

    /// Where the classes of one step of one sequence lie.
    pub fn at(&self, step: usize, sequence: usize) -> std::ops::Range<usize> {
        let start = (step * self.batch + sequence) * self.classes;
        start..start + self.classes
    }
}

/// Gives the labels `paths[sequence][path]` as sparse tensors, and the log probabilities last.
pub fn give(ctx: &mut Context<'_>, paths: &[Vec<Vec<i64>>], count: usize, logs: Tensor) -> Result<()> {
    for path in 0..count {
        let (mut indices, mut values, mut longest) = (Vec::new(), Vec::new(), 0);
        for (sequence, paths) in paths.iter().enumerate() {
            let labels = &paths[path];
            longest = longest.max(labels.len());
            indices.extend((0..labels.len()).flat_map(|place| [sequence as i64, place as i64]));
            values.extend_from_slice(labels);
        }
        let entries = values.len();
        ctx.set(path, Tensor::from_vec([entries, 2], indices)?);
        ctx.set(count + path, Tensor::from_vec([entries], values)?);
        ctx.set(count * 2 + path, Tensor::from_vec([2], vec![paths.len() as i64, longest as i64])?);
    }
    ctx.set(count * 3, logs);
    Ok(())
}

/// The shapes of the outputs of a decoder that gives `count` paths.
///
/// # Errors
/// None.
pub fn shapes(ctx: &ShapeContext<'_>, count: usize) -> Result<Vec<PartialShape>> {
    let (batch, lengths) = (ctx.input(0).dim(1), ctx.input(1).dim(0));
    if let Some((batch, lengths)) = batch.zip(lengths).filter(|(batch, lengths)| batch != lengths) {
        return Err(Error::invalid_argument(format!(
            "Dimensions must be equal, but are {batch} and {lengths}"
        )));
    }
    let batch = batch.or(lengths);
    let mut shapes = vec![PartialShape::new([None, Some(2)]); count];
    shapes.extend(vec![PartialShape::of_rank(1); count]);
    shapes.extend(vec![PartialShape::from([2]); count]);
    shapes.push(PartialShape::new([batch, Some(count)]));
    Ok(shapes)
}
