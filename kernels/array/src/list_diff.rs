//! See [`OP`].

use rustc_hash::FxHashSet;
use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::DType::{self, *};
use savedmodel_tensor::{Error, PartialShape, Result, by_unit};

use crate::gather::Picks;
use crate::index;
use crate::keys::keys;

/// Gives what stands in the first list and not in the second, with its places.
///
/// Duplicates stay; NaN equals nothing, so it stays too.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ListDiff>
pub const OP: Op = Op {
    name: "ListDiff",
    inputs: &["x: T", "y: T"],
    outputs: &["out: T", "idx: out_idx"],
    attrs: &["T: type", "out_idx: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", DTYPES), ("out_idx", INDICES)], build),
};

const DTYPES: &[DType] =
    &[Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, String];

fn shape(_: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::of_rank(1); 2])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let out_idx: DType = node.attr("out_idx")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (x, y) = (ctx.input(0), ctx.input(1));
        for (name, t) in [("x", x), ("y", y)] {
            if t.rank() != 1 {
                return Err(Error::invalid_argument(format!("{name} should be a 1D vector.")));
            }
        }
        let keys = keys(&[x, y])?;
        let drop: FxHashSet<u64> = keys[1].iter().copied().flatten().collect();
        let kept = keys[0].iter().enumerate().filter(|(_, key)| key.is_none_or(|key| !drop.contains(&key)));
        let places: Vec<usize> = kept.map(|(i, _)| i).collect();
        let mut out = ctx.allocate(x.dtype(), [places.len()])?;
        let picks = Picks { outer: 1, dim: x.elements(), count: places.len(), row: 1 };
        by_unit!(x.dtype(), U => picks.copy::<U>(out.units_mut()?, x.units()?, &places));
        let places: Vec<i64> = places.into_iter().map(|place| place as i64).collect();
        let idx = index::tensor(out_idx, [places.len()], &places)?;
        ctx.set(0, out);
        ctx.set(1, idx);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("ListDiff", "", "int32[5] 1 2 3 2 5; int32[2] 2 7", "int32[3] 1 3 5; int32[3] 0 2 4"),
                (
                    "ListDiff",
                    "out_idx=int64",
                    "string[3] 'a' 'b' 'a'; string[1] 'b'",
                    "string[2] 'a' 'a'; int64[2] 0 2",
                ),
                ("ListDiff", "", "float[3] NaN 1 NaN; float[1] NaN", "float[3] NaN 1 NaN; int32[3] 0 1 2"),
                ("ListDiff", "", "uint64[0]; uint64[1] 2", "uint64[0]; int32[0]"),
                ("ListDiff", "", "half[2] 0 1; half[1] -0", "half[2] 0 1; int32[2] 0 1"),
                ("ListDiff", "", "float[1,1] 1; float[1] 1", "INVALID_ARGUMENT: x should be a 1D vector."),
                ("ListDiff", "", "float[1] 1; float[] 1", "INVALID_ARGUMENT: y should be a 1D vector."),
            ],
        );
    }
}
