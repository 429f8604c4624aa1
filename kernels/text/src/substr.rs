//! `Substr`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Shape, Tensor};

/// Cuts a part out of each string.
///
/// A negative position counts from the end; a part ends with the string. `pos` and `len` have one shape, which is
/// broadcast with that of the strings (to two dimensions at most, unless it is a scalar or theirs).
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Substr>.
pub const OP: Op = Op {
    name: "Substr",
    inputs: &["input: string", "pos: T", "len: T"],
    outputs: &["output: string"],
    attrs: &["T: {int32, int64}", "unit: {'BYTE', 'UTF8_CHAR'} = 'BYTE'"],
    effect: Effect::Pure,
    shape: infer,
    kernels: Kernels::All(&[("T", &[DType::Int32, DType::Int64])], build),
};

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (pos, len) = (ctx.input(1), ctx.input(2));
    let merged = pos.merge(&len).ok_or_else(|| mismatch(&pos, &len))?;
    Ok(vec![shape::broadcast_shapes(&ctx.input(0), &merged)?])
}

fn mismatch(pos: &dyn std::fmt::Display, len: &dyn std::fmt::Display) -> Error {
    Error::invalid_argument(format!("pos and len should have the same shape, got: {pos} vs. {len}"))
}

/// Finds the bytes of a part: string, position and length.
type Cut = fn(&[u8], i64, i64) -> Option<(usize, usize)>;

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let is_bytes = &node.attr::<Bytes>("unit")?[..] == b"BYTE";
    let cut: Cut = if is_bytes { bytes } else { characters };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, pos, len) = (ctx.input(0), ctx.input(1), ctx.input(2));
        if pos.shape() != len.shape() {
            return Err(mismatch(pos.shape(), len.shape()));
        }
        let shape = output_shape(input.shape(), pos.shape())?;
        let (starts, lengths) = (pos.to_i64s()?, len.to_i64s()?);
        let strings = input.strings()?;
        let string_of = indices(input.shape(), &shape);
        let part_of = indices(pos.shape(), &shape);
        let mut out = Vec::with_capacity(shape.elements());
        for (i, (s, p)) in string_of.zip(part_of).enumerate() {
            let string = &strings[s];
            let Some((start, end)) = cut(string, starts[p], lengths[p]) else {
                let place = if pos.rank() == 0 || input.shape() == pos.shape() {
                    (i, None)
                } else {
                    place(i, &shape)
                };
                return Err(out_of_range(starts[p], is_bytes.then_some(string), place));
            };
            out.push(string.slice(start..end));
        }
        let out = Tensor::from_strings(shape, out)?;
        ctx.set(0, out);
        Ok(())
    }))
}

fn output_shape(input: &Shape, pos: &Shape) -> Result<Shape> {
    if pos.rank() == 0 || input == pos {
        return Ok(input.clone());
    }
    let shape = shape::broadcast_known(input, pos)?;
    if !(1..=2).contains(&shape.rank()) {
        let rank = shape.rank();
        return Err(Error::unimplemented(format!("Substr broadcast not implemented for {rank} dimensions")));
    }
    Ok(shape)
}

/// For each element of `shape`, in order, the element of `from` that is broadcast to it.
fn indices(from: &Shape, shape: &Shape) -> impl Iterator<Item = usize> {
    let mut steps = vec![0; shape.rank()];
    let mut stride = 1;
    for (step, &dim) in steps.iter_mut().rev().zip(from.iter().rev()) {
        *step = if dim == 1 { 0 } else { stride };
        stride *= dim;
    }
    let dims = shape.clone();
    (0..shape.elements()).map(move |i| {
        let (mut rest, mut index) = (i, 0);
        for (&dim, step) in dims.iter().zip(&steps).rev() {
            index += rest % dim * step;
            rest /= dim;
        }
        index
    })
}

/// Where an element stands: row and column of a matrix.
fn place(i: usize, shape: &Shape) -> (usize, Option<usize>) {
    match **shape {
        [_, columns] => (i / columns, Some(i % columns)),
        _ => (i, None),
    }
}

#[cold]
fn out_of_range(pos: i64, string: Option<&Bytes>, (row, column): (usize, Option<usize>)) -> Error {
    let Some(string) = string else {
        return Error::invalid_argument(format!("pos {pos} out of range for string at index {row}"));
    };
    let index = column.map_or(row.to_string(), |column| format!("({row}, {column})"));
    let string = String::from_utf8_lossy(string);
    Error::invalid_argument(format!("pos {pos} out of range for string b'{string}' at index {index}"))
}

