//! Parallel loops in fixed chunks, on rayon's current pool.
//!
//! Chunk boundaries depend on the length and the grain alone, so what a loop computes never depends on the number of
//! threads. Work of one chunk, or in a pool of one thread, runs inline, chunk by chunk, without touching the pool.
//! Tasks inherit the caller's denormal mode (see [`crate::denormal`]).

use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::denormal;
use crate::shared_loop::{self, Team};

/// Time one task should take, in nanoseconds: long against the cost of waking another thread for it.
const TASK_NS: f64 = 20_000.0;

/// Items per chunk when one item takes about `ns` nanoseconds; a multiple of 64 when it is at least that.
///
/// ```
/// assert_eq!(savedmodel_math::par::grain(1.0) % 64, 0);
/// assert_eq!(savedmodel_math::par::grain(1e9), 1);
/// ```
pub fn grain(ns: f64) -> usize {
    let items = (TASK_NS / ns.max(1e-3)) as usize;
    if items >= 64 { items / 64 * 64 } else { items.max(1) }
}

/// Number of chunks of at most `grain` items in `len` items.
pub fn chunk_count(len: usize, grain: usize) -> usize {
    len.div_ceil(grain.max(1))
}

/// The items of chunk `index`.
pub fn chunk(index: usize, len: usize, grain: usize) -> Range<usize> {
    let start = index * grain.max(1);
    start..len.min(start.saturating_add(grain.max(1)))
}

/// Threads that large loops are split over.
///
/// The caller's is one of them: it works while it waits, and a pool of one has no thread of its own. [`Pool::enter`] makes a pool the one that
/// the loops of this thread use; entering costs nothing until a loop is large enough to be split.
#[derive(Debug)]
pub struct Pool(Option<Arc<Team>>);

thread_local! {
    /// The pool that was entered: none (rayon's current one is used), one of one thread, or one of several.
    static ENTERED: RefCell<Option<Option<Arc<Team>>>> = const { RefCell::new(None) };
}

/// Restores the pool that was entered before when dropped.
#[derive(Debug)]
#[must_use]
pub struct Entered(Option<Option<Arc<Team>>>);

/// Number of cores that this process may use.
pub fn available() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Pool {
    /// A pool of this many threads, at least one.
    ///
    /// # Errors
    /// When the threads can't be started.
    pub fn new(threads: usize) -> Result<Pool, rayon::ThreadPoolBuildError> {
        if threads <= 1 {
            return Ok(Pool(None));
        }
        Ok(Pool(Some(Team::new(threads - 1)?)))
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        1 + self.0.as_ref().map_or(0, |team| team.threads())
    }

    /// Lets the loops of this thread use this pool while the guard lives.
    pub fn enter(&self) -> Entered {
        Entered(ENTERED.replace(Some(self.0.clone())))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        ENTERED.set(self.0.take());
    }
}

/// True when `chunks` chunks are worth the pool.
fn inline(chunks: usize) -> bool {
    chunks <= 1 || threads() == 1
}

/// Threads that share the loops of this one. What a loop gives must not depend on it.
pub fn threads() -> usize {
    ENTERED.with_borrow(|entered| match entered {
        None => rayon::current_num_threads(),
        Some(None) => 1,
        Some(Some(team)) => 1 + team.threads(),
    })
}

/// Calls `task` with each index below `count`, on the pool that this thread entered or rayon's current one.
///
/// The one place where rayon is called: as it knows no closure types, its machinery is compiled once and not for every loop.
fn spread(count: usize, task: &(dyn Fn(usize) + Sync)) {
    let mode = denormal::mode();
    let Some(team) = ENTERED.with_borrow(|entered| entered.clone().flatten()) else {
        return (0..count).into_par_iter().with_max_len(1).for_each(|index| {
            let _guard = denormal::enter(mode);
            task(index);
        });
    };
    shared_loop::run(&team, count, &|index| {
        // Loops inside of a task would wait for threads that are busy with the others.
        let _alone = Entered(ENTERED.replace(Some(None)));
        let _guard = denormal::enter(mode);
        task(index);
    });
}

/// Calls `f` with each item, each call a task of its own.
fn spread_items<I: Send>(items: impl Iterator<Item = I>, f: impl Fn(I) + Sync) {
    let items: Vec<_> = items.map(|item| Mutex::new(Some(item))).collect();
    spread(items.len(), &|index| {
        let item = items[index].lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(item) = item {
            f(item);
        }
    });
}

