//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{Error, Result, Shape, Tensor, Unit, by_unit};

use crate::dtypes::POD_STRING_Q3;
use crate::pad::{self, Padded, padded};
use crate::strided;

/// Pads each dimension with its own reflection, without (REFLECT) or with (SYMMETRIC) the border itself.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MirrorPad>
pub const OP: Op = Op {
    name: "MirrorPad",
    inputs: &["input: T", "paddings: Tpaddings"],
    outputs: &["output: T"],
    attrs: &["T: type", "Tpaddings: {int32, int64} = DT_INT32", "mode: {'REFLECT', 'SYMMETRIC'}"],
    effect: Effect::Pure,
    shape: pad::shape,
    kernels: Kernels::All(&[("T", POD_STRING_Q3), ("Tpaddings", INDICES)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let skip = usize::from(node.attr::<String>("mode")? == "REFLECT");
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (dims, shape) = padded(ctx.input(0).shape(), ctx.input(1))?;
        check(&dims, skip)?;
        let output = if shape == *ctx.input(0).shape() {
            ctx.take(0)
        } else {
            by_unit!(ctx.input(0).dtype(), U => mirror_pad::<U>(ctx, shape, &dims, skip))?
        };
        ctx.set(0, output);
        Ok(())
    }))
}

fn check(dims: &[Padded], skip: usize) -> Result<()> {
    for dim in dims {
        let fits = |padding: usize| padding + skip <= dim.len;
        if !fits(dim.before) || !fits(dim.after) {
            let (must, is) = [("no greater than", "greater than"), ("less than", "not less than")][skip];
            return Err(Error::invalid_argument(format!(
                "paddings must be {must} the dimension size: {}, {} {is} {}",
                dim.before, dim.after, dim.len
            )));
        }
    }
    Ok(())
}

/// The position in the input that position `at` of the padded dimension shows.
fn reflected(dim: Padded, at: usize, skip: usize) -> usize {
    if at < dim.before {
        dim.before - at - 1 + skip
    } else if at < dim.before + dim.len {
        at - dim.before
    } else {
        2 * dim.len + dim.before - at - 1 - skip
    }
}

fn mirror_pad<U: Unit>(ctx: &Context<'_>, shape: Shape, dims: &[Padded], skip: usize) -> Result<Tensor> {
    let input = ctx.input(0);
    let mut output = ctx.allocate(input.dtype(), shape)?;
    // Unpadded dimensions at the end make up a block that moves as one.
    let last = dims.iter().rposition(|dim| dim.before + dim.after > 0).unwrap_or(0);
    let block: usize = dims[last + 1..].iter().map(|dim| dim.len).product();
    let (row, outer) = (dims[last], &dims[..last]);
    let row_len = row.total() * block;
    let (out, src) = (output.units_mut::<U>()?, input.units::<U>()?);
    let grain = (strided::grain::<U>() / row_len.max(1)).max(1);
    par::for_rows_mut(out, row_len, grain, |first, rows| {
        for (i, out) in rows.chunks_exact_mut(row_len).enumerate() {
            let from = source_row(outer, first + i, skip) * row.len * block;
            reflect_row(out, &src[from..from + row.len * block], (row, block, skip));
        }
    });
    Ok(output)
}

fn source_row(outer: &[Padded], mut row: usize, skip: usize) -> usize {
    let mut source = 0;
    let mut stride = 1;
    for &dim in outer.iter().rev() {
        source += reflected(dim, row % dim.total(), skip) * stride;
        row /= dim.total();
        stride *= dim.len;
    }
    source
}

fn reflect_row<U: Unit>(out: &mut [U], src: &[U], (row, block, skip): (Padded, usize, usize)) {
    let edges = (0..row.before).chain(row.before + row.len..row.total());
    for at in edges {
        let from = reflected(row, at, skip) * block;
        out[at * block..][..block].clone_from_slice(&src[from..from + block]);
    }
    out[row.before * block..][..src.len()].clone_from_slice(src);
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("MirrorPad", "mode=REFLECT", "float[3] 1 2 3; int32[1,2] 2 2", "float[7] 3 2 1 2 3 2 1"),
                ("MirrorPad", "mode=SYMMETRIC", "float[3] 1 2 3; int32[1,2] 2 3", "float[8] 2 1 1 2 3 3 2 1"),
                (
                    "MirrorPad",
                    "mode=REFLECT",
                    "string[2,2] 'a' 'b' 'c' 'd'; int64[2,2] 1 0 0 1",
                    "string[3,3] 'c' 'd' 'c' 'a' 'b' 'a' 'c' 'd' 'c'",
                ),
                (
                    "MirrorPad",
                    "mode=SYMMETRIC",
                    "int8[2,1,2] 1 2 3 4; int32[3,2] 0 1 1 0 0 0",
                    "int8[3,2,2] 1 2 1 2 3 4 3 4 3 4 3 4",
                ),
                ("MirrorPad", "mode=REFLECT", "float[] 1; int32[0,2]", "float[] 1"),
                ("MirrorPad", "mode=SYMMETRIC", "float[0,2]; int32[2,2] 0 0 1 0", "float[0,3]"),
                (
                    "MirrorPad",
                    "mode=REFLECT",
                    "float[2] 1 2; int32[1,2] 2 0",
                    "INVALID_ARGUMENT: paddings must be less than the dimension size: 2, 0 not less than 2",
                ),
                (
                    "MirrorPad",
                    "mode=SYMMETRIC",
                    "float[2] 1 2; int32[1,2] 3 0",
                    "INVALID_ARGUMENT: paddings must be no greater than the dimension size: 3, 0 greater than 2",
                ),
                (
                    "MirrorPad",
                    "mode=SYMMETRIC",
                    "float[2] 1 2; int32[1,2] -1 0",
                    "INVALID_ARGUMENT: Paddings must be non-negative: -1 0",
                ),
                (
                    "MirrorPad",
                    "mode=SYMMETRIC",
                    "float[2] 1 2; int32[2] 1 0",
                    "INVALID_ARGUMENT: paddings must be a matrix with 2 columns: [2]",
                ),
                (
                    "MirrorPad",
                    "mode=REFLECT",
                    "float[0]; int32[1,2] 0 0",
                    "INVALID_ARGUMENT: paddings must be less than the dimension size: 0, 0 not less than 0",
                ),
            ],
        );
    }
}
