//! From matrices to tiles and tasks.

mod finish;
mod row;

use super::blocks::{self, Line};
use super::epilogue::{Activation, Epilogue};
use super::kept::Numbers;
use super::pack::{Lhs, pack_panel};
use super::tile::{Run, Table, Tile, Tiled};
use super::{Gemm, Rhs};
use crate::par;
use crate::simd::{self, Isa};
use crate::unary::double;
use std::ops::Range;

/// Multiplications that are worth a task.
pub const TASK_MACS: usize = 1 << 20;
/// Below this number, large tasks are split.
const FEW_TASKS: usize = 8;
/// Tasks that a thread should have, if there are so many panels.
const TASKS_OF_THREAD: usize = 3;
/// Rows of A and columns of B in one task.
pub(super) const ROWS: usize = 144;
const COLUMNS: usize = 512;
/// Panels from which it pays to bring far rows of A together, where they share no cache sets.
const DENSE_PANELS: usize = 4;
/// Bytes after which the sets of the first-level cache repeat: rows that lie so far apart push each other out.
const PERIOD: usize = 4096;

/// An element type of [`Gemm`].
pub trait Scalar: Tiled + Default {
    #[doc(hidden)]
    fn from_f32(x: f32) -> Self;
    #[doc(hidden)]
    fn activate<I: Isa>(row: &mut [Self], activation: Activation);
    #[doc(hidden)]
    fn add<I: Isa>(row: &mut [Self], other: &[Self]);
    #[doc(hidden)]
    fn fma<I: Isa>(a: Self, b: Self, c: Self) -> Self;
    /// Rounds adjacent numbers of rows to pairs, for rows of so many numbers and pairs; only where such can be multiplied.
    #[doc(hidden)]
    fn pair_up(rows: &[Self], sizes: [usize; 2], out: &mut [Self]);
}

impl Scalar for f32 {
    #[inline(always)]
    fn from_f32(x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn activate<I: Isa>(row: &mut [f32], activation: Activation) {
        activation.apply(row);
    }
    #[inline(always)]
    fn add<I: Isa>(row: &mut [f32], other: &[f32]) {
        row.iter_mut().zip(other).for_each(|(x, y)| *x += y);
    }
    #[inline(always)]
    fn fma<I: Isa>(a: f32, b: f32, c: f32) -> f32 {
        I::fma(a, b, c)
    }
    fn pair_up(rows: &[f32], sizes: [usize; 2], out: &mut [f32]) {
        super::pairs::pair_up(rows, sizes, out);
    }
}

impl Scalar for f64 {
    #[inline(always)]
    fn from_f32(x: f32) -> f64 {
        f64::from(x)
    }
    #[inline(always)]
    fn activate<I: Isa>(row: &mut [f64], activation: Activation) {
        for x in row {
            *x = double::activation(*x, activation);
        }
    }
    #[inline(always)]
    fn add<I: Isa>(row: &mut [f64], other: &[f64]) {
        row.iter_mut().zip(other).for_each(|(x, y)| *x += y);
    }
    #[inline(always)]
    fn fma<I: Isa>(a: f64, b: f64, c: f64) -> f64 {
        I::fma64(a, b, c)
    }
    fn pair_up(_: &[f64], _: [usize; 2], _: &mut [f64]) {
        unreachable!("matrices in double precision are never rounded");
    }
}

/// C, shared by tasks that write to different parts of it.
#[derive(Clone, Copy)]
struct Out<T> {
    c: *mut T,
    stride: usize,
}

// SAFETY: `run` gives each task its own rows and columns, and none outlives the slice.
unsafe impl<T: Send> Send for Out<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Out<T> {}

/// A product, but for A.
pub(super) struct Product<'a, T: Scalar> {
    gemm: &'a Gemm<'a, T>,
    pub k: usize,
    pub n: usize,
    pub b: Rhs<'a, T>,
    /// The numbers of B, if it is packed and they are not split.
    numbers: Option<Numbers<T>>,
    /// Those that are split for the matrix unit.
    pub lines: Option<Numbers<Line>>,
    /// Rows of B in one block.
    pub block: usize,
    pub table: &'static Table<T>,
    out: Out<T>,
    /// The activation, if it is between these.
    bounds: Option<(f32, f32)>,
}

