//! See [`OP`].

use std::time::{SystemTime, UNIX_EPOCH};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Result, Tensor};

/// The time when it runs, in seconds since 1970.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Timestamp>
pub const OP: Op = Op {
    name: "Timestamp",
    inputs: &[],
    outputs: &["ts: double"],
    attrs: &[],
    effect: Effect::Random,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        ctx.set(0, Tensor::scalar(since.as_micros() as f64 / 1e6));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::OP;
    use savedmodel_op::testing::OpTest;

    #[test]
    fn later_is_more() {
        let now = || OpTest::new(&OP).run().unwrap()[0].to_scalar::<f64>().unwrap();
        let before = now();
        assert!(before > 1.7e9 && now() >= before);
    }
}
