//! Places in the order of numbers, so that elements of all types are sorted as whole numbers.

use savedmodel_tensor::{Element, bf16, f16};

/// A number with a place among those of its type.
pub trait Ranked: Element + PartialOrd {
    /// Smaller for what comes first: equal for equal numbers, and the largest for NaN in both directions.
    fn rank(self, descending: bool) -> u64;
}

macro_rules! floats {
    ($($t:ty: $wide:ty, $bits:ty;)*) => {$(
        impl Ranked for $t {
            fn rank(self, descending: bool) -> u64 {
                // Zeros of both signs are one number.
                let x = <$wide>::from(self) + 0.0;
                if x.is_nan() {
                    return <$bits>::MAX.into();
                }
                let bits = x.to_bits();
                let rank = if x.is_sign_negative() { !bits } else { bits | !(<$bits>::MAX >> 1) };
                (if descending { !rank } else { rank }).into()
            }
        }
    )*};
}

floats! { f32: f32, u32; f64: f64, u64; f16: f32, u32; bf16: f32, u32; }

macro_rules! integers {
    ($($t:ty: $bits:ty;)*) => {$(
        impl Ranked for $t {
            fn rank(self, descending: bool) -> u64 {
                let rank = (self as $bits).wrapping_sub(<$t>::MIN as $bits);
                (if descending { !rank } else { rank }).into()
            }
        }
    )*};
}

integers! { i8: u8; i16: u16; i32: u32; i64: u64; u8: u8; u16: u16; u32: u32; u64: u64; }

/// Ranks of the elements of a row with their positions, in one number each.
pub enum Places {
    /// Both fit 32 bits.
    Narrow(Vec<u64>),
    /// They don't.
    Wide(Vec<u128>),
}

impl Places {
    /// Those of a row.
    pub fn of<T: Ranked>(row: &[T], descending: bool) -> Places {
        let ranks = row.iter().map(|x| x.rank(descending)).zip(0_u64..);
        if size_of::<T>() > 4 || u32::try_from(row.len()).is_err() {
            Places::Wide(ranks.map(|(rank, i)| u128::from(rank) << 64 | u128::from(i)).collect())
        } else {
            Places::Narrow(ranks.map(|(rank, i)| rank << 32 | i).collect())
        }
    }

    /// Writes all positions in order.
    pub fn sort(self, positions: &mut [i32]) {
        match self {
            Places::Narrow(mut places) => {
                places.sort_unstable();
                positions.iter_mut().zip(places).for_each(|(position, place)| *position = place as i32);
            }
            Places::Wide(mut places) => {
                places.sort_unstable();
                positions.iter_mut().zip(places).for_each(|(position, place)| *position = place as i32);
            }
        }
    }

    /// The position of the element at place `n`.
    pub fn nth(self, n: usize) -> usize {
        match self {
            Places::Narrow(mut places) => *places.select_nth_unstable(n).1 as u32 as usize,
            Places::Wide(mut places) => *places.select_nth_unstable(n).1 as usize,
        }
    }
}
