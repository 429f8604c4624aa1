//! See [`OPS`].

use std::sync::atomic::{AtomicU64, Ordering};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

/// Cuts a window out of each image; what lies outside of the image is noise or zero.
///
/// The first version places the middle of the window at its offset; V2 does so only for offsets that are both centred and
/// normalised, and else places its corner. Noise is as random as TensorFlow's, but not the same.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ExtractGlimpseV2>
pub const OPS: &[Op] = &[
    Op {
        name: "ExtractGlimpse",
        inputs: &["input: float", "size: int32", "offsets: float"],
        outputs: &["glimpse: float"],
        attrs: &[
            "centered: bool = true",
            "normalized: bool = true",
            "uniform_noise: bool = true",
            "noise: string = 'uniform'",
        ],
        effect: Effect::Random,
        shape,
        kernels: Kernels::one(build),
    },
    Op {
        name: "ExtractGlimpseV2",
        inputs: &["input: float", "size: int32", "offsets: float"],
        outputs: &["glimpse: float"],
        attrs: &[
            "centered: bool = true",
            "normalized: bool = true",
            "uniform_noise: bool = true",
            "noise: string = 'uniform'",
        ],
        effect: Effect::Random,
        shape,
        kernels: Kernels::one(build),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (input, size) = (ctx.input(0), ctx.integers(1).unwrap_or_default());
    let side = |axis: usize| size.get(axis).and_then(|&side| usize::try_from(side).ok());
    let batch = input.dim(0).or(ctx.input(2).dim(0));
    Ok(vec![PartialShape::new([batch, side(0), side(1), input.dim(3)])])
}

/// What lies outside of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Noise {
    Uniform,
    Gaussian,
    Zero,
}

impl Noise {
    fn of(node: &Construction<'_>) -> Result<Noise> {
        let (uniform, name): (bool, String) = (node.attr("uniform_noise")?, node.attr("noise")?);
        if uniform && !name.is_empty() && name != "uniform" {
            return Err(Error::invalid_argument(
                "The uniform_noise and noise could not be specified at the same time",
            ));
        }
        match name.as_str() {
            "" if !uniform => Ok(Noise::Gaussian),
            "" | "uniform" => Ok(Noise::Uniform),
            "gaussian" => Ok(Noise::Gaussian),
            "zero" => Ok(Noise::Zero),
            _ => Err(Error::invalid_argument(format!(
                "The noise could only be uniform, gaussian, or zero, got{name}"
            ))),
        }
    }
}

/// How offsets are counted.
#[derive(Clone, Copy)]
struct Offsets {
    is_first_version: bool,
    centered: bool,
    normalized: bool,
}

impl Offsets {
    /// The first pixel of a window along one axis.
    fn place(self, offset: f32, image: usize, window: usize) -> i64 {
        let (image, window) = (image as f32, window as f32);
        let half = |x: f32| x / 2.0 + image / 2.0;
        let scaled = if self.normalized { offset * image } else { offset };
        let place = match (self.is_first_version, self.centered, self.normalized) {
            (true, true, _) => half(scaled) - window / 2.0,
            (true, false, _) => scaled - window / 2.0,
            (false, true, true) => half(scaled) - window / 2.0,
            (false, true, false) => scaled + image / 2.0,
            (false, false, _) => scaled,
        };
        // NaN lies far before the image, as the processor converts it.
        if place.is_nan() { i64::MIN } else { place as i64 }
    }
}

/// The part of a window that lies on the image, along one axis.
struct Overlap {
    /// Where it begins in the window and in the image, and its length.
    to: usize,
    from: usize,
    length: usize,
    is_partial: bool,
}

