//! Rows picked from tables that are larger than the caches.

use crate::simd::{self, Isa, Kernel};

/// How many rows before its turn a row is asked for.
const AHEAD: usize = 12;
/// Floats of a cache line.
const LINE: usize = 16;
/// Columns that are summed in registers at a time.
const BLOCK: usize = 64;

/// `out = scale * (table[rows[0]] + table[rows[1]] + …)`, for rows as long as `out`; zeros for no rows.
///
/// `next` tells which rows are likely to be wanted soon.
///
/// # Panics
/// When the table has no such row.
///
/// ```
/// let table = [1.0, 2.0, 10.0, 20.0, 100.0, 200.0];
/// let mut out = [0.0; 2];
/// savedmodel_math::rows::sum(&table, (&[0, 2], &[]), 0.5, &mut out);
/// assert_eq!(out, [50.5, 101.0]);
/// ```
pub fn sum(table: &[f32], (rows, next): (&[usize], &[usize]), scale: f32, out: &mut [f32]) {
    let width = out.len();
    if width == 0 {
        return;
    }
    for start in (0..width).step_by(BLOCK) {
        let end = (start + BLOCK).min(width);
        simd::dispatch(Sum { table, width, start, rows, next, scale, out: &mut out[start..end] });
    }
}

struct Sum<'a> {
    table: &'a [f32],
    width: usize,
    start: usize,
    rows: &'a [usize],
    next: &'a [usize],
    scale: f32,
    out: &'a mut [f32],
}

impl Kernel for Sum<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Sum { table, width, start, rows, next, scale, out } = self;
        let count = out.len();
        let mut sums = [0.0_f32; BLOCK];
        for (i, &row) in rows.iter().enumerate() {
            let later = rows.get(i + AHEAD).or_else(|| next.get((i + AHEAD).wrapping_sub(rows.len())));
            if let Some(later) = later {
                (0..count).step_by(LINE).for_each(|at| prefetch(table, later * width + start + at));
            }
            match table[row * width + start..][..count].as_array::<BLOCK>() {
                Some(row) => (0..BLOCK).for_each(|i| sums[i] += row[i]),
                None => {
                    sums.iter_mut().zip(&table[row * width + start..][..count]).for_each(|(sum, x)| *sum += x)
                }
            }
        }
        out.iter_mut().zip(&sums).for_each(|(out, sum)| *out = sum * scale);
    }
}

/// Asks for the cache line of an element, if there is such an element.
#[inline(always)]
fn prefetch(table: &[f32], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(element) = table.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of x86-64, and a prefetch never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (table, at);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::testing::at_each_level;

    #[test]
    fn sums_of_rows() {
        at_each_level(|level| {
            for width in [1, 7, 64, 65, 200] {
                let table: Vec<f32> = (0..30 * width).map(|i| (i % 97) as f32).collect();
                for count in [0, 1, 5, 40] {
                    let rows: Vec<usize> = (0..count).map(|i| i * 7 % 30).collect();
                    let mut out = vec![9.0; width];
                    sum(&table, (&rows, &[29, 0]), 0.5, &mut out);
                    for (j, got) in out.iter().enumerate() {
                        let want: f32 = rows.iter().map(|row| table[row * width + j]).sum();
                        assert_eq!(*got, want * 0.5, "{level:?} {width} {count} {j}");
                    }
                }
            }
        });
    }
}
