//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

use crate::audio_spectrogram::check_int32;
use crate::cosines::Cosines;
use crate::mel::{FilterBank, Range};

/// Gives the mel-frequency cepstral coefficients of spectra, which speech is recognised by.
///
/// A spectrum whose highest frequency is below `upper_frequency_limit` gives zeros.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Mfcc>
pub const OP: Op = Op {
    name: "Mfcc",
    inputs: &["spectrogram: float", "sample_rate: int32"],
    outputs: &["output: float"],
    attrs: &[
        "upper_frequency_limit: float = 4000.0",
        "lower_frequency_limit: float = 20.0",
        "filterbank_channel_count: int = 40",
        "dct_coefficient_count: int = 13",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let spectra = ctx.input(0);
    Ok(vec![PartialShape::new([spectra.dim(0), spectra.dim(1), ctx.attr("dct_coefficient_count")])])
}

/// What is below is taken as this, so that it has a logarithm.
const FLOOR: f64 = 1e-12;

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let [upper, lower] =
        [node.attr::<f32>("upper_frequency_limit")?, node.attr("lower_frequency_limit")?].map(f64::from);
    let channels: i64 = node.attr("filterbank_channel_count")?;
    let coefficients: i64 = node.attr("dct_coefficient_count")?;
    check_int32("filterbank_channel_count", channels)?;
    check_int32("dct_coefficient_count", coefficients)?;
    let cosines = Cosines::new(channels, coefficients)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (spectra, rate) = (ctx.input(0), ctx.input(1));
        let &[sounds, frames, bins] = &spectra.shape()[..] else {
            return Err(Error::invalid_argument(format!(
                "spectrogram must be 3-dimensional{}",
                spectra.shape()
            )));
        };
        let sample_rate = to_sample_rate(rate)?;
        let bank = FilterBank::new(Range { bins, sample_rate, lower, upper }, channels.max(0) as usize);
        let (Some(bank), Some(cosines)) = (bank, &cosines) else {
            return Err(Error::invalid_argument(format!(
                "Mfcc initialization failed for channel count {bins}, sample rate {sample_rate} and \
                 filterbank_channel_count {channels}"
            )));
        };
        let width = coefficients as usize;
        let mut output = ctx.allocate(DType::Float, [sounds, frames, width])?;
        let spectra = spectra.as_slice::<f32>()?;
        let grain = par::grain((bins * 4 + channels as usize * width) as f64);
        par::for_rows_mut(output.as_mut_slice::<f32>()?, width, grain, |first, rows| {
            let mut sums = Vec::new();
            let spectra = spectra[first * bins..].chunks_exact(bins);
            for (row, spectrum) in rows.chunks_exact_mut(width).zip(spectra) {
                bank.sum(spectrum, &mut sums);
                sums.iter_mut().for_each(|x| *x = if *x < FLOOR { FLOOR.ln() } else { x.ln() });
                cosines.transform(&sums, row);
            }
        });
        ctx.set(0, output);
        Ok(())
    }))
}

