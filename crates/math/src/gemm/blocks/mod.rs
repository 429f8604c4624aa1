//! Products on a processor's matrix unit: rows of A and panels of B are made ready in tiles, which it multiplies.
//!
//! The sums of tiles go to C block by block of k, as in other products. Where a number is too large or too small to be
//! split, the tile is multiplied by the microkernels instead.

mod cells;
mod multiply;
mod peak;
mod ready;
mod split;

use super::driver::{Product, Scalar};
use super::pack::Lhs;
use super::tile::Tile;
use crate::par;

pub(super) use cells::Region;
pub(crate) use peak::multiply_cached;
use ready::MatrixRows;
pub(super) use ready::{Ready, Source};

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
/// Rows of B that are multiplied at a time, if it has such blocks.
const DEPTH: usize = 512;
/// Tasks that a thread should have.
const TASKS_OF_THREAD: usize = 2;
/// Nanoseconds that splitting a tile takes.
const SPLIT: usize = 120;
/// Rows from which B is kept split.
const KEPT_ROWS: usize = 64;
/// Rows from which a rounded B is multiplied by the unit.
const ROUNDED_ROWS: usize = 6;

/// Numbers rounded to bfloat16, of half a row of a tile or so many pairs.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Line(pub [u16; STEP]);

impl Line {
    /// Zeros.
    pub const ZERO: Line = Line([0; STEP]);
}

/// What is multiplied: up to two tiles of rows with up to two of columns.
#[derive(Clone, Copy, Debug)]
pub struct Operands {
    /// Whether numbers are split; they are rounded, if not.
    pub is_split: bool,
    /// The numbers of A.
    pub a: *const u16,
    /// The numbers where the first tile of rows starts, and the second.
    pub a_tiles: [usize; 2],
    /// Numbers from there to the tile of each step.
    pub a_steps: *const usize,
    /// Numbers between rows of a tile of A, and between parts.
    pub a_between: [usize; 2],
    /// Whether tiles of A are loaded again soon.
    pub is_shared: bool,
    /// The first tile of B.
    pub b: *const Line,
    /// Lines between rows of a tile of B, between tiles, and between columns of tiles; parts follow each other.
    pub b_lines: [usize; 3],
    /// Tiles of a row.
    pub steps: usize,
    /// Whether there is a second tile of rows, and of columns.
    pub has_second: [bool; 2],
    /// What to bring closer meanwhile, from here on, and how many bytes for each step; it need not be readable.
    pub ahead: (*const u8, usize),
}

/// Sums of the tiles of the first rows, of one half of the columns and of the other, then of the second.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Sums<T>(pub [[[T; SIDE]; SIDE]; 4]);

/// Sums that are yet to be written.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a, T> {
    /// The sums.
    pub sums: &'a Sums<T>,
    /// Where they go, and what is added to them; its operands do not matter.
    pub tile: &'a Tile<T>,
    /// Rows of C that the first tile has, and those that the second has behind them.
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
    /// Puts so many rows of a panel together again.
    pub join_panel: unsafe fn(&[Line], usize, &mut [T]),
    /// Multiplies, and meanwhile writes the sums of the product before, if there are any. The thread has entered, all tiles of the
    /// operands are readable, and C, bias and residual as [`super::tile::Microkernel`] says.
    pub multiply: unsafe fn(&Operands, &mut Sums<T>, Option<Written<T>>),
    /// Writes sums. C, bias and residual are as [`super::tile::Microkernel`] says.
    pub write: unsafe fn(Written<T>),
}

/// Whether the unit is faster than the microkernels, for numbers that are split: it multiplies more than twice as fast, but whole tiles, and
/// splitting takes time for each row and column. Numbers stand in so many rows of A each, and take so many times as long to be split as
/// those of a matrix. Times are those of an Emerald Rapids server.
pub(super) fn gains<T: Scalar>([m, k, n]: [usize; 3], [times, copies]: [usize; 2]) -> bool {
    /// Nanoseconds that the products of a tile take.
    const PRODUCTS: usize = 43;
    /// Nanoseconds that writing a tile of C takes, beside the next products.
    const WRITE: usize = 50;
    /// Nanoseconds that it takes to begin.
    const BEGIN: usize = 600;
    /// Multiplications of microkernels in a nanosecond, and a tenth more, so as not to change for little.
    const PLAIN: usize = 90;
    if m < SIDE / 2 || n < SIDE / 2 || k < STEP / 2 || T::unit().is_none() {
        return false;
    }
    let [rows, steps, columns] = [m.div_ceil(SIDE), k.div_ceil(STEP), n.div_ceil(SIDE)];
    let tiles = rows.saturating_mul(columns).saturating_mul(steps);
    let splits_of_b = if is_worth_keeping(m) { 0 } else { columns };
    let splits_of_a = rows.saturating_mul(copies).div_ceil(times);
    let splits = splits_of_a.saturating_add(splits_of_b).saturating_mul(steps);
    let writes = rows.saturating_mul(columns).saturating_mul(k.div_ceil(DEPTH));
    let needed = [(tiles, PRODUCTS), (splits, SPLIT), (writes, WRITE), (1, BEGIN)];
    let needed =
        needed.iter().fold(0_usize, |sum, &(count, ns)| sum.saturating_add(count.saturating_mul(ns)));
    needed < m.saturating_mul(n).saturating_mul(k) / PLAIN
}

/// Whether B should be kept split for products with so many rows: with fewer it takes longer to arrive, half as large again, than it takes to be
/// split.
pub(super) fn is_worth_keeping(m: usize) -> bool {
    m >= KEPT_ROWS
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

/// Rows of one task: they don't depend on the number of threads, as those that can't be split take others of their strip along.
pub(super) fn rows_of_task(m: usize) -> usize {
    m.div_ceil(m.div_ceil(ROWS)).next_multiple_of(STRIP)
}

/// Calls `task` for each of so many tasks of rows: side by side where that keeps all threads busy, else one after another, so that
/// threads share each.
pub(super) fn for_rows(count: usize, task: impl Fn(usize) + Sync) {
    if 10 * count.next_multiple_of(par::threads()) <= 11 * count {
        par::for_each(count, task);
    } else {
        (0..count).for_each(task);
    }
}

/// Computes C from rows of `a`; B is packed.
pub(super) fn run<T: Scalar>(product: &Product<T>, m: usize, panels: usize, a: &impl Lhs<T>) {
    let rows = rows_of_task(m);
    for_rows(m.div_ceil(rows), |task| {
        let rows = par::chunk(task, m, rows);
        product.blocks(&MatrixRows { a, rows: rows.clone() }, rows, panels);
    });
}

#[cfg(test)]
mod tests;
