//! `RegexReplace` and `StaticRegexReplace`.

use std::sync::{Mutex, PoisonError};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Error, Result, Tensor};

use crate::each::{self, COPY};
use crate::re2::Pattern;

mod rewrite;

use rewrite::Rewrite;

/// Replaces what a regular expression (of RE2's syntax) matches.
///
/// `\0` to `\9` in the rewrite stand for groups, `\\` for a backslash. A rewrite that names a group which the pattern
/// does not have leaves strings alone.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RegexReplace>.
pub const OPS: &[Op] = &[
    Op {
        name: "RegexReplace",
        inputs: &["input: string", "pattern: string", "rewrite: string"],
        outputs: &["output: string"],
        attrs: &["replace_global: bool = true"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(build),
    },
    Op {
        name: "StaticRegexReplace",
        inputs: &["input: string"],
        outputs: &["output: string"],
        attrs: &["pattern: string", "rewrite: string", "replace_global: bool = true"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(build_static),
    },
];

fn build_static(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let pattern = node.attr::<Bytes>("pattern")?;
    let pattern = Pattern::new(&pattern)?.with_bytes(&pattern);
    let rewrite = Rewrite::new(&node.attr::<Bytes>("rewrite")?, node.attr("replace_global")?);
    Ok(Box::new(move |ctx: &mut Context<'_>| replace(ctx, &pattern, &rewrite)))
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let global: bool = node.attr("replace_global")?;
    let cache = Cache::default();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let make = |text: &[u8]| Ok(Pattern::new(text)?.with_bytes(text));
        let pattern = cache.pattern(scalar(ctx.input(1), "Pattern")?, make)?;
        let rewrite = Rewrite::new(scalar(ctx.input(2), "Rewrite")?, global);
        replace(ctx, &pattern, &rewrite)
    }))
}

fn replace(ctx: &mut Context<'_>, pattern: &Pattern, rewrite: &Rewrite) -> Result<()> {
    let bytes = pattern.bytes().and_then(|set| Some((set, rewrite.text_for_all()?)));
    let out = each::strings(ctx, 0, COPY, |string| {
        let replaced = match bytes {
            Some((set, text)) => rewrite::bytes(set, text, string),
            None => rewrite.apply(pattern.regex(), string),
        };
        replaced.map_or_else(|| string.clone(), Bytes::from)
    })?;
    ctx.set(0, out);
    Ok(())
}

/// The string of an input that must be a scalar.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is not.
pub fn scalar<'a>(tensor: &'a Tensor, what: &str) -> Result<&'a Bytes> {
    match (tensor.rank(), tensor.strings()?) {
        (0, [string]) => Ok(string),
        _ => Err(Error::invalid_argument(format!("{what} must be scalar, but received {}", tensor.shape()))),
    }
}

/// The pattern that was compiled last.
#[derive(Default)]
pub struct Cache(Mutex<Option<(Bytes, Pattern)>>);

impl Cache {
    /// The compiled pattern, made with `make` unless it is the last one again.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn pattern(&self, text: &Bytes, make: impl Fn(&[u8]) -> Result<Pattern>) -> Result<Pattern> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pattern)) = last.as_ref().filter(|(last, _)| last == text) {
            return Ok(pattern.clone());
        }
        let pattern = make(text)?;
        *last = Some((text.clone(), pattern.clone()));
        Ok(pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, run, string, strings};

    #[test]
    fn replaced() {
        let check = |input: &[u8], pattern: &str, rewrite: &str, all: &str, first: &str| {
            for (global, want) in [(true, all), (false, first)] {
                let inputs = [bytes(&[input]), string(pattern), string(rewrite)];
                let attrs = vec![("replace_global", global.into())];
                assert_eq!(run(&OPS[0], attrs, &inputs), want, "{pattern}");
                let attrs = vec![
                    ("replace_global", global.into()),
                    ("pattern", pattern.into()),
                    ("rewrite", rewrite.into()),
                ];
                assert_eq!(run(&OPS[1], attrs, &inputs[..1]), want, "{pattern}");
            }
        };
        check("aébc".as_bytes(), "", "-", "-a-é-b-c-", "-aébc");
        check(b"baaac", "a*", "-", "-b-c-", "-baaac");
        check(b"aaa", "a*?", "-", "-a-a-a-", "-aaa");
        check(b"abcb", "(b)(x)?", "[\\1\\2\\0\\\\]", "a[bb\\]c[bb\\]", "a[bb\\]cb");
        check(b"abc", "(b)", "[\\2]", "abc", "abc");
        check(b"abcb", "b", "x\\qy", "axcx", "abcb");
        check(b"a.b,,c", "[.,]", "", "abc", "ab,,c");
        check(b"a.b,,c", "[.,]", "<\\\\>", "a<\\>b<\\><\\>c", "a<\\>b,,c");
        check("é.è".as_bytes(), "[.]", "\\0\\0", "é..è", "é..è");
        check(b"plain", "[.,]", "-", "plain", "plain");
        check(b"a.b.c", "[.]", "x\\q", "axbxc", "a.b.c");
        check(b"abcb", "b", "xy\\", "axycxy", "abcb");
        check("é a".as_bytes(), "\\B", "|", "|é| a", "|é a");
        check(b"a\xff\xc3b", "", "-", "-a-\\xff-\\xc3-b-", "-a\\xff\\xc3b");
    }

    #[test]
    fn refusals() {
        let check = |inputs: [Tensor; 3], want: &str| {
            assert_eq!(run(&OPS[0], vec![], &inputs), format!("INVALID_ARGUMENT: {want}"));
        };
        check([string("a"), string("("), string("")], "Invalid pattern: (, error: missing ): (");
        let vector = strings(&["a"]);
        check([string("a"), vector.clone(), string("")], "Pattern must be scalar, but received [1]");
        check([string("a"), string("a"), vector], "Rewrite must be scalar, but received [1]");
    }
}
