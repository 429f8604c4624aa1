//! `XlaDynamicSlice` and `XlaDynamicUpdateSlice`.

use savedmodel_kernels_array::walk;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{Error, PartialShape, Result, Shape};

use crate::numbers::per_dim;
use crate::{INDICES, check_dtypes};

/// A box of a tensor, read or overwritten; where it would leave the tensor, it is moved inside.
///
/// <https://openxla.org/xla/operation_semantics#dynamicslice>,
/// <https://openxla.org/xla/operation_semantics#dynamicupdateslice>
pub const OPS: &[Op] = &[
    Op {
        name: "XlaDynamicSlice",
        inputs: &["input: T", "start_indices: Tindices", "size_indices: Tindices"],
        outputs: &["output: T"],
        attrs: &["T: type", INDICES],
        effect: Effect::Pure,
        shape: |ctx: &ShapeContext<'_>| {
            let sizes = ctx.integers(2).and_then(|sizes| PartialShape::from_i64(&sizes).ok());
            Ok(vec![sizes.unwrap_or_default()])
        },
        kernels: Kernels::one(build),
    },
    Op {
        name: "XlaDynamicUpdateSlice",
        inputs: &["input: T", "update: T", "indices: Tindices"],
        outputs: &["output: T"],
        attrs: &["T: type", INDICES],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(build_update),
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_dtypes(node)?;
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let sizes = per_dim(ctx.input(2), input.rank(), 0, "size_indices")?;
        let sizes: Vec<usize> = sizes.iter().map(|&size| size as usize).collect();
        // A column is as good as a vector.
        let starts = match ctx.input(1).shape().dims() {
            &[len, ..] if len == ctx.input(1).elements() => ctx.input(1).clone().reshape([len])?,
            _ => ctx.input(1).clone(),
        };
        let starts = per_dim(&starts, input.rank(), i64::MIN, "start_indices")?;
        let start = start(input.shape(), &sizes, &starts)?;
        let dims: Vec<walk::Dim> = sizes.iter().copied().zip(walk::strides(input.shape())).collect();
        let output = walk::read(&ctx.run(), input, &[start], &dims)?.reshape(sizes)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn build_update(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_dtypes(node)?;
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let mut output = ctx.take(0);
        let (update, rank) = (ctx.input(1), output.rank());
        if update.rank() != rank {
            return Err(Error::invalid_argument(format!(
                "update {} of another rank than the input {}",
                update.shape(),
                output.shape()
            )));
        }
        let starts = per_dim(ctx.input(2), rank, i64::MIN, "indices")?;
        let start = start(output.shape(), update.shape(), &starts)?;
        if update.elements() > 0 {
            let strides = walk::strides(output.shape());
            let dims: Vec<walk::Dim> = update.shape().iter().copied().zip(strides).collect();
            walk::write(&mut output, update, start, &dims)?;
        }
        ctx.set(0, output);
        Ok(())
    }))
}

/// Where the box of these sizes begins, inside of a tensor of this shape.
fn start(shape: &Shape, sizes: &[usize], starts: &[i64]) -> Result<usize> {
    let mut place = 0;
    for (i, stride) in walk::strides(shape).into_iter().enumerate() {
        let Some(last) = shape[i].checked_sub(sizes[i]) else {
            return Err(Error::invalid_argument(format!(
                "a slice of sizes {sizes:?} of a tensor of shape {shape}"
            )));
        };
        place += starts[i].clamp(0, last as i64) as usize * stride as usize;
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("XlaDynamicSlice", "", "int32[4] 1 2 3 4; int32[1] 9; int32[1] 2", "int32[2] 3 4"),
                (
                    "XlaDynamicSlice",
                    "",
                    "int32[2] 1 2; int32[1] 0; int32[1] 3",
                    "INVALID_ARGUMENT: a slice of sizes [3]",
                ),
                ("XlaDynamicUpdateSlice", "", "int32[3] 1 2 3; int32[2] 8 9; int32[1] -5", "int32[3] 8 9 3"),
                (
                    "XlaDynamicUpdateSlice",
                    "",
                    "int32[3] 1 2 3; int32[] 8; int32[1] 0",
                    "INVALID_ARGUMENT: update [] of",
                ),
            ],
        );
    }
}
