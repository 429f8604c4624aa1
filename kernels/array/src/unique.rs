//! Distinct elements.

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::DType::{self, *};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, by_unit};

use crate::gather::Picks;
use crate::index;
use crate::keys::{Distinct, keys};

const DTYPES: &[DType] =
    &[Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, String];

const fn unique(name: &'static str, outputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs: &["x: T"],
        outputs,
        attrs: &["T: type", "out_idx: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", DTYPES), ("out_idx", INDICES)], build),
    }
}

const fn along_axis(op: Op) -> Op {
    Op {
        inputs: &["x: T", "axis: Taxis"],
        attrs: &["T: type", "Taxis: {int32, int64} = DT_INT64", "out_idx: {int32, int64} = DT_INT32"],
        ..op
    }
}

/// Distinct elements, or slices along an axis, in the order in which they first appear.
///
/// The two zeros are equal, except those of `half` and `bfloat16`; NaN equals nothing.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UniqueWithCountsV2>.
pub const OPS: &[Op] = &[
    unique("Unique", &["y: T", "idx: out_idx"]),
    unique("UniqueWithCounts", &["y: T", "idx: out_idx", "count: out_idx"]),
    along_axis(unique("UniqueV2", &["y: T", "idx: out_idx"])),
    along_axis(unique("UniqueWithCountsV2", &["y: T", "idx: out_idx", "count: out_idx"])),
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let x = ctx.input(0);
    let has_axis = ctx.inputs.len() > 1;
    let axis = match ctx.integers(1).as_deref() {
        _ if !has_axis => Some(0),
        Some([]) => Some(0),
        Some(&[axis]) => x.rank().and_then(|rank| index::axis(axis, rank)),
        _ => None,
    };
    let y = match (x.dims(), axis) {
        (Some(dims), Some(axis)) => {
            PartialShape::new(dims.iter().enumerate().map(|(i, &dim)| dim.filter(|_| i != axis)))
        }
        (Some(dims), None) => PartialShape::of_rank(dims.len()),
        (None, _) if has_axis => PartialShape::unknown(),
        (None, _) => PartialShape::of_rank(1),
    };
    let len = axis.and_then(|axis| x.dim(axis));
    let mut shapes = vec![y, PartialShape::new([len]), PartialShape::of_rank(1)];
    shapes.truncate(ctx.outputs);
    Ok(shapes)
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let out_idx: DType = node.attr("out_idx")?;
    let has_axis = node.inputs.len() > 1;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let x = ctx.input(0);
        let axis = if has_axis { axis(ctx.input(1), x.rank())? } else { None };
        let axis = match axis {
            Some(axis) => axis,
            None if x.rank() == 1 => 0,
            None => return Err(Error::invalid_argument("unique expects a 1D vector.")),
        };
        let distinct = distinct(x, axis)?;
        let y = slices(ctx, axis, &distinct.firsts)?;
        let idx = index::tensor(out_idx, [distinct.numbers.len()], &distinct.numbers)?;
        ctx.set(0, y);
        ctx.set(1, idx);
        if ctx.output_len() > 2 {
            let counts = index::tensor(out_idx, [distinct.counts.len()], &distinct.counts)?;
            ctx.set(2, counts);
        }
        Ok(())
    }))
}

fn axis(t: &Tensor, rank: usize) -> Result<Option<usize>> {
    if t.rank() != 1 {
        return Err(Error::invalid_argument("axis expects a 1D vector."));
    }
    match t.to_i64s()?[..] {
        [] => Ok(None),
        [axis] => match index::axis(axis, rank) {
            Some(axis) => Ok(Some(axis)),
            None => Err(Error::invalid_argument(format!("axis has to be between [0, {rank})"))),
        },
        _ => Err(Error::invalid_argument("axis does not support input tensors larger than 1 elements")),
    }
}

