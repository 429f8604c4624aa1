//! `UnicodeEncode`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::unicode::{Faults, Output, push};

/// Encodes each row of a ragged tensor of code points as a string.
///
/// Surrogates count as faults.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UnicodeEncode>.
pub const OP: Op = Op {
    name: "UnicodeEncode",
    inputs: &["input_values: int32", "input_splits: Tsplits"],
    outputs: &["output: string"],
    attrs: &[
        "errors: {'ignore', 'replace', 'strict'} = 'replace'",
        "output_encoding: {'UTF-8', 'UTF-16-BE', 'UTF-32-BE'}",
        "replacement_char: int = 65533",
        "Tsplits: {int32, int64} = DT_INT64",
    ],
    effect: Effect::Pure,
    shape: infer,
    kernels: Kernels::All(&[("Tsplits", &[DType::Int32, DType::Int64])], build),
};

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rows = ctx.input(1).dim(0).and_then(|splits| splits.checked_sub(1));
    Ok(vec![PartialShape::new([rows])])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (output, faults) = (Output::new(node)?, Faults::new(node)?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (values, splits) = (ctx.input(0), ctx.input(1));
        if values.rank() != 1 || splits.rank() != 1 {
            return Err(Error::invalid_argument(
                "Both the input_tensor and input_splits should be of rank 1. ",
            ));
        }
        let splits = splits.to_i64s()?;
        check_splits(&splits, values.elements())?;
        let codes = values.as_slice::<i32>()?;
        let mut strings = Vec::with_capacity(splits.len() - 1);
        let mut text = Vec::new();
        for row in splits.windows(2) {
            text.clear();
            for &code in &codes[row[0] as usize..row[1] as usize] {
                match u32::try_from(code).ok().and_then(char::from_u32) {
                    Some(c) => push(&mut text, c.into()),
                    None if faults.is_strict => {
                        let message = "Code point is out of range for Unicode, or is a surrogate.";
                        return Err(Error::invalid_argument(message));
                    }
                    None if faults.is_ignored => {}
                    None => push(&mut text, faults.replacement),
                }
            }
            strings.push(output.encode(&text));
        }
        ctx.set(0, Tensor::from_strings([strings.len()], strings)?);
        Ok(())
    }))
}

fn check_splits(splits: &[i64], len: usize) -> Result<()> {
    let wrong = match splits {
        [] => "Input_splits should contain elements, but given input_values has 0 elements",
        [first, ..] if *first != 0 => "First value in input_splits must be zero.",
        [.., last] if *last != len as i64 => {
            "Last value in input_splits must be equal to length of input_tensor."
        }
        _ if !splits.is_sorted() => "Values in input_splits must be equal or in ascending order.",
        _ => return Ok(()),
    };
    Err(Error::invalid_argument(wrong))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Attrs, run, vector};

    fn check(codes: &[i32], splits: &[i64], encoding: &str, attrs: Attrs<'_>, want: &str) {
        let attrs = attrs.into_iter().chain([("output_encoding", encoding.into())]).collect();
        assert_eq!(run(&OP, attrs, &[vector(codes), vector(splits)]), want, "{codes:?} {splits:?}");
    }

    #[test]
    fn encoded() {
        let text = [97, 233, 0x1f600];
        check(&text, &[0, 1, 1, 3], "UTF-8", vec![], "a||é😀");
        check(&text[2..], &[0, 1], "UTF-16-BE", vec![], "\\xd8=\\xde\\x00");
        check(&text[2..], &[0, 1], "UTF-32-BE", vec![], "\\x00\\x01\\xf6\\x00");
        let faults = [97, -1, 0xd83d, 0x110000, 98];
        check(&faults, &[0, 5], "UTF-8", vec![], "a\u{fffd}\u{fffd}\u{fffd}b");
        check(&faults, &[0, 5], "UTF-8", vec![("errors", "ignore".into())], "ab");
        check(
            &faults,
            &[0, 5],
            "UTF-8",
            vec![("replacement_char", 0xd800.into())],
            "a\u{fffd}\u{fffd}\u{fffd}b",
        );
    }

    #[test]
    fn refusals() {
        let check = |codes: &[i32], splits: &[i64], want: &str| {
            let attrs = vec![("errors", "strict".into())];
            check(codes, splits, "UTF-8", attrs, &format!("INVALID_ARGUMENT: {want}"));
        };
        check(&[-1], &[0, 1], "Code point is out of range for Unicode, or is a surrogate.");
        check(&[97], &[], "Input_splits should contain elements, but given input_values has 0 elements");
        check(&[97, 98], &[1, 2], "First value in input_splits must be zero.");
        check(&[97, 98], &[0, 3], "Last value in input_splits must be equal to length of input_tensor.");
        check(&[97, 98], &[0, 2, 1, 2], "Values in input_splits must be equal or in ascending order.");
    }
}
