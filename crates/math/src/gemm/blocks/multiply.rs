//! Rows that are made ready times panels of B.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::Rhs;
use super::super::driver::{Column, Product, Rows, Runs, Scalar, Strip};
use super::ready::RowTile;
use super::{Line, Operands, PARTS, Ready, SIDE, STEP, STRIP, Source, Sums, TASKS_OF_THREAD, Unit, Written};
use crate::par;
use crate::shared_loop::Shares;

/// Bytes of rows that are made ready at a time, which leave room for B in the second-level cache.
const READY: usize = 3 << 17;
/// Panels for each thread from which each makes all rows ready, rather than reads all panels for some of the rows.
const MANY_PANELS: usize = 4;
/// Bytes of panels up to which threads divide the rows all the same: what follows is often divided by rows, too.
const FEW_BYTES: usize = 1 << 20;
/// Bytes of B that are read again for each strip of rows, from the second-level cache.
const CACHED: usize = 1 << 18;

thread_local! {
    /// Rows of A and tiles of B, kept from one product to the next.
    static LINES: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static TILES: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// The tiles of a thread, for as long as this lives.
pub(super) struct Entered(unsafe fn());

impl Entered {
    pub fn new<T>(unit: &Unit<T>) -> Entered {
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

/// Where sums go that are yet to be written.
struct Pending<T: 'static> {
    column: Column<'static, T>,
    rows: Rows,
    counts: [usize; 2],
}

/// What a thread multiplies with.
struct Worker<T: Scalar> {
    unit: &'static Unit<T>,
    /// Tiles of B.
    tiles: Vec<Line>,
    /// Those of the last product, which `pending` says where to write, and room for those of the next.
    sums: [Sums<T>; 2],
    last: usize,
    pending: Option<Pending<T>>,
}

/// A panel in tiles.
struct PanelOfTiles {
    tiles: *const Line,
    /// See [`Operands::b_lines`].
    lines: [usize; 3],
    /// Whether the tiles add up to the numbers.
    is_whole: bool,
    /// Where the next panel starts, if this one lies before it, and how many bytes it has.
    behind: (*const u8, usize),
}

/// Blocks of k that are multiplied at a time.
struct Blocks {
    rows_of_b: Range<usize>,
    /// The steps of A that they have.
    steps: Range<usize>,
}

/// How tasks divide rows that are ready, strip by strip, and panels.
struct Tasks {
    strips: usize,
    panels: usize,
    strips_of_task: usize,
    panels_of_task: usize,
}

impl Tasks {
    /// So many tasks, if there are enough strips and panels: tasks divide the panels, and the strips only where these are too few.
    fn new(wanted: usize, strips: usize, panels: usize) -> Tasks {
        let panels_of_task = panels.div_ceil(wanted.min(panels));
        let columns = panels.div_ceil(panels_of_task);
        let strips_of_task = strips.div_ceil((wanted / columns).clamp(1, strips));
        Tasks { strips, panels, strips_of_task, panels_of_task }
    }

    fn count(&self) -> usize {
        self.columns() * self.strips.div_ceil(self.strips_of_task)
    }

    fn columns(&self) -> usize {
        self.panels.div_ceil(self.panels_of_task)
    }

    /// The strips and panels of a task.
    fn get(&self, task: usize) -> [Range<usize>; 2] {
        [
            par::chunk(task / self.columns(), self.strips, self.strips_of_task),
            par::chunk(task % self.columns(), self.panels, self.panels_of_task),
        ]
    }
}

impl<T: Scalar> Product<'_, T> {
    /// Computes some rows of all panels, with all threads.
    pub fn blocks(&self, source: &impl Source<T>, rows: Range<usize>, panels: usize) {
        let threads = par::threads();
        let wanted = if threads == 1 { 1 } else { TASKS_OF_THREAD * threads };
        if let Some(strips) = source.strips() {
            let tasks = Tasks::new(wanted, strips, panels);
            if self.threads(source, &rows, &tasks, None) {
                return;
            }
        }
        let strips = rows.len().div_ceil(STRIP);
        let step = rows.len().next_multiple_of(SIDE) * self.parts()[0] * size_of::<Line>();
        let most = (READY / step * STEP / self.parts()[1] / self.most()).max(1) * self.most();
        let blocks = (0..self.k).step_by(most).map(|first| first..self.k.min(first + most));
        let bytes_of_b = self.k * self.n * self.parts()[0] * size_of::<u16>();
        let by_rows = panels < MANY_PANELS * threads || bytes_of_b <= FEW_BYTES;
        if wanted > 1 && strips >= wanted && by_rows {
            return par::for_chunks(strips, strips.div_ceil(wanted), |strips| {
                let part = strips.start * STRIP..rows.len().min(strips.end * STRIP);
                let mut lines = LINES.take();
                for rows_of_b in blocks.clone() {
                    let ready = self.ready(source, (part.clone(), rows_of_b), &mut lines);
                    self.task(source, &ready, &rows, [0..strips.len(), 0..panels]);
                }
                LINES.set(lines);
            });
        }
        let tasks = Tasks::new(wanted, strips, panels);
        for rows_of_b in blocks {
            self.threads(source, &rows, &tasks, Some(rows_of_b));
        }
    }

    /// Multiplies rows with all panels, for some rows of B, or all in the way of the source. Each thread makes all rows ready for itself:
    /// they would not come sooner from another. `false`, and nothing is multiplied, if they can't be.
    fn threads(
        &self,
        source: &impl Source<T>,
        rows: &Range<usize>,
        tasks: &Tasks,
        rows_of_b: Option<Range<usize>>,
    ) -> bool {
        let threads = par::threads().min(tasks.count());
        let (shares, is_ready) = (Shares::new(threads, tasks.count()), AtomicBool::new(true));
        par::for_each(threads, |thread| {
            if !shares.are_left() {
                return;
            }
            let mut lines = LINES.take();
            let ready = match rows_of_b.clone() {
                Some(rows_of_b) => Some(self.ready(source, (0..rows.len(), rows_of_b), &mut lines)),
                None => source.ready(self, &mut lines),
            };
            match ready {
                None => is_ready.store(false, Ordering::Relaxed),
                Some(ready) => {
                    shares.work(thread, |task| self.task(source, &ready, rows, tasks.get(task)));
                }
            }
            LINES.set(lines);
        });
        is_ready.into_inner()
    }

    /// Rows of B that are multiplied at a time.
    fn most(&self) -> usize {
        match self.b {
            Rhs::Packed(packed) => packed.most(),
            Rhs::View(_) => self.block,
        }
    }

    fn is_rounded(&self) -> bool {
        matches!(self.b, Rhs::Packed(packed) if packed.rounded)
    }

    /// Parts of a number, and numbers for each row of a panel of B.
    pub fn parts(&self) -> [usize; 2] {
        if self.is_rounded() { [1, 2] } else { [PARTS, 1] }
    }

    /// The blocks of some rows of B.
    pub(super) fn blocks_of(&self, rows: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<T> {
        let (block, end) = (self.block, rows.end);
        rows.clone().step_by(block).map(move |first| first..end.min(first + block))
    }

    /// The columns of A that some rows of panels belong to.
    pub(super) fn numbers(&self, rows: &Range<usize>) -> Range<usize> {
        match self.b {
            Rhs::Packed(packed) if packed.rounded => {
                let end = (2 * rows.end).min(packed.k());
                (2 * rows.start).min(end)..end
            }
            _ => rows.clone(),
        }
    }

    /// Multiplies some strips with some panels.
    fn task(
        &self,
        source: &impl Source<T>,
        ready: &Ready<'_, T>,
        rows: &Range<usize>,
        [strips, panels]: [Range<usize>; 2],
    ) {
        let Some(unit) = T::unit() else { unreachable!("callers have seen the unit") };
        ready.check(self.parts()[0]);
        let _entered = Entered::new(unit);
        let sums = [Sums([[[T::default(); SIDE]; SIDE]; 4]); 2];
        let mut worker = Worker { unit, tiles: TILES.take(), sums, last: 0, pending: None };
        let most = self.most();
        let mut step = 0;
        for first in ready.rows_of_b.clone().step_by(most) {
            let rows_of_b = first..ready.rows_of_b.end.min(first + most);
            let steps: usize =
                self.blocks_of(&rows_of_b).map(|block| self.numbers(&block).len().div_ceil(STEP)).sum();
            let blocks = Blocks { rows_of_b, steps: step..step + steps };
            step += steps;
            // Rows of C are written as a whole if B can be read again for each strip.
            let bytes = blocks.rows_of_b.len() * panels.len() * self.table.columns * size_of::<T>();
            let most = if self.is_rounded() && bytes <= CACHED { 1 } else { strips.len() };
            for first in strips.clone().step_by(most.max(1)) {
                let strips = first..strips.end.min(first + most);
                for panel in panels.clone() {
                    self.panel_of_blocks(source, (rows, panel, &strips), (ready, &blocks), &mut worker);
                }
            }
        }
        self.write(&mut worker);
        TILES.set(worker.tiles);
    }

    /// Writes the sums that are pending.
    fn write(&self, worker: &mut Worker<T>) {
        let Some(pending) = worker.pending.take() else { return };
        let written =
            Written { sums: &worker.sums[worker.last], tile: pending.column.tile(), rows: pending.counts };
        // SAFETY: the unit is there, and the tile of C was placed.
        unsafe { (worker.unit.write)(written) };
        self.finish_strip(&pending.rows, &pending.column);
    }

    /// Multiplies some strips with a panel, for some blocks of k.
    fn panel_of_blocks(
        &self,
        source: &impl Source<T>,
        (rows, panel, strips): (&Range<usize>, usize, &Range<usize>),
        (ready, blocks): (&Ready<'_, T>, &Blocks),
        worker: &mut Worker<T>,
    ) {
        let (width, steps, depth) = (self.table.columns, blocks.steps.len(), blocks.rows_of_b.len());
        assert_eq!(width, 2 * SIDE, "panels are two tiles wide");
        assert!(blocks.steps.end <= ready.steps.len(), "rows are ready for these blocks");
        let columns = panel * width..self.n.min((panel + 1) * width);
        let has_second = columns.len() > SIDE;
        let column = self.column(columns, (&[], width), (blocks.rows_of_b.start, depth));
        let b = self.panel_of_tiles(worker, panel, blocks);
        // Each strip brings a part of the next panel closer, which lies behind this one.
        let (behind, bytes) = b.behind;
        let share = match strips.len() {
            1 => 0,
            strips => bytes.div_ceil(strips * steps).next_multiple_of(size_of::<Line>()),
        };
        let mut joined = Vec::new();
        for strip in strips.clone() {
            let mut tiles = ready.tiles[2 * strip..].iter().copied();
            let empty = RowTile { at: 0, first: 0, count: 0 };
            let [upper, lower] = [tiles.next().unwrap_or(empty), tiles.next().unwrap_or(empty)];
            let (first, count) = (upper.first, upper.count + lower.count);
            if !b.is_whole || ready.plain[strip].load(Ordering::Relaxed) {
                self.write(worker);
                let numbers = ready.numbers(source, rows.len());
                let strip = first..first + count;
                self.plain_strip((rows, strip), (ready, numbers), (blocks, panel), &mut joined);
                continue;
            }
            let ahead = behind.wrapping_add((strip - strips.start) * steps * share);
            let operands = Operands {
                is_split: !self.is_rounded(),
                a: ready.lines.as_ptr().cast(),
                a_tiles: [upper.at, lower.at],
                a_steps: ready.steps[blocks.steps.clone()].as_ptr(),
                a_between: ready.between,
                // Rows that come again soon, for the next windows or panels.
                is_shared: ready.between != [STEP, SIDE * STEP] || strips.len() == 1,
                b: b.tiles,
                b_lines: b.lines,
                steps,
                has_second: [lower.count > 0, has_second],
                ahead: (ahead, share),
            };
            let rows = Rows { first: rows.start + first, count, step: 1 };
            self.product_of_tiles(&operands, (rows, [upper.count, lower.count]), column.clone(), worker);
        }
    }

    /// Multiplies tiles, and writes the sums of those before.
    fn product_of_tiles(
        &self,
        operands: &Operands,
        (rows, counts): (Rows, [usize; 2]),
        mut column: Column<'static, T>,
        worker: &mut Worker<T>,
    ) {
        let [first, second] = &mut worker.sums;
        let (last, next) = if worker.last == 0 { (first, second) } else { (second, first) };
        let pending = worker.pending.as_ref();
        let written =
            pending.map(|last_of| Written { sums: last, tile: last_of.column.tile(), rows: last_of.counts });
        // SAFETY: the thread has entered; tiles of A were checked, those of B bounded by callers, and the tile of C was placed.
        unsafe { (worker.unit.multiply)(operands, next, written) };
        if let Some(pending) = pending {
            self.finish_strip(&pending.rows, &pending.column);
        }
        worker.last = 1 - worker.last;
        self.place(&mut column, &rows, (std::ptr::null(), 0));
        worker.pending = Some(Pending { column, rows, counts });
    }

    /// The tiles of a panel, for some blocks of k.
    fn panel_of_tiles(&self, worker: &mut Worker<T>, panel: usize, blocks: &Blocks) -> PanelOfTiles {
        let (rows, steps) = (&blocks.rows_of_b, blocks.steps.len());
        let lines = [1, 2 * PARTS * SIDE, PARTS * SIDE];
        if let (Some(split), Rhs::Packed(packed)) = (&self.lines, self.b) {
            let panel = split.get(packed.lines_of_panel(rows.clone(), panel));
            assert_eq!(panel.len(), steps * lines[1], "a panel has other tiles than its rows");
            let behind = (panel.as_ptr_range().end.cast(), size_of_val(panel));
            return PanelOfTiles { tiles: panel.as_ptr(), lines, is_whole: true, behind };
        }
        let b = self.packed_panel(rows.start, panel);
        let behind = (b.as_ptr_range().end.cast(), size_of_val(b));
        if self.is_rounded() {
            let is_there = rows.len() == steps * SIDE && b.len() >= rows.len() * 2 * SIDE;
            assert!(is_there, "a rounded panel is cut short");
            return PanelOfTiles {
                tiles: b.as_ptr().cast(),
                lines: [2, 2 * SIDE, 1],
                is_whole: true,
                behind,
            };
        }
        let tiles = &mut worker.tiles;
        tiles.resize((lines[1] * steps).max(tiles.len()), Line::ZERO);
        let (mut is_whole, mut first) = (true, 0);
        for block in self.blocks_of(rows) {
            let b = self.packed_panel(block.start, panel);
            // SAFETY: the unit is there.
            is_whole &= unsafe { (worker.unit.split_panel)(b, block.len(), &mut tiles[first..]) };
            first += block.len().div_ceil(STEP) * lines[1];
        }
        PanelOfTiles { tiles: tiles.as_ptr(), lines, is_whole, behind }
    }

    /// Multiplies a strip by the microkernels; `joined` is what a panel that is kept split was put together to for a strip before.
    fn plain_strip(
        &self,
        (rows, strip): (&Range<usize>, Range<usize>),
        (ready, numbers): (&Ready<'_, T>, &[T]),
        (blocks, panel): (&Blocks, usize),
        joined: &mut Vec<T>,
    ) {
        let (all, width) = (&ready.rows_of_b, self.table.columns);
        let first_of_b = blocks.rows_of_b.start;
        let place =
            |block: &Range<usize>| (block.start - first_of_b) * width..(block.end - first_of_b) * width;
        if let (Some(split), Rhs::Packed(packed), true) = (&self.lines, self.b, joined.is_empty()) {
            joined.resize(blocks.rows_of_b.len() * width, T::default());
            for block in self.blocks_of(&blocks.rows_of_b) {
                packed.join_panel(split, (block.start, panel), &mut joined[place(&block)]);
            }
        }
        for block in self.blocks_of(&blocks.rows_of_b) {
            let b = match joined.get(place(&block)) {
                Some(joined) => joined,
                None => self.packed_panel(block.start, panel),
            };
            let columns = panel * width..self.n.min((panel + 1) * width);
            let mut column = self.column(columns, (b, width), (block.start, block.len()));
            let runs = Runs::one(block.len());
            for first in strip.clone().step_by(self.table.rows) {
                let count = self.table.rows.min(strip.end - first);
                let rows = Rows { first: rows.start + first, count, step: 1 };
                let ahead = (std::ptr::null(), 0);
                let a = &numbers[first * all.len() + block.start - all.start..];
                self.strip(&mut column, &Strip { rows, a, a_stride: all.len(), runs: &runs, ahead });
            }
        }
    }
}
