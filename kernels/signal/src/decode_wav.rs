//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::audio_spectrogram::check_int32;

/// Reads a WAV file with samples of 16 bits as sound within `[-1, 1)`.
///
/// More channels than there are repeat the last, more samples are silent.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DecodeWav>
pub const OP: Op = Op {
    name: "DecodeWav",
    inputs: &["contents: string"],
    outputs: &["audio: float", "sample_rate: int32"],
    attrs: &["desired_channels: int = -1", "desired_samples: int = -1"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let sizes = ["desired_samples", "desired_channels"].map(|name| ctx.attr::<usize>(name));
    Ok(vec![PartialShape::new(sizes), PartialShape::of_rank(0)])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let desired = |name| {
        let size: i64 = node.attr(name)?;
        check_int32(name, size)?;
        match size {
            -1 => Ok(None),
            0.. => Ok(Some(size as usize)),
            _ => Err(Error::invalid_argument(format!("{name} must be >= -1, got {size}"))),
        }
    };
    let (channels, samples) = (desired("desired_channels")?, desired("desired_samples")?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let contents = ctx.input(0);
        let [file] = contents.strings().unwrap_or_default() else { return Err(not_scalar(contents)) };
        if contents.rank() != 0 {
            return Err(not_scalar(contents));
        }
        let sound = Sound::read(file)?;
        let (from, to) = (sound.channels, channels.unwrap_or(sound.channels));
        let mut audio = ctx.allocate(DType::Float, [samples.unwrap_or(sound.frames()), to])?;
        let out = audio.as_mut_slice::<f32>()?;
        if to > 0 {
            let (heard, silent) = out.split_at_mut(out.len().min(sound.frames().saturating_mul(to)));
            silent.fill(0.0);
            for (row, frame) in heard.chunks_exact_mut(to).zip(sound.data.chunks_exact(from * 2)) {
                for (i, x) in row.iter_mut().enumerate() {
                    let at = i.min(from - 1) * 2;
                    *x = f32::from(i16::from_le_bytes([frame[at], frame[at + 1]])) / 32768.0;
                }
            }
        }
        let rate = Tensor::scalar(sound.rate as i32);
        ctx.set(0, audio);
        ctx.set(1, rate);
        Ok(())
    }))
}

#[cold]
fn not_scalar(contents: &Tensor) -> Error {
    Error::invalid_argument(format!("contents must be scalar, got shape {}", contents.shape()))
}

/// The sound of a file.
struct Sound<'a> {
    channels: usize,
    rate: u32,
    /// Whole frames of samples of 16 bits.
    data: &'a [u8],
}

/// Chunks that may stand before the format.
const BEFORE_FORMAT: [&[u8]; 8] = [b"JUNK", b"bext", b"iXML", b"qlty", b"mext", b"levl", b"link", b"axml"];

impl<'a> Sound<'a> {
    fn frames(&self) -> usize {
        self.data.len() / (self.channels * 2)
    }

