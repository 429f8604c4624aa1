//! See [`OP`].

use savedmodel_math::gemm::{self, View};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Error, PartialShape, Qint8, Qint32, Quint8, Result};

use crate::code::Code;
use crate::range::{Range, give, with_range};

/// The convolution of images of 8-bit codes with filters, as 32-bit codes over the range of such products.
///
/// Where strides leave cells over, windows begin after half of them even with `VALID` padding, as in TensorFlow.
/// Strides must be equal, and dilations one.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedConv2D>
pub const OP: Op = Op {
    name: "QuantizedConv2D",
    inputs: &[
        "input: Tinput",
        "filter: Tfilter",
        "min_input: float",
        "max_input: float",
        "min_filter: float",
        "max_filter: float",
    ],
    outputs: &["output: out_type", "min_output: float", "max_output: float"],
    attrs: &[
        "Tinput: {qint8, quint8, qint32, qint16, quint16}",
        "Tfilter: {qint8, quint8, qint32, qint16, quint16}",
        "out_type: {qint8, quint8, qint32, qint16, quint16} = DT_QINT32",
        "strides: list(int)",
        "padding: {'SAME', 'VALID'}",
        "dilations: list(int) = [1, 1, 1, 1]",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("Tfilter"; build: Qint8 Quint8),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (input, filter) = (ctx.input(0), ctx.input(1));
    let strides: Vec<i64> = ctx.attr("strides").unwrap_or_default();
    let valid = ctx.attr::<String>("padding").as_deref() == Some("VALID");
    let side = |axis: usize| {
        let stride = usize::try_from(*strides.get(axis)?).ok().filter(|&stride| stride > 0)?;
        output(input.dim(axis)?, filter.dim(axis - 1)?, stride, valid)
    };
    Ok(with_range(PartialShape::new([input.dim(0), side(1), side(2), filter.dim(3)])))
}

/// The number of windows along one dimension, unless there is none.
fn output(input: usize, window: usize, stride: usize, valid: bool) -> Option<usize> {
    let cells = if valid { (input + 1).checked_sub(window)? } else { input };
    Some(cells.div_ceil(stride)).filter(|&count| count > 0)
}

/// The stride of both dimensions.
fn stride(node: &Construction<'_>) -> Result<usize> {
    let strides: Vec<i64> = node.attr("strides")?;
    let dilations: Vec<i64> = node.attr("dilations")?;
    let &[batch, rows, columns, depth] = &strides[..] else {
        return Err(Error::invalid_argument("Sliding window strides field must specify 4 dimensions"));
    };
    if rows != columns {
        return Err(Error::invalid_argument(
            "Current implementation only supports equal length strides in the row and column dimensions.",
        ));
    }
    if batch != 1 || depth != 1 {
        return Err(Error::invalid_argument(
            "Current implementation does not yet support strides in the batch and depth dimensions.",
        ));
    }
    if dilations != [1, 1, 1, 1] {
        return Err(Error::invalid_argument("Current implementation only supports dilations of 1."));
    }
    match usize::try_from(rows) {
        Ok(stride @ 1..) => Ok(stride),
        _ => Err(Error::invalid_argument(format!("Stride must be > 0, but got {rows}"))),
    }
}

/// The sizes of one call.
struct Sizes {
    input: [usize; 4],
    filter: [usize; 4],
    output: [usize; 2],
    stride: usize,
}

fn sizes(ctx: &Context<'_>, stride: usize, valid: bool) -> Result<Sizes> {
    let (input, filter) = (ctx.input(0).shape(), ctx.input(1).shape());
    let Ok(input) = <[usize; 4]>::try_from(input.dims()) else {
        return Err(Error::invalid_argument(format!("input must be rank 4 but is rank {}", input.rank())));
    };
    let Ok(filter) = <[usize; 4]>::try_from(filter.dims()) else {
        return Err(Error::invalid_argument(format!("filter must be rank 4 but is rank {}", filter.rank())));
    };
    if input[3] != filter[2] {
        return Err(Error::invalid_argument(format!(
            "input and filter must have the same depth: {} vs {}",
            input[3], filter[2]
        )));
    }
    if input.contains(&0) || filter.contains(&0) {
        return Err(Error::invalid_argument("input and filter must not be empty"));
    }
    let side = |axis: usize| {
        output(input[axis], filter[axis - 1], stride, valid).ok_or_else(|| {
            Error::invalid_argument(format!(
                "Computed output size would be negative: input {} and filter {}",
                input[axis],
                filter[axis - 1]
            ))
        })
    };
    Ok(Sizes { input, filter, output: [side(1)?, side(2)?], stride })
}

fn build<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.inputs[0] != DType::Quint8 {
        return Err(node.no_kernel("Tinput"));
    }
    if node.outputs[0] != DType::Qint32 {
        return Err(node.no_kernel("out_type"));
    }
    let stride = stride(node)?;
    let valid = node.attr::<String>("padding")? == "VALID";
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let range = Range::input(ctx, 2, ["min_input", "max_input"])?;
        let filter_range = Range::input(ctx, 4, ["min_filter", "max_filter"])?;
        let sizes = sizes(ctx, stride, valid)?;
        let [batch, filters] = [sizes.input[0], sizes.filter[3]];
        let [rows, columns] = sizes.output;
        let mut out = ctx.allocate(DType::Qint32, [batch, rows, columns, filters])?;
        let zero = filter_range.unclamped::<T>(0.0) as i32;
        let filter: Vec<i32> =
            ctx.input(1).as_slice::<T>()?.iter().map(|x| x.value().wrapping_sub(zero)).collect();
        let zero = range.unclamped::<Quint8>(0.0) as i32;
        let depth = filter.len() / filters;
        let images = ctx.input(0).as_slice::<Quint8>()?;
        let mut sums = vec![0_i32; rows * columns * filters];
        for (image, out) in out.as_mut_slice::<Qint32>()?.chunks_exact_mut(sums.len()).enumerate() {
            let size = images.len() / batch;
            let patches = sizes.patches(&images[image * size..(image + 1) * size], zero);
            let shape = [rows * columns, depth, filters];
            gemm::integer(shape, View::new(&patches, depth), View::new(&filter, filters), &mut sums);
            out.iter_mut().zip(&sums).for_each(|(out, &sum)| *out = Qint32(sum));
        }
        give(ctx, out, Range::of_products::<Quint8, T>(range, filter_range));
        Ok(())
    }))
}

