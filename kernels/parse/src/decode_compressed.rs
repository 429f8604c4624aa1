//! `DecodeCompressed`.

use std::io::Read;

use flate2::read::{GzDecoder, ZlibDecoder};
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
        _ => {
            let kind = String::from_utf8_lossy(&kind);
            let message = format!("Only ZLIB, GZIP or NONE are supported compressions: {kind}");
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

fn decompress(compression: Compression, string: &[u8], limit: u64) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let read = match compression {
        Compression::Zlib => ZlibDecoder::new(string).take(limit + 1).read_to_end(&mut out),
        Compression::Gzip => GzDecoder::new(string).take(limit + 1).read_to_end(&mut out),
    };
    match read {
        Ok(n) if n as u64 > limit => Err(Error::resource_exhausted("OOM when decompressing a string")),
        Ok(_) => Ok(out),
        Err(error) => Err(Error::data_loss(format!("inflate() failed with error: {error}"))),
    }
}
