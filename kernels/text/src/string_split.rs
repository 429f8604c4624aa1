//! `StringSplit`.

use std::ops::Range;

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Shape, Tensor};

use crate::each::COPY;

/// Splits each string at any of the bytes of the delimiter; gives a sparse matrix of the parts.
///
/// An empty delimiter splits into bytes.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringSplit>.
pub const OP: Op = Op {
    name: "StringSplit",
    inputs: &["input: string", "delimiter: string"],
    outputs: &["indices: int64", "values: string", "shape: int64"],
    attrs: &["skip_empty: bool = true"],
    effect: Effect::Pure,
    shape: infer,
    kernels: Kernels::one(build),
};

/// The shapes of indices, values and shape of a sparse matrix.
///
/// # Errors
/// None.
pub fn infer(_: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::new([None, Some(2)]), PartialShape::of_rank(1), PartialShape::from([2])])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let skip_empty: bool = node.attr("skip_empty")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let delimiter = operands(ctx, "delimiter")?;
        let sparse = sparse_parts(ctx, |string, parts| split(string, delimiter, skip_empty, parts))?;
        set_all(ctx, sparse);
        Ok(())
    }))
}

/// Checks the ranks of both inputs; the second one's string.
///
/// # Errors
/// `INVALID_ARGUMENT` unless there is a vector and a scalar.
pub fn operands<'a>(ctx: &'a Context<'_>, name: &str) -> Result<&'a Bytes> {
    let input = ctx.input(0);
    if input.rank() != 1 {
        return Err(Error::invalid_argument(format!("input must be a vector, got shape: {}", input.shape())));
    }
    let separator = ctx.input(1);
    match (separator.rank(), separator.strings()?) {
        (0, [string]) => Ok(string),
        _ => {
            let shape = separator.shape();
            Err(Error::invalid_argument(format!("{name} must be a scalar, got shape: {shape}")))
        }
    }
}

fn split(string: &[u8], delimiter: &[u8], skip_empty: bool, parts: &mut Vec<Range<usize>>) {
    if string.is_empty() {
        return;
    }
    if delimiter.is_empty() {
        parts.extend((0..string.len()).map(|i| i..i + 1));
        return;
    }
    let mut start = 0;
    for part in string.split(|c| delimiter.contains(c)) {
        if !skip_empty || !part.is_empty() {
            parts.push(start..start + part.len());
        }
        start += part.len() + 1;
    }
}

/// Parts of some strings of the input, which begin with the string of that number.
#[derive(Default)]
struct Parts {
    first: usize,
    /// Where the parts of each string end in `ranges`.
    ends: Vec<usize>,
    /// Where each part lies in its string.
    ranges: Vec<Range<usize>>,
}

/// The parts of the strings of input 0, which `find` adds to a list, as a sparse matrix: indices, values and shape.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when there is no memory.
pub fn sparse_parts(
    ctx: &Context<'_>,
    find: impl Fn(&[u8], &mut Vec<Range<usize>>) + Sync,
) -> Result<[Tensor; 3]> {
    let strings = ctx.input(0).strings()?;
    let chunks = par::map_chunks(strings.len(), par::grain(COPY), |rows| {
        let mut parts = Parts { first: rows.start, ..Parts::default() };
        for string in &strings[rows] {
            find(string, &mut parts.ranges);
            parts.ends.push(parts.ranges.len());
        }
        parts
    });
    let count = chunks.iter().map(|parts| parts.ranges.len()).sum();
    let mut indices = ctx.allocate(DType::Int64, Shape::from([count, 2]))?;
    let mut values = Vec::with_capacity(count);
    let mut longest = 0;
    let mut places = indices.as_mut_slice::<i64>()?.chunks_exact_mut(2);
    for parts in &chunks {
        let mut start = 0;
        for (row, &end) in (parts.first..).zip(&parts.ends) {
            longest = longest.max(end - start);
            for ((column, range), place) in (0..).zip(&parts.ranges[start..end]).zip(&mut places) {
                place.copy_from_slice(&[row as i64, column]);
                values.push(strings[row].slice(range.clone()));
            }
            start = end;
        }
    }
    let shape = Tensor::from_slice([2], &[strings.len() as i64, longest as i64])?;
    Ok([indices, Tensor::from_strings([count], values)?, shape])
}

/// Sets all outputs.
pub fn set_all(ctx: &mut Context<'_>, outputs: [Tensor; 3]) {
    for (i, output) in outputs.into_iter().enumerate() {
        ctx.set(i, output);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, string, strings};

    #[test]
    fn split_at_bytes() {
        let check = |texts: &[&str], delimiter: &str, skip: bool, want: &str| {
            let inputs = [strings(texts), string(delimiter)];
            assert_eq!(run(&OP, vec![("skip_empty", skip.into())], &inputs), want, "{texts:?}");
        };
        check(&["a b  c", "d"], " ", true, "0 0 0 1 0 2 1 0 / a|b|c|d / 2 3");
        check(&["a b  c"], " ", false, "0 0 0 1 0 2 0 3 / a|b||c / 1 4");
        check(&["a;b,c"], ";,", true, "0 0 0 1 0 2 / a|b|c / 1 3");
        check(&["é"], "", true, "0 0 0 1 / \\xc3|\\xa9 / 1 2");
        check(&["", ""], " ", false, " /  / 2 0");
        check(&[], " ", false, " /  / 0 0");
    }

    #[test]
    fn refusals() {
        let error = run(&OP, vec![], &[string("a"), string(" ")]);
        assert_eq!(error, "INVALID_ARGUMENT: input must be a vector, got shape: []");
        let error = run(&OP, vec![], &[strings(&["a"]), strings(&[" "])]);
        assert_eq!(error, "INVALID_ARGUMENT: delimiter must be a scalar, got shape: [1]");
    }
}