impl Sizes {
    /// The cells of each window of an image, less the code of zero.
    fn patches(&self, image: &[Quint8], zero: i32) -> Vec<i32> {
        let ([_, height, width, channels], [window_rows, window_columns, ..]) = (self.input, self.filter);
        // What padding counts as: nothing, or the code of zero in eight bits where that is too large for them.
        let padding = if zero < 0 { 0 } else { i32::from(zero as u8).wrapping_sub(zero) };
        let before = |axis: usize| {
            let reach = (self.output[axis] - 1) * self.stride + self.filter[axis];
            (reach as i64 - self.input[axis + 1] as i64) / 2
        };
        let [top, left] = [before(0), before(1)];
        let mut patches =
            Vec::with_capacity(self.output[0] * self.output[1] * window_rows * window_columns * channels);
        for window in 0..self.output[0] * self.output[1] {
            let (y, x) = (window / self.output[1], window % self.output[1]);
            for cell in 0..window_rows * window_columns {
                let row = (y * self.stride + cell / window_columns) as i64 - top;
                let column = (x * self.stride + cell % window_columns) as i64 - left;
                match (usize::try_from(row), usize::try_from(column)) {
                    (Ok(row), Ok(column)) if row < height && column < width => {
                        let cells = &image[(row * width + column) * channels..][..channels];
                        patches.extend(cells.iter().map(|x| i32::from(x.0).wrapping_sub(zero)));
                    }
                    _ => patches.extend(std::iter::repeat_n(padding, channels)),
                }
            }
        }
        patches
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "QuantizedConv2D";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "strides=[1,1,1,1] padding=VALID",
                    "quint8[1,1,2,1] 85 90; quint8[1,1,1,2] 128 130; float[] -1; float[] 2; float[] -1; float[] 1",
                    "qint32[1,1,2,2] 0 0 0 10; float[] -198153.06; float[] 198153.06",
                ),
                (
                    op,
                    "strides=[1,1,2,1] padding=VALID",
                    "quint8[1,1,1,1] 1; quint8[1,1,1,1] 1; float[] -1; float[] 2; float[] -1; float[] 1",
                    "INVALID_ARGUMENT: Current implementation only supports equal length strides",
                ),
                (
                    op,
                    "strides=[1,1,1,1] padding=VALID",
                    "quint8[1,1,1,1] 1; quint8[1,1,1,0]; float[] -1; float[] 2; float[] -1; float[] 1",
                    "INVALID_ARGUMENT: input and filter must not be empty",
                ),
                (
                    op,
                    "strides=[1,1,1,1] padding=VALID",
                    "quint8[1,1,1,1] 1; quint8[1,1,1,1] 1; float[0]; float[] 2; float[] -1; float[] 1",
                    "INVALID_ARGUMENT: `min_input` must be rank 0 but is rank 1",
                ),
                (
                    op,
                    "strides=[1,1,1,1] padding=VALID",
                    "quint8[1,1,1,1] 1; quint8[2,1,1,1] 1 1; float[] -1; float[] 2; float[] -1; float[] 1",
                    "INVALID_ARGUMENT: Computed output size would be negative",
                ),
                (
                    op,
                    "strides=[1,1,1,1] padding=SAME",
                    "quint8[1,1,1,2] 1 1; quint8[1,1,1,1] 1; float[] -1; float[] 2; float[] -1; float[] 1",
                    "INVALID_ARGUMENT: input and filter must have the same depth: 2 vs 1",
                ),
            ],
        );
    }
}
