//! Convolutions as products: rows of A are windows over a grid of cells, read where they lie.

use std::ops::Range;

use super::blocks::{self, Line, Ready, Region, STEP, Source};
use super::driver::{Product, ROWS, Rows, Runs, Scalar, Strip, TASK_MACS, task_size};
use super::pack::PackedB;
use super::tile::Run;
use super::{Gemm, Rhs, has_matrix_unit, pairs};
use crate::par;

/// One dimension that windows slide over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Cells.
    pub cells: usize,
    /// Windows.
    pub windows: usize,
    /// Cells of a window.
    pub taps: usize,
    /// Cells between windows.
    pub stride: usize,
    /// Cells between the cells of a window.
    pub dilation: usize,
    /// How many cells the first window lies before the grid; cells outside are 0.
    pub before: usize,
}

#[cfg(test)]
impl Axis {
    /// Cells, windows, taps, stride, dilation and cells before.
    pub(crate) fn of([cells, windows, taps, stride, dilation, before]: [usize; 6]) -> Axis {
        Axis { cells, windows, taps, stride, dilation, before }
    }
}

impl Axis {
    /// The taps of a window that lie on the grid.
    pub fn inside(&self, window: usize) -> Range<usize> {
        let start = window * self.stride;
        let first = self.before.saturating_sub(start).div_ceil(self.dilation);
        let end = (self.cells + self.before).saturating_sub(start).div_ceil(self.dilation).min(self.taps);
        first.min(end)..end
    }

    /// The cell under a tap that lies on the grid.
    #[inline]
    pub fn cell(&self, window: usize, tap: usize) -> usize {
        window * self.stride + tap * self.dilation - self.before
    }

    /// The windows that lie on the grid with all their taps.
    pub fn whole(&self) -> Range<usize> {
        let last = (self.taps.max(1) - 1) * self.dilation;
        let first = self.before.div_ceil(self.stride).min(self.windows);
        let end = match (self.cells + self.before).checked_sub(last + 1) {
            Some(start) => (start / self.stride + 1).min(self.windows),
            None => 0,
        };
        first..end.max(first)
    }
}

/// The matrix of windows over grids, one after another, whose channels are innermost.
///
/// A row is a window (grid, depth, height, width), a column a tap (depth, height, width) and a channel.
#[derive(Clone, Debug)]
pub struct Windows<'a, T> {
    /// The grids.
    pub data: &'a [T],
    /// How many there are.
    pub grids: usize,
    /// Depth, height, width.
    pub axes: [Axis; 3],
    /// Channels of a cell.
    pub channels: usize,
    /// The channels that columns have.
    pub part: Range<usize>,
    /// Columns of zeros behind those of each line of taps: see [`padding`].
    pub padding: usize,
}

/// The zeros that a rounded B has behind the rows of each line of taps: as many as let a matrix unit read windows of few channels where
/// cells lie, which is faster though it multiplies zeros. 0 where there is none, or windows are read otherwise.
pub fn padding(taps: usize, dilation: usize, channels: usize) -> usize {
    let line = taps * channels;
    match has_matrix_unit() && dilation == 1 && !channels.is_multiple_of(STEP) {
        true => line.next_multiple_of(STEP) - line,
        false => 0,
    }
}

