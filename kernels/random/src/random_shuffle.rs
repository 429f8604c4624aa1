//! `RandomShuffle` and `StatelessShuffle`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{Result, Tensor, Unit, by_unit};

use crate::arguments::{keyed, to_scalar};
use crate::generator::Generator;
use crate::philox::{Philox, Words};

/// Puts the rows of a tensor into a random order.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RandomShuffle>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StatelessShuffle>
pub const OPS: &[Op] = &[
    Op {
        name: "RandomShuffle",
        inputs: &["value: T"],
        outputs: &["output: T"],
        attrs: &["seed: int = 0", "seed2: int = 0", "T: type"],
        effect: Effect::Random,
        shape: shape::unchanged,
        kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build),
    },
    Op {
        name: "StatelessShuffle",
        inputs: &["value: T", "key: uint64", "counter: uint64", "alg: int32"],
        outputs: &["output: T"],
        attrs: &["T: type"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build_stateless),
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let generator = Generator::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| shuffle(ctx, |words| Ok(generator.reserve(words.div_ceil(4))))))
}

fn build_stateless(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let stream = keyed(ctx.input(1), ctx.input(2), to_scalar::<i32>(ctx.input(3), 3)?.into())?;
        shuffle(ctx, |_| Ok(stream))
    }))
}

/// Gives the first input in random order; `stream` gives the bits for a number of words.
fn shuffle(ctx: &mut Context<'_>, stream: impl FnOnce(u64) -> Result<Philox>) -> Result<()> {
    let rows = ctx.input(0).shape().first().copied().unwrap_or(0);
    if rows <= 1 || ctx.input(0).elements() <= 1 {
        let same = ctx.take(0);
        ctx.set(0, same);
        return Ok(());
    }
    let order = permutation(rows, stream(rows as u64 - 1)?);
    let value = ctx.input(0);
    let mut output = ctx.allocate(value.dtype(), value.shape())?;
    by_unit!(value.dtype(), U => gather::<U>(&mut output, value, &order))?;
    ctx.set(0, output);
    Ok(())
}

/// The numbers below `len`, which fit 32 bits where it matters, in random order.
fn permutation(len: usize, stream: Philox) -> Vec<usize> {
    let mut words = Words::of(stream);
    let mut order: Vec<usize> = (0..len).collect();
    for i in 0..len - 1 {
        // Fits: TensorFlow takes the number of places that are left as 32 bits, too.
        let left = (len - i) as u32;
        order.swap(i, i + (words.word() % left.max(1)) as usize);
    }
    order
}

fn gather<U: Unit>(output: &mut Tensor, value: &Tensor, order: &[usize]) -> Result<()> {
    let row = value.elements() / order.len();
    let from = value.units::<U>()?;
    let rows = output.units_mut::<U>()?.chunks_exact_mut(row);
    for (to, &i) in rows.zip(order) {
        to.clone_from_slice(&from[i * row..][..row]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::{OpTest, check_rows};
    use savedmodel_tensor::Tensor;

    #[test]
    fn stateless() {
        let op = "StatelessShuffle";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "",
                    "int32[10] 0 1 2 3 4 5 6 7 8 9; uint64[1] 1; uint64[2] 2 3; int32[] 1",
                    "int32[10] 4 7 1 8 9 6 5 2 3 0",
                ),
                (
                    op,
                    "",
                    "string[5,2] 0 1 2 3 4 5 6 7 8 9; uint64[1] 1; uint64[2] 2 3; int32[] 1",
                    "string[5,2] '8' '9' '6' '7' '0' '1' '2' '3' '4' '5'",
                ),
                (op, "", "int8[] 5; uint64[1] 1; uint64[2] 2 3; int32[] 1", "int8[] 5"),
                (op, "", "int8[3,0]; uint64[1] 1; uint64[2] 2 3; int32[] 1", "int8[3,0]"),
                (
                    op,
                    "",
                    "int8[2] 1 2; uint64[2] 1 2; uint64[2] 2 3; int32[] 1",
                    "INVALID_ARGUMENT: key must have shape [1], not [2]",
                ),
            ],
        );
    }

    #[test]
    fn the_stream_goes_on() {
        let resources = ResourceManager::new();
        let run = || {
            let test = OpTest::new(&super::OPS[0]).attr("seed", 1).attr("seed2", 2).resources(&resources);
            let value = Tensor::from_vec([5], vec![1, 2, 3, 4, 5]).unwrap();
            test.input(value).run().unwrap()[0].as_slice::<i32>().unwrap().to_vec()
        };
        assert_eq!(run(), [5, 1, 3, 2, 4]);
        assert_eq!(run(), [2, 4, 1, 5, 3]);
    }
}
