//! Half precision by way of single.

use savedmodel_math::narrow::Narrow;
use savedmodel_op::{Context, InputRef, Kernel, Source, Value};
use savedmodel_tensor::{DType, Result, Tensor, f16};

/// A kernel whose half inputs are widened for a kernel of single precision, and whose outputs are rounded.
pub fn with_single(kernel: Box<dyn Kernel>) -> Box<dyn Kernel> {
    Box::new(move |ctx: &mut Context<'_>| {
        let inputs = ctx.inputs(0).map(widened).collect::<Result<Vec<Tensor>>>()?;
        let (n, outputs) = (inputs.len(), ctx.output_len());
        let mut slots: Vec<Value> = inputs.into_iter().map(Value::Tensor).collect();
        slots.resize_with(n + outputs, Value::default);
        let refs: Vec<InputRef> =
            (0..n).map(|i| InputRef { source: Source::Slot(i as u32), last_use: false }).collect();
        let places: Vec<u32> = (n..n + outputs).map(|i| i as u32).collect();
        kernel.compute(&mut Context::new(&mut slots, &[], &refs, &places, ctx.run()))?;
        for (i, mut value) in slots.drain(n..).enumerate() {
            if let Some(output) = value.take() {
                let narrowed = narrowed(&output)?;
                ctx.set(i, narrowed);
            }
        }
        Ok(())
    })
}

fn widened(tensor: &Tensor) -> Result<Tensor> {
    if tensor.dtype() != DType::Half {
        return Ok(tensor.clone());
    }
    let mut wide = Tensor::zeros(DType::Float, tensor.shape())?;
    f16::widen(tensor.as_slice()?, wide.as_mut_slice()?);
    Ok(wide)
}

fn narrowed(tensor: &Tensor) -> Result<Tensor> {
    if tensor.dtype() != DType::Float {
        return Ok(tensor.clone());
    }
    let mut narrow = Tensor::zeros(DType::Half, tensor.shape())?;
    f16::narrow(tensor.as_slice()?, narrow.as_mut_slice()?);
    Ok(narrow)
}
