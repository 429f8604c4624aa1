//! `RegexFullMatch` and `StaticRegexFullMatch`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Result};

use crate::each;
use crate::re2::Pattern;
use crate::regex_replace::{Cache, scalar};

/// Tells whether a regular expression (of RE2's syntax) matches the whole of each string.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RegexFullMatch>.
pub const OPS: &[Op] = &[
    Op {
        name: "RegexFullMatch",
        inputs: &["input: string", "pattern: string"],
        outputs: &["output: bool"],
        attrs: &[],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(build),
    },
    Op {
        name: "StaticRegexFullMatch",
        inputs: &["input: string"],
        outputs: &["output: bool"],
        attrs: &["pattern: string"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(build_static),
    },
];

fn build_static(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let pattern = Pattern::whole(&node.attr::<Bytes>("pattern")?)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| compare(ctx, &pattern)))
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let cache = Cache::default();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let pattern = cache.pattern(scalar(ctx.input(1), "Pattern")?, Pattern::whole)?;
        compare(ctx, &pattern)
    }))
}

fn compare(ctx: &mut Context<'_>, pattern: &Pattern) -> Result<()> {
    let out = each::numbers(ctx, 0, |string| pattern.regex().is_match(string))?;
    ctx.set(0, out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, string, strings};

    #[test]
    fn whole_strings() {
        let check = |pattern: &str, want: &str| {
            let input = strings(&["a", "ab", "b\n", ""]);
            assert_eq!(run(&OPS[0], vec![], &[input.clone(), string(pattern)]), want, "{pattern}");
            assert_eq!(run(&OPS[1], vec![("pattern", pattern.into())], &[input]), want, "{pattern}");
        };
        check("a|ab", "true true false false");
        check(".*", "true true false true");
        check("(?s).*", "true true true true");
        check("a*?", "true false false true");
        check("^a$|(?m)b$", "true false false false");
        check("(", "INVALID_ARGUMENT: Invalid pattern: (, error: missing ): (");
    }
}