    fn read(file: &'a [u8]) -> Result<Sound<'a>> {
        let mut rest = Reader(file);
        rest.expect("RIFF")?;
        rest.u32()?;
        rest.expect("WAVE")?;
        loop {
            match rest.bytes(4)? {
                b"fmt " => break,
                id if BEFORE_FORMAT.contains(&id) => {
                    let size = rest.u32()?;
                    rest.bytes(size as usize)?;
                }
                other => return refuse(format!("Unexpected field {}", String::from_utf8_lossy(other))),
            }
        }
        let (channels, rate) = read_format(&mut rest)?;
        let data = read_data(rest, channels * 2)?;
        Ok(Sound { channels, rate, data })
    }
}

/// The number of channels and the sample rate.
fn read_format(rest: &mut Reader<'_>) -> Result<(usize, u32)> {
    let size = rest.u32()?;
    if size != 16 && size != 18 {
        return refuse(format!("Bad format chunk size for WAV: Expected 16 or 18, but got{size}"));
    }
    let format = rest.u16()?;
    if format != 1 {
        return refuse(format!("Bad audio format for WAV: Expected 1 (PCM), but got{format}"));
    }
    let channels = rest.u16()?;
    if channels < 1 {
        return refuse(format!("Bad number of channels for WAV: Expected at least 1, but got {channels}"));
    }
    let (rate, per_second, per_frame, bits) = (rest.u32()?, rest.u32()?, rest.u16()?, rest.u16()?);
    if bits != 16 {
        return refuse(format!("Can only read 16-bit WAV files, but received {bits}"));
    }
    let frame = u32::from(channels) * 2;
    if u32::from(per_frame) != frame {
        return refuse(format!("Bad bytes per sample in WAV header: Expected {frame} but got {per_frame}"));
    }
    let second = u64::from(frame) * u64::from(rate);
    if u64::from(per_second) != second {
        return refuse(format!(
            "Bad bytes per second in WAV header: Expected {second} but got {per_second} (sample_rate={rate}, \
             bytes_per_sample={per_frame})"
        ));
    }
    if size == 18 {
        rest.skip(2);
    }
    Ok((channels.into(), rate))
}

/// The whole frames of the one chunk of data; the others are left out.
fn read_data<'a>(mut rest: Reader<'a>, frame: usize) -> Result<&'a [u8]> {
    const MOST: u32 = i32::MAX as u32;
    let mut data = None;
    while !rest.0.is_empty() {
        let id = rest.bytes(4)?;
        let size = rest.u32()?;
        if size > MOST {
            let id = String::from_utf8_lossy(id);
            return refuse(format!(
                "WAV data chunk '{id}' is too large: {size} bytes, but the limit is {MOST}"
            ));
        }
        if id != b"data" {
            rest.skip(size as usize);
        } else if data.is_some() {
            return refuse("More than one data chunk found in WAV".to_owned());
        } else {
            // What does not make a whole frame is read as the next chunk.
            data = Some(rest.bytes(size as usize / frame * frame)?);
        }
    }
    data.ok_or_else(|| Error::invalid_argument("No data chunk found in WAV"))
}

fn refuse<T>(what: String) -> Result<T> {
    Err(Error::invalid_argument(what))
}