impl<T> Windows<'_, T> {
    /// Rows of the matrix.
    pub(super) fn rows(&self) -> usize {
        self.lines() * self.axes[2].windows
    }

    fn lines(&self) -> usize {
        self.grids * self.axes[0].windows * self.axes[1].windows
    }

    /// Columns of the matrix.
    pub(super) fn columns(&self) -> usize {
        self.axes[0].taps * self.axes[1].taps * self.columns_of_line()
    }

    /// Columns of a line of taps.
    pub(super) fn columns_of_line(&self) -> usize {
        self.axes[2].taps * self.part.len() + self.padding
    }

    /// The parts of the row of window `x` of a line that lie in a block of columns and on the grid.
    fn runs(&self, line: usize, x: usize, block: &Range<usize>, runs: &mut Runs) {
        let [depth, height, width] = &self.axes;
        let (y, rest) = (line % height.windows, line / height.windows);
        let (z, grid) = (rest % depth.windows, rest / depth.windows);
        let taps = width.inside(x);
        let channels = self.part.len();
        // Taps that are adjacent in memory are one run.
        let joined = if width.dilation == 1 && channels == self.channels { taps.len() } else { 1 };
        runs.clear();
        for tap_z in depth.inside(z) {
            for tap_y in height.inside(y) {
                let row = (grid * depth.cells + depth.cell(z, tap_z)) * height.cells + height.cell(y, tap_y);
                for tap in taps.clone().step_by(joined.max(1)) {
                    let column = (tap_z * height.taps + tap_y) * self.columns_of_line() + tap * channels;
                    let part = column.max(block.start)..(column + joined * channels).min(block.end);
                    if part.start < part.end {
                        let cell = row * width.cells + width.cell(x, tap);
                        let start = cell * self.channels + self.part.start + part.start - column;
                        runs.push(Run { a: start, b: part.start - block.start, len: part.len() });
                    }
                }
            }
        }
    }
}

impl<T: Scalar> Gemm<'_, T> {
    /// C from windows and a packed B.
    ///
    /// # Panics
    /// When a cell lies outside the data, or B, C, the bias or the residual does not fit. Without a matrix unit, a rounded B has a row
    /// of zeros more for each cell if the channels are odd, and then windows must have all of them.
    pub fn run_windows(&self, a: &Windows<'_, T>, b: &PackedB<T>, c: &mut [T]) {
        let cells: usize = a.axes.iter().map(|axis| axis.cells).product();
        assert!(a.data.len() >= a.grids * cells * a.channels && a.part.end <= a.channels, "grids cut short");
        let (m, n) = (a.rows(), b.n());
        if m == 0 || n == 0 {
            return;
        }
        self.check([m, b.k(), n], &Rhs::Packed(b), c.len());
        let mut product = Product::new(self, [b.units, n], Rhs::Packed(b), c);
        let panels = n.div_ceil(product.table.columns);
        if T::unit().is_some() && b.units > 0 {
            let regions = a.regions(&product);
            // Regions overlap, so that some cells are made ready twice.
            let times = regions.as_ref().map_or(1, |_| a.columns() / a.channels / 2).max(1);
            let copies = if a.part.len().is_multiple_of(STEP) { 1 } else { 3 };
            if b.rounded || product.is_for_unit(m, [times, copies]) {
                assert_eq!(a.columns(), b.k(), "windows and B differ in length");
                product.prepare_for_unit(m);
                return match regions {
                    Some(regions) => a.run_cells(&product, &regions, panels),
                    None => a.run_blocks(&product, panels),
                };
            }
        }
        let mut data = Vec::new();
        let paired;
        let a = if b.rounded {
            paired = pairs::windows(a, &mut data)
                .expect("callers don't round filters whose cells can't be paired");
            &paired
        } else {
            a
        };
        assert_eq!(a.columns(), b.units, "windows and B differ in length");
        product.prepare();
        a.run_by_microkernels(&product, panels);
    }
}

impl<T: Scalar> Windows<'_, T> {
    /// Computes C by microkernels.
    pub(super) fn run_by_microkernels(&self, product: &Product<'_, T>, panels: usize) {
        let (lines, width) = (self.lines(), self.axes[2].windows);
        let (rows, columns) = task_size([lines * width, product.k, panels], product.table);
        // Where lines are light, as many as fill tiles at their ends, which come one below the other.
        let light = TASK_MACS / (width * product.k * panels * product.table.columns).max(1);
        let rows = rows.min(ROWS).div_ceil(width).max(light.min(product.table.rows)).min(lines);
        // Long lines are cut, always at the same windows.
        let cut = width.div_ceil((width / ROWS).max(1));
        let (cuts, column_tasks) = (width.div_ceil(cut), panels.div_ceil(columns));
        par::for_each(lines.div_ceil(rows) * cuts * column_tasks, |task| {
            let (rest, columns) = (task / column_tasks, par::chunk(task % column_tasks, panels, columns));
            let (lines, windows) =
                (par::chunk(rest / cuts, lines, rows), par::chunk(rest % cuts, width, cut));
            product.lines(self, (&lines, &windows), columns);
        });
    }
}