fn distinct(x: &Tensor, axis: usize) -> Result<Distinct> {
    let keys = keys(&[x])?.pop().unwrap_or_default();
    if x.rank() == 1 {
        return Ok(Distinct::elements(&keys));
    }
    let (len, inner) = (x.shape()[axis], x.shape()[axis + 1..].iter().product::<usize>());
    let block = len * inner;
    Ok(Distinct::rows(len, |i| {
        let parts = keys.chunks(block.max(1)).flat_map(|part| &part[i * inner..][..inner]);
        parts.copied().collect()
    }))
}

fn slices(ctx: &Context<'_>, axis: usize, firsts: &[usize]) -> Result<Tensor> {
    let x = ctx.input(0);
    let mut shape: Shape = x.shape().clone();
    shape.dims_mut()[axis] = firsts.len();
    let picks = Picks {
        outer: x.shape()[..axis].iter().product(),
        dim: x.shape()[axis],
        count: firsts.len(),
        row: x.shape()[axis + 1..].iter().product(),
    };
    let mut output = ctx.allocate(x.dtype(), shape)?;
    by_unit!(x.dtype(), U => picks.copy::<U>(output.units_mut()?, x.units()?, firsts));
    Ok(output)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Unique", "", "float[5] 1 NaN 1 NaN 2", "float[4] 1 NaN NaN 2; int32[5] 0 1 0 2 3"),
                ("Unique", "out_idx=int64", "bfloat16[3] 0 -0 1", "bfloat16[3] 0 -0 1; int64[3] 0 1 2"),
                ("Unique", "", "string[3] 'b' 'a' 'b'", "string[2] 'b' 'a'; int32[3] 0 1 0"),
                ("Unique", "", "bool[0]", "bool[0]; int32[0]"),
                ("UniqueWithCounts", "", "int8[4] 3 -1 3 3", "int8[2] 3 -1; int32[4] 0 1 0 0; int32[2] 3 1"),
                ("UniqueV2", "", "float[3,2] 1 2 1 2 2 1; int64[1] 0", "float[2,2] 1 2 2 1; int32[3] 0 0 1"),
                (
                    "UniqueV2",
                    "",
                    "int32[2,2,2] 1 2 1 2 1 2 1 2; int32[1] 1",
                    "int32[2,1,2] 1 2 1 2; int32[2] 0 0",
                ),
                (
                    "UniqueV2",
                    "",
                    "float[2,2] NaN 1 NaN 1; int32[1] 0",
                    "float[2,2] NaN 1 NaN 1; int32[2] 0 1",
                ),
                ("UniqueV2", "", "float[0,2]; int32[1] 0", "float[0,2]; int32[0]"),
                ("UniqueV2", "", "float[2,0]; int32[1] 0", "float[1,0]; int32[2] 0 0"),
                ("UniqueV2", "", "float[2] 1 1; int32[0]", "float[1] 1; int32[2] 0 0"),
                (
                    "UniqueWithCountsV2",
                    "",
                    "string[2,2] 'a' 'b' 'a' 'b'; int64[1] -2",
                    "string[1,2] 'a' 'b'; int32[2] 0 0; int32[1] 2",
                ),
                ("Unique", "", "float[1,2] 1 2", "INVALID_ARGUMENT: unique expects a 1D vector."),
                (
                    "UniqueV2",
                    "",
                    "float[2,2] 1 2 1 2; int64[0]",
                    "INVALID_ARGUMENT: unique expects a 1D vector.",
                ),
                (
                    "UniqueV2",
                    "",
                    "float[2,2] 1 2 1 2; int32[1] 2",
                    "INVALID_ARGUMENT: axis has to be between [0, 2)",
                ),
                (
                    "UniqueV2",
                    "",
                    "float[2,2] 1 2 1 2; int32[2] 0 1",
                    "INVALID_ARGUMENT: axis does not support input tensors larger than 1 elements",
                ),
                (
                    "UniqueV2",
                    "",
                    "float[2,2] 1 2 1 2; int32[] 0",
                    "INVALID_ARGUMENT: axis expects a 1D vector.",
                ),
            ],
        );
    }
}
