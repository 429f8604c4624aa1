//! `DecodeCompressed`.

use std::io::{ErrorKind, Read};

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Error, Result, Tensor};

/// Decompresses strings; without a `compression_type` they stay as they are.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DecodeCompressed>.
pub const OP: Op = Op {
    name: "DecodeCompressed",
    inputs: &["bytes: string"],
    outputs: &["output: string"],
    attrs: &["compression_type: string = ''"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::one(build),
};

#[derive(Clone, Copy)]
enum Compression {
    Zlib,
    Gzip,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let kind: Bytes = node.attr("compression_type")?;
    let compression = match &kind[..] {
        b"" => None,
        b"ZLIB" => Some(Compression::Zlib),
        b"GZIP" => Some(Compression::Gzip),
        b"ZSTD" => return Err(Error::unimplemented("ZSTD compression is not supported")),
        _ => {
            let message = "Only ZLIB, ZSTD, GZIP or NONE are supported compressions";
            return Err(Error::invalid_argument(message));
        }
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let Some(compression) = compression else {
            let input = ctx.take(0);
            ctx.set(0, input);
            return Ok(());
        };
        let input = ctx.input(0);
        let limit = ctx.run().limits.tensor_bytes as u64;
        let strings = input.strings()?.iter().map(|string| decompress(compression, string, limit));
        let out = Tensor::from_strings(input.shape(), strings.collect::<Result<Vec<Vec<u8>>>>()?)?;
        ctx.set(0, out);
        Ok(())
    }))
}

/// What can be decompressed; a string that ends too early is no error.
fn decompress(compression: Compression, string: &[u8], limit: u64) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let read = match compression {
        Compression::Zlib => ZlibDecoder::new(string).take(limit + 1).read_to_end(&mut out),
        Compression::Gzip => MultiGzDecoder::new(string).take(limit + 1).read_to_end(&mut out),
    };
    match read {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => {
            let what = if out.is_empty() { "header" } else { "data" };
            Err(Error::data_loss(format!("inflate() failed with error -3: incorrect {what} check")))
        }
        _ if out.len() as u64 > limit => Err(Error::resource_exhausted("OOM when decompressing a string")),
        _ => Ok(out),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, vector};
    use savedmodel_op::testing::OpTest;

    const ZLIB: &[u8] = b"x\x9c\xcbH\xcd\xc9\xc9\x07\0\x06,\x02\x15";
    const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";

    #[test]
    fn as_tensorflow() {
        let decode = |string: &[u8], kind: &str| {
            OpTest::new(&super::OP).attr("compression_type", kind).input(vector([string]))
        };
        check(decode(b"as it is", ""), "string[1] 'as it is'");
        check(decode(ZLIB, "ZLIB"), "string[1] 'hello'");
        check(decode(&[ZLIB, b"more"].concat(), "ZLIB"), "string[1] 'hello'");
        check(decode(&ZLIB[..10], "ZLIB"), "string[1] 'hello'");
        check(decode(&ZLIB[..1], "ZLIB"), "string[1] ''");
        check(decode(b"", "GZIP"), "string[1] ''");
        check(decode(&[GZIP, GZIP].concat(), "GZIP"), "string[1] 'hellohello'");
        let header = "DATA_LOSS: inflate() failed with error -3: incorrect header check";
        check(decode(GZIP, "ZLIB"), header);
        check(decode(ZLIB, "GZIP"), header);
        let mut wrong = GZIP.to_vec();
        wrong[20] ^= 1;
        check(decode(&wrong, "GZIP"), "DATA_LOSS: inflate() failed with error -3: incorrect data check");
        check(
            decode(ZLIB, "XZ"),
            "INVALID_ARGUMENT: Only ZLIB, ZSTD, GZIP or NONE are supported compressions",
        );
    }
}
