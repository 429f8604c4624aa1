//! `StringStrip`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Result};

use crate::each::{self, CHEAP};

/// Takes ASCII white space off both ends of each string.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringStrip>.
pub const OP: Op = Op {
    name: "StringStrip",
    inputs: &["input: string"],
    outputs: &["output: string"],
    attrs: &[],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let out = each::strings(ctx, 0, CHEAP, strip)?;
        ctx.set(0, out);
        Ok(())
    }))
}

/// Whether C's `isspace` holds, as for ASCII.
pub fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t'..=b'\r')
}

fn strip(string: &Bytes) -> Bytes {
    let Some(start) = string.iter().position(|&c| !is_space(c)) else { return Bytes::new() };
    let end = string.iter().rposition(|&c| !is_space(c)).map_or(start, |last| last + 1);
    string.slice(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, strings};

    #[test]
    fn stripped() {
        let input = strings(&["", " \t\n\x0b\x0c\r", " a b\n", "\u{a0}c", "d"]);
        assert_eq!(run(&OP, vec![], &[input]), "||a b|\u{a0}c|d");
    }
}
