//! See [`OP`].

use std::collections::BTreeSet;

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Error, Result, Tensor};

use crate::wire;

/// One serialised `Summary` with the values of all, whose tags must differ.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MergeSummary>
pub const OP: Op = Op {
    name: "MergeSummary",
    inputs: &["inputs: N * string"],
    outputs: &["summary: string"],
    attrs: &["N: int >= 1"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let unreadable = || Error::invalid_argument("Could not parse one of the summary inputs");
        let (mut merged, mut tags): (_, BTreeSet<Bytes>) = (Vec::new(), BTreeSet::new());
        for tensor in ctx.inputs(0) {
            for summary in tensor.strings()? {
                for value in wire::read(summary, 1).ok_or_else(unreadable)? {
                    let tag = wire::read(&value, 1).ok_or_else(unreadable)?.pop().unwrap_or_default();
                    if !tag.is_empty() && !tags.insert(tag.clone()) {
                        let tag = String::from_utf8_lossy(&tag);
                        let text = format!("Duplicate tag {tag} found in summary inputs ");
                        return Err(Error::invalid_argument(text));
                    }
                    wire::bytes(&mut merged, 1, &value);
                }
            }
        }
        ctx.set(0, Tensor::from_strings([], [merged])?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;

    #[test]
    fn table() {
        let call = |inputs: &[&'static [u8]]| {
            let input =
                |&bytes: &&'static [u8]| Tensor::from_strings([], [Bytes::from_static(bytes)]).unwrap();
            let run = inputs.iter().map(input).fold(OpTest::new(&OP), OpTest::input).run();
            run.map(|out| out[0].strings().unwrap()[0].to_vec()).map_err(|e| e.message().to_owned())
        };
        let (a, b): (&'static [u8], &'static [u8]) =
            (b"\n\x08\n\x01a\x15\0\0\xc0?", b"\n\x08\n\x01b\x15\0\0\0@");
        assert_eq!(call(&[a, b]).unwrap(), [a, b].concat());
        assert_eq!(call(&[b"", b"\n\x05\x15\0\0\0@", b"\n\x05\x15\0\0\0@"]).unwrap().len(), 14);
        assert_eq!(call(&[a, a]).unwrap_err(), "Duplicate tag a found in summary inputs ");
        assert_eq!(call(&[b"zz"]).unwrap_err(), "Could not parse one of the summary inputs");
    }
}