fn bytes(string: &[u8], pos: i64, len: i64) -> Option<(usize, usize)> {
    let size = string.len() as i64;
    let start = if pos < 0 { size + pos } else { pos };
    if !(0..=size).contains(&start) {
        return None;
    }
    // A negative length is that of a very long part.
    let len = if len < 0 { size } else { len };
    Some((start as usize, (start + len.min(size - start)) as usize))
}

fn characters(string: &[u8], pos: i64, len: i64) -> Option<(usize, usize)> {
    if pos >= 0 {
        let (start, reached) = forward(string, 0, pos);
        let (end, _) = forward(string, start, len);
        return reached.then_some((start, end));
    }
    let skip = (pos.checked_neg()?.checked_sub(len)?).max(0);
    let end = back(string, string.len(), skip)?;
    Some((back(string, end, -pos - skip)?, end))
}

fn continues(c: u8) -> bool {
    c & 0xc0 == 0x80
}

/// The position `n` characters on, or the end; whether there were so many.
fn forward(string: &[u8], mut at: usize, n: i64) -> (usize, bool) {
    let mut left = n;
    while left > 0 && at < string.len() {
        at += 1;
        while at < string.len() && continues(string[at]) {
            at += 1;
        }
        left -= 1;
    }
    (at, left <= 0)
}

/// The position `n` characters back; `None` when there are not so many.
fn back(string: &[u8], mut at: usize, n: i64) -> Option<usize> {
    for _ in 0..n {
        at = at.checked_sub(1)?;
        while at > 0 && continues(string[at]) {
            at -= 1;
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, strings, vector};

    fn check(unit: &str, inputs: [Tensor; 3], want: &str) {
        assert_eq!(run(&OP, vec![("unit", unit.into())], &inputs), want);
    }

    #[test]
    fn parts() {
        let one = |unit: &str, text: &'static str, pos: i64, len: i64, want: &str| {
            check(unit, [strings(&[text]), Tensor::scalar(pos), Tensor::scalar(len)], want);
        };
        one("BYTE", "hello", 1, 3, "ell");
        one("BYTE", "hello", -3, 2, "ll");
        one("BYTE", "hello", 5, 2, "");
        one("BYTE", "hello", 1, 100, "ello");
        one("BYTE", "hello", 1, -1, "ello");
        one("UTF8_CHAR", "aéö€b", 1, 2, "éö");
        one("UTF8_CHAR", "aéö€b", -3, 2, "ö€");
        one("UTF8_CHAR", "aéö€b", -5, 100, "aéö€b");
        one("UTF8_CHAR", "aé", 2, 1, "");
        one("UTF8_CHAR", "aé", 1, -1, "");
        let error = "INVALID_ARGUMENT: pos";
        one("BYTE", "hi", 3, 1, &format!("{error} 3 out of range for string b'hi' at index 0"));
        one("BYTE", "hi", -3, 1, &format!("{error} -3 out of range for string b'hi' at index 0"));
        one("UTF8_CHAR", "aé", 3, 1, &format!("{error} 3 out of range for string at index 0"));
        one("UTF8_CHAR", "aé", -3, 1, &format!("{error} -3 out of range for string at index 0"));
    }

    #[test]
    fn bytes_that_begin_no_character() {
        let one = |pos: i32, want: &str| {
            let input = crate::testing::bytes(&[b"\x80\x80a\x80"]);
            check("UTF8_CHAR", [input, Tensor::scalar(pos), Tensor::scalar(1)], want);
        };
        one(0, "\\x80\\x80");
        one(1, "a\\x80");
        one(-1, "a\\x80");
        one(-2, "\\x80\\x80");
    }

    #[test]
    fn broadcast() {
        let words = || strings(&["abc", "def"]);
        check("BYTE", [words(), vector(&[0, 1]), vector(&[1, 2])], "a|ef");
        let rows = |values: &[i32]| Tensor::from_slice([2, 1], values).unwrap();
        check("BYTE", [words(), rows(&[0, 1]), rows(&[1, 2])], "a|d|bc|ef");
        let error = "INVALID_ARGUMENT: pos 4 out of range for string b'def' at index (0, 1)";
        let one_row = Tensor::from_strings([1, 2], ["abcd", "def"]).unwrap();
        check("BYTE", [one_row, vector(&[4]), vector(&[1])], error);
        let deep = Tensor::zeros(DType::String, [1, 1, 1]).unwrap();
        let unimplemented = "UNIMPLEMENTED: Substr broadcast not implemented for 3 dimensions";
        check("BYTE", [deep, vector(&[0, 0]), vector(&[0, 0])], unimplemented);
        let shapes = "INVALID_ARGUMENT: pos and len should have the same shape, got: [1] vs. []";
        check("BYTE", [words(), vector(&[0]), Tensor::scalar(0)], shapes);
    }
}
