//! See [`OPS`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

/// Whether the target of each row is among the `k` largest predictions; ties with the last count as in.
///
/// False for a target outside of the row and for a row that is not finite throughout.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/InTopKV2>
pub const OPS: &[Op] = &[
    Op {
        name: "InTopK",
        inputs: &["predictions: float", "targets: T"],
        outputs: &["precision: bool"],
        attrs: &["k: int", "T: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", INDICES)], build),
    },
    Op {
        name: "InTopKV2",
        inputs: &["predictions: float", "targets: T", "k: T"],
        outputs: &["precision: bool"],
        attrs: &["T: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", INDICES)], build),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rows = ctx.input(0).dim(0).or_else(|| ctx.input(1).dim(0));
    Ok(vec![PartialShape::new([rows])])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let fixed: Option<i64> = if node.op() == "InTopK" { Some(node.int32("k")?) } else { None };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (predictions, targets) = (ctx.input(0), ctx.input(1));
        if predictions.rank() != 2 {
            return Err(Error::invalid_argument("predictions must be 2-dimensional"));
        }
        if targets.rank() != 1 {
            return Err(Error::invalid_argument("targets must be 1-dimensional"));
        }
        let [rows, columns] = [predictions.shape()[0], predictions.shape()[1]];
        if rows != targets.elements() {
            return Err(Error::invalid_argument(format!(
                "First dimension of predictions {rows} must match length of targets {}",
                targets.elements()
            )));
        }
        let k = match fixed {
            Some(k) => k,
            None if ctx.input(2).rank() == 0 => ctx.input(2).to_i64s()?[0],
            None => {
                let shape = ctx.input(2).shape();
                return Err(Error::invalid_argument(format!("k must be 0-D, got shape {shape}")));
            }
        };
        let mut out = ctx.allocate(DType::Bool, [rows])?;
        let data = predictions.as_slice::<f32>()?;
        for (row, (out, target)) in out.as_mut_slice()?.iter_mut().zip(targets.to_i64s()?).enumerate() {
            *out = is_in(&data[row * columns..(row + 1) * columns], target, k);
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn is_in(row: &[f32], target: i64, k: i64) -> bool {
    let Some(&value) = usize::try_from(target).ok().and_then(|target| row.get(target)) else { return false };
    let above = row.iter().filter(|&&x| x > value).count();
    row.iter().all(|x| x.is_finite()) && (above as i64) < k
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "InTopK",
                    "k=0",
                    "float[5,3] 1 2 3 3 3 1 NaN 1 2 1 2 inf -inf 0 1; int32[5] 2 0 2 1 0",
                    "bool[5] false false false false false",
                ),
                (
                    "InTopKV2",
                    "",
                    "float[5,3] 1 2 3 3 3 1 NaN 1 2 1 2 inf -inf 0 1; int64[5] 1 1 1 2 5; int64[] 0",
                    "bool[5] false false false false false",
                ),
                (
                    "InTopK",
                    "k=1",
                    "float[5,3] 1 2 3 3 3 1 NaN 1 2 1 2 inf -inf 0 1; int32[5] 2 0 2 1 0",
                    "bool[5] true true false false false",
                ),
                (
                    "InTopKV2",
                    "",
                    "float[5,3] 1 2 3 3 3 1 NaN 1 2 1 2 inf -inf 0 1; int64[5] 1 1 1 2 5; int64[] 1",
                    "bool[5] false true false false false",
                ),
                (
                    "InTopK",
                    "k=2",
                    "float[5,3] 1 2 3 3 3 1 NaN 1 2 1 2 inf -inf 0 1; int32[5] 2 0 2 1 0",
                    "bool[5] true true false false false",
                ),
                (
                    "InTopKV2",
                    "",
                    "float[5,3] 1 2 3 3 3 1 NaN 1 2 1 2 inf -inf 0 1; int64[5] 1 1 1 2 5; int64[] 2",
                    "bool[5] true true false false false",
                ),
                (
                    "InTopK",
                    "k=3",
                    "float[5,3] 1 2 3 3 3 1 NaN 1 2 1 2 inf -inf 0 1; int32[5] 2 0 2 1 0",
                    "bool[5] true true false false false",
                ),
                (
                    "InTopKV2",
                    "",
                    "float[5,3] 1 2 3 3 3 1 NaN 1 2 1 2 inf -inf 0 1; int64[5] 1 1 1 2 5; int64[] 3",
                    "bool[5] true true false false false",
                ),
                (
                    "InTopK",
                    "k=-1",
                    "float[5,3] 1 2 3 3 3 1 NaN 1 2 1 2 inf -inf 0 1; int32[5] -1 0 2 1 2",
                    "bool[5] false false false false false",
                ),
                (
                    "InTopK",
                    "k=1",
                    "float[5,3] 1 2 3 3 3 1 NaN 1 2 1 2 inf -inf 0 1; int32[4] 2 0 2 1",
                    "INVALID_ARGUMENT: First dimension of predictions 5 must match length of targets 4",
                ),
                (
                    "InTopK",
                    "k=1",
                    "float[3] 1 2 3; int32[1] 1",
                    "INVALID_ARGUMENT: predictions must be 2-dimensional",
                ),
                (
                    "InTopK",
                    "k=1",
                    "float[1,3] 1 2 3; int32[1,1] 1",
                    "INVALID_ARGUMENT: targets must be 1-dimensional",
                ),
                (
                    "InTopKV2",
                    "",
                    "float[1,3] 1 2 3; int32[1] 1; int32[1] 1",
                    "INVALID_ARGUMENT: k must be 0-D, got shape [1]",
                ),
                ("InTopK", "k=2", "float[0,3]; int32[0]", "bool[0]"),
                ("InTopK", "k=2", "float[2,0]; int32[2] 0 0", "bool[2] false false"),
                ("InTopK", "k=2", "float[2,4] 1 2 2 2 5 4 4 3; int32[2] 3 1", "bool[2] true true"),
            ],
        );
    }
}
