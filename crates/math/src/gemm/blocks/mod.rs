//! Products on a processor's matrix unit: rows of A and panels of B are made ready in tiles, which it multiplies.
//!
//! The sums of tiles go to C block by block of k, as in other products. Where a number is too large or too small to be
//! split, the tile is multiplied by the microkernels instead.

mod cells;
mod peak;

use std::cell::Cell;
use std::ops::Range;

use super::Rhs;
use super::driver::{Product, Rows, Runs, Scalar, Strip};
use super::pack::Lhs;
use super::tile::Tile;
use crate::par;

pub(super) use cells::{Cells, Region};
pub(crate) use peak::multiply_cached;

/// Rows and columns of a tile.
pub const SIDE: usize = 16;
/// Numbers of a row of A, and of a column of B, that one instruction multiplies.
pub const STEP: usize = 32;
/// Parts of a number in single precision.
pub const PARTS: usize = 3;
/// Rows of tiles that share a panel of B.
const STRIP: usize = 2 * SIDE;
/// Rows of A in one task.
const ROWS: usize = 256;
/// Panels of B in one task.
const PANELS: usize = 64;
/// Rows of B that are multiplied at a time, if it has such blocks.
const DEPTH: usize = 512;
/// Bytes of B that are read again for each strip of rows, from the second-level cache.
const CACHED: usize = 1 << 18;
/// Tasks that a thread should have. Those with the same rows make these ready each for itself.
const TASKS_OF_THREAD: usize = 2;
/// Rows from which a rounded B is multiplied by the unit.
const ROUNDED_ROWS: usize = 6;

/// Numbers rounded to bfloat16, of half a row of a tile or so many pairs.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Line(pub [u16; STEP]);

/// What is multiplied.
#[derive(Clone, Copy, Debug)]
pub struct Operands {
    /// The lines of A.
    pub a: *const Line,
    /// The lines where the first tile of rows starts, and the second.
    pub a_tiles: [usize; 2],
    /// Lines from there to the tile of each step.
    pub a_steps: *const usize,
    /// Lines between rows of a tile of A, and between parts.
    pub a_lines: [usize; 2],
    /// The first tile of B.
    pub b: *const Line,
    /// Lines between rows of a tile of B, between tiles, and between columns of tiles; parts follow each other.
    pub b_lines: [usize; 3],
    /// Tiles of a row.
    pub steps: usize,
    /// Rows of C that the first tile has, and those that the second has behind them; none if there is no second.
    pub rows: [usize; 2],
}

/// A matrix unit. All its functions need one that this processor has.
#[derive(Debug)]
pub struct Unit<T> {
    /// Gives the thread its tiles.
    pub enter: unsafe fn(),
    /// Takes them away.
    pub leave: unsafe fn(),
    /// Splits numbers of a row of A into lines that lie so far apart, and those of their parts so far; says whether that lost nothing.
    pub split_row: unsafe fn(&[T], &mut [Line], [usize; 2]) -> bool,
    /// Rounds numbers of a row of A to lines that lie so far apart.
    pub round_row: unsafe fn(&[T], &mut [Line], usize),
    /// Splits so many rows of a panel of B into tiles, each of one half of the columns part after part, then of the other. Says whether
    /// that lost nothing.
    pub split_panel: unsafe fn(&[T], usize, &mut [Line]) -> bool,
    /// Multiplies up to two tiles of rows with up to two of columns, of parts or rounded. Runs and operands of the tile do not
    /// matter; what lies `ahead` is counted for each step. The thread has entered, all tiles of the operands are readable, and C, bias and
    /// residual as [`super::tile::Microkernel`] says.
    pub multiply: unsafe fn(&Tile<T>, &Operands, bool),
}

/// The tiles of a thread, for as long as this lives.
struct Entered(unsafe fn());

impl Entered {
    fn new<T>(unit: &Unit<T>) -> Entered {
        // SAFETY: who has a unit has found it.
        unsafe { (unit.enter)() };
        Entered(unit.leave)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // SAFETY: the thread has entered.
        unsafe { (self.0)() };
    }
}

