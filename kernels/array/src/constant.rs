//! Constants.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

/// Gives the tensor that stands in its attribute; `HostConst` says where it is to lie, which is the same here.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Const>.
pub const OPS: &[Op] = &[constant("Const"), constant("HostConst")];

const fn constant(name: &'static str) -> Op {
    Op {
        name,
        inputs: &[],
        outputs: &["output: dtype"],
        attrs: &["value: tensor", "dtype: type"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::one(build),
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let value = ctx.attr::<Tensor>("value");
    if let (Some(value), Some(dtype)) = (&value, ctx.attr::<DType>("dtype"))
        && value.dtype() != dtype
    {
        return Err(mismatch(value.dtype(), dtype));
    }
    Ok(vec![value.map_or_else(PartialShape::unknown, |value| value.shape().into())])
}

fn mismatch(value: DType, dtype: DType) -> Error {
    Error::invalid_argument(format!("Type mismatch between value ({value}) and dtype ({dtype})"))
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let value: Tensor = node.attr("value")?;
    let dtype: DType = node.attr("dtype")?;
    if value.dtype() != dtype {
        return Err(mismatch(value.dtype(), dtype));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        ctx.set(0, value.clone());
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::OpTest;

    use super::*;

    #[test]
    fn gives_its_value() {
        let value = Tensor::from_vec([2], vec![1.0_f32, 2.0]).unwrap();
        let test = |dtype| OpTest::new(&OPS[0]).attr("value", value.clone()).attr("dtype", dtype).run();
        assert_eq!(test(DType::Float).unwrap()[0].as_slice::<f32>().unwrap(), [1.0, 2.0]);
        assert!(test(DType::Int32).is_err());
    }
}
