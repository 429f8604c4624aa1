//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Element, Error, PartialShape, Result, Tensor};

use crate::ragged::to_tensor;

/// Rows of numbers, each from a start by equal steps up to a limit.
///
/// Scalars stand for all rows. As in TensorFlow a step is added to the number before it, so that floats collect the
/// error of each addition.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RaggedRange>
pub const OP: Op = Op {
    name: "RaggedRange",
    inputs: &["starts: T", "limits: T", "deltas: T"],
    outputs: &["rt_nested_splits: Tsplits", "rt_dense_values: T"],
    attrs: &["T: {bfloat16, float, double, int32, int64} = DT_INT32", "Tsplits: {int32, int64} = DT_INT64"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 i32 i64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let shapes = [0, 1, 2].map(|i| ctx.input(i));
    let splits = if shapes.iter().all(|shape| shape.rank() == Some(0)) {
        Some(2)
    } else {
        shapes.iter().filter(|shape| shape.rank() == Some(1)).find_map(|shape| shape.dim(0)).map(|n| n + 1)
    };
    Ok(vec![PartialShape::new([splits]), PartialShape::of_rank(1)])
}

/// Numbers that make ranges.
trait Number: Element + PartialOrd {
    /// The number of steps of size `delta`, which is not zero, from `start` to before `limit`; `None` for more than an
    /// `i64` holds. Only called when the steps lead to the limit.
    fn steps(start: Self, limit: Self, delta: Self) -> Option<i64>;
    fn plus(self, delta: Self) -> Self;
}

macro_rules! integers {
    ($($type:ident)*) => {
        $(impl Number for $type {
            fn steps(start: $type, limit: $type, delta: $type) -> Option<i64> {
                let steps = u64::from(limit.abs_diff(start)).div_ceil(u64::from(delta.unsigned_abs()));
                i64::try_from(steps).ok()
            }
            fn plus(self, delta: $type) -> $type { self.wrapping_add(delta) }
        })*
    };
}

macro_rules! floats {
    ($($type:ident)*) => {
        $(impl Number for $type {
            fn steps(start: $type, limit: $type, delta: $type) -> Option<i64> {
                let steps = ((limit - start) / delta).abs().ceil();
                (steps < i64::MAX as $type).then_some(steps as i64)
            }
            fn plus(self, delta: $type) -> $type { self + delta }
        })*
    };
}

integers!(i32 i64);
floats!(f32 f64);

fn build<T: Number>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("Tsplits")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let rows = rows([ctx.input(0), ctx.input(1), ctx.input(2)])?;
        let [starts, limits, deltas] = [0, 1, 2].map(|i| ctx.input(i));
        let (starts, limits, deltas) =
            (starts.as_slice::<T>()?, limits.as_slice::<T>()?, deltas.as_slice::<T>()?);
        let splits = splits(rows, [starts, limits, deltas], dtype)?;
        let mut values = ctx.allocate(T::DTYPE, [*splits.last().unwrap_or(&0) as usize])?;
        let mut rest = values.as_mut_slice::<T>()?;
        for (row, bounds) in splits.windows(2).enumerate() {
            let (places, after) = rest.split_at_mut((bounds[1] - bounds[0]) as usize);
            let (mut value, delta) = (at(starts, row), at(deltas, row));
            for place in places {
                *place = value;
                value = value.plus(delta);
            }
            rest = after;
        }
        ctx.set(0, to_tensor(&splits, dtype)?);
        ctx.set(1, values);
        Ok(())
    }))
}

/// A row's value; a single one stands for all rows.
fn at<T: Copy>(values: &[T], row: usize) -> T {
    if values.len() == 1 { values[0] } else { values[row] }
}