/// Rows of A for a block of k, counted from the first of a task.
pub(super) trait Source<T: Scalar> {
    /// Gives the numbers of rows that are not 0, and where in the block they start: with a tile, if not with the block.
    fn each(&self, block: Range<usize>, row: &mut dyn FnMut(usize, usize, &[T]));
}

/// Rows of a matrix.
pub(super) struct MatrixRows<'a, A> {
    pub a: &'a A,
    pub rows: Range<usize>,
}

impl<T: Scalar, A: Lhs<T>> Source<T> for MatrixRows<'_, A> {
    fn each(&self, block: Range<usize>, row: &mut dyn FnMut(usize, usize, &[T])) {
        let mut buffer = Vec::new();
        let depth = block.len();
        let (a, stride) = self.a.block(self.rows.clone(), block, &mut buffer);
        for index in 0..self.rows.len() {
            row(index, 0, &a[index * stride..][..depth]);
        }
    }
}

/// Tiles of rows that are made ready.
struct Fill<'a, T: Scalar> {
    unit: &'static Unit<T>,
    lines: &'a mut [Line],
    parts: usize,
    /// Tiles of a row, and the first of them that the block has.
    steps: usize,
    first: usize,
    /// Strips whose numbers can't be split.
    plain: &'a mut [bool],
}

impl<T: Scalar> Fill<'_, T> {
    /// Numbers of a row from one of them on, that of a tile.
    fn numbers(&mut self, row: usize, at: usize, numbers: &[T]) {
        let step = SIDE * self.parts * self.steps;
        let lines = &mut self.lines[row / SIDE * step..][..step];
        let lines = &mut lines[(self.first + at / STEP) * self.parts * SIDE + row % SIDE..];
        // SAFETY: the unit is there.
        unsafe {
            match self.parts {
                1 => (self.unit.round_row)(numbers, lines, SIDE),
                _ => {
                    let is_whole = (self.unit.split_row)(numbers, lines, [PARTS * SIDE, SIDE]);
                    self.plain[row / STRIP] |= !is_whole;
                }
            }
        }
    }
}

/// Whether the unit is faster than the microkernels, for numbers that are split and stand in so many rows of A each: it multiplies more than twice as fast, but whole tiles,
/// and splitting takes time for each row and column. Times are those of an Emerald Rapids server.
pub(super) fn gains<T: Scalar>([m, k, n]: [usize; 3], times: usize) -> bool {
    /// Nanoseconds that the products of a tile take.
    const PRODUCTS: usize = 48;
    /// Nanoseconds that splitting a tile takes.
    const SPLIT: usize = 120;
    /// Nanoseconds that writing a tile of C takes.
    const WRITE: usize = 110;
    /// Nanoseconds that it takes to begin.
    const BEGIN: usize = 600;
    /// Multiplications of microkernels in a nanosecond, and a tenth more, so as not to change for little.
    const PLAIN: usize = 90;
    if m < SIDE / 2 || n < SIDE / 2 || k < STEP / 2 || T::unit().is_none() {
        return false;
    }
    let [rows, steps, columns] = [m.div_ceil(SIDE), k.div_ceil(STEP), n.div_ceil(SIDE)];
    let tiles = rows.saturating_mul(columns).saturating_mul(steps);
    let splits = rows.div_ceil(times).saturating_add(columns.saturating_mul(m.div_ceil(ROWS)));
    let writes = rows.saturating_mul(columns).saturating_mul(k.div_ceil(DEPTH));
    let needed = [(tiles, PRODUCTS), (splits.saturating_mul(steps), SPLIT), (writes, WRITE), (1, BEGIN)];
    let needed =
        needed.iter().fold(0_usize, |sum, &(count, ns)| sum.saturating_add(count.saturating_mul(ns)));
    needed < m.saturating_mul(n).saturating_mul(k) / PLAIN
}

