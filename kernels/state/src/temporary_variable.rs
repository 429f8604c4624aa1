//! `TemporaryVariable` and `DestroyTemporaryVariable`.

use std::sync::Arc;

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, Variable, shape};
use savedmodel_tensor::{DType, Error, Handle, PartialShape, Result, Shape, Tensor};

/// A variable that lives within one run, and its last reading.
///
/// `TemporaryVariable` makes a new one, of zeros, each time it runs; an unknown shape is that of a scalar.
/// `DestroyTemporaryVariable` gives its value, and takes it away.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TemporaryVariable>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DestroyTemporaryVariable>
pub const OPS: &[Op] = &[
    Op {
        name: "TemporaryVariable",
        inputs: &[],
        outputs: &["ref: Ref(dtype)"],
        attrs: &["shape: shape", "dtype: type", "var_name: string = ''"],
        effect: Effect::Random,
        shape: |ctx: &ShapeContext<'_>| Ok(vec![ctx.attr("shape").unwrap_or_default()]),
        kernels: Kernels::one(build),
    },
    Op {
        name: "DestroyTemporaryVariable",
        inputs: &["ref: Ref(T)"],
        outputs: &["value: T"],
        attrs: &["T: type", "var_name: string"],
        effect: Effect::Write,
        shape: shape::unknown,
        kernels: Kernels::one(build_destroy),
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (dtype, declared): (DType, PartialShape) = (node.attr("dtype")?, node.attr("shape")?);
    let given: String = node.attr("var_name")?;
    let name = if given.is_empty() { node.name.to_owned() } else { given };
    let shape = match declared.rank() {
        None => Shape::scalar(),
        Some(_) => declared.known().ok_or_else(|| {
            Error::invalid_argument(format!("TemporaryVariable needs a known shape, got {declared}"))
        })?,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        // Refuses a shape beyond the limits of the session; its memory is not zeroed.
        ctx.allocate(dtype, &shape)?;
        let variable = Variable::new(name.clone(), dtype, (&shape).into());
        variable.assign(Tensor::zeros(dtype, &shape)?)?;
        ctx.set(0, Tensor::from_handles([], vec![Handle::new("", &name, Arc::new(variable))])?);
        Ok(())
    }))
}

fn build_destroy(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let name: String = node.attr("var_name")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let variable = ctx.variable(0)?;
        let value = variable.get().filter(|_| variable.name() == name).ok_or_else(|| {
            Error::not_found(format!(
                "Container __per_step_ does not exist. (Could not find resource: {name})"
            ))
        })?;
        variable.clear();
        ctx.set(0, value);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, show};

    #[test]
    fn lives_until_destroyed() {
        let make = |shape: PartialShape| {
            let test = OpTest::new(&OPS[0]).attr("dtype", DType::Float).attr("shape", shape);
            test.attr("var_name", "t").run().map(|mut outputs| outputs.remove(0))
        };
        let destroy = |variable: &Tensor, name: &str| {
            let test = OpTest::new(&OPS[1]).attr("T", DType::Float).attr("var_name", name);
            show(&test.input(variable.clone()).run())
        };
        let variable = make(PartialShape::from([2])).unwrap();
        assert!(destroy(&variable, "u").starts_with("NOT_FOUND"));
        assert_eq!(destroy(&variable, "t"), "float[2] 0 0");
        assert!(destroy(&variable, "t").starts_with("NOT_FOUND"));
        assert_eq!(destroy(&make(PartialShape::unknown()).unwrap(), "t"), "float[] 0");
        assert!(make(PartialShape::new([None])).is_err());
        assert!(make(PartialShape::from([1 << 50])).is_err());
    }
}