/// The sample rate that an input holds.
pub(crate) fn to_sample_rate(rate: &savedmodel_tensor::Tensor) -> Result<i32> {
    match rate.as_slice::<i32>()? {
        &[value] if rate.rank() == 0 => Ok(value),
        _ => Err(Error::invalid_argument(format!(
            "Input sample_rate should be a scalar tensor, got {} instead.",
            rate.shape()
        ))),
    }
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
                    "Mfcc",
                    "",
                    "float[1,2,33] 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0; int32[] 16000",
                    "float[1,2,13] -94.81632995605469 -46.2738037109375 -2.394893169403076 -14.639946937561035 -5.366270542144775 5.073355674743652 -14.197799682617188 -6.294823169708252 0.8070148229598999 -10.359962463378906 -2.172152042388916 5.10085391998291 -6.26861047744751 -106.00691986083984 -51.62284469604492 -6.514336585998535 -1.0068793296813965 14.425333976745605 -8.828335762023926 -6.993443965911865 -12.824238777160645 -28.90704345703125 6.826020240783691 4.984927654266357 -1.3167707920074463 20.341440200805664",
                ),
                (
                    "Mfcc",
                    "filterbank_channel_count=6 dct_coefficient_count=4",
                    "float[1,2,33] 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0 2.0; int32[] 16000",
                    "float[1,2,4] 3.7782461643218994 -1.277948260307312 -0.29444971680641174 -0.4282137155532837 3.283696174621582 -1.5469614267349243 0.1975264847278595 0.8130866289138794",
                ),
                (
                    "Mfcc",
                    "dct_coefficient_count=2",
                    "float[1,1,9] 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0; int32[] 7000",
                    "float[1,1,2] 0.0 0.0",
                ),
                (
                    "Mfcc",
                    "upper_frequency_limit=8000.0 lower_frequency_limit=0.0 filterbank_channel_count=5 dct_coefficient_count=2",
                    "float[1,1,9] 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0; int32[] 16000",
                    "float[1,1,2] -15.720451354980469 -18.007959365844727",
                ),
                (
                    "Mfcc",
                    "filterbank_channel_count=200 dct_coefficient_count=2",
                    "float[1,1,9] 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0; int32[] 16000",
                    "float[1,1,2] -536.4634399414062 -7.689708709716797",
                ),
                (
                    "Mfcc",
                    "filterbank_channel_count=3 dct_coefficient_count=2",
                    "float[1,1,9] -0.0 -1.0 -2.0 -3.0 -4.0 -5.0 -6.0 -0.0 -1.0; int32[] 16000",
                    "float[1,1,2] NaN NaN",
                ),
                (
                    "Mfcc",
                    "upper_frequency_limit=NaN dct_coefficient_count=2",
                    "float[1,1,9] 0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.0 1.0; int32[] 16000",
                    "float[1,1,2] 0.0 0.0",
                ),
                ("Mfcc", "", "float[0,1,9] ; int32[] 16000", "float[0,1,13] "),
                (
                    "Mfcc",
                    "",
                    "float[1,1,2] 0.0 1.0; int32[] 0",
                    "INVALID_ARGUMENT: Mfcc initialization failed for channel count 2, sample rate 0 and filterbank_channel_count 40",
                ),
                (
                    "Mfcc",
                    "",
                    "float[1,1,2] 0.0 1.0; int32[] -1",
                    "INVALID_ARGUMENT: Mfcc initialization failed for channel count 2, sample rate -1 and filterbank_channel_count 40",
                ),
                (
                    "Mfcc",
                    "upper_frequency_limit=10.0",
                    "float[1,1,2] 0.0 1.0; int32[] 16000",
                    "INVALID_ARGUMENT: Mfcc initialization failed for channel count 2, sample rate 16000 and filterbank_channel_count 40",
                ),
                (
                    "Mfcc",
                    "lower_frequency_limit=-1.0",
                    "float[1,1,2] 0.0 1.0; int32[] 16000",
                    "INVALID_ARGUMENT: Mfcc initialization failed for channel count 2, sample rate 16000 and filterbank_channel_count 40",
                ),
                (
                    "Mfcc",
                    "filterbank_channel_count=-1",
                    "float[1,1,2] 0.0 1.0; int32[] 16000",
                    "INVALID_ARGUMENT: Mfcc initialization failed for channel count 2, sample rate 16000 and filterbank_channel_count -1",
                ),
                (
                    "Mfcc",
                    "dct_coefficient_count=0",
                    "float[1,1,2] 0.0 1.0; int32[] 16000",
                    "INVALID_ARGUMENT: Mfcc initialization failed for channel count 2, sample rate 16000 and filterbank_channel_count 40",
                ),
                (
                    "Mfcc",
                    "filterbank_channel_count=5 dct_coefficient_count=6",
                    "float[1,1,2] 0.0 1.0; int32[] 16000",
                    "INVALID_ARGUMENT: Mfcc initialization failed for channel count 2, sample rate 16000 and filterbank_channel_count 5",
                ),
                (
                    "Mfcc",
                    "",
                    "float[1,1,1] 0.0; int32[] 16000",
                    "INVALID_ARGUMENT: Mfcc initialization failed for channel count 1, sample rate 16000 and filterbank_channel_count 40",
                ),
                (
                    "Mfcc",
                    "",
                    "float[1,2] 0.0 1.0; int32[] 16000",
                    "INVALID_ARGUMENT: spectrogram must be 3-dimensional[1,2]",
                ),
                (
                    "Mfcc",
                    "",
                    "float[1,1,2] 0.0 1.0; int32[1] 16000",
                    "INVALID_ARGUMENT: Input sample_rate should be a scalar tensor, got [1] instead.",
                ),
                (
                    "Mfcc",
                    "filterbank_channel_count=2147483647",
                    "float[1,1,2] 0.0 1.0; int32[] 16000",
                    "INVALID_ARGUMENT: Mfcc initialization failed for channel count 2, sample rate 16000 and filterbank_channel_count 2147483647",
                ),
            ],
        );
    }
}