/// What is left of a file.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let Some((bytes, rest)) = self.0.split_at_checked(count) else {
            return refuse("Data too short when trying to read string".to_owned());
        };
        self.0 = rest;
        Ok(bytes)
    }

    fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    fn u16(&mut self) -> Result<u16> {
        let bytes = self.bytes(2)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Result<u32> {
        let (low, high) = (self.u16()?, self.u16()?);
        Ok(u32::from(low) | u32::from(high) << 16)
    }

    fn expect(&mut self, text: &str) -> Result<()> {
        let found = self.bytes(4)?;
        if found != text.as_bytes() {
            let found = String::from_utf8_lossy(found);
            return refuse(format!("Header mismatch: Expected {text} but found {found}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, show};

    /// A file of these parts; `chunks` follow the format.
    fn file(before: &[u8], format: [u16; 8], chunks: &[u8]) -> Vec<u8> {
        let format = format.iter().flat_map(|x| x.to_le_bytes());
        let start = [b"RIFF\0\0\0\0WAVE", before, b"fmt \x10\0\0\0"].concat();
        start.into_iter().chain(format).chain(chunks.iter().copied()).collect()
    }

    const MONO: [u16; 8] = [1, 1, 8000, 0, 16000, 0, 2, 16];
    const STEREO: [u16; 8] = [1, 2, 8000, 0, 32000, 0, 4, 16];

    fn check(file: Vec<u8>, channels: i64, samples: i64, want: &str) {
        let test = OpTest::new(&OP).attr("desired_channels", channels).attr("desired_samples", samples);
        let got = show(&test.input(Tensor::from_strings([], [file]).unwrap()).run());
        assert!(got == want || got.starts_with("INVALID") && got.starts_with(want), "got {got}, want {want}");
    }

    #[test]
    fn sizes() {
        let stereo = || file(b"", STEREO, b"data\x08\0\0\0\0\0\0\x40\0\xc0\0\x80");
        check(stereo(), -1, -1, "float[2,2] 0 0.5 -0.5 -1; int32[] 8000");
        check(stereo(), 1, 1, "float[1,1] 0; int32[] 8000");
        check(stereo(), 3, 3, "float[3,3] 0 0.5 0.5 -0.5 -1 -1 0 0 0; int32[] 8000");
        check(stereo(), 0, 0, "float[0,0]; int32[] 8000");
        check(stereo(), -2, -2, "INVALID_ARGUMENT: desired_channels must be >= -1, got -2");
        check(
            stereo(),
            -1,
            1 << 31,
            "INVALID_ARGUMENT: Attr desired_samples has value 2147483648 out of range",
        );
        let vector = Tensor::from_strings([1], [stereo()]).unwrap();
        let error = OpTest::new(&OP).input(vector).run().unwrap_err();
        assert_eq!(error.message(), "contents must be scalar, got shape [1]");
    }

    #[test]
    fn chunks() {
        let heard = "float[1,1] 0.5; int32[] 8000";
        let mono = |chunks: &[u8]| file(b"", MONO, chunks);
        check(mono(b"data\x02\0\0\0\0\x40"), -1, -1, heard);
        check(mono(b"LIST\x03\0\0\0abcdata\x03\0\0\0\0\x40"), -1, -1, heard);
        check(
            file(b"JUNK\x01\0\0\0xbext\0\0\0\0", MONO, b"data\x02\0\0\0\0\x40LIST\x09\0\0\0"),
            -1,
            -1,
            heard,
        );
        check(mono(b"data\0\0\0\0"), -1, -1, "float[0,1]; int32[] 8000");
        let short = "INVALID_ARGUMENT: Data too short when trying to read string";
        check(mono(b"data\x04\0\0\0\0\x40"), -1, -1, short);
        check(mono(b"data\x02\0\0\0\0\x40zz"), -1, -1, short);
        check(file(b"JUNK\xff\xff\xff\xff", MONO, b"data\x02\0\0\0\0\x40"), -1, -1, short);
        check(mono(b""), -1, -1, "INVALID_ARGUMENT: No data chunk found in WAV");
        check(mono(b"LIST\xff\xff\xff\x7fdata"), -1, -1, "INVALID_ARGUMENT: No data chunk found in WAV");
        check(
            mono(b"LIST\0\0\0\x80"),
            -1,
            -1,
            "INVALID_ARGUMENT: WAV data chunk 'LIST' is too large: 2147483648 bytes",
        );
        check(
            mono(b"data\0\0\0\0data\0\0\0\0"),
            -1,
            -1,
            "INVALID_ARGUMENT: More than one data chunk found in WAV",
        );
        check(file(b"LIST\0\0\0\0", MONO, b""), -1, -1, "INVALID_ARGUMENT: Unexpected field LIST");
    }

    #[test]
    fn formats() {
        let bad = |format: [u16; 8], want: &str| {
            check(file(b"", format, b"data\0\0\0\0"), -1, -1, &format!("INVALID_ARGUMENT: {want}"));
        };
        bad([3, 1, 8000, 0, 16000, 0, 2, 16], "Bad audio format for WAV: Expected 1 (PCM), but got3");
        bad([1, 0, 8000, 0, 0, 0, 0, 16], "Bad number of channels for WAV: Expected at least 1, but got 0");
        bad([1, 1, 8000, 0, 16000, 0, 2, 24], "Can only read 16-bit WAV files, but received 24");
        bad([1, 1, 8000, 0, 16000, 0, 3, 16], "Bad bytes per sample in WAV header: Expected 2 but got 3");
        bad(
            [1, 1, 8000, 0, 5, 0, 2, 16],
            "Bad bytes per second in WAV header: Expected 16000 but got 5 (sample_rate",
        );
        bad(
            [1, 1, 0, 0x8000, 0, 0, 2, 16],
            "Bad bytes per second in WAV header: Expected 4294967296 but got 0",
        );
        let short = "INVALID_ARGUMENT: Data too short when trying to read string";
        (0..36).for_each(|len| check(file(b"", MONO, b"")[..len].to_vec(), -1, -1, short));
        check(b"RIFX".to_vec(), -1, -1, "INVALID_ARGUMENT: Header mismatch: Expected RIFF but found RIFX");
    }
}
