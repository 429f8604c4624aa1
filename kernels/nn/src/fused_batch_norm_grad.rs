//! See [`OPS`].

use savedmodel_math::{map, par, reduce};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, bf16, f16};

use crate::conv::element::Convolve;
use crate::layout::{Images, inner_channels, is_channels_first, with_layout};

/// The gradients of `FusedBatchNorm` and its later versions: those of the images, of scale and of offset.
///
/// In training, mean and variance are functions of the images, else they are constants. The last two outputs are empty in
/// training, and zeros of the channels else. Both data formats are taken; 16-bit floats are computed in single precision.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FusedBatchNormGradV3>
pub const OPS: &[Op] = &[
    Op {
        name: "FusedBatchNormGrad",
        inputs: &["y_backprop: T", "x: T", "scale: T", "reserve_space_1: T", "reserve_space_2: T"],
        outputs: &[
            "x_backprop: T",
            "scale_backprop: T",
            "offset_backprop: T",
            "reserve_space_3: T",
            "reserve_space_4: T",
        ],
        attrs: &["T: {float}", EPSILON, "data_format: {'NHWC', 'NCHW'} = 'NHWC'", TRAINING],
        kernels: by_dtype!("T"; build: f32),
        ..V2
    },
    V2,
    Op {
        name: "FusedBatchNormGradV3",
        inputs: &[
            "y_backprop: T",
            "x: T",
            "scale: float",
            "reserve_space_1: U",
            "reserve_space_2: U",
            "reserve_space_3: U",
        ],
        outputs: &[
            "x_backprop: T",
            "scale_backprop: U",
            "offset_backprop: U",
            "reserve_space_4: U",
            "reserve_space_5: U",
        ],
        attrs: &[
            "T: {half, bfloat16, float}",
            "U: {float}",
            EPSILON,
            "data_format: {'NHWC', 'NCHW', 'NDHWC', 'NCDHW'} = 'NHWC'",
            TRAINING,
        ],
        ..V2
    },
];

const V2: Op = Op {
    name: "FusedBatchNormGradV2",
    inputs: &["y_backprop: T", "x: T", "scale: float", "reserve_space_1: U", "reserve_space_2: U"],
    outputs: &[
        "x_backprop: T",
        "scale_backprop: U",
        "offset_backprop: U",
        "reserve_space_3: U",
        "reserve_space_4: U",
    ],
    attrs: &[
        "T: {half, bfloat16, float}",
        "U: {float}",
        EPSILON,
        "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
        TRAINING,
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f16 bf16),
};

const EPSILON: &str = "epsilon: float = 9.999999747378752e-05";
const TRAINING: &str = "is_training: bool = true";

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let y = ctx.input(0);
    let first = crate::layout::format_of(ctx);
    let channels = y.dims().and_then(|dims| if first { *dims.get(1)? } else { *dims.last()? });
    let vector = PartialShape::new([channels]);
    let rest = PartialShape::of_rank(1);
    Ok(vec![y, vector.clone(), vector, rest.clone(), rest])
}

/// What a node asks for.
struct Norm {
    epsilon: f32,
    channels_first: bool,
    training: bool,
}

fn build<T: Convolve<Wide = f32>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let norm = Norm {
        epsilon: node.attr("epsilon")?,
        channels_first: is_channels_first(&node.attr::<String>("data_format")?),
        training: node.attr("is_training")?,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let images = norm.check(ctx)?;
        let read = |i: usize| inner_channels::<T>(ctx.input(i), &images, norm.channels_first);
        let [scale, mean, variance] = [2, 3, 4].map(|i| ctx.input(i).as_slice::<f32>());
        let statistics = [scale?, mean?, variance?];
        let mut out = ctx.allocate(T::DTYPE, ctx.input(1).shape())?;
        let (gradient, x) = (read(0)?, read(1)?);
        let (gradient, x) = (T::widen(&gradient), T::widen(&x));
        let mut sums = [Vec::new(), Vec::new()];
        with_layout(&mut out, &images, norm.channels_first, |out: &mut [T]| {
            T::round(out, |out| sums = norm.gradients(&gradient, &x, statistics, out));
        })?;
        let [scale, offset] = sums;
        ctx.set(0, out);
        ctx.set(1, Tensor::from_vec([images.channels], scale)?);
        ctx.set(2, Tensor::from_vec([images.channels], offset)?);
        for i in 3..5 {
            ctx.set(i, Tensor::from_vec([0], Vec::<f32>::new())?);
        }
        Ok(())
    }))
}

impl Norm {
    fn check(&self, ctx: &Context<'_>) -> Result<Images> {
        let (gradient, x) = (ctx.input(0), ctx.input(1));
        for (name, tensor) in [("y_backprop", gradient), ("x", x)] {
            if !matches!(tensor.rank(), 4 | 5) {
                let text = format!("{name} must be 4 or 5-dimensional{}", tensor.shape());
                return Err(Error::invalid_argument(text));
            }
        }
        if gradient.shape() != x.shape() {
            return Err(Error::invalid_argument("x and y_backprop must have same shape"));
        }
        let images = Images::of(x.shape(), self.channels_first);
        for (i, name) in (2..).zip(["scale", "saved_mean", "saved_maybe_inv_var_or_var"]) {
            let shape = ctx.input(i).shape();
            if shape.rank() != 1 {
                return Err(Error::invalid_argument(format!("{name} must be 1-dimensional{shape}")));
            }
            if shape[0] != images.channels {
                return Err(Error::invalid_argument(format!(
                    "{name} must have the same number of elements as the channels of x, got {} and {}",
                    shape[0], images.channels
                )));
            }
        }
        Ok(images)
    }

