//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result};

use crate::tensor_list::{TensorList, to_integer};

/// Cuts a list, or makes it longer with elements that are not set.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListResize>
pub const OP: Op = Op {
    name: "TensorListResize",
    inputs: &["input_handle: variant", "size: int32"],
    outputs: &["output_handle: variant"],
    attrs: &[],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        TensorList::of(ctx.input(0))?;
        let size = ctx.input(1);
        if size.rank() != 0 {
            return Err(Error::invalid_argument("size must be a scalar"));
        }
        let size = to_integer(size, |_| "size must be a scalar".to_owned())?;
        let size = usize::try_from(size).map_err(|_| {
            Error::invalid_argument(format!("TensorListSlice expects size to be non-negative. Got: {size}"))
        })?;
        let mut handle = ctx.take(0);
        TensorList::of_mut(&mut handle)?.resize(size, &ctx.run())?;
        ctx.set(0, handle);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "TensorListResize";
        crate::cases::check(&[
            (op, "", "list float [2] | 1 2; int32[] 3", "list float [2] | 1 2 | - | -"),
            (op, "", "list int8 [1] max 3 | 1 | 2; int32[] 1", "list int8 [1] max 3 | 1"),
            (op, "", "list int8 [1] | 1 | 2; int32[] 0", "list int8 [1]"),
            (
                op,
                "",
                "list int8 [1]; int32[] -1",
                "INVALID_ARGUMENT: TensorListSlice expects size to be non-negative. Got: -1",
            ),
            (op, "", "list int8 [1]; int32[1] 2", "INVALID_ARGUMENT: size must be a scalar"),
        ]);
    }
}
