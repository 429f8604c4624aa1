//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, bf16, f16};

use crate::rank::{Places, Ranked};

/// The element that would stand at place `n` of each row if the rows of the last dimension were sorted.
///
/// With `reverse` they would be sorted in descending order. NaN comes last in both.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/NthElement>
pub const OP: Op = Op {
    name: "NthElement",
    inputs: &["input: T", "n: int32"],
    outputs: &["values: T"],
    attrs: &[
        "reverse: bool = false",
        "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    Ok(vec![match input.dims() {
        Some([outer @ .., _]) => PartialShape::new(outer.iter().copied()),
        Some([]) => return Err(scalar_input()),
        None => PartialShape::unknown(),
    }])
}

fn scalar_input() -> Error {
    Error::invalid_argument("Input must be at least rank 1 but is rank 0")
}

fn build<T: Ranked>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let reverse: bool = node.attr("reverse")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let n = place(ctx.input(1))?;
        let Some((&columns, outer)) = input.shape().dims().split_last() else { return Err(scalar_input()) };
        if n >= columns {
            return Err(Error::invalid_argument(format!("Input must have last dimension > n = {n}")));
        }
        let mut values = ctx.allocate(T::DTYPE, outer)?;
        let input = input.as_slice::<T>()?;
        let grain = (par::grain(8.0) / columns).max(1);
        par::for_chunks_mut(values.as_mut_slice::<T>()?, grain, |start, values| {
            for (i, value) in (start..).zip(values) {
                let row = &input[i * columns..(i + 1) * columns];
                *value = row[Places::of(row, reverse).nth(n)];
            }
        });
        ctx.set(0, values);
        Ok(())
    }))
}

fn place(n: &Tensor) -> Result<usize> {
    if n.rank() != 0 {
        return Err(Error::invalid_argument(format!("N must be scalar but has rank {}", n.rank())));
    }
    let n = n.to_scalar::<i32>()?;
    usize::try_from(n).map_err(|_| Error::invalid_argument(format!("n must be non-negative but is {n}")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("NthElement", "", "float[2,3] 3 1 2 6 4 5; int32[] 1", "float[2] 2 5"),
                ("NthElement", "reverse=true", "int8[4] 3 -1 7 7; int32[] 1", "int8[] 7"),
                ("NthElement", "", "float[4] NaN 1 3 2; int32[] 1", "float[] 2"),
                ("NthElement", "", "half[1,1] 5; int32[] 0", "half[1] 5"),
                ("NthElement", "", "uint64[0,3]; int32[] 2", "uint64[0]"),
                (
                    "NthElement",
                    "",
                    "float[2] 1 2; int32[] 2",
                    "INVALID_ARGUMENT: Input must have last dimension > n = 2",
                ),
                (
                    "NthElement",
                    "",
                    "float[2] 1 2; int32[] -1",
                    "INVALID_ARGUMENT: n must be non-negative but is -1",
                ),
                (
                    "NthElement",
                    "",
                    "float[2] 1 2; int32[1] 1",
                    "INVALID_ARGUMENT: N must be scalar but has rank 1",
                ),
                (
                    "NthElement",
                    "",
                    "float[] 1; int32[] 0",
                    "INVALID_ARGUMENT: Input must be at least rank 1 but is rank 0",
                ),
            ],
        );
    }
}
