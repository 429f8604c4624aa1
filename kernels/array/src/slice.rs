//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::dtypes::POD_STRING_Q3_F8;
use crate::layout::Layout;
use crate::strided;

/// Cuts a box out of a tensor; a size of -1 takes all from the beginning on.
///
/// A box of whole rows shares the input's memory.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Slice>
pub const OP: Op = Op {
    name: "Slice",
    inputs: &["input: T", "begin: Index", "size: Index"],
    outputs: &["output: T"],
    attrs: &["T: type", "Index: {int32, int64}"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", POD_STRING_Q3_F8)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let rank = input.rank().or(ctx.input(1).dim(0)).or(ctx.input(2).dim(0));
    let Some(rank) = rank.filter(|&rank| rank <= Shape::MAX_RANK) else {
        return Ok(vec![PartialShape::unknown()]);
    };
    let begin = ctx.integers(1).filter(|begin| begin.len() == rank);
    let size = ctx.integers(2).filter(|size| size.len() == rank);
    let dim = |i: usize| {
        let begin = begin.as_ref().map(|begin| begin[i]);
        match (size.as_ref()?[i], begin) {
            (-1, Some(begin)) => input.dim(i)?.checked_sub(usize::try_from(begin).ok()?),
            (size, _) => usize::try_from(size).ok(),
        }
    };
    Ok(vec![PartialShape::new((0..rank).map(dim))])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (begin, size) = bounds(ctx)?;
        let shape = ctx.input(0).shape();
        let output = if size == *shape {
            ctx.take(0)
        } else if size[1..] == shape[1..] {
            ctx.input(0).rows(begin[0], begin[0] + size[0])?
        } else {
            by_unit!(ctx.input(0).dtype(), U => window::<U>(ctx, &begin, size))?
        };
        ctx.set(0, output);
        Ok(())
    }))
}

fn window<U: Unit>(ctx: &Context<'_>, begin: &[usize], size: Shape) -> Result<Tensor> {
    let input = ctx.input(0);
    let layout = Layout::window(input.shape(), begin, &size);
    let mut output = ctx.allocate(input.dtype(), size)?;
    strided::gather(output.units_mut::<U>()?, input.units()?, &layout);
    Ok(output)
}

/// The box: where it begins and its shape.
fn bounds(ctx: &Context<'_>) -> Result<(Vec<usize>, Shape)> {
    let (shape, begin, size) = (ctx.input(0).shape(), ctx.input(1), ctx.input(2));
    let rank = shape.rank();
    if begin.shape().dims() != [rank] || size.shape().dims() != [rank] {
        return Err(Error::invalid_argument(format!(
            "Expected begin and size arguments to be 1-D tensors of size {rank}, but got shapes {} and {} instead.",
            begin.shape(),
            size.shape()
        )));
    }
    let outside = |what: &str, i: usize, most: usize, got: i64| {
        Error::invalid_argument(format!("Expected {what}[{i}] in [0, {most}], but got {got}"))
    };
    let mut from = Vec::with_capacity(rank);
    let mut sizes = Shape::scalar();
    for (i, (b, s)) in begin.to_i64s()?.into_iter().zip(size.to_i64s()?).enumerate() {
        let start = usize::try_from(b).ok().filter(|&start| start <= shape[i]);
        let start = start.ok_or_else(|| outside("begin", i, shape[i], b))?;
        let rest = shape[i] - start;
        let size = if s == -1 { Some(rest) } else { usize::try_from(s).ok().filter(|&size| size <= rest) };
        from.push(start);
        sizes.push(size.ok_or_else(|| outside("size", i, rest, s))?);
    }
    Ok((from, sizes))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Slice", "", "float[3] 1 2 3; int32[1] 1; int32[1] 2", "float[2] 2 3"),
                ("Slice", "", "float[2,3] 1 2 3 4 5 6; int32[2] 0 1; int32[2] 2 -1", "float[2,2] 2 3 5 6"),
                (
                    "Slice",
                    "",
                    "string[2,2] 'a' 'b' 'c' 'd'; int64[2] 1 0; int64[2] -1 -1",
                    "string[1,2] 'c' 'd'",
                ),
                ("Slice", "", "float[2,2] 1 2 3 4; int32[2] 0 0; int32[2] 2 2", "float[2,2] 1 2 3 4"),
                ("Slice", "", "float[] 1; int32[0]; int32[0]", "float[] 1"),
                (
                    "Slice",
                    "",
                    "qint8[2,2,2] 1 2 3 4 5 6 7 8; int32[3] 0 1 1; int32[3] 2 1 1",
                    "qint8[2,1,1] 4 8",
                ),
                ("Slice", "", "float[2] 1 2; int32[1] 2; int32[1] 0", "float[0]"),
                (
                    "Slice",
                    "",
                    "float[2] 1 2; int32[1] 3; int32[1] 0",
                    "INVALID_ARGUMENT: Expected begin[0] in [0, 2], but got 3",
                ),
                (
                    "Slice",
                    "",
                    "float[2] 1 2; int32[1] -1; int32[1] 1",
                    "INVALID_ARGUMENT: Expected begin[0] in [0, 2], but got -1",
                ),
                (
                    "Slice",
                    "",
                    "float[2] 1 2; int32[1] 1; int32[1] 2",
                    "INVALID_ARGUMENT: Expected size[0] in [0, 1], but got 2",
                ),
                (
                    "Slice",
                    "",
                    "float[2] 1 2; int32[1] 1; int32[1] -2",
                    "INVALID_ARGUMENT: Expected size[0] in [0, 1], but got -2",
                ),
                (
                    "Slice",
                    "",
                    "float[2] 1 2; int32[2] 1 0; int32[1] 1",
                    "INVALID_ARGUMENT: Expected begin and size arguments to be 1-D tensors of size 1, but got shapes [2] and [1] instead.",
                ),
            ],
        );
    }
}
