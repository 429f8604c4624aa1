//! B split for the matrix unit, for good or on its way there.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::driver::Scalar;
use super::super::kept::Numbers;
use super::super::pack::{PackedB, zeros};
use super::{DEPTH, Line, PARTS, SIDE, STEP};
use crate::par;

/// Lines of one step of a panel.
const LINES: usize = 2 * PARTS * SIDE;

impl<T: Scalar> PackedB<T> {
    /// Rows of B that are multiplied at a time.
    pub(super) fn most(&self) -> usize {
        self.block * (DEPTH / self.block).max(1)
    }

    /// Steps of some rows of whole blocks.
    fn steps(&self, rows: Range<usize>) -> usize {
        rows.clone().step_by(self.block).map(|first| self.block.min(rows.end - first).div_ceil(STEP)).sum()
    }

    /// Where the lines of a panel are, for rows that are multiplied at a time.
    pub(super) fn lines_of_panel(&self, rows: Range<usize>, panel: usize) -> Range<usize> {
        let steps = self.steps(rows.clone());
        let first = self.steps(0..rows.start) * self.panels + panel * steps;
        first * LINES..(first + steps) * LINES
    }

    /// Splits all panels, each rows that are multiplied at a time one after another; `None` if that loses any number.
    pub(in crate::gemm) fn split(&self, plain: &Numbers<T>) -> Option<Numbers<Line>> {
        let unit = T::unit()?;
        let size = self.steps(0..self.k) * self.panels * LINES;
        let (mut data, start) = zeros::<Line>(size);
        let is_whole = AtomicBool::new(true);
        let mut rest = &mut data[start..][..size];
        let rows = (0..self.k).step_by(self.most()).map(|first| first..self.k.min(first + self.most()));
        let parts: Vec<_> = rows
            .flat_map(|rows| (0..self.panels).map(move |panel| (rows.clone(), panel)))
            .map(|(rows, panel)| {
                let len = self.lines_of_panel(rows.clone(), panel).len();
                let (part, after) = std::mem::take(&mut rest).split_at_mut(len);
                rest = after;
                (rows, panel, part)
            })
            .collect();
        par::for_items(parts.len(), parts.into_iter(), |(rows, panel, mut lines)| {
            for first in rows.clone().step_by(self.block) {
                let depth = self.block.min(rows.end - first);
                let b = plain.get(self.panel(first, panel));
                // SAFETY: the unit is there.
                if !unsafe { (unit.split_panel)(b, depth, lines) } {
                    is_whole.store(false, Ordering::Relaxed);
                }
                lines = &mut std::mem::take(&mut lines)[depth.div_ceil(STEP) * LINES..];
            }
        });
        is_whole.into_inner().then(|| Numbers::new(Arc::new(data), start))
    }

    /// Puts the numbers together again.
    pub(in crate::gemm) fn join(&self, split: &Numbers<Line>) -> Numbers<T> {
        let size = self.panels * self.table.columns * self.k;
        let (mut data, start) = zeros::<T>(size);
        for first in (0..self.k).step_by(self.block) {
            for panel in 0..self.panels {
                let range = self.panel(first, panel);
                self.join_panel(split, (first, panel), &mut data[start..][range]);
            }
        }
        Numbers::new(Arc::new(data), start)
    }

    /// Puts the numbers of a panel of the block that starts at row `first` together again.
    pub(super) fn join_panel(&self, split: &Numbers<Line>, (first, panel): (usize, usize), out: &mut [T]) {
        let Some(unit) = T::unit() else { unreachable!("numbers are split for a unit") };
        let group = first / self.most() * self.most();
        let rows = group..self.k.min(group + self.most());
        let lines = split.get(self.lines_of_panel(rows, panel));
        let lines = &lines[self.steps(group..first) * LINES..];
        // SAFETY: the unit is there.
        unsafe { (unit.join_panel)(lines, out.len() / (2 * SIDE), out) };
    }
}
