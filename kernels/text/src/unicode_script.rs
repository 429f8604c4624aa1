//! `UnicodeScript`.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result};

mod table;

use table::STARTS;

/// Tells the script of code points, as ICU's number; -1 for what is no code point.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UnicodeScript>.
pub const OP: Op = Op {
    name: "UnicodeScript",
    inputs: &["input: int32"],
    outputs: &["output: int32"],
    attrs: &[],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let shape = ctx.input(0).shape().clone();
        let mut out = match ctx.forward(0, DType::Int32, &shape) {
            Some(input) => input,
            None => ctx.input(0).clone(),
        };
        par::for_chunks_mut(out.as_mut_slice::<i32>()?, par::grain(30.0), |_, codes| {
            codes.iter_mut().for_each(|code| *code = script(*code));
        });
        ctx.set(0, out);
        Ok(())
    }))
}

fn script(code: i32) -> i32 {
    match u32::try_from(code) {
        Ok(code) if code <= char::MAX.into() => {
            let next = STARTS.partition_point(|&(start, _)| start <= code);
            STARTS[next - 1].1.into()
        }
        _ => -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, vector};

    #[test]
    fn scripts() {
        let codes = [0x20, 0x41, 0x3b1, 0x430, 0x5d0, 0x627, 0x4e00, 0x301, 0xd800, 0x10ffff, -1, 0x110000];
        assert_eq!(run(&OP, vec![], &[vector(&codes)]), "0 25 14 8 19 2 17 1 103 103 -1 -1");
        assert!(STARTS.is_sorted_by(|a, b| a.0 < b.0) && STARTS[0].0 == 0);
    }
}
