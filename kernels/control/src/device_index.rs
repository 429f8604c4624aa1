//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Result, Tensor};

/// The place of `CPU` in a list of devices, or the length of the list.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DeviceIndex>
pub const OP: Op = Op {
    name: "DeviceIndex",
    inputs: &[],
    outputs: &["index: int32"],
    attrs: &["device_names: list(string)"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let names: Vec<String> = node.attr("device_names")?;
    let index = names.iter().position(|name| name == "CPU").unwrap_or(names.len()) as i32;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        ctx.set(0, Tensor::scalar(index));
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
                ("DeviceIndex", "device_names=[GPU,CPU]", "", "int32[] 1"),
                ("DeviceIndex", "device_names=[TPU]", "", "int32[] 1"),
                ("DeviceIndex", "device_names=[CPU]", "", "int32[] 0"),
            ],
        );
    }
}
