//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, bf16};

use crate::calls::transpose;

/// The bytes of words, the highest first, as numbers between the ends of a range: the last dimension becomes four times as long.
///
/// With `transpose_output` the dimensions are in reverse order.
///
/// <https://www.tensorflow.org/xla/operation_semantics>
pub const OP: Op = Op {
    name: "XlaDequantize",
    inputs: &["input: uint32"],
    outputs: &["output: bfloat16"],
    attrs: &["min_range: float", "max_range: float", "mode: string", "transpose_output: bool"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let Some([outer @ .., last]) = input.dims() else { return Ok(vec![PartialShape::unknown()]) };
    let last = last.and_then(|last| last.checked_mul(4));
    let mut dims: Vec<Option<usize>> = outer.iter().copied().chain([last]).collect();
    if ctx.attr("transpose_output") == Some(true) {
        dims.reverse();
    }
    Ok(vec![PartialShape::new(dims)])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.attr::<String>("mode")? != "MIN_COMBINED" {
        return Err(Error::invalid_argument("Only MIN_COMBINED mode is supported in xla::Dequantize Op."));
    }
    let end = |attr: &str| node.attr(attr).map(bf16::from_f32);
    let (low, high, turned): (bf16, bf16, bool) =
        (end("min_range")?, end("max_range")?, node.attr("transpose_output")?);
    // Each step is rounded.
    let scale = (high - low) / bf16::from_f32(255.0);
    let values: Vec<bf16> = (0..=255_u8).map(|byte| bf16::from_f32(byte.into()) * scale + low).collect();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut dims = ctx.input(0).shape().to_vec();
        let Some(last) = dims.last_mut() else {
            return Err(Error::invalid_argument("XlaDequantize takes no scalars"));
        };
        *last = last.saturating_mul(4);
        let mut output = ctx.allocate(DType::Bfloat16, &dims[..])?;
        let words = ctx.input(0).as_slice::<u32>()?;
        for (to, word) in output.as_mut_slice::<bf16>()?.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *to = word.to_be_bytes().map(|byte| values[usize::from(byte)]);
        }
        if turned {
            let reversed: Vec<usize> = (0..dims.len()).rev().collect();
            output = transpose(&ctx.run(), output, &reversed)?;
        }
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "XlaDequantize";
        let attrs = "min_range=-1 max_range=3 mode=MIN_COMBINED transpose_output=";
        let attrs = |turned: &str| -> &'static str { format!("{attrs}{turned}").leak() };
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    attrs("false"),
                    "uint32[2] 16909060 4286578815",
                    "bfloat16[8] -0.984375 -0.96875 -0.953125 -0.9375 3 1.0156 -1 1",
                ),
                (op, attrs("true"), "uint32[2,1] 0 4294967295", "bfloat16[4,2] -1 3 -1 3 -1 3 -1 3"),
                (op, attrs("false"), "uint32[0,3]", "bfloat16[0,12]"),
                (op, attrs("false"), "uint32[] 1", "INVALID_ARGUMENT: "),
                (
                    op,
                    "min_range=-1 max_range=3 mode=SCALED transpose_output=true",
                    "uint32[1] 1",
                    "INVALID_ARGUMENT: Only MIN_COMBINED mode",
                ),
            ],
        );
    }
}
