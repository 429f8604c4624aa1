//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::dtypes::POD_AND_POINTERS;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::DType::{Int8, Int32, Int64, Uint8};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, Unit, by_unit};

use crate::strided;

/// Makes of each index a vector with one value at the index and another everywhere else.
///
/// An index outside of the depth gives a vector of the other value only.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/OneHot>
pub const OP: Op = Op {
    name: "OneHot",
    inputs: &["indices: TI", "depth: int32", "on_value: T", "off_value: T"],
    outputs: &["output: T"],
    attrs: &["axis: int = -1", "T: type", "TI: {uint8, int8, int32, int64} = DT_INT64"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("TI", &[Uint8, Int8, Int32, Int64]), ("T", POD_AND_POINTERS)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let indices = ctx.input(0);
    let Some(dims) = indices.dims() else { return Ok(vec![PartialShape::unknown()]) };
    let at = place(ctx.attr("axis").unwrap_or(-1), dims.len())?;
    let depth = ctx.integers(1).and_then(|depth| usize::try_from(*depth.first()?).ok());
    let mut dims = dims.to_vec();
    dims.insert(at, depth);
    Ok(vec![PartialShape::new(dims)])
}

fn place(axis: i64, rank: usize) -> Result<usize> {
    match axis {
        -1 => Ok(rank),
        _ => usize::try_from(axis).ok().filter(|&axis| axis <= rank).ok_or_else(|| {
            Error::invalid_argument(format!(
                "Expected axis to be -1 or between [0, {}).  But received: {axis}",
                rank + 1
            ))
        }),
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let axis: i64 = node.attr("axis")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut shape = ctx.input(0).shape().clone();
        let at = place(axis, shape.rank())?;
        for (i, what) in [(1, "depth"), (2, "on_value"), (3, "off_value")] {
            if ctx.input(i).rank() != 0 {
                let text = format!("{what} must be a scalar, but got: {}", ctx.input(i).shape());
                return Err(Error::invalid_argument(text));
            }
        }
        let depth: i32 = ctx.input(1).to_scalar()?;
        let depth = usize::try_from(depth)
            .map_err(|_| Error::invalid_argument(format!("depth must be non-negative, got: {depth}")))?;
        let suffix = shape[at..].iter().product();
        shape.insert(at, depth);
        shape.checked_elements().map_err(|_| {
            Error::invalid_argument(format!(
                "OneHot result would have shape {shape}, which exceeds 2**63 - 1 elements"
            ))
        })?;
        let mut output = ctx.allocate(ctx.input(2).dtype(), shape)?;
        by_unit!(output.dtype(), U => one_hot::<U>(ctx, &mut output, depth, suffix))?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn one_hot<U: Unit>(ctx: &Context<'_>, output: &mut Tensor, depth: usize, suffix: usize) -> Result<()> {
    let indices = ctx.input(0).to_i64s()?;
    let [on, off] = [ctx.input(2), ctx.input(3)].map(|t| t.units::<U>().map(|values| values[0].clone()));
    let (on, off) = (on?, off?);
    let block = depth * suffix;
    let grain = (strided::grain::<U>() / block.max(1)).max(1);
    par::for_rows_mut(output.units_mut::<U>()?, block, grain, |first, rows| {
        rows.fill(off.clone());
        let indices = &indices[first * suffix..];
        for (block, indices) in rows.chunks_exact_mut(block).zip(indices.chunks_exact(suffix)) {
            for (i, &index) in indices.iter().enumerate() {
                if let Some(index) = usize::try_from(index).ok().filter(|&index| index < depth) {
                    block[index * suffix + i] = on.clone();
                }
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    const TABLE: &[Row] = &[
        ("OneHot", "", "int32[3] 0 2 -1; int32[] 3; float[] 5; float[] 1", "float[3,3] 5 1 1 1 1 5 1 1 1"),
        (
            "OneHot",
            "axis=0",
            "int64[2] 1 3; int32[] 2; bool[] true; bool[] false",
            "bool[2,2] false false true false",
        ),
        (
            "OneHot",
            "axis=1",
            "uint8[2,2] 0 1 2 0; int32[] 2; string[] 'y'; string[] 'n'",
            "string[2,2,2] 'y' 'n' 'n' 'y' 'n' 'y' 'n' 'n'",
        ),
        ("OneHot", "", "int8[] 1; int32[] 2; complex64[] 1+0i; complex64[] 0+0i", "complex64[2] 0+0i 1+0i"),
        ("OneHot", "", "int32[0]; int32[] 3; int32[] 5; int32[] 1", "int32[0,3]"),
        ("OneHot", "", "int32[2] 0 1; int32[] 0; int32[] 5; int32[] 1", "int32[2,0]"),
        (
            "OneHot",
            "",
            "int32[1] 0; int32[] -1; int32[] 5; int32[] 1",
            "INVALID_ARGUMENT: depth must be non-negative, got: -1",
        ),
        (
            "OneHot",
            "axis=2",
            "int32[1] 0; int32[] 1; int32[] 5; int32[] 1",
            "INVALID_ARGUMENT: Expected axis to be -1 or between [0, 2).  But received: 2",
        ),
        (
            "OneHot",
            "axis=-2",
            "int32[1] 0; int32[] 1; int32[] 5; int32[] 1",
            "INVALID_ARGUMENT: Expected axis to be -1 or between [0, 2).  But received: -2",
        ),
        (
            "OneHot",
            "",
            "int32[1] 0; int32[1] 1; int32[] 5; int32[] 1",
            "INVALID_ARGUMENT: depth must be a scalar, but got: [1]",
        ),
        (
            "OneHot",
            "",
            "int32[1] 0; int32[] 1; int32[1] 5; int32[] 1",
            "INVALID_ARGUMENT: on_value must be a scalar, but got: [1]",
        ),
        (
            "OneHot",
            "",
            "int32[1] 0; int32[] 1; int32[] 5; int32[1] 1",
            "INVALID_ARGUMENT: off_value must be a scalar, but got: [1]",
        ),
    ];

    #[test]
    fn table() {
        check_rows(crate::OPS, TABLE);
    }
}
