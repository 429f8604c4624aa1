//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::dtypes::POINTERS_F8;
use crate::layout::Layout;
use crate::{index, strided};

/// Repeats a tensor until it has the given shape, by the rules of broadcasting.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BroadcastTo>
pub const OP: Op = Op {
    name: "BroadcastTo",
    inputs: &["input: T", "shape: Tidx"],
    outputs: &["output: T"],
    attrs: &["T: type", "Tidx: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", POINTERS_F8), ("Tidx", INDICES)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![index::shape_of_value(ctx, 1)?])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (input, shape) = (ctx.input(0), ctx.input(1));
        if shape.rank() != 1 {
            let text = format!("shape must be a vector of {{int32,int64}}, got shape {}", shape.shape());
            return Err(Error::invalid_argument(text));
        }
        let shape = index::shape(&shape.to_i64s()?)?;
        if input.rank() > shape.rank() {
            return Err(Error::invalid_argument(format!(
                "Rank of input ({}) must be no greater than rank of output shape ({}).",
                input.rank(),
                shape.rank()
            )));
        }
        match Shape::broadcast(input.shape(), &shape) {
            Some(joint) if joint == shape => {}
            Some(_) => {
                let from = input.shape();
                let text = format!("Unable to broadcast tensor of shape {from} to tensor of shape {shape}");
                return Err(Error::invalid_argument(text));
            }
            None => {
                let own = input.shape();
                return Err(Error::invalid_argument(format!("Incompatible shapes: {own} vs. {shape}")));
            }
        }
        let output = if input.elements() == shape.elements() {
            ctx.take(0).reshape(shape)?
        } else {
            by_unit!(input.dtype(), U => broadcast::<U>(ctx, shape))?
        };
        ctx.set(0, output);
        Ok(())
    }))
}

fn broadcast<U: Unit>(ctx: &Context<'_>, shape: Shape) -> Result<Tensor> {
    let input = ctx.input(0);
    let layout = Layout::broadcast(input.shape(), &shape);
    let mut output = ctx.allocate(input.dtype(), shape)?;
    strided::gather(output.units_mut::<U>()?, input.units()?, &layout);
    Ok(output)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("BroadcastTo", "", "float[] 1; int32[2] 2 2", "float[2,2] 1 1 1 1"),
                ("BroadcastTo", "", "float[2,1] 1 2; int32[2] 2 3", "float[2,3] 1 1 1 2 2 2"),
                ("BroadcastTo", "", "string[2] 'a' 'b'; int64[2] 2 2", "string[2,2] 'a' 'b' 'a' 'b'"),
                ("BroadcastTo", "", "float[1,2,1] 1 2; int32[3] 2 2 2", "float[2,2,2] 1 1 2 2 1 1 2 2"),
                ("BroadcastTo", "", "float[1] 1; int32[2] 0 3", "float[0,3]"),
                ("BroadcastTo", "", "float[0]; int32[2] 2 0", "float[2,0]"),
                ("BroadcastTo", "", "float[] 1; int32[0]", "float[] 1"),
                (
                    "BroadcastTo",
                    "",
                    "float[2] 1 2; int32[1] 3",
                    "INVALID_ARGUMENT: Incompatible shapes: [2] vs. [3]",
                ),
                (
                    "BroadcastTo",
                    "",
                    "float[2,1] 1 2; int32[1] 2",
                    "INVALID_ARGUMENT: Rank of input (2) must be no greater than rank of output shape (1).",
                ),
                ("BroadcastTo", "", "float[1] 1; int32[1] -1", "INVALID_ARGUMENT: Dimension -1 must be >= 0"),
                (
                    "BroadcastTo",
                    "",
                    "float[1] 1; int32[1,1] 2",
                    "INVALID_ARGUMENT: shape must be a vector of {int32,int64}, got shape [1,1]",
                ),
                (
                    "BroadcastTo",
                    "",
                    "float[1] 1; int32[] 2",
                    "INVALID_ARGUMENT: shape must be a vector of {int32,int64}, got shape []",
                ),
                (
                    "BroadcastTo",
                    "",
                    "float[3] 1 2 3; int32[1] 1",
                    "INVALID_ARGUMENT: Unable to broadcast tensor of shape [3] to tensor of shape [1]",
                ),
            ],
        );
    }
}
