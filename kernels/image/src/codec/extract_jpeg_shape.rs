//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{DType, PartialShape, Result, Tensor};

use super::{contents, jpeg};

/// Reads height, width and channels of a JPEG file from its header.
///
/// Files of ink have four channels here, though they are decoded to three.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ExtractJpegShape>
pub const OP: Op = Op {
    name: "ExtractJpegShape",
    inputs: &["contents: string"],
    outputs: &["image_shape: output_type"],
    attrs: &["output_type: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape: |_| Ok(vec![PartialShape::new([Some(3)])]),
    kernels: Kernels::All(&[("output_type", &[DType::Int32, DType::Int64])], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype = node.outputs[0];
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let file = contents(ctx, |shape| format!("contents must be scalar, got shape {shape}"))?;
        let shape = jpeg::shape(file)?;
        let shape = match dtype {
            DType::Int32 => Tensor::from_slice([3], &shape.map(|x| x as i32))?,
            _ => Tensor::from_slice([3], &shape.map(|x| x as i64))?,
        };
        ctx.set(0, shape);
        Ok(())
    }))
}
