//! `StringSplitV2`.

use std::ops::Range;

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::Result;

use crate::string_split::{infer, operands, set_all, sparse_parts};
use crate::string_strip::is_space;

/// Splits each string at a separator, or at white space if it is empty; gives a sparse matrix of the parts.
///
/// With `maxsplit` above zero, what is left after so many splits is one part, even if it is empty. White space makes no
/// empty parts, a separator does.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringSplitV2>.
pub const OP: Op = Op {
    name: "StringSplitV2",
    inputs: &["input: string", "sep: string"],
    outputs: &["indices: int64", "values: string", "shape: int64"],
    attrs: &["maxsplit: int = -1"],
    effect: Effect::Pure,
    shape: infer,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let most = node.int32("maxsplit")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let separator = operands(ctx, "sep")?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let sparse = sparse_parts(ctx, |string, parts| match (most, separator.is_empty()) {
            (0, _) => parts.push(0..string.len()),
            (_, true) => split_spaces(string, most, parts),
            (_, false) => split(string, separator, most, parts),
        })?;
        set_all(ctx, sparse);
        Ok(())
    }))
}

fn split_spaces(string: &[u8], most: usize, parts: &mut Vec<Range<usize>>) {
    let next = |from: usize, space: bool| {
        string[from..].iter().position(|&c| is_space(c) == space).map_or(string.len(), |i| from + i)
    };
    let last = parts.len().saturating_add(most);
    let mut start = next(0, false);
    while start < string.len() && parts.len() < last {
        let end = next(start, true);
        parts.push(start..end);
        start = next(end, false);
    }
    if parts.len() == last {
        parts.push(start..string.len());
    }
}

fn split(string: &[u8], separator: &[u8], most: usize, parts: &mut Vec<Range<usize>>) {
    let last = parts.len().saturating_add(most);
    let mut start = 0;
    while parts.len() < last {
        let Some(found) = find(&string[start..], separator) else { break };
        parts.push(start..start + found);
        start += found + separator.len();
    }
    parts.push(start..string.len());
}

fn find(text: &[u8], separator: &[u8]) -> Option<usize> {
    match separator {
        &[byte] => text.iter().position(|&c| c == byte),
        _ => text.windows(separator.len()).position(|window| window == separator),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, string, strings};

    #[test]
    fn split_as_in_tensorflow() {
        let check = |text: &str, separator: &str, most: i64, want: &str| {
            let got = run(&OP, vec![("maxsplit", most.into())], &[strings(&[text]), string(separator)]);
            let values = got.split(" / ").nth(1).unwrap();
            assert_eq!(values, want, "{text:?} {most}");
        };
        check("a b  c\t d ", "", -1, "a|b|c|d");
        check("a b  c\t d ", "", 2, "a|b|c\t d ");
        check("a b", "", 2, "a|b|");
        check("a b", "", 3, "a|b");
        check("   ", "", -1, "");
        check("   ", "", 1, "");
        check("a,b,,c", ",", -1, "a|b||c");
        check("a,b,,c", ",", 2, "a|b|,c");
        check("a--b--c", "--", -1, "a|b|c");
        check("aaaa", "aa", -1, "||");
        check(" a b", "", 0, " a b");
    }

    #[test]
    fn sparse_matrix() {
        let inputs = [strings(&["a b", "", "c"]), string("")];
        assert_eq!(run(&OP, vec![], &inputs), "0 0 0 1 2 0 / a|b|c / 3 2");
        let error = run(&OP, vec![], &[strings(&["a"]), strings(&[" "])]);
        assert_eq!(error, "INVALID_ARGUMENT: sep must be a scalar, got shape: [1]");
    }
}
