//! See [`OP`].

use savedmodel_math::reduce;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

use crate::numbers::Numbers;

/// The gradient of a bias: the sum of the gradients over all but the channels.
///
/// Integers wrap; numbers of 16 and of 64 bits add up in double precision.
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
    kernels: Kernels::All(&[("T", dtypes::NUMBERS)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let channels = input.dims().and_then(|dims| match crate::layout::format_of(ctx) {
        true => *dims.get(1)?,
        false => *dims.last()?,
    });
    Ok(vec![PartialShape::new([channels])])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let channels_first = node.attr::<String>("data_format")? == "NCHW";
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let gradient = ctx.input(0);
        let (rank, dims) = (gradient.rank(), gradient.shape());
        if rank < 2 {
            return Err(Error::invalid_argument(format!("Input tensor must be at least 2D: {dims}")));
        }
        let at = if channels_first { 1 } else { rank - 1 };
        let (channels, inner) = (dims[at], dims[at + 1..].iter().product::<usize>());
        let parts = if matches!(gradient.dtype(), DType::Complex64 | DType::Complex128) { 2 } else { 1 };
        let sizes = [channels, inner, parts];
        let mut out = ctx.allocate(gradient.dtype(), [channels])?;
        if gradient.dtype() == DType::Float && gradient.elements() > 0 {
            single(gradient.as_slice()?, [channels, inner], out.as_mut_slice()?);
            ctx.set(0, out);
            return Ok(());
        }
        let sums = match Numbers::of(gradient)? {
            Numbers::Real(numbers) => Numbers::Real(sums(&numbers, sizes, |sum, x| *sum += x)),
            Numbers::Whole(numbers) => {
                Numbers::Whole(sums(&numbers, sizes, |sum, x| *sum = sum.wrapping_add(x)))
            }
        };
        sums.write(&mut out)?;
        ctx.set(0, out);
        Ok(())
    }))
}

/// The sums in single precision.
fn single(numbers: &[f32], [channels, inner]: [usize; 2], out: &mut [f32]) {
    let planes = numbers.len() / inner;
    let outer = [1, planes / channels, channels];
    if inner == 1 {
        return reduce::sum(numbers, outer, out);
    }
    let mut sums = vec![0.0; planes];
    reduce::sum(numbers, [planes, inner, 1], &mut sums);
    reduce::sum(&sums, outer, out);
}

/// The sums of channels whose planes have `inner` places of one or two parts.
fn sums<T: Copy + Default>(
    numbers: &[T],
    [channels, inner, parts]: [usize; 3],
    add: fn(&mut T, T),
) -> Vec<T> {
    let mut sums = vec![T::default(); channels * parts];
    if numbers.is_empty() {
        return sums;
    }
    for (plane, numbers) in numbers.chunks_exact(inner * parts).enumerate() {
        let sums = &mut sums[plane % channels * parts..][..parts];
        for number in numbers.chunks_exact(parts) {
            sums.iter_mut().zip(number).for_each(|(sum, &x)| add(sum, x));
        }
    }
    sums
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
