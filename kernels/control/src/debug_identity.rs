//! `DebugIdentity`, `DebugIdentityV2` and `DebugIdentityV3`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor};

/// Each passes its input on: there is no debugger to tell of it. What only tells a debugger that asks gives nothing.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DebugIdentityV2>
pub const OPS: &[Op] = &[
    debug(
        "DebugIdentity",
        &[
            "T: type",
            "device_name: string = ''",
            "tensor_name: string = ''",
            "debug_urls: list(string) = []",
            "gated_grpc: bool = false",
        ],
    ),
    debug(
        "DebugIdentityV2",
        &[
            "T: type",
            "tfdbg_context_id: string = ''",
            "op_name: string = ''",
            "output_slot: int = -1",
            "tensor_debug_mode: int = -1",
            "debug_urls: list(string) = []",
            "circular_buffer_size: int = 1000",
            "tfdbg_run_id: string = ''",
        ],
    ),
    debug(
        "DebugIdentityV3",
        &[
            "T: type",
            "device_name: string = ''",
            "tensor_name: string = ''",
            "io_of_node: string = ''",
            "is_input: bool = false",
            "io_index: int = -1",
            "debug_urls: list(string) = []",
            "gated_grpc: bool = false",
        ],
    ),
];

const fn debug(name: &'static str, attrs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs,
        effect: Effect::Pure,
        shape: |ctx| match ctx.attr::<bool>("gated_grpc") {
            // Nothing may come out.
            Some(true) => Ok(vec![PartialShape::unknown()]),
            _ => shape::unchanged(ctx),
        },
        kernels: Kernels::one(build),
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let named = node.op != "DebugIdentityV2";
    if named {
        check_name(node)?;
    }
    let shut = named && is_shut(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = match shut {
            true => Tensor::zeros(ctx.input(0).dtype(), [0])?,
            false => ctx.take(0),
        };
        ctx.set(0, input);
        Ok(())
    }))
}

/// Refuses a `tensor_name` that is not a node's name, perhaps with the number of an output.
pub(crate) fn check_name(node: &Construction<'_>) -> Result<()> {
    let name: String = node.attr("tensor_name")?;
    let parts: Vec<&str> = name.split(':').collect();
    match parts[..] {
        [slot_less] if !slot_less.is_empty() => Ok(()),
        [_, slot] if slot.trim().parse::<i32>().is_ok() => Ok(()),
        [_, slot] => {
            Err(Error::invalid_argument(format!("Invalid string value for output_slot: \"{slot}\"")))
        }
        _ => Err(Error::invalid_argument(format!("Failed to parse tensor name: \"{name}\""))),
    }
}

/// Whether nobody listens, so that TensorFlow makes no output but an empty one.
pub(crate) fn is_shut(node: &Construction<'_>) -> Result<bool> {
    let urls: Vec<String> = node.attr("debug_urls")?;
    Ok(node.attr("gated_grpc")? && urls.iter().all(|url| url.starts_with("grpc://")))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            OPS,
            &[
                ("DebugIdentity", "tensor_name=x:0", "float[2] 1 2", "float[2] 1 2"),
                ("DebugIdentityV2", "", "string[] 'a'", "string[] 'a'"),
                ("DebugIdentityV3", "tensor_name=x", "bool[1] true", "bool[1] true"),
                ("DebugIdentityV3", "tensor_name=x gated_grpc=true", "bool[1] true", "bool[0]"),
                ("DebugIdentity", "", "bool[] true", "INVALID_ARGUMENT: Failed to parse tensor name: \"\""),
            ],
        );
    }
}