/// Calls `f` with each of `count` items, each call a task of its own.
pub fn for_items<I: Send>(count: usize, items: impl Iterator<Item = I> + Send, f: impl Fn(I) + Sync) {
    if inline(count) {
        return items.for_each(f);
    }
    spread_items(items, f);
}

/// Calls `f(index)` for each index below `count`, each call a task of its own.
pub fn for_each(count: usize, f: impl Fn(usize) + Sync) {
    each(count, &f);
}

// What follows takes closures as objects, so that each is compiled once and not for every way of calling it.
#[inline(never)]
fn each(count: usize, f: &(dyn Fn(usize) + Sync)) {
    if inline(count) {
        return (0..count).for_each(f);
    }
    spread(count, f);
}

/// Calls `f` on the consecutive ranges of at most `grain` items that make up `0..len`.
pub fn for_chunks(len: usize, grain: usize, f: impl Fn(Range<usize>) + Sync) {
    for_each(chunk_count(len, grain), |index| f(chunk(index, len, grain)));
}

/// The results of `f` on the ranges of [`for_chunks`], in order.
pub fn map_chunks<R: Send>(len: usize, grain: usize, f: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
    map_ranges(len, grain, &f)
}

#[inline(never)]
fn map_ranges<R: Send>(len: usize, grain: usize, f: &(dyn Fn(Range<usize>) -> R + Sync)) -> Vec<R> {
    let count = chunk_count(len, grain);
    if inline(count) {
        return (0..count).map(|index| f(chunk(index, len, grain))).collect();
    }
    let mut results: Vec<Option<R>> = Vec::new();
    results.resize_with(count, || None);
    spread_items(results.iter_mut().enumerate(), |(index, result)| {
        *result = Some(f(chunk(index, len, grain)));
    });
    results.into_iter().flatten().collect()
}

/// Calls `f(offset, chunk)` on consecutive chunks of `out` of at most `grain` items.
///
/// ```
/// let mut squares = [0; 5];
/// savedmodel_math::par::for_chunks_mut(&mut squares, 2, |offset, chunk| {
///     chunk.iter_mut().enumerate().for_each(|(i, x)| *x = (offset + i) * (offset + i));
/// });
/// assert_eq!(squares, [0, 1, 4, 9, 16]);
/// ```
pub fn for_chunks_mut<T: Send>(out: &mut [T], grain: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    chunks_mut(out, grain, &f);
}

#[inline(never)]
fn chunks_mut<T: Send>(out: &mut [T], grain: usize, f: &(dyn Fn(usize, &mut [T]) + Sync)) {
    let grain = grain.max(1);
    let count = chunk_count(out.len(), grain);
    let chunks = out.chunks_mut(grain).enumerate();
    let call = |(index, chunk): (usize, &mut [T])| f(index * grain, chunk);
    if inline(count) {
        return chunks.for_each(call);
    }
    spread_items(chunks, call);
}

/// Calls `f(offset, a chunk, b chunk)` on matching chunks of two outputs of equal length.
///
/// # Panics
/// When the lengths differ.
pub fn for_chunks_mut2<T: Send, U: Send>(
    a: &mut [T],
    b: &mut [U],
    grain: usize,
    f: impl Fn(usize, &mut [T], &mut [U]) + Sync,
) {
    chunks_mut2(a, b, grain, &f);
}

/// What [`for_chunks_mut2`] calls.
type PairTask<'a, T, U> = dyn Fn(usize, &mut [T], &mut [U]) + Sync + 'a;

#[inline(never)]
fn chunks_mut2<T: Send, U: Send>(a: &mut [T], b: &mut [U], grain: usize, f: &PairTask<'_, T, U>) {
    assert_eq!(a.len(), b.len());
    let grain = grain.max(1);
    let count = chunk_count(a.len(), grain);
    let chunks = a.chunks_mut(grain).zip(b.chunks_mut(grain)).enumerate();
    let call = |(index, (a, b)): (usize, (&mut [T], &mut [U]))| f(index * grain, a, b);
    if inline(count) {
        return chunks.for_each(call);
    }
    spread_items(chunks, call);
}

/// Calls `f(out chunk, a chunk)` on matching chunks of an output and an input of equal length.
///
/// # Panics
/// When the lengths differ.
pub fn for_zip<T: Send, A: Sync>(out: &mut [T], a: &[A], grain: usize, f: impl Fn(&mut [T], &[A]) + Sync) {
    assert_eq!(out.len(), a.len());
    for_chunks_mut(out, grain, |offset, chunk| {
        let range = offset..offset + chunk.len();
        f(chunk, &a[range]);
    });
}

