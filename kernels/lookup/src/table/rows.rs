//! Rows of equal width, moved by number.

use savedmodel_math::par;
use savedmodel_tensor::{Result, Tensor, Unit, by_unit};

/// The row number of what is not there.
pub const MISSING: usize = usize::MAX;

/// Where rows come from when a key is not there.
#[derive(Clone, Copy)]
pub struct Default<'a> {
    /// One row, or one for each key.
    pub rows: &'a Tensor,
    /// Whether there is one for each key.
    pub one_each: bool,
}

/// Writes row `from[i]` of `source` to row `i` of `out`; a default row for [`MISSING`].
///
/// # Errors
/// `INTERNAL` when the dtypes differ.
pub fn gather(source: &Tensor, from: &[usize], default: Default<'_>, out: &mut Tensor) -> Result<()> {
    by_unit!(source.dtype(), U => gather_units::<U>(source, from, default, out))
}

fn gather_units<U: Unit>(
    source: &Tensor,
    from: &[usize],
    default: Default<'_>,
    out: &mut Tensor,
) -> Result<()> {
    let width = out.elements() / from.len().max(1);
    let (source, missing) = (source.units::<U>()?, default.rows.units::<U>()?);
    let grain = par::grain(4.0 + width as f64);
    par::for_rows_mut(out.units_mut::<U>()?, width, grain, |first, out| {
        for (i, out) in out.chunks_exact_mut(width).enumerate() {
            let row = match from[first + i] {
                MISSING if default.one_each => &missing[(first + i) * width..][..width],
                MISSING => &missing[..width],
                row => &source[row * width..][..width],
            };
            out.clone_from_slice(row);
        }
    });
    Ok(())
}

/// Writes row `from[i]` of one tensor to row `to[i]` of another, in order, so that the last of equal numbers wins.
///
/// # Errors
/// `INTERNAL` when the dtypes differ, `RESOURCE_EXHAUSTED` when what is written must be copied and there is no memory.
pub fn copy(from: (&Tensor, &[usize]), to: (&mut Tensor, &[usize]), width: usize) -> Result<()> {
    by_unit!(from.0.dtype(), U => copy_units::<U>(from, to, width))
}

fn copy_units<U: Unit>(from: (&Tensor, &[usize]), to: (&mut Tensor, &[usize]), width: usize) -> Result<()> {
    let (source, out) = (from.0.units::<U>()?, to.0.units_mut::<U>()?);
    for (&from, &to) in from.1.iter().zip(to.1) {
        out[to * width..][..width].clone_from_slice(&source[from * width..][..width]);
    }
    Ok(())
}

/// Copies row `from` of a tensor over its row `to`.
///
/// # Errors
/// As [`copy`].
pub fn copy_within(tensor: &mut Tensor, from: usize, to: usize, width: usize) -> Result<()> {
    fn copy<U: Unit>(tensor: &mut Tensor, from: usize, to: usize, width: usize) -> Result<()> {
        let units = tensor.units_mut::<U>()?;
        for i in 0..width {
            units[to * width + i] = units[from * width + i].clone();
        }
        Ok(())
    }
    by_unit!(tensor.dtype(), U => copy::<U>(tensor, from, to, width))
}
