//! See [`OP`].

use savedmodel_op::message::{bytes, varint};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::encode_wav::{check_frames, encode};

/// A serialised `Summary` with some sounds of a batch as WAV files.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AudioSummaryV2>
pub const OP: Op = Op {
    name: "AudioSummaryV2",
    inputs: &["tag: string", "tensor: float", "sample_rate: float"],
    outputs: &["summary: string"],
    attrs: &["max_outputs: int >= 1 = 3"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let most = node.int32("max_outputs")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let [tag, sounds, rate] = [ctx.input(0), ctx.input(1), ctx.input(2)];
        let (0, [tag]) = (tag.rank(), tag.strings()?) else {
            return Err(Error::invalid_argument("Tag must be a scalar"));
        };
        let &[rate] = rate.as_slice::<f32>()? else {
            return Err(Error::invalid_argument(format!(
                "sample_rate must be a scalar, got {}",
                rate.shape()
            )));
        };
        ctx.set(0, Tensor::from_strings([], [summary(tag, sounds, most, rate)?])?);
        Ok(())
    }))
}

/// A serialised `Summary` with the first sounds of a batch, `most` at most.
///
/// # Errors
/// `INVALID_ARGUMENT` when they are no sounds, or no file can have so many samples a second.
pub fn summary(tag: &[u8], sounds: &Tensor, most: i64, rate: f32) -> Result<Vec<u8>> {
    let (batch, frames, channels) = match sounds.shape()[..] {
        [batch, frames] => (batch, frames, 1),
        [batch, frames, channels] => (batch, frames, channels),
        _ => {
            return Err(Error::invalid_argument(format!(
                "Tensor must be 3-D or 2-D, got: {}",
                sounds.shape()
            )));
        }
    };
    if rate.is_nan() || rate <= 0.0 {
        return Err(Error::invalid_argument("sample_rate must be > 0"));
    }
    let count = batch.min(most as usize);
    let each = frames * channels;
    let samples = sounds.as_slice::<f32>()?;
    let mut summary = Vec::new();
    for i in 0..count {
        check_frames(frames, channels)?;
        // A rate that is no integer of 64 bits has the lowest one's bits.
        let whole = if rate < 9.2e18 { f64::from(rate).max(1.0).round_ties_even() as i64 } else { i64::MIN };
        let file = encode(&samples[i * each..][..each], channels, whole)?;
        let mut sound = vec![1 << 3 | 5];
        sound.extend(rate.to_le_bytes());
        number(&mut sound, 2, channels);
        number(&mut sound, 3, frames);
        bytes(&mut sound, 4, &file);
        bytes(&mut sound, 5, b"audio/wav");
        let suffix = if most == 1 { "/audio".to_owned() } else { format!("/audio/{i}") };
        let mut value = Vec::new();
        bytes(&mut value, 1, &[tag, suffix.as_bytes()].concat());
        bytes(&mut value, 6, &sound);
        bytes(&mut summary, 1, &value);
    }
    Ok(summary)
}

/// Adds a field of a message: a number, unless it is zero.
fn number(message: &mut Vec<u8>, field: u8, value: usize) {
    if value != 0 {
        message.push(field << 3);
        varint(message, value as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, parse_tensor};

    #[test]
    fn table() {
        let call = |sounds: &str, rate: &str, most: i64| {
            let test = OpTest::new(&OP).input(parse_tensor("string[] 't'")).input(parse_tensor(sounds));
            let run = test.input(parse_tensor(rate)).attr("max_outputs", most).run();
            run.map(|out| out[0].strings().unwrap()[0].to_vec()).map_err(|e| e.message().to_owned())
        };
        let want = b"\nO\n\x07t/audio2D\r\0\0 A\x10\x01\x18\x01\".RIFF&\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\n\0\0\0\x14\0\0\0\x02\0\
                     \x10\0data\x02\0\0\0\0\0*\taudio/wav";
        assert_eq!(call("float[2,1] 0 0", "float[] 10", 1).unwrap(), want);
        assert_eq!(call("float[0,2]", "float[] 10", 3).unwrap(), b"");
        let two = call("float[3,1,1] 0 0 0", "float[] 10", 2).unwrap();
        assert!(two.windows(9).any(|part| part == b"t/audio/1") && two.len() == 2 * (want.len() + 2));
        let error = |sounds: &str, rate: &str| call(sounds, rate, 3).unwrap_err();
        assert_eq!(error("float[1] 0", "float[] 10"), "Tensor must be 3-D or 2-D, got: [1]");
        for rate in ["float[] 0", "float[] NaN", "float[] -1"] {
            assert_eq!(error("float[1,1] 0", rate), "sample_rate must be > 0");
        }
        let large = "sample_rate must be in (0, 2^32), got: 9223372036854775808";
        assert_eq!(error("float[1,1] 0", "float[] 1e20"), large);
        assert_eq!(error("float[1,2,0]", "float[] 1"), "audio is null");
    }
}
