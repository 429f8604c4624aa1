//! `TensorSummary` and `TensorSummaryV2`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_proto::Message;
use savedmodel_proto::tensor_proto::from_tensor;
use savedmodel_tensor::{Error, Result, Tensor};

use crate::wire;

/// Each is a serialised `Summary` with a tensor, under a tag with metadata, or (`TensorSummary`) the node's name.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorSummaryV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorSummary>
pub const OPS: &[Op] = &[
    Op {
        name: "TensorSummary",
        inputs: &["tensor: T"],
        outputs: &["summary: string"],
        attrs: &[
            "T: type",
            "description: string = ''",
            "labels: list(string) = []",
            "display_name: string = ''",
        ],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build),
    },
    Op {
        name: "TensorSummaryV2",
        inputs: &["tag: string", "tensor: T", "serialized_summary_metadata: string"],
        outputs: &["summary: string"],
        attrs: &["T: type"],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build_v2),
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let name = node.name.to_owned();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut message = Vec::new();
        wire::bytes(&mut message, 7, name.as_bytes());
        wire::bytes(&mut message, 8, &from_tensor(ctx.input(0))?.encode_to_vec());
        set(ctx, &message)
    }))
}

fn build_v2(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (tag, metadata) = (ctx.input(0), ctx.input(2));
        for (name, tensor) in [("tag", tag), ("serialized_summary_metadata", metadata)] {
            if tensor.rank() != 0 {
                return Err(Error::invalid_argument(format!("{name} must be scalar")));
            }
        }
        let mut message = Vec::new();
        if !tag.strings()?[0].is_empty() {
            wire::bytes(&mut message, 1, &tag.strings()?[0]);
        }
        wire::bytes(&mut message, 8, &from_tensor(ctx.input(1))?.encode_to_vec());
        wire::bytes(&mut message, 9, &metadata.strings()?[0]);
        set(ctx, &message)
    }))
}

fn set(ctx: &mut Context<'_>, value: &[u8]) -> Result<()> {
    let mut summary = Vec::new();
    wire::bytes(&mut summary, 1, value);
    ctx.set(0, Tensor::from_strings([], [summary])?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, parse_tensor};

    #[test]
    fn table() {
        let call = |op: usize, inputs: &[&str]| {
            let run =
                inputs.iter().map(|text| parse_tensor(text)).fold(OpTest::new(&OPS[op]), OpTest::input).run();
            run.map(|out| out[0].strings().unwrap()[0].to_vec()).map_err(|e| e.message().to_owned())
        };
        let numbers = &b"\x08\x01\x12\x04\x12\x02\x08\x02\"\x08\0\0\x80?\0\0\0@"[..];
        let want = [b"\n\x19\n\x01tB\x12", numbers, b"J\0"].concat();
        assert_eq!(call(1, &["string[] 't'", "float[2] 1 2", "string[] ''"]).unwrap(), want);
        let want = [b"\n\x1a:\x04testB\x12", numbers].concat();
        assert_eq!(call(0, &["float[2] 1 2"]).unwrap(), want);
        let want = b"\n\x18\n\x01tB\x0e\x08\x07\x12\x04\x12\x02\x08\x02B\x01aB\x01bJ\x03\x1a\x01p";
        let metadata = "string[] '\u{1a}\u{1}p'";
        assert_eq!(call(1, &["string[] 't'", "string[2] 'a' 'b'", metadata]).unwrap(), want);
        let error = |inputs: &[&str]| call(1, inputs).unwrap_err();
        assert_eq!(error(&["string[1] 't'", "float[] 1", "string[] ''"]), "tag must be scalar");
        let scalar = "serialized_summary_metadata must be scalar";
        assert_eq!(error(&["string[] 't'", "float[] 1", "string[1] ''"]), scalar);
    }
}
