//! Operators that give their input as it is.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::Result;

use crate::dtypes::POD;

const fn identity(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["T: type"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(build),
    }
}

/// Operators that differ only in what training or a debugger makes of them, and so are the same here.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Identity> and the pages of the others.
pub const OPS: &[Op] = &[
    identity("Identity"),
    identity("StopGradient"),
    identity("GuaranteeConst"),
    Op { attrs: &["T: type", "message: string = ''"], ..identity("PreventGradient") },
    Op { kernels: Kernels::All(&[("T", POD)], build), ..identity("Snapshot") },
    Op { inputs: &["x: T"], outputs: &["y: T"], ..identity("DeepCopy") },
    Op { attrs: DEBUG, ..identity("Copy") },
    Op { attrs: DEBUG, ..identity("CopyHost") },
];

const DEBUG: &[&str] = &["T: type", "tensor_name: string = ''", "debug_ops_spec: list(string) = []"];

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let input = ctx.take(0);
        ctx.set(0, input);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Identity", "", "float[2,1] 1 NaN", "float[2,1] 1 NaN"),
                ("Identity", "", "string[2] 'a' 'b'", "string[2] 'a' 'b'"),
                ("StopGradient", "", "qint8[2] 1 -2", "qint8[2] 1 -2"),
                ("GuaranteeConst", "", "bool[] true", "bool[] true"),
                ("PreventGradient", "", "half[3] 1 2 3", "half[3] 1 2 3"),
                ("Snapshot", "", "complex64[1] 1+2i", "complex64[1] 1+2i"),
                ("DeepCopy", "", "int32[0]", "int32[0]"),
            ],
        );
    }
}
