//! Numbers rounded to bfloat16, or split in three of them.

use std::arch::x86_64::*;

use super::super::blocks::{Line, PARTS, SIDE, STEP};

/// Numbers between these have three parts that are not denormal: the bits of their nearest bfloat16 without the sign, doubled.
const LEAST: u16 = (127 - 100) << 8;
const MOST: u16 = (127 + 126) << 8;

/// Numbers seen so far, by those bits: the largest, and the least but 0, less one.
struct Seen(__m512i, __m512i);

impl Seen {
    #[target_feature(enable = "avx512f,avx512bw")]
    fn new() -> Seen {
        Seen(_mm512_setzero_si512(), _mm512_set1_epi16(-1))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn see(&mut self, nearest: __m512i) {
        let doubled = _mm512_add_epi16(nearest, nearest);
        self.0 = _mm512_max_epu16(self.0, doubled);
        self.1 = _mm512_min_epu16(self.1, _mm512_add_epi16(doubled, _mm512_set1_epi16(-1)));
    }

    /// Whether the parts of all add up to them.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn are_whole(self) -> bool {
        let is_large = _mm512_cmpge_epu16_mask(self.0, _mm512_set1_epi16(MOST as i16));
        let is_small = _mm512_cmplt_epu16_mask(self.1, _mm512_set1_epi16(LEAST as i16));
        is_large | is_small == 0
    }
}

/// The three parts of `first` and `second`, side by side: half of the bits of a lane each.
// Written out: what `map` and its like call is not compiled for the instructions of this function.
#[inline]
#[target_feature(enable = "avx512f")]
fn split(first: __m512, second: __m512) -> [__m512i; PARTS] {
    let (first, second) = (parts(first), parts(second));
    [pair(first[0], second[0]), pair(first[1], second[1]), pair(first[2], second[2])]
}

/// The nearest bfloat16, the nearest to what is then left, and the rest, which has no more bits than one: as upper halves of lanes.
#[inline]
#[target_feature(enable = "avx512f")]
fn parts(x: __m512) -> [__m512; PARTS] {
    let high = nearest(x);
    let rest = _mm512_sub_ps(x, high);
    let middle = nearest(rest);
    [high, middle, _mm512_sub_ps(rest, middle)]
}

/// The nearest bfloat16, of two the one further from 0, as the upper half of each lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn nearest(x: __m512) -> __m512 {
    let more = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000));
    _mm512_castsi512_ps(_mm512_and_si512(more, _mm512_set1_epi32(0xffff_0000_u32 as i32)))
}

/// The upper halves of lanes, those of `low` below those of `up`.
#[inline]
#[target_feature(enable = "avx512f")]
fn pair(low: __m512, up: __m512) -> __m512i {
    let (low, up) = (_mm512_castps_si512(low), _mm512_castps_si512(up));
    _mm512_or_si512(up, _mm512_srli_epi32::<16>(low))
}

/// The first `count` lanes, or all.
pub fn first(count: usize) -> __mmask16 {
    ((1_u32 << count.min(SIDE)) - 1) as __mmask16
}

/// See [`Unit::split_row`].
///
/// # Panics
/// When the lines do not reach so far.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub fn split_row(row: &[f32], lines: &mut [Line], [step, part]: [usize; 2]) -> bool {
    let mut seen = Seen::new();
    for (index, numbers) in row.chunks(STEP).enumerate() {
        let load = |from: usize| {
            let count = numbers.len().saturating_sub(from);
            // SAFETY: only the first `count` numbers are read.
            unsafe { _mm512_maskz_loadu_ps(first(count), numbers.as_ptr().wrapping_add(from)) }
        };
        let (low, up) = (load(0), load(SIDE));
        let [high, middle, rest] = split(low, up);
        seen.see(high);
        store(&mut lines[index * step], high);
        store(&mut lines[index * step + part], middle);
        store(&mut lines[index * step + 2 * part], rest);
    }
    seen.are_whole()
}

