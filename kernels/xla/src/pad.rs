//! See [`OP`].

use savedmodel_kernels_array::walk;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor};

use crate::calls::broadcast;
use crate::numbers::per_dim;
use crate::{INDICES, check_dtypes};

/// Puts a value before, after and between the elements along each dimension; what is put before or after may be less than
/// nothing, which cuts off.
///
/// <https://openxla.org/xla/operation_semantics#pad>
pub const OP: Op = Op {
    name: "XlaPad",
    inputs: &[
        "input: T",
        "padding_value: T",
        "padding_low: Tindices",
        "padding_high: Tindices",
        "padding_interior: Tindices",
    ],
    outputs: &["output: T"],
    attrs: &["T: type", INDICES],
    effect: Effect::Pure,
    shape: |ctx: &ShapeContext<'_>| {
        Ok(vec![ctx.input(0).rank().map_or_else(PartialShape::unknown, PartialShape::of_rank)])
    },
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_dtypes(node)?;
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (input, value) = (ctx.input(0), ctx.input(1));
        let rank = input.rank();
        let low = per_dim(ctx.input(2), rank, i64::MIN, "padding_low")?;
        let high = per_dim(ctx.input(3), rank, i64::MIN, "padding_high")?;
        let interior = per_dim(ctx.input(4), rank, 0, "padding_interior")?;
        if value.rank() != 0 {
            return Err(Error::invalid_argument(format!(
                "padding_value must be a scalar, got shape {}",
                value.shape()
            )));
        }
        let dims: Vec<Padding> =
            (0..rank).map(|i| Padding { low: low[i], high: high[i], step: interior[i] + 1 }).collect();
        let output = pad(&ctx.run(), input, value, &dims)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// What is put around and between the elements of a dimension.
#[derive(Clone, Copy)]
pub(crate) struct Padding {
    pub low: i64,
    pub high: i64,
    /// The distance in the result of what are neighbours in the input; at least one.
    pub step: i64,
}

impl Padding {
    /// The padded length.
    pub fn total(self, len: usize) -> Result<usize> {
        let spread = (len as i64 - 1).checked_mul(self.step).map_or(i64::MAX, |spread| spread + 1);
        let total = self.low.saturating_add(self.high).saturating_add(if len == 0 { 0 } else { spread });
        usize::try_from(total)
            .map_err(|_| Error::invalid_argument(format!("Padding result in negative size: {total}")))
    }
}

/// The padded tensor.
///
/// # Errors
/// `INVALID_ARGUMENT` when more is cut off than there is.
pub(crate) fn pad(run: &Run<'_>, input: &Tensor, value: &Tensor, dims: &[Padding]) -> Result<Tensor> {
    let shape: Vec<usize> =
        input.shape().iter().zip(dims).map(|(&len, dim)| dim.total(len)).collect::<Result<_>>()?;
    if dims.iter().all(|dim| (dim.low, dim.high, dim.step) == (0, 0, 1)) {
        return Ok(input.clone());
    }
    let mut output = broadcast(run, value.clone(), &shape)?;
    let (from, to) = (walk::strides(input.shape()), walk::strides(&shape));
    let (mut source, mut place) = (0, 0);
    let (mut taken, mut given) = (Vec::new(), Vec::new());
    for (i, dim) in dims.iter().enumerate() {
        // The elements whose places `low + k * step` are inside.
        let first = -dim.low.min(0).div_euclid(dim.step);
        let last = (shape[i] as i64 - 1 - dim.low).div_euclid(dim.step).min(input.shape()[i] as i64 - 1);
        if last < first {
            return Ok(output);
        }
        let len = (last - first + 1) as usize;
        source += first as usize * from[i] as usize;
        place += (dim.low + first * dim.step) as usize * to[i] as usize;
        taken.push((len, from[i]));
        given.push((len, to[i] * dim.step as isize));
    }
    let inside = walk::read(run, input, &[source], &taken)?;
    walk::write(&mut output, &inside, place, &given)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let rows = [
            ("int32[3] 1 2 3; int32[] 0; int32[1] 1; int32[1] 2; int32[1] 0", "int32[6] 0 1 2 3 0 0"),
            ("int32[3] 1 2 3; int32[] 0; int32[1] -1; int32[1] 1; int32[1] 1", "int32[5] 0 2 0 3 0"),
            ("int32[3] 1 2 3; int32[] 0; int32[1] -2; int32[1] -2; int32[1] 1", "int32[1] 2"),
            ("int32[3] 1 2 3; int32[] 0; int32[1] -9; int32[1] 9; int32[1] 0", "int32[3] 0 0 0"),
            (
                "int32[3] 1 2 3; int32[] 0; int32[1] -4; int32[1] 0; int32[1] 0",
                "INVALID_ARGUMENT: Padding result in negative size",
            ),
            (
                "int32[3] 1 2 3; int32[] 0; int32[1] 0; int32[1] 0; int32[1] -1",
                "INVALID_ARGUMENT: padding_interior must be at least 0",
            ),
        ];
        check_rows(crate::OPS, &rows.map(|(inputs, want)| ("XlaPad", "", inputs, want)));
    }
}
