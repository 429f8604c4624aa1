//! What fused operators do to the result of a convolution.

use std::borrow::Cow;

use num_traits::Float;
use savedmodel_math::gemm::{Activation, Epilogue};
use savedmodel_op::{Construction, Context};
use savedmodel_tensor::{Error, Result, Shape, Tensor};

use super::element::{Convolve, Multiply};
use super::forward::Sizes;
use super::kernel::Forward;
use crate::layout::inner_channels;

/// The steps that `fused_ops` names.
#[derive(Clone, Debug)]
pub struct Steps {
    first: First,
    adds: bool,
    activation: Activation,
}

/// What is done for each channel.
#[derive(Clone, Copy, Debug, PartialEq)]
enum First {
    /// Inputs: the bias.
    BiasAdd,
    /// Inputs: scale, offset, mean, variance.
    BatchNorm { epsilon: f32 },
}

/// The activation that a list of steps consists of, if any or none.
pub fn activation(steps: &[&str], alpha: f32) -> Option<Activation> {
    Some(match steps {
        [] => Activation::Identity,
        ["Relu"] => Activation::Relu,
        ["Relu6"] => Activation::Relu6,
        ["Elu"] => Activation::Elu,
        ["LeakyRelu"] => Activation::LeakyRelu(alpha),
        ["Tanh"] => Activation::Tanh,
        ["Sigmoid"] => Activation::Sigmoid,
        ["Silu"] => Activation::Silu,
        ["HardSwish"] => Activation::HardSwish,
        ["GeluExact"] => Activation::Gelu,
        ["GeluApproximate"] => Activation::GeluTanh,
        _ => return None,
    })
}

/// Checks how many inputs follow the filter.
fn check_arguments(node: &Construction<'_>, first: First, adds: bool) -> Result<()> {
    let count = |name| node.attr::<i64>(name).unwrap_or(0);
    let [args, host_args, inputs] = [count("num_args"), count("num_host_args"), node.inputs.len() as i64];
    if inputs.checked_sub(2).and_then(|rest| rest.checked_sub(host_args)) != Some(args) {
        return Err(Error::invalid_argument(format!(
            "Fused Conv2D must have the number of inputs equal to 2 + num_args + num_host_args but in fact the number of inputs is {inputs} \
             and num_args is {args} and num_host_args is {host_args}"
        )));
    }
    let wanted = if first == First::BiasAdd { "bias" } else { "scale, offset, mean, variance" };
    let wanted = if adds { "bias and what is added" } else { wanted };
    match args == if first == First::BiasAdd { 1 + i64::from(adds) } else { 4 } {
        true => Ok(()),
        false => {
            Err(Error::invalid_argument(format!("Fused Conv2D must have these extra arguments: {wanted}")))
        }
    }
}

impl Steps {
    /// Reads `fused_ops` and what goes with it.
    ///
    /// # Errors
    /// `UNIMPLEMENTED` for other steps.
    pub fn of(node: &Construction<'_>) -> Result<Steps> {
        let names: Vec<String> = node.attr("fused_ops")?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (first, rest) = match &names[..] {
            ["BiasAdd", rest @ ..] => (First::BiasAdd, rest),
            ["FusedBatchNorm", rest @ ..] => (First::BatchNorm { epsilon: node.attr("epsilon")? }, rest),
            _ => return Err(node.unimplemented("fused_ops")),
        };
        let (adds, rest) = match rest {
            ["Add", rest @ ..] if first == First::BiasAdd => (true, rest),
            _ => (false, rest),
        };
        check_arguments(node, first, adds)?;
        let alpha = node.attr("leakyrelu_alpha")?;
        let activation = activation(rest, alpha).ok_or_else(|| node.unimplemented("fused_ops"))?;
        Ok(Steps { first, adds, activation })
    }

