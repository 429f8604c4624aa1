//! Codes: integers of a few bits that stand for floats.

use savedmodel_tensor::{Element, Qint8, Qint16, Qint32, Quint8, Quint16, Shape};

/// A quantised type.
pub trait Code: Element {
    /// The lowest value.
    const LOWEST: i32;
    /// The highest value.
    const HIGHEST: i32;
    /// Number of bits.
    const BITS: u32;

    /// The code of the low bits of an integer.
    fn of(value: i32) -> Self;

    /// The integer that it stands for.
    fn value(self) -> i32;
}

macro_rules! codes {
    ($($t:ident($inner:ty);)*) => {$(
        impl Code for $t {
            const LOWEST: i32 = <$inner>::MIN as i32;
            const HIGHEST: i32 = <$inner>::MAX as i32;
            const BITS: u32 = <$inner>::BITS;
            #[inline(always)]
            fn of(value: i32) -> $t {
                $t(value as $inner)
            }
            #[inline(always)]
            fn value(self) -> i32 {
                self.0.into()
            }
        }
    )*};
}

codes! { Qint8(i8); Quint8(u8); Qint16(i16); Quint16(u16); Qint32(i32); }

/// What is added to codes so that the lowest is zero.
pub fn half_range<T: Code>() -> f32 {
    if T::LOWEST == 0 { 0.0 } else { (T::HIGHEST as f32 - T::LOWEST as f32 + 1.0) / 2.0 }
}

/// Where slices along an axis lie: their number, and how many elements of one are adjacent.
#[derive(Clone, Copy)]
pub struct Slices {
    /// Number of slices.
    pub count: usize,
    /// Adjacent elements of one slice.
    pub inner: usize,
}

impl Slices {
    /// Along `axis`, which exists, or the whole for none.
    pub fn of(shape: &Shape, axis: Option<usize>) -> Slices {
        match axis {
            None => Slices { count: 1, inner: shape.elements() },
            Some(axis) => Slices { count: shape[axis], inner: shape[axis + 1..].iter().product() },
        }
    }

    /// Calls `f(slice, part of src, part of dst)` for all adjacent elements.
    pub fn each<A, B>(self, src: &[A], dst: &mut [B], mut f: impl FnMut(usize, &[A], &mut [B])) {
        let inner = self.inner.max(1);
        for (i, (src, dst)) in src.chunks(inner).zip(dst.chunks_mut(inner)).enumerate() {
            f(i % self.count, src, dst);
        }
    }
}
