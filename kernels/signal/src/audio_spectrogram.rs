//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Complex64, DType, Error, PartialShape, Result};

use crate::transform::RealTransform;

/// Gives the strength of each frequency in each of the overlapping windows of sound, channel by channel.
///
/// Windows are weighted by Hann's function and filled up with zeros to a power of two. All is computed in 64 bits.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AudioSpectrogram>
pub const OP: Op = Op {
    name: "AudioSpectrogram",
    inputs: &["input: float"],
    outputs: &["spectrogram: float"],
    attrs: &["window_size: int", "stride: int", "magnitude_squared: bool = false"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let framing = ctx.attr("window_size").zip(ctx.attr("stride")).and_then(|(w, s)| Framing::new(w, s));
    let frames = input.dim(0).zip(framing).map(|(samples, framing)| framing.frames(samples));
    Ok(vec![PartialShape::new([input.dim(1), frames, framing.map(|framing| framing.bins())])])
}

/// How sound is cut into windows.
#[derive(Clone, Copy, Debug)]
struct Framing {
    window: usize,
    stride: usize,
}

impl Framing {
    fn new(window: i64, stride: i64) -> Option<Framing> {
        let most = 1 << 30;
        let usable = (2..=most).contains(&window) && (1..=i64::from(i32::MAX)).contains(&stride);
        usable.then_some(Framing { window: window as usize, stride: stride as usize })
    }

    /// Number of whole windows.
    fn frames(self, samples: usize) -> usize {
        samples.checked_sub(self.window).map_or(0, |rest| 1 + rest / self.stride)
    }

    /// Number of frequencies.
    fn bins(self) -> usize {
        self.window.next_power_of_two() / 2 + 1
    }

    /// The weights of the samples of a window.
    fn weights(self) -> Vec<f64> {
        let turn = std::f64::consts::TAU / self.window as f64;
        (0..self.window).map(|i| 0.5 - 0.5 * (turn * i as f64).cos()).collect()
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (window, stride): (i64, i64) = (node.attr("window_size")?, node.attr("stride")?);
    for (name, value) in [("window_size", window), ("stride", stride)] {
        check_int32(name, value)?;
    }
    let squared: bool = node.attr("magnitude_squared")?;
    let framing = Framing::new(window, stride);
    let transform = RealTransform::<f64>::new();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let &[samples, channels] = &input.shape()[..] else {
            return Err(Error::invalid_argument(format!("input must be 2-dimensional{}", input.shape())));
        };
        let Some(framing) = framing else {
            return Err(Error::invalid_argument(format!(
                "Spectrogram initialization failed for window size {window} and stride {stride}"
            )));
        };
        let frames = framing.frames(samples);
        let mut output = ctx.allocate(DType::Float, [channels, frames, framing.bins()])?;
        if output.elements() > 0 {
            let sound = input.as_slice::<f32>()?;
            let out = output.as_mut_slice::<f32>()?;
            for (channel, rows) in out.chunks_exact_mut(frames * framing.bins()).enumerate() {
                let sound: Vec<f32> = sound[channel..].iter().step_by(channels).copied().collect();
                analyse(&transform, framing, &sound, rows)?;
            }
            if !squared {
                out.iter_mut().for_each(|x| *x = x.sqrt());
            }
        }
        ctx.set(0, output);
        Ok(())
    }))
}

/// Refuses attributes that TensorFlow takes as 32 bits.
pub(crate) fn check_int32(name: &str, value: i64) -> Result<()> {
    match i32::try_from(value) {
        Ok(_) => Ok(()),
        Err(_) => {
            Err(Error::invalid_argument(format!("Attr {name} has value {value} out of range for an int32")))
        }
    }
}