    /// Writes the gradients of the images `x`, and gives those of scale and offset; channels are innermost.
    fn gradients(
        &self,
        gradient: &[f32],
        x: &[f32],
        [scale, mean, variance]: [&[f32]; 3],
        out: &mut [f32],
    ) -> [Vec<f32>; 2] {
        let channels = mean.len();
        let rows = x.len() / channels.max(1);
        let mut sums = [vec![0.0; channels], vec![0.0; channels]];
        if x.is_empty() {
            return sums;
        }
        reduce::sum(gradient, [1, rows, channels], &mut sums[1]);
        sums[0] = sum_of_products(gradient, x, mean);
        let inverse: Vec<f32> =
            variance.iter().map(|variance| 1.0 / (variance + self.epsilon).sqrt()).collect();
        let factor: Vec<f32> = inverse.iter().zip(scale).map(|(inverse, scale)| inverse * scale).collect();
        // What mean and variance give back: nothing where they are constants.
        let constants = |sums: &[f32]| match self.training {
            true => sums.iter().map(|sum| sum / rows as f32).collect(),
            false => vec![0.0; channels],
        };
        let offsets: Vec<f32> = constants(&sums[1]);
        let slopes = constants(&sums[0]);
        let slopes: Vec<f32> =
            slopes.iter().zip(variance).map(|(s, variance)| s / (variance + self.epsilon)).collect();
        let grain = (par::grain(map::CHEAP) / channels).max(1);
        par::for_rows_mut(out, channels, grain, |first, out| {
            let cells = first * channels..first * channels + out.len();
            let rows = gradient[cells.clone()].chunks_exact(channels).zip(x[cells].chunks_exact(channels));
            for (out, (gradient, x)) in out.chunks_exact_mut(channels).zip(rows) {
                for (i, out) in out.iter_mut().enumerate() {
                    *out = match self.training {
                        true => factor[i] * (gradient[i] - offsets[i] - (x[i] - mean[i]) * slopes[i]),
                        false => gradient[i] * factor[i],
                    };
                }
            }
        });
        sums[0].iter_mut().zip(&inverse).for_each(|(sum, inverse)| *sum *= inverse);
        sums
    }
}

/// For each channel the sum of what the gradients make with the distances from the means.
fn sum_of_products(gradient: &[f32], x: &[f32], mean: &[f32]) -> Vec<f32> {
    /// Products that stay close until they are added up.
    const BLOCK: usize = 1 << 12;
    let channels = mean.len();
    let block = BLOCK.div_ceil(channels) * channels;
    let (mut products, mut parts) = (vec![0.0; block.min(x.len())], Vec::new());
    for (gradient, x) in gradient.chunks(block).zip(x.chunks(block)) {
        let products = &mut products[..x.len()];
        let rows = gradient.chunks_exact(channels).zip(x.chunks_exact(channels));
        for (products, (gradient, x)) in products.chunks_exact_mut(channels).zip(rows) {
            for (product, ((gradient, x), mean)) in products.iter_mut().zip(gradient.iter().zip(x).zip(mean))
            {
                *product = gradient * (x - mean);
            }
        }
        let first = parts.len();
        parts.resize(first + channels, 0.0);
        reduce::sum(products, [1, products.len() / channels, channels], &mut parts[first..]);
    }
    let mut sums = vec![0.0; channels];
    reduce::sum(&parts, [1, parts.len() / channels, channels], &mut sums);
    sums
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let images =
            "float[1,1,2,2] 1 2 3 6; float[1,1,2,2] 0 1 2 1; float[2] 1 2; float[2] 1 1; float[2] 1 3";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "FusedBatchNormGrad",
                    "epsilon=0.0 is_training=false",
                    images,
                    "float[1,1,2,2] 1 2.309401 3 6.928203; float[2] 2 0; float[2] 4 8; float[0]; float[0]",
                ),
                (
                    "FusedBatchNormGrad",
                    "epsilon=1.0",
                    images,
                    "float[1,1,2,2] -0.3535534 -2 0.3535534 2; float[2] 1.4142135 0; float[2] 4 8; float[0]; float[0]",
                ),
                (
                    "FusedBatchNormGradV3",
                    "is_training=false data_format=NCHW epsilon=1.0",
                    "half[1,2,1,1] 1 2; half[1,2,1,1] 3 4; float[2] 1 2; float[2] 1 1; float[2] 0 3; float[0]",
                    "half[1,2,1,1] 1 2; float[2] 2 3; float[2] 1 2; float[0]; float[0]",
                ),
                (
                    "FusedBatchNormGradV2",
                    "",
                    "float[1,1,1,2] 1 2; float[1,1,1,2] 3 4; float[2] 1 2; float[3] 1 1 1; float[2] 0 3",
                    "INVALID_ARGUMENT: saved_mean must have the same number of elements as the channels of x, got 3 and 2",
                ),
            ],
        );
    }
}