/// Rows of the panels of a rounded B of `k` rows, and of one block of them, where there is a unit: whole tiles.
pub(super) fn rounded_size<T: Scalar>(k: usize) -> Option<(usize, usize)> {
    /// Most rows of a block.
    const MOST: usize = 512;
    T::unit()?;
    let units = k.div_ceil(STEP) * SIDE;
    let block = units.div_ceil(units.div_ceil(MOST).max(1)).next_multiple_of(SIDE);
    Some((units, block.max(1)))
}

/// Whether a rounded B is multiplied by the unit.
pub(super) fn takes_rounded<T: Scalar>(m: usize) -> bool {
    m >= ROUNDED_ROWS && T::unit().is_some()
}

/// Rows and panels of one task. Rows don't depend on the number of threads, as those that can't be split take others of their strip along.
pub(super) fn task_size(m: usize, panels: usize) -> [usize; 2] {
    let rows = m.div_ceil(m.div_ceil(ROWS)).next_multiple_of(STRIP);
    [rows, panels_of_task(m.div_ceil(rows), panels)]
}

/// Panels of one task, if there are so many tasks of rows.
pub(super) fn panels_of_task(row_tasks: usize, panels: usize) -> usize {
    let wanted = match par::threads() {
        1 => 1,
        threads => (TASKS_OF_THREAD * threads).div_ceil(row_tasks),
    };
    let columns = panels.div_ceil(wanted).clamp(1, PANELS);
    panels.div_ceil(panels.div_ceil(columns))
}

/// Computes C from rows of `a`; B is packed.
pub(super) fn run<T: Scalar>(product: &Product<T>, m: usize, panels: usize, a: &impl Lhs<T>) {
    let [rows, columns] = task_size(m, panels);
    let column_tasks = panels.div_ceil(columns);
    par::for_each(m.div_ceil(rows) * column_tasks, |task| {
        let rows = par::chunk(task / column_tasks, m, rows);
        let source = MatrixRows { a, rows: rows.clone() };
        product.blocks(&source, None, rows, par::chunk(task % column_tasks, panels, columns));
    });
}

thread_local! {
    /// Tiles of A and B, kept from one task to the next.
    static TILES: Cell<[Vec<Line>; 2]> = const { Cell::new([Vec::new(), Vec::new()]) };
}

/// A tile of rows of A.
#[derive(Clone, Copy, Debug)]
struct RowTile {
    /// The line where it starts.
    at: usize,
    /// Its rows of C, counted from the first of the task.
    first: usize,
    count: usize,
}

/// The tiles of the rows of a task, for some blocks of k.
struct Ready<'a, T> {
    /// The rows of B in these blocks.
    rows_of_b: Range<usize>,
    lines: &'a [Line],
    /// How far from the start of a tile each step's lines are.
    steps: Vec<usize>,
    /// Lines between rows of a tile, and between parts.
    between: [usize; 2],
    /// Two make a strip.
    tiles: Vec<RowTile>,
    /// The strips whose numbers can't be split.
    plain: Vec<bool>,
    /// The rows as they are, if such a tile had to be multiplied.
    numbers: Option<Vec<T>>,
}

impl<T> Ready<'_, T> {
    /// # Panics
    /// When a tile of so many parts is cut short.
    fn check(&self, parts: usize) {
        let [row, part] = self.between;
        let last = self.tiles.iter().map(|tile| tile.at).max().unwrap_or(0);
        let reach = self.steps.iter().max().unwrap_or(&0) + (SIDE - 1) * row + (parts - 1) * part;
        assert!(last + reach < self.lines.len(), "tiles of A are cut short");
    }
}

