//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

/// Gives the place of an index in a random permutation of the numbers from 0 to `max_index`.
///
/// The permutation is a small block cipher (Simon) that is applied until the result is in range; nothing is stored.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RandomIndexShuffle>
pub const OP: Op = Op {
    name: "RandomIndexShuffle",
    inputs: &["index: dtype", "seed: Tseed", "max_index: dtype"],
    outputs: &["output: dtype"],
    attrs: &[
        "rounds: int = 4",
        "dtype: {int32, uint32, int64, uint64}",
        "Tseed: {int32, uint32, int64, uint64}",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("dtype", INTEGERS), ("Tseed", INTEGERS)], build),
};

const INTEGERS: &[DType] = &[DType::Int32, DType::Int64, DType::Uint32, DType::Uint64];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let [index, seed, max] = [0, 1, 2].map(|i| ctx.input(i));
    let any =
        [(&index, 1), (&seed, 2), (&max, 1)].into_iter().find(|(shape, rank)| shape.rank() == Some(*rank));
    Ok(vec![match any {
        Some((shape, _)) => PartialShape::new([shape.dim(0)]),
        None if [&index, &seed, &max].iter().all(|shape| shape.rank().is_some()) => PartialShape::of_rank(0),
        None => PartialShape::unknown(),
    }])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let rounds = node.int32("rounds")?;
    let dtype: DType = node.attr("dtype")?;
    let rounds = match rounds {
        4.. if rounds % 2 == 0 && rounds <= 1 << 16 => rounds as usize,
        4.. if rounds % 2 == 0 => return Err(node.unimplemented("rounds")),
        _ => return Err(Error::invalid_argument("rounds must be >= 4 and even")),
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (index, seed, max) = (ctx.input(0), ctx.input(1), ctx.input(2));
        let count = check(index, seed, max)?;
        let (indices, seeds, bounds) = (to_u64s(index)?, to_u64s(seed)?, to_u64s(max)?);
        let mut places = Vec::with_capacity(count.unwrap_or(1));
        for i in 0..count.unwrap_or(1) {
            let index = indices[if index.rank() == 1 { i } else { 0 }];
            let bound = bounds[if max.rank() == 1 { i } else { 0 }];
            let key = &seeds[if seed.rank() == 2 { 3 * i } else { 0 }..][..3];
            if bound > i64::MAX as u64 && matches!(max.dtype(), DType::Int32 | DType::Int64) {
                let bound = bound as i64;
                return Err(Error::invalid_argument(format!("max_index must be >= 0 but was {bound}")));
            }
            if bound < index {
                return Err(Error::invalid_argument(format!(
                    "max_index must be >= index, but {bound} < {index}"
                )));
            }
            places.push(permute(index, [key[0], key[1], key[2]].map(|k| k as u32), bound, rounds));
        }
        let output = from_u64s(dtype, count, &places)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The number of indices if there is a vector of them.
fn check(index: &Tensor, seed: &Tensor, max: &Tensor) -> Result<Option<usize>> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    for (name, tensor, most) in [("index", index, 1), ("seed", seed, 2), ("max_index", max, 1)] {
        if tensor.rank() > most || name == "seed" && tensor.rank() == 0 {
            return refuse(format!("{name} has an unusable shape {}", tensor.shape()));
        }
    }
    if seed.shape().last() != Some(&3) {
        return refuse(format!("seed must be a vector of length 3 but got shape {}", seed.shape()));
    }
    let rows = [
        (index.rank() == 1).then(|| index.elements()),
        (seed.rank() == 2).then(|| seed.shape()[0]),
        (max.rank() == 1).then(|| max.elements()),
    ];
    let count = rows.iter().flatten().next().copied();
    if rows.iter().flatten().any(|rows| Some(*rows) != count) {
        return refuse(format!(
            "index, seed and max_index differ in length: {}, {} and {}",
            index.shape(),
            seed.shape(),
            max.shape()
        ));
    }
    Ok(count)
}

