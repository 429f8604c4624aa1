//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{DType, Error, Qint8, Qint32, Quint8, Result};

use crate::code::Code;
use crate::range::{Range, ToCode, ToFloat, give, same_shape};

/// Adds a vector of 8-bit codes along the last dimension, giving 32-bit codes over a range with room for both.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedBiasAdd>
pub const OP: Op = Op {
    name: "QuantizedBiasAdd",
    inputs: &[
        "input: T1",
        "bias: T2",
        "min_input: float",
        "max_input: float",
        "min_bias: float",
        "max_bias: float",
    ],
    outputs: &["output: out_type", "min_out: float", "max_out: float"],
    attrs: &[
        "T1: {qint8, quint8, qint32, qint16, quint16}",
        "T2: {qint8, quint8, qint32, qint16, quint16}",
        "out_type: {qint8, quint8, qint32, qint16, quint16}",
    ],
    effect: Effect::Pure,
    shape: same_shape,
    kernels: by_dtype!("T1"; build: Qint8 Quint8),
};

fn build<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.inputs[1] != T::DTYPE {
        return Err(node.no_kernel("T2"));
    }
    if node.outputs[0] != DType::Qint32 {
        return Err(node.no_kernel("out_type"));
    }
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let range = Range::input(ctx, 2, ["min_input", "max_input"])?;
        let bias_range = Range::input(ctx, 4, ["min_bias", "max_bias"])?;
        let (input, bias) = (ctx.input(0), ctx.input(1));
        if input.rank() < 2 {
            return Err(Error::invalid_argument(format!(
                "Input tensor must be at least 2D: {}",
                input.shape()
            )));
        }
        if bias.rank() != 1 {
            return Err(Error::invalid_argument(format!("Biases must be 1D: {}", bias.shape())));
        }
        if input.shape()[input.rank() - 1] != bias.elements() {
            return Err(Error::invalid_argument(format!(
                "Must provide as many biases as the last dimension of the input tensor: {} vs. {}",
                bias.shape(),
                input.shape()
            )));
        }
        if bias.elements() == 0 {
            return Err(Error::invalid_argument("Must provide at least 1 bias"));
        }
        let total = Range::of_sums(range, bias_range, 131_072.0);
        let zero = total.code::<Qint32>(0.0).0;
        let code = ToCode::of::<Qint32>(total);
        let (of_input, of_bias) = (ToFloat::of::<T>(range), ToFloat::of::<T>(bias_range));
        let bias: Vec<i32> = bias
            .as_slice::<T>()?
            .iter()
            .map(|&x| code.code::<Qint32>(of_bias.float(x)).0.wrapping_add(zero))
            .collect();
        let mut out = ctx.allocate(DType::Qint32, input.shape())?;
        let (from, to) = (input.as_slice::<T>()?, out.as_mut_slice::<Qint32>()?);
        for (from, to) in from.chunks_exact(bias.len()).zip(to.chunks_exact_mut(bias.len())) {
            for ((&x, to), bias) in from.iter().zip(to).zip(&bias) {
                *to = Qint32(code.code::<Qint32>(of_input.float(x)).0.wrapping_add(*bias));
            }
        }
        give(ctx, out, total);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "QuantizedBiasAdd";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "out_type=qint32",
                    "quint8[2,3] 1 2 3 4 5 200; quint8[3] 1 2 3; float[] 0; float[] 1; float[] -1; float[] 2",
                    "qint32[2,3] -8064 -7935 -7807 -7967 -7838 -1478; float[] -262144; float[] 262144",
                ),
                (
                    op,
                    "out_type=qint32",
                    "qint8[1,3] 1 -2 3; qint8[3] 1 2 3; float[] 0; float[] 1; float[] -1; float[] 2",
                    "qint32[1,3] 8385 8385 8641; float[] -262144; float[] 262144",
                ),
                (
                    op,
                    "out_type=qint32",
                    "quint8[1,3] 1 200 7; quint8[3] 5 9 255; float[] NaN; float[] NaN; float[] -1; float[] 1",
                    "qint32[1,3] -2147483648 -2147483648 -2147483648; float[] NaN; float[] NaN",
                ),
                (
                    op,
                    "out_type=qint32",
                    "quint8[2,0]; quint8[0]; float[] 0; float[] 1; float[] -1; float[] 2",
                    "INVALID_ARGUMENT: Must provide at least 1 bias",
                ),
                (
                    op,
                    "out_type=qint32",
                    "quint8[1,1] 1; quint8[1] 1; float[0]; float[] 1; float[] -1; float[] 2",
                    "INVALID_ARGUMENT: `min_input` must be rank 0 but is rank 1",
                ),
                (
                    op,
                    "out_type=qint32",
                    "quint8[1,1] 1; quint8[2] 1 1; float[] 0; float[] 1; float[] -1; float[] 2",
                    "INVALID_ARGUMENT: Must provide as many biases",
                ),
            ],
        );
    }
}