impl Overlap {
    fn of(place: i64, image: usize, window: usize) -> Overlap {
        let (image_side, side) = (image as i64, window as i64);
        let (length, is_partial) = if place < 0 {
            (side.saturating_add(place).max(0), true)
        } else if place.saturating_add(side) >= image_side {
            (image_side.saturating_sub(place).max(0), true)
        } else {
            (side, false)
        };
        let to = if place < 0 { side - length } else { 0 };
        let length = length.min(image_side) as usize;
        Overlap { to: to as usize, from: place.clamp(0, image_side) as usize, length, is_partial }
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let noise = Noise::of(node)?;
    let offsets = Offsets {
        is_first_version: node.op() == "ExtractGlimpse",
        centered: node.attr("centered")?,
        normalized: node.attr("normalized")?,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let window = check(ctx)?;
        let shape = ctx.input(0).shape();
        let (batch, image, channels) = (shape[0], [shape[1], shape[2]], shape[3]);
        let mut output = ctx.allocate(DType::Float, [batch, window[0], window[1], channels])?;
        if output.elements() > 0 {
            let pixels = ctx.input(0).as_slice::<f32>()?;
            let places = ctx.input(2).as_slice::<f32>()?;
            let size = image[0] * image[1] * channels;
            let out = output.as_mut_slice::<f32>()?.chunks_exact_mut(window[0] * window[1] * channels);
            for (i, out) in out.enumerate() {
                let axes = [0, 1].map(|axis| {
                    let place = offsets.place(places[i * 2 + axis], image[axis], window[axis]);
                    Overlap::of(place, image[axis], window[axis])
                });
                let pixels = &pixels[i * size..][..size];
                if axes.iter().any(|axis| axis.is_partial) {
                    noise.fill(pixels, channels, out);
                }
                copy(pixels, image[1] * channels, out, window[1] * channels, &axes, channels);
            }
        }
        ctx.set(0, output);
        Ok(())
    }))
}

/// The height and width of windows.
fn check(ctx: &Context<'_>) -> Result<[usize; 2]> {
    let [input, size, offsets] = [0, 1, 2].map(|i| ctx.input(i).shape());
    let refuse = |text: String| Err(Error::invalid_argument(text));
    if input.rank() != 4 {
        return refuse(format!("input must be 4-dimensional (batch_size, height, width, depth){input}"));
    }
    let (1, &[height, width]) = (size.rank(), ctx.input(1).as_slice::<i32>()?) else {
        return refuse(format!("input must be a vector of size 2 (height, width){size}"));
    };
    let [Ok(height), Ok(width)] = [height, width].map(usize::try_from) else {
        let negative = if height < 0 { height } else { width };
        return refuse(format!("Expected a non-negative size, got {negative}"));
    };
    if offsets.rank() != 2 {
        return refuse(format!("input must be a matrix{offsets}"));
    }
    if offsets[0] != input[0] {
        return refuse(format!("first dimension should be batch{offsets}"));
    }
    if offsets[1] != 2 {
        return refuse(format!("second dimension should be of size 2 (y,x){offsets}"));
    }
    Ok([height, width])
}

fn copy(src: &[f32], from: usize, out: &mut [f32], to: usize, axes: &[Overlap; 2], channels: usize) {
    let [down, across] = axes;
    let length = across.length.min(to / channels - across.to) * channels;
    for y in 0..down.length {
        let row = &src[(down.from + y) * from + across.from * channels..][..length];
        out[(down.to + y) * to + across.to * channels..][..length].copy_from_slice(row);
    }
}

impl Noise {
    fn fill(self, image: &[f32], channels: usize, out: &mut [f32]) {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let mut random = Random(CALLS.fetch_add(1, Ordering::Relaxed) << 32);
        let range = |values: &mut dyn Iterator<Item = f32>| {
            values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
        };
        match self {
            _ if image.is_empty() => out.fill(0.0),
            Noise::Zero => out.fill(0.0),
            Noise::Uniform => {
                let (low, high) = range(&mut image.iter().copied());
                out.fill_with(|| low + random.uniform() * (high - low));
            }
            Noise::Gaussian => {
                for channel in 0..channels {
                    let values = || image.iter().skip(channel).step_by(channels).copied();
                    let count = (image.len() / channels) as f32;
                    let mean = values().sum::<f32>() / count;
                    let sigma = (values().map(|x| (x - mean) * (x - mean)).sum::<f32>() / count).sqrt();
                    let (low, high) = range(&mut values());
                    for out in out.iter_mut().skip(channel).step_by(channels) {
                        *out = (mean + random.normal() * sigma).min(high).max(low);
                    }
                }
            }
        }
    }
}

/// Random numbers from the state's hash.
struct Random(u64);

