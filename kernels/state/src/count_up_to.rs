//! `CountUpTo` and `ResourceCountUpTo`.

use num_traits::{One, WrappingAdd};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{Element, Error, Result, Tensor};

use crate::update::existing;

/// Each gives the value of a variable and counts it up, until a limit is reached.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CountUpTo>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResourceCountUpTo>
pub const OPS: &[Op] =
    &[count("CountUpTo", &["ref: Ref(T)"]), count("ResourceCountUpTo", &["resource: resource"])];

const fn count(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["output: T"],
        attrs: &["limit: int", "T: {int32, int64}"],
        effect: Effect::Write,
        shape: shape::scalar,
        kernels: by_dtype!("T"; build: i32 i64),
    }
}

fn build<T: Element + One + WrappingAdd + Ord + TryFrom<i64>>(
    node: &Construction<'_>,
) -> Result<Box<dyn Kernel>> {
    let limit: i64 = node.attr("limit")?;
    let last = T::try_from(limit).map_err(|_| {
        Error::invalid_argument(format!("Attr limit has value {limit} out of range for an {}", T::DTYPE))
    })?;
    let is_reference = node.op == "CountUpTo";
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let variable = if is_reference { ctx.variable(0)? } else { existing(ctx)? };
        let mut before = T::default();
        variable.update(|value| {
            if value.rank() != 0 {
                return Err(Error::invalid_argument(format!("input is not a scalar: {}", value.shape())));
            }
            before = value.to_scalar()?;
            if before >= last {
                return Err(Error::out_of_range(format!("Reached limit of {limit}")));
            }
            value.as_mut_slice::<T>()?[0] = before.wrapping_add(&T::one());
            Ok(())
        })?;
        ctx.set(0, Tensor::scalar(before));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::Variable;
    use savedmodel_op::testing::{OpTest, show};
    use savedmodel_tensor::{DType, Handle, PartialShape};
    use std::sync::Arc;

    #[test]
    fn to_the_limit() {
        let variable = Arc::new(Variable::new("v", DType::Int32, PartialShape::unknown()));
        let handle = Tensor::from_handles([], vec![Handle::new("", "v", Arc::clone(&variable))]).unwrap();
        let count = |op: usize, limit: i64| {
            let test = OpTest::new(&OPS[op]).attr("T", DType::Int32).attr("limit", limit);
            show(&test.input(handle.clone()).run())
        };
        assert!(count(0, 2).starts_with("FAILED_PRECONDITION"));
        assert!(count(1, 2).starts_with("NOT_FOUND"));
        variable.assign(Tensor::scalar(0)).unwrap();
        assert_eq!(count(0, 2), "int32[] 0");
        assert_eq!(count(1, 2), "int32[] 1");
        assert_eq!(count(0, 2), "OUT_OF_RANGE: Reached limit of 2");
        assert!(count(0, 1 << 40).starts_with("INVALID_ARGUMENT: Attr limit"));
        variable.assign(Tensor::from_vec([1], vec![0]).unwrap()).unwrap();
        assert_eq!(count(1, 2), "INVALID_ARGUMENT: input is not a scalar: [1]");
    }
}
