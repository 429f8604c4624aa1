//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor};

/// What a condition makes of a tensor: whether a scalar is not zero or a string not empty, else whether it has elements.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ToBool>
pub const OP: Op = Op {
    name: "ToBool",
    inputs: &["input: T"],
    outputs: &["output: bool"],
    attrs: &["T: type"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let value = truth(ctx.input(0))?;
        ctx.set(0, Tensor::scalar(value));
        Ok(())
    }))
}

fn truth(input: &Tensor) -> Result<bool> {
    if input.rank() > 0 {
        return Ok(input.elements() > 0);
    }
    Ok(match input.dtype() {
        DType::Float => input.to_scalar::<f32>()? != 0.0,
        DType::Double => input.to_scalar::<f64>()? != 0.0,
        DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64 | DType::Uint8 => input.to_i64s()?[0] != 0,
        DType::Bool => input.to_scalar::<bool>()?,
        DType::String => !input.strings()?[0].is_empty(),
        other => return Err(Error::invalid_argument(format!("{other} cannot be converted to a boolean"))),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("ToBool", "", "float[] NaN", "bool[] true"),
                ("ToBool", "", "double[] -0", "bool[] false"),
                ("ToBool", "", "int8[] 3", "bool[] true"),
                ("ToBool", "", "bool[] false", "bool[] false"),
                ("ToBool", "", "string[] ''", "bool[] false"),
                ("ToBool", "", "string[] a", "bool[] true"),
                ("ToBool", "", "half[1] 0", "bool[] true"),
                ("ToBool", "", "float[2,0]", "bool[] false"),
                (
                    "ToBool",
                    "",
                    "complex64[] 1+0i",
                    "INVALID_ARGUMENT: complex64 cannot be converted to a boolean",
                ),
                ("ToBool", "", "uint16[] 1", "INVALID_ARGUMENT: uint16 cannot be converted to a boolean"),
            ],
        );
    }
}