/// Computes C; the sizes have been checked and none of `m` and `n` is zero. A `View` of B has adjacent columns.
pub fn run<T: Scalar>(gemm: &Gemm<T>, [m, k, n]: [usize; 3], a: &impl Lhs<T>, b: Rhs<T>, c: &mut [T]) {
    let mut product = Product::new(gemm, [k, n], b, c);
    let panels = match b {
        Rhs::Packed(packed) => packed.panels,
        Rhs::View(_) => n.div_ceil(product.table.columns),
    };
    if product.is_for_unit(m, [1, 1]) {
        product.prepare_for_unit(m);
        return blocks::run(&product, m, panels, a);
    }
    product.prepare();
    if m == 1 && k * n < TASK_MACS && product.row(a, panels) {
        return;
    }
    let (rows, columns) = task_size([m, k, panels], product.table);
    let (row_tasks, column_tasks) = (m.div_ceil(rows), panels.div_ceil(columns));
    par::for_each(row_tasks * column_tasks, |task| {
        let rows = par::chunk(task / column_tasks, m, rows);
        product.block(a, rows, par::chunk(task % column_tasks, panels, columns));
    });
}

/// Rows and panels of one task: a block of A and one of B share the second-level cache; smaller ones when tasks would
/// be few and large.
pub(super) fn task_size<T>([m, k, panels]: [usize; 3], table: &Table<T>) -> (usize, usize) {
    let (height, most) = (table.rows, COLUMNS / table.columns);
    let (mut rows, mut columns) = (ROWS.next_multiple_of(height), most.min(panels));
    loop {
        let tasks = m.div_ceil(rows) * panels.div_ceil(columns);
        let macs = rows.min(m) * columns * 32 * k;
        if tasks >= FEW_TASKS || macs < 2 * TASK_MACS {
            break;
        }
        if columns > 2 {
            columns = columns.div_ceil(2);
        } else if rows > 8 * height {
            rows = (rows / 2).next_multiple_of(height);
        } else {
            break;
        }
    }
    // Fewer tasks read A less often. Rows stay as they are, whatever the threads: how they fall into tiles is how they are summed.
    let wanted = match par::threads() {
        1 => 1,
        threads => (TASKS_OF_THREAD * threads).div_ceil(m.div_ceil(rows)),
    };
    let columns = columns.max((panels / wanted).min(most));
    (rows, panels.div_ceil(panels.div_ceil(columns)))
}

impl<'a, T: Scalar> Product<'a, T> {
    /// The product that `gemm` makes of B (`k` x `n`) and some A; the sizes have been checked.
    pub fn new(gemm: &'a Gemm<'a, T>, [k, n]: [usize; 2], b: Rhs<'a, T>, c: &mut [T]) -> Self {
        let table = match b {
            Rhs::Packed(packed) => packed.table,
            Rhs::View(_) => T::table(simd::level()),
        };
        let out = Out { c: c.as_mut_ptr(), stride: gemm.c_stride.unwrap_or(n) };
        let bounds = gemm.epilogue.activation.bounds();
        let block = match b {
            Rhs::Packed(packed) => packed.block,
            Rhs::View(_) => table.depth(k),
        };
        Product { gemm, k, n, b, numbers: None, lines: None, block, table, out, bounds }
    }

    /// Whether the processor's matrix unit computes the product with `m` rows of A, each number of which is in so many of them, and takes
    /// so many times as long as that of a matrix to be made ready.
    pub fn is_for_unit(&self, m: usize, times: [usize; 2]) -> bool {
        match self.b {
            Rhs::Packed(packed) if packed.rounded => self.k > 0 && blocks::takes_rounded::<T>(m),
            Rhs::Packed(_) => blocks::gains::<T>([m, self.k, self.n], times),
            Rhs::View(_) => false,
        }
    }

    /// Gets the numbers of B as they are.
    pub fn prepare(&mut self) {
        if let Rhs::Packed(packed) = self.b {
            self.numbers = Some(packed.kept.plain(|split| packed.join(split)));
        }
    }

    /// Gets the numbers of B for the matrix unit, which multiplies them with so many rows.
    pub fn prepare_for_unit(&mut self, rows: usize) {
        if let Rhs::Packed(packed) = self.b {
            if packed.rounded {
                return self.prepare();
            }
            match packed.kept.for_unit(blocks::is_worth_keeping(rows), |plain| packed.split(plain)) {
                Ok(lines) => self.lines = Some(lines),
                Err(plain) => self.numbers = Some(plain),
            }
        }
    }

    /// Some numbers of a packed B.
    pub fn numbers_of_b(&self, range: Range<usize>) -> &[T] {
        match &self.numbers {
            Some(numbers) => numbers.get(range),
            None => unreachable!("numbers are there before the product begins"),
        }
    }