impl<T: Scalar> Product<'_, T> {
    /// Computes some rows of some panels, from cells if these are ready.
    pub fn blocks(
        &self,
        source: &impl Source<T>,
        cells: Option<&Cells>,
        rows: Range<usize>,
        panels: Range<usize>,
    ) {
        let Some(unit) = T::unit() else { unreachable!("callers have seen the unit") };
        let _entered = Entered::new(unit);
        let [mut a, mut b] = TILES.take();
        let most = self.block * (DEPTH / self.block).max(1);
        for first in (0..self.k).step_by(most) {
            let rows_of_b = first..self.k.min(first + most);
            let mut ready = match cells {
                Some(cells) => cells.ready(rows_of_b, self.parts()),
                None => self.ready(unit, source, (rows.len(), rows_of_b), &mut a),
            };
            ready.check(self.parts()[0]);
            let strips = ready.tiles.len().div_ceil(2);
            // Rows of C are written as a whole if B can be read again for each strip.
            let bytes = ready.rows_of_b.len() * panels.len() * self.table.columns * size_of::<T>();
            let most = if self.is_rounded() && bytes <= CACHED { 1 } else { strips };
            for first in (0..strips).step_by(most) {
                let strips = first..strips.min(first + most);
                for panel in panels.clone() {
                    self.panel_of_blocks(unit, source, (&rows, panel, &strips), &mut ready, &mut b);
                }
            }
        }
        TILES.set([a, b]);
    }

    fn is_rounded(&self) -> bool {
        matches!(self.b, Rhs::Packed(packed) if packed.rounded)
    }

    /// Parts of a number, and numbers for each row of a panel of B.
    pub fn parts(&self) -> [usize; 2] {
        if self.is_rounded() { [1, 2] } else { [PARTS, 1] }
    }

    /// The blocks of some rows of B.
    fn blocks_of(&self, rows: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<T> {
        let (block, end) = (self.block, rows.end);
        rows.clone().step_by(block).map(move |first| first..end.min(first + block))
    }

    /// Makes the rows of a task ready.
    fn ready<'a>(
        &self,
        unit: &'static Unit<T>,
        source: &impl Source<T>,
        (count, rows_of_b): (usize, Range<usize>),
        lines: &'a mut Vec<Line>,
    ) -> Ready<'a, T> {
        let [parts, numbers] = self.parts();
        let steps_of = |block: Range<usize>| (block.len() * numbers).div_ceil(STEP);
        let steps: usize = self.blocks_of(&rows_of_b).map(steps_of).sum();
        let mut plain = vec![false; count.div_ceil(STRIP)];
        let size = count.div_ceil(SIDE) * SIDE * parts * steps;
        lines.resize(size.max(lines.len()), Line([0; STEP]));
        let mut fill = Fill { unit, lines, parts, steps, first: 0, plain: &mut plain };
        for block in self.blocks_of(&rows_of_b) {
            source.each(self.numbers(&block), &mut |row, at, numbers| fill.numbers(row, at, numbers));
            fill.first += steps_of(block);
        }
        let tile = |index: usize| {
            let first = index * SIDE;
            RowTile { at: first * parts * steps, first, count: SIDE.min(count - first) }
        };
        Ready {
            rows_of_b,
            lines,
            steps: (0..steps).map(|step| step * parts * SIDE).collect(),
            between: [1, SIDE],
            tiles: (0..count.div_ceil(SIDE)).map(tile).collect(),
            plain,
            numbers: None,
        }
    }

    /// The columns of A that some rows of panels belong to.
    fn numbers(&self, rows: &Range<usize>) -> Range<usize> {
        match self.b {
            Rhs::Packed(packed) if packed.rounded => {
                let end = (2 * rows.end).min(packed.k());
                (2 * rows.start).min(end)..end
            }
            _ => rows.clone(),
        }
    }

    /// Multiplies some strips of a task with a panel, for some blocks of k.
    fn panel_of_blocks(
        &self,
        unit: &Unit<T>,
        source: &impl Source<T>,
        (rows, panel, strips): (&Range<usize>, usize, &Range<usize>),
        ready: &mut Ready<T>,
        tiles: &mut Vec<Line>,
    ) {
        let (width, steps, depth) = (self.table.columns, ready.steps.len(), ready.rows_of_b.len());
        assert_eq!(width, 2 * SIDE, "panels are two tiles wide");
        let b = self.packed_panel(ready.rows_of_b.start, panel);
        let columns = panel * width..self.n.min((panel + 1) * width);
        let mut column = self.column(columns, (b, width), (ready.rows_of_b.start, depth));
        let is_rounded = self.is_rounded();
        let (b_tiles, b_lines, is_whole) = if is_rounded {
            assert!(depth == steps * SIDE && b.len() >= depth * width, "a rounded panel is cut short");
            (b.as_ptr().cast(), [2, 2 * SIDE, 1], true)
        } else {
            let is_whole = self.split(unit, panel, (&ready.rows_of_b, steps), tiles);
            (tiles.as_ptr(), [1, 2 * PARTS * SIDE, PARTS * SIDE], is_whole)
        };
        // Each strip brings a part of the next panel closer, which lies behind this one.
        let share = match strips.len() {
            1 => 0,
            strips => b.len().div_ceil(strips * steps).next_multiple_of(SIDE),
        };
        for strip in strips.clone() {
            let mut tiles = ready.tiles[2 * strip..].iter().copied();
            let empty = RowTile { at: 0, first: 0, count: 0 };
            let [upper, lower] = [tiles.next().unwrap_or(empty), tiles.next().unwrap_or(empty)];
            let (first, count) = (upper.first, upper.count + lower.count);
            if !is_whole || ready.plain[strip] {
                self.plain_strip(source, (rows, first..first + count), ready, panel);
                continue;
            }
            let operands = Operands {
                a: ready.lines.as_ptr(),
                a_tiles: [upper.at, lower.at],
                a_steps: ready.steps.as_ptr(),
                a_lines: ready.between,
                b: b_tiles,
                b_lines,
                steps,
                rows: [upper.count, lower.count],
            };
            let rows = Rows { first: rows.start + first, count, step: 1 };
            let ahead = (b.as_ptr().wrapping_add(b.len() + strip * steps * share), share);
            let tile = self.place(&mut column, &rows, ahead);
            // SAFETY: the thread has entered; tiles of A were checked, those of B bounded above, and the tile of C was placed.
            unsafe { (unit.multiply)(tile, &operands, !is_rounded) };
            self.finish_strip(&rows, &column);
        }
    }

    /// Splits a panel, for some blocks of k that take so many tiles.
    fn split(
        &self,
        unit: &Unit<T>,
        panel: usize,
        (rows_of_b, steps): (&Range<usize>, usize),
        tiles: &mut Vec<Line>,
    ) -> bool {
        tiles.resize((2 * PARTS * SIDE * steps).max(tiles.len()), Line([0; STEP]));
        let (mut is_whole, mut first) = (true, 0);
        for block in self.blocks_of(rows_of_b) {
            let b = self.packed_panel(block.start, panel);
            // SAFETY: the unit is there.
            is_whole &= unsafe { (unit.split_panel)(b, block.len(), &mut tiles[first..]) };
            first += block.len().div_ceil(STEP) * 2 * PARTS * SIDE;
        }
        is_whole
    }

    /// Multiplies a strip by the microkernels.
    fn plain_strip(
        &self,
        source: &impl Source<T>,
        (rows, strip): (&Range<usize>, Range<usize>),
        ready: &mut Ready<T>,
        panel: usize,
    ) {
        let (all, depth, width) = (&ready.rows_of_b, ready.rows_of_b.len(), self.table.columns);
        let numbers = ready.numbers.get_or_insert_with(|| {
            let mut plain = vec![T::default(); rows.len() * depth];
            source.each(all.clone(), &mut |row, at, numbers| {
                plain[row * depth + at..][..numbers.len()].copy_from_slice(numbers);
            });
            plain
        });
        for block in self.blocks_of(all) {
            let b = self.packed_panel(block.start, panel);
            let columns = panel * width..self.n.min((panel + 1) * width);
            let mut column = self.column(columns, (b, width), (block.start, block.len()));
            let runs = Runs::one(block.len());
            for first in strip.clone().step_by(self.table.rows) {
                let count = self.table.rows.min(strip.end - first);
                let rows = Rows { first: rows.start + first, count, step: 1 };
                let ahead = (std::ptr::null(), 0);
                let a = &numbers[first * depth + block.start - all.start..];
                self.strip(&mut column, &Strip { rows, a, a_stride: depth, runs: &runs, ahead });
            }
        }
    }
}

#[cfg(test)]
mod tests;
