//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor, bf16, f16};

use crate::batch_norm::affine::Affine;
use crate::batch_norm::moments;
use crate::conv::element::Convolve;
use crate::layout::{Images, inner_channels, is_channels_first};

/// Normalises the channels of images or volumes, with given means and variances or those of the batch.
///
/// In inference the outputs after the first are the given means and variances. In training they are the running mean and
/// variance (corrected by Bessel), then the batch's own, uncorrected; without rows NaN, then zeros.
/// `_FusedBatchNormEx` adds another tensor and cuts off what is below zero.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FusedBatchNormV3>
pub const OPS: &[Op] = &[
    Op {
        name: "FusedBatchNorm",
        inputs: &["x: T", "scale: T", "offset: T", "mean: T", "variance: T"],
        outputs: &["y: T", "batch_mean: T", "batch_variance: T", "reserve_space_1: T", "reserve_space_2: T"],
        attrs: &["T: {float}", EPSILON, FACTOR, "data_format: {'NHWC', 'NCHW'} = 'NHWC'", TRAINING],
        kernels: by_dtype!("T"; build: f32),
        ..V2
    },
    V2,
    Op {
        name: "FusedBatchNormV3",
        outputs: OUTPUTS_V3,
        attrs: &[
            "T: {half, bfloat16, float}",
            "U: {bfloat16, float}",
            EPSILON,
            FACTOR,
            "data_format: {'NHWC', 'NCHW', 'NDHWC', 'NCDHW'} = 'NHWC'",
            TRAINING,
        ],
        ..V2
    },
    Op {
        name: "_FusedBatchNormEx",
        inputs: &[
            "x: T",
            "scale: U",
            "offset: U",
            "mean: U",
            "variance: U",
            "side_input: num_side_inputs * T",
        ],
        outputs: OUTPUTS_V3,
        attrs: &[
            "T: {half, float, bfloat16}",
            "U: {float}",
            EPSILON,
            FACTOR,
            "num_side_inputs: int >= 0 = 0",
            "activation_mode: string = 'Identity'",
            "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
            TRAINING,
        ],
        ..V2
    },
];

const V2: Op = Op {
    name: "FusedBatchNormV2",
    inputs: &["x: T", "scale: U", "offset: U", "mean: U", "variance: U"],
    outputs: &["y: T", "batch_mean: U", "batch_variance: U", "reserve_space_1: U", "reserve_space_2: U"],
    attrs: &[
        "T: {half, bfloat16, float}",
        "U: {float}",
        EPSILON,
        FACTOR,
        "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
        TRAINING,
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f16 bf16),
};

const EPSILON: &str = "epsilon: float = 9.999999747378752e-05";
const FACTOR: &str = "exponential_avg_factor: float = 1.0";
const TRAINING: &str = "is_training: bool = true";
const OUTPUTS_V3: &[&str] = &[
    "y: T",
    "batch_mean: U",
    "batch_variance: U",
    "reserve_space_1: U",
    "reserve_space_2: U",
    "reserve_space_3: U",
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let x = ctx.input(0);
    let first = crate::layout::format_of(ctx);
    let channels = x.dims().and_then(|dims| if first { *dims.get(1)? } else { *dims.last()? });
    let mut shapes = vec![PartialShape::new([channels]); ctx.outputs];
    shapes[0] = x;
    if ctx.outputs == 6 {
        shapes[5] = PartialShape::of_rank(0);
    }
    Ok(shapes)
}

/// What a node asks for.
struct Norm {
    epsilon: f32,
    factor: f32,
    channels_first: bool,
    training: bool,
    relu: bool,
}

fn build<T: Convolve<Wide = f32>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.attrs().get("U").is_some() && node.attr::<DType>("U")? != DType::Float {
        return Err(node.unimplemented("U"));
    }
    let activation = match node.attrs().get("activation_mode") {
        Some(_) => node.attr::<String>("activation_mode")?,
        None => "Identity".to_owned(),
    };
    if !matches!(activation.as_str(), "Identity" | "Relu") {
        return Err(node.unimplemented("activation_mode"));
    }
    let norm = Norm {
        epsilon: node.attr("epsilon")?,
        factor: node.attr("exponential_avg_factor")?,
        channels_first: is_channels_first(&node.attr::<String>("data_format")?),
        training: node.attr("is_training")?,
        relu: activation == "Relu",
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let outputs = norm.compute::<T>(ctx)?;
        for (i, output) in outputs.into_iter().enumerate().take(ctx.output_len()) {
            ctx.set(i, output);
        }
        Ok(())
    }))
}

