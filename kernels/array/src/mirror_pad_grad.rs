//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result, Shape, Tensor, bf16, f16};

use crate::pad::{Padded, padded};
use crate::scatter_nd::Sum;

/// The gradient of `MirrorPad`: takes the paddings off, and adds what stood in them to the elements that they mirrored.
///
/// Takes numbers of at most five dimensions, and paddings as a matrix with a row of two for each. `INVALID_ARGUMENT` when
/// paddings are negative, take up a whole dimension, or are larger than what is left of one (as large, for REFLECT).
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MirrorPadGrad>
pub const OP: Op = Op {
    name: "MirrorPadGrad",
    inputs: &["input: T", "paddings: Tpaddings"],
    outputs: &["output: T"],
    attrs: &["T: type", "Tpaddings: {int32, int64} = DT_INT32", "mode: {'REFLECT', 'SYMMETRIC'}"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 Complex32 Complex64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let Some(rank) = input.rank().or(ctx.input(1).dim(0)).filter(|&rank| rank <= 5) else {
        return Ok(vec![PartialShape::unknown()]);
    };
    let paddings = ctx.integers(1).filter(|paddings| paddings.len() == 2 * rank);
    let dim = |i: usize| {
        let [before, after] = paddings.as_ref()?[2 * i..2 * i + 2] else { return None };
        let taken = usize::try_from(before).ok()?.checked_add(usize::try_from(after).ok()?)?;
        input.dim(i)?.checked_sub(taken)
    };
    Ok(vec![PartialShape::new((0..rank).map(dim))])
}

fn build<T: Sum>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let skip = usize::from(node.attr::<String>("mode")? == "REFLECT");
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let rank = ctx.input(0).rank();
        if rank > 5 {
            return Err(Error::unimplemented(format!("inputs rank not in [0,5]: {rank}")));
        }
        let dims = cut(ctx.input(0).shape(), ctx.input(1), skip)?;
        let output = if dims.iter().all(|dim| dim.before + dim.after == 0) {
            ctx.take(0)
        } else {
            folded::<T>(ctx, &dims, skip)?
        };
        ctx.set(0, output);
        Ok(())
    }))
}

/// The dimensions that are left, with the paddings around them.
fn cut(input: &Shape, paddings: &Tensor, skip: usize) -> Result<Vec<Padded>> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    // Nothing is padded here: this checks the matrix.
    let (mut dims, _) = padded(&input.dims().iter().map(|_| 0).collect(), paddings)?;
    for (dim, &len) in dims.iter_mut().zip(input.dims()) {
        let total = dim.before.saturating_add(dim.after);
        let Some(left) = len.checked_sub(total).filter(|&left| left > 0) else {
            return refuse(format!(
                "Total paddings must be less than the input dimension size: {total} was not less than {len}"
            ));
        };
        if dim.before.max(dim.after) + skip > left {
            let (must, is) = [("no greater than", "greater than"), ("less than", "not less than")][skip];
            return refuse(format!(
                "paddings must be {must} the output dimension size: {}, {} {is} {left}",
                dim.before, dim.after
            ));
        }
        dim.len = left;
    }
    Ok(dims)
}

/// Folds dimension after dimension; those before are cut by then.
fn folded<T: Sum>(ctx: &Context<'_>, dims: &[Padded], skip: usize) -> Result<Tensor> {
    let mut current = ctx.input(0).clone();
    for (axis, &dim) in dims.iter().enumerate().filter(|(_, dim)| dim.before + dim.after > 0) {
        let mut shape = current.shape().clone();
        shape.dims_mut()[axis] = dim.len;
        let inner: usize = shape[axis + 1..].iter().product();
        let mut output = ctx.allocate(T::DTYPE, shape)?;
        let sources = current.as_slice::<T>()?.chunks_exact(dim.total() * inner);
        for (to, from) in output.as_mut_slice::<T>()?.chunks_exact_mut(dim.len * inner).zip(sources) {
            to.copy_from_slice(&from[dim.before * inner..][..to.len()]);
            for at in 0..dim.before {
                add(&mut to[(dim.before - 1 - at + skip) * inner..], &from[at * inner..][..inner]);
            }
            for at in 0..dim.after {
                let source = &from[(dim.before + dim.len + at) * inner..][..inner];
                add(&mut to[(dim.len - 1 - at - skip) * inner..], source);
            }
        }
        current = output;
    }
    Ok(current)
}

fn add<T: Sum>(to: &mut [T], from: &[T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = to.plus(from);
    }
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "MirrorPadGrad";
        check_rows(
            crate::OPS,
            &[
                (op, "mode=REFLECT", "float[7] 1 2 3 4 5 6 7; int32[1,2] 2 2", "float[3] 10 12 6"),
                (op, "mode=SYMMETRIC", "int8[7] 1 2 3 4 5 6 7; int64[1,2] 2 2", "int8[3] 5 12 11"),
                (
                    op,
                    "mode=SYMMETRIC",
                    "double[3,3] 1 2 3 4 5 6 7 8 9; int32[2,2] 1 1 0 1",
                    "double[1,2] 12 33",
                ),
                (op, "mode=REFLECT", "float[] 1; int32[0,2]", "float[] 1"),
                (
                    op,
                    "mode=REFLECT",
                    "float[5] 1 2 3 4 5; int32[1,2] 2 2",
                    "INVALID_ARGUMENT: paddings must be less than the output dimension size: 2, 2 not less than 1",
                ),
                (
                    op,
                    "mode=SYMMETRIC",
                    "float[4] 1 2 3 4; int32[1,2] 2 2",
                    "INVALID_ARGUMENT: Total paddings must be less than the input dimension size: 4 was not less than 4",
                ),
                (
                    op,
                    "mode=SYMMETRIC",
                    "float[4] 1 2 3 4; int32[1,2] -1 2",
                    "INVALID_ARGUMENT: Paddings must be non-negative: -1 2",
                ),
                (
                    op,
                    "mode=SYMMETRIC",
                    "float[1,1,1,1,1,1] 1; int32[6,2] 0 0 0 0 0 0 0 0 0 0 0 0",
                    "UNIMPLEMENTED: inputs rank",
                ),
            ],
        );
    }
}
