//! Positions of the largest and smallest elements.

use super::element::Element;
use super::fold::Value;
use crate::par;
use crate::simd::{self, Isa, Kernel};
use half::{bf16, f16};

/// Columns compared at a time.
const TILE: usize = 256;
const NS: f64 = 0.4;

/// An element type with an order, and the values no element is below or above.
pub trait Ordered: Element<Self::Wide> {
    /// The type in which elements are compared.
    type Wide: Value + PartialOrd;
    /// No value of the type is smaller, but NaN and -inf.
    const LOWEST: Self::Wide;
    /// No value of the type is larger, but NaN and inf.
    const HIGHEST: Self::Wide;
}

macro_rules! ordered {
    ($($t:ty as $wide:ty: $lowest:expr, $highest:expr;)*) => {$(
        impl Ordered for $t {
            type Wide = $wide;
            const LOWEST: Self::Wide = $lowest;
            const HIGHEST: Self::Wide = $highest;
        }
    )*};
}

ordered! {
    f32 as f32: f32::MIN, f32::MAX;
    f64 as f64: f64::MIN, f64::MAX;
    f16 as f32: -65_504.0, 65_504.0;
    bf16 as f32: -3.389_531_4e38, 3.389_531_4e38;
    i8 as i64: i8::MIN as i64, i8::MAX as i64;
    i16 as i64: i16::MIN as i64, i16::MAX as i64;
    i32 as i32: i32::MIN, i32::MAX;
    i64 as i64: i64::MIN, i64::MAX;
    u8 as u64: 0, u8::MAX as u64;
    u16 as u64: 0, u16::MAX as u64;
    u32 as u64: 0, u32::MAX as u64;
    u64 as u64: 0, u64::MAX;
    bool as u64: 0, 1;
}

/// Whether `x` goes before `best` in the order of positions: the largest first, or the smallest.
#[inline(always)]
fn better<const LARGEST: bool, W: PartialOrd>(x: W, best: W) -> bool {
    if LARGEST { x > best } else { x < best }
}

/// The index along `middle` of the largest element, the first among equals; NaN never is the largest.
///
/// # Panics
/// When `src` or `dst` does not have the size of its axes, or `middle` is zero and `dst` is not empty.
pub fn argmax<T: Ordered>(src: &[T], axes: [usize; 3], dst: &mut [i64]) {
    arg::<true, T>(src, axes, dst, T::LOWEST);
}

/// The index along `middle` of the smallest element, the first among equals; NaN never is the smallest.
///
/// # Panics
/// When `src` or `dst` does not have the size of its axes, or `middle` is zero and `dst` is not empty.
pub fn argmin<T: Ordered>(src: &[T], axes: [usize; 3], dst: &mut [i64]) {
    arg::<false, T>(src, axes, dst, T::HIGHEST);
}

fn arg<const LARGEST: bool, T: Ordered>(
    src: &[T],
    [outer, middle, inner]: [usize; 3],
    dst: &mut [i64],
    worst: T::Wide,
) {
    assert_eq!(Some(src.len()), outer.checked_mul(middle).and_then(|n| n.checked_mul(inner)));
    assert_eq!(Some(dst.len()), outer.checked_mul(inner));
    assert!(middle > 0 || dst.is_empty());
    let slab = middle * inner;
    let grain = (par::grain(NS) / slab.max(1)).max(1);
    if inner == 1 {
        return par::for_chunks_mut(dst, grain, |first, dst| {
            for (dst, row) in dst.iter_mut().zip(src[first * middle..].chunks_exact(middle)) {
                *dst = arg_row::<LARGEST, T>(row, worst);
            }
        });
    }
    par::for_rows_mut(dst, inner, grain, |first, dst| {
        for (dst, slab) in dst.chunks_exact_mut(inner).zip(src[first * slab..].chunks_exact(slab)) {
            for (index, dst) in dst.chunks_mut(TILE).enumerate() {
                arg_tile::<LARGEST, T>(&slab[index * TILE..], inner, dst, worst);
            }
        }
    });
}

/// The best element of each block first, then its position in the one block that matters.
fn arg_row<const LARGEST: bool, T: Ordered>(row: &[T], worst: T::Wide) -> i64 {
    let mut buffer = [T::FILL; TILE];
    let (mut best, mut at) = (worst, None);
    for (index, block) in row.chunks(TILE).enumerate() {
        let candidate = simd::dispatch_narrow(Best::<LARGEST, _>(T::load(block, &mut buffer), worst));
        if better::<LARGEST, _>(candidate, best) {
            (best, at) = (candidate, Some(index));
        }
    }
    let Some(index) = at else { return 0 };
    let block = &row[index * TILE..row.len().min((index + 1) * TILE)];
    let position = T::load(block, &mut buffer).iter().position(|x| *x == best);
    (index * TILE + position.unwrap_or(0)) as i64
}

struct Best<'a, const LARGEST: bool, W>(&'a [W], W);

impl<const LARGEST: bool, W: Copy + PartialOrd> Kernel for Best<'_, LARGEST, W> {
    type Output = W;
    #[inline(always)]
    fn run<I: Isa>(self) -> W {
        const LANES: usize = 32;
        let better = better::<LARGEST, W>;
        let mut lanes = [self.1; LANES];
        let (chunks, rest) = self.0.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                lanes[lane] = if better(chunk[lane], lanes[lane]) { chunk[lane] } else { lanes[lane] };
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane = if better(x, *lane) { x } else { *lane };
        }
        lanes.into_iter().fold(self.1, |best, x| if better(x, best) { x } else { best })
    }
}

fn arg_tile<const LARGEST: bool, T: Ordered>(slab: &[T], inner: usize, dst: &mut [i64], worst: T::Wide) {
    let len = dst.len();
    let (mut best, mut buffer) = ([worst; TILE], [T::FILL; TILE]);
    dst.fill(0);
    for (index, row) in slab.chunks(inner).enumerate().filter(|(_, row)| row.len() >= len) {
        let row = T::load(&row[..len], &mut buffer);
        simd::dispatch_narrow(Better::<LARGEST, _>(row, &mut best[..len], dst, index as i64));
    }
}

struct Better<'a, const LARGEST: bool, W>(&'a [W], &'a mut [W], &'a mut [i64], i64);

impl<const LARGEST: bool, W: Copy + PartialOrd> Kernel for Better<'_, LARGEST, W> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for ((&x, best), at) in self.0.iter().zip(self.1).zip(self.2) {
            let wins = better::<LARGEST, W>(x, *best);
            *best = if wins { x } else { *best };
            *at = if wins { self.3 } else { *at };
        }
    }
}
