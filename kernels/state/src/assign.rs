//! `Assign` and `AssignVariableOp`: replacing the value of a variable.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{Error, Result};

/// The old value is dropped. With `validate_shape` the new one must have the declared shape (`Assign`) or that of the old
/// one, if there is one (`AssignVariableOp`).
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Assign>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AssignVariableOp>
pub const OPS: &[Op] = &[
    Op {
        name: "Assign",
        inputs: &["ref: Ref(T)", "value: T"],
        outputs: &["output_ref: Ref(T)"],
        attrs: &["T: type", "validate_shape: bool = true", "use_locking: bool = true"],
        effect: Effect::Write,
        shape: shape::unknown,
        kernels: Kernels::All(&[("T", dtypes::ALL)], build_reference),
    },
    Op {
        name: "AssignVariableOp",
        inputs: &["resource: resource", "value: dtype"],
        outputs: &[],
        attrs: &["dtype: type", "validate_shape: bool = false"],
        effect: Effect::Write,
        shape: shape::none,
        kernels: Kernels::All(&[("dtype", dtypes::ALL)], build_resource),
    },
];

fn build_reference(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let validate: bool = node.attr("validate_shape")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let value = ctx.take(1);
        let variable = ctx.variable(0)?;
        if validate && !variable.shape().accepts(value.shape()) {
            return Err(Error::invalid_argument(format!(
                "Assign requires shapes of both tensors to match. lhs shape= {} rhs shape= {}",
                variable.shape(),
                value.shape()
            )));
        }
        variable.assign(value)?;
        let reference = ctx.take(0);
        ctx.set(0, reference);
        Ok(())
    }))
}

fn build_resource(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let validate: bool = node.attr("validate_shape")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let value = ctx.take(1);
        let variable = ctx.variable(0)?;
        if let Some(old) = variable.get().filter(|old| validate && old.shape() != value.shape()) {
            return Err(Error::invalid_argument(format!(
                "Trying to assign to variable with tensor with wrong shape. Expected {} got {}",
                old.shape(),
                value.shape()
            )));
        }
        variable.assign(value)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::Variable;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{DType, Handle, PartialShape, Tensor};
    use std::sync::Arc;

    #[test]
    fn values_shapes_and_dtypes() {
        let variable = Arc::new(Variable::new("v", DType::Int32, PartialShape::from([2])));
        let handle = Tensor::from_handles([], vec![Handle::new("", "v", Arc::clone(&variable))]).unwrap();
        let assign = |op: usize, value: Tensor, validate: bool| {
            let test = OpTest::new(&OPS[op]).input(handle.clone()).input(value);
            test.attr("validate_shape", validate).run().map(|outputs| outputs.len())
        };
        let two = Tensor::from_vec([2], vec![1, 2]).unwrap();
        assert!(variable.read().is_err());
        assert_eq!(assign(0, two.clone(), true), Ok(1));
        assert_eq!(variable.read().unwrap().as_slice::<i32>().unwrap(), [1, 2]);
        assert!(assign(0, Tensor::scalar(1), true).is_err());
        assert_eq!(assign(1, Tensor::scalar(7), false), Ok(0));
        assert!(assign(1, Tensor::scalar(7.0_f32), false).is_err());
        assert!(assign(1, two, true).unwrap_err().message().ends_with("Expected [] got [2]"));
        assert_eq!(variable.read().unwrap().to_scalar::<i32>(), Ok(7));
    }
}