    /// Runs a convolution of inputs 0 and 1 with these steps after it, whose inputs are 2 and following.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when an input does not fit.
    pub fn run<T: Convolve>(&self, ctx: &mut Context<'_>, convolution: &Forward<T>) -> Result<Tensor>
    where
        T::Wide: Float,
    {
        let sizes = convolution.sizes(ctx.input(0).shape(), ctx.input(1).shape())?;
        let shape = convolution.shape(&sizes);
        // What is added is where the result comes, if nothing else needs it.
        if self.adds
            && convolution.accumulates(&sizes, ctx.input(1))?
            && let Some(mut out) = ctx.forward(3, T::DTYPE, &shape)
        {
            let numbers = self.numbers::<T>(ctx, &sizes)?;
            let activation = self.activation;
            let epilogue =
                Epilogue { bias: &numbers[0], accumulate: true, activation, ..Epilogue::default() };
            convolution.run(&sizes, [ctx.input(0), ctx.input(1)], epilogue, &|_| {}, &mut out)?;
            return Ok(out);
        }
        if self.adds && ctx.input(3).shape() != &shape {
            let plain = Steps { adds: false, activation: Activation::Identity, ..self.clone() };
            let result = plain.run(ctx, convolution)?;
            return self.add::<T>(ctx, &result);
        }
        let (input, filter) = (ctx.input(0), ctx.input(1));
        let numbers = self.numbers::<T>(ctx, &sizes)?;
        let cells = match self.adds {
            true => inner_channels::<T>(ctx.input(3), &sizes.output, convolution.attributes.channels_first)?,
            false => Cow::default(),
        };
        let residual = T::widen(&cells);
        let mut out = ctx.allocate(T::DTYPE, shape)?;
        let activation = self.activation;
        match self.first {
            First::BiasAdd => {
                let epilogue =
                    Epilogue { bias: &numbers[0], residual: &residual, activation, ..Epilogue::default() };
                convolution.run(&sizes, [input, filter], epilogue, &|_: &mut [T::Wide]| {}, &mut out)?;
            }
            First::BatchNorm { epsilon } => {
                let after = |out: &mut [T::Wide]| {
                    normalise(out, &numbers, epsilon);
                    T::Wide::finish(out, &Epilogue { activation, ..Epilogue::default() });
                };
                convolution.run(&sizes, [input, filter], Epilogue::default(), &after, &mut out)?;
            }
        }
        Ok(out)
    }

    /// Adds input 3 to the result of a convolution of another shape, and applies the activation.
    fn add<T: Convolve>(&self, ctx: &Context<'_>, result: &Tensor) -> Result<Tensor>
    where
        T::Wide: Float,
    {
        let other = ctx.input(3);
        let shape = Shape::broadcast(result.shape(), other.shape()).ok_or_else(|| {
            Error::invalid_argument(format!(
                "Fused convolution can't add {} to {}",
                other.shape(),
                result.shape()
            ))
        })?;
        let wide = |tensor: &Tensor| {
            Tensor::from_vec(tensor.shape().clone(), T::widen(tensor.as_slice()?).into_owned())
        };
        let (result, other) = (wide(result)?, wide(other)?);
        let sum = &result.view::<T::Wide>()? + &other.view::<T::Wide>()?;
        let mut sum: Vec<T::Wide> = sum.into_iter().collect();
        T::Wide::finish(&mut sum, &Epilogue { activation: self.activation, ..Epilogue::default() });
        let mut out = ctx.allocate(T::DTYPE, shape)?;
        T::round(out.as_mut_slice()?, |out| out.copy_from_slice(&sum));
        Ok(out)
    }

    /// The numbers for each channel.
    fn numbers<'a, T: Convolve>(
        &self,
        ctx: &'a Context<'_>,
        sizes: &Sizes,
    ) -> Result<Vec<Cow<'a, [T::Wide]>>> {
        let count = if self.first == First::BiasAdd { 1 } else { 4 };
        let read = |i: usize| {
            let tensor = ctx.input(2 + i);
            if tensor.shape().dims() != [sizes.output.channels] {
                return Err(Error::invalid_argument(format!(
                    "Must provide as many biases as the last dimension of the convolution: {} vs. {}",
                    tensor.shape(),
                    sizes.output.channels
                )));
            }
            Ok(T::widen(tensor.as_slice()?))
        };
        (0..count).map(read).collect()
    }
}

/// Scale, offset, mean and variance applied to channels, which are innermost.
fn normalise<W: Float>(out: &mut [W], numbers: &[Cow<'_, [W]>], epsilon: f32) {
    let [scale, offset, mean, variance] = numbers else { return };
    let epsilon = W::from(epsilon).unwrap_or_else(W::zero);
    let factor: Vec<W> = scale.iter().zip(&**variance).map(|(&s, &v)| s / (v + epsilon).sqrt()).collect();
    for row in out.chunks_exact_mut(factor.len()) {
        for (((x, &factor), &mean), &offset) in row.iter_mut().zip(&factor).zip(&**mean).zip(&**offset) {
            *x = (*x - mean) * factor + offset;
        }
    }
}
