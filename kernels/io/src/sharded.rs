//! `ShardedFilename` and `ShardedFilespec`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Error, Result, Shape, Tensor};

use crate::file;

/// Name one file, or all files, of a sharded set: `name-00003-of-00012`, `name-?????-of-00012`.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ShardedFilename> and
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ShardedFilespec>.
pub const OPS: &[Op] = &[
    Op {
        name: "ShardedFilename",
        inputs: &["basename: string", "shard: int32", "num_shards: int32"],
        outputs: &["filename: string"],
        attrs: &[],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::one(build_name),
    },
    Op {
        name: "ShardedFilespec",
        inputs: &["basename: string", "num_shards: int32"],
        outputs: &["filename: string"],
        attrs: &[],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::one(build_pattern),
    },
];

fn build_name(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let base = base(ctx)?;
        let (shard, count) = (number(ctx, 1, "shard")?, number(ctx, 2, "num_shards")?);
        give(ctx, &base, &format!("-{shard:05}-of-{count:05}"))
    }))
}

fn build_pattern(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (base, count) = (base(ctx)?, number(ctx, 1, "num_shards")?);
        give(ctx, &base, &format!("-?????-of-{count:05}"))
    }))
}

fn base(ctx: &Context<'_>) -> Result<Bytes> {
    file::scalar(ctx.input(0), "basename must be a scalar, got shape").cloned()
}

fn number(ctx: &Context<'_>, input: usize, what: &str) -> Result<i32> {
    let tensor = ctx.input(input);
    match (tensor.rank(), tensor.as_slice::<i32>()?) {
        (0, [number]) => Ok(*number),
        _ => Err(Error::invalid_argument(format!("{what} must be a scalar, got shape {}", tensor.shape()))),
    }
}

fn give(ctx: &mut Context<'_>, base: &[u8], suffix: &str) -> Result<()> {
    ctx.set(0, Tensor::from_strings(Shape::scalar(), [[base, suffix.as_bytes()].concat()])?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;

    #[test]
    fn names() {
        let check = |op: &'static Op, numbers: &[i32], want: &str| {
            let base = Tensor::from_strings(Shape::scalar(), ["a/b"]).unwrap();
            let test =
                numbers.iter().fold(OpTest::new(op).input(base), |test, &n| test.input(Tensor::scalar(n)));
            let out = test.run().unwrap();
            assert_eq!(out[0].strings().unwrap()[0], want.as_bytes());
        };
        check(&OPS[0], &[3, 12], "a/b-00003-of-00012");
        check(&OPS[0], &[-3, 123_456], "a/b--0003-of-123456");
        check(&OPS[1], &[12], "a/b-?????-of-00012");
        let base = Tensor::from_strings([1], ["a"]).unwrap();
        let error = OpTest::new(&OPS[1]).input(base).input(Tensor::scalar(1)).run().unwrap_err();
        assert_eq!(error.message(), "basename must be a scalar, got shape [1]");
    }
}
