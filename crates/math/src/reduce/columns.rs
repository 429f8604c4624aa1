//! The loops of reductions over columns: tile by tile, four rows at a time.

use super::element::{Element, Fold};
use super::fold::{NS, Value, join};
use crate::par;
use crate::simd::{self, Isa, Kernel};
use std::marker::PhantomData;

/// Columns whose accumulators stay in the first-level cache.
const TILE: usize = 512;
/// Rows folded into a tile before it joins the result.
const TILE_ROWS: usize = 128;
/// Narrow rows are taken together as one row of at most this width.
const TOGETHER: usize = 128;
/// Slabs of at most this many elements are folded one column after the other.
const TINY: usize = 64;

/// Reduces each slab of `middle` rows of `inner` columns to one row of `dst`.
pub fn columns<F: Fold<W>, T: Element<W>, W: Value, G: Fn(W) -> T + Copy + Sync>(
    src: &[T],
    [middle, inner]: [usize; 2],
    dst: &mut [T],
    finish: G,
) {
    let (grain, slab) = (par::grain(NS), middle * inner);
    if slab < 2 * grain {
        return par::for_rows_mut(dst, inner, grain.div_ceil(slab), |first, dst| {
            let mut tile = Tile::<F, W>::new::<T>();
            for (dst, slab) in dst.chunks_exact_mut(inner).zip(src[first * slab..].chunks_exact(slab)) {
                tile.fold_slab(slab, dst, finish);
            }
        });
    }
    for (dst, slab) in dst.chunks_exact_mut(inner).zip(src.chunks_exact(slab)) {
        if inner >= 8 * TILE {
            let width = (grain / middle / TILE).max(1) * TILE;
            par::for_chunks_mut(dst, width, |column, dst| {
                let mut tile = Tile::<F, W>::new::<T>();
                for (index, dst) in dst.chunks_mut(TILE).enumerate() {
                    store(tile.fold(slab, inner, column + index * TILE, dst.len()), dst, finish);
                }
            });
            continue;
        }
        let parts = par::map_chunks(middle, grain.div_ceil(inner), |rows| {
            let mut part = vec![T::FILL; inner];
            let slab = &slab[rows.start * inner..rows.end * inner];
            Tile::<F, W>::new::<T>().fold_rows(slab, inner, &mut part);
            part
        });
        for (column, dst) in dst.iter_mut().enumerate() {
            let values: Vec<W> = parts.iter().map(|part| part[column]).collect();
            *dst = finish(join::<F, W>(&values));
        }
    }
}

fn store<T, W: Value>(wide: &[W], dst: &mut [T], finish: impl Fn(W) -> T) {
    for (dst, &wide) in dst.iter_mut().zip(wide) {
        *dst = finish(wide);
    }
}

/// The accumulators of a tile.
struct Tile<F, W> {
    total: [W; TILE],
    part: [W; TILE],
    /// Four converted rows, empty when nothing needs converting.
    rows: Vec<W>,
    fold: PhantomData<F>,
}

impl<F: Fold<W>, W: Value> Tile<F, W> {
    fn new<T: Element<W>>() -> Self {
        let rows = if T::CONVERTS { vec![T::FILL; 4 * TILE] } else { Vec::new() };
        Tile { total: [T::FILL; TILE], part: [T::FILL; TILE], rows, fold: PhantomData }
    }

    /// Folds the rows of a slab into one.
    fn fold_slab<T: Element<W>>(&mut self, slab: &[T], dst: &mut [T], finish: impl Fn(W) -> T + Copy) {
        let inner = dst.len();
        if slab.len() <= TINY {
            let wide = T::load(slab, &mut self.rows);
            for (column, dst) in dst.iter_mut().enumerate() {
                let values = wide[column..].iter().step_by(inner);
                *dst = finish(values.fold(F::IDENTITY, |a, &b| F::fold(a, b)));
            }
        } else if inner <= TILE {
            let mut wide = [T::FILL; TILE];
            self.fold_rows(slab, inner, &mut wide[..inner]);
            store(&wide[..inner], dst, finish);
        } else {
            for (index, dst) in dst.chunks_mut(TILE).enumerate() {
                store(self.fold(slab, inner, index * TILE, dst.len()), dst, finish);
            }
        }
    }

    /// Folds the rows of a slab into one row of accumulators; narrow rows are taken together as wide ones.
    fn fold_rows<T: Element<W>>(&mut self, slab: &[T], inner: usize, wide: &mut [W]) {
        let together = (TOGETHER / inner).max(1);
        let width = inner * together;
        if together == 1 || slab.len() < 4 * width {
            for (index, wide) in wide.chunks_mut(TILE).enumerate() {
                wide.copy_from_slice(self.fold(slab, inner, index * TILE, wide.len()));
            }
            return;
        }
        let (body, rest) = slab.split_at(slab.len() / width * width);
        let total = self.fold(body, width, 0, width);
        for (column, wide) in wide.iter_mut().enumerate() {
            let mut parts = [F::IDENTITY; TOGETHER];
            for (part, row) in parts.iter_mut().zip(0..together) {
                *part = total[row * inner + column];
            }
            *wide = join::<F, W>(&parts[..together]);
        }
        if !rest.is_empty() {
            for (wide, &rest) in wide.iter_mut().zip(self.fold(rest, inner, 0, inner)) {
                *wide = F::fold(*wide, rest);
            }
        }
    }

    /// Folds `len` columns from `column` on over all rows of a slab.
    fn fold<T: Element<W>>(&mut self, slab: &[T], inner: usize, column: usize, len: usize) -> &[W] {
        self.total[..len].fill(F::IDENTITY);
        for rows in slab.chunks(inner * TILE_ROWS) {
            self.part[..len].fill(F::IDENTITY);
            for rows in rows.chunks(inner * 4) {
                self.fold_four(rows, inner, column, len);
            }
            simd::dispatch_narrow(One::<F, W>(&mut self.total[..len], &self.part[..len], PhantomData));
        }
        &self.total[..len]
    }

    /// Folds up to four rows into the partial result.
    fn fold_four<T: Element<W>>(&mut self, rows: &[T], inner: usize, column: usize, len: usize) {
        let part = &mut self.part[..len];
        if rows.len() < 4 * inner {
            for row in rows.chunks_exact(inner) {
                let row = T::load(&row[column..][..len], &mut self.rows);
                simd::dispatch_narrow(One::<F, W>(part, row, PhantomData));
            }
            return;
        }
        let mut buffers = self.rows.chunks_mut(TILE);
        let four = [0, 1, 2, 3].map(|row| {
            let buffer = buffers.next().unwrap_or_default();
            T::load(&rows[row * inner + column..][..len], buffer)
        });
        simd::dispatch_narrow(Four::<F, W>(part, four, PhantomData));
    }
}

struct One<'a, F, W>(&'a mut [W], &'a [W], PhantomData<F>);

impl<F: Fold<W>, W: Copy> Kernel for One<'_, F, W> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (total, &x) in self.0.iter_mut().zip(self.1) {
            *total = F::fold(*total, x);
        }
    }
}

struct Four<'a, F, W>(&'a mut [W], [&'a [W]; 4], PhantomData<F>);

impl<F: Fold<W>, W: Copy> Kernel for Four<'_, F, W> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let len = self.0.len();
        let [a, b, c, d] = self.1.map(|row| &row[..len]);
        for (i, total) in self.0.iter_mut().enumerate() {
            *total = F::fold(*total, F::fold(F::fold(a[i], b[i]), F::fold(c[i], d[i])));
        }
    }
}