/// Writes the squared strengths of all windows of one channel.
fn analyse(transform: &RealTransform<f64>, framing: Framing, sound: &[f32], rows: &mut [f32]) -> Result<()> {
    /// Windows that are transformed together.
    const TOGETHER: usize = 64;
    let weights = framing.weights();
    let (len, bins) = (framing.window.next_power_of_two(), framing.bins());
    let many = TOGETHER.min(rows.len() / bins);
    let mut windows = vec![0.0; many * len];
    let mut spectra = vec![Complex64::new(0.0, 0.0); many * bins];
    for (group, rows) in rows.chunks_mut(many * bins).enumerate() {
        let count = rows.len() / bins;
        for (i, window) in windows.chunks_exact_mut(len).take(count).enumerate() {
            let start = (group * many + i) * framing.stride;
            let samples = &sound[start..start + framing.window];
            window
                .iter_mut()
                .zip(samples)
                .zip(&weights)
                .for_each(|((w, &x), weight)| *w = f64::from(x) * weight);
        }
        transform.forward(len, &windows, &mut spectra[..count * bins], |line| line * len)?;
        rows.iter_mut().zip(&spectra).for_each(|(row, x)| *row = x.norm_sqr() as f32);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            OPS,
            &[
                (
                    "AudioSpectrogram",
                    "window_size=4 stride=2",
                    "float[7,2] 0.0 0.6399999856948853 0.9900000095367432 0.8600000143051147 0.33000001311302185 -0.3499999940395355 -0.8700000047683716 -0.9800000190734863 -0.6299999952316284 0.019999999552965164 0.6600000262260437 0.9900000095367432 0.8500000238418579 0.3199999928474426",
                    "float[2,2,3] 0.39000001549720764 0.9868130683898926 0.27000001072883606 0.73499995470047 0.9910222291946411 0.5250000357627869 0.4099999964237213 0.9843271970748901 0.28999999165534973 0.024999994784593582 0.9852030277252197 0.015000004321336746",
                ),
                (
                    "AudioSpectrogram",
                    "window_size=4 stride=2 magnitude_squared=true",
                    "float[6,2] 0.0 0.6399999856948853 0.9900000095367432 0.8600000143051147 0.33000001311302185 -0.3499999940395355 -0.8700000047683716 -0.9800000190734863 -0.6299999952316284 0.019999999552965164 0.6600000262260437 0.9900000095367432",
                    "float[2,2,3] 0.15210001170635223 0.973800003528595 0.07290000468492508 0.5402249693870544 0.9821250438690186 0.2756250202655792 0.1680999994277954 0.9689000248908997 0.08409999310970306 0.0006249997531995177 0.9706250429153442 0.00022500012710224837",
                ),
                (
                    "AudioSpectrogram",
                    "window_size=2 stride=1",
                    "float[3,2] 0.0 0.6399999856948853 0.9900000095367432 0.8600000143051147 0.33000001311302185 -0.3499999940395355",
                    "float[2,2,2] 0.9900000095367432 0.9900000095367432 0.33000001311302185 0.33000001311302185 0.8600000143051147 0.8600000143051147 0.3499999940395355 0.3499999940395355",
                ),
                (
                    "AudioSpectrogram",
                    "window_size=13 stride=2",
                    "float[12,2] 0.0 0.6399999856948853 0.9900000095367432 0.8600000143051147 0.33000001311302185 -0.3499999940395355 -0.8700000047683716 -0.9800000190734863 -0.6299999952316284 0.019999999552965164 0.6600000262260437 0.9900000095367432 0.8500000238418579 0.3199999928474426 -0.3700000047683716 -0.8799999952316284 -0.9800000190734863 -0.6200000047683716 0.029999999329447746 0.6700000166893005 0.9900000095367432 0.8500000238418579 0.30000001192092896 -0.3799999952316284",
                    "float[2,0,9] ",
                ),
                (
                    "AudioSpectrogram",
                    "window_size=3 stride=5",
                    "float[9,1] 0.0 0.9900000095367432 0.33000001311302185 -0.8700000047683716 -0.6299999952316284 0.6600000262260437 0.8500000238418579 -0.3700000047683716 -0.9800000190734863",
                    "float[1,2,3] 0.9900000095367432 0.7826637625694275 0.4950000047683716 0.36000001430511475 0.6952787637710571 0.9150000214576721",
                ),
                (
                    "AudioSpectrogram",
                    "window_size=5 stride=6",
                    "float[12,1] 0.0 0.9900000095367432 0.33000001311302185 -0.8700000047683716 -0.6299999952316284 0.6600000262260437 0.8500000238418579 -0.3700000047683716 -0.9800000190734863 0.029999999329447746 0.9900000095367432 0.30000001192092896",
                    "float[1,2,5] 0.36405763030052185 1.016081690788269 1.2413526773452759 0.8443880677223206 0.5257139801979065 0.6450783610343933 1.0587705373764038 1.238190770149231 0.847710132598877 0.4436851441860199",
                ),
                ("AudioSpectrogram", "window_size=4 stride=2", "float[12,0] ", "float[0,5,3] "),
                (
                    "AudioSpectrogram",
                    "window_size=1 stride=2",
                    "float[1,1] 1",
                    "INVALID_ARGUMENT: Spectrogram initialization failed for window size 1 and stride 2",
                ),
                (
                    "AudioSpectrogram",
                    "window_size=4 stride=0",
                    "float[1,1] 1",
                    "INVALID_ARGUMENT: Spectrogram initialization failed for window size 4 and stride 0",
                ),
                (
                    "AudioSpectrogram",
                    "window_size=-4 stride=1",
                    "float[1,1] 1",
                    "INVALID_ARGUMENT: Spectrogram initialization failed for window size -4 and stride 1",
                ),
                (
                    "AudioSpectrogram",
                    "window_size=4 stride=1099511627776",
                    "float[1,1] 1",
                    "INVALID_ARGUMENT: Attr stride has value 1099511627776 out of range for an int32",
                ),
                (
                    "AudioSpectrogram",
                    "window_size=4 stride=1",
                    "float[2] 1 2",
                    "INVALID_ARGUMENT: input must be 2-dimensional[2]",
                ),
            ],
        );
    }
}
