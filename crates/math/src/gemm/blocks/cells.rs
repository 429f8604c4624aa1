//! Cells that windows see, ready for the matrix unit: it reads tiles of windows from them where they lie.

use std::ops::Range;
use std::sync::OnceLock;

use super::super::driver::{Product, Scalar};
use super::super::windows::{Axis, Windows};
use super::ready::{RowTile, strips};
use super::{Line, PARTS, Ready, SIDE, STEP, STRIP};

/// Bytes of cells that stay in the second-level cache.
const BYTES: usize = 3 << 18;
/// Regions of an image come in groups of so many, that threads can share evenly.
const GROUP: usize = 4;
/// Windows of one task.
const WINDOWS: usize = 512;

/// Some windows of some lines of one slice of a grid.
#[derive(Clone, Debug)]
pub struct Region {
    /// The first of its rows of C.
    pub first: usize,
    grid: usize,
    z: usize,
    lines: Range<usize>,
    windows: Range<usize>,
}

impl Region {
    /// Rows of C, which are adjacent.
    pub fn rows(&self) -> Range<usize> {
        self.first..self.first + self.lines.len() * self.windows.len()
    }

    /// Strips of its tiles, which don't go on in the next line.
    pub fn strips(&self) -> usize {
        (self.lines.len() * self.windows.len().div_ceil(SIDE)).div_ceil(STRIP / SIDE)
    }

    /// The lines and windows of `a`, as they are numbered there.
    pub fn parts<T>(&self, a: &Windows<'_, T>) -> [Range<usize>; 2] {
        let [depth, height, _] = &a.axes;
        let slice = (self.grid * depth.windows + self.z) * height.windows;
        [slice + self.lines.start..slice + self.lines.end, self.windows.clone()]
    }
}

/// Whether no number is infinite or NaN.
fn are_finite(lines: &[Line]) -> bool {
    const EXPONENT: u16 = 0x7f80;
    // Without branches between numbers, many are seen at a time.
    let largest = |line: &Line| line.0.iter().fold(0, |most, bits| most.max(bits & EXPONENT));
    lines.iter().all(|line| largest(line) < EXPONENT)
}

/// Cells from the first that the windows see on, to the last.
fn span(axis: &Axis, windows: usize) -> usize {
    (windows - 1) * axis.stride + (axis.taps - 1) * axis.dilation + 1
}

