//! Operands: strided views, and B in panels.

use std::sync::Arc;

use super::kept::{Kept, Numbers};
use super::memory::{Memory, Plain};
use super::tile::{Table, Tiled};
use crate::par;
use crate::simd;

/// Bytes of a cache line.
const LINE: usize = 64;

/// A matrix in a slice: element (i, j) is `data[i * row_stride + j * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    /// The elements.
    pub data: &'a [T],
    /// Distance between rows.
    pub row_stride: usize,
    /// Distance between columns.
    pub column_stride: usize,
}

impl<'a, T> View<'a, T> {
    /// A dense row-major matrix of `columns` columns.
    pub fn new(data: &'a [T], columns: usize) -> Self {
        View { data, row_stride: columns, column_stride: 1 }
    }

    /// The transpose.
    pub fn t(self) -> Self {
        View { row_stride: self.column_stride, column_stride: self.row_stride, ..self }
    }

    /// [`View::new`], transposed when asked: `data` then holds the transpose, row-major with `rows` columns.
    pub fn maybe_t(data: &'a [T], [rows, columns]: [usize; 2], transposed: bool) -> Self {
        if transposed { View::new(data, rows).t() } else { View::new(data, columns) }
    }

    /// # Panics
    /// When an element of a `rows` x `columns` matrix lies outside the slice.
    pub(super) fn check(&self, rows: usize, columns: usize) {
        if rows > 0 && columns > 0 {
            let last = (rows - 1)
                .checked_mul(self.row_stride)
                .zip((columns - 1).checked_mul(self.column_stride))
                .and_then(|(a, b)| a.checked_add(b));
            assert!(last.is_some_and(|last| last < self.data.len()), "matrix outside its slice");
        }
    }
}

/// B, ready for the microkernels of this processor: blocks of [`Table::depth`] rows, in each the panels of adjacent columns.
///
/// Once a matrix unit has multiplied it, its numbers are kept as that takes them.
#[derive(Debug)]
pub struct PackedB<T: 'static> {
    pub(super) kept: Kept<T>,
    pub(super) k: usize,
    /// Rows of the panels.
    pub(super) units: usize,
    n: usize,
    /// How many panels there are for all columns.
    pub(super) panels: usize,
    /// How many rows a block has; the last may have fewer.
    pub(super) block: usize,
    pub(super) table: &'static Table<T>,
    /// Whether panels hold pairs of rows, rounded to bfloat16.
    pub(super) rounded: bool,
}

/// Where a panel of a packed matrix lies.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The first of its rows.
    pub first: usize,
    /// Its columns.
    pub columns: std::ops::Range<usize>,
    /// Elements from row to row, at least as many as there are columns.
    pub width: usize,
}

impl<T: Tiled + Default> PackedB<T> {
    /// Packs a `k` x `n` matrix.
    ///
    /// # Panics
    /// When an element lies outside the view.
    pub fn new(k: usize, n: usize, b: View<T>) -> Self {
        PackedB::scaled(k, n, b, &[])
    }

    /// [`PackedB::new`], with each column multiplied by its factor if there are factors.
    ///
    /// # Panics
    /// When an element lies outside the view, or there are not as many factors as columns.
    pub fn scaled(k: usize, n: usize, b: View<T>, factors: &[T]) -> Self {
        let table = T::table(simd::level());
        PackedB::with(table, table.depth(k), [k, n], (b, factors))
    }

    /// Packs a matrix in blocks of so many rows.
    pub(super) fn with(
        table: &'static Table<T>,
        block: usize,
        [k, n]: [usize; 2],
        (b, factors): (View<T>, &[T]),
    ) -> Self {
        b.check(k, n);
        assert!(factors.is_empty() || factors.len() == n, "a factor for each column");
        let width = table.columns;
        let panels = n.div_ceil(width);
        let size = panels * width * k;
        let (mut data, start) = zeros(size);
        let packed = &mut data[start..][..size];
        for (index, rows) in packed.chunks_mut((panels * width * block).max(1)).enumerate() {
            let (first, depth) = (index * block, block.min(k - index * block));
            let size = (depth * width).max(1);
            par::for_rows_mut(rows, size, (par::grain(0.2) / size).max(1), |panel, out| {
                for (panel, out) in (panel..).zip(out.chunks_exact_mut(size)) {
                    let columns = panel * width..n.min((panel + 1) * width);
                    pack_panel(b, first, columns.clone(), width, out);
                    if !factors.is_empty() {
                        scale(out, width, &factors[columns]);
                    }
                }
            });
        }
        let kept = Kept::new(Numbers::new(Arc::new(data), start));
        PackedB { kept, k, units: k, n, panels, block, table, rounded: false }
    }

    /// `N` matrices of one size, whose panels `fill` writes for all of them at a time.
    pub(crate) fn filled<const N: usize>(
        [k, n]: [usize; 2],
        fill: impl Fn(Panel, [&mut [T]; N]) + Sync,
    ) -> Vec<Self> {
        let table = T::table(simd::level());
        let (width, block) = (table.columns, table.depth(k));
        let panels = n.div_ceil(width);
        let size = panels * width * k;
        let (mut data, start) = zeros(size.saturating_mul(N));
        let mut rest: Vec<&mut [T]> = data[start..].chunks_mut(size.max(1)).collect();
        let parts = (0..k.div_ceil(block) * panels).map(|index| {
            let (first, panel) = (index / panels * block, index % panels);
            let size = block.min(k - first) * width;
            let parts: [&mut [T]; N] = std::array::from_fn(|matrix| {
                let (part, after) = std::mem::take(&mut rest[matrix]).split_at_mut(size);
                rest[matrix] = after;
                part
            });
            let columns = panel * width..n.min((panel + 1) * width);
            (Panel { first, columns, width }, parts)
        });
        par::for_items(parts.len(), parts, |(panel, parts)| fill(panel, parts));
        let data = Arc::new(data);
        let matrix = |index| PackedB {
            kept: Kept::always_plain(Numbers::new(Arc::clone(&data), start + index * size)),
            k,
            units: k,
            n,
            panels,
            block,
            table,
            rounded: false,
        };
        (0..N).map(matrix).collect()
    }

