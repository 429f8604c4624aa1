//! Reversal of dimensions.

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, Unit, by_unit};

use crate::dtypes::POD_STRING;
use crate::layout::{Axis, Layout, strides};
use crate::{index, strided};

/// Turns dimensions around: those that are listed (`ReverseV2`) or marked (`Reverse`).
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReverseV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "ReverseV2",
        inputs: &["tensor: T", "axis: Tidx"],
        outputs: &["output: T"],
        attrs: &[
            "Tidx: {int32, int64} = DT_INT32",
            "T: {realnumbertype, bool, complex64, complex128, string}",
        ],
        effect: Effect::Pure,
        shape: shape_v2,
        kernels: Kernels::All(&[("T", POD_STRING), ("Tidx", INDICES)], build_v2),
    },
    Op {
        name: "Reverse",
        inputs: &["tensor: T", "dims: bool"],
        outputs: &["output: T"],
        attrs: &["T: {realnumbertype, bool, complex64, complex128, string}"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::All(&[("T", POD_STRING)], build_v1),
    },
];

fn build_v2(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let rank = ctx.input(0).rank();
        let axes = ctx.input(1);
        // Of what is empty no axis is asked, unless axes are known when shapes are inferred.
        if ctx.input(0).elements() == 0 || rank == 0 {
            return reverse(ctx, &vec![false; rank]);
        }
        if axes.rank() != 1 {
            return Err(Error::invalid_argument(format!("'dims' must be 1-dimension, not {}", axes.rank())));
        }
        let turned = turned(&axes.to_i64s()?, rank)?;
        reverse(ctx, &turned)
    }))
}

/// Of axes that are known it is asked whatever the tensor holds.
fn shape_v2(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    if let Some(rank) = ctx.input(1).rank().filter(|&rank| rank != 1) {
        return Err(Error::invalid_argument(format!("Shape must be rank 1 but is rank {rank}")));
    }
    if let Some((rank, axes)) = ctx.input(0).rank().zip(ctx.integers(1)) {
        turned(&axes, rank)?;
    }
    shape::unchanged(ctx)
}

/// Which dimensions are reversed.
fn turned(axes: &[i64], rank: usize) -> Result<Vec<bool>> {
    let mut turned = vec![false; rank];
    for (i, &axis) in axes.iter().enumerate() {
        let place = index::axis(axis, rank).ok_or_else(|| {
            Error::invalid_argument(format!(
                "'axis'[{i}] = {axis} is out of valid range [0, {}",
                rank as i64 - 1
            ))
        })?;
        if std::mem::replace(&mut turned[place], true) {
            return Err(Error::invalid_argument(format!("axis {place} specified more than once.")));
        }
    }
    Ok(turned)
}

fn build_v1(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (rank, dims) = (ctx.input(0).rank(), ctx.input(1));
        if rank == 0 {
            return reverse(ctx, &[]);
        }
        if dims.rank() != 1 {
            return Err(Error::invalid_argument(format!("'dims' must be 1-dimension, not {}", dims.rank())));
        }
        if dims.elements() != rank {
            return Err(Error::invalid_argument(format!(
                "'dims' must have the same number of values as 'input' has dimensions. 'input' has {rank}'dims' has {} \
                 values",
                dims.elements()
            )));
        }
        if ctx.input(0).shape()[0] == 0 {
            return Err(Error::invalid_argument("Invalid input first dimension. Found 0."));
        }
        let turned = dims.as_slice::<bool>()?.to_vec();
        reverse(ctx, &turned)
    }))
}

fn reverse(ctx: &mut Context<'_>, turned: &[bool]) -> Result<()> {
    let shape = ctx.input(0).shape();
    if shape.rank() > 8 {
        return Err(Error::unimplemented("reverse is not implemented for tensors of rank > 8."));
    }
    let moves = (0..shape.rank()).any(|i| turned[i] && shape[i] > 1);
    let output = if moves && shape.elements() > 0 {
        by_unit!(ctx.input(0).dtype(), U => turn::<U>(ctx, turned))?
    } else {
        ctx.take(0)
    };
    ctx.set(0, output);
    Ok(())
}

fn turn<U: Unit>(ctx: &Context<'_>, turned: &[bool]) -> Result<Tensor> {
    let input = ctx.input(0);
    let shape = input.shape();
    let own = strides(shape);
    let start = (0..shape.rank()).filter(|&i| turned[i]).map(|i| (shape[i] - 1) * own[i] as usize).sum();
    let axis = |i: usize| Axis { len: shape[i], stride: if turned[i] { -own[i] } else { own[i] } };
    let layout = Layout::new(start, (0..shape.rank()).map(axis));
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
                ("ReverseV2", "", "float[3] 1 2 3; int32[1] 0", "float[3] 3 2 1"),
                ("ReverseV2", "", "float[2,2] 1 2 3 4; int64[2] 0 -1", "float[2,2] 4 3 2 1"),
                ("ReverseV2", "", "string[2,2] 'a' 'b' 'c' 'd'; int32[1] 1", "string[2,2] 'b' 'a' 'd' 'c'"),
                ("ReverseV2", "", "float[2] 1 2; int32[0]", "float[2] 1 2"),
                ("ReverseV2", "", "float[0,2]; int32[1] 1", "float[0,2]"),
                ("Reverse", "", "int8[2,1,2] 1 2 3 4; bool[3] true false true", "int8[2,1,2] 4 3 2 1"),
                ("Reverse", "", "float[] 1; bool[0]", "float[] 1"),
                (
                    "ReverseV2",
                    "",
                    "float[2] 1 2; int32[1] 1",
                    "INVALID_ARGUMENT: 'axis'[0] = 1 is out of valid range [0, 0",
                ),
                (
                    "ReverseV2",
                    "",
                    "float[2] 1 2; int32[2] 0 -1",
                    "INVALID_ARGUMENT: axis 0 specified more than once.",
                ),
                (
                    "ReverseV2",
                    "",
                    "float[2] 1 2; int32[] 0",
                    "INVALID_ARGUMENT: 'dims' must be 1-dimension, not 0",
                ),
                (
                    "Reverse",
                    "",
                    "float[2] 1 2; bool[2] true false",
                    "INVALID_ARGUMENT: 'dims' must have the same number of values as 'input' has dimensions. 'input' has 1'dims' has 2 values",
                ),
                (
                    "Reverse",
                    "",
                    "float[2] 1 2; bool[] true",
                    "INVALID_ARGUMENT: 'dims' must be 1-dimension, not 0",
                ),
            ],
        );
    }
}