impl<T: Scalar> Product<'_, T> {
    /// Computes some windows of some lines, and some panels.
    fn lines(
        &self,
        a: &Windows<'_, T>,
        (lines, windows): (&Range<usize>, &Range<usize>),
        panels: Range<usize>,
    ) {
        let parts = a.parts(lines, windows, self.table.rows);
        let share = self.table.columns.div_ceil(parts.len().max(1));
        let mut runs = Runs::default();
        let mut first = 0;
        loop {
            let depth = self.block.min(self.k - first);
            for panel in panels.clone() {
                let (start, b) = (panel * self.table.columns, self.packed_panel(first, panel));
                let columns = start..self.n.min(start + self.table.columns);
                let mut ahead = b.as_ptr().wrapping_add(b.len());
                let mut column = self.column(columns, (b, self.table.columns), (first, depth));
                column.finishes &= !self.finishes_at_once();
                for part in &parts {
                    if part.shift == 0 {
                        a.runs(part.line, part.x, &(first..first + depth), &mut runs);
                    }
                    let strip = Strip {
                        rows: part.rows,
                        a: a.data.get(part.shift..).unwrap_or_default(),
                        a_stride: part.stride,
                        runs: &runs,
                        ahead: (ahead, share),
                    };
                    self.strip(&mut column, &strip);
                    ahead = ahead.wrapping_add(share * depth);
                }
            }
            first += depth;
            if first >= self.k {
                break;
            }
        }
        if self.finishes_at_once() {
            let width = a.axes[2].windows;
            for line in lines.clone() {
                let start = line * width;
                self.finish_panels(start + windows.start..start + windows.end, &panels);
            }
        }
    }
}

impl<T: Scalar> Windows<'_, T> {
    /// Computes C on the matrix unit: whole lines, or parts of long ones.
    pub(super) fn run_blocks(&self, product: &Product<'_, T>, panels: usize) {
        let (lines, width) = (self.lines(), self.axes[2].windows);
        let most = blocks::rows_of_task(lines * width);
        let (count, cut) = ((most / width).max(1), width.div_ceil(width.div_ceil(most)));
        let cuts = width.div_ceil(cut);
        blocks::for_rows(lines.div_ceil(count) * cuts, |task| {
            let (lines, windows) =
                (par::chunk(task / cuts, lines, count), par::chunk(task % cuts, width, cut));
            let first = lines.start * width + windows.start;
            let rows = first..first + lines.len() * windows.len();
            let parts = self.parts(&lines, &windows, usize::MAX);
            product.blocks(&WindowRows { a: self, parts, first, region: None }, rows, panels);
        });
    }

    /// [`Windows::run_blocks`] from cells that are made ready once for all windows that see them.
    pub(super) fn run_cells(&self, product: &Product<'_, T>, regions: &[Region], panels: usize) {
        blocks::for_rows(regions.len(), |index| {
            let region = &regions[index];
            let [lines, windows] = region.parts(self);
            let parts = self.parts(&lines, &windows, usize::MAX);
            let source = WindowRows { a: self, parts, first: region.first, region: Some(region) };
            product.blocks(&source, region.rows(), panels);
        });
    }
}

/// Some windows of some lines, whose rows of C are adjacent.
struct WindowRows<'a, T> {
    a: &'a Windows<'a, T>,
    parts: Vec<Part>,
    /// The first row of C.
    first: usize,
    /// Those whose cells are made ready for all windows at once.
    region: Option<&'a Region>,
}

impl<T: Scalar> WindowRows<'_, T> {
    /// Calls the function with each part, and its runs in a block of columns.
    fn each_part(&self, block: Range<usize>, mut call: impl FnMut(&Part, &Runs)) {
        let mut runs = Runs::default();
        for part in &self.parts {
            if part.shift == 0 {
                self.a.runs(part.line, part.x, &block, &mut runs);
            }
            call(part, &runs);
        }
    }
}

