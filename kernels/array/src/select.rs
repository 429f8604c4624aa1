//! Choice between two tensors, element by element.

use savedmodel_math::par;
use savedmodel_op::dtypes::POD_AND_POINTERS;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape as shapes};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::layout::broadcast_strides;
use crate::strided;

/// Takes the second input where the condition holds and the third elsewhere.
///
/// `SelectV2` broadcasts all three. `Select` wants equal shapes, except that the condition may be a scalar or a
/// vector over rows.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SelectV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "SelectV2",
        inputs: &["condition: bool", "t: T", "e: T"],
        outputs: &["output: T"],
        attrs: &["T: type"],
        effect: Effect::Pure,
        shape: shape_v2,
        kernels: Kernels::All(&[("T", POD_AND_POINTERS)], build_v2),
    },
    Op {
        name: "Select",
        inputs: &["condition: bool", "t: T", "e: T"],
        outputs: &["output: T"],
        attrs: &["T: type"],
        effect: Effect::Pure,
        shape: shape_v1,
        kernels: Kernels::All(&[("T", POD_AND_POINTERS)], build_v1),
    },
];

fn shape_v2(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let branches = shapes::broadcast_shapes(&ctx.input(1), &ctx.input(2))?;
    Ok(vec![shapes::broadcast_shapes(&ctx.input(0), &branches)?])
}

fn shape_v1(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (t, e) = (ctx.input(1), ctx.input(2));
    let merged = t.merge(&e);
    Ok(vec![merged.ok_or_else(|| {
        Error::invalid_argument(format!("'t' and 'e' must have the same size, but received: {t} vs. {e}"))
    })?])
}

