//! See [`OP`].

use savedmodel_math::gemm::{Activation, Epilogue};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Element, Error, Result};

use crate::conv::attributes::shape;
use crate::conv::kernel::Forward;
use crate::conv2d::SPEC;

/// Convolves images, adds a bias to each channel and applies an activation, in one pass over the result.
///
/// Graph optimisers make it, TensorFlow's and ours. `fused_ops` is `BiasAdd`, perhaps followed by one of `Relu`, `Relu6`,
/// `Elu`, `LeakyRelu`, `Tanh` and `Sigmoid`. The rest is as for `Conv2D`.
pub const OP: Op = Op {
    name: "_FusedConv2D",
    inputs: &["input: T", "filter: T", "args: TArgs", "host_args: num_host_args * float"],
    outputs: &["output: T"],
    attrs: &[
        "T: {half, float, double, int8, qint8}",
        "TArgs: list(type) >= 1",
        "num_args: int >= 0",
        "num_host_args: int >= 0 = 0",
        "strides: list(int)",
        "padding: {'SAME', 'VALID', 'EXPLICIT'}",
        "explicit_paddings: list(int) = []",
        "data_format: {'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'",
        "filter_format: {'HWIO', 'OIHW', 'OIHW_VECT_I'} = 'HWIO'",
        "dilations: list(int) = [1, 1, 1, 1]",
        "use_cudnn_on_gpu: bool = true",
        "fused_ops: list(string) = []",
        "epsilon: float = 0.0001",
        "leakyrelu_alpha: float = 0.2",
    ],
    effect: Effect::Pure,
    shape: |ctx| shape(ctx, 2, |_, outputs| outputs),
    kernels: by_dtype!("T"; build: f32),
};

fn build<T: Element>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.attr::<String>("filter_format")? != "HWIO" {
        return Err(node.unimplemented("filter_format"));
    }
    let activation = activation(node)?;
    let convolution = Forward::<f32>::new(node, &SPEC)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, filter, bias) = (ctx.input(0), ctx.input(1), ctx.input(2));
        let sizes = convolution.sizes(input.shape(), filter.shape())?;
        if bias.shape().dims() != [sizes.output.channels] {
            return Err(Error::invalid_argument(format!(
                "bias must be a vector of {}, got {}",
                sizes.output.channels,
                bias.describe()
            )));
        }
        let mut out = ctx.allocate(f32::DTYPE, convolution.shape(&sizes))?;
        let epilogue = Epilogue { bias: bias.as_slice()?, residual: &[], activation };
        convolution.run(&sizes, [input, filter], epilogue, &mut out)?;
        ctx.set(0, out);
        Ok(())
    }))
}

/// The activation that `fused_ops` names after `BiasAdd`.
fn activation(node: &Construction<'_>) -> Result<Activation> {
    let ops: Vec<String> = node.attr("fused_ops")?;
    let ops: Vec<&str> = ops.iter().map(String::as_str).collect();
    let ["BiasAdd", rest @ ..] = &ops[..] else { return Err(node.unimplemented("fused_ops")) };
    match rest {
        [] => Ok(Activation::Identity),
        ["Relu"] => Ok(Activation::Relu),
        ["Relu6"] => Ok(Activation::Relu6),
        ["Elu"] => Ok(Activation::Elu),
        ["LeakyRelu"] => Ok(Activation::LeakyRelu(node.attr("leakyrelu_alpha")?)),
        ["Tanh"] => Ok(Activation::Tanh),
        ["Sigmoid"] => Ok(Activation::Sigmoid),
        _ => Err(node.unimplemented("fused_ops")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{DType, Tensor};

    #[test]
    fn bias_then_activation() {
        let call = |window: usize, ops: Vec<&'static str>, bias: Vec<f32>| {
            let values: Vec<f32> = (1..=9).map(|v| v as f32).collect();
            let input = Tensor::from_vec([1, 3, 3, 1], values).unwrap();
            let filter = Tensor::from_vec([window, window, 1, 1], vec![1.0_f32; window * window]).unwrap();
            let test = OpTest::new(&OP)
                .input(input)
                .constant(filter)
                .input(Tensor::from_slice([bias.len()], &bias).unwrap());
            let test = test.attr("fused_ops", ops).attr("num_args", 1_i64).attr("TArgs", vec![DType::Float]);
            let test =
                test.attr("num_host_args", 0_i64).attr("strides", vec![1_i64; 4]).attr("padding", "VALID");
            test.run()
                .map(|out| out[0].as_slice::<f32>().unwrap().to_vec())
                .map_err(|e| e.message().to_owned())
        };
        assert_eq!(call(2, vec!["BiasAdd"], vec![0.5]), Ok(vec![12.5, 16.5, 24.5, 28.5]));
        assert_eq!(call(2, vec!["BiasAdd", "Relu"], vec![-20.0]), Ok(vec![0.0, 0.0, 4.0, 8.0]));
        assert_eq!(call(1, vec!["BiasAdd", "Relu6"], vec![1.0]).unwrap()[..5], [2.0, 3.0, 4.0, 5.0, 6.0]);
        assert!(call(1, vec!["BiasAdd"], vec![1.0, 2.0]).unwrap_err().contains("vector of 1"));
    }
}
