//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{Error, Result};

use crate::{INDICES, numbers_attr};

/// Tensors of one rank: the dimensions of the one of lower rank become those of the result that are named, and the others one.
///
/// <https://openxla.org/xla/broadcasting>
pub const OP: Op = Op {
    name: "XlaBroadcastHelper",
    inputs: &["lhs: T", "rhs: T", "broadcast_dims: Tindices"],
    outputs: &["lhs_output: T", "rhs_output: T"],
    attrs: &[numbers_attr!("T"), INDICES],
    effect: Effect::Pure,
    shape: shape::unknown,
    kernels: Kernels::All(&[("T", dtypes::NUMBERS)], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        if ctx.input(2).rank() != 1 {
            return Err(Error::invalid_argument(format!(
                "broadcast_dims must be rank 1, got shape {}",
                ctx.input(2).shape()
            )));
        }
        let dims = ctx.input(2).to_i64s()?;
        let (mut lhs, mut rhs) = (ctx.take(0), ctx.take(1));
        if !dims.is_empty() || lhs.rank() != rhs.rank() && lhs.rank() > 0 && rhs.rank() > 0 {
            let (low, high) = if lhs.rank() < rhs.rank() { (&mut lhs, &rhs) } else { (&mut rhs, &lhs) };
            let refuse = |why: &str| {
                let (low, high) = (low.shape(), high.shape());
                Err(Error::invalid_argument(format!("broadcast_dims {dims:?} of {low} and {high}: {why}")))
            };
            if dims.len() != low.rank() {
                return refuse("their number must be the lower of two ranks");
            }
            let mut shape = vec![1; high.rank()];
            for (i, &dim) in dims.iter().enumerate() {
                let size = low.shape()[i];
                match usize::try_from(dim).ok().filter(|&dim| dim < shape.len()) {
                    Some(dim) if i == 0 || dims[i - 1] < dims[i] => shape[dim] = size,
                    _ => return refuse("they must be increasing dimensions of the other"),
                }
            }
            *low = low.clone().reshape(shape)?;
        }
        ctx.set(0, lhs);
        ctx.set(1, rhs);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let ranks = "INVALID_ARGUMENT: broadcast_dims [] of [2] and [2,1]";
        check_rows(
            crate::OPS,
            &[
                (
                    "XlaBroadcastHelper",
                    "",
                    "int32[2,1] 1 2; int32[2] 3 4; int32[1] 0",
                    "int32[2,1] 1 2; int32[2,1] 3 4",
                ),
                ("XlaBroadcastHelper", "", "int32[] 1; int32[2] 3 4; int32[0]", "int32[] 1; int32[2] 3 4"),
                ("XlaBroadcastHelper", "", "int32[2,1] 1 2; int32[2] 3 4; int32[0]", ranks),
            ],
        );
    }
}
