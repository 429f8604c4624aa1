//! What the matrix unit can do at most.

use super::super::tile::{Tile, Tiled};
use super::multiply::Entered;
use super::{Line, Operands, PARTS, SIDE, STEP, Sums, Written};

/// Multiplies the same cached tiles over and over, of numbers that are split or rounded, and gives the operations of products that
/// took; `None` where there is no unit.
pub fn multiply_cached(times: usize, is_split: bool) -> Option<usize> {
    const STEPS: usize = 16;
    let unit = f32::unit()?;
    let _entered = Entered::new(unit);
    let parts = if is_split { PARTS } else { 1 };
    // Ones and their like: of zeros, the unit would be faster than of anything else.
    let line = |row: usize| Line(std::array::from_fn(|i| 0x3f80 + ((row * 7 + i * 13) % 64) as u16));
    let [a, b] =
        [1, 2].map(|seed| (0..2 * parts * STEPS * SIDE).map(|row| line(row * seed)).collect::<Vec<_>>());
    let steps: Vec<usize> = (0..STEPS).map(|step| step * parts * SIDE * STEP).collect();
    let operands = Operands {
        is_split,
        a: a.as_ptr().cast(),
        a_tiles: [0, STEPS * parts * SIDE * STEP],
        a_steps: steps.as_ptr(),
        a_between: [STEP, SIDE * STEP],
        is_shared: true,
        b: b.as_ptr(),
        b_lines: [1, 2 * parts * SIDE, parts * SIDE],
        steps: STEPS,
        has_second: [true; 2],
        ahead: (std::ptr::null(), 0),
    };
    let mut c = vec![0.0_f32; 4 * SIDE * SIDE];
    let tile = Tile {
        runs: (std::ptr::null(), 0),
        a: std::ptr::null(),
        a_stride: 0,
        b: std::ptr::null(),
        b_stride: 0,
        ahead: (std::ptr::null(), 0),
        c: c.as_mut_ptr(),
        c_stride: 2 * SIDE,
        columns: 2 * SIDE,
        accumulate: false,
        bias: std::ptr::null(),
        residual: std::ptr::null(),
        lo: f32::NEG_INFINITY,
        hi: f32::INFINITY,
    };
    let [mut last, mut next] = [Sums([[[0.0; SIDE]; SIDE]; 4]); 2];
    for _ in 0..times {
        let written = Written { sums: &last, tile: &tile, rows: [SIDE; 2] };
        // SAFETY: the thread has entered; A and B hold two tiles of each step and part, and C is as large as the tile.
        unsafe { (unit.multiply)(&operands, &mut next, Some(written)) };
        std::mem::swap(&mut last, &mut next);
    }
    std::hint::black_box(&mut c);
    Some(times * 2 * STEPS * STEP * c.len())
}
