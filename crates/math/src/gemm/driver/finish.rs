//! What follows tiles.

use std::ops::Range;

use super::super::finish::FinishTile;
use super::{Column, Epilogue, Product, Rows, Scalar};
use crate::simd;

impl<T: Scalar> Product<'_, T> {
    /// Whether residual and activation follow all tiles of a task, not each.
    pub fn finishes_at_once(&self) -> bool {
        self.gemm.epilogue.activation.is_long()
    }

    /// What follows all tiles of some rows and panels.
    pub fn finish_panels(&self, rows: Range<usize>, panels: &Range<usize>) {
        let width = self.table.columns;
        let columns = panels.start * width..self.n.min(panels.end * width);
        self.finish(Rows { first: rows.start, count: rows.len(), step: 1 }, &columns);
    }

    /// What follows a tile, if it does not do that itself.
    #[inline(always)]
    pub fn finish_strip(&self, rows: &Rows, column: &Column<'_, T>) {
        if column.finishes {
            self.finish(*rows, &column.columns);
        }
    }

    pub(super) fn finish(&self, rows: Rows, columns: &Range<usize>) {
        let start = rows.first * self.out.stride + columns.start;
        let Epilogue { residual, activation, .. } = self.gemm.epilogue;
        simd::dispatch(FinishTile {
            // SAFETY: `check` has seen that C holds the tile, which starts here.
            c: unsafe { self.out.c.add(start) },
            residual: residual.get(start..).unwrap_or_default(),
            stride: rows.step * self.out.stride,
            rows: rows.count,
            columns: columns.len(),
            activation,
        });
    }
}