impl<T: Scalar> Source<T> for WindowRows<'_, T> {
    fn strips(&self) -> Option<usize> {
        self.region.map(Region::strips)
    }

    fn ready<'a>(&self, product: &Product<'_, T>, lines: &'a mut Vec<Line>) -> Option<Ready<'a, T>> {
        self.a.cells(product, self.region?, lines)
    }

    fn each(&self, rows: Range<usize>, block: Range<usize>, row: &mut dyn FnMut(usize, usize, &[T])) {
        let mut buffer = vec![T::default(); block.len()];
        self.each_part(block.clone(), |part, runs| {
            let is_all = runs.list().iter().map(|run| run.len).sum::<usize>() == block.len();
            let is_direct = is_all && runs.list().iter().all(|run| run.b.is_multiple_of(STEP));
            if !is_direct {
                buffer.fill(T::default());
            }
            for window in 0..part.rows.count {
                let index = part.rows.first + window * part.rows.step - self.first;
                if !rows.contains(&index) {
                    continue;
                }
                let index = index - rows.start;
                let data = self.a.data.get(part.shift + window * part.stride..).unwrap_or_default();
                for &Run { a, b, len } in runs.list() {
                    match is_direct {
                        true => row(index, b, &data[a..][..len]),
                        false => buffer[b..][..len].copy_from_slice(&data[a..][..len]),
                    }
                }
                if !is_direct {
                    row(index, 0, &buffer);
                }
            }
        });
    }
}

/// Windows that lie at equal distances and have the same taps.
struct Part {
    rows: Rows,
    /// The window whose runs are those of the first one, when moved by `shift`; of that of a part before if it is moved.
    line: usize,
    x: usize,
    shift: usize,
    /// How far the windows lie apart.
    stride: usize,
}