fn build_v1(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (c, t, e) = (ctx.input(0).shape(), ctx.input(1).shape(), ctx.input(2).shape());
        // A vector over rows is a column that broadcasts.
        let condition = if c.rank() == 1 && t.rank() != 1 {
            rows(c, t)?
        } else if c == t || c.rank() == 0 {
            c.clone()
        } else {
            return Err(unequal(c, 1, t));
        };
        if t != e {
            return Err(match c.rank() {
                0 => {
                    let text =
                        format!("'then' and 'else' must have the same size.  but received: {t} vs. {e}");
                    Error::invalid_argument(text)
                }
                _ => unequal(c, 2, e),
            });
        }
        let output = choose(ctx, condition, t.clone())?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn rows(c: &Shape, t: &Shape) -> Result<Shape> {
    if t.rank() == 0 {
        return Err(Error::invalid_argument("'then' must be at least a vector, but saw shape: []"));
    }
    if c[0] != t[0] {
        return Err(Error::invalid_argument(format!(
            "Number of batches of 'then' must match size of 'cond', but saw: {} vs. {}",
            t[0], c[0]
        )));
    }
    let mut column = Shape::from(vec![1; t.rank()]);
    column.dims_mut()[0] = c[0];
    Ok(column)
}

fn unequal(first: &Shape, i: usize, other: &Shape) -> Error {
    Error::invalid_argument(format!(
        "Inputs to operation Select of type Select must have the same size and shape.  Input 0: {first} != input {i}: \
         {other}"
    ))
}

fn build_v2(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (c, t, e) = (ctx.input(0).shape(), ctx.input(1).shape(), ctx.input(2).shape());
        let shape = Shape::broadcast(t, e).and_then(|branches| Shape::broadcast(c, &branches));
        let shape = shape.ok_or_else(|| {
            Error::invalid_argument(format!("condition {c}, then {t}, and else {e} must be broadcastable"))
        })?;
        let condition = c.clone();
        let output = choose(ctx, condition, shape)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The output of `shape`, to which all inputs broadcast; the condition is taken as one of shape `condition`.
fn choose(ctx: &mut Context<'_>, condition: Shape, shape: Shape) -> Result<Tensor> {
    let flags = ctx.input(0).units::<u8>()?;
    if let &[flag] = flags {
        let chosen = if flag != 0 { 1 } else { 2 };
        if *ctx.input(chosen).shape() == shape {
            return Ok(ctx.take(chosen));
        }
    }
    let strides = [
        broadcast_strides(&condition, &shape),
        broadcast_strides(ctx.input(1).shape(), &shape),
        broadcast_strides(ctx.input(2).shape(), &shape),
    ];
    let axes = merged(&shape, |i| std::array::from_fn(|input| strides[input][i] as usize));
    let mut output = ctx.allocate(ctx.input(1).dtype(), shape)?;
    by_unit!(output.dtype(), U => select::<U>(ctx, &mut output, &axes))?;
    Ok(output)
}

/// An axis along which condition and branches are walked, each with its stride.
#[derive(Clone, Copy)]
struct Axis3 {
    len: usize,
    strides: [usize; 3],
}

/// The axes of a walk over `shape`, with neighbours that all inputs walk evenly made one; at least one axis.
fn merged(shape: &Shape, strides: impl Fn(usize) -> [usize; 3]) -> Vec<Axis3> {
    let mut axes: Vec<Axis3> = Vec::with_capacity(shape.rank().max(1));
    for (i, &len) in shape.iter().enumerate().filter(|&(_, &len)| len != 1) {
        let axis = Axis3 { len, strides: strides(i) };
        match axes.last_mut() {
            Some(outer) if (0..3).all(|k| outer.strides[k] == axis.strides[k] * len) => {
                *outer = Axis3 { len: outer.len * len, strides: axis.strides };
            }
            _ => axes.push(axis),
        }
    }
    if axes.is_empty() {
        axes.push(Axis3 { len: 1, strides: [1, 1, 1] });
    }
    axes
}

fn select<U: Unit>(ctx: &Context<'_>, output: &mut Tensor, axes: &[Axis3]) -> Result<()> {
    let (c, t, e) = (ctx.input(0).units::<u8>()?, ctx.input(1).units::<U>()?, ctx.input(2).units::<U>()?);
    let Some((inner, outer)) = axes.split_last() else { return Ok(()) };
    let out = output.units_mut::<U>()?;
    if outer.is_empty() {
        par::for_chunks_mut(out, strided::grain::<U>(), |offset, chunk| {
            row(chunk, [offset; 3], inner.strides, (c, t, e));
        });
        return Ok(());
    }
    let grain = (strided::grain::<U>() / inner.len.max(1)).max(1);
    par::for_rows_mut(out, inner.len, grain, |first, rows| {
        for (i, out) in rows.chunks_exact_mut(inner.len).enumerate() {
            let mut offsets = [0; 3];
            let mut position = first + i;
            for axis in outer.iter().rev() {
                let at = position % axis.len;
                position /= axis.len;
                (0..3).for_each(|k| offsets[k] += at * axis.strides[k]);
            }
            row_at(out, offsets, inner.strides, (c, t, e));
        }
    });
    Ok(())
}

type Inputs<'a, U> = (&'a [u8], &'a [U], &'a [U]);

/// A row that begins at element number `at` of the innermost axis.
fn row<U: Unit>(out: &mut [U], at: [usize; 3], strides: [usize; 3], inputs: Inputs<'_, U>) {
    row_at(out, std::array::from_fn(|k| at[k] * strides[k]), strides, inputs);
}

/// A row whose inputs begin at these offsets; strides are zero or one.
fn row_at<U: Unit>(out: &mut [U], offsets: [usize; 3], strides: [usize; 3], (c, t, e): Inputs<'_, U>) {
    let (c, t, e) = (&c[offsets[0]..], &t[offsets[1]..], &e[offsets[2]..]);
    let len = out.len();
    match strides {
        [0, st, se] => {
            let (chosen, stride) = if c[0] != 0 { (t, st) } else { (e, se) };
            match stride {
                0 => out.fill(chosen[0].clone()),
                _ => out.clone_from_slice(&chosen[..len]),
            }
        }
        [_, 0, 0] => pick(out, c, std::iter::repeat(&t[0]), std::iter::repeat(&e[0])),
        [_, 0, _] => pick(out, c, std::iter::repeat(&t[0]), &e[..len]),
        [_, _, 0] => pick(out, c, &t[..len], std::iter::repeat(&e[0])),
        [..] => pick(out, c, &t[..len], &e[..len]),
    }
}

fn pick<'a, U: Unit>(
    out: &mut [U],
    c: &[u8],
    t: impl IntoIterator<Item = &'a U>,
    e: impl IntoIterator<Item = &'a U>,
) {
    for (((o, &c), t), e) in out.iter_mut().zip(c).zip(t).zip(e) {
        *o = if c != 0 { t } else { e }.clone();
    }
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn broadcasting() {
        check_rows(
            crate::OPS,
            &[
                ("SelectV2", "", "bool[3] true false true; float[3] 1 2 3; float[3] 4 5 6", "float[3] 1 5 3"),
                ("SelectV2", "", "bool[] true; float[2] 1 2; float[2,2] 3 4 5 6", "float[2,2] 1 2 1 2"),
                ("SelectV2", "", "bool[] false; float[2] 1 2; float[2,2] 3 4 5 6", "float[2,2] 3 4 5 6"),
                (
                    "SelectV2",
                    "",
                    "bool[2,1] true false; string[2] 'a' 'b'; string[] 'c'",
                    "string[2,2] 'a' 'b' 'c' 'c'",
                ),
                (
                    "SelectV2",
                    "",
                    "bool[2] true false; int8[2,1] 1 2; int8[3,1,1] 3 4 5",
                    "int8[3,2,2] 1 3 2 3 1 4 2 4 1 5 2 5",
                ),
                (
                    "SelectV2",
                    "",
                    "bool[2,2] true false false true; float[] 1; float[2] 2 3",
                    "float[2,2] 1 3 2 1",
                ),
                (
                    "SelectV2",
                    "",
                    "bool[2,2] true false false true; float[] 1; float[] 2",
                    "float[2,2] 1 2 2 1",
                ),
                ("SelectV2", "", "bool[0]; float[1] 1; float[] 2", "float[0]"),
                ("SelectV2", "", "bool[] true; complex128[] 1+2i; complex128[] 2+0i", "complex128[] 1+2i"),
                (
                    "SelectV2",
                    "",
                    "bool[3] true true true; float[2] 1 2; float[2] 1 2",
                    "INVALID_ARGUMENT: condition [3], then [2], and else [2] must be broadcastable",
                ),
            ],
        );
    }

    #[test]
    fn rows() {
        check_rows(
            crate::OPS,
            &[
                (
                    "Select",
                    "",
                    "bool[2] true false; float[2,2] 1 2 3 4; float[2,2] 5 6 7 8",
                    "float[2,2] 1 2 7 8",
                ),
                ("Select", "", "bool[] false; string[2] 'a' 'b'; string[2] 'c' 'd'", "string[2] 'c' 'd'"),
                (
                    "Select",
                    "",
                    "bool[2,2] true false false true; int32[2,2] 1 2 3 4; int32[2,2] 5 6 7 8",
                    "int32[2,2] 1 6 7 4",
                ),
                ("Select", "", "bool[0]; float[0,2]; float[0,2]", "float[0,2]"),
                (
                    "Select",
                    "",
                    "bool[1] true; float[] 1; float[] 2",
                    "INVALID_ARGUMENT: 'then' must be at least a vector, but saw shape: []",
                ),
                (
                    "Select",
                    "",
                    "bool[1] true; float[2,1] 1 2; float[2,1] 3 4",
                    "INVALID_ARGUMENT: Number of batches of 'then' must match size of 'cond', but saw: 2 vs. 1",
                ),
                (
                    "Select",
                    "",
                    "bool[1] true; float[2] 1 2; float[2] 3 4",
                    "INVALID_ARGUMENT: Inputs to operation Select of type Select must have the same size and shape.  Input 0: [1] != input 1: [2]",
                ),
                (
                    "Select",
                    "",
                    "bool[1,2] true false; float[2,2] 1 2 3 4; float[2,2] 1 2 3 4",
                    "INVALID_ARGUMENT: Inputs to operation Select of type Select must have the same size and shape.  Input 0: [1,2] != input 1: [2,2]",
                ),
                (
                    "Select",
                    "",
                    "bool[2] true false; float[2] 1 2; float[1] 1",
                    "INVALID_ARGUMENT: Inputs to operation Select of type Select must have the same size and shape.  Input 0: [2] != input 2: [1]",
                ),
                (
                    "Select",
                    "",
                    "bool[] true; float[2] 1 2; float[1] 1",
                    "INVALID_ARGUMENT: 'then' and 'else' must have the same size.  but received: [2] vs. [1]",
                ),
            ],
        );
    }
}