    /// Computes some rows of some panels.
    pub fn block(&self, a: &impl Lhs<T>, rows: Range<usize>, panels: Range<usize>) {
        let (mut a_buffer, mut b_buffer, mut dense) = (Vec::new(), Vec::new(), Vec::new());
        let mut first = 0;
        loop {
            let depth = self.block.min(self.k - first);
            let (a, a_stride) = a.block(rows.clone(), first..first + depth, &mut a_buffer);
            let runs = Runs::one(depth);
            let needed = (rows.len() - 1).saturating_mul(a_stride).saturating_add(depth);
            assert!(a.len() >= needed, "rows of A cut short");
            let few = if (a_stride * size_of::<T>()).is_multiple_of(PERIOD) { 3 } else { DENSE_PANELS };
            let (a, a_stride) = if a_stride > depth && panels.len() >= few {
                dense.clear();
                a.chunks(a_stride).for_each(|row| dense.extend_from_slice(&row[..depth]));
                (&dense[..], depth)
            } else {
                (a, a_stride)
            };
            for panel in panels.clone() {
                let start = panel * self.table.columns;
                let columns = start..self.n.min(start + self.table.columns);
                let (b, b_stride) = self.panel(first..first + depth, columns.clone(), &mut b_buffer);
                // Strips of almost the same height, so that the last is not a waste.
                let strips = rows.len().div_ceil(self.table.rows);
                let height = rows.len().div_ceil(strips);
                // Each brings a part of the next panel closer, which lies behind this one.
                let share = if b_stride == self.table.columns { b_stride.div_ceil(strips) } else { 0 };
                let mut column = self.column(columns, (b, b_stride), (first, depth));
                column.finishes &= !self.finishes_at_once();
                for (index, row) in rows.clone().step_by(height).enumerate() {
                    let ahead = b.as_ptr().wrapping_add(b.len() + index * share * depth);
                    let strip = Strip {
                        rows: Rows { first: row, count: height.min(rows.end - row), step: 1 },
                        a: a.get((row - rows.start) * a_stride..).unwrap_or_default(),
                        a_stride,
                        runs: &runs,
                        ahead: (ahead, share),
                    };
                    self.strip(&mut column, &strip);
                }
            }
            first += depth;
            if first >= self.k {
                break;
            }
        }
        if self.finishes_at_once() {
            self.finish_panels(rows, &panels);
        }
    }

