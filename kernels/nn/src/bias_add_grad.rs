//! See [`OP`].

use savedmodel_math::reduce::{self, Reduce};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Element, Error, PartialShape, Result, bf16, f16};

/// The gradient of a bias: the sum of the gradients over all but the channels.
///
/// Integers wrap; half and bfloat16 add up in single precision.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BiasAddGrad>
pub const OP: Op = Op {
    name: "BiasAddGrad",
    inputs: &["out_backprop: T"],
    outputs: &["output: T"],
    attrs: &[
        "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, qint16, \
         quint16, uint16, complex128, half, uint32, uint64}",
        "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 Complex32 Complex64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let channels = input.dims().and_then(|dims| match crate::layout::format_of(ctx) {
        true => *dims.get(1)?,
        false => *dims.last()?,
    });
    Ok(vec![PartialShape::new([channels])])
}

fn build<T: Element + Reduce<reduce::Sum>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let channels_first = node.attr::<String>("data_format")? == "NCHW";
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let gradient = ctx.input(0);
        let (rank, dims) = (gradient.rank(), gradient.shape());
        if rank < 2 {
            return Err(Error::invalid_argument(format!("Input tensor must be at least 2D: {dims}")));
        }
        let at = if channels_first { 1 } else { rank - 1 };
        let (channels, inner) = (dims[at], dims[at + 1..].iter().product::<usize>());
        let outer: usize = dims[..at].iter().product();
        let mut out = ctx.allocate(T::DTYPE, [channels])?;
        let data = gradient.as_slice::<T>()?;
        if inner == 1 {
            reduce::sum(data, [1, outer, channels], out.as_mut_slice()?);
        } else {
            // Planes of one channel lie `channels` planes apart.
            let mut planes = vec![T::default(); outer * channels];
            reduce::sum(data, [outer * channels, inner, 1], &mut planes);
            reduce::sum(&planes, [1, outer, channels], out.as_mut_slice()?);
        }
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("BiasAddGrad", "", "float[2,3] 1 2 3 4 5 6", "float[3] 5 7 9"),
                ("BiasAddGrad", "data_format=NCHW", "int8[2,2,2] 1 2 3 4 100 100 7 8", "int8[2] -53 22"),
                ("BiasAddGrad", "", "half[0,3]", "half[3] 0 0 0"),
                (
                    "BiasAddGrad",
                    "",
                    "float[3] 1 2 3",
                    "INVALID_ARGUMENT: Input tensor must be at least 2D: [3]",
                ),
            ],
        );
    }
}