/// See [`Unit::round_row`].
///
/// # Panics
/// When the lines do not reach so far.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub fn round_row(row: &[f32], lines: &mut [Line], step: usize) {
    for (index, numbers) in row.chunks(STEP).enumerate() {
        let load = |from: usize| {
            let count = numbers.len().saturating_sub(from);
            // SAFETY: only the first `count` numbers are read.
            unsafe { _mm512_maskz_loadu_ps(first(count), numbers.as_ptr().wrapping_add(from)) }
        };
        let rounded = _mm512_cvtne2ps_pbh(load(SIDE), load(0));
        // SAFETY: registers of 64 bytes may be seen as integers.
        store(&mut lines[index * step], unsafe { std::mem::transmute::<__m512bh, __m512i>(rounded) });
    }
}

/// See [`Unit::split_panel`].
///
/// # Panics
/// When there are not as many rows and lines.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub fn split_panel(panel: &[f32], depth: usize, lines: &mut [Line]) -> bool {
    let mut seen = Seen::new();
    let pairs = depth.div_ceil(STEP) * SIDE;
    assert!(panel.len() >= depth * 2 * SIDE && lines.len() >= 2 * PARTS * pairs);
    let (from, to) = (panel.as_ptr(), lines.as_mut_ptr());
    for pair in 0..pairs {
        let row = pair / SIDE * STEP + pair % SIDE;
        for half in 0..2 {
            // SAFETY: rows below `depth` lie in the panel, and of others nothing is read; lines were bounded above.
            unsafe {
                let low =
                    _mm512_maskz_loadu_ps(lanes(row < depth), from.wrapping_add((2 * row + half) * SIDE));
                let row = row + SIDE;
                let up =
                    _mm512_maskz_loadu_ps(lanes(row < depth), from.wrapping_add((2 * row + half) * SIDE));
                let [high, middle, rest] = split(low, up);
                seen.see(high);
                let to = to.add((pair / SIDE * 2 + half) * PARTS * SIDE + pair % SIDE);
                _mm512_store_si512(to.cast(), high);
                _mm512_store_si512(to.add(SIDE).cast(), middle);
                _mm512_store_si512(to.add(2 * SIDE).cast(), rest);
            }
        }
    }
    seen.are_whole()
}

/// See [`Unit::join_panel`].
///
/// # Panics
/// When there are not as many lines and rows.
#[target_feature(enable = "avx512f")]
pub fn join_panel(lines: &[Line], depth: usize, panel: &mut [f32]) {
    for (at, x) in panel.chunks_exact_mut(SIDE).take(2 * depth).enumerate() {
        let (p, half) = (at / 2, at % 2);
        let first = (2 * (p / STEP) + half) * PARTS * SIDE + p % SIDE;
        let is_up = p % STEP >= SIDE;
        let high = half_of(&lines[first], is_up);
        let middle = half_of(&lines[first + SIDE], is_up);
        let rest = half_of(&lines[first + 2 * SIDE], is_up);
        let joined = _mm512_add_ps(high, _mm512_add_ps(middle, rest));
        // SAFETY: as many numbers are written as `x` has.
        unsafe { _mm512_storeu_ps(x.as_mut_ptr(), joined) };
    }
}

/// The numbers in the upper halves of lanes, or in the others.
#[inline]
#[target_feature(enable = "avx512f")]
fn half_of(line: &Line, is_up: bool) -> __m512 {
    // SAFETY: a line has as many bytes as a register, and lies at a multiple of that.
    let lanes = unsafe { _mm512_load_si512((&raw const *line).cast()) };
    _mm512_castsi512_ps(if is_up {
        _mm512_and_si512(lanes, _mm512_set1_epi32(0xffff_0000_u32 as i32))
    } else {
        _mm512_slli_epi32::<16>(lanes)
    })
}

/// All lanes or none.
fn lanes(all: bool) -> __mmask16 {
    (all as __mmask16).wrapping_neg()
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(line: &mut Line, bits: __m512i) {
    // SAFETY: a line has as many bytes as a register, and lies at a multiple of that.
    unsafe { _mm512_store_si512((&raw mut *line).cast(), bits) };
}
