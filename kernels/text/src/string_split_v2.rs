//! `StringSplitV2`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{Bytes, Result};

use crate::each::{self, COPY};
use crate::string_split::{infer, operands, set_sparse};
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
        let parts = each::results(ctx.input(0).strings()?, COPY, |_, string| {
            Ok(match (most, separator.is_empty()) {
                (0, _) => vec![string.clone()],
                (_, true) => split_spaces(string, most),
                (_, false) => split(string, separator, most),
            })
        })?;
        set_sparse(ctx, parts)
    }))
}

fn split_spaces(string: &Bytes, most: usize) -> Vec<Bytes> {
    let mut parts = Vec::new();
    let mut rest = trim_start(string);
    while !rest.is_empty() {
        if parts.len() == most {
            break;
        }
        let end = rest.iter().position(|&c| is_space(c)).unwrap_or(rest.len());
        parts.push(string.slice_ref(&rest[..end]));
        rest = trim_start(&rest[end..]);
    }
    if parts.len() == most {
        parts.push(string.slice_ref(rest));
    }
    parts
}

fn trim_start(text: &[u8]) -> &[u8] {
    &text[text.iter().position(|&c| !is_space(c)).unwrap_or(text.len())..]
}

fn split(string: &Bytes, separator: &[u8], most: usize) -> Vec<Bytes> {
    let (mut parts, mut start) = (Vec::new(), 0);
    while parts.len() < most {
        let Some(found) = find(&string[start..], separator) else { break };
        parts.push(string.slice(start..start + found));
        start += found + separator.len();
    }
    parts.push(string.slice(start..));
    parts
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