fn rows(inputs: [&Tensor; 3]) -> Result<usize> {
    for (name, input) in ["starts", "limits", "deltas"].iter().zip(inputs) {
        if input.rank() > 1 {
            return Err(Error::invalid_argument(format!("{name} must be a scalar or vector")));
        }
    }
    let mut sizes = inputs.iter().filter(|input| input.rank() == 1).map(|input| input.elements());
    let rows = sizes.next().unwrap_or(1);
    if sizes.any(|size| size != rows) {
        return Err(Error::invalid_argument("starts, limits, and deltas must have the same shape"));
    }
    Ok(rows)
}

fn splits<T: Number>(rows: usize, [starts, limits, deltas]: [&[T]; 3], dtype: DType) -> Result<Vec<i64>> {
    let most = if dtype == DType::Int32 { i64::from(i32::MAX) } else { i64::MAX };
    let mut splits = Vec::with_capacity(rows + 1);
    let mut total = 0_i64;
    splits.push(0);
    for row in 0..rows {
        let (start, limit, delta) = (at(starts, row), at(limits, row), at(deltas, row));
        let zero = T::default();
        if delta == zero {
            return Err(Error::invalid_argument("Requires delta != 0"));
        }
        let steps = match delta > zero && limit < start || delta < zero && limit > start {
            true => Some(0),
            false => T::steps(start, limit, delta).filter(|&steps| steps <= most),
        };
        let steps = steps.ok_or_else(|| {
            Error::invalid_argument(format!("Requires ((limit - start) / delta) <= {most}"))
        })?;
        total = total.checked_add(steps).filter(|&total| total <= most).ok_or_else(|| {
            Error::invalid_argument(
                "The total range size overflowed. Consider using int64 instead of int32 for row_splits_dtype.",
            )
        })?;
        splits.push(total);
    }
    Ok(splits)
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "RaggedRange";
        let most = "INVALID_ARGUMENT: Requires ((limit - start) / delta) <= ";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "Tsplits=int64",
                    "int32[3] 0 5 2; int32[3] 3 5 8; int32[3] 1 1 3",
                    "int64[4] 0 3 3 5; int32[5] 0 1 2 2 5",
                ),
                (
                    op,
                    "Tsplits=int32",
                    "float[] 0; float[2] -3 1; float[] -1.5",
                    "int32[3] 0 2 2; float[2] 0 -1.5",
                ),
                (op, "", "int64[] 10; int64[] 0; int64[] -3", "int64[2] 0 4; int64[4] 10 7 4 1"),
                (
                    op,
                    "",
                    "int64[] 5; int64[] -9223372036854775808; int64[] -9223372036854775808",
                    "int64[2] 0 2; int64[2] 5 -9223372036854775803",
                ),
                (op, "", "double[] 0; double[] 3; double[] inf", "int64[2] 0 0; double[0]"),
                (op, "", "int32[0]; int32[] 1; int32[] 1", "int64[1] 0; int32[0]"),
                (op, "", "int32[] 0; int32[] 5; int32[] 0", "INVALID_ARGUMENT: Requires delta != 0"),
                (op, "", "float[] 0; float[] nan; float[] 1", most),
                (op, "", "int64[] -9223372036854775808; int64[] 9223372036854775807; int64[] 1", most),
                (op, "Tsplits=int32", "float[] 0; float[] 1e10; float[] 1", most),
                (
                    op,
                    "",
                    "int64[] 0; int64[3] 4611686018427387904 4611686018427387904 4611686018427387904; int64[] 1",
                    "INVALID_ARGUMENT: The total range size overflowed",
                ),
                (op, "", "int64[] 0; int64[] 9223372036854775807; int64[] 1", "RESOURCE_EXHAUSTED: OOM"),
                (
                    op,
                    "",
                    "int32[2] 0 1; int32[1] 5; int32[] 1",
                    "INVALID_ARGUMENT: starts, limits, and deltas must have the same shape",
                ),
                (
                    op,
                    "",
                    "int32[1,1] 0; int32[1] 5; int32[] 1",
                    "INVALID_ARGUMENT: starts must be a scalar or vector",
                ),
            ],
        );
    }
}
