//! See [`OP`].

mod filterbank;
mod gain;
mod spectrum;

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result};

use filterbank::{Bands, Filterbank};
use gain::{Gain, Noise};
use spectrum::Spectrum;

/// Gives the strengths of bands of frequencies in overlapping windows of sound, with noise taken away, in fixed-point numbers.
///
/// Each row may hold those of windows before and after.
/// <https://github.com/tensorflow/tensorflow/tree/master/tensorflow/lite/experimental/microfrontend>
pub const OP: Op = Op {
    name: "AudioMicrofrontend",
    inputs: &["audio: int16"],
    outputs: &["filterbanks: out_type"],
    attrs: &[
        "sample_rate: int = 16000",
        "window_size: int = 25",
        "window_step: int = 10",
        "num_channels: int = 32",
        "upper_band_limit: float = 7500",
        "lower_band_limit: float = 125",
        "smoothing_bits: int = 10",
        "even_smoothing: float = 0.025",
        "odd_smoothing: float = 0.06",
        "min_signal_remaining: float = 0.05",
        "enable_pcan: bool = false",
        "pcan_strength: float = 0.95",
        "pcan_offset: float = 80",
        "gain_bits: int = 21",
        "enable_log: bool = true",
        "scale_shift: int = 6",
        "left_context: int = 0",
        "right_context: int = 0",
        "frame_stride: int = 1",
        "zero_padding: bool = false",
        "out_scale: int = 1",
        "out_type: {uint16, float} = DT_UINT16",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("out_type"; build: u16 f32),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let [channels, left, right] =
        ["num_channels", "left_context", "right_context"].map(|name| ctx.attr::<i64>(name));
    let width = || usize::try_from(channels?.checked_mul(left?.checked_add(right?)?.checked_add(1)?)?).ok();
    Ok(vec![PartialShape::new([None, width()])])
}

/// How windows are cut, and how strengths are put together.
#[derive(Debug)]
struct Options {
    window: i64,
    step: usize,
    left: i64,
    width: i64,
    stride: i64,
    padded: bool,
    scale: i32,
    logarithm: Option<i32>,
}

/// What makes strengths of sound.
#[derive(Debug)]
struct Frontend {
    spectrum: Spectrum,
    filterbank: Filterbank,
    noise: Noise,
    gain: Option<Gain>,
}

/// A number of an output, which is scaled down.
trait Output: Element {
    fn scaled(value: u16, scale: i32) -> Self;
}

impl Output for u16 {
    fn scaled(value: u16, scale: i32) -> u16 {
        (i32::from(value) / scale) as u16
    }
}

impl Output for f32 {
    fn scaled(value: u16, scale: i32) -> f32 {
        f32::from(value) / scale as f32
    }
}

fn build<T: Output>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let options = Options::new(node)?;
    if options.scale == 0 && T::DTYPE == u16::DTYPE {
        return Err(Error::invalid_argument("out_scale must not be 0"));
    }
    let channels = node.int32("num_channels")?;
    let count = usize::try_from(channels).ok().filter(|&count| count <= 1 << 24);
    let count = count.ok_or_else(|| Error::invalid_argument(format!("num_channels can't be {channels}")))?;
    let frontend = Frontend::new(node, options.window, count)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let audio = ctx.input(0);
        if audio.rank() != 1 {
            return Err(Error::invalid_argument("input is not a vector"));
        }
        let samples = audio.as_slice::<i16>()?;
        let rest = usize::try_from(options.window).ok().and_then(|window| samples.len().checked_sub(window));
        let frames = rest.map_or(0, |rest| rest / options.step + 1);
        if frames > 0 {
            check_divisor(options.stride)?;
        }
        let shape = [frames.div_ceil(options.stride.max(1) as usize), count * options.width as usize];
        let mut output = ctx.allocate(T::DTYPE, shape)?;
        let Some(frontend) = &frontend else {
            return Err(Error::internal("failed to populate frontend state"));
        };
        let mut noise = frontend.noise.clone();
        let strengths: Vec<Vec<T>> = (0..frames)
            .map(|i| {
                let window = &samples[i * options.step..][..options.window as usize];
                let values = frontend.strengths(window, &mut noise, options.logarithm);
                values.into_iter().map(|value| T::scaled(value, options.scale)).collect()
            })
            .collect();
        options.collect(&strengths, output.as_mut_slice()?, count);
        ctx.set(0, output);
        Ok(())
    }))
}

fn check_divisor(divisor: i64) -> Result<()> {
    if divisor > 0 {
        return Ok(());
    }
    Err(Error::invalid_argument(format!("Divisor must be positive but is {divisor}")))
}