/// The integers, their bits taken as they are.
fn to_u64s(tensor: &Tensor) -> Result<Vec<u64>> {
    Ok(match tensor.dtype() {
        DType::Int32 => tensor.as_slice::<i32>()?.iter().map(|&v| v as u64).collect(),
        DType::Uint32 => tensor.as_slice::<u32>()?.iter().map(|&v| v.into()).collect(),
        DType::Int64 => tensor.as_slice::<i64>()?.iter().map(|&v| v as u64).collect(),
        _ => tensor.as_slice::<u64>()?.to_vec(),
    })
}

fn from_u64s(dtype: DType, count: Option<usize>, values: &[u64]) -> Result<Tensor> {
    let shape: savedmodel_tensor::Shape = count.into_iter().collect();
    match dtype {
        DType::Int32 => Tensor::from_vec(shape, values.iter().map(|&v| v as i32).collect()),
        DType::Uint32 => Tensor::from_vec(shape, values.iter().map(|&v| v as u32).collect()),
        DType::Int64 => Tensor::from_vec(shape, values.iter().map(|&v| v as i64).collect()),
        _ => Tensor::from_slice(shape, values),
    }
}

/// Where `index` goes in the permutation of the numbers up to `max` that `key` chooses.
fn permute(index: u64, key: [u32; 3], max: u64, rounds: usize) -> u64 {
    /// The least number of bits of a block, so that words are wide enough to be mixed.
    const LEAST: u32 = 16;
    if max == 0 {
        return 0;
    }
    let bits = (max as f64).log2().ceil() as u32;
    let word = Word((bits + bits % 2).clamp(LEAST, 64) / 2);
    let keys = word.schedule(key, rounds);
    let mut place = index;
    loop {
        place = word.encrypt(place, &keys);
        if place <= max {
            return place;
        }
    }
}

/// Words of this many bits, of which two make a block.
#[derive(Clone, Copy)]
struct Word(u32);

impl Word {
    fn cut(self, x: u64) -> u64 {
        x & ((1 << self.0) - 1)
    }

    fn left(self, x: u64, n: u32) -> u64 {
        self.cut(x << n | x >> (self.0 - n))
    }

    fn mix(self, x: u64) -> u64 {
        self.left(x, 1) & self.left(x, 8 % self.0) ^ self.left(x, 2)
    }

    fn schedule(self, key: [u32; 3], rounds: usize) -> Vec<u64> {
        let mut z = self.cut(0x7369_f885_192c_0ef5);
        let mut keys: Vec<u64> = key.iter().map(|&k| self.cut(k.into())).collect();
        while keys.len() < rounds {
            let (last, third) = (keys[keys.len() - 1], keys[keys.len() - 3]);
            let turned = self.left(last, self.0 - 3) ^ self.left(last, self.0 - 4);
            keys.push(self.cut(0xffff_fffc) ^ z & 1 ^ third ^ turned);
            z >>= 1;
        }
        keys
    }

    fn encrypt(self, block: u64, keys: &[u64]) -> u64 {
        let (mut left, mut right) = (self.cut(block >> self.0), self.cut(block));
        for pair in keys.chunks_exact(2) {
            left ^= self.mix(right) ^ pair[0];
            right ^= self.mix(left) ^ pair[1];
        }
        left << self.0 | right
    }
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "RandomIndexShuffle";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "",
                    "int32[10] 0 1 2 3 4 5 6 7 8 9; int32[3] 1 2 3; int32[] 9",
                    "int32[10] 2 0 6 4 8 1 7 9 5 3",
                ),
                (op, "", "int64[] 0; int32[3] 1 2 3; int64[] 0", "int64[] 0"),
                (op, "", "uint64[1] 3; uint32[1,3] 1 2 3; uint64[1] 9", "uint64[1] 4"),
                (
                    op,
                    "",
                    "int32[] 10; int32[3] 1 2 3; int32[] 9",
                    "INVALID_ARGUMENT: max_index must be >= index, but 9 < 10",
                ),
                (
                    op,
                    "rounds=3",
                    "int32[] 1; int32[3] 1 2 3; int32[] 9",
                    "INVALID_ARGUMENT: rounds must be >= 4 and even",
                ),
                (
                    op,
                    "",
                    "int32[] 1; int32[2] 1 2; int32[] 9",
                    "INVALID_ARGUMENT: seed must be a vector of length 3",
                ),
            ],
        );
    }
}