impl Random {
    /// Within `[0, 1)`.
    fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ x >> 31) >> 40) as f32 / (1 << 24) as f32
    }

    /// Around zero with a deviation of one.
    fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{OpTest, parse_tensor};

    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "ExtractGlimpse",
                    "uniform_noise=false noise=zero",
                    "float[1,3,3,1] 1 2 3 4 5 6 7 8 9; int32[2] 2 2; float[1,2] 0 0",
                    "float[1,2,2,1] 1 2 4 5",
                ),
                (
                    "ExtractGlimpse",
                    "uniform_noise=false noise=zero",
                    "float[1,3,3,1] 1 2 3 4 5 6 7 8 9; int32[2] 2 2; float[1,2] 0.9 -0.9",
                    "float[1,2,2,1] 4 5 7 8",
                ),
                (
                    "ExtractGlimpse",
                    "uniform_noise=false noise=zero centered=false",
                    "float[1,3,3,1] 1 2 3 4 5 6 7 8 9; int32[2] 2 3; float[1,2] 0.5 0.25",
                    "float[1,2,3,1] 1 2 3 4 5 6",
                ),
                (
                    "ExtractGlimpse",
                    "uniform_noise=false noise=zero centered=true normalized=false",
                    "float[1,3,3,1] 1 2 3 4 5 6 7 8 9; int32[2] 2 2; float[1,2] 1 2",
                    "float[1,2,2,1] 5 6 8 9",
                ),
                (
                    "ExtractGlimpseV2",
                    "uniform_noise=false noise=zero centered=true normalized=false",
                    "float[1,3,3,1] 1 2 3 4 5 6 7 8 9; int32[2] 2 2; float[1,2] -1 0",
                    "float[1,2,2,1] 2 3 5 6",
                ),
                (
                    "ExtractGlimpseV2",
                    "uniform_noise=false noise=zero centered=false normalized=false",
                    "float[2,2,2,2] 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; int32[2] 1 1; float[2,2] 0 0 1 1",
                    "float[2,1,1,2] 1 2 15 16",
                ),
                (
                    "ExtractGlimpseV2",
                    "uniform_noise=false noise=zero centered=false normalized=true",
                    "float[1,3,3,1] 1 2 3 4 5 6 7 8 9; int32[2] 5 6; float[1,2] -0.4 0.4",
                    "float[1,5,6,1] 0 0 0 0 0 0 2 3 0 0 0 0 5 6 0 0 0 0 8 9 0 0 0 0 0 0 0 0 0 0",
                ),
                (
                    "ExtractGlimpseV2",
                    "uniform_noise=false noise=zero",
                    "float[1,3,3,1] 1 2 3 4 5 6 7 8 9; int32[2] 2 2; float[1,2] 9 -9",
                    "float[1,2,2,1] 0 0 0 0",
                ),
                (
                    "ExtractGlimpseV2",
                    "uniform_noise=false noise=zero",
                    "float[1,3,3,1] 1 2 3 4 5 6 7 8 9; int32[2] 0 2; float[1,2] 0 0",
                    "float[1,0,2,1]",
                ),
                (
                    "ExtractGlimpseV2",
                    "noise=zero",
                    "float[1,1,1,1] 1; int32[2] 1 2; float[1,2] 0 0",
                    "INVALID_ARGUMENT: The uniform_noise and noise could not be specified at the same time",
                ),
                (
                    "ExtractGlimpseV2",
                    "uniform_noise=false noise=blue",
                    "float[1,1,1,1] 1; int32[2] 1 2; float[1,2] 0 0",
                    "INVALID_ARGUMENT: The noise could only be uniform, gaussian, or zero, gotblue",
                ),
                (
                    "ExtractGlimpseV2",
                    "",
                    "float[1,1,1,1] 1; int32[3] 1 2 3; float[1,2] 0 0",
                    "INVALID_ARGUMENT: input must be a vector of size 2 (height, width)[3]",
                ),
                (
                    "ExtractGlimpseV2",
                    "",
                    "float[1,1,1,1] 1; int32[2] 1 2; float[2,2] 0 0 0 0",
                    "INVALID_ARGUMENT: first dimension should be batch[2,2]",
                ),
                (
                    "ExtractGlimpseV2",
                    "",
                    "float[1,1,1,1] 1; int32[2] 1 -2; float[1,2] 0 0",
                    "INVALID_ARGUMENT: Expected a non-negative size, got -2",
                ),
            ],
        );
    }

    #[test]
    fn noise_stays_within_the_image() {
        for (uniform, noise) in [(true, "uniform"), (false, "gaussian")] {
            let glimpse = OpTest::new(&super::OPS[1])
                .attr("uniform_noise", uniform)
                .attr("noise", noise)
                .input(parse_tensor("float[1,2,2,1] 1 2 3 4"))
                .input(parse_tensor("int32[2] 9 9"))
                .input(parse_tensor("float[1,2] 0 0"))
                .run()
                .unwrap();
            let pixels = glimpse[0].as_slice::<f32>().unwrap();
            assert!(pixels.iter().all(|x| (1.0..=4.0).contains(x)), "{noise}: {pixels:?}");
            assert!(pixels.windows(2).filter(|pair| pair[0] != pair[1]).count() > 40, "{noise}: {pixels:?}");
        }
    }
}