    /// Rows.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Columns.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Where the numbers of a panel of the block of rows that starts at row `first` are.
    pub(super) fn panel(&self, first: usize, panel: usize) -> std::ops::Range<usize> {
        let width = self.table.columns;
        let depth = self.block.min(self.units - first);
        let start = (first * self.panels + panel * depth) * width;
        start..start + depth * width
    }
}

/// Memory of so many zeros, and where in it they start: at a cache line.
pub(super) fn zeros<T: Plain>(size: usize) -> (Memory<T>, usize) {
    let data: Memory<T> = Memory::zeros(size + LINE / size_of::<T>());
    let start = data.as_ptr().align_offset(LINE).min(LINE / size_of::<T>());
    (data, start)
}

/// Multiplies each row of a panel by the factors of its columns.
fn scale<T: Tiled>(panel: &mut [T], width: usize, factors: &[T]) {
    for row in panel.chunks_exact_mut(width) {
        row.iter_mut().zip(factors).for_each(|(x, &factor)| *x = *x * factor);
    }
}

/// Copies columns of some rows of `b` from row `first` on; the columns up to `width` keep the zeros they have.
pub fn pack_panel<T: Copy>(
    b: View<T>,
    first: usize,
    columns: std::ops::Range<usize>,
    width: usize,
    out: &mut [T],
) {
    let count = columns.len();
    if b.column_stride == 1 {
        for (p, out) in out.chunks_exact_mut(width).enumerate() {
            let start = (first + p) * b.row_stride + columns.start;
            out[..count].copy_from_slice(&b.data[start..start + count]);
        }
        return;
    }
    transpose(b, first, columns, width, out);
}

/// The general case of [`pack_panel`]: squares while columns are contiguous, else element by element, in blocks so that both sides
/// stay in cache.
fn transpose<T: Copy>(
    b: View<T>,
    first: usize,
    columns: std::ops::Range<usize>,
    width: usize,
    out: &mut [T],
) {
    const BLOCK: usize = 16;
    let depth = out.len() / width;
    let whole = |len: usize| if b.row_stride == 1 { len - len % SQUARE } else { 0 };
    let squares = [whole(depth), whole(columns.len())];
    let at = |p: usize, x: usize| (columns.start + x) * b.column_stride + (first + p) * b.row_stride;
    for p0 in (0..squares[0]).step_by(SQUARE) {
        for x0 in (0..squares[1]).step_by(SQUARE) {
            let from = &b.data[at(p0, x0)..];
            transpose_square((from, b.column_stride), (&mut out[p0 * width + x0..], width));
        }
    }
    for p0 in (0..depth).step_by(BLOCK) {
        for x in 0..columns.len() {
            let begin = if x < squares[1] { squares[0].max(p0) } else { p0 };
            for p in begin..depth.min(p0 + BLOCK) {
                out[p * width + x] = b.data[at(p, x)];
            }
        }
    }
}

/// Side of the squares that are transposed in registers.
const SQUARE: usize = 4;

/// Transposes a square; both sides come with the distance between rows.
#[inline(always)]
fn transpose_square<T: Copy>((src, src_stride): (&[T], usize), (out, out_stride): (&mut [T], usize)) {
    let rows: [[T; SQUARE]; SQUARE] = std::array::from_fn(|x| {
        let row = &src[x * src_stride..][..SQUARE];
        std::array::from_fn(|p| row[p])
    });
    for p in 0..SQUARE {
        let row = &mut out[p * out_stride..][..SQUARE];
        (0..SQUARE).for_each(|x| row[x] = rows[x][p]);
    }
}

/// Where the rows of A come from.
pub trait Lhs<T>: Sync {
    /// Rows `rows`, columns `columns` of A with adjacent columns, and the distance between rows; in `buffer` unless they
    /// already lie so.
    fn block<'a>(
        &'a self,
        rows: std::ops::Range<usize>,
        columns: std::ops::Range<usize>,
        buffer: &'a mut Vec<T>,
    ) -> (&'a [T], usize);
}

impl<T: Copy + Sync> Lhs<T> for View<'_, T> {
    fn block<'a>(
        &'a self,
        rows: std::ops::Range<usize>,
        columns: std::ops::Range<usize>,
        buffer: &'a mut Vec<T>,
    ) -> (&'a [T], usize) {
        if rows.is_empty() || columns.is_empty() {
            return (&[], 0);
        }
        if self.column_stride == 1 {
            let start = rows.start * self.row_stride + columns.start;
            let end = (rows.end - 1) * self.row_stride + columns.end;
            return (&self.data[start..end], self.row_stride);
        }
        let (count, depth) = (rows.len(), columns.len());
        buffer.clear();
        buffer.resize(count * depth, self.data[0]);
        transpose(*self, rows.start, columns, depth, buffer);
        (buffer, depth)
    }
}
