//! See [`OP`].

use num_traits::{AsPrimitive, Float};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{DType, Element, Result, bf16, f16};

/// The non-increasing sequence nearest to each row, and which of its runs of equal values each element lies in.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/IsotonicRegression>
pub const OP: Op = Op {
    name: "IsotonicRegression",
    inputs: &["input: T"],
    outputs: &["output: output_dtype", "segments: int32"],
    attrs: &[
        "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}",
        "output_dtype: {half, bfloat16, float, double} = DT_FLOAT",
    ],
    effect: Effect::Pure,
    shape: |ctx| Ok(vec![ctx.input(0), ctx.input(0)]),
    kernels: Kernels::All(
        &[
            (
                "T",
                &[
                    DType::Float,
                    DType::Double,
                    DType::Int32,
                    DType::Int16,
                    DType::Int8,
                    DType::Int64,
                    DType::Bfloat16,
                    DType::Half,
                ],
            ),
            ("output_dtype", &[DType::Half, DType::Bfloat16, DType::Float, DType::Double]),
        ],
        build,
    ),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(match (node.attr("T")?, node.attr("output_dtype")?) {
        (DType::Float, DType::Float) => kernel::<f32, f32>(),
        (DType::Double, DType::Double) => kernel::<f64, f64>(),
        (DType::Int8, DType::Float) => kernel::<i8, f32>(),
        (DType::Int16, DType::Float) => kernel::<i16, f32>(),
        (DType::Int32, DType::Double) => kernel::<i32, f64>(),
        (DType::Int64, DType::Double) => kernel::<i64, f64>(),
        (DType::Half, DType::Half) => kernel::<f16, f16>(),
        (DType::Bfloat16, DType::Bfloat16) => kernel::<bf16, bf16>(),
        _ => return Err(node.no_kernel("output_dtype")),
    })
}

/// A run of equal values.
struct Run<T> {
    sum: T,
    mean: T,
    start: usize,
    end: usize,
}

fn kernel<T: Element + AsPrimitive<U>, U: Element + Float>() -> Box<dyn Kernel> {
    Box::new(|ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let mut output = ctx.allocate(U::DTYPE, input.shape())?;
        let mut segments = ctx.allocate(DType::Int32, input.shape())?;
        let length = input.shape().last().copied().unwrap_or(1).max(1);
        let rows = input.as_slice::<T>()?.chunks_exact(length);
        let outputs = output.as_mut_slice::<U>()?.chunks_exact_mut(length);
        let mut runs = Vec::new();
        for ((row, output), segments) in
            rows.zip(outputs).zip(segments.as_mut_slice::<i32>()?.chunks_exact_mut(length))
        {
            find(row, &mut runs);
            for (segment, run) in (0..).zip(&runs) {
                output[run.start..run.end].fill(run.mean);
                segments[run.start..run.end].fill(segment);
            }
        }
        ctx.set(0, output);
        ctx.set(1, segments);
        Ok(())
    })
}

/// The runs of a row: each element is one, until those whose means rise are merged.
fn find<T: Copy + AsPrimitive<U>, U: Float + 'static>(row: &[T], runs: &mut Vec<Run<U>>) {
    runs.clear();
    for (i, value) in row.iter().enumerate() {
        let value = value.as_();
        let mut run = Run { sum: value, mean: value, start: i, end: i + 1 };
        while let Some(last) = runs.pop_if(|last| run.mean > last.mean) {
            let sum = last.sum + run.sum;
            let count = U::from(run.end - last.start).unwrap_or_else(U::infinity);
            run = Run { sum, mean: sum / count, start: last.start, end: run.end };
        }
        runs.push(run);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "IsotonicRegression";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "",
                    "float[2,6] 5 3 1 2 2 4 1 2 3 3 7 1",
                    "float[2,6] 5 3 2.25 2.25 2.25 2.25 3.2 3.2 3.2 3.2 3.2 1; \
                     int32[2,6] 0 1 2 2 2 2 0 0 0 0 0 1",
                ),
                (
                    op,
                    "output_dtype=double",
                    "int32[1,2,2] 1 2 2 1",
                    "double[1,2,2] 1.5 1.5 2 1; int32[1,2,2] 0 0 0 1",
                ),
                (
                    op,
                    "",
                    "float[5] 3 NaN 2 5 4",
                    "float[5] 3 NaN 3.6666667 3.6666667 3.6666667; int32[5] 0 1 2 2 2",
                ),
                (op, "", "float[] 5", "float[] 5; int32[] 0"),
                (op, "", "int8[2] 2 2", "float[2] 2 2; int32[2] 0 1"),
                (op, "", "int16[2,0]", "float[2,0]; int32[2,0]"),
                (op, "output_dtype=half", "half[2] 1 2", "half[2] 1.5 1.5; int32[2] 0 0"),
                (
                    op,
                    "",
                    "int32[1] 1",
                    "INVALID_ARGUMENT: operator IsotonicRegression has no kernel for attr output_dtype",
                ),
                (
                    op,
                    "",
                    "uint8[1] 1",
                    "INVALID_ARGUMENT: operator IsotonicRegression has no kernel for attr T = uint8",
                ),
            ],
        );
    }
}
