//! `EncodeBase64` and `DecodeBase64`.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::each::{self, COPY};

/// Strings to and from the web-safe alphabet of base 64 (`-` and `_`).
///
/// `EncodeBase64` pads with `=` only if asked to; `DecodeBase64` takes strings with and without padding, and ignores the
/// bits of the last character that stand for nothing.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/EncodeBase64> and
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DecodeBase64>.
pub const OPS: &[Op] = &[
    Op {
        name: "EncodeBase64",
        inputs: &["input: string"],
        outputs: &["output: string"],
        attrs: &["pad: bool = false"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(build_encode),
    },
    Op {
        name: "DecodeBase64",
        inputs: &["input: string"],
        outputs: &["output: string"],
        attrs: &[],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(build_decode),
    },
];

fn build_encode(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let config = GeneralPurposeConfig::new().with_encode_padding(node.attr("pad")?);
    let engine = GeneralPurpose::new(&URL_SAFE, config);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let out = each::strings(ctx, 0, COPY, |string| engine.encode(string).into())?;
        ctx.set(0, out);
        Ok(())
    }))
}

fn build_decode(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&URL_SAFE, config);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let decoded = each::results(input.strings()?, COPY, |_, string| {
            if string.len() % 4 == 1 {
                return Err(Error::invalid_argument("Base64 string length cannot be 1 modulo 4."));
            }
            let half_padded = string.len() % 4 != 0 && string.ends_with(b"=");
            let decoded = if half_padded { None } else { engine.decode(string).ok() };
            decoded.ok_or_else(|| Error::invalid_argument("Invalid character found in base64."))
        })?;
        let out = Tensor::from_strings(input.shape(), decoded)?;
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, run, strings};

    #[test]
    fn encoded() {
        let input = || bytes(&[b"", b"a", b"ab", b"\xfb\xff\xbe"]);
        assert_eq!(run(&OPS[0], vec![], &[input()]), "|YQ|YWI|-_--");
        assert_eq!(run(&OPS[0], vec![("pad", true.into())], &[input()]), "|YQ==|YWI=|-_--");
    }

    #[test]
    fn decoded() {
        let check =
            |text: &str, want: &str| assert_eq!(run(&OPS[1], vec![], &[strings(&[text])]), want, "{text}");
        for (text, want) in
            [("", ""), ("YQ", "a"), ("YQ==", "a"), ("YR", "a"), ("YWI=", "ab"), ("-_8", "\\xfb\\xff")]
        {
            check(text, want);
        }
        for text in ["YQ=", "==", "====", "YW Jjj", "+/", "A===", "YQ==YQ==", "AA=A"] {
            check(text, "INVALID_ARGUMENT: Invalid character found in base64.");
        }
        check("=", "INVALID_ARGUMENT: Base64 string length cannot be 1 modulo 4.");
        check("YQAAA", "INVALID_ARGUMENT: Base64 string length cannot be 1 modulo 4.");
    }
}
