//! Products of one row with a packed B.

use super::super::Rhs;
use super::super::epilogue::Epilogue;
use super::super::pack::Lhs;
use super::super::tile::{Run, Tile};
use super::{Product, Rows, Scalar};
use crate::{par, simd};
use std::ops::Range;

/// Multiplications of a row that are worth another thread: as the matrix is read once, it is mostly what is left of it in the
/// second-level caches of all threads that counts.
const TASK_MACS: usize = 1 << 16;

impl<T: Scalar> Product<'_, T> {
    /// Computes the one row of C panel by panel, if B is packed.
    ///
    /// The same as [`Product::block`] does, without what it prepares for many rows.
    pub(super) fn row(&self, a: &impl Lhs<T>, panels: usize) -> bool {
        if self.k == 0 || matches!(self.b, Rhs::View(_)) {
            return false;
        }
        let mut buffer = Vec::new();
        let (a, _) = a.block(0..1, 0..self.k, &mut buffer);
        assert!(a.len() >= self.k, "the row of A is cut short");
        let tasks = (self.k * self.n / TASK_MACS).clamp(1, panels);
        let panels_of_task = panels.div_ceil(tasks);
        par::for_each(par::chunk_count(panels, panels_of_task), |task| {
            self.panels_of_row(a, par::chunk(task, panels, panels_of_task));
        });
        if self.bounds.is_none() {
            self.finish(Rows { first: 0, count: 1, step: 1 }, &(0..self.n));
        }
        true
    }

    /// Computes what some panels of a packed B make of a row.
    fn panels_of_row(&self, a: &[T], panels: Range<usize>) {
        let Epilogue { bias, residual, .. } = self.gemm.epilogue;
        let width = self.table.columns;
        // Rows of B that are asked for before their turn. AMD's processors see by themselves that B is read in order, but not
        // if they are asked for much of it.
        let near = if simd::is_amd() { 2 } else { 16 };
        let mut first = 0;
        while first < self.k {
            let depth = self.block.min(self.k - first);
            let (accumulate, last) = (self.gemm.epilogue.accumulate || first > 0, first + depth == self.k);
            let bounds = if last { self.bounds } else { None };
            let (lo, hi) = bounds.unwrap_or((f32::NEG_INFINITY, f32::INFINITY));
            for panel in panels.clone() {
                let (b, start) = (self.packed_panel(first, panel), panel * width);
                let columns = width.min(self.n - start);
                let part = |values: &[T], wanted: bool| match values {
                    values if wanted && !values.is_empty() => values[start..start + columns].as_ptr(),
                    _ => std::ptr::null(),
                };
                let tile = Tile {
                    runs: (&Run { a: first, b: 0, len: depth }, 1),
                    a: a.as_ptr(),
                    a_stride: 0,
                    b: b.as_ptr(),
                    b_stride: width,
                    ahead: (std::ptr::null(), near * width),
                    // SAFETY: `check` has seen that C holds one row.
                    c: unsafe { self.out.c.add(start) },
                    c_stride: 0,
                    columns,
                    accumulate,
                    bias: part(bias, first == 0),
                    residual: part(residual, bounds.is_some()),
                    lo: T::from_f32(lo),
                    hi: T::from_f32(hi),
                };
                assert!(b.len() >= depth * width, "a panel of B is cut short");
                // SAFETY: the table belongs to a level this processor has; A and the panel were bounded above, bias and
                // residual sliced, and no other task writes to these columns of C.
                unsafe { (self.table.kernels[0][usize::from(2 * columns <= width)])(&tile) };
            }
            first += depth;
        }
    }
}
