//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::Result;

use crate::ctc::{Beams, Inputs, Real, give, shapes};

/// The most probable label sequences that a beam search finds; the last class is the blank.
///
/// Logits are normalised first. With `merge_repeated`, equal neighbours in a sequence are given as one, even where a
/// blank was between. Equally probable sequences come as they lie in TensorFlow's heap.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CTCBeamSearchDecoder>
pub const OP: Op = Op {
    name: "CTCBeamSearchDecoder",
    inputs: &["inputs: T", "sequence_length: int32"],
    outputs: &[
        "decoded_indices: top_paths * int64",
        "decoded_values: top_paths * int64",
        "decoded_shape: top_paths * int64",
        "log_probability: T",
    ],
    attrs: &[
        "beam_width: int >= 1",
        "top_paths: int >= 1",
        "merge_repeated: bool = true",
        "T: {float, double} = DT_FLOAT",
    ],
    effect: Effect::Pure,
    shape: |ctx| shapes(ctx, ctx.attr("top_paths").unwrap_or(1)),
    kernels: by_dtype!("T"; build: f32 f64),
};

fn build<T: Real>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let width = node.int32("beam_width")?.max(0) as usize;
    let count: usize = node.attr("top_paths")?;
    let merge_repeated: bool = node.attr("merge_repeated")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let inputs = Inputs::of(ctx)?;
        let logits = ctx.input(0).as_slice::<T>()?;
        let found = par::map_chunks(inputs.batch, 1, |sequences| {
            let mut beams = Beams::new(width);
            for sequence in sequences {
                for step in 0..inputs.lengths[sequence] {
                    beams.step(&logits[inputs.at(step, sequence)]);
                }
            }
            beams.best(count, merge_repeated)
        });
        let mut logs = ctx.allocate(T::DTYPE, [inputs.batch, count])?;
        let mut paths = Vec::with_capacity(inputs.batch);
        for (found, logs) in found.into_iter().zip(logs.as_mut_slice::<T>()?.chunks_exact_mut(count)) {
            let (labels, found): (Vec<Vec<i64>>, Vec<T>) = found?.into_iter().unzip();
            logs.copy_from_slice(&found);
            paths.push(labels);
        }
        give(ctx, &paths, count, logs)
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "CTCBeamSearchDecoder";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "beam_width=3 top_paths=3 merge_repeated=false",
                    "float[3,1,4] 0 0 0 0 0 0 0 0 0 0 0 0; int32[1] 3",
                    "int64[1,2] 0 0; int64[1,2] 0 0; int64[2,2] 0 0 0 1; int64[1] 1; int64[1] 0; int64[2] 0 1; \
                     int64[2] 1 1; int64[2] 1 1; int64[2] 1 2; float[1,3] -2.3671236 -2.3671236 -3.0602708",
                ),
                (
                    op,
                    "beam_width=4 top_paths=2 merge_repeated=false",
                    "float[5,1,3] 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0; int32[1] 5",
                    "int64[2,2] 0 0 0 1; int64[2,2] 0 0 0 1; int64[2] 0 1; int64[2] 1 0; int64[2] 1 2; int64[2] 1 2; \
                     float[1,2] -1.966701 -2.0918641",
                ),
                (
                    op,
                    "beam_width=2 top_paths=1",
                    "double[1,2,3] -inf -inf 0 5 0 0; int32[2] 1 -1",
                    "int64[0,2]; int64[0]; int64[2] 2 0; double[2,1] 0 0",
                ),
                (
                    op,
                    "beam_width=1 top_paths=2",
                    "float[1,1,2] 0 0; int32[1] 1",
                    "INVALID_ARGUMENT: requested more paths than the beam width.",
                ),
                (
                    op,
                    "beam_width=5 top_paths=5",
                    "float[1,1,2] 0 0; int32[1] 1",
                    "INVALID_ARGUMENT: Less leaves in the beam search than requested.",
                ),
                (
                    op,
                    "beam_width=5 top_paths=1",
                    "float[0,1,2]; int32[1] 1",
                    "INVALID_ARGUMENT: inputs must not be empty",
                ),
            ],
        );
    }

    #[test]
    fn ties() {
        let inputs = [
            savedmodel_op::testing::parse_tensor(&format!("float[4,1,5] {}", "0 ".repeat(20))),
            savedmodel_op::testing::parse_tensor("int32[1] 4"),
        ];
        let attrs = "beam_width=20 top_paths=10 merge_repeated=false";
        let results =
            savedmodel_op::testing::run_row(crate::OPS, "CTCBeamSearchDecoder", attrs, &inputs).unwrap();
        let outputs = results[0].as_ref().unwrap();
        let paths: Vec<&[i64]> = outputs[10..20].iter().map(|t| t.as_slice().unwrap()).collect();
        let want = [[1, 3], [2, 1], [3, 2], [3, 0], [2, 3], [0, 2], [1, 2], [0, 3], [0, 1], [3, 1]];
        assert_eq!(paths, want);
    }
}
