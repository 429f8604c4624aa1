//! Padding with a constant.

use savedmodel_math::par;
use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::dtypes::POD_STRING_Q3;
use crate::{index, strided};

/// Puts zeros (`Pad`) or a given value (`PadV2`) before and after each dimension.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/PadV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "Pad",
        inputs: &["input: T", "paddings: Tpaddings"],
        outputs: &["output: T"],
        attrs: &["T: type", "Tpaddings: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", POD_STRING_Q3), ("Tpaddings", INDICES)], build),
    },
    Op {
        name: "PadV2",
        inputs: &["input: T", "paddings: Tpaddings", "constant_values: T"],
        outputs: &["output: T"],
        attrs: &["T: type", "Tpaddings: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", POD_STRING_Q3), ("Tpaddings", INDICES)], build),
    },
];

/// The padded shape, as far as input and paddings are known.
pub(crate) fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let rank = input.rank().or(ctx.input(1).dim(0)).filter(|&rank| rank <= Shape::MAX_RANK);
    let Some(rank) = rank else { return Ok(vec![PartialShape::unknown()]) };
    let paddings = ctx.integers(1).filter(|paddings| paddings.len() == 2 * rank);
    let dim = |i: usize| {
        let [before, after] = paddings.as_ref()?[2 * i..2 * i + 2] else { return None };
        input.dim(i)?.checked_add_signed(before as isize)?.checked_add_signed(after as isize)
    };
    Ok(vec![PartialShape::new((0..rank).map(dim))])
}

/// A dimension with what is put before and after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Padded {
    pub before: usize,
    pub len: usize,
    pub after: usize,
}

impl Padded {
    /// The padded length.
    pub fn total(self) -> usize {
        self.before + self.len + self.after
    }
}

/// The dimensions of `input` with the paddings that a matrix of two columns gives them.
pub(crate) fn padded(input: &Shape, paddings: &Tensor) -> Result<(Vec<Padded>, Shape)> {
    if paddings.rank() != 2 || paddings.shape()[1] != 2 {
        let text = format!("paddings must be a matrix with 2 columns: {}", paddings.shape());
        return Err(Error::invalid_argument(text));
    }
    if paddings.shape()[0] != input.rank() {
        return Err(Error::invalid_argument(format!(
            "The first dimension of paddings must be the rank of inputs{} {}",
            paddings.shape(),
            input
        )));
    }
    let mut dims = Vec::with_capacity(input.rank());
    let mut sizes = Vec::with_capacity(input.rank());
    for (pair, &len) in paddings.to_i64s()?.chunks_exact(2).zip(input.dims()) {
        let [Ok(before), Ok(after)] = [usize::try_from(pair[0]), usize::try_from(pair[1])] else {
            let text = format!("Paddings must be non-negative: {} {}", pair[0], pair[1]);
            return Err(Error::invalid_argument(text));
        };
        dims.push(Padded { before, len, after });
        let total = (len as i64).saturating_add(pair[0]).saturating_add(pair[1]);
        sizes.push(total);
    }
    Ok((dims, index::shape(&sizes)?))
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let has_value = node.op() == "PadV2";
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (dims, shape) = padded(ctx.input(0).shape(), ctx.input(1))?;
        if has_value && ctx.input(2).rank() != 0 {
            let text = format!("constant_values must be a scalar. Found: {}", ctx.input(2).shape());
            return Err(Error::invalid_argument(text));
        }
        let output = if shape == *ctx.input(0).shape() {
            ctx.take(0)
        } else {
            let value = has_value.then(|| ctx.input(2));
            by_unit!(ctx.input(0).dtype(), U => pad::<U>(ctx, shape, &dims, value))?
        };
        ctx.set(0, output);
        Ok(())
    }))
}

