//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Error, PartialShape, Result};

use crate::wire;

/// Each passes its inputs on: notes for a compiler of how to share them among devices, or what not to move across.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/XlaSharding>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/XlaOptimizationBarrier>
pub const OPS: &[Op] = &[
    Op {
        name: "XlaSharding",
        attrs: &["T: type", "sharding: string = ''", "unspecified_dims: list(int) = []"],
        kernels: Kernels::one(|node| build(node, "sharding")),
        ..NOTE
    },
    NOTE,
    Op {
        name: "XlaOptimizationBarrier",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["T: list(type) >= 0"],
        effect: Effect::Pure,
        shape: |ctx| Ok((0..ctx.inputs.len()).map(|i| ctx.input(i)).collect()),
        kernels: Kernels::one(|node| {
            check_dtypes(node)?;
            pass(None)
        }),
    },
];

const NOTE: Op = Op {
    name: "XlaSpmdShardToFullShape",
    inputs: &["input: T"],
    outputs: &["output: T"],
    attrs: &[
        "T: type",
        "manual_sharding: string",
        "full_shape: shape",
        "dim: int = -1",
        "unspecified_dims: list(int) = []",
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::one(|node| build(node, "manual_sharding")),
};

fn build(node: &Construction<'_>, sharding: &str) -> Result<Box<dyn Kernel>> {
    check_dtypes(node)?;
    let message: Bytes = node.attr(sharding)?;
    if wire::read(&message, 1).is_none() {
        return Err(Error::invalid_argument(format!(
            "{sharding} attribute was not a valid encoded xla::OpSharding proto."
        )));
    }
    if node.attrs.get("dim").is_some() {
        node.int32("dim")?;
    }
    pass(node.attr("full_shape").ok())
}

/// The compiler's types: all but text, handles and what stands for something else.
fn check_dtypes(node: &Construction<'_>) -> Result<()> {
    let known = |dtype: savedmodel_tensor::DType| dtype.size().is_some();
    if node.inputs.iter().all(|&dtype| known(dtype)) { Ok(()) } else { Err(node.no_kernel("T")) }
}

fn pass(full: Option<PartialShape>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let found = ctx.input(0).shape();
        let agrees = |full: &PartialShape| {
            full.dims().is_none_or(|dims| {
                let mut pairs = dims.iter().zip(found.dims());
                dims.len() == found.rank()
                    && pairs.all(|(full, found)| full.is_none_or(|full| full == *found))
            })
        };
        if let Some(full) = full.as_ref().filter(|full| !agrees(full)) {
            // On one device the part is the whole.
            return Err(Error::internal(format!(
                "the full shape {full} of a tensor on one device is not {found}"
            )));
        }
        for i in 0..ctx.input_len() {
            let input = ctx.take(i);
            ctx.set(i, input);
        }
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let bad = "INVALID_ARGUMENT: sharding attribute was not a valid encoded xla::OpSharding";
        check_rows(
            OPS,
            &[
                ("XlaSharding", "", "float[2] 1 2", "float[2] 1 2"),
                ("XlaSharding", "sharding=zzz", "float[2] 1 2", bad),
                (
                    "XlaSharding",
                    "",
                    "string[] 'a'",
                    "INVALID_ARGUMENT: operator XlaSharding has no kernel for attr T",
                ),
                (
                    "XlaSpmdShardToFullShape",
                    "manual_sharding= full_shape=[2]",
                    "int32[2] 1 2",
                    "int32[2] 1 2",
                ),
                (
                    "XlaSpmdShardToFullShape",
                    "manual_sharding= full_shape=[4]",
                    "int32[2] 1 2",
                    "INTERNAL: the full shape [4]",
                ),
                ("XlaOptimizationBarrier", "", "int32[2] 1 2; bool[] true", "int32[2] 1 2; bool[] true"),
            ],
        );
    }
}
