//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::tensor_list::TensorList;

/// Gives the number of elements of a list.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListLength>
pub const OP: Op = Op {
    name: "TensorListLength",
    inputs: &["input_handle: variant"],
    outputs: &["length: int32"],
    attrs: &[],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let len = TensorList::of(ctx.input(0))?.elements.len();
        let len = i32::try_from(len).map_err(|_| Error::internal("a list longer than int32 can tell"))?;
        ctx.set(0, Tensor::scalar(len));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "TensorListLength";
        crate::cases::check(&[
            (op, "", "list float [2] | - | 1 2", "int32[] 2"),
            (op, "", "list float [2]", "int32[] 0"),
            (op, "", "[list float [2]]", "INVALID_ARGUMENT: Input list must be a scalar saw: [1]"),
        ]);
    }
}