/// Calls `f(out chunk, a chunk, b chunk)` on matching chunks of an output and two inputs of equal length.
///
/// # Panics
/// When the lengths differ.
pub fn for_zip2<T: Send, A: Sync, B: Sync>(
    out: &mut [T],
    a: &[A],
    b: &[B],
    grain: usize,
    f: impl Fn(&mut [T], &[A], &[B]) + Sync,
) {
    assert!(out.len() == a.len() && out.len() == b.len());
    for_chunks_mut(out, grain, |offset, chunk| {
        let range = offset..offset + chunk.len();
        f(chunk, &a[range.clone()], &b[range]);
    });
}

/// Calls `f(first row, rows)` on chunks of `grain_rows` whole rows of `out`; does nothing when a row is empty.
///
/// # Panics
/// When `out` is not a whole number of rows.
pub fn for_rows_mut<T: Send>(
    out: &mut [T],
    row_len: usize,
    grain_rows: usize,
    f: impl Fn(usize, &mut [T]) + Sync,
) {
    if row_len == 0 || out.is_empty() {
        return;
    }
    assert_eq!(out.len() % row_len, 0);
    let grain = row_len.saturating_mul(grain_rows.max(1));
    for_chunks_mut(out, grain, |offset, rows| f(offset / row_len, rows));
}

/// Runs both closures, perhaps at the same time, and returns both results.
pub fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    if inline(2) {
        return (a(), b());
    }
    let (a, b) = (Mutex::new(Once::Before(a)), Mutex::new(Once::Before(b)));
    spread(2, &|index| if index == 0 { Once::run(&a) } else { Once::run(&b) });
    (Once::result(a), Once::result(b))
}

/// A closure before it ran, and its result after.
enum Once<F, R> {
    Before(F),
    Running,
    After(R),
}

impl<R, F: FnOnce() -> R> Once<F, R> {
    fn run(cell: &Mutex<Once<F, R>>) {
        let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
        if let Once::Before(f) = std::mem::replace(&mut *cell, Once::Running) {
            *cell = Once::After(f());
        }
    }

    fn result(cell: Mutex<Once<F, R>>) -> R {
        match cell.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Once::After(result) => result,
            Once::Before(_) | Once::Running => unreachable!("every index of a loop is visited"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_pool<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
    }

    #[test]
    fn chunks_do_not_depend_on_threads() {
        for (len, grain, want) in [
            (0, 4, vec![]),
            (3, 4, vec![(0, 3)]),
            (8, 4, vec![(0, 4), (4, 8)]),
            (9, 4, vec![(0, 4), (4, 8), (8, 9)]),
            (2, 0, vec![(0, 1), (1, 2)]),
            (5, usize::MAX, vec![(0, 5)]),
        ] {
            for threads in [1, 2, 3] {
                assert_eq!(
                    in_pool(threads, || map_chunks(len, grain, |r| (r.start, r.end))),
                    want,
                    "{len} {grain} {threads}"
                );
            }
        }
    }

    #[test]
    fn every_item_is_visited_once() {
        for threads in [1, 3] {
            let (mut a, mut b) = (vec![0; 1001], vec![0; 1001]);
            let input: Vec<usize> = (0..1001).collect();
            in_pool(threads, || {
                for_chunks_mut2(&mut a, &mut b, 10, |offset, a, b| {
                    a.iter_mut().zip(b).enumerate().for_each(|(i, (a, b))| (*a, *b) = (offset + i, 1));
                });
                assert_eq!(a, input);
                assert_eq!(b, vec![1; 1001]);
                for_zip2(&mut b, &input, &a, 7, |out, x, y| {
                    out.iter_mut().zip(x).zip(y).for_each(|((o, x), y)| *o += x + y);
                });
                assert!(b.iter().enumerate().all(|(i, &v)| v == 1 + 2 * i));
                for_rows_mut(&mut a, 7, 2, |row, rows| rows.fill(row));
                assert!(a.iter().enumerate().all(|(i, &v)| v == i / 14 * 2));
            });
        }
    }

    #[test]
    fn tasks_inherit_the_denormal_mode() {
        in_pool(3, || {
            let _guard = denormal::flush();
            let want = denormal::mode();
            assert!(map_chunks(64, 1, |_| denormal::mode() == want).into_iter().all(|same| same));
        });
    }
}
