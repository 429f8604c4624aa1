//! `StringSplit`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Bytes, Error, PartialShape, Result, Tensor};

use crate::each::{self, COPY};

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
        let parts = each::results(ctx.input(0).strings()?, COPY, |_, string| {
            Ok(split(string, delimiter, skip_empty))
        })?;
        set_sparse(ctx, parts)
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

fn split(string: &Bytes, delimiter: &[u8], skip_empty: bool) -> Vec<Bytes> {
    if string.is_empty() {
        return Vec::new();
    }
    if delimiter.is_empty() {
        return (0..string.len()).map(|i| string.slice(i..i + 1)).collect();
    }
    let parts = string.split(|c| delimiter.contains(c));
    parts.filter(|part| !skip_empty || !part.is_empty()).map(|part| string.slice_ref(part)).collect()
}

/// Gives rows of strings as a sparse matrix: indices, values and shape.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when there is no memory.
pub fn set_sparse(ctx: &mut Context<'_>, rows: Vec<Vec<Bytes>>) -> Result<()> {
    let count: usize = rows.iter().map(Vec::len).sum();
    let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut indices = Vec::with_capacity(2 * count);
    for (i, row) in rows.iter().enumerate() {
        indices.extend((0..row.len()).flat_map(|j| [i as i64, j as i64]));
    }
    ctx.set(2, Tensor::from_slice([2], &[rows.len() as i64, longest as i64])?);
    ctx.set(0, Tensor::from_vec([count, 2], indices)?);
    ctx.set(1, Tensor::from_strings([count], rows.into_iter().flatten())?);
    Ok(())
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
