//! Rows of tensors taken apart and put together.

use savedmodel_op::Run;
use savedmodel_tensor::{Result, Shape, Tensor, Unit, by_unit};

/// Row `i` of a tensor of at least one dimension.
pub fn row(tensor: &Tensor, i: usize) -> Result<Tensor> {
    tensor.rows(i, i + 1)?.reshape(&tensor.shape()[1..])
}

/// One tensor of tensors of one dtype and shape, of which there is at least one.
pub fn stack(parts: &[&Tensor], run: &Run<'_>) -> Result<Tensor> {
    let shape: Shape = std::iter::once(parts.len()).chain(parts[0].shape().iter().copied()).collect();
    let mut out = run.allocate(parts[0].dtype(), shape)?;
    by_unit!(out.dtype(), U => copy::<U>(parts, &mut out))?;
    Ok(out)
}

fn copy<U: Unit>(parts: &[&Tensor], out: &mut Tensor) -> Result<()> {
    let size = parts[0].elements();
    if size == 0 {
        return Ok(());
    }
    for (out, part) in out.units_mut::<U>()?.chunks_exact_mut(size).zip(parts) {
        out.clone_from_slice(part.units::<U>()?);
    }
    Ok(())
}

/// Copies a tensor into the corner of a row of a larger tensor of the same rank but for the first dimension.
pub fn paste<U: Unit>(part: &Tensor, out: &mut Tensor, at: usize) -> Result<()> {
    let sizes: Vec<usize> = out.shape()[1..].to_vec();
    let whole: usize = sizes.iter().product();
    let Some((&width, outer)) = part.shape().split_last() else {
        out.units_mut::<U>()?[at] = part.units::<U>()?[0].clone();
        return Ok(());
    };
    if part.elements() == 0 {
        return Ok(());
    }
    let target = &mut out.units_mut::<U>()?[at * whole..][..whole];
    for (i, line) in part.units::<U>()?.chunks_exact(width).enumerate() {
        let (mut rest, mut place, mut stride) = (i, 0, sizes[sizes.len() - 1]);
        for (axis, &size) in outer.iter().enumerate().rev() {
            place += rest % size * stride;
            rest /= size;
            stride *= sizes[axis];
        }
        target[place..place + width].clone_from_slice(line);
    }
    Ok(())
}
