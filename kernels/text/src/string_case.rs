//! `StringLower` and `StringUpper`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Error, Result};

use crate::each::{self, COPY};

/// Changes letters to lower or to upper case.
///
/// Without `encoding` only ASCII letters change. With `utf-8` all do, one letter may become several, wrong bytes become
/// U+FFFD, and a string ends at its first NUL.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringLower> and
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringUpper>.
pub const OPS: &[Op] = &[
    Op {
        name: "StringLower",
        inputs: &["input: string"],
        outputs: &["output: string"],
        attrs: &["encoding: string = ''"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(|node| build(node, <[u8]>::to_ascii_lowercase, str::to_lowercase)),
    },
    Op {
        name: "StringUpper",
        inputs: &["input: string"],
        outputs: &["output: string"],
        attrs: &["encoding: string = ''"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(|node| build(node, <[u8]>::to_ascii_uppercase, str::to_uppercase)),
    },
];

fn build(
    node: &Construction<'_>,
    ascii: fn(&[u8]) -> Vec<u8>,
    unicode: fn(&str) -> String,
) -> Result<Box<dyn Kernel>> {
    let encoding: Bytes = node.attr("encoding")?;
    let is_unicode = match &encoding[..] {
        b"" => false,
        b"utf-8" => true,
        _ => {
            return Err(Error::invalid_argument(format!(
                "only utf-8 or '' (no encoding) is supported, received {}",
                String::from_utf8_lossy(&encoding)
            )));
        }
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let out = each::strings(ctx, 0, COPY, |string| {
            if is_unicode {
                let text = string.split(|&c| c == 0).next().unwrap_or_default();
                return unicode(&String::from_utf8_lossy(text)).into();
            }
            ascii(string).into()
        })?;
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, run, strings};

    #[test]
    fn letters() {
        let check = |text: &str, encoding: &str, lower: &str, upper: &str| {
            for (op, want) in OPS.iter().zip([lower, upper]) {
                assert_eq!(run(op, vec![("encoding", encoding.into())], &[strings(&[text])]), want);
            }
        };
        check("aB Äß", "", "ab Äß", "AB Äß");
        check("aB Äß İ ǅ ﬁ ŉ", "utf-8", "ab äß i\u{307} ǆ ﬁ ŉ", "AB ÄSS İ Ǆ FI ʼN");
        check("ΑΣ ΑΣΑ", "utf-8", "ας ασα", "ΑΣ ΑΣΑ");
        check("a\0B", "utf-8", "a", "A");
        check("a\0B", "", "a\0b", "A\0B");
        let utf8 = "INVALID_ARGUMENT: only utf-8 or '' (no encoding) is supported, received UTF-8";
        check("x", "UTF-8", utf8, utf8);
    }

    #[test]
    fn bytes_that_are_no_text() {
        let lower =
            |encoding: &str| run(&OPS[0], vec![("encoding", encoding.into())], &[bytes(&[b"\xffA\xe2\x82"])]);
        assert_eq!(lower("utf-8"), "\u{fffd}a\u{fffd}");
        assert_eq!(lower(""), "\\xffa\\xe2\\x82");
    }
}
