//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Tensor, Unit, by_unit};

use crate::dtypes::POD_STRING;
use crate::strided;

/// Turns the beginning of each sequence around and leaves the rest.
///
/// Each position of the batch dimension has a length of its own.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReverseSequence>
pub const OP: Op = Op {
    name: "ReverseSequence",
    inputs: &["input: T", "seq_lengths: Tlen"],
    outputs: &["output: T"],
    attrs: &["seq_dim: int", "batch_dim: int = 0", "T: type", "Tlen: {int32, int64} = DT_INT64"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(&[("T", POD_STRING), ("Tlen", INDICES)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (batch_dim, seq_dim): (i64, i64) = (node.attr("batch_dim")?, node.attr("seq_dim")?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let rank = ctx.input(0).rank();
        let axis = |name: &str, dim: i64| {
            let place = usize::try_from(dim).ok().filter(|&dim| dim < rank);
            place.ok_or_else(|| {
                Error::invalid_argument(format!("{name} must be < input rank ( {dim} vs. {rank})"))
            })
        };
        if batch_dim == seq_dim {
            return Err(Error::invalid_argument(format!("batch_dim == seq_dim == {seq_dim}")));
        }
        let (seq, batch) = (axis("seq_dim", seq_dim)?, axis("batch_dim", batch_dim)?);
        let lengths = lengths(ctx, seq, batch)?;
        let output = by_unit!(ctx.input(0).dtype(), U => reverse::<U>(ctx, &lengths, seq, batch))?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn lengths(ctx: &Context<'_>, seq: usize, batch: usize) -> Result<Vec<usize>> {
    let (input, lengths) = (ctx.input(0).shape(), ctx.input(1));
    if lengths.rank() != 1 {
        return Err(Error::invalid_argument(format!("seq_lengths must be 1-dim, not {}", lengths.rank())));
    }
    if lengths.elements() != input[batch] {
        return Err(Error::invalid_argument(format!(
            "Length of seq_lengths != input.dims({batch}), ({} vs. {})",
            lengths.elements(),
            input[batch]
        )));
    }
    let check = |(i, length): (usize, i64)| {
        let fits =
            usize::try_from(length).map_err(|_| Error::invalid_argument(format!("seq_lens({i}) < 0")))?;
        if fits > input[seq] {
            return Err(Error::invalid_argument(format!("seq_lens({i}) > input.dims({seq})")));
        }
        Ok(fits)
    };
    lengths.to_i64s()?.into_iter().enumerate().map(check).collect()
}

fn reverse<U: Unit>(ctx: &Context<'_>, lengths: &[usize], seq: usize, batch: usize) -> Result<Tensor> {
    let input = ctx.input(0);
    let shape = input.shape().dims();
    let mut output = ctx.allocate(input.dtype(), shape)?;
    // Rows are what lies inside of both dimensions; a row's number tells its place along each.
    let last = seq.max(batch);
    let row: usize = shape[last + 1..].iter().product();
    let below = |dim: usize| shape[dim + 1..=last].iter().product::<usize>();
    let (seq_step, batch_step) = (below(seq), below(batch));
    let (seq_len, batch_len) = (shape[seq], shape[batch]);
    let (out, src) = (output.units_mut::<U>()?, input.units::<U>()?);
    par::for_rows_mut(out, row, (strided::grain::<U>() / row.max(1)).max(1), |first, rows| {
        for (i, out) in rows.chunks_exact_mut(row).enumerate() {
            let number = first + i;
            let at = number / seq_step % seq_len;
            let length = lengths[number / batch_step % batch_len];
            let from = if at < length { length - 1 - at } else { at };
            let source = number - at * seq_step + from * seq_step;
            out.clone_from_slice(&src[source * row..][..row]);
        }
    });
    Ok(output)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    const TABLE: &[Row] = &[
        ("ReverseSequence", "seq_dim=1", "float[2,3] 1 2 3 4 5 6; int64[2] 2 3", "float[2,3] 2 1 3 6 5 4"),
        (
            "ReverseSequence",
            "seq_dim=0 batch_dim=1",
            "float[3,2] 1 2 3 4 5 6; int32[2] 0 2",
            "float[3,2] 1 4 3 2 5 6",
        ),
        (
            "ReverseSequence",
            "seq_dim=2 batch_dim=0",
            "string[1,2,2] 'a' 'b' 'c' 'd'; int64[1] 2",
            "string[1,2,2] 'b' 'a' 'd' 'c'",
        ),
        (
            "ReverseSequence",
            "seq_dim=0 batch_dim=2",
            "int8[2,2,2] 1 2 3 4 5 6 7 8; int64[2] 1 2",
            "int8[2,2,2] 1 6 3 8 5 2 7 4",
        ),
        ("ReverseSequence", "seq_dim=1", "float[0,3]; int64[0]", "float[0,3]"),
        ("ReverseSequence", "seq_dim=1", "float[1,2,2] 1 2 3 4; int64[1] 2", "float[1,2,2] 3 4 1 2"),
        (
            "ReverseSequence",
            "seq_dim=1",
            "float[2,2] 1 2 3 4; int64[2] 1 3",
            "INVALID_ARGUMENT: seq_lens(1) > input.dims(1)",
        ),
        (
            "ReverseSequence",
            "seq_dim=1",
            "float[2,2] 1 2 3 4; int64[2] -1 2",
            "INVALID_ARGUMENT: seq_lens(0) < 0",
        ),
        (
            "ReverseSequence",
            "seq_dim=1",
            "float[2,2] 1 2 3 4; int64[1] 1",
            "INVALID_ARGUMENT: Length of seq_lengths != input.dims(0), (1 vs. 2)",
        ),
        (
            "ReverseSequence",
            "seq_dim=0",
            "float[2,2] 1 2 3 4; int64[2] 1 1",
            "INVALID_ARGUMENT: batch_dim == seq_dim == 0",
        ),
        (
            "ReverseSequence",
            "seq_dim=2",
            "float[2,2] 1 2 3 4; int64[2] 1 1",
            "INVALID_ARGUMENT: seq_dim must be < input rank ( 2 vs. 2)",
        ),
        (
            "ReverseSequence",
            "seq_dim=1",
            "float[2,2] 1 2 3 4; int64[] 1",
            "INVALID_ARGUMENT: seq_lengths must be 1-dim, not 0",
        ),
    ];

    #[test]
    fn table() {
        check_rows(crate::OPS, TABLE);
    }
}