impl<T> Windows<'_, T> {
    /// Some windows of some lines in parts of at most `most`: those inside of a line one after another, which have the taps of
    /// the line above unless one of the two overhangs; those at its ends together with the ones above and below.
    fn parts(&self, lines: &Range<usize>, windows: &Range<usize>, most: usize) -> Vec<Part> {
        let [_, height, width] = &self.axes;
        let (whole, step) = (width.whole(), width.stride * self.channels);
        let start = whole.start.clamp(windows.start, windows.end);
        let inner = start..whole.end.clamp(start, windows.end);
        let line_step = height.stride * width.cells * self.channels;
        let mut parts = Vec::new();
        let mut first = lines.start;
        for line in lines.clone() {
            let y = line % height.windows;
            let is_alike = y > 0 && [y - 1, y].iter().all(|y| height.whole().contains(y));
            first = if is_alike { first } else { line };
            Self::cut(inner.len(), most, |start, count| {
                let rows = Rows { first: line * width.windows + inner.start + start, count, step: 1 };
                let shift = (line - first) * line_step + start * step;
                parts.push(Part { rows, line, x: inner.start, shift, stride: step });
            });
        }
        let mut line = lines.start;
        while line < lines.end {
            let (y, whole) = (line % height.windows, height.whole());
            let alike = if whole.contains(&y) { (whole.end - y).min(lines.end - line) } else { 1 };
            for x in (windows.start..inner.start).chain(inner.end..windows.end) {
                Self::cut(alike, most, |start, count| {
                    let rows = Rows { first: (line + start) * width.windows + x, count, step: width.windows };
                    parts.push(Part { rows, line, x, shift: start * line_step, stride: line_step });
                });
            }
            line += alike;
        }
        parts
    }

    /// Cuts `len` into parts of at most `most` that differ by at most one.
    fn cut(len: usize, most: usize, mut part: impl FnMut(usize, usize)) {
        let count = len.div_ceil(most);
        let mut start = 0;
        for index in 0..count {
            let size = (len - start).div_ceil(count - index);
            part(start, size);
            start += size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::{Activation, Epilogue, View};

    /// Sums over all taps on the grid, in order.
    fn reference(a: &Windows<'_, f32>, b: &[f32], n: usize) -> Vec<f32> {
        let [depth, height, width] = &a.axes;
        let mut c = Vec::new();
        for line in 0..a.lines() {
            let (y, z) = (line % height.windows, line / height.windows % depth.windows);
            let grid = line / height.windows / depth.windows;
            for x in 0..width.windows {
                let mut sums = vec![0.0; n];
                for tap in 0..depth.taps * height.taps * width.taps {
                    let taps =
                        [tap / width.taps / height.taps, tap / width.taps % height.taps, tap % width.taps];
                    let on = a
                        .axes
                        .iter()
                        .zip([z, y, x])
                        .zip(taps)
                        .all(|((axis, at), t)| axis.inside(at).contains(&t));
                    if !on {
                        continue;
                    }
                    let [tz, ty, tx] = taps;
                    let cell = ((grid * depth.cells + depth.cell(z, tz)) * height.cells + height.cell(y, ty))
                        * width.cells
                        + width.cell(x, tx);
                    for (i, channel) in a.part.clone().enumerate() {
                        let value = a.data[cell * a.channels + channel];
                        let row = &b[(tap * a.part.len() + i) * n..][..n];
                        sums.iter_mut().zip(row).for_each(|(sum, &b)| *sum += value * b);
                    }
                }
                c.extend(sums);
            }
        }
        c
    }

    #[test]
    fn windows_are_sums_over_taps() {
        let axis = |c, w, t, s, d, b| Axis::of([c, w, t, s, d, b]);
        let unit = axis(1, 1, 1, 1, 1, 0);
        for (grids, axes, channels, part, n) in [
            (2, [unit, axis(5, 5, 3, 1, 1, 1), axis(30, 30, 3, 1, 1, 1)], 4, 0..4, 40),
            (1, [unit, axis(9, 5, 3, 2, 1, 1), axis(9, 5, 3, 2, 1, 1)], 70, 0..70, 33),
            (1, [axis(4, 4, 3, 1, 1, 1), axis(4, 4, 3, 1, 1, 1), axis(5, 5, 3, 1, 1, 1)], 3, 0..3, 7),
            (1, [unit, unit, axis(20, 20, 3, 1, 4, 4)], 6, 0..6, 16),
            (2, [unit, unit, axis(500, 500, 3, 1, 160, 160)], 2, 0..2, 5),
            (1, [unit, axis(3, 3, 3, 1, 1, 1), axis(601, 300, 3, 2, 1, 0)], 3, 0..3, 33),
            (1, [unit, axis(4, 2, 3, 1, 1, 0), axis(4, 2, 3, 1, 1, 0)], 8, 4..8, 5),
            (1, [unit, axis(1, 3, 3, 1, 1, 2), axis(1, 4, 2, 1, 2, 3)], 1, 0..1, 32),
        ] {
            let cells = grids * axes.iter().map(|axis: &Axis| axis.cells).product::<usize>() * channels;
            let data: Vec<f32> = (0..cells).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
            let windows = Windows { data: &data, grids, axes, channels, part, padding: 0 };
            let (k, m) = (windows.columns(), windows.lines() * axes[2].windows);
            let b: Vec<f32> = (0..k * n).map(|i| (i * 5 % 13) as f32 - 6.0).collect();
            let mut c = vec![f32::NAN; m * n];
            let packed = PackedB::new(k, n, View::new(&b, n));
            Gemm::default().run_windows(&windows, &packed, &mut c);
            assert_eq!(c, reference(&windows, &b, n), "{axes:?}");
            // Functions that follow all tiles of a task reach each sum once.
            let (mut functions, c) = (c.clone(), c.iter().map(|sum| sum + 1.0).collect::<Vec<_>>());
            let epilogue =
                Epilogue { bias: &vec![1.0; n], activation: Activation::Silu, ..Epilogue::default() };
            Gemm { epilogue, ..Gemm::default() }.run_windows(&windows, &packed, &mut functions);
            let mut want = vec![0.0; c.len()];
            crate::unary::silu(&c, &mut want);
            assert_eq!(functions, want, "{axes:?}");
        }
    }
}
