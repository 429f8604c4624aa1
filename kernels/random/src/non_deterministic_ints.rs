//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::Result;

use crate::arguments::{shaped_by_first, to_shape};
use crate::distribution::{Integer, fill};
use crate::generator::entropy;
use crate::philox::Philox;

/// Gives integers that nobody can foretell.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/NonDeterministicInts>
pub const OP: Op = Op {
    name: "NonDeterministicInts",
    inputs: &["shape: shape_dtype"],
    outputs: &["output: dtype"],
    attrs: &["dtype: type = DT_INT64", "shape_dtype: type = DT_INT64"],
    effect: Effect::Random,
    shape: shaped_by_first,
    kernels: by_dtype!("dtype"; build: i32 i64 u32 u64),
};

fn build<T: Integer>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let mut output = ctx.allocate(T::DTYPE, to_shape(ctx.input(0))?)?;
        let stream = Philox::seeded(entropy(), entropy());
        fill(output.as_mut_slice()?, stream, T::PER_BLOCK, T::full);
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::Tensor;

    #[test]
    fn never_the_same() {
        let draw =
            || OpTest::new(&OP).input(Tensor::from_vec([1], vec![4_i64]).unwrap()).run().unwrap().remove(0);
        let (a, b) = (draw(), draw());
        assert_eq!(a.shape()[..], [4]);
        assert_ne!(a.as_slice::<i64>().unwrap(), b.as_slice::<i64>().unwrap());
    }
}