impl Norm {
    fn compute<T: Convolve<Wide = f32>>(&self, ctx: &Context<'_>) -> Result<[Tensor; 6]> {
        let x = ctx.input(0);
        if !matches!(x.rank(), 4 | 5) {
            return Err(Error::invalid_argument(format!("input must be 4 or 5-dimensional{}", x.shape())));
        }
        let images = Images::of(x.shape(), self.channels_first);
        self.check(ctx, images.channels)?;
        let [scale, offset, mean, variance] = [1, 2, 3, 4].map(|i| ctx.input(i).as_slice::<f32>());
        let (scale, offset, mean, variance) = (scale?, offset?, mean?, variance?);
        let rows = images.batch * images.pixels();
        let own = match self.training {
            true => {
                moments(&T::widen(&inner_channels::<T>(x, &images, self.channels_first)?), images.channels)
            }
            false => [mean.to_vec(), variance.to_vec()],
        };
        let factor = own[1].iter().zip(scale).map(|(v, s)| 1.0 / (v + self.epsilon).sqrt() * s).collect();
        let affine = Affine { mean: own[0].clone(), factor, offset: offset.to_vec() };
        let mut y = ctx.allocate(T::DTYPE, x.shape())?;
        let inner = if self.channels_first { images.pixels() } else { 1 };
        let data = T::widen(x.as_slice()?);
        let side = self.side::<T>(ctx)?;
        T::round(y.as_mut_slice()?, |y| affine.apply(&data, y, inner, &side, self.relu));
        let vector = |values: Vec<f32>| Tensor::from_vec([images.channels], values);
        let [running_mean, running_variance] = self.running(&own, [mean, variance], rows);
        let [mean, variance] = own;
        Ok([
            y,
            vector(running_mean)?,
            vector(running_variance)?,
            vector(mean)?,
            vector(variance)?,
            Tensor::scalar(0.0_f32),
        ])
    }

    /// The tensor to add.
    fn side<T: Convolve<Wide = f32>>(&self, ctx: &Context<'_>) -> Result<Vec<f32>> {
        if ctx.input_len() == 5 {
            return Ok(Vec::new());
        }
        let (x, side) = (ctx.input(0).shape(), ctx.input(5));
        if side.shape() != x {
            return Err(Error::invalid_argument(format!(
                "side_input shape must be equal to input shape: {} != {x}",
                side.shape()
            )));
        }
        Ok(T::widen(side.as_slice()?).into_owned())
    }

    fn running(&self, own: &[Vec<f32>; 2], given: [&[f32]; 2], rows: usize) -> [Vec<f32>; 2] {
        if rows == 0 {
            return [vec![f32::NAN; own[0].len()], vec![f32::NAN; own[1].len()]];
        }
        if !self.training {
            return own.clone();
        }
        let correction = rows as f32 / (rows - 1).max(1) as f32;
        [0, 1].map(|i| {
            let correction = if i == 1 { correction } else { 1.0 };
            let own = own[i].iter().map(|value| value * correction);
            if self.factor == 1.0 {
                own.collect()
            } else {
                let mix = |(own, given): (f32, &f32)| (1.0 - self.factor) * given + self.factor * own;
                own.zip(given[i]).map(mix).collect()
            }
        })
    }

    fn check(&self, ctx: &Context<'_>, channels: usize) -> Result<()> {
        let names = ["scale", "offset", "estimated_mean", "estimated_variance"];
        for (i, name) in (1..).zip(names) {
            let shape = ctx.input(i).shape();
            if shape.rank() != 1 {
                return Err(Error::invalid_argument(format!("{name} must be 1-dimensional{shape}")));
            }
        }
        let when = match (self.training, self.factor == 1.0) {
            (false, _) => "When is_training=false, ",
            (true, false) => "When exponential_avg_factor != 1, ",
            (true, true) => "",
        };
        let used = if when.is_empty() { 2 } else { 4 };
        for (i, name) in (1..=used).zip(["scale", "offset", "mean", "variance"]) {
            check_channels(if i > 2 { when } else { "" }, name, ctx.input(i).shape(), channels)?;
        }
        Ok(())
    }
}