impl<T: Scalar> Windows<'_, T> {
    /// The regions that cells are made ready for at a time; `None` if tiles would be mostly empty, or cut cells apart.
    pub(in crate::gemm) fn regions(&self, product: &Product<'_, T>) -> Option<Vec<Region>> {
        let [depth, height, width] = &self.axes;
        let is_apart = self.channels.is_multiple_of(STEP) && self.padding == 0;
        let whole = self.part == (0..self.channels) && (is_apart || self.reads_on(product));
        let tiles = width.windows.div_ceil(SIDE) * SIDE;
        if !whole || self.columns() == self.channels || 4 * width.windows < 3 * tiles {
            return None;
        }
        let cell = self.channels * product.parts()[0] * size_of::<u16>();
        let bytes = |lines: usize, windows: usize| {
            [depth.taps, span(height, lines), span(width, windows), cell]
                .into_iter()
                .fold(1_usize, usize::saturating_mul)
        };
        let cut = width.windows.div_ceil(width.windows.div_ceil(WINDOWS));
        let most = (WINDOWS / cut).clamp(1, height.windows);
        let lines = (1..=most).rev().find(|&lines| bytes(lines, cut) <= BYTES).unwrap_or(1);
        let count = match height.windows.div_ceil(lines) {
            few @ 0..=2 => few,
            many => many.next_multiple_of(GROUP),
        };
        let lines = height.windows.div_ceil(count);
        // Far apart, cells are more than windows see.
        let seen = self.columns() * product.parts()[0] * size_of::<u16>() * lines * cut;
        if 4 * bytes(lines, cut) > 3 * seen {
            return None;
        }
        let mut regions = Vec::new();
        for slice in 0..self.grids * depth.windows {
            for start in (0..height.windows).step_by(lines) {
                for window in (0..width.windows).step_by(cut) {
                    let lines = start..height.windows.min(start + lines);
                    let first = (slice * height.windows + start) * width.windows + window;
                    let windows = window..width.windows.min(window + cut);
                    let (grid, z) = (slice / depth.windows, slice % depth.windows);
                    regions.push(Region { first, grid, z, lines, windows });
                }
            }
        }
        Some(regions)
    }

    /// Whether all columns of a line of taps, and what lies behind them, are read at once.
    fn reads_on(&self, product: &Product<'_, T>) -> bool {
        product.parts()[0] == 1 && self.axes[2].dilation == 1 && self.columns_of_line().is_multiple_of(STEP)
    }

    /// Makes the cells of a region ready, with zeros where windows overhang the grid; `None` if that loses any, or if one that is not finite
    /// would meet the zeros of B.
    pub(in crate::gemm) fn cells<'a>(
        &self,
        product: &Product<'_, T>,
        region: &Region,
        lines: &'a mut Vec<Line>,
    ) -> Option<Ready<'a, T>> {
        let [depth, height, width] = &self.axes;
        let parts = product.parts()[0];
        // Numbers of a cell.
        let cell = self.channels * parts;
        let [rows, columns] = [span(height, region.lines.len()), span(width, region.windows.len())];
        let line = (columns * cell).next_multiple_of(STEP);
        let all = depth.taps * rows * line / STEP;
        // Tiles whose last rows are none read on, and padded lines into the first that is behind.
        let slack = (SIDE * width.stride * cell).div_ceil(STEP) + 1;
        lines.resize((all + slack).max(lines.len()), Line::ZERO);
        lines[all] = Line::ZERO;
        let on_grid = |axis: &Axis, start: usize, at: usize| {
            (start * axis.stride + at).checked_sub(axis.before).filter(|&cell| cell < axis.cells)
        };
        // The columns that lie on the grid.
        let before = width.before.saturating_sub(region.windows.start * width.stride).min(columns);
        let x = (region.windows.start * width.stride + before).saturating_sub(width.before);
        let count = width.cells.saturating_sub(x).min(columns - before);
        let mut padded = Vec::new();
        for (index, to) in lines[..all].chunks_exact_mut(line / STEP).enumerate() {
            let z = on_grid(depth, region.z, index / rows * depth.dilation);
            let (Some(z), Some(y)) = (z, on_grid(height, region.lines.start, index % rows)) else {
                to.fill(Line::ZERO);
                continue;
            };
            let from = ((region.grid * depth.cells + z) * height.cells + y) * width.cells + x;
            let numbers = &self.data[from * self.channels..][..count * self.channels];
            if self.padding > 0 || !cell.is_multiple_of(STEP) {
                padded.clear();
                padded.resize(before * self.channels, T::default());
                padded.extend_from_slice(numbers);
                padded.resize(line, T::default());
                if !product.make_ready(&padded, to) || !are_finite(to) {
                    return None;
                }
                continue;
            }
            let (left, to) = to.split_at_mut(before * cell / STEP);
            let (to, right) = to.split_at_mut(count * cell / STEP);
            left.fill(Line::ZERO);
            right.fill(Line::ZERO);
            if !product.make_ready(numbers, to) {
                return None;
            }
        }
        let mut steps = Vec::new();
        let reads_on = self.reads_on(product);
        for slice in 0..depth.taps {
            for tap_y in 0..height.taps {
                let row = (slice * rows + tap_y * height.dilation) * line;
                if reads_on {
                    steps.extend((0..self.columns_of_line()).step_by(STEP).map(|at| row + at));
                    continue;
                }
                for tap_x in 0..width.taps {
                    let at = row + tap_x * width.dilation * cell;
                    steps.extend((0..cell).step_by(STEP * parts).map(|block| at + block));
                }
            }
        }
        let mut tiles = Vec::new();
        for y in 0..region.lines.len() {
            for x in (0..region.windows.len()).step_by(SIDE) {
                tiles.push(RowTile {
                    at: y * height.stride * line + x * width.stride * cell,
                    first: y * region.windows.len() + x,
                    count: SIDE.min(region.windows.len() - x),
                });
            }
        }
        let plain = strips(tiles.len());
        let (between, numbers) = ([width.stride * cell, STEP], OnceLock::new());
        Some(Ready { rows_of_b: 0..product.k, lines, steps, between, tiles, plain, numbers })
    }
}

impl<T: Scalar> Product<'_, T> {
    /// Rounds or splits numbers, the parts of each 32 side by side; says whether that lost nothing.
    fn make_ready(&self, numbers: &[T], lines: &mut [Line]) -> bool {
        let Some(unit) = T::unit() else { unreachable!("callers have seen the unit") };
        // SAFETY: the unit is there.
        unsafe {
            if self.parts()[0] == PARTS {
                return (unit.split_row)(numbers, lines, [PARTS, 1]);
            }
            (unit.round_row)(numbers, lines, 1);
        }
        true
    }
}
