//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Code, Element, Error, PartialShape, Qint8, Quint8, Result, Tensor};

use crate::layout::{Images, format_of};
use crate::max_pool::check_rank_3d;
use crate::pool::attributes::{Attributes, check_rank, shape};
use crate::pool::fold::{FiniteMax, Fold};
use crate::pool::run;
use crate::window;

/// The mean or maximum of each window of 8-bit codes, channels innermost; the range stays.
///
/// Means are cut off toward zero. In three dimensions `data_format` says nothing.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedAvgPool>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedMaxPool>
pub const OPS: &[Op] = &[
    Op { name: "QuantizedAvgPool", ..COMMON },
    Op { name: "QuantizedMaxPool", kernels: by_dtype!("T"; maximum: Qint8 Quint8), ..COMMON },
    Op {
        name: "_QuantizedMaxPool3D",
        attrs: &[
            "T: {qint8, quint8, qint32, qint16, quint16}",
            "ksize: list(int) >= 5",
            "strides: list(int) >= 5",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'",
        ],
        shape: |ctx| pooled(ctx, 3),
        kernels: by_dtype!("T"; maximum_3d: Qint8 Quint8),
        ..COMMON
    },
];

const COMMON: Op = Op {
    name: "",
    inputs: &["input: T", "min_input: float", "max_input: float"],
    outputs: &["output: T", "min_output: float", "max_output: float"],
    attrs: &[
        "T: {qint8, quint8, qint32, qint16, quint16}",
        "ksize: list(int)",
        "strides: list(int)",
        "padding: {'SAME', 'VALID'}",
    ],
    effect: Effect::Pure,
    shape: |ctx| pooled(ctx, 2),
    kernels: by_dtype!("T"; mean: Qint8 Quint8),
};

fn pooled(ctx: &ShapeContext<'_>, spatial: usize) -> Result<Vec<PartialShape>> {
    // Shapes are inferred by the data format, which the kernel does not look at.
    let output = match format_of(ctx) {
        true => PartialShape::of_rank(spatial + 2),
        false => shape(ctx, spatial)?.swap_remove(0),
    };
    Ok(vec![output, PartialShape::of_rank(0), PartialShape::of_rank(0)])
}

/// An 8-bit code.
trait Coded: Element {
    fn wide(self) -> i32;
    fn of(wide: i32) -> Self;
}

macro_rules! codes {
    ($($t:ident($inner:ty);)*) => {$(
        impl Coded for $t {
            fn wide(self) -> i32 {
                self.0.into()
            }
            fn of(wide: i32) -> $t {
                $t(wide.clamp(<$inner>::MIN.into(), <$inner>::MAX.into()) as $inner)
            }
        }
    )*};
}

codes! { Qint8(i8); Quint8(u8); }

/// The mean of the cells inside the image, cut off toward zero.
struct WholeMean;

impl Fold<i32> for WholeMean {
    const START: i32 = 0;
    #[inline(always)]
    fn step(so_far: i32, x: i32) -> i32 {
        so_far.wrapping_add(x)
    }
    #[inline(always)]
    fn finish(so_far: i32, count: usize) -> i32 {
        if count == 0 { 0 } else { so_far / count as i32 }
    }
}

fn mean<T: Coded>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T, WholeMean>(node)
}

fn maximum<T: Coded>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T, FiniteMax>(node)
}

/// The kernel does not look at `data_format`: channels are innermost.
fn maximum_3d<T: Coded>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let padding = window::padding(node, 3, false)?;
    let steps: [Vec<i64>; 2] = [node.attr("ksize")?, node.attr("strides")?];
    let attributes = Attributes::new(3, false, steps.clone(), padding, bad_window)?;
    if attributes.depth_window != 1 {
        // The kernel takes windows over channels alone, which its library then refuses.
        let alone = steps[0][1..4] == [1; 3] && steps[0][4] == steps[1][4];
        return Err(if alone { no_window() } else { node.unimplemented("ksize") });
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_rank_3d(ctx.input(0).shape())?;
        let [min, max] = ends(ctx)?;
        let out = pooled_codes::<T, FiniteMax>(ctx, &attributes)?;
        if ctx.input(0).elements() == 0 {
            // Where there is nothing to do, the kernel forgets the range.
            return Err(Error::internal("Missing 1-th output from _QuantizedMaxPool3D"));
        }
        if out.elements() == 0 {
            return Err(no_window());
        }
        finish(ctx, out, [min, max])
    }))
}