impl Options {
    fn new(node: &Construction<'_>) -> Result<Options> {
        let rate = node.int32("sample_rate")? as i32;
        let [window, step] = ["window_size", "window_step"].map(|name| node.int32(name));
        let samples = |milliseconds: i64| i64::from((milliseconds as i32).wrapping_mul(rate) / 1000);
        let (window, step) = (samples(window?), samples(step?));
        let stride = node.int32("frame_stride")?;
        // What TensorFlow divides by when it finds out the shape is a step in whole kilohertz.
        let divisor = (node.int32("window_step")? as i32).wrapping_mul(rate / 1000);
        for divisor in [i64::from(divisor), step] {
            check_divisor(divisor)?;
        }
        if window > 0 && step > window {
            return Err(Error::invalid_argument(format!(
                "a step of {step} samples is larger than a window of {window}"
            )));
        }
        let (left, right) = (node.int32("left_context")?, node.int32("right_context")?);
        let width = 1 + left + right;
        if width < 0 {
            return Err(Error::invalid_argument(format!(
                "left_context {left} and right_context {right} leave nothing"
            )));
        }
        let enabled: bool = node.attr("enable_log")?;
        let shift = node.int32("scale_shift")? as i32;
        Ok(Options {
            window,
            step: step as usize,
            left,
            width,
            stride,
            padded: node.attr("zero_padding")?,
            scale: node.int32("out_scale")? as i32,
            logarithm: enabled.then_some(shift),
        })
    }

    /// Writes for every `stride`th window the strengths of those around it; at the ends the last one or zeros stand.
    fn collect<T: Output>(&self, strengths: &[Vec<T>], out: &mut [T], count: usize) {
        if out.is_empty() {
            return;
        }
        let rows = out.chunks_exact_mut(count * self.width as usize);
        for (anchor, row) in (0..strengths.len()).step_by(self.stride.max(1) as usize).zip(rows) {
            for (frame, out) in (anchor as i64 - self.left..).zip(row.chunks_exact_mut(count)) {
                let nearest = frame.clamp(0, strengths.len() as i64 - 1);
                match self.padded && frame != nearest {
                    true => out.fill(T::default()),
                    false => out.copy_from_slice(&strengths[nearest as usize]),
                }
            }
        }
    }
}

impl Frontend {
    /// `None` when TensorFlow can't make one.
    fn new(node: &Construction<'_>, window: i64, count: usize) -> Result<Option<Frontend>> {
        /// TensorFlow has 16 bits for the place of a frequency.
        const LONGEST: usize = 1 << 15;
        let bands = Bands {
            count,
            lower: node.attr("lower_band_limit")?,
            upper: node.attr("upper_band_limit")?,
            sample_rate: node.int32("sample_rate")? as i32,
        };
        let bits = node.int32("smoothing_bits")? as i32;
        let rates = [node.attr("even_smoothing")?, node.attr("odd_smoothing")?];
        let noise = Noise::new(bits, rates, node.attr("min_signal_remaining")?, count);
        let gain = (node.attr("pcan_strength")?, node.attr("pcan_offset")?, node.int32("gain_bits")? as i32);
        let enabled: bool = node.attr("enable_pcan")?;
        let size = usize::try_from(window).ok().filter(|&size| size <= LONGEST);
        let Some(spectrum) = size.and_then(Spectrum::new) else { return Ok(None) };
        let Some(filterbank) = Filterbank::new(bands, spectrum.len() / 2 + 1) else { return Ok(None) };
        let gain = enabled.then(|| Gain::new(gain, bits, correction(&spectrum)));
        Ok(Some(Frontend { spectrum, filterbank, noise, gain }))
    }

    fn strengths(&self, window: &[i16], noise: &mut Noise, logarithm: Option<i32>) -> Vec<u16> {
        let (spectrum, shift) = self.spectrum.of(window);
        let mut strengths = self.filterbank.strengths(&spectrum, shift);
        noise.reduce(&mut strengths);
        if let Some(gain) = &self.gain {
            gain.apply(&mut strengths, noise);
        }
        let correction = correction(&self.spectrum);
        let last = |x: u32| match logarithm {
            None => x,
            Some(shift) if correction < 0 => gain::logarithm(x >> -correction, shift),
            Some(shift) => gain::logarithm(x << correction, shift),
        };
        strengths.into_iter().map(|x| last(x).min(u32::from(u16::MAX)) as u16).collect()
    }
}

/// The bits by which the transform scales strengths down, but for those of the weights of bands.
fn correction(spectrum: &Spectrum) -> i32 {
    spectrum.len().ilog2() as i32 - (filterbank::BITS / 2) as i32
}

#[cfg(test)]
mod tests {
    macro_rules! row {
        ($attrs:literal, $want:literal) => {
            (
                "AudioMicrofrontend",
                concat!(
                    "sample_rate=1000 window_step=3 num_channels=2 upper_band_limit=400.0 lower_band_limit=1.0 ",
                    $attrs
                ),
                "int16[8] 100 -2000 3000 500 -7000 8000 20 -3",
                $want,
            )
        };
    }

    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                row!("window_size=8", "uint16[1,2] 504 592"),
                row!(
                    "window_size=4 left_context=1 out_scale=10 zero_padding=true",
                    "uint16[2,4] 0 0 0 51 0 51 0 57"
                ),
                row!(
                    "window_size=4 enable_pcan=true enable_log=false out_type=float",
                    "float[2,2] 0 861 0 872"
                ),
                row!("window_size=9", "uint16[0,2]"),
                row!("window_size=0", "INTERNAL: failed to populate frontend state"),
                row!("window_size=2", "INVALID_ARGUMENT: a step of 3 samples is larger than a window of 2"),
                row!("window_size=4 frame_stride=0", "INVALID_ARGUMENT: Divisor must be positive but is 0"),
            ],
        );
    }
}
