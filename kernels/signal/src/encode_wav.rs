//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::mfcc::to_sample_rate;

/// Writes sound as a WAV file with samples of 16 bits.
///
/// Samples are rounded to the nearest and held within `[-1, 1)`; NaN is silence.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/EncodeWav>
pub const OP: Op = Op {
    name: "EncodeWav",
    inputs: &["audio: float", "sample_rate: int32"],
    outputs: &["contents: string"],
    attrs: &[],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

/// Bytes before the first sample.
const HEADER: u64 = 44;

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (audio, rate) = (ctx.input(0), ctx.input(1));
        let &[frames, channels] = &audio.shape()[..] else {
            return Err(Error::invalid_argument(format!("audio must be 2-dimensional{}", audio.shape())));
        };
        let rate = to_sample_rate(rate)?;
        if audio.elements() >= i32::MAX as usize {
            return Err(Error::invalid_argument("Cannot encode audio with >= 2^31 elements"));
        }
        check_frames(frames, channels)?;
        let file = encode(audio.as_slice()?, channels, rate.into())?;
        ctx.set(0, Tensor::from_strings([], [file])?);
        Ok(())
    }))
}

pub(crate) fn check_frames(frames: usize, channels: usize) -> Result<()> {
    if frames > 0 && channels == 0 {
        return Err(Error::invalid_argument("audio is null"));
    }
    Ok(())
}

/// The file of so many channels.
pub(crate) fn encode(audio: &[f32], channels: usize, rate: i64) -> Result<Vec<u8>> {
    let Some(samples) = u32::try_from(rate).ok().filter(|&rate| rate > 0) else {
        let unsigned = rate as u64;
        return Err(Error::invalid_argument(format!("sample_rate must be in (0, 2^32), got: {unsigned}")));
    };
    let Some(width) = u16::try_from(channels).ok().filter(|&channels| channels > 0) else {
        return Err(Error::invalid_argument(format!("num_channels must be in (0, 2^16), got: {channels}")));
    };
    let data = audio.len() as u64 * 2;
    let Ok(size) = u32::try_from(HEADER + data) else {
        return Err(Error::invalid_argument("Provided channels and frames cannot be encoded as a WAV."));
    };
    // TensorFlow writes the low bits of what does not fit here.
    let (rate, frame) = (samples, width.wrapping_mul(2));
    let mut file = Vec::with_capacity(size as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(size - 8).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&width.to_le_bytes());
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&rate.wrapping_mul(u32::from(width) * 2).to_le_bytes());
    file.extend_from_slice(&frame.to_le_bytes());
    file.extend_from_slice(&16_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&(data as u32).to_le_bytes());
    file.extend(audio.iter().flat_map(|x| ((x * 32768.0).round() as i16).to_le_bytes()));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn bytes() {
        let file =
            encode(&[0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 2e-5, -2e-5, f32::NAN, 0.99999], 1, 8000).unwrap();
        let want = b"RIFF8\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0\x80>\0\0\x02\0\x10\0data\x14\0\0\0\
            \0\0\xff\x7f\0\x80\xff\x7f\0\x80\0@\x01\0\xff\xff\0\0\xff\x7f";
        assert_eq!(file, want);
        let wrapped = encode(&[0.0; 4], 4, 1 << 30).unwrap();
        assert_eq!(wrapped[20..36], *b"\x01\0\x04\0\0\0\0@\0\0\0\0\x08\0\x10\0");
        assert_eq!(encode(&[], 2, 8000).unwrap()[36..], *b"data\0\0\0\0");
    }

    #[test]
    fn errors() {
        let op = "EncodeWav";
        check_rows(
            OPS,
            &[
                (op, "", "float[1] 0; int32[1] 0", "INVALID_ARGUMENT: audio must be 2-dimensional[1]"),
                (
                    op,
                    "",
                    "float[1,1] 0; int32[1] 8",
                    "INVALID_ARGUMENT: Input sample_rate should be a scalar tensor, got [1] instead.",
                ),
                (
                    op,
                    "",
                    "float[1,1] 0; int32[] 0",
                    "INVALID_ARGUMENT: sample_rate must be in (0, 2^32), got: 0",
                ),
                (
                    op,
                    "",
                    "float[1,1] 0; int32[] -5",
                    "INVALID_ARGUMENT: sample_rate must be in (0, 2^32), got: 18446744073709551611",
                ),
                (op, "", "float[3,0]; int32[] 0", "INVALID_ARGUMENT: audio is null"),
                (
                    op,
                    "",
                    "float[0,0]; int32[] 9",
                    "INVALID_ARGUMENT: num_channels must be in (0, 2^16), got: 0",
                ),
                (
                    op,
                    "",
                    "float[0,65536]; int32[] 9",
                    "INVALID_ARGUMENT: num_channels must be in (0, 2^16), got: 65536",
                ),
            ],
        );
    }
}
