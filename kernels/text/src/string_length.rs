//! `StringLength`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Result};

use crate::each;

/// Counts the bytes, or the characters of UTF-8, of each string.
///
/// Every byte that does not continue a character counts as one, also in what is no UTF-8.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringLength>.
pub const OP: Op = Op {
    name: "StringLength",
    inputs: &["input: string"],
    outputs: &["output: int32"],
    attrs: &["unit: {'BYTE', 'UTF8_CHAR'} = 'BYTE'"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let is_bytes = &node.attr::<Bytes>("unit")?[..] == b"BYTE";
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let out = each::numbers(ctx, 0, |string| {
            let continuations = |c: &&u8| **c & 0xc0 == 0x80;
            let skipped = if is_bytes { 0 } else { string.iter().filter(continuations).count() };
            (string.len() - skipped) as i32
        })?;
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, run};

    #[test]
    fn counted() {
        let check = |unit: &str, want: &str| {
            let input = bytes(&[b"", b"abc", "é€".as_bytes(), b"\x80\xff\xc3"]);
            assert_eq!(run(&OP, vec![("unit", unit.into())], &[input]), want);
        };
        check("BYTE", "0 3 5 3");
        check("UTF8_CHAR", "0 3 2 2");
        let wrong = run(&OP, vec![("unit", "RUNE".into())], &[bytes(&[])]);
        assert!(wrong.starts_with("INVALID_ARGUMENT"), "{wrong}");
    }
}
