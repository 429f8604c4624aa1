//! `UnicodeTranscode`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Result, Tensor};

use crate::each::{self, COPY};
use crate::unicode::{Encoding, Faults, Output, decode, malformed, push};

/// Changes the encoding of strings.
///
/// Unlike `UnicodeDecode`, `errors = "strict"` counts control characters as faults if they are to be replaced.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UnicodeTranscode>.
pub const OP: Op = Op {
    name: "UnicodeTranscode",
    inputs: &["input: string"],
    outputs: &["output: string"],
    attrs: &[
        "input_encoding: string",
        "output_encoding: {'UTF-8', 'UTF-16-BE', 'UTF-32-BE'}",
        "errors: {'strict', 'replace', 'ignore'} = 'replace'",
        "replacement_char: int = 65533",
        "replace_control_characters: bool = false",
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let encoding = Encoding::new(node, "input_encoding")?;
    let (output, faults) = (Output::new(node)?, Faults::new(node)?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let strings =
            each::results(input.strings()?, COPY, |_, string| transcode(string, encoding, output, faults))?;
        let out = Tensor::from_strings(input.shape(), strings)?;
        ctx.set(0, out);
        Ok(())
    }))
}

fn transcode(string: &Bytes, encoding: Encoding, output: Output, faults: Faults) -> Result<Bytes> {
    let same = matches!((encoding, output), (Encoding::Utf8, Output::Utf8));
    if same && !faults.control && std::str::from_utf8(string).is_ok() {
        return Ok(string.clone());
    }
    let (mut text, mut found) = (Vec::with_capacity(string.len()), false);
    decode(encoding, string, |code, _, is_fault| {
        let replace = is_fault || faults.control && code < 0x20;
        found |= replace;
        if !(replace && faults.is_ignored) {
            push(&mut text, if replace { faults.replacement } else { code });
        }
    });
    if found && faults.is_strict { Err(malformed()) } else { Ok(output.encode(&text)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Attrs, bytes, run};

    #[test]
    fn transcoded() {
        let check = |string: &[u8], from: &str, to: &str, attrs: Attrs<'_>, want: &str| {
            let encodings = [("input_encoding", from.into()), ("output_encoding", to.into())];
            let attrs = attrs.into_iter().chain(encodings).collect();
            assert_eq!(run(&OP, attrs, &[bytes(&[string])]), want, "{string:?}");
        };
        let smile = "😀".as_bytes();
        check(smile, "UTF-8", "UTF-8", vec![], "😀");
        check(
            smile,
            "UTF-8",
            "UTF-32-BE",
            vec![],
            "\0\u{1}\\xf6\0".replace('\0', "\\x00").replace('\u{1}', "\\x01").as_str(),
        );
        check(smile, "UTF-8", "UTF-16-BE", vec![], "\\xd8=\\xde\\x00");
        check(b"a\xff", "UTF-8", "UTF-8", vec![("replacement_char", 0x1f600.into())], "a😀");
        check(b"a\xff", "UTF-8", "UTF-8", vec![("replacement_char", 0xd800.into())], "a\u{fffd}");
        check(b"\xe9", "ISO-8859-1", "UTF-8", vec![], "é");
        let ignore = vec![("errors", "ignore".into()), ("replace_control_characters", true.into())];
        check(b"a\xff\nb", "UTF-8", "UTF-8", ignore, "ab");
        let strict = vec![("errors", "strict".into()), ("replace_control_characters", true.into())];
        check(b"a\nb", "UTF-8", "UTF-8", strict, "INVALID_ARGUMENT: Invalid formatting on input string");
        let range = "INVALID_ARGUMENT: replacement_char out of unicode codepoint range";
        check(b"a", "UTF-8", "UTF-8", vec![("replacement_char", (-1).into())], range);
    }
}