fn no_window() -> Error {
    Error::new(Code::Aborted, "no such window fits into the images")
}

fn bad_window(_: &[i64]) -> String {
    "Sliding window ksize must be positive.".to_owned()
}

fn build<T: Coded, F: Fold<i32>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let attributes = Attributes::of(node, 2, bad_window)?;
    attributes.refuse_depth(false, "Non-spatial pooling is not yet supported. Volunteers? :)")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let range = ends(ctx)?;
        check_rank(ctx.input(0).shape(), false)?;
        let out = pooled_codes::<T, F>(ctx, &attributes)?;
        finish(ctx, out, range)
    }))
}

/// What the least and the greatest code mean.
fn ends(ctx: &Context<'_>) -> Result<[f32; 2]> {
    let [min, max] = [(1, "min_input"), (2, "max_input")].map(|(i, name)| match ctx.input(i).rank() {
        0 => ctx.input(i).to_scalar::<f32>(),
        rank => Err(Error::invalid_argument(format!(
            "{name} shape must be rank 0 but is rank {rank}, received shape: {}",
            ctx.input(i).shape()
        ))),
    });
    Ok([min?, max?])
}

fn pooled_codes<T: Coded, F: Fold<i32>>(ctx: &Context<'_>, attributes: &Attributes) -> Result<Tensor> {
    let input = ctx.input(0);
    let wide: Vec<i32> = input.as_slice::<T>()?.iter().map(|x| x.wide()).collect();
    let wide = Tensor::from_vec(input.shape(), wide)?;
    let images = Images::of(input.shape(), false);
    let dims = attributes.dims(images.space)?;
    let output = Images { space: dims.map(|dim| dim.output), ..images }.shape(attributes.spatial, false);
    let mut pooled = ctx.allocate(i32::DTYPE, &output)?;
    run::<i32, F>(&wide, &dims, false, &mut pooled)?;
    let mut out = ctx.allocate(T::DTYPE, output)?;
    let pairs = out.as_mut_slice::<T>()?.iter_mut().zip(pooled.as_slice::<i32>()?);
    pairs.for_each(|(out, &x)| *out = T::of(x));
    Ok(out)
}

fn finish(ctx: &mut Context<'_>, out: Tensor, [min, max]: [f32; 2]) -> Result<()> {
    ctx.set(0, out);
    ctx.set(1, Tensor::scalar(min));
    ctx.set(2, Tensor::scalar(max));
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (mean, maximum) = ("QuantizedAvgPool", "QuantizedMaxPool");
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    mean,
                    "ksize=[1,2,2,1] strides=[1,2,2,1] padding=VALID",
                    "qint8[1,2,2,1] -1 -2 -4 -4; float[] -1; float[] 1",
                    "qint8[1,1,1,1] -2; float[] -1; float[] 1",
                ),
                (
                    mean,
                    "ksize=[1,1,3,1] strides=[1,1,2,1] padding=SAME",
                    "quint8[1,1,4,1] 1 2 4 255; float[] -1; float[] 1",
                    "quint8[1,1,2,1] 2 129; float[] -1; float[] 1",
                ),
                (
                    maximum,
                    "ksize=[1,1,2,1] strides=[1,1,2,1] padding=VALID",
                    "qint8[1,1,4,1] -5 -2 4 127; float[] -1; float[] 1",
                    "qint8[1,1,2,1] -2 127; float[] -1; float[] 1",
                ),
                (
                    maximum,
                    "ksize=[1,1,2,1] strides=[1,1,2,1] padding=VALID",
                    "quint8[1,1,2,1] 1 2; float[0]; float[] 1",
                    "INVALID_ARGUMENT: min_input shape must be rank 0 but is rank 1, received shape: [0]",
                ),
                (
                    "_QuantizedMaxPool3D",
                    "ksize=[1,2,1,2,1] strides=[1,1,1,2,1] padding=SAME data_format=NCDHW",
                    "quint8[1,2,1,3,1] 1 9 255 4 5 6; float[] -1; float[] 1",
                    "quint8[1,2,1,2,1] 9 255 5 6; float[] -1; float[] 1",
                ),
                (
                    mean,
                    "ksize=[1,1,2,1] strides=[1,1,2,1] padding=VALID",
                    "quint8[1,1,2] 1 2; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: tensor_in",
                ),
            ],
        );
    }
}