fn pad<U: Unit>(ctx: &Context<'_>, shape: Shape, dims: &[Padded], value: Option<&Tensor>) -> Result<Tensor> {
    let input = ctx.input(0);
    let value = match value {
        Some(value) => value.units::<U>()?.first().cloned().unwrap_or_default(),
        None => U::default(),
    };
    let mut output = ctx.allocate(input.dtype(), shape)?;
    let dims = merged(dims);
    let Some((&row, outer)) = dims.split_last() else { return Ok(output) };
    let (out, src) = (output.units_mut::<U>()?, input.units::<U>()?);
    let grain = (strided::grain::<U>() / row.total().max(1)).max(1);
    par::for_rows_mut(out, row.total(), grain, |first, rows| {
        for (i, out) in rows.chunks_exact_mut(row.total()).enumerate() {
            match source_row(outer, first + i).filter(|_| row.len > 0) {
                Some(from) => {
                    let (before, rest) = out.split_at_mut(row.before);
                    let (middle, after) = rest.split_at_mut(row.len);
                    before.fill(value.clone());
                    middle.clone_from_slice(&src[from * row.len..][..row.len]);
                    after.fill(value.clone());
                }
                None => out.fill(value.clone()),
            }
        }
    });
    Ok(output)
}

/// Makes one dimension of each dimension and the unpadded ones that follow it.
fn merged(dims: &[Padded]) -> Vec<Padded> {
    let mut merged: Vec<Padded> = Vec::with_capacity(dims.len());
    for &dim in dims {
        match merged.last_mut() {
            Some(outer) if dim.before == 0 && dim.after == 0 => {
                outer.before *= dim.len;
                outer.len *= dim.len;
                outer.after *= dim.len;
            }
            _ => merged.push(dim),
        }
    }
    merged
}

/// The number of the input's row that lies in a row of the output, if it is not all padding.
fn source_row(outer: &[Padded], mut row: usize) -> Option<usize> {
    let mut source = 0;
    let mut stride = 1;
    for dim in outer.iter().rev() {
        let at = (row % dim.total()).checked_sub(dim.before).filter(|&at| at < dim.len)?;
        row /= dim.total();
        source += at * stride;
        stride *= dim.len;
    }
    Some(source)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Pad", "", "float[2] 1 2; int32[1,2] 1 2", "float[5] 0 1 2 0 0"),
                ("Pad", "", "float[2,2] 1 2 3 4; int32[2,2] 1 0 0 1", "float[3,3] 0 0 0 1 2 0 3 4 0"),
                ("Pad", "", "string[1,2] 'a' 'b'; int64[2,2] 0 1 0 0", "string[2,2] 'a' 'b' '' ''"),
                ("Pad", "", "int8[1,2,1] 1 2; int32[3,2] 1 1 0 0 1 0", "int8[3,2,2] 0 0 0 0 0 1 0 2 0 0 0 0"),
                ("Pad", "", "float[] 1; int32[0,2]", "float[] 1"),
                ("Pad", "", "float[0,1]; int32[2,2] 1 1 1 0", "float[2,2] 0 0 0 0"),
                ("Pad", "", "float[2] 1 2; int32[1,2] 0 0", "float[2] 1 2"),
                ("PadV2", "", "float[2,1] 1 2; int32[2,2] 0 1 1 0; float[] 9", "float[3,2] 9 1 9 2 9 9"),
                ("PadV2", "", "qint32[1] 1; int32[1,2] 1 1; qint32[] 9", "qint32[3] 9 1 9"),
                (
                    "Pad",
                    "",
                    "float[2] 1 2; int32[1,2] -1 0",
                    "INVALID_ARGUMENT: Paddings must be non-negative: -1 0",
                ),
                (
                    "Pad",
                    "",
                    "float[2] 1 2; int32[2,2] 1 0 0 0",
                    "INVALID_ARGUMENT: The first dimension of paddings must be the rank of inputs[2,2] [2]",
                ),
                (
                    "Pad",
                    "",
                    "float[2] 1 2; int32[1,3] 1 0 0",
                    "INVALID_ARGUMENT: paddings must be a matrix with 2 columns: [1,3]",
                ),
                (
                    "PadV2",
                    "",
                    "float[2] 1 2; int32[1,2] 1 0; float[1] 9",
                    "INVALID_ARGUMENT: constant_values must be a scalar. Found: [1]",
                ),
            ],
        );
    }
}
