//! `StringToHashBucket` and its kin.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, DType, Error, Result, Tensor};
use savedmodel_text::hash::{fingerprint64, hash64, keyed64};

use crate::each;

/// Numbers strings by hash: the fast one is FarmHash's fingerprint, the strong one SipHash with a key, the first one
/// MurmurHash.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringToHashBucketFast>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringToHashBucketStrong> and
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringToHashBucket>.
pub const OPS: &[Op] = &[
    Op {
        name: "StringToHashBucketFast",
        inputs: &["input: string"],
        outputs: &["output: int64"],
        attrs: &["num_buckets: int >= 1"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(|node| build(node, fingerprint64)),
    },
    Op {
        name: "StringToHashBucketStrong",
        inputs: &["input: string"],
        outputs: &["output: int64"],
        attrs: &["num_buckets: int >= 1", "key: list(int)"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(build_strong),
    },
    Op {
        name: "StringToHashBucket",
        inputs: &["string_tensor: string"],
        outputs: &["output: int64"],
        attrs: &["num_buckets: int >= 1"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(|node| build(node, hash64)),
    },
    // What TensorFlow's rewrites make of `AsString` and the fast one.
    Op {
        name: "_TensorToHashBucketFast",
        inputs: &["input: T"],
        outputs: &["output: int64"],
        attrs: &["T: {int8, uint8, int16, uint16, int32, uint32, int64, uint64}", "num_buckets: int >= 1"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::All(
            &[("T", &[DType::Int8, DType::Int16, DType::Int32, DType::Int64])],
            build_of_numbers,
        ),
    },
];

fn build_of_numbers(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let buckets = node.attr::<i64>("num_buckets")?.max(1).cast_unsigned();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let bucket = |number: i64| (fingerprint64(number.to_string().as_bytes()) % buckets).cast_signed();
        let out = input.to_i64s()?.into_iter().map(bucket).collect();
        ctx.set(0, Tensor::from_vec(input.shape().clone(), out)?);
        Ok(())
    }))
}

fn build_strong(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let key: Vec<i64> = node.attr("key")?;
    let &[a, b] = &key[..] else {
        return Err(Error::invalid_argument("Key must have 2 elements"));
    };
    let key = [a.cast_unsigned(), b.cast_unsigned()];
    build(node, move |string| keyed64(key, string))
}

fn build(
    node: &Construction<'_>,
    hash: impl Fn(&[u8]) -> u64 + Send + Sync + 'static,
) -> Result<Box<dyn Kernel>> {
    let buckets = node.attr::<i64>("num_buckets")?.max(1).cast_unsigned();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let out = each::numbers(ctx, 0, |string: &Bytes| (hash(string) % buckets).cast_signed())?;
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, strings};

    #[test]
    fn buckets() {
        let input = || strings(&["a", ""]);
        let n = || ("num_buckets", 1_000_000_007.into());
        let key = |key: Vec<i64>| vec![n(), ("key", key.into())];
        assert_eq!(run(&OPS[0], vec![n()], &[input()]), "384735799 912170738");
        assert_eq!(run(&OPS[1], key(vec![1, 2]), &[input()]), "142192448 436933189");
        assert_eq!(run(&OPS[2], vec![n()], &[input()]), "395105680 727638525");
        assert_eq!(run(&OPS[0], vec![("num_buckets", 1.into())], &[input()]), "0 0");
        let wrong = run(&OPS[1], key(vec![1]), &[input()]);
        assert_eq!(wrong, "INVALID_ARGUMENT: Key must have 2 elements");
        let none = run(&OPS[0], vec![("num_buckets", 0.into())], &[input()]);
        assert!(none.starts_with("INVALID_ARGUMENT"), "{none}");
    }
}
