//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Qint8, Quint8, Result, Tensor};

use crate::layout::Images;
use crate::pool::attributes::{Attributes, check_rank, shape};
use crate::pool::fold::{FiniteMax, Fold};
use crate::pool::run;

/// The mean or maximum of each window of 8-bit codes, channels innermost; the range stays.
///
/// Means are cut off toward zero.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedAvgPool>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedMaxPool>
pub const OPS: &[Op] = &[
    Op { name: "QuantizedAvgPool", ..COMMON },
    Op { name: "QuantizedMaxPool", kernels: by_dtype!("T"; maximum: Qint8 Quint8), ..COMMON },
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
    shape: pooled,
    kernels: by_dtype!("T"; mean: Qint8 Quint8),
};

fn pooled(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let output = shape(ctx, 2)?.swap_remove(0);
    Ok(vec![output, PartialShape::of_rank(0), PartialShape::of_rank(0)])
}

/// An 8-bit code.
trait Code: Element {
    fn wide(self) -> i32;
    fn of(wide: i32) -> Self;
}

macro_rules! codes {
    ($($t:ident($inner:ty);)*) => {$(
        impl Code for $t {
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

fn mean<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T, WholeMean>(node)
}

fn maximum<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T, FiniteMax>(node)
}

fn build<T: Code, F: Fold<i32>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let attributes = Attributes::of(node, 2, |_| "Sliding window ksize must be positive.".to_owned())?;
    attributes.refuse_depth(false, "Non-spatial pooling is not yet supported. Volunteers? :)")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let range = [(1, "min_input"), (2, "max_input")].map(|(i, name)| match ctx.input(i).rank() {
            0 => ctx.input(i).to_scalar::<f32>(),
            rank => Err(Error::invalid_argument(format!(
                "{name} shape must be rank 0 but is rank {rank}, received shape: {}",
                ctx.input(i).shape()
            ))),
        });
        let [min, max] = range;
        let (min, max) = (min?, max?);
        let input = ctx.input(0);
        check_rank(input.shape(), false)?;
        let wide: Vec<i32> = input.as_slice::<T>()?.iter().map(|x| x.wide()).collect();
        let wide = Tensor::from_vec(input.shape(), wide)?;
        let images = Images::of(input.shape(), false);
        let dims = attributes.dims(images.space)?;
        let output = Images { space: dims.map(|dim| dim.output), ..images }.shape(2, false);
        let mut pooled = ctx.allocate(i32::DTYPE, &output)?;
        run::<i32, F>(&wide, &dims, false, &mut pooled)?;
        let mut out = ctx.allocate(T::DTYPE, output)?;
        let pairs = out.as_mut_slice::<T>()?.iter_mut().zip(pooled.as_slice::<i32>()?);
        pairs.for_each(|(out, &x)| *out = T::of(x));
        ctx.set(0, out);
        ctx.set(1, Tensor::scalar(min));
        ctx.set(2, Tensor::scalar(max));
        Ok(())
    }))
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
                    mean,
                    "ksize=[1,1,2,1] strides=[1,1,2,1] padding=VALID",
                    "quint8[1,1,2] 1 2; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: tensor_in",
                ),
            ],
        );
    }
}
