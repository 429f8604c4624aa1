//! Rows of pixels in single precision, in which images are computed.

use std::ops::Range;

use savedmodel_math::narrow::Narrow;
use savedmodel_tensor::{Element, bf16, f16};

/// A number that pixels may have.
pub trait Pixel: Element {
    /// `src` in single precision: itself, or converted into `room`, which is as long.
    fn singles<'a>(src: &'a [Self], room: &'a mut [f32]) -> &'a [f32];
}

impl Pixel for f32 {
    fn singles<'a>(src: &'a [f32], _: &'a mut [f32]) -> &'a [f32] {
        src
    }
}

macro_rules! narrow {
    ($($type:ty)*) => {
        $(impl Pixel for $type {
            fn singles<'a>(src: &'a [$type], room: &'a mut [f32]) -> &'a [f32] {
                <$type>::widen(src, room);
                room
            }
        })*
    };
}

macro_rules! wide {
    ($($type:ty)*) => {
        $(impl Pixel for $type {
            fn singles<'a>(src: &'a [$type], room: &'a mut [f32]) -> &'a [f32] {
                room.iter_mut().zip(src).for_each(|(x, &pixel)| *x = pixel as f32);
                room
            }
        })*
    };
}

narrow!(f16 bf16);
wide!(f64 i8 i16 i32 i64 u8 u16);

/// Rows of images of any dtype; what reads them is compiled once.
pub trait Rows: Sync {
    /// The numbers `part` of row `at`, in single precision; `room` is for what must be converted.
    ///
    /// # Panics
    /// When there is no such row or part.
    fn part<'a>(&'a self, at: usize, part: Range<usize>, room: &'a mut Vec<f32>) -> &'a [f32];
}

/// Images whose rows have `row` numbers.
pub struct Images<'a, T> {
    pixels: &'a [T],
    row: usize,
}

impl<'a, T> Images<'a, T> {
    /// Images, row after row.
    pub fn new(pixels: &'a [T], row: usize) -> Images<'a, T> {
        Images { pixels, row }
    }
}

impl<T: Pixel> Rows for Images<'_, T> {
    fn part<'a>(&'a self, at: usize, part: Range<usize>, room: &'a mut Vec<f32>) -> &'a [f32] {
        let row = &self.pixels[at * self.row..][..self.row];
        room.resize(part.len(), 0.0);
        T::singles(&row[part], room)
    }
}
