//! `StatelessRandomGetKeyCounter`, `StatelessRandomGetAlg` and `StatelessRandomGetKeyCounterAlg`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{PartialShape, Result, Tensor};

use crate::arguments::{PHILOX, seeded};

/// What stateless operators of the second version take: a key and a counter scrambled from a seed, and an algorithm.
///
/// The algorithm is always Philox, the only one that TensorFlow has on a CPU.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StatelessRandomGetKeyCounter>
pub const OPS: &[Op] = &[
    Op {
        name: "StatelessRandomGetKeyCounter",
        inputs: &["seed: Tseed"],
        outputs: &["key: uint64", "counter: uint64"],
        attrs: &["Tseed: {int32, int64} = DT_INT64"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::one(build),
    },
    Op {
        name: "StatelessRandomGetKeyCounterAlg",
        inputs: &["seed: Tseed"],
        outputs: &["key: uint64", "counter: uint64", "alg: int32"],
        attrs: &["Tseed: {int32, int64} = DT_INT64"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::one(build),
    },
    Op {
        name: "StatelessRandomGetAlg",
        inputs: &[],
        outputs: &["alg: int32"],
        attrs: &[],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::one(build_algorithm),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let all = [PartialShape::from([1]), PartialShape::from([2]), PartialShape::of_rank(0)];
    Ok(all.into_iter().take(ctx.outputs).collect())
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let stream = seeded(ctx.input(0))?;
        let counter = stream.counter();
        ctx.set(0, Tensor::from_vec([1], vec![stream.key()])?);
        ctx.set(1, Tensor::from_vec([2], vec![counter as u64, (counter >> 64) as u64])?);
        if ctx.output_len() > 2 {
            ctx.set(2, Tensor::scalar(PHILOX as i32));
        }
        Ok(())
    }))
}

fn build_algorithm(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        ctx.set(0, Tensor::scalar(PHILOX as i32));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "StatelessRandomGetKeyCounter";
        check_rows(
            OPS,
            &[
                (op, "", "int32[2] -1 5", "uint64[1] 14871329193082503880; uint64[2] 0 13010662996493797292"),
                (
                    "StatelessRandomGetKeyCounterAlg",
                    "",
                    "int64[2] -1 5",
                    "uint64[1] 14871329193082503880; uint64[2] 0 13010662996493797292; int32[] 1",
                ),
                ("StatelessRandomGetAlg", "", "", "int32[] 1"),
                (op, "", "int32[3] 1 2 3", "INVALID_ARGUMENT: seed must have shape [2], not [3]"),
            ],
        );
    }
}
