//! Pixels as single precision, in which images are computed.

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
