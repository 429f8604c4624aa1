//! `Assert`: stops a run unless a condition holds.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result};

use crate::summarize;

/// Fails with `assertion failed:` and the first elements of its data, unless the condition holds.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Assert>
pub const OP: Op = Op {
    name: "Assert",
    inputs: &["condition: bool", "data: T"],
    outputs: &[],
    attrs: &["T: list(type) >= 1", "summarize: int = 3"],
    effect: Effect::External,
    shape: shape::none,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let most = node.int32("summarize")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let condition = ctx.input(0);
        if condition.rank() != 0 {
            return Err(Error::invalid_argument(format!("In[0] should be a scalar: {}", condition.shape())));
        }
        if condition.to_scalar::<bool>()? {
            return Ok(());
        }
        let data: Vec<String> =
            ctx.inputs(1).map(|tensor| format!("[{}]", bare(&summarize(tensor, most)))).collect();
        Err(Error::invalid_argument(format!("assertion failed: {}", data.join(" "))))
    }))
}

/// Without the outer brackets, which the message has anyway.
fn bare(text: &str) -> &str {
    text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::Tensor;

    #[test]
    fn what_it_says() {
        let call = |holds: bool| {
            let numbers = Tensor::from_vec([4], vec![1_i32, 2, 3, 4]).unwrap();
            let text = Tensor::from_strings([], ["x"]).unwrap();
            OpTest::new(&OP).input(Tensor::scalar(holds)).input(numbers).input(text).run()
        };
        assert!(call(true).is_ok());
        assert_eq!(call(false).unwrap_err().message(), "assertion failed: [1 2 3...] [x]");
    }
}
