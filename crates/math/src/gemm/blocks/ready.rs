//! Rows of A in tiles, ready for the matrix unit.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::driver::{Product, Scalar};
use super::super::pack::Lhs;
use super::{Line, SIDE, STEP, STRIP, Unit};

/// Rows of A, counted from the first of a task.
pub(in crate::gemm) trait Source<T: Scalar>: Sync {
    /// Gives the numbers of some rows in a block of k that are not 0, counted from the first of these, and where in the block they start: with a
    /// tile, if not with the block.
    fn each(&self, rows: Range<usize>, block: Range<usize>, row: &mut dyn FnMut(usize, usize, &[T]));

    /// Strips of the rows, if the source has a way of its own to make them ready.
    fn strips(&self) -> Option<usize> {
        None
    }

    /// All of them ready in that way, if it loses none of them.
    fn ready<'a>(&self, _product: &Product<'_, T>, _lines: &'a mut Vec<Line>) -> Option<Ready<'a, T>> {
        None
    }
}

/// Rows of a matrix.
pub(super) struct MatrixRows<'a, A> {
    pub a: &'a A,
    pub rows: Range<usize>,
}

impl<T: Scalar, A: Lhs<T>> Source<T> for MatrixRows<'_, A> {
    fn each(&self, rows: Range<usize>, block: Range<usize>, row: &mut dyn FnMut(usize, usize, &[T])) {
        let mut buffer = Vec::new();
        let (depth, count, first) = (block.len(), rows.len(), self.rows.start);
        let (a, stride) = self.a.block(first + rows.start..first + rows.end, block, &mut buffer);
        for index in 0..count {
            row(index, 0, &a[index * stride..][..depth]);
        }
    }
}

/// A tile of rows of A.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowTile {
    /// The number of the lines where it starts.
    pub at: usize,
    /// Its rows of C, counted from the first of the task.
    pub first: usize,
    pub count: usize,
}

/// The tiles of the rows of a task, for some blocks of k.
pub(in crate::gemm) struct Ready<'a, T> {
    /// The rows of B in these blocks.
    pub(super) rows_of_b: Range<usize>,
    pub(super) lines: &'a [Line],
    /// How many numbers from the start of a tile each step's are.
    pub(super) steps: Vec<usize>,
    /// Numbers between rows of a tile, and between parts.
    pub(super) between: [usize; 2],
    /// Two make a strip.
    pub(super) tiles: Vec<RowTile>,
    /// The strips whose numbers can't be split.
    pub(super) plain: Vec<AtomicBool>,
    /// The rows as they are, if such a tile had to be multiplied.
    pub(super) numbers: OnceLock<Vec<T>>,
}

impl<T: Scalar> Ready<'_, T> {
    /// # Panics
    /// When a tile of so many parts is cut short.
    pub fn check(&self, parts: usize) {
        let [row, part] = self.between;
        let last = self.tiles.iter().map(|tile| tile.at).max().unwrap_or(0);
        let reach = self.steps.iter().max().unwrap_or(&0) + (SIDE - 1) * row + (parts - 1) * part;
        assert!(last + reach + STEP <= self.lines.len() * STEP, "tiles of A are cut short");
    }

    /// The numbers of so many rows as they are, one row after another.
    pub fn numbers(&self, source: &impl Source<T>, count: usize) -> &[T] {
        let depth = self.rows_of_b.len();
        self.numbers.get_or_init(|| {
            let mut plain = vec![T::default(); count * depth];
            source.each(0..count, self.rows_of_b.clone(), &mut |row, at, numbers| {
                plain[row * depth + at..][..numbers.len()].copy_from_slice(numbers);
            });
            plain
        })
    }
}

/// Strips of so many tiles, none of which is known to be plain.
pub(super) fn strips(tiles: usize) -> Vec<AtomicBool> {
    (0..tiles.div_ceil(STRIP / SIDE)).map(|_| AtomicBool::new(false)).collect()
}

/// Steps of tiles that are made ready, of some rows.
struct Fill<'a, T: Scalar> {
    unit: &'static Unit<T>,
    lines: &'a mut [Line],
    parts: usize,
    /// Lines of a step.
    step: usize,
    plain: &'a [AtomicBool],
}

impl<T: Scalar> Fill<'_, T> {
    /// Numbers of a row from one of them on, that of a tile.
    fn numbers(&mut self, row: usize, at: usize, numbers: &[T]) {
        let first = at / STEP * self.step + row / SIDE * self.parts * SIDE + row % SIDE;
        let lines = &mut self.lines[first..];
        // SAFETY: the unit is there.
        unsafe {
            if self.parts == 1 {
                (self.unit.round_row)(numbers, lines, self.step);
            } else if !(self.unit.split_row)(numbers, lines, [self.step, SIDE]) {
                self.plain[row / STRIP].store(true, Ordering::Relaxed);
            }
        }
    }
}

impl<T: Scalar> Product<'_, T> {
    /// Makes some rows ready, for some rows of B.
    pub(super) fn ready<'a>(
        &self,
        source: &impl Source<T>,
        (rows, rows_of_b): (Range<usize>, Range<usize>),
        lines: &'a mut Vec<Line>,
    ) -> Ready<'a, T> {
        let Some(unit) = T::unit() else { unreachable!("callers have seen the unit") };
        let [parts, _] = self.parts();
        let (tiles, start) = (rows.len().div_ceil(SIDE), rows.start);
        let step = tiles * parts * SIDE;
        let blocks = || self.blocks_of(&rows_of_b).map(|block| self.numbers(&block));
        let steps: usize = blocks().map(|block| block.len().div_ceil(STEP)).sum();
        lines.resize((steps * step).max(lines.len()), Line::ZERO);
        let plain = strips(tiles);
        let mut fill = Fill { unit, lines, parts, step, plain: &plain };
        for block in blocks() {
            let steps = block.len().div_ceil(STEP);
            source.each(rows.clone(), block, &mut |row, at, numbers| fill.numbers(row, at, numbers));
            fill.lines = &mut std::mem::take(&mut fill.lines)[steps * step..];
        }
        let tile = |index: usize| {
            let first = index * SIDE;
            RowTile { at: first * parts * STEP, first: start + first, count: SIDE.min(rows.len() - first) }
        };
        Ready {
            lines,
            steps: (0..steps).map(|index| index * step * STEP).collect(),
            between: [STEP, SIDE * STEP],
            tiles: (0..tiles).map(tile).collect(),
            plain,
            numbers: OnceLock::new(),
            rows_of_b,
        }
    }
}