    /// A panel of some rows of B, at least as wide as the widest tile, and the distance between its rows.
    fn panel<'b>(
        &'b self,
        rows: Range<usize>,
        columns: Range<usize>,
        buffer: &'b mut Vec<T>,
    ) -> (&'b [T], usize) {
        let width = self.table.columns;
        match self.b {
            Rhs::Packed(packed) => {
                (self.numbers_of_b(packed.panel(rows.start, columns.start / width)), width)
            }
            Rhs::View(view) if columns.len() == width && !rows.is_empty() => {
                let start = rows.start * view.row_stride + columns.start;
                let end = (rows.end - 1) * view.row_stride + columns.end;
                (&view.data[start..end], view.row_stride)
            }
            Rhs::View(view) => {
                buffer.clear();
                buffer.resize(rows.len() * width, T::default());
                pack_panel(view, rows.start, columns, width, buffer);
                (buffer, width)
            }
        }
    }

    /// A panel of the block of rows of a packed B that starts at row `first`.
    pub fn packed_panel(&self, first: usize, panel: usize) -> &[T] {
        match self.b {
            Rhs::Packed(packed) => self.numbers_of_b(packed.panel(first, panel)),
            Rhs::View(_) => unreachable!("windows are multiplied with packed matrices"),
        }
    }

    /// What the tiles of some columns have in common, for one block of k: where it starts, and its length.
    pub fn column<'b>(
        &self,
        columns: Range<usize>,
        (b, b_stride): (&'b [T], usize),
        (first, depth): (usize, usize),
    ) -> Column<'b, T> {
        let width = columns.len();
        let half = usize::from(width * 2 <= self.table.columns);
        let full = self.table.columns >> half;
        assert!((1..=full).contains(&width), "tiles are as wide as their registers");
        let Epilogue { bias, .. } = self.gemm.epilogue;
        let is_last = first + depth == self.k;
        let bounds = if is_last { self.bounds } else { None };
        let (lo, hi) = bounds.unwrap_or((f32::NEG_INFINITY, f32::INFINITY));
        let accumulate = self.gemm.epilogue.accumulate || first > 0;
        let tile = Tile {
            runs: (std::ptr::null(), 0),
            a: std::ptr::null(),
            a_stride: 0,
            b: b.as_ptr(),
            b_stride,
            ahead: (std::ptr::null(), 0),
            c: std::ptr::null_mut(),
            c_stride: 0,
            columns: width,
            accumulate,
            bias: if bias.is_empty() || first > 0 {
                std::ptr::null()
            } else {
                bias[columns.clone()].as_ptr()
            },
            residual: std::ptr::null(),
            lo: T::from_f32(lo),
            hi: T::from_f32(hi),
        };
        Column { tile, columns, b, half, full, adds: bounds.is_some(), finishes: is_last && bounds.is_none() }
    }

    /// Computes one tile for one block of k.
    // As a call, it would wait for each strip to arrive in memory.
    #[inline(always)]
    pub fn strip(&self, column: &mut Column<'_, T>, strip: &Strip<T>) {
        let Strip { rows, runs, .. } = strip;
        if !runs.list.is_empty() {
            let [a_end, b_end] = runs.ends;
            assert!(strip.a.len() >= (rows.count - 1) * strip.a_stride + a_end, "rows of A cut short");
            let needed = (b_end - 1) * column.tile.b_stride + column.full;
            assert!(column.b.len() >= needed, "rows of B cut short");
        }
        let half = column.half;
        let tile = self.place(column, rows, strip.ahead);
        tile.runs = (runs.list.as_ptr(), runs.list.len());
        (tile.a, tile.a_stride) = (strip.a.as_ptr(), strip.a_stride);
        // SAFETY: the table belongs to a level this processor has; A and B were bounded above, and the tile of C was placed.
        unsafe { (self.table.kernels[rows.count - 1][half])(tile) };
        self.finish_strip(rows, column);
    }

    /// The tile of a column that some rows of C are. The bias was bounded when the column was made, the residual is as long as C by
    /// `check`, and C is written to in this task's rows and columns alone.
    #[inline(always)]
    pub fn place<'c>(
        &self,
        column: &'c mut Column<'_, T>,
        rows: &Rows,
        ahead: (*const T, usize),
    ) -> &'c mut Tile<T> {
        let start = rows.first * self.out.stride + column.columns.start;
        let Epilogue { residual, .. } = self.gemm.epilogue;
        let tile = &mut column.tile;
        tile.ahead = ahead;
        // SAFETY: `check` has seen that C holds `rows` x `columns`, so this is its first element of the tile.
        tile.c = unsafe { self.out.c.add(start) };
        tile.c_stride = rows.step * self.out.stride;
        if column.adds && !residual.is_empty() {
            tile.residual = residual[start..].as_ptr();
        }
        tile
    }
}

/// Rows of C.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    pub first: usize,
    pub count: usize,
    /// The distance between them.
    pub step: usize,
}

/// Runs of rows of A, and how far they reach.
#[derive(Default)]
pub(super) struct Runs {
    list: Vec<Run>,
    /// Where the last of them ends in A, and in the rows of B.
    ends: [usize; 2],
}

impl Runs {
    /// One from the start.
    pub fn one(len: usize) -> Runs {
        let mut runs = Runs::default();
        runs.push(Run { a: 0, b: 0, len });
        runs
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.list.clear();
        self.ends = [0; 2];
    }

    /// All of them.
    pub fn list(&self) -> &[Run] {
        &self.list
    }

    /// Adds one, unless it is empty.
    pub fn push(&mut self, run: Run) {
        if run.len > 0 {
            self.ends = [self.ends[0].max(run.a + run.len), self.ends[1].max(run.b + run.len)];
            self.list.push(run);
        }
    }
}

/// Some columns of one block of k.
#[derive(Clone)]
pub(super) struct Column<'b, T> {
    /// What tiles have in common, and what the last one had for itself.
    tile: Tile<T>,
    columns: Range<usize>,
    b: &'b [T],
    /// Whether tiles are half as wide as the widest.
    half: usize,
    /// The width of tiles.
    full: usize,
    /// Whether tiles add the residual.
    adds: bool,
    /// Whether residual and activation follow tiles.
    pub finishes: bool,
}

impl<T> Column<'_, T> {
    /// The tile that was placed last.
    pub fn tile(&self) -> &Tile<T> {
        &self.tile
    }
}

/// The rows of one tile, for one block of k.
pub(super) struct Strip<'a, T> {
    pub rows: Rows,
    pub a: &'a [T],
    pub a_stride: usize,
    /// See [`Tile::runs`].
    pub runs: &'a Runs,
    /// See [`Tile::ahead`].
    pub ahead: (*const T, usize),
}