fn check_channels(when: &str, name: &str, shape: &Shape, channels: usize) -> Result<()> {
    if shape[0] != channels {
        return Err(Error::invalid_argument(format!(
            "{when}{name} must have the same number of elements as the channels of x, got {} and {channels}",
            shape[0]
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "FusedBatchNormV3",
                    "is_training=true exponential_avg_factor=0.5",
                    "float[1,2,1,3] 1 2 3 4 5 7; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 1 1; float[3] 2 2 2",
                    "float[1,2,1,3] 2.217293e-05 4.434586e-05 3.767014e-05 1.999978 3.999956 5.999962; float[3] 1.75 2.25 3; float[3] 3.25 3.25 5; float[3] 2.5 3.5 5; float[3] 2.25 2.25 4; float[] 0",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=true exponential_avg_factor=0.5",
                    "float[1,2,1,3] 1 2 3 4 5 7; float[3] 1 2 3; float[3] 1 2 3; float[0]; float[0]",
                    "INVALID_ARGUMENT: When exponential_avg_factor != 1, mean must have the same number of elements as the channels of x, got 0 and 3",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=true",
                    "float[1,2,1,3] 1 2 3 4 5 7; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3",
                    "float[1,2,1,3] 2.217293e-05 4.434586e-05 3.767014e-05 1.999978 3.999956 5.999962; float[3] 2.5 3.5 5; float[3] 4.5 4.5 8; float[3] 2.5 3.5 5; float[3] 2.25 2.25 4; float[] 0",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=true",
                    "float[1,1,1,3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3; float[0]; float[0]",
                    "float[1,1,1,3] 1 2 3; float[3] 1 2 3; float[3] 0 0 0; float[3] 1 2 3; float[3] 0 0 0; float[] 0",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=true",
                    "float[0,1,1,3]; float[3] 1 2 3; float[3] 1 2 3; float[0]; float[0]",
                    "float[0,1,1,3]; float[3] NaN NaN NaN; float[3] NaN NaN NaN; float[3] 0 0 0; float[3] 0 0 0; float[] 0",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=true",
                    "float[1,1,1,0]; float[0]; float[0]; float[0]; float[0]",
                    "float[1,1,1,0]; float[0]; float[0]; float[0]; float[0]; float[] 0",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=false",
                    "float[1,2,1,3] 1 2 3 4 5 7; float[1,3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3",
                    "INVALID_ARGUMENT: scale must be 1-dimensional[1,3]",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=false",
                    "float[1,2,1,3] 1 2 3 4 5 7; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3; float[2] 1 2",
                    "INVALID_ARGUMENT: When is_training=false, variance must have the same number of elements as the channels of x, got 2 and 3",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=false",
                    "float[1,2,1,3] 1 2 3 4 5 7; float[3] 1 2 3; float[2] 1 2; float[3] 1 2 3; float[3] 1 2 3",
                    "INVALID_ARGUMENT: offset must have the same number of elements as the channels of x, got 2 and 3",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=false",
                    "float[1,2,1,3] 1 2 3 4 5 7; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3; float[] 1",
                    "INVALID_ARGUMENT: estimated_variance must be 1-dimensional[]",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=false epsilon=0.0",
                    "float[1,2,1,3] 1 2 3 4 5 7; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3; float[3] 0 -1 NaN",
                    "float[1,2,1,3] NaN NaN NaN inf NaN NaN; float[3] 1 2 3; float[3] 0 -1 NaN; float[3] 1 2 3; float[3] 0 -1 NaN; float[] 0",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=false data_format=NCHW",
                    "float[1,2,1,3] 1 2 3 4 5 7; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3",
                    "INVALID_ARGUMENT: scale must have the same number of elements as the channels of x, got 3 and 2",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=true data_format=NCHW",
                    "float[2,2,1,3] 1 2 3 4 5 7 8 3 2 4 4 5; float[2] 1 2; float[2] 1 2; float[0]; float[0]",
                    "float[2,2,1,3] 0.04423028 0.4853547 0.9264792 0.4383307 2.312334 6.060339 3.132102 0.9264792 0.4853547 0.4383307 0.4383307 2.312334; float[2] 3.166667 4.833333; float[2] 6.166667 1.366667; float[2] 3.166667 4.833333; float[2] 5.138889 1.138889; float[] 0",
                ),
                (
                    "FusedBatchNormV3",
                    "is_training=false",
                    "float[1,1,2,1,3] 1 2 3 4 5 7; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3",
                    "float[1,1,2,1,3] 1 2 3 3.99985 6.242535 9.928088; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3; float[3] 1 2 3; float[] 0",
                ),
                (
                    "FusedBatchNorm",
                    "is_training=true",
                    "float[1,2,1,3] 1 2 3 4 5 7; float[3] 1 2 3; float[3] 1 2 3; float[0]; float[0]",
                    "float[1,2,1,3] 2.217293e-05 4.434586e-05 3.767014e-05 1.999978 3.999956 5.999962; float[3] 2.5 3.5 5; float[3] 4.5 4.5 8; float[3] 2.5 3.5 5; float[3] 2.25 2.25 4",
                ),
                (
                    "_FusedBatchNormEx",
                    "is_training=false num_side_inputs=1 activation_mode=Relu",
                    "float[1,1,1,2] 1 -5; float[2] 1 1; float[2] 0 0; float[2] 0 0; float[2] 1 1; float[1,1,1,2] 1 2",
                    "float[1,1,1,2] 1.99995 0; float[2] 0 0; float[2] 1 1; float[2] 0 0; float[2] 1 1; float[] 0",
                ),
                (
                    "FusedBatchNormV2",
                    "is_training=false",
                    "half[1,2,1,1] 1 5; float[1] 1; float[1] 1; float[1] 1; float[1] 1",
                    "half[1,2,1,1] 1 5; float[1] 1; float[1] 1; float[1] 1; float[1] 1",
                ),
            ],
        );
    }
}
