//! Binary search in sorted rows.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Element, Error, PartialShape, Result, Tensor, bf16, f16};

use crate::index;

const fn bound(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["sorted_inputs: T", "values: T"],
        outputs: &["output: out_type"],
        attrs: &["T: type", "out_type: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
    }
}

/// For each value, the first place in its row of sorted inputs that it is not greater than (`LowerBound`) or less
/// than (`UpperBound`).
///
/// The search is the textbook one, so that rows that are not sorted, or hold NaN, get TensorFlow's answers too.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/LowerBound>.
pub const OPS: &[Op] = &[bound("LowerBound"), bound("UpperBound")];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![ctx.input(1)])
}

fn build<T: Element + PartialOrd>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("out_type")?;
    let goes_on: fn(T, T) -> bool = match node.op() {
        "LowerBound" => |item, value| item < value,
        _ => |item, value| {
            // Not "item <= value": NaN goes on.
            let less = value < item;
            !less
        },
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let places = search(ctx.input(0), ctx.input(1), goes_on)?;
        let output = index::tensor(dtype, ctx.input(1).shape(), &places)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn search<T: Element>(sorted: &Tensor, values: &Tensor, goes_on: fn(T, T) -> bool) -> Result<Vec<i64>> {
    let (&[rows, len], &[value_rows, count]) = (sorted.shape().dims(), values.shape().dims()) else {
        let (rank, name) = match sorted.rank() {
            2 => (values.rank(), "values"),
            rank => (rank, "sorted_inputs"),
        };
        return Err(Error::invalid_argument(format!(
            "Shape must be rank 2 but is rank {rank} for `{name}` argument"
        )));
    };
    if rows != value_rows {
        return Err(Error::invalid_argument("Leading dim_size of both tensors must match."));
    }
    let (sorted, values) = (sorted.as_slice::<T>()?, values.as_slice::<T>()?);
    let mut places = vec![0; values.len()];
    let ns = 5.0 * f64::from(usize::BITS - len.leading_zeros() + 1);
    par::for_chunks_mut(&mut places, par::grain(ns), |offset, chunk| {
        for (i, place) in chunk.iter_mut().enumerate() {
            let at = offset + i;
            let row = &sorted[at / count * len..][..len];
            *place = first_stop(row, |item| goes_on(item, values[at])) as i64;
        }
    });
    Ok(places)
}

fn first_stop<T: Copy>(row: &[T], goes_on: impl Fn(T) -> bool) -> usize {
    let (mut first, mut len) = (0, row.len());
    while len > 0 {
        let half = len / 2;
        if goes_on(row[first + half]) {
            first += half + 1;
            len -= half + 1;
        } else {
            len = half;
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("LowerBound", "", "float[2,3] 1 2 3 4 5 6; float[2,2] 2 9 4 5.5", "int32[2,2] 1 3 0 2"),
                (
                    "UpperBound",
                    "out_type=int64",
                    "float[2,3] 1 2 3 4 5 6; float[2,2] 2 9 4 5",
                    "int64[2,2] 2 3 1 2",
                ),
                ("UpperBound", "", "uint8[1,5] 1 2 2 2 200; uint8[1,3] 2 0 255", "int32[1,3] 4 0 5"),
                ("LowerBound", "", "half[1,5] 1 2 2 2 200; half[1,3] 2 0 255", "int32[1,3] 1 0 5"),
                ("UpperBound", "", "float[1,3] 1 NaN 3; float[1,2] NaN 9", "int32[1,2] 3 3"),
                ("LowerBound", "", "float[1,3] 1 NaN 3; float[1,2] NaN 9", "int32[1,2] 0 1"),
                ("LowerBound", "", "float[1,0]; float[1,2] 1 9", "int32[1,2] 0 0"),
                ("LowerBound", "", "float[0,2]; float[0,3]", "int32[0,3]"),
                (
                    "UpperBound",
                    "",
                    "float[3] 1 2 3; float[2] 2 9",
                    "INVALID_ARGUMENT: Shape must be rank 2 but is rank 1 for `sorted_inputs` argument",
                ),
                (
                    "UpperBound",
                    "",
                    "float[2,3] 1 2 3 4 5 6; float[1,2] 2 9",
                    "INVALID_ARGUMENT: Leading dim_size of both tensors must match.",
                ),
            ],
        );
    }
}
