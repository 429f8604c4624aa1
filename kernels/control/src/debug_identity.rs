//! `DebugIdentity`, `DebugIdentityV2` and `DebugIdentityV3`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::Result;

/// Each passes its input on: there is no debugger to tell of it.
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
        shape: shape::unchanged,
        kernels: Kernels::one(build),
    }
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let input = ctx.take(0);
        ctx.set(0, input);
        Ok(())
    }))
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
                ("DebugIdentity", "", "float[2] 1 2", "float[2] 1 2"),
                ("DebugIdentityV2", "", "string[] 'a'", "string[] 'a'"),
                ("DebugIdentityV3", "", "bool[1] true", "bool[1] true"),
            ],
        );
    }
}
