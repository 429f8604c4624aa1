//! `AssignAdd`, `AssignSub` and their forms for resource variables.

use half::{bf16, f16};
use num_complex::{Complex32, Complex64};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, by_dtype, shape};
use savedmodel_tensor::{Error, Result};

use crate::arithmetic::Arithmetic;
use crate::update::update;

/// Each adds a tensor of the same shape to a variable, or subtracts one from it, in place.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AssignAdd>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AssignAddVariableOp>
pub const OPS: &[Op] = &[
    reference("AssignAdd"),
    reference("AssignSub"),
    resource("AssignAddVariableOp"),
    resource("AssignSubVariableOp"),
];

const fn reference(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["ref: Ref(T)", "value: T"],
        outputs: &["output_ref: Ref(T)"],
        attrs: &["T: numbertype", "use_locking: bool = false"],
        effect: Effect::Write,
        shape: shape::unknown,
        kernels: KERNELS_T,
    }
}

const fn resource(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["resource: resource", "value: dtype"],
        outputs: &[],
        attrs: &["dtype: type"],
        effect: Effect::Write,
        shape: shape::none,
        kernels: KERNELS_DTYPE,
    }
}

const KERNELS_T: Kernels =
    by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 Complex32 Complex64);
const KERNELS_DTYPE: Kernels =
    by_dtype!("dtype"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 Complex32 Complex64);

fn build<T: Arithmetic>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let apply: fn(&mut [T], &[T]) = if node.op.contains("Add") { add } else { subtract };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        update(ctx, |ctx, variable| {
            let value = ctx.input(1);
            if variable.shape() != value.shape() {
                return Err(Error::invalid_argument(format!(
                    "Cannot update variable with shape {} using a Tensor with shape {}, shapes must be equal.",
                    variable.shape(),
                    value.shape()
                )));
            }
            apply(variable.as_mut_slice()?, value.as_slice()?);
            Ok(())
        })
    }))
}

fn add<T: Arithmetic>(variable: &mut [T], value: &[T]) {
    variable.iter_mut().zip(value).for_each(|(v, &x)| *v = v.plus(x));
}

fn subtract<T: Arithmetic>(variable: &mut [T], value: &[T]) {
    variable.iter_mut().zip(value).for_each(|(v, &x)| *v = v.minus(x));
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::Variable;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{DType, Handle, PartialShape, Tensor};
    use std::sync::Arc;

    #[test]
    fn in_place_but_not_in_what_was_read() {
        let variable = Arc::new(Variable::new("v", DType::Uint8, PartialShape::unknown()));
        let handle = Tensor::from_handles([], vec![Handle::new("", "v", Arc::clone(&variable))]).unwrap();
        let update =
            |op: usize, value: Tensor| OpTest::new(&OPS[op]).input(handle.clone()).input(value).run();
        let long = |value: u8| Tensor::from_vec([40], vec![value; 40]).unwrap();
        assert!(update(0, long(1)).is_err(), "no value yet");
        variable.assign(long(250)).unwrap();
        let before = variable.read().unwrap();
        update(0, long(10)).unwrap();
        update(3, long(1)).unwrap();
        assert_eq!(variable.read().unwrap().as_slice::<u8>().unwrap(), [3; 40]);
        assert_eq!(before.as_slice::<u8>().unwrap(), [250; 40]);
        assert!(update(2, Tensor::scalar(1_u8)).unwrap_err().message().contains("shape [40] using"));
    }
}
