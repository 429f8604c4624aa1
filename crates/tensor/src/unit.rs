//! What an element is in memory, for operators that move elements without looking at them.

use bytes::Bytes;

use crate::Variant;

/// The kinds of memory unit: plain ones by width, and the two that are shared pointers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnitKind {
    /// One byte.
    U8,
    /// Two bytes.
    U16,
    /// Four bytes.
    U32,
    /// Eight bytes.
    U64,
    /// Sixteen bytes.
    U128,
    /// A string.
    Bytes,
    /// A variant, or a resource handle.
    Variant,
}

impl UnitKind {
    /// Bytes per unit; `None` for pointers.
    pub fn size(self) -> Option<usize> {
        match self {
            UnitKind::U8 => Some(1),
            UnitKind::U16 => Some(2),
            UnitKind::U32 => Some(4),
            UnitKind::U64 => Some(8),
            UnitKind::U128 => Some(16),
            UnitKind::Bytes | UnitKind::Variant => None,
        }
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A type that stands for all dtypes of one memory unit.
///
/// Data movement (gather, transpose, concat, pad …) is compiled once per unit, not once per dtype:
/// see [`Tensor::units`](crate::Tensor::units) and [`by_unit!`](crate::by_unit).
pub trait Unit: sealed::Sealed + Clone + Default + Send + Sync + 'static {
    /// Which unit this is.
    const KIND: UnitKind;
}

macro_rules! units {
    ($($type:ty => $kind:ident;)*) => {
        $(impl sealed::Sealed for $type {}
        impl Unit for $type { const KIND: UnitKind = UnitKind::$kind; })*
    };
}

units! {
    u8 => U8; u16 => U16; u32 => U32; u64 => U64; [u64; 2] => U128;
    Bytes => Bytes; Variant => Variant;
}

/// Runs an expression with a type name bound to the memory unit of a dtype.
///
/// ```
/// use savedmodel_tensor::{by_unit, DType, Tensor, Unit};
/// fn first<U: Unit>(t: &Tensor) -> usize { t.units::<U>().unwrap().len() }
/// let t = Tensor::from_vec([2], vec![1.0_f32, 2.0]).unwrap();
/// assert_eq!(by_unit!(t.dtype(), U => first::<U>(&t)), 2);
/// ```
#[macro_export]
macro_rules! by_unit {
    ($dtype:expr, $unit:ident => $body:expr) => {
        $crate::by_width!($dtype, $unit => $body, else match $dtype.unit() {
            $crate::UnitKind::Bytes => {
                type $unit = $crate::Bytes;
                $body
            }
            _ => {
                type $unit = $crate::Variant;
                $body
            }
        })
    };
}

/// [`by_unit!`](crate::by_unit) for an expression of a result, where dtypes are plain: of shared pointers it is an error, or what follows `else`, and
/// the expression is not compiled for them.
#[macro_export]
macro_rules! by_width {
    ($dtype:expr, $unit:ident => $body:expr) => {
        $crate::by_width!($dtype, $unit => $body, else Err($crate::Error::internal("no plain dtype")))
    };
    ($dtype:expr, $unit:ident => $body:expr, else $pointers:expr) => {
        match $dtype.unit() {
            $crate::UnitKind::U8 => {
                type $unit = u8;
                $body
            }
            $crate::UnitKind::U16 => {
                type $unit = u16;
                $body
            }
            $crate::UnitKind::U32 => {
                type $unit = u32;
                $body
            }
            $crate::UnitKind::U64 => {
                type $unit = u64;
                $body
            }
            $crate::UnitKind::U128 => {
                type $unit = [u64; 2];
                $body
            }
            $crate::UnitKind::Bytes | $crate::UnitKind::Variant => $pointers,
        }
    };
}
