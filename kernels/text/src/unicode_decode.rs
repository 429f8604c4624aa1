//! `UnicodeDecode` and `UnicodeDecodeWithOffsets`.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, PartialShape, Result, Tensor};

use crate::each::COPY;
use crate::string_n_grams::indices;
use crate::unicode::{Encoding, Faults, decode, malformed};

const KERNELS: Kernels = Kernels::All(&[("Tsplits", &[DType::Int32, DType::Int64])], build);

const ATTRS: &[&str] = &[
    "input_encoding: string",
    "errors: {'strict', 'replace', 'ignore'} = 'replace'",
    "replacement_char: int = 65533",
    "replace_control_characters: bool = false",
    "Tsplits: {int32, int64} = DT_INT64",
];

/// Decodes strings to a ragged tensor of code points, and tells at which byte each starts.
///
/// Strings are those of the flattened input. A fault stands for as many bytes as ICU's converter passes over.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UnicodeDecodeWithOffsets>.
pub const OPS: &[Op] = &[
    Op {
        name: "UnicodeDecode",
        inputs: &["input: string"],
        outputs: &["row_splits: Tsplits", "char_values: int32"],
        attrs: ATTRS,
        effect: Effect::Pure,
        shape: infer,
        kernels: KERNELS,
    },
    Op {
        name: "UnicodeDecodeWithOffsets",
        inputs: &["input: string"],
        outputs: &["row_splits: Tsplits", "char_values: int32", "char_to_byte_starts: int64"],
        attrs: ATTRS,
        effect: Effect::Pure,
        shape: infer,
        kernels: KERNELS,
    },
];

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rows = ctx.input(0).known().and_then(|shape| shape.checked_elements().ok()?.checked_add(1));
    let mut shapes = vec![PartialShape::of_rank(1); ctx.outputs];
    shapes[0] = PartialShape::new([rows]);
    Ok(shapes)
}

/// The characters of some strings.
#[derive(Default)]
struct Rows {
    lengths: Vec<i64>,
    codes: Vec<i32>,
    starts: Vec<i64>,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (encoding, faults) = (Encoding::new(node, "input_encoding")?, Faults::new(node)?);
    let splits_dtype: DType = node.attr("Tsplits")?;
    let with_starts = node.outputs.len() == 3;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let strings = ctx.input(0).strings()?;
        let parts = par::map_chunks(strings.len(), par::grain(COPY), |range| {
            let mut rows = Rows::default();
            strings[range].iter().try_for_each(|string| rows.add(string, encoding, faults)).map(|()| rows)
        });
        let mut all = Rows::default();
        for part in parts {
            let part = part?;
            all.lengths.extend(part.lengths);
            all.codes.extend(part.codes);
            all.starts.extend(part.starts);
        }
        let ends = all.lengths.iter().scan(0, |end, len| {
            *end += len;
            Some(*end)
        });
        let splits: Vec<i64> = std::iter::once(0).chain(ends).collect();
        ctx.set(0, indices(&splits, splits_dtype)?);
        ctx.set(1, Tensor::from_vec([all.codes.len()], all.codes)?);
        if with_starts {
            ctx.set(2, Tensor::from_vec([all.starts.len()], all.starts)?);
        }
        Ok(())
    }))
}

impl Rows {
    fn add(&mut self, string: &[u8], encoding: Encoding, faults: Faults) -> Result<()> {
        let (before, mut at, mut found) = (self.codes.len(), 0, false);
        decode(encoding, string, |code, len, is_fault| {
            found |= is_fault;
            let replace = is_fault || faults.control && code < 0x20;
            if !(replace && faults.is_ignored) {
                self.codes.push(if replace { faults.replacement } else { code } as i32);
                self.starts.push(at);
            }
            at += len as i64;
        });
        self.lengths.push((self.codes.len() - before) as i64);
        if found && faults.is_strict { Err(malformed()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Attrs, bytes, run};

    fn check(encoding: &str, string: &[u8], attrs: Attrs<'static>, want: &str) {
        let attrs = attrs.into_iter().chain([("input_encoding", encoding.into())]).collect();
        assert_eq!(run(&OPS[1], attrs, &[bytes(&[string])]), want, "{encoding} {string:?}");
    }

    #[test]
    fn utf8() {
        check("UTF-8", "aé€😀".as_bytes(), vec![], "0 4 / 97 233 8364 128512 / 0 1 3 6");
        check(
            "utf8",
            b"\xef\xbb\xbfa\xe2\x82b\xf0\x9f\x98",
            vec![],
            "0 5 / 65279 97 65533 98 65533 / 0 3 4 6 7",
        );
        check("UTF-8", b"\xed\xa0\x80", vec![], "0 3 / 65533 65533 65533 / 0 1 2");
        check("UTF-8", b"a\xffb", vec![("errors", "ignore".into())], "0 2 / 97 98 / 0 2");
        check("UTF-8", b"a\xffb", vec![("replacement_char", 63.into())], "0 3 / 97 63 98 / 0 1 2");
        let strict = || ("errors", "strict".into());
        check("UTF-8", b"a\xff", vec![strict()], "INVALID_ARGUMENT: Invalid formatting on input string");
        let control = || ("replace_control_characters", true.into());
        check("UTF-8", b"a\nb", vec![strict(), control()], "0 3 / 97 65533 98 / 0 1 2");
        check("UTF-8", b"a\nb", vec![("errors", "ignore".into()), control()], "0 2 / 97 98 / 0 2");
    }

    #[test]
    fn wide_units() {
        let text = b"\xfe\xff\x00a\xd8\x3d\xde\x00\xd8\x00\x00b\x00";
        check("UTF-16", text, vec![], "0 5 / 97 128512 65533 98 65533 / 0 4 8 10 12");
        check("UTF-16-BE", text, vec![], "0 6 / 65279 97 128512 65533 98 65533 / 0 2 4 8 10 12");
        check("UTF-16", b"\xff\xfe\x3d\xd8\x00\xde", vec![], "0 1 / 128512 / 0");
        check("UTF-16", b"\xfe\xff", vec![], "0 1 / 65535 / 0");
        check("UTF-16-BE", b"\xd8\x3d\xde", vec![], "0 1 / 65533 / 0");
        check("UTF-16-LE", b"\x3d\xd8a\x00", vec![], "0 2 / 65533 97 / 0 2");
        check("UTF-32", b"\xff\xfe\x00\x00a\x00\x00\x00", vec![], "0 1 / 97 / 0");
        check("UTF-32-BE", b"\x00\x00\xd8\x00\x00\x00\x00a\x00\x00", vec![], "0 3 / 65533 97 65533 / 0 4 8");
    }

    #[test]
    fn pages_and_other_names() {
        check("latin1", b"\xe9\x80", vec![], "0 2 / 233 128 / 0 1");
        check("US-ASCII", b"a\xe9", vec![], "0 2 / 97 65533 / 0 1");
        check("windows-1252", b"\x80\x8d", vec![], "0 2 / 8364 141 / 0 1");
        check("cp437", b"\x1a\xe9", vec![], "0 2 / 28 920 / 0 1");
        check("foo", b"", vec![], "INVALID_ARGUMENT: Could not create converter for input encoding: foo");
        let unimplemented = "UNIMPLEMENTED: operator UnicodeDecodeWithOffsets has no kernel for attr input_encoding = \"GBK\"";
        check("GBK", b"", vec![], unimplemented);
    }
}
